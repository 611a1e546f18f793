"""The app on this machine's own stores: config, journal, log and a real keyring, with Zoho in the process.

Time is a test's; threads and the keyring's daemon take their own.
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

from tests.faults.canary import Canaries
from tests.support.clock import FakeClock, settle
from tests.support.secret_service import SecretService
from tests.support.zoho import sign_in_of
from tests.tui.driving import StillApp
from zbtui.config.config_file import ConfigFile
from zbtui.core.event import Event
from zbtui.demo.household import watched
from zbtui.demo.server import serve_in_process
from zbtui.demo.world import World
from zbtui.demo.zoho import Simulator
from zbtui.onboard import Desk, Household
from zbtui.parts import make_watch
from zbtui.store.credentials import KeyringCredentials
from zbtui.store.journal import Journal, open_journal
from zbtui.store.log import log_to
from zbtui.store.paths import Paths
from zbtui.store.screen_memory import ScreenMemory
from zbtui.tui.app import ZbtuiApp
from zbtui.zoho.http import Http

ORGS = ("nordlys", "fjord", "kestrel")
_SOON = 0.3
"""Seconds that keyring and journal have for each step of the clock."""
PATIENCE = 30.0
"""Seconds that other threads and processes are given."""


@dataclass
class Machine:
    """Where the app runs: whatever can break of it is in here."""

    home: Path
    keyring: SecretService
    canaries: Canaries
    clock: FakeClock = field(default_factory=FakeClock)
    wrong_by: timedelta = timedelta()
    """This machine's clock minus the right time."""

    def __post_init__(self) -> None:
        self.paths = Paths(self.home / "config" / "config.toml", self.home / "state" / "zbtui")
        world = World(self.right_time(), 0, speed=0.0001)
        self.simulator = Simulator(world, self.right_time)
        self.simulator.forced |= dict.fromkeys(ORGS, "SCHEDULED")

    def right_time(self) -> datetime:
        """As Zoho has it."""
        return self.clock.now() - self.wrong_by

    @property
    def file(self) -> ConfigFile:
        return ConfigFile(self.paths.config, self.paths.locks / "config.lock")

    @property
    def credentials(self) -> KeyringCredentials:
        return KeyringCredentials(self.paths.locks)

    async def settle_in(self) -> None:
        """The orgs come under watch, as `zbtui add` leaves them, and are looked at often."""
        self.paths.config.parent.mkdir(parents=True, exist_ok=True)
        self.paths.config.write_text('[watch]\nevery = "15s"\nnear_every = "15s"\n')
        for name in ORGS:
            invented = self.simulator.world.every[name]
            self.file.add(watched(invented))
            await self.credentials.write_sign_in(name, sign_in_of(invented))

    def end_token(self, name: str) -> None:
        """Zoho takes the access token no more, and the keyring is needed for the next."""
        tokens = self.simulator.accounts.access_tokens
        for text in [text for text, token in tokens.items() if token.org.name == name]:
            del tokens[text]


@dataclass
class House:
    """The running app."""

    machine: Machine
    app: ZbtuiApp
    pilot: Pilot[str]
    journal: Journal

    @property
    def text(self) -> str:
        """All that stands on the screen, as words."""
        width, height = self.app.size
        lines = self.app.screen._compositor.render_strips()[:height]
        shown = " ".join(" ".join(strip.text[:width] for strip in lines).split())
        self.machine.canaries.shown.append(shown)
        return shown

    @property
    def toasts(self) -> str:
        """What they say, one above the other."""
        told = "\n".join(note.message for note in self.app._notifications)
        self.machine.canaries.shown.append(told)
        return told

    async def live(self, seconds: float = 1) -> None:
        """Let time go by, and the app tick once at its end."""
        await self.machine.clock.advance(seconds)
        await self.pilot.pause()
        self.app.tick()
        await self.pilot.pause()

    async def until(self, true: Callable[[str], bool], step: float = 3.0) -> str:
        """Live on until the screen is as wanted: other threads have their own time.

        Raises:
            AssertionError: it never was, with the screen as it is.
        """
        deadline = time.monotonic() + PATIENCE
        while not true(self.text):
            assert time.monotonic() < deadline, f"still not on the screen: {self.text}"
            await self.live(step)
            await self.answered(_SOON)
        return self.text

    async def answered(self, patience: float = PATIENCE) -> None:
        """The looks under way are over, or go on after so many seconds; the app has ticked since.

        Else the clock of a test runs away from keyring and journal, which have the machine's.
        """
        deadline = time.monotonic() + patience
        await self.pilot.pause(0.005)
        while (
            any(one.activity.polling for one in self.app._fleet.snapshots) and time.monotonic() < deadline
        ):
            await self.pilot.pause(0.005)
        await self.live(0)

    async def shows(self, *texts: str) -> str:
        return await self.until(lambda shown: all(text in shown for text in texts))

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await settle()
        await self.pilot.pause()

    async def others_go_on(self, name: str) -> None:
        """What changes at Zoho with this org shows, and that it changes back."""
        forced = self.machine.simulator.forced
        forced[name] = "FAILED"
        await self.shows("✖ FAILED", "✖ 1 critical")
        forced[name] = "SCHEDULED"
        await self.until(lambda shown: "FAILED" not in shown)

    def looked_at(self) -> list[datetime | None]:
        """When each of them was last looked at."""
        return [one.polls.attempted_at for one in self.app._fleet.snapshots]

    async def events(self, name: str) -> list[Event]:
        """What the journal keeps of it."""
        return await self.journal.events.read(name, None)


@asynccontextmanager
async def house(machine: Machine, size: tuple[int, int] = (160, 40)) -> AsyncIterator[House]:
    """The app, as `zbtui` starts it."""
    log_to(machine.paths.log)
    logger = logging.getLogger("zbtui")
    logger.setLevel(logging.DEBUG)
    config = machine.file.load()
    journal = open_journal(machine.paths.journal, machine.clock)
    memory = ScreenMemory(machine.paths.screen)
    try:
        async with Http(serve_in_process(machine.simulator)) as http:
            home = Household(machine.file, machine.credentials, journal)
            desk = Desk(home, http, machine.clock)
            app = StillApp(*make_watch(desk, config), memory=memory)
            async with app.run_test(size=size) as pilot:
                yield House(machine, app, pilot, journal)
            await desk.finish()
            await memory.close()
    finally:
        await journal.close()
        _end_log(logger)


def _end_log(logger: Any) -> None:
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
