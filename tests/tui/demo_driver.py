"""The demo's app, driven by keys; sign-ins go to the simulated Zoho."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.widgets import Button, Input, Static

from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.tui.app_driver import ManualTickApp
from zbtui.demo.demo_session import DemoCredentialStore, open_demo
from zbtui.demo.simulator import Simulator
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod
from zbtui.model.secret import SignInCredentials
from zbtui.onboarding import OrgService
from zbtui.tui.app import ZbtuiApp
from zbtui.tui.forms.sign_in_pages import SignInPage
from zbtui.tui.forms.sign_in_screen import SignInScreen
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.watch.fleet import Fleet

NEW_ORG_NAME = "heron"
"""The name that the demo fills into the first form."""


@dataclass
class DemoDriver:
    """The app of a running demo."""

    app: ZbtuiApp
    pilot: Pilot[str]
    fleet: Fleet
    org_service: OrgService
    clock: FakeClock

    @property
    def simulator(self) -> Simulator:
        return self.credentials.simulator

    @property
    def credentials(self) -> DemoCredentialStore:
        credentials = self.org_service.stores.credentials
        assert isinstance(credentials, DemoCredentialStore)
        return credentials

    def org(self, name: str) -> Org | None:
        return next((org for org in self.org_service.orgs() if org.name == name), None)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.wait_until_idle()

    async def type(self, text: str) -> None:
        """Replace the text of the focused field."""
        focused = self.app.focused
        assert isinstance(focused, Input)
        focused.value = text
        await self.wait_until_idle()

    async def advance(self, seconds: int = 1) -> None:
        for _ in range(seconds):
            await self.clock.advance(1)
            await self.wait_until_idle()
            self.app.tick()
            await self.wait_until_idle()

    async def advance_without_ticks(self, seconds: int) -> None:
        """Let `seconds` pass, with a single tick at the end."""
        await self.clock.advance(seconds - 1)
        await self.advance()

    async def wait_until_idle(self) -> None:
        await run_until_idle()
        await self.pilot.pause()

    async def click(self, button: str, seconds: int = 0) -> None:
        """Click a button, and let `seconds` pass."""
        self.app.screen.query_one(f"#{button}", Button).press()
        await self.wait_until_idle()
        await self.advance(seconds)

    @property
    def screen_text(self) -> str:
        """Every line of the screen."""
        width, height = self.app.size
        return "\n".join(
            strip.text[:width] for strip in self.app.screen._compositor.render_strips()[:height]
        )

    async def read_sign_in(self, name: str) -> SignInCredentials | None:
        """The sign-in credentials of the org with this name, whatever its identity."""
        kept = self.credentials._sign_ins
        return next((sign_in for key, sign_in in kept.items() if key[0] == name), None)

    # The form

    @property
    def form(self) -> SignInScreen:
        assert isinstance(self.app.screen, SignInScreen)
        return self.app.screen

    @property
    def page(self) -> str:
        return self.form.current_page

    @property
    def form_problem(self) -> str:
        """The problem that the form shows, or empty."""
        wrong = self.app.screen.query_one("#wrong", Static)
        return str(wrong.content) if wrong.display else ""

    async def fill(self, **values: str) -> None:
        page = self.form.query_one(f"#{self.page}", SignInPage)
        for key, text in values.items():
            page.field(key).value = text
        await self.wait_until_idle()

    async def choose_method(self, method: SignInMethod) -> None:
        """Go from the page of methods to that of the client."""
        assert self.page == "way"
        await self.press("home", *["down"] * SIGN_IN_METHODS.index(method), "enter")
        assert self.page == "client", self.form_problem

    async def open_form(self, method: SignInMethod) -> None:
        """Open the form and go to the page of the client, filled in by the demo."""
        await self.press("a")
        await self.click("next")
        await self.choose_method(method)

    @property
    def is_closed(self) -> bool:
        return isinstance(self.app.screen, FleetScreen)


@asynccontextmanager
async def drive_demo(size: tuple[int, int] = (100, 40), orgs: int = 3) -> AsyncIterator[DemoDriver]:
    clock = FakeClock()
    async with open_demo(orgs, speed=0.01, clock=clock, journal=MemoryJournal()) as watch:
        app, fleet, org_service = ManualTickApp(*watch), watch.fleet, watch.org_service
        async with app.run_test(size=size) as pilot:
            driven = DemoDriver(app, pilot, fleet, org_service, clock)
            await driven.advance(2)
            yield driven
        await org_service.finish_tasks()  # as the command line does at its end


async def finish_sign_in(driven: DemoDriver) -> None:
    """Go from the page of the client to a live panel."""
    await driven.click("next")
    await driven.advance_without_ticks(12)
    assert driven.page == "found", driven.screen_text
    await driven.click("next")
    await driven.advance(3)


def has_left_nothing(driven: DemoDriver) -> bool:
    """Whether nothing of the new org is left in config or keyring, or at Zoho."""
    org = driven.simulator.world.unwatched_orgs[NEW_ORG_NAME]
    tokens = driven.simulator.accounts.refresh_tokens
    left = [token for token, source in tokens.items() if source.org is org and token != org.refresh_token]
    credentials = driven.credentials
    kept = NEW_ORG_NAME in {name for name, _ in (*credentials._sign_ins, *credentials._access_tokens)}
    return driven.org(NEW_ORG_NAME) is None and not kept and not left
