"""The demo: a watch over the simulated Zoho, in one process; nothing is stored."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from zbtui.clock import Clock, SystemClock
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Config, JournalRetention, Settings
from zbtui.demo.replay import ReplayClock, replaying_simulator
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulated_user import SimulatedUser
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import InventedOrg, SimulatedWorld
from zbtui.doctor.capture import read_capture
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import WatchPolicy
from zbtui.onboarding import OrgService, Stores
from zbtui.store.credentials import MemoryCredentialStore, credentials_key
from zbtui.store.journal import Journal, open_journal
from zbtui.wiring import Watch, make_watch
from zbtui.zoho.http import HttpClient

_EVERY = timedelta(seconds=5)
_NEAR_EVERY = timedelta(seconds=2)
_MIN_INTERVAL, _MAX_INTERVAL = timedelta(seconds=1), timedelta(days=1)
_MIN_DEVICE_POLL_INTERVAL = timedelta(seconds=3)
_SETTINGS = Settings(AlertSettings(least=Level.CRITICAL, bell=False), JournalRetention(most_events=5000))
"""The demo's settings. Invented problems are frequent, so they ring no bell, and only critical ones give
alerts. Few events are kept, as the journal is in memory."""

_NOTICE = "Demo: all invented. Type no real credentials here."


@asynccontextmanager
async def open_demo(
    orgs: int = 0,
    speed: float = 1.0,
    seed: int = 0,
    clock: Clock | None = None,
    journal: Journal | None = None,
    replay: str | None = None,
) -> AsyncIterator[Watch]:
    """Yield a watch over the demo's invented orgs; the user can add more orgs.

    Args:
        orgs: the number of orgs; 0 for the hand-made ones.
        speed: how many times as fast the orgs' phases pass; the orgs are polled more often, too.
        seed: determines the generated orgs and the jitter of the polls.
        replay: a file of `doctor --capture`; the demo then has one org, with the answers in that file.

    Raises a `ProblemError` if the file in `replay` cannot be read.
    """
    clock = clock or SystemClock()
    if replay:
        capture = read_capture(Path(replay))
        clock = ReplayClock(capture, clock)
        simulator = replaying_simulator(capture, clock)
    else:
        simulator = Simulator(SimulatedWorld(clock.now(), orgs, speed, seed), clock.now)
    simulator.min_device_poll_interval = _MIN_DEVICE_POLL_INTERVAL
    credentials = DemoCredentialStore(simulator)
    invented = list(simulator.world.orgs.values())
    for org in invented:
        credentials.add_sign_in(org)
    orgs_watched = tuple(watched_org(org) for org in invented)
    config = MemoryConfigStore(Config(demo_watch_policy(speed), orgs_watched, _SETTINGS))
    journal = journal or open_journal(None)
    try:
        async with HttpClient(serve_in_process(simulator)) as http:
            stores = Stores(config, credentials, journal)
            user = SimulatedUser(simulator, http, config, clock)
            by_user = user.form_examples, user.open_in_browser
            service = OrgService(stores, http, clock, _MIN_DEVICE_POLL_INTERVAL, *by_user, _NOTICE)
            yield make_watch(service, config.load(), random.Random(seed))
    finally:
        await journal.close()


def demo_watch_policy(speed: float) -> WatchPolicy:
    """Return the demo's intervals between polls, which are shorter at a higher speed."""
    every = min(max(_EVERY / speed, _MIN_INTERVAL), _MAX_INTERVAL)
    return WatchPolicy(every, min(max(_NEAR_EVERY / speed, _MIN_INTERVAL), every))


def watched_org(org: InventedOrg) -> Org:
    """Return the config entry of an invented org."""
    return Org(org.name, org.data_center, org.client_id)


class DemoCredentialStore(MemoryCredentialStore):
    """Simulates a keyring that is locked for an org while the org's phase is of the kind `KEYRING`."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self.simulator = simulator

    def add_sign_in(self, org: InventedOrg) -> None:
        self._sign_ins[credentials_key(watched_org(org))] = SignInCredentials(
            Secret(org.client_secret), Secret(org.refresh_token)
        )

    async def read_sign_in(self, org: Org) -> SignInCredentials | None:
        invented = self.simulator.world.orgs.get(org.name)
        if invented and self.simulator.kind_of(invented) == "KEYRING":
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))
        return await super().read_sign_in(org)
