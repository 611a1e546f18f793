"""The app on a fleet whose looks a test answers, driven by Pilot on a clock that a test moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.timer import Timer, TimerCallback

from tests.support.build import make_backup
from tests.support.clock import FakeClock, settle
from tests.support.notebook import Notebook
from zbtui.alerts.desk import AlertDesk
from zbtui.config.config_store import MemoryConfig
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config, Settings
from zbtui.core.org import Org, Policy
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.onboard import Desk, Household
from zbtui.store.journal import Journal
from zbtui.store.memory import MemoryCredentials
from zbtui.store.screen_memory import ScreenMemory
from zbtui.tui.app import ZbtuiApp
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.widgets.tile_view import TileView
from zbtui.watch.fleet import Fleet
from zbtui.zoho.http import Http


class Zoho:
    """What each org answers, and how often it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Looked | Trouble] = {}
        self.asked: list[str] = []
        self.hanging: set[str] = set()

    def says(self, name: str, **keys: object) -> None:
        self.answers[name] = Looked(make_backup(**keys))

    def opener(self, org: Org) -> Callable[[Snapshot], object]:
        async def look(before: Snapshot) -> Looked:
            self.asked.append(org.name)
            if org.name in self.hanging:
                await asyncio.Event().wait()
            answer = self.answers.get(org.name) or Looked(make_backup())
            if isinstance(answer, Trouble):
                raise TroubleError(answer)
            return answer

        return look


@dataclass
class Driven:
    """A running app and all that a test needs to steer it."""

    app: ZbtuiApp
    pilot: Pilot[str]
    fleet: Fleet
    clock: FakeClock
    zoho: Zoho

    async def advance(self, seconds: float = 1) -> None:
        """Let time go by, and the app tick once at its end."""
        await self.clock.advance(seconds)
        await self.pilot.pause()
        self.app.tick()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await settle()
        await self.pilot.pause()

    @property
    def screen(self) -> FleetScreen:
        assert isinstance(self.app.screen, FleetScreen)
        return self.app.screen

    @property
    def view(self) -> TileView:
        return self.screen.view

    @property
    def order(self) -> list[str]:
        """The orgs' names as shown."""
        return self.screen.roster.order

    @property
    def screen_text(self) -> str:
        """Every line of the screen, as a person reads it."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in lines[:height])


class StillApp(ZbtuiApp):
    """Ticks only when a test has it tick: a busy machine must not put one in between."""

    def set_interval(
        self,
        interval: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        repeat: int = 0,
        pause: bool = False,
    ) -> Timer:
        return Timer(self, interval, name=name, callback=callback, repeat=repeat, pause=True)  # unstarted


def make_desk(config: Config, journal: Journal, clock: FakeClock) -> Desk:
    """A desk without a Zoho behind it: whoever asks it over the network fails."""
    return Desk(Household(MemoryConfig(config), MemoryCredentials(), journal), Http(), clock)


def make_alerts(desk: Desk, config: Config | None = None) -> AlertDesk:
    settings = (config or Config()).settings.alerts
    return AlertDesk(desk.household.journal, desk.http, desk.clock, settings)


@asynccontextmanager
async def driving(
    names: Iterable[str | Org] = ("acme",),
    zoho: Zoho | None = None,
    size: tuple[int, int] = (80, 24),
    journal: Journal | None = None,
    reload: Callable[[], Config | None] = lambda: None,
    policy: Policy | None = None,
    settings: Settings | None = None,
    mute: bool = False,
    memory: ScreenMemory | None = None,
    toasts: bool = False,
) -> AsyncIterator[Driven]:
    clock, zoho, journal = FakeClock(), zoho or Zoho(), journal or Notebook()
    orgs = tuple(one if isinstance(one, Org) else Org(one, "eu", "1000.ABC", mute=mute) for one in names)
    config = Config(policy or Policy(), orgs, settings or Settings())
    fleet = Fleet(config, zoho.opener, journal, clock)  # type: ignore[arg-type]
    watcher = ConfigWatcher(config, reload)
    watcher.subscribe(fleet.apply)
    desk = make_desk(config, journal, clock)
    app = StillApp(watcher, fleet, desk, make_alerts(desk, config), memory=memory)
    async with app.run_test(size=size, notifications=toasts) as pilot:
        driven = Driven(app, pilot, fleet, clock, zoho)
        await pilot.pause()
        if isinstance(app.screen, FleetScreen):
            await driven.advance()
        yield driven
    await journal.close()
