"""Three orgs under watch, with something between the first of them and its Zoho that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.faults.relay import Relay
from tests.faults.secret_search import SecretSearch
from tests.support.fake_clock import FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server, sign_in_of
from zbtui.config.settings import Config
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.verdict import Level, Verdict
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.tui.views.panel import render_panel
from zbtui.watch.fleet import Fleet
from zbtui.wiring import make_fleet
from zbtui.zoho import http as room
from zbtui.zoho.http import HttpClient

FAULTY_ORG, HEALTHY_ORGS = "nordlys", ("fjord", "tamarind")
ALL_ORGS = (FAULTY_ORG, *HEALTHY_ORGS)
FAILED_POLLS_UNTIL_UNKNOWN = 3
"""That fail before an org counts as one that cannot be looked at."""


@dataclass
class FleetEnvironment:
    """The orgs, and what they are watched through."""

    simulator_server: SimulatorServer
    clock: FakeClock
    fleet: Fleet
    relay: Relay
    secret_search: SecretSearch

    async def poll(self, *names: str) -> dict[str, Snapshot]:
        """One look at each (of none: at all), at the same time, a while after the one before."""
        self.clock.jump_wall_clock(timedelta(minutes=1))
        return {one.org.name: one for one in await self.fleet.poll_once(names or ALL_ORGS)}

    def verdict(self, snapshot: Snapshot) -> Verdict:
        return judge(snapshot, self.fleet.policy, self.clock.now())

    def panel_text(self, snapshot: Snapshot) -> str:
        """The words of its panel, as a person reads them."""
        lines = render_panel(snapshot, self.verdict(snapshot), self.clock.now(), 76)
        rows = ["".join(piece for piece, _ in line).strip("│╭╮╰╯─ ") for line in lines]
        shown = " ".join(" ".join(rows).split())
        self.secret_search.displayed_texts += [shown, repr(snapshot)]
        return shown


@contextmanager
def run_large_simulator_server(clock: FakeClock) -> Iterator[SimulatorServer]:
    with run_simulator_server(make_simulator(clock, orgs=240)) as served:
        yield served


def neighbors_of(port: SimulatorServer) -> list[str]:
    """Orgs that live where the first one does, all of them well."""
    every = port.simulator.world.orgs
    there = every[FAULTY_ORG].data_center
    crowd = [org.name for org in every.values() if org.data_center == there and org.name not in ALL_ORGS]
    port.simulator.forced_kinds |= dict.fromkeys(crowd, "SCHEDULED")
    return crowd


@asynccontextmanager
async def fleet_environment(
    port: SimulatorServer,
    clock: FakeClock,
    secret_search: SecretSearch,
    relay: Callable[[str], Relay] = Relay,
    neighbors: Iterable[str] = (),
) -> AsyncIterator[FleetEnvironment]:
    """Args:
    relay: makes what stands between the first org and its Zoho, which is at the address it is given.
    crowd: more orgs beyond the same relay.
    """
    credentials = MemoryCredentialStore()
    async with relay(port.org(FAULTY_ORG).api_url or "") as between, HttpClient() as http:
        beyond = [port.org(name) for name in (FAULTY_ORG, *neighbors)]
        orgs = [replace(org, accounts_url=between.url, api_url=between.url) for org in beyond]
        orgs += [port.org(name) for name in HEALTHY_ORGS]
        for org in orgs:
            await credentials.write_sign_in(org.name, sign_in_of(port.simulator.world.all_orgs[org.name]))
        fleet = make_fleet(Config(WatchPolicy(), tuple(orgs)), http, credentials, MemoryJournal(), clock)
        yield FleetEnvironment(port, clock, fleet, between, secret_search)


@contextmanager
def short_timeouts() -> Iterator[None]:
    """The client's time limits are shorter than they are, for what is never answered."""
    with pytest.MonkeyPatch.context() as sooner:
        sooner.setattr(room, "CONNECT_SECONDS", 1.0)
        sooner.setattr(room, "READ_SECONDS", 0.3)
        sooner.setattr(room, "TOTAL_SECONDS", 0.3)
        yield


async def assert_fault_is_survived(
    scene: FleetEnvironment, fault: AbstractAsyncContextManager[object], word: str, panel_says: str
) -> None:
    """While `fault` lasts it is told, and harms nobody else; after it all is well again by itself.

    Args:
        word: on the badge of the org's panel, once it counts as one that cannot be looked at.
        says: in its panel.
    """
    before = (await scene.poll())[FAULTY_ORG]
    assert scene.verdict(before).level is Level.OK
    async with fault:
        for look in range(FAILED_POLLS_UNTIL_UNKNOWN):
            with short_timeouts():
                seen = await scene.poll()
            verdict = scene.verdict(seen[FAULTY_ORG])
            assert verdict.stale or verdict.level is Level.UNKNOWN, f"green after look {look}"
            assert seen[FAULTY_ORG].zoho.backup == before.zoho.backup
            assert all(seen[name].polls.problem is None for name in HEALTHY_ORGS)
        panel = scene.panel_text(seen[FAULTY_ORG])
        assert verdict.badge == word, panel
        assert panel_says in panel
    after = (await scene.poll())[FAULTY_ORG]
    assert after.polls.problem is None, after.polls.problem
    assert scene.verdict(after).level is Level.OK
    assert word not in scene.panel_text(after)
