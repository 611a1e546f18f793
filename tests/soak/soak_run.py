"""Many simulated days of many orgs, with faults: the events recorded, and the resources used."""

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
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import open_journal
from zbtui.watch.fleet import Fleet
from zbtui.wiring import make_fleet
from zbtui.zoho.http import HttpClient

SPEED = 1 / 240
"""The speed of the simulator's orgs: a phase lasts hours."""
EVERY = timedelta(minutes=20)
POLICY = WatchPolicy(EVERY, timedelta(minutes=10))
KEEP = JournalRetention(timedelta(days=5))
"""A short retention, so that the journal's size levels off within some weeks."""
FAULTS = ("HTML", "INTERNAL_ERROR", "TOO_MANY_REQUESTS", "KEYRING")
"""Temporary answers of an org after which polls go on."""
STEP = timedelta(minutes=1)
"""Simulated time of one step."""

_PAUSE_SECONDS = 0.0005
"""Real seconds that the event loop pauses for other threads."""
_TURNS = 5
"""Turns of the event loop without a poll after which no poll is under way."""


class FastClock(FakeClock):
    """A clock that wakes waiting tasks, and waits until no poll is under way in any thread."""

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
        """Wait until no poll is under way."""
        turns = 0
        while turns < _TURNS:
            polling = any(one.activity.polling for one in self.fleet.snapshots)
            turns = 0 if polling else turns + 1
            # Without a pause, the journal's thread does not run.
            await asyncio.sleep(_PAUSE_SECONDS if polling else 0)


@dataclass
class ResourceUse:
    """The resources of the process at one moment."""

    memory: int
    """Resident bytes."""
    handles: int
    threads: int
    tasks: int = 0
    database: int = 0
    """Bytes of the database's files."""


class Change(NamedTuple):
    """A change of an org's status between two polls."""

    at: datetime
    before: str | None
    after: str | None


@dataclass
class SoakLog:
    """The observations of the orgs, and the resources used."""

    good: defaultdict[str, array[float]] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    """Times of each org's good polls, in Unix seconds; compact, to keep the log itself from growing."""
    changes: defaultdict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """Each org's changes between good polls; the first is its first poll."""
    forced_failures: defaultdict[str, list[tuple[datetime, datetime]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """Beginning and end of each org's forced failures."""
    costs: list[ResourceUse] = field(default_factory=list)
    """Resources at the end of each third of the run."""
    events: list[Event] = field(default_factory=list)

    @property
    def poll_count(self) -> int:
        """Good polls of all orgs."""
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
    """Watch so many orgs for so many simulated days, with a journal in `folder`."""
    clock, log, rng = FastClock(), SoakLog(), random.Random(seed)
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
                _force_failures(simulator, clock, log, rng, names)
                await clock.advance(STEP)
                fleet.tick()
            log.costs.append(_cost(folder))
        log.events = await fleet.recent_events(10_000_000)
        fleet.stop()
        await asyncio.gather(*running)
    await journal.close()
    return log, world


def _force_failures(
    simulator: Simulator, clock: Clock, log: SoakLog, rng: random.Random, names: Sequence[str]
) -> None:
    """Sometimes make one org fail for a while; rarely, all at once."""
    now, chance = clock.now(), rng.random()
    if chance < 1 / 2880:
        until, kind = now + timedelta(minutes=rng.randint(10, 120)), "INTERNAL_ERROR"
        for name in names:
            simulator.forced_kinds[name] = kind
            log.forced_failures[name].append((now, until))
    elif chance < 1 / 20:
        name, until = rng.choice(names), now + timedelta(minutes=rng.randint(1, 240))
        simulator.forced_kinds[name] = rng.choice(FAULTS)
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
    """Status changes between good polls since `since` that the journal does not have exactly once."""
    recorded = defaultdict(list)
    for event in log.events:
        if event.kind == "status" and event.at >= since:
            recorded[event.org].append(Change(event.at, event.before, event.after))
    wrong = []
    for org, (first, *changes) in log.changes.items():
        changed = [change for change in changes if change.at >= since]
        # The first good poll after failed ones is recorded as a change from nothing.
        changed = [first, *changed] if recorded[org][:1] == [first] else changed
        if changed != recorded[org]:
            wrong.append(f"{org}: {changed} were {recorded[org]}")
    return wrong


def changes_not_recorded(log: SoakLog, world: SimulatedWorld, days: float) -> Iterator[str]:
    """Long phases of the orgs, without faults, in which no poll succeeded."""
    for name, org in world.orgs.items():
        polls = log.good[name]
        if not polls:
            continue  # an org that is never reachable
        at, end = world.start, world.start + timedelta(days=days)
        while at < end:
            moment = world.phase_at(org, at)
            begins, ends = max(moment.began_at, world.start), min(moment.ends_at, end)
            whole = ends - begins > 3 * EVERY
            calm = all(until + EVERY < begins or since > ends for since, until in log.forced_failures[name])
            reached = bisect_left(polls, begins.timestamp()) < bisect_right(polls, ends.timestamp())
            if whole and calm and not reached and moment.kind in ("SCHEDULED", "COMPLETED", "FAILED"):
                yield f"{name}: {moment.kind} from {begins} to {ends}"
            at = max(moment.ends_at, at + EVERY)
