"""A fleet that watches the simulated Zoho, in the process, and a desk for it; nothing is kept."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from zbtui.alerts.desk import AlertDesk
from zbtui.clock import Clock, SystemClock
from zbtui.config_rules import CONFIG_RULES
from zbtui.core.org import Org, Policy
from zbtui.core.secret import Secret, SignIn
from zbtui.core.settings import AlertSettings, Keep, Settings
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.core.verdict import Level
from zbtui.demo.person import DemoPerson
from zbtui.demo.server import serve_in_process
from zbtui.demo.world import InventedOrg, World
from zbtui.demo.zoho import Simulator
from zbtui.onboard import Desk, Household
from zbtui.parts import make_fleet
from zbtui.store.config import Config
from zbtui.store.journal import Journal, open_journal
from zbtui.store.memory import MemoryConfig, MemoryCredentials
from zbtui.watch.fleet import Fleet
from zbtui.zoho.http import Http

_EVERY = timedelta(seconds=5)
_NEAR_EVERY = timedelta(seconds=2)
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=1)
_FLOOR = timedelta(seconds=3)
_SETTINGS = Settings(AlertSettings(least=Level.CRITICAL, bell=False), Keep(most_events=5000))
"""Invented troubles come fast: they ring no bell, only the worst are told, and of all that changed less
is kept, for it is kept in memory."""

_NOTICE = "Demo: all invented. Type no real credentials here."


@asynccontextmanager
async def open_demo(
    orgs: int = 0,
    speed: float = 1.0,
    seed: int = 0,
    clock: Clock | None = None,
    journal: Journal | None = None,
) -> AsyncIterator[tuple[Fleet, Desk, AlertDesk]]:
    """The demo's fleet, a desk where invented orgs can be put under watch, and its alerts.

    Args:
        orgs: how many; 0: the hand-made ones.
        speed: how fast they live, and are polled.
        seed: for the orgs beyond the hand-made ones, and for the jitter.
    """
    clock = clock or SystemClock()
    simulator = Simulator(World(clock.now(), orgs, speed, seed), clock.now)
    simulator.device_floor = _FLOOR
    credentials = DemoCredentials(simulator)
    invented = list(simulator.world.orgs.values())
    for org in invented:
        credentials.sign_in(org)
    orgs_watched = tuple(watched(org) for org in invented)
    config = MemoryConfig(Config(demo_policy(speed), orgs_watched, _SETTINGS), CONFIG_RULES)
    journal = journal or open_journal(None)
    try:
        async with Http(serve_in_process(simulator)) as http:
            household = Household(config, credentials, journal)
            fleet = make_fleet(
                config.load(),
                http,
                credentials,
                journal,
                clock,
                reload=config.reload,
                luck=random.Random(seed),
            )
            person = DemoPerson(simulator, http, config, clock)
            desk = Desk(household, http, clock, _FLOOR, person.examples, person.open_page, _NOTICE)
            yield fleet, desk, AlertDesk(journal, http, clock, fleet.settings.alerts)
    finally:
        await journal.close()


def demo_policy(speed: float) -> Policy:
    """Looks as often as the orgs live fast."""
    every = min(max(_EVERY / speed, _SHORTEST), _LONGEST)
    return Policy(every, min(max(_NEAR_EVERY / speed, _SHORTEST), every))


def watched(org: InventedOrg) -> Org:
    """An invented org, as the config would have it."""
    return Org(org.name, org.data_center, org.client_id)


class DemoCredentials(MemoryCredentials):
    """Credentials of a keyring that is locked while an org is at `KEYRING`."""

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self.simulator = simulator

    def sign_in(self, org: InventedOrg) -> None:
        self._sign_ins[org.name] = SignIn(Secret(org.client_secret), Secret(org.refresh_token))

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        org = self.simulator.world.orgs.get(org_name)
        if org and self.simulator.kind(org) == "KEYRING":
            raise TroubleError(Trouble("keyring", "The keyring is locked.", "Unlock it."))
        return await super().read_sign_in(org_name)
