"""The app driven by Pilot on a fake clock; tests set the answers of its fleet's polls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from textual.pilot import Pilot
from textual.timer import Timer, TimerCallback

from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import good_observation, make_backup
from zbtui.alerts.dispatcher import AlertDispatcher
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config, Settings
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy
from zbtui.onboarding import OrgService, Stores
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import Journal
from zbtui.store.screen_memory import ScreenMemory
from zbtui.tui.app import ZbtuiApp
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.views.org_list_view import OrgListView
from zbtui.watch.fleet import Fleet
from zbtui.zoho.http import HttpClient


class FakeZoho:
    """A fake Zoho: the answer of each org, and the polls so far."""

    def __init__(self) -> None:
        self.answers: dict[str, Observation | Problem] = {}
        self.polled_orgs: list[str] = []
        self.hanging_orgs: set[str] = set()

    def set_answer(self, name: str, **keys: object) -> None:
        self.answers[name] = good_observation(make_backup(**keys))

    def open_poll(self, org: Org) -> Callable[[Snapshot], object]:
        async def poll(before: Snapshot) -> Observation:
            self.polled_orgs.append(org.name)
            if org.name in self.hanging_orgs:
                await asyncio.Event().wait()
            answer = self.answers.get(org.name) or good_observation(make_backup())
            if isinstance(answer, Problem):
                raise ProblemError(answer)
            return answer

        return poll


@dataclass
class AppDriver:
    """A running app, and the parts that tests control."""

    app: ZbtuiApp
    pilot: Pilot[str]
    fleet: Fleet
    clock: FakeClock
    zoho: FakeZoho

    async def advance(self, seconds: float = 1) -> None:
        """Let time go by, and the app tick once at its end."""
        await self.clock.advance(seconds)
        await self.pilot.pause()
        self.app.tick()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await run_until_idle()
        await self.pilot.pause()

    @property
    def screen(self) -> FleetScreen:
        assert isinstance(self.app.screen, FleetScreen)
        return self.app.screen

    @property
    def view(self) -> OrgListView:
        return self.screen.view

    @property
    def order(self) -> list[str]:
        """The orgs' names as shown."""
        return self.screen.org_list.order

    @property
    def screen_text(self) -> str:
        """Every line of the screen."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text[:width] for strip in lines[:height])


class ManualTickApp(ZbtuiApp):
    """An app that ticks only at a test's request: a busy machine must not add ticks."""

    def set_interval(
        self,
        interval: float,
        callback: TimerCallback | None = None,
        *,
        name: str | None = None,
        repeat: int = 0,
        pause: bool = False,
    ) -> Timer:
        return Timer(
            self, interval, name=name, callback=callback, repeat=repeat, pause=True
        )  # never started


def make_org_service(config: Config, journal: Journal, clock: FakeClock) -> OrgService:
    """An org service without a Zoho: network requests fail."""
    return OrgService(
        Stores(MemoryConfigStore(config), MemoryCredentialStore(), journal), HttpClient(), clock
    )


def make_alert_dispatcher(org_service: OrgService, config: Config | None = None) -> AlertDispatcher:
    settings = (config or Config()).settings.alerts
    return AlertDispatcher(org_service.stores.journal, org_service.http, org_service.clock, settings)


@asynccontextmanager
async def drive_app(
    names: Iterable[str | Org] = ("acme",),
    zoho: FakeZoho | None = None,
    size: tuple[int, int] = (80, 24),
    journal: Journal | None = None,
    reload: Callable[[], Config | None] = lambda: None,
    policy: WatchPolicy | None = None,
    settings: Settings | None = None,
    mute: bool = False,
    memory: ScreenMemory | None = None,
    show_toasts: bool = False,
) -> AsyncIterator[AppDriver]:
    clock, zoho, journal = FakeClock(), zoho or FakeZoho(), journal or MemoryJournal()
    orgs = tuple(one if isinstance(one, Org) else Org(one, "eu", "1000.ABC", mute=mute) for one in names)
    config = Config(policy or WatchPolicy(), orgs, settings or Settings())
    fleet = Fleet(config, zoho.open_poll, journal, clock)  # type: ignore[arg-type]
    watcher = ConfigWatcher(config, reload)
    watcher.subscribe(fleet.apply)
    org_service = make_org_service(config, journal, clock)
    dispatcher = make_alert_dispatcher(org_service, config)
    app = ManualTickApp(watcher, fleet, org_service, dispatcher, memory=memory)
    async with app.run_test(size=size, notifications=show_toasts) as pilot:
        driven = AppDriver(app, pilot, fleet, clock, zoho)
        await pilot.pause()
        if isinstance(app.screen, FleetScreen):
            await driven.advance()
        yield driven
    await journal.close()
