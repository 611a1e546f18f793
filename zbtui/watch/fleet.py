"""All orgs under watch: their pollers, the commands to them, and what they publish."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.clock import CLOCK_JUMP_SECONDS, Clock, clock_drift
from zbtui.config.settings import Config
from zbtui.health.events import Event
from zbtui.health.poll_record import PollRecord
from zbtui.health.snapshot import Activity, Observation, Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.store.journal import Journal
from zbtui.watch.poller import Poller

_SPREAD_PER_ORG: Final = timedelta(milliseconds=20)
_LONGEST_SPREAD: Final = timedelta(seconds=10)

PollFunction = Callable[[Snapshot], Awaitable[Observation]]


@dataclass(frozen=True, slots=True)
class OrgChanges:
    """Orgs that came and went with a new config."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Fleet:
    """The pollers by org name. Commands go in here; snapshots come out of `publish`."""

    def __init__(
        self,
        config: Config,
        poll_function_for: Callable[[Org], PollFunction],
        journal: Journal,
        clock: Clock,
        rng: random.Random | None = None,
    ) -> None:
        """Args:
        open_look: how to look at an org, such as `Session(org, …).look_further`.
        luck: for the jitter.
        """
        self.policy = config.policy
        self.verdicts = VerdictCache()
        """On the snapshots, for whoever shows or reports them."""
        self._poll_function_for = poll_function_for
        self._journal = journal
        self._clock = clock
        self._rng = rng or random.Random()
        self._publish: Callable[[Snapshot], None] = lambda snapshot: None
        self._pollers: dict[str, Poller] = {}
        self._signed_in_again: dict[str, Snapshot] = {}
        """Orgs that signed in anew, not yet taken up."""
        self._change = OrgChanges()
        """What came and went since the last tick."""
        self._last_drift = clock_drift(self._clock)
        self._start_pollers(config.orgs, journal.load_all(config.orgs))

    @property
    def snapshots(self) -> list[Snapshot]:
        """What is known of each org, in the config's order."""
        return [poller.snapshot for poller in self._pollers.values()]

    @property
    def journal_problem(self) -> Problem | None:
        return self._journal.problem

    def now(self) -> datetime:
        return self._clock.now()

    @property
    def recorded_change_count(self) -> int:
        """Another number than before: the journal has new events of this process's."""
        return sum(poller.recorded_change_count for poller in self._pollers.values())

    def poll_records(self, name: str) -> tuple[PollRecord, ...]:
        """The last looks at an org since the program started, newest first."""
        poller = self._pollers.get(name)
        return tuple(reversed(poller.records)) if poller else ()

    async def recent_events(self, limit: int) -> list[Event]:
        """The newest that the journal keeps, of all orgs, oldest first."""
        return await self._journal.events.read(None, None, limit)

    def subscribe(self, publish: Callable[[Snapshot], None]) -> None:
        """From now on each changed snapshot is handed to `publish`, on the event loop."""
        self._publish = publish

    async def run_poller(self, name: str) -> None:
        """Watch one org until it is removed or the fleet stops."""
        await self._pollers[name].run()

    async def poll_once(self, names: Iterable[str]) -> list[Snapshot]:
        """Look at each of these orgs once, all at the same time."""
        return list(await asyncio.gather(*(self._pollers[name].poll() for name in names)))

    def poll_soon(self, name: str) -> datetime | None:
        """See `Poller.look_soon`."""
        poller = self._pollers.get(name)
        return poller.poll_soon() if poller else None

    def pause(self, name: str, paused: bool) -> None:
        if poller := self._pollers.get(name):
            poller.set_paused(paused)

    def stop(self) -> None:
        for poller in self._pollers.values():
            poller.stop()

    def tick(self) -> OrgChanges:
        """Once a second or so: notices that the machine slept.

        Returns:
            Which orgs came and went since the last tick; who came is to be run.
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
        """The org came under watch, or signed in anew: from the next tick on it is watched by that.

        Args:
            snapshot: what is known of it by now.
        """
        self._signed_in_again[snapshot.org.name] = snapshot

    def _restart_signed_in_again(self, change: OrgChanges) -> OrgChanges:
        renewed = {name: one for name, one in self._signed_in_again.items() if name in self._pollers}
        if not renewed:
            return change
        order = list(self._pollers)
        for name in renewed:
            del self._signed_in_again[name]
            self._pollers.pop(name).stop()
        self._start_pollers([one.org for one in renewed.values()], renewed)
        self._pollers = {name: self._pollers[name] for name in order}
        # Nobody runs yet what has come with the same tick.
        names = tuple(name for name in renewed if name not in change.added)
        return OrgChanges(change.added + names, change.removed + names)

    def apply(self, config: Config) -> None:
        """Watch the orgs of another config, by its policy; `tick` returns who came and went."""
        faster = config.policy.every < self.policy.every
        self.policy = config.policy
        after = {org.name: org for org in config.orgs}
        self._update_labels(after)
        before = {name: poller.snapshot.org for name, poller in self._pollers.items()}
        removed = [name for name, org in before.items() if after.get(name) != org]
        added = [org for name, org in after.items() if before.get(name) != org]
        # With another policy of its own it is still the same org: what is known of it stays.
        known = {
            org.name: replace(self._pollers[org.name].snapshot, org=org)
            for org in added
            if org.name in before and before[org.name].identity == org.identity
        }
        for name in removed:
            self._pollers.pop(name).stop(forget=name not in after)
        for poller in self._pollers.values():
            poller.policy = config.policy
            # A sign-in that was dead may have been renewed together with the config.
            if poller.snapshot.polls.problem and poller.snapshot.polls.problem.final:
                poller.poll_soon()
            elif faster:
                poller.reschedule_after_clock_jump(self._first_poll_spread(len(self._pollers)))
        self._start_pollers(added, known, recalls=True)
        self._pollers = {name: self._pollers[name] for name in after}
        names = tuple(org.name for org in added)
        self._change = OrgChanges(self._change.added + names, self._change.removed + tuple(removed))

    def _update_labels(self, orgs: Mapping[str, Org]) -> None:
        """Where only what people see of an org is another, its watch goes on."""
        for name, poller in self._pollers.items():
            org, snapshot = orgs.get(name), poller.snapshot
            if org and org != snapshot.org and org.differs_only_in_labels(snapshot.org):
                poller.snapshot = replace(snapshot, org=org)
                self._publish(poller.snapshot)

    def _start_pollers(
        self, orgs: Sequence[Org], known: Mapping[str, Snapshot], *, recalls: bool = False
    ) -> None:
        """Args:
        recalls: whether the journal may know more of those that are not `known`.
        """
        now, spread = self._clock.now(), self._first_poll_spread(len(orgs))
        for index, org in enumerate(orgs):
            snapshot, due = known.get(org.name) or Snapshot(org), now + spread * (index / len(orgs))
            if snapshot.polls.problem and snapshot.polls.problem.retry_at:
                due = max(due, snapshot.polls.problem.retry_at)
            self._pollers[org.name] = Poller(
                replace(snapshot, activity=Activity(due, paused=snapshot.activity.paused)),
                self._poll_function_for(org),
                self.policy,
                self._journal,
                self._clock,
                lambda changed: self._publish(changed),
                self._rng,
                recalls=recalls and org.name not in known,
            )

    def _first_poll_spread(self, orgs: int) -> timedelta:
        return min(_SPREAD_PER_ORG * orgs, _LONGEST_SPREAD)
