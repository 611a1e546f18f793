"""Controls the pollers of all orgs, which are called the fleet, and passes on their snapshots."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from zbtui.clock import CLOCK_JUMP_SECONDS, Clock, clock_drift
from zbtui.config.settings import Config
from zbtui.health.events import Event
from zbtui.health.judge import ALLOWED_FAILURES
from zbtui.health.poll_record import PollRecord
from zbtui.health.snapshot import Activity, Observation, Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.store.journal import Journal
from zbtui.watch.poller import Poller
from zbtui.zoho_api.data_centers import is_loopback

_SPREAD_PER_ORG: Final = timedelta(milliseconds=20)
"""The first polls of n orgs are spread over n times this time, but over `_LONGEST_SPREAD` at most."""
_LONGEST_SPREAD: Final = timedelta(seconds=10)

POLL_FLOOR: Final = timedelta(seconds=15)
"""If any process polled an org within this time, a new poll is not made, since each costs an API credit."""
NO_ANSWER_IN_TIME: Final = Problem(
    "network",
    "No answer came in the time that this look had.",
    "Find out what takes so long with zbtui doctor, or give it more time with --timeout.",
    "NO_ANSWER_IN_TIME",
)
_RECORD_SECONDS: Final = 0.5
"""How long `Fleet.poll_once` waits, after its time limit, for the journal to record the failed polls."""

PollFunction = Callable[[Snapshot], Awaitable[Observation]]


@dataclass(frozen=True, slots=True)
class OrgChanges:
    """The names of the orgs whose pollers were started and stopped, usually since the config has changed.

    An org whose poller is restarted is in both.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Fleet:
    """Holds the pollers of all orgs, passes commands on to them, and publishes their snapshots."""

    def __init__(
        self,
        config: Config,
        poll_function_for: Callable[[Org], PollFunction],
        journal: Journal,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        """Start with the orgs of `config` and their snapshots from `journal`.

        `poll_function_for` returns the function that polls an org, such as `Session(org, …).poll`.
        """
        self.policy = config.policy
        self.verdicts = VerdictCache()
        """The cache of the verdicts on the snapshots, which screen, reports and alerts share."""
        self._poll_function_for = poll_function_for
        self._journal = journal
        self._clock = clock
        self._rng = rng or random.Random()
        self._publish: Callable[[Snapshot], None] = lambda snapshot: None
        self._pollers: dict[str, Poller] = {}
        self._signed_in_again: dict[str, Snapshot] = {}
        """The snapshots of orgs that signed in again, by org name; `tick` restarts their pollers."""
        self._unfinished: set[asyncio.Task[object]] = set()
        """The tasks that `poll_once` started, including those that run on after its time limit."""
        self._change = OrgChanges()
        """The orgs added and removed since the last call of `tick`."""
        self._last_drift = clock_drift(self._clock)
        self._org_numbers: dict[str, str | None] = {}
        """The org numbers, by org name, at the last search for twins, which are orgs of the same number."""
        self._start_pollers(config.orgs, journal.load_all(config.orgs))
        self._mark_twins()

    @property
    def snapshots(self) -> list[Snapshot]:
        """The current snapshot of each org, in the order of the config."""
        return [poller.snapshot for poller in self._pollers.values()]

    @property
    def journal_problem(self) -> Problem | None:
        return self._journal.problem

    def now(self) -> datetime:
        return self._clock.now()

    @property
    def recorded_change_count(self) -> int:
        """A number that changes each time a poll of this process adds events to the journal."""
        return sum(poller.recorded_change_count for poller in self._pollers.values())

    def poll_records(self, name: str) -> tuple[PollRecord, ...]:
        """Return the records of an org's latest polls by this process, newest first.

        The tuple is empty if no org has this name.
        """
        poller = self._pollers.get(name)
        return tuple(reversed(poller.records)) if poller else ()

    async def recent_events(self, limit: int) -> list[Event]:
        """Read the newest `limit` events of all orgs from the journal, oldest first."""
        orgs = [poller.snapshot.org for poller in self._pollers.values()]
        return await self._journal.events.read(None, None, limit, orgs)

    def subscribe(self, publish: Callable[[Snapshot], None]) -> None:
        """Call `publish` with each changed snapshot from now on, in the thread of the event loop.

        A function that was subscribed before is no longer called.
        """
        self._publish = publish

    async def run_poller(self, name: str) -> None:
        """Run the poller of the org with this name until the org is removed or the fleet is stopped."""
        await self._pollers[name].run()

    async def poll_once(
        self,
        names: Iterable[str],
        *,
        max_age: timedelta = timedelta(),
        seconds: float | None = None,
    ) -> list[Snapshot]:
        """Poll each of these orgs once, concurrently, and return their snapshots in the same order.

        If any process polled an org within `max_age` or `POLL_FLOOR`, the journal's snapshot of it is used.
        A poll without an answer after `seconds` fails with `NO_ANSWER_IN_TIME`, and is recorded as failed.
        The request of such a poll goes on until its own time limit, or until the HTTP client is closed.
        """
        pollers = [self._pollers[name] for name in names]
        now = self._clock.now()
        orgs = [poller.snapshot.org for poller in pollers]
        since = {org: now - self._accepted_age(org, max_age) for org in orgs}
        recent = asyncio.ensure_future(self._journal.load_recent(since, now))

        async def poll(poller: Poller) -> None:
            if known := (await recent).get(poller.snapshot.org.name):
                poller.adopt(known)
            else:
                await poller.poll()

        unfinished = await self._finish_within([poll(poller) for poller in pollers], seconds)
        if not unfinished:
            return [poller.snapshot for poller in pollers]
        given_up = {index: pollers[index].give_up(NO_ANSWER_IN_TIME) for index in unfinished}
        failed = [snapshot for snapshot in given_up.values() if snapshot.polls.problem is NO_ANSWER_IN_TIME]
        now = self._clock.now()
        records = [self._journal.record_poll(snapshot, self.policy, now) for snapshot in failed]
        await self._finish_within(records, _RECORD_SECONDS)
        return [given_up.get(index, poller.snapshot) for index, poller in enumerate(pollers)]

    def _accepted_age(self, org: Org, max_age: timedelta) -> timedelta:
        """Return the age up to which an org's last poll makes a new poll unnecessary.

        The age is `max_age`, raised to `POLL_FLOOR` and limited to a few poll intervals.
        """
        floor = timedelta() if is_loopback(org.api_url or "") else POLL_FLOOR
        # The verdict would treat an older observation as outdated.
        return max(floor, min(max_age, ALLOWED_FAILURES * org.own_policy(self.policy).every))

    async def _finish_within(
        self, coroutines: Sequence[Coroutine[Any, Any, object]], seconds: float | None
    ) -> list[int]:
        """Run coroutines concurrently, and return the indexes of those that still run after `seconds`.

        These coroutines are not cancelled. If `seconds` is None, wait for all coroutines.
        """
        if not coroutines:
            return []
        tasks, finished = [asyncio.create_task(coroutine) for coroutine in coroutines], asyncio.Event()
        remaining = set(tasks)
        self._unfinished |= remaining

        def on_done(task: asyncio.Task[object]) -> None:
            self._unfinished.discard(task)
            remaining.discard(task)
            if not remaining:
                finished.set()

        for task in tasks:
            task.add_done_callback(on_done)
        await self._clock.wait(finished, seconds)
        for task in tasks:
            if task.done():
                task.result()  # raises if there is a bug
        return [index for index, task in enumerate(tasks) if not task.done()]

    def poll_soon(self, name: str) -> datetime | None:
        """Request a poll of the org with this name, if there is one, and return None.

        The poll is made at once, or a little later if the org was polled just now. During a lock-out by
        Zoho, request nothing, and return the end of the lock-out.
        """
        poller = self._pollers.get(name)
        return poller.poll_soon() if poller else None

    def pause(self, name: str, paused: bool) -> None:
        if poller := self._pollers.get(name):
            poller.set_paused(paused)

    def stop(self) -> None:
        for poller in self._pollers.values():
            poller.stop()

    def tick(self) -> OrgChanges:
        """Reschedule all polls if the machine slept or its clock was set; call this method once a second.

        Returns the orgs added and removed since the last call. The caller has to run the pollers of the
        added orgs with `run_poller`.
        """
        drift = clock_drift(self._clock)
        if abs(drift - self._last_drift) > CLOCK_JUMP_SECONDS:
            for poller in self._pollers.values():
                poller.reschedule_after_clock_jump(self._first_poll_spread(len(self._pollers)))
        self._last_drift = drift
        change, self._change = self._change, OrgChanges()
        added = tuple(name for name in dict.fromkeys(change.added) if name in self._pollers)
        return self._restart_signed_in_again(OrgChanges(added, change.removed))

    def restart_with(self, snapshot: Snapshot) -> None:
        """Restart the poller of a new org, or of one that signed in again, with this snapshot.

        The restart happens at the next call of `tick`.
        """
        self._signed_in_again[snapshot.org.name] = snapshot

    def _restart_signed_in_again(self, change: OrgChanges) -> OrgChanges:
        restarted = {name: new for name, new in self._signed_in_again.items() if name in self._pollers}
        if not restarted:
            return change
        order = list(self._pollers)
        for name in restarted:
            del self._signed_in_again[name]
            self._pollers.pop(name).stop()
        self._start_pollers([snapshot.org for snapshot in restarted.values()], restarted)
        self._pollers = {name: self._pollers[name] for name in order}
        # Orgs added in this same tick have no running poller yet, so they are not listed twice.
        names = tuple(name for name in restarted if name not in change.added)
        return OrgChanges(change.added + names, change.removed + names)

    def apply(self, config: Config) -> None:
        """Switch to the orgs and the policy of a new config.

        The next call of `tick` returns the orgs added and removed.
        """
        faster = config.policy.every < self.policy.every
        self.policy = config.policy
        after = {org.name: org for org in config.orgs}
        self._update_labels(after)
        before = {name: poller.snapshot.org for name, poller in self._pollers.items()}
        removed = [name for name, org in before.items() if after.get(name) != org]
        added = [org for name, org in after.items() if before.get(name) != org]
        # An org with changed settings but the same identity keeps its snapshot.
        known = {
            org.name: replace(self._pollers[org.name].snapshot, org=org)
            for org in added
            if org.name in before and before[org.name].identity == org.identity
        }
        for name in removed:
            self._pollers.pop(name).stop(forget=name not in after)
        for poller in self._pollers.values():
            poller.policy = config.policy
            # The new config may come from a new sign-in, which may have solved a final problem.
            if poller.snapshot.polls.problem and poller.snapshot.polls.problem.final:
                poller.poll_soon()
            elif faster:
                poller.reschedule_after_clock_jump(self._first_poll_spread(len(self._pollers)))
        self._start_pollers(added, known, recalls=True)
        self._pollers = {name: self._pollers[name] for name in after}
        self._mark_twins()
        names = tuple(org.name for org in added)
        self._change = OrgChanges(self._change.added + names, self._change.removed + tuple(removed))

    def _on_change(self, changed: Snapshot) -> None:
        self._publish(changed)
        if self._org_numbers.get(changed.org.name) != changed.org_number:
            self._mark_twins()

    def _mark_twins(self) -> None:
        """Set the twin of each org, the name of another org in the config with the same org number."""
        numbers = {name: poller.snapshot.org_number for name, poller in self._pollers.items()}
        self._org_numbers = numbers
        names = dict[str, list[str]]()
        for name, number in numbers.items():
            if number:
                names.setdefault(number, []).append(name)
        for name, poller in self._pollers.items():
            others = [other for other in names.get(numbers[name] or "", ()) if other != name]
            poller.set_twin(others[0] if others else None)

    def _update_labels(self, orgs: Mapping[str, Org]) -> None:
        """Give each org whose labels (mute, tags, accent) alone have changed its new labels.

        The poller of such an org is not restarted.
        """
        for name, poller in self._pollers.items():
            org, snapshot = orgs.get(name), poller.snapshot
            if org and org != snapshot.org and org.differs_only_in_labels(snapshot.org):
                poller.snapshot = replace(snapshot, org=org)
                self._publish(poller.snapshot)

    def _start_pollers(
        self, orgs: Sequence[Org], known: Mapping[str, Snapshot], *, recalls: bool = False
    ) -> None:
        """Create the pollers of these orgs, with their snapshots in `known`, which are found by org name.

        If `recalls` is set, the poller of an org without a snapshot there first loads one from the journal.
        """
        now, spread = self._clock.now(), self._first_poll_spread(len(orgs))
        for index, org in enumerate(orgs):
            snapshot, due = known.get(org.name) or Snapshot(org), now + spread * (index / len(orgs))
            seen = snapshot.zoho.observed_at
            if (
                snapshot.polls.restored and seen and seen <= now
            ):  # a service that restarts again and again must not poll each time
                due = max(due, seen + self._accepted_age(org, timedelta()))
            if snapshot.polls.problem and snapshot.polls.problem.retry_at:
                due = max(due, snapshot.polls.problem.retry_at)
            self._pollers[org.name] = Poller(
                replace(snapshot, activity=Activity(due, paused=snapshot.activity.paused)),
                self._poll_function_for(org),
                self.policy,
                self._journal,
                self._clock,
                self._on_change,
                self._rng,
                recalls=recalls and org.name not in known,
            )

    def _first_poll_spread(self, orgs: int) -> timedelta:
        return min(_SPREAD_PER_ORG * orgs, _LONGEST_SPREAD)
