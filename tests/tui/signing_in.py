"""The demo's app, driven by keys: whoever signs in there signs in to the simulated Zoho."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from tests.support.clock import FakeClock, settle
from tests.support.notebook import Notebook
from tests.tui.driving import StillApp
from zbtui.core.org import WAYS, Org, Way
from zbtui.demo.household import DemoCredentials, open_demo
from zbtui.demo.zoho import Simulator
from zbtui.onboard import Desk
from zbtui.tui.app import ZbtuiApp
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.screens.sign_in_screen import SignInScreen
from zbtui.tui.widgets.sign_in_pages import Page
from zbtui.watch.fleet import Fleet

NEWCOMER = "heron"
"""The org that the demo fills in first."""


@dataclass
class Demo:
    """A running demo."""

    app: ZbtuiApp
    pilot: Pilot[str]
    fleet: Fleet
    desk: Desk
    clock: FakeClock

    @property
    def simulator(self) -> Simulator:
        return self.credentials.simulator

    @property
    def credentials(self) -> DemoCredentials:
        credentials = self.desk.household.credentials
        assert isinstance(credentials, DemoCredentials)
        return credentials

    def org(self, name: str) -> Org | None:
        return next((org for org in self.desk.orgs() if org.name == name), None)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.rest()

    async def type(self, text: str) -> None:
        """Into the field that has the cursor, in place of what is there."""
        focused = self.app.focused
        assert isinstance(focused, Input)
        focused.value = text
        await self.rest()

    async def advance(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            await self.clock.advance(1)
            await self.rest()
            self.app.tick()
            await self.rest()

    async def leap(self, seconds: int) -> None:
        """As `advance`, with one look at the screen at the end."""
        await self.clock.advance(seconds - 1)
        await self.advance()

    async def rest(self) -> None:
        await settle()
        await self.pilot.pause()

    async def click(self, button: str) -> None:
        self.app.screen.query_one(f"#{button}", Button).press()
        await self.rest()

    @property
    def text(self) -> str:
        """Every line of the screen, as a person reads it."""
        width, height = self.app.size
        return "\n".join(
            strip.text[:width] for strip in self.app.screen._compositor.render_strips()[:height]
        )

    # The form

    @property
    def form(self) -> SignInScreen:
        assert isinstance(self.app.screen, SignInScreen)
        return self.app.screen

    @property
    def page(self) -> str:
        return self.form.page

    @property
    def wrong(self) -> str:
        """What the form says is wrong; empty: nothing."""
        wrong = self.app.screen.query_one("#wrong", Static)
        return str(wrong.content) if wrong.display else ""

    async def fill(self, **values: str) -> None:
        page = self.form.query_one(f"#{self.page}", Page)
        for key, text in values.items():
            page.field(key).value = text
        await self.rest()

    async def choose(self, way: Way) -> None:
        """From the page of the ways to the one of the client."""
        assert self.page == "way"
        await self.press("home", *["down"] * WAYS.index(way), "enter")
        assert self.page == "client", self.wrong

    async def open_form(self, way: Way) -> None:
        """To the page of the client, filled in as the demo does."""
        await self.press("a")
        await self.click("next")
        await self.choose(way)

    @property
    def is_closed(self) -> bool:
        return isinstance(self.app.screen, FleetScreen)


@asynccontextmanager
async def demo(size: tuple[int, int] = (100, 40), orgs: int = 3) -> AsyncIterator[Demo]:
    clock = FakeClock()
    async with open_demo(orgs, speed=0.01, clock=clock, journal=Notebook()) as watch:
        app, fleet, desk = StillApp(*watch), watch.fleet, watch.desk
        async with app.run_test(size=size) as pilot:
            driven = Demo(app, pilot, fleet, desk, clock)
            await driven.advance(2)
            yield driven
        await desk.finish()  # as the command line does


async def finish(driven: Demo) -> None:
    """From the page of the client to a live panel."""
    await driven.click("next")
    await driven.leap(12)
    assert driven.page == "found", driven.text
    await driven.click("next")
    await driven.advance(3)


def is_untouched(driven: Demo) -> bool:
    """Whether nothing of the newcomer is in the config or the keyring, nor stays at Zoho."""
    org = driven.simulator.world.newcomers[NEWCOMER]
    tokens = driven.simulator.accounts.refresh_tokens
    left = [token for token, source in tokens.items() if source.org is org and token != org.refresh_token]
    credentials = driven.credentials
    kept = NEWCOMER in credentials._sign_ins or NEWCOMER in credentials._accesses
    return driven.org(NEWCOMER) is None and not kept and not left
