"""The app on real stores (config, journal, log, keyring), with the simulated Zoho in the process.

A test moves the clock; threads and the keyring's daemon take real time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tests.faults.secret_search import SecretSearch
from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.secret_service import SecretService
from tests.support.simulator import sign_in_of
from tests.tui.app_driver import ManualTickApp
from zbtui.config.config_file import ConfigFile
from zbtui.demo.demo_session import watched_org
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.health.events import Event
from zbtui.onboarding import OrgService, Stores
from zbtui.store.journal import Journal, open_journal
from zbtui.store.keyring_credentials import KeyringCredentialStore
from zbtui.store.log import log_to_file
from zbtui.store.paths import Paths
from zbtui.store.screen_memory import ScreenMemory
from zbtui.tui.app import ZbtuiApp
from zbtui.wiring import make_watch
from zbtui.zoho.http import HttpClient

ORGS = ("nordlys", "fjord", "kestrel")
_STEP_WAIT_SECONDS = 0.3
"""Real seconds that keyring and journal get for each step."""
TIMEOUT_SECONDS = 30.0
"""Seconds to wait for other threads and processes."""


@dataclass
class LocalMachine:
    """All parts of the machine that the app runs on; tests break them."""

    home: Path
    keyring: SecretService
    secret_search: SecretSearch
    clock: FakeClock = field(default_factory=FakeClock)
    clock_error: timedelta = timedelta()
    """This machine's clock minus the right time."""

    def __post_init__(self) -> None:
        self.paths = Paths(self.home / "config" / "config.toml", self.home / "state" / "zbtui")
        world = SimulatedWorld(self.zoho_time(), 0, speed=0.0001)
        self.simulator = Simulator(world, self.zoho_time)
        self.simulator.forced_kinds |= dict.fromkeys(ORGS, "SCHEDULED")

    def zoho_time(self) -> datetime:
        """The right time, which Zoho's clock shows."""
        return self.clock.now() - self.clock_error

    @property
    def config_file(self) -> ConfigFile:
        return ConfigFile(self.paths.config, self.paths.locks / "config.lock")

    @property
    def credentials(self) -> KeyringCredentialStore:
        return KeyringCredentialStore(self.paths.locks)

    async def add_orgs(self) -> None:
        """Add the orgs as `zbtui add` does, with short poll intervals."""
        self.paths.config.parent.mkdir(parents=True, exist_ok=True)
        self.paths.config.write_text('[watch]\nevery = "15s"\nnear_every = "15s"\n')
        for name in ORGS:
            invented = self.simulator.world.all_orgs[name]
            self.config_file.add(watched_org(invented))
            await self.credentials.write_sign_in(watched_org(invented), sign_in_of(invented))

    def expire_token(self, name: str) -> None:
        """Have Zoho refuse the access token: the next one needs the keyring."""
        tokens = self.simulator.accounts.access_tokens
        for text in [text for text, token in tokens.items() if token.org.name == name]:
            del tokens[text]


@dataclass
class RunningApp:
    machine: LocalMachine
    app: ZbtuiApp
    pilot: Pilot[str]
    journal: Journal

    @property
    def screen_text(self) -> str:
        """The screen's text, in one line."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()[:height]
        shown = " ".join(" ".join(strip.text[:width] for strip in lines).split())
        self.machine.secret_search.displayed_texts.append(shown)
        return shown

    @property
    def toast_text(self) -> str:
        """The toasts' messages, one a line."""
        messages = "\n".join(note.message for note in self.app._notifications)
        self.machine.secret_search.displayed_texts.append(messages)
        return messages

    async def advance(self, seconds: float = 1) -> None:
        """Let time go by, and the app tick once at its end."""
        await self.machine.clock.advance(seconds)
        await self.pilot.pause()
        self.app.tick()
        await self.pilot.pause()

    async def wait_until(self, condition: Callable[[str], bool], step: float = 3.0) -> str:
        """Advance until the screen meets `condition`: other threads take real time.

        Raises:
            AssertionError: the screen never does; the message has its text.
        """
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not condition(self.screen_text):
            assert time.monotonic() < deadline, f"still not on the screen: {self.screen_text}"
            await self.advance(step)
            await self.wait_for_polls(_STEP_WAIT_SECONDS)
        return self.screen_text

    async def wait_for_polls(self, patience: float = TIMEOUT_SECONDS) -> None:
        """Wait until no poll is under way, or for `patience` seconds; then tick.

        Without the wait, a test's clock outruns keyring and journal, which take real time.
        """
        deadline = time.monotonic() + patience
        await self.pilot.pause(0.005)
        while (
            any(one.activity.polling for one in self.app._fleet.snapshots) and time.monotonic() < deadline
        ):
            await self.pilot.pause(0.005)
        await self.advance(0)

    async def wait_for_text(self, *texts: str) -> str:
        return await self.wait_until(lambda shown: all(text in shown for text in texts))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await run_until_idle()
        await self.pilot.pause()

    async def assert_org_keeps_updating(self, name: str) -> None:
        """Assert that a change of this org at Zoho shows, and its end, too."""
        forced = self.machine.simulator.forced_kinds
        forced[name] = "FAILED"
        await self.wait_for_text("✖ FAILED", "✖ 1 critical")
        forced[name] = "COMPLETED"
        await self.wait_until(lambda shown: "FAILED" not in shown)

    def last_poll_times(self) -> list[datetime | None]:
        """When each org was last polled."""
        return [one.polls.attempted_at for one in self.app._fleet.snapshots]

    async def events(self, name: str) -> list[Event]:
        """The org's events in the journal."""
        return await self.journal.events.read(name, None)


@asynccontextmanager
async def run_app(machine: LocalMachine, size: tuple[int, int] = (160, 40)) -> AsyncIterator[RunningApp]:
    """The app, as `zbtui` starts it."""
    log_to_file(machine.paths.log)
    logger = logging.getLogger("zbtui")
    logger.setLevel(logging.DEBUG)
    config = machine.config_file.load()
    journal = open_journal(machine.paths.journal, machine.clock)
    memory = ScreenMemory(machine.paths.screen)
    try:
        async with HttpClient(serve_in_process(machine.simulator)) as http:
            stores = Stores(machine.config_file, machine.credentials, journal)
            org_service = OrgService(stores, http, machine.clock)
            app = ManualTickApp(*make_watch(org_service, config), memory=memory)
            async with app.run_test(size=size) as pilot:
                yield RunningApp(machine, app, pilot, journal)
            await org_service.finish_tasks()
            await memory.close()
    finally:
        await journal.close()
        _remove_log_handlers(logger)


def _remove_log_handlers(logger: Any) -> None:
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
