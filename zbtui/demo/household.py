"""A fleet that watches the simulated Zoho, in the process, and keeps nothing."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from zbtui.core.org import Org, Policy
from zbtui.core.secret import Secret, SignIn
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.demo.server import serve_in_process
from zbtui.demo.world import InventedOrg, World
from zbtui.demo.zoho import Simulator
from zbtui.store.config import Config
from zbtui.store.journal import Journal, open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.watch.clock import Clock, SystemClock
from zbtui.watch.fleet import Fleet
from zbtui.watch.opening import open_fleet

_EVERY = timedelta(seconds=5)
_NEAR_EVERY = timedelta(seconds=2)
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(days=1)


@asynccontextmanager
async def open_demo(
    orgs: int = 0,
    speed: float = 1.0,
    seed: int = 0,
    clock: Clock | None = None,
    journal: Journal | None = None,
) -> AsyncIterator[Fleet]:
    """The demo's fleet.

    Args:
        orgs: how many; 0: the hand-made ones.
        speed: how fast they live, and are polled.
        seed: for the orgs beyond the hand-made ones, and for the jitter.
    """
    clock = clock or SystemClock()
    simulator = Simulator(World(clock.now(), orgs, speed, seed), clock.now)
    credentials = DemoCredentials(simulator)
    invented = list(simulator.world.orgs.values())
    for org in invented:
        credentials.sign_in(org)
    config = Config(demo_policy(speed), tuple(watched(org) for org in invented))
    async with open_fleet(
        config,
        credentials,
        journal or open_journal(None),
        clock,
        app=serve_in_process(simulator),
        luck=random.Random(seed),
    ) as fleet:
        yield fleet


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
        self._simulator = simulator

    def sign_in(self, org: InventedOrg) -> None:
        self._sign_ins[org.name] = SignIn(Secret(org.client_secret), Secret(org.refresh_token))

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        if self._simulator.kind(self._simulator.world.orgs[org_name]) == "KEYRING":
            raise TroubleError(Trouble("keyring", "The keyring is locked.", "Unlock it."))
        return await super().read_sign_in(org_name)
