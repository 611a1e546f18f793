"""Many simulated days of many orgs at Zoho's simulator, with faults: what was noted, what it cost."""

from __future__ import annotations

import asyncio
import gc
import heapq
import os
import random
import threading
from array import array
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from tests.support.fake_clock import FakeClock
from zbtui.clock import Clock
from zbtui.config.settings import Config, JournalRetention
from zbtui.demo.demo_session import DemoCredentialStore, watched_org
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.health.events import Event
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.store.journal import open_journal
from zbtui.watch.fleet import Fleet
from zbtui.wiring import make_fleet
from zbtui.zoho.http import HttpClient

SPEED = 1 / 240
"""Of the simulator's orgs: a phase of theirs lasts hours."""
EVERY = timedelta(minutes=20)
POLICY = WatchPolicy(EVERY, timedelta(minutes=10))
KEEP = JournalRetention(timedelta(days=5))
"""Short, so that a run of some weeks shows the journal's size level off."""
FAULTS = ("HTML", "INTERNAL_ERROR", "TOO_MANY_REQUESTS", "KEYRING")
"""What an org is forced to answer, for a while; of those after which it is asked again by itself."""
STEP = timedelta(minutes=1)
"""Simulated time that goes by at once."""

_PAUSE_SECONDS = 0.0005
"""Of real time."""
_TURNS = 5
"""Of the event loop without a look, after which none is about to begin."""


class FastClock(FakeClock):
    """Lets whoever is due act, and waits until they are done, threads included."""

    fleet: Fleet

    async def advance(self, span: timedelta | float) -> None:
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        end = self._monotonic + seconds
        await self.wait_until_idle()
        while self._alarms and self._alarms[0][0] <= end:
            due, serial, event = heapq.heappop(self._alarms)
            if serial in self._awaited:
                self._move(max(due - self._monotonic, 0))
                event.set()
                await self.wait_until_idle()
        self._move(end - self._monotonic)

    async def wait_until_idle(self) -> None:
        """Until no look is under way."""
        turns = 0
        while turns < _TURNS:
            looking = any(one.activity.polling for one in self.fleet.snapshots)
            turns = 0 if looking else turns + 1
            # The journal's thread does not get on while this one asks without a pause.
            await asyncio.sleep(_PAUSE_SECONDS if looking else 0)


@dataclass
class ResourceUse:
    """What the process holds at one moment."""

    memory: int
    """Bytes resident."""
    handles: int
    threads: int
    tasks: int = 0
    database: int = 0
    """Bytes of its files."""


class Change(NamedTuple):
    """Of an org's status, between two looks."""

    at: datetime
    before: str | None
    after: str | None


@dataclass
class SoakLog:
    """What was seen of the orgs, look by look."""

    good: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    """When each org was looked at with success, in Unix seconds: as small as can be, so that this log is
    not what grows."""
    changes: defaultdict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """What each org changed to between two of those; the first one is its first look."""
    forced_failures: defaultdict[str, list[tuple[datetime, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """From when to when each org was made to fail."""
    costs: list[ResourceUse] = field(default_factory=list)
    """At the end of each third."""
    events: list[Event] = field(default_factory=list)

    @property
    def poll_count(self) -> int:
        """All that succeeded."""
        return sum(map(len, self.good.values()))

    def note(self, snapshot: Snapshot) -> None:
        if snapshot.activity.polling or snapshot.zoho.observed_at is None or snapshot.polls.problem:
            return
        name, at = snapshot.org.name, snapshot.zoho.observed_at
        good, changes = self.good[name], self.changes[name]
        if good and good[-1] == at.timestamp():
            return
        good.append(at.timestamp())
        before = changes[-1].after if changes else None
        after = snapshot.zoho.backup.status if snapshot.zoho.backup else "none"
        if before != after or not changes:
            changes.append(Change(at, before, after))


async def run_fleet_for(
    folder: Path, orgs: int, days: float, seed: int = 0
) -> tuple[SoakLog, SimulatedWorld]:
    """Watch so many orgs for so many simulated days, from a journal in `folder`."""
    clock, log, luck = FastClock(), SoakLog(), random.Random(seed)
    world = SimulatedWorld(clock.now(), orgs, SPEED, seed)
    simulator = Simulator(world, clock.now)
    credentials = DemoCredentialStore(simulator)
    for org in world.orgs.values():
        credentials.add_sign_in(org)
    names = tuple(world.orgs)
    config = Config(POLICY, tuple(map(watched_org, world.orgs.values())))
    journal = open_journal(folder / "journal.db")
    journal.retention = KEEP
    async with HttpClient(serve_in_process(simulator)) as http:
        fleet = make_fleet(config, http, credentials, journal, clock, rng=random.Random(seed))
        clock.fleet = fleet
        fleet.subscribe(log.note)
        running = [asyncio.create_task(fleet.run_poller(name)) for name in names]
        third = timedelta(days=days) / 3
        ends = [clock.now() + third * number for number in (1, 2, 3)]
        for end in ends:
            while clock.now() < end:
                _force_failures(simulator, clock, log, luck, names)
                await clock.advance(STEP)
                fleet.tick()
            log.costs.append(_cost(folder))
        log.events = await fleet.recent_events(10_000_000)
        fleet.stop()
        await asyncio.gather(*running)
    await journal.close()
    return log, world


def _force_failures(
    simulator: Simulator, clock: Clock, log: SoakLog, luck: random.Random, names: Sequence[str]
) -> None:
    """Now and then an org answers wrongly for a while; seldom, all do at once."""
    now, chance = clock.now(), luck.random()
    if chance < 1 / 2880:
        until, kind = now + timedelta(minutes=luck.randint(10, 120)), "INTERNAL_ERROR"
        for name in names:
            simulator.forced_kinds[name] = kind
            log.forced_failures[name].append((now, until))
    elif chance < 1 / 20:
        name, until = luck.choice(names), now + timedelta(minutes=luck.randint(1, 240))
        simulator.forced_kinds[name] = luck.choice(FAULTS)
        log.forced_failures[name].append((now, until))
    for name in list(simulator.forced_kinds):
        if log.forced_failures[name][-1][1] <= now:
            del simulator.forced_kinds[name]


def _cost(folder: Path) -> ResourceUse:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return ResourceUse(
        pages * os.sysconf("SC_PAGE_SIZE"),
        len(list(Path("/proc/self/fd").iterdir())),
        threading.active_count(),
        len(asyncio.all_tasks()),
        sum(file.stat().st_size for file in folder.iterdir()),
    )


def phases_missed(log: SoakLog, since: datetime) -> list[str]:
    """Changes of status between good looks that the journal has not, or not once, from `since` on."""
    noted = defaultdict(list)
    for event in log.events:
        if event.kind == "status" and event.at >= since:
            noted[event.org].append(Change(event.at, event.before, event.after))
    wrong = []
    for org, (first, *changes) in log.changes.items():
        changed = [change for change in changes if change.at >= since]
        # Where the looks before had failed, the first good one is a change from nothing.
        changed = [first, *changed] if noted[org][:1] == [first] else changed
        if changed != noted[org]:
            wrong.append(f"{org}: {changed} were {noted[org]}")
    return wrong


def changes_not_recorded(log: SoakLog, world: SimulatedWorld, days: float) -> Iterator[str]:
    """Phases of the orgs' lives that lasted, and were broken by no fault, and in which nobody looked."""
    for name, org in world.orgs.items():
        looks = log.good[name]
        if not looks:
            continue  # it is never within reach
        at, end = world.start, world.start + timedelta(days=days)
        while at < end:
            moment = world.phase_at(org, at)
            begins, ends = max(moment.began_at, world.start), min(moment.ends_at, end)
            whole = ends - begins > 3 * EVERY
            calm = all(until + EVERY < begins or since > ends for since, until in log.forced_failures[name])
            reached = bisect_left(looks, begins.timestamp()) < bisect_right(looks, ends.timestamp())
            if whole and calm and not reached and moment.kind in ("SCHEDULED", "COMPLETED", "FAILED"):
                yield f"{name}: {moment.kind} from {begins} to {ends}"
            at = max(moment.ends_at, at + EVERY)


__all__ = [
    "KEEP",
    "Change",
    "ResourceUse",
    "SoakLog",
    "changes_not_recorded",
    "phases_missed",
    "run_fleet_for",
]
