"""Three orgs under watch; between the first one and Zoho is a relay that can fail."""

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
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.tui.views.panel import render_panel
from zbtui.watch.fleet import Fleet
from zbtui.wiring import make_fleet
from zbtui.zoho import http as http_module
from zbtui.zoho.http import HttpClient

FAULTY_ORG, HEALTHY_ORGS = "nordlys", ("fjord", "tamarind")
ALL_ORGS = (FAULTY_ORG, *HEALTHY_ORGS)
FAILED_POLLS_UNTIL_UNKNOWN = 3
"""Failed polls in a row that make an org unknown."""


@dataclass
class FleetEnvironment:
    """The fleet, its relay, clock and simulator."""

    zoho: SimulatorServer
    clock: FakeClock
    fleet: Fleet
    relay: Relay
    secret_search: SecretSearch

    async def poll(self, *names: str) -> dict[str, Snapshot]:
        """Poll these orgs (none named: all) at once, a minute after the last poll."""
        self.clock.jump_wall_clock(timedelta(minutes=1))
        return {one.org.name: one for one in await self.fleet.poll_once(names or ALL_ORGS)}

    def verdict(self, snapshot: Snapshot) -> Verdict:
        return judge(snapshot, self.fleet.policy, self.clock.now())

    def panel_text(self, snapshot: Snapshot) -> str:
        """The text of the org's panel, in one line."""
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
    """Other orgs of the faulty org's data center, all healthy."""
    orgs = port.simulator.world.orgs
    center = orgs[FAULTY_ORG].data_center
    names = [org.name for org in orgs.values() if org.data_center == center and org.name not in ALL_ORGS]
    port.simulator.forced_kinds |= dict.fromkeys(names, "SCHEDULED")
    return names


@asynccontextmanager
async def fleet_environment(
    port: SimulatorServer,
    clock: FakeClock,
    secret_search: SecretSearch,
    relay: Callable[[str], Relay] = Relay,
    neighbors: Iterable[str] = (),
) -> AsyncIterator[FleetEnvironment]:
    """Args:
    relay: makes the relay, from the address of the faulty org's Zoho.
    neighbors: more orgs behind the same relay.
    """
    credentials = MemoryCredentialStore()
    async with relay(port.org(FAULTY_ORG).api_url or "") as between, HttpClient() as http:
        beyond = [port.org(name) for name in (FAULTY_ORG, *neighbors)]
        orgs = [replace(org, accounts_url=between.url, api_url=between.url) for org in beyond]
        orgs += [port.org(name) for name in HEALTHY_ORGS]
        for org in orgs:
            await credentials.write_sign_in(org, sign_in_of(port.simulator.world.all_orgs[org.name]))
        fleet = make_fleet(Config(WatchPolicy(), tuple(orgs)), http, credentials, MemoryJournal(), clock)
        yield FleetEnvironment(port, clock, fleet, between, secret_search)


@contextmanager
def short_timeouts() -> Iterator[None]:
    """Shorten the client's time limits, for requests that are never answered."""
    with pytest.MonkeyPatch.context() as sooner:
        sooner.setattr(http_module, "CONNECT_SECONDS", 1.0)
        sooner.setattr(http_module, "READ_SECONDS", 0.3)
        sooner.setattr(http_module, "TOTAL_SECONDS", 0.3)
        yield


async def assert_fault_is_survived(
    scene: FleetEnvironment, fault: AbstractAsyncContextManager[object], word: str, *panel_says: str
) -> None:
    """Assert that `fault` shows on its org, affects no other, and that all recover after its end.

    Args:
        word: the badge of the org's panel, once the org is unknown.
        panel_says: texts in that panel.
    """
    before = (await scene.poll())[FAULTY_ORG]
    assert scene.verdict(before).level is Level.OK
    async with fault:
        for number in range(FAILED_POLLS_UNTIL_UNKNOWN):
            with short_timeouts():
                seen = await scene.poll()
            verdict = scene.verdict(seen[FAULTY_ORG])
            assert verdict.stale or verdict.level is Level.UNKNOWN, f"green after poll {number}"
            assert seen[FAULTY_ORG].zoho.backup == before.zoho.backup
            assert all(seen[name].polls.problem is None for name in HEALTHY_ORGS)
        panel = scene.panel_text(seen[FAULTY_ORG])
        assert verdict.badge == word, panel
        assert all(said in panel for said in panel_says), panel
    after = (await scene.poll())[FAULTY_ORG]
    assert after.polls.problem is None, after.polls.problem
    assert scene.verdict(after).level is Level.OK
    assert word not in scene.panel_text(after)
