"""Three orgs under watch, with something between the first of them and its Zoho that can be broken."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.faults.canary import Canaries
from tests.faults.relay import Relay
from tests.support.clock import FakeClock
from tests.support.notebook import Notebook
from tests.support.zoho import Port, make_simulator, on_port, sign_in_of
from zbtui.config.settings import Config
from zbtui.core.judge import judge
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Verdict
from zbtui.parts import make_fleet
from zbtui.store.memory import MemoryCredentials
from zbtui.tui.widgets.panel import draw_panel
from zbtui.watch.fleet import Fleet
from zbtui.zoho import http as room
from zbtui.zoho.http import Http

TROUBLED, OTHERS = "nordlys", ("fjord", "tamarind")
EVERYONE = (TROUBLED, *OTHERS)
LOOKS = 3
"""That fail before an org counts as one that cannot be looked at."""


@dataclass
class Street:
    """The orgs, and what they are watched through."""

    port: Port
    clock: FakeClock
    fleet: Fleet
    relay: Relay
    canaries: Canaries

    async def look(self, *names: str) -> dict[str, Snapshot]:
        """One look at each (of none: at all), at the same time, a while after the one before."""
        self.clock.jump(timedelta(minutes=1))
        return {one.org.name: one for one in await self.fleet.look_once(names or EVERYONE)}

    def verdict(self, snapshot: Snapshot) -> Verdict:
        return judge(snapshot, self.fleet.policy, self.clock.now())

    def panel(self, snapshot: Snapshot) -> str:
        """The words of its panel, as a person reads them."""
        lines = draw_panel(snapshot, self.verdict(snapshot), self.clock.now(), 76)
        rows = ["".join(piece for piece, _ in line).strip("│╭╮╰╯─ ") for line in lines]
        shown = " ".join(" ".join(rows).split())
        self.canaries.shown += [shown, repr(snapshot)]
        return shown


@contextmanager
def on_street_port(clock: FakeClock) -> Iterator[Port]:
    with on_port(make_simulator(clock, orgs=240)) as served:
        yield served


def crowd_of(port: Port) -> list[str]:
    """Orgs that live where the first one does, all of them well."""
    every = port.simulator.world.orgs
    there = every[TROUBLED].data_center
    crowd = [org.name for org in every.values() if org.data_center == there and org.name not in EVERYONE]
    port.simulator.forced |= dict.fromkeys(crowd, "SCHEDULED")
    return crowd


@asynccontextmanager
async def street(
    port: Port,
    clock: FakeClock,
    canaries: Canaries,
    relay: Callable[[str], Relay] = Relay,
    crowd: Iterable[str] = (),
) -> AsyncIterator[Street]:
    """Args:
    relay: makes what stands between the first org and its Zoho, which is at the address it is given.
    crowd: more orgs beyond the same relay.
    """
    credentials = MemoryCredentials()
    async with relay(port.org(TROUBLED).api_url or "") as between, Http() as http:
        beyond = [port.org(name) for name in (TROUBLED, *crowd)]
        orgs = [replace(org, accounts_url=between.url, api_url=between.url) for org in beyond]
        orgs += [port.org(name) for name in OTHERS]
        for org in orgs:
            await credentials.write_sign_in(org.name, sign_in_of(port.simulator.world.every[org.name]))
        fleet = make_fleet(Config(Policy(), tuple(orgs)), http, credentials, Notebook(), clock)
        yield Street(port, clock, fleet, between, canaries)


@contextmanager
def impatience() -> Iterator[None]:
    """The client's time limits are shorter than they are, for what is never answered."""
    with pytest.MonkeyPatch.context() as sooner:
        sooner.setattr(room, "CONNECT_SECONDS", 1.0)
        sooner.setattr(room, "READ_SECONDS", 0.3)
        sooner.setattr(room, "TOTAL_SECONDS", 0.3)
        yield


async def goes_through(
    scene: Street, fault: AbstractAsyncContextManager[object], word: str, says: str
) -> None:
    """While `fault` lasts it is told, and harms nobody else; after it all is well again by itself.

    Args:
        word: on the badge of the org's panel, once it counts as one that cannot be looked at.
        says: in its panel.
    """
    before = (await scene.look())[TROUBLED]
    assert scene.verdict(before).level is Level.OK
    async with fault:
        for look in range(LOOKS):
            with impatience():
                seen = await scene.look()
            verdict = scene.verdict(seen[TROUBLED])
            assert verdict.stale or verdict.level is Level.UNKNOWN, f"green after look {look}"
            assert seen[TROUBLED].zoho.backup == before.zoho.backup
            assert all(seen[name].polls.problem is None for name in OTHERS)
        panel = scene.panel(seen[TROUBLED])
        assert verdict.word == word, panel
        assert says in panel
    after = (await scene.look())[TROUBLED]
    assert after.polls.problem is None, after.polls.problem
    assert scene.verdict(after).level is Level.OK
    assert word not in scene.panel(after)
