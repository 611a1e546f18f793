"""All orgs under watch: their pollers, the commands to them, and what they publish."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.clock import JUMP_SECONDS, Clock, drift_of
from zbtui.config.settings import Config
from zbtui.core.event import Event
from zbtui.core.org import Org
from zbtui.core.poll import Poll
from zbtui.core.snapshot import Activity, Looked, Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict_cache import VerdictCache
from zbtui.store.journal import Journal
from zbtui.watch.poller import Poller

_SPREAD_PER_ORG: Final = timedelta(milliseconds=20)
_LONGEST_SPREAD: Final = timedelta(seconds=10)

Look = Callable[[Snapshot], Awaitable[Looked]]


@dataclass(frozen=True, slots=True)
class Change:
    """Orgs that came and went with a new config."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


class Fleet:
    """The pollers by org name. Commands go in here; snapshots come out of `publish`."""

    def __init__(
        self,
        config: Config,
        open_look: Callable[[Org], Look],
        journal: Journal,
        clock: Clock,
        luck: random.Random | None = None,
    ) -> None:
        """Args:
        open_look: how to look at an org, such as `Session(org, …).look_further`.
        luck: for the jitter.
        """
        self.policy = config.policy
        self.verdicts = VerdictCache()
        """On the snapshots, for whoever shows or reports them."""
        self._open_look = open_look
        self._journal = journal
        self._clock = clock
        self._luck = luck or random.Random()
        self._publish: Callable[[Snapshot], None] = lambda snapshot: None
        self._pollers: dict[str, Poller] = {}
        self._renewed: dict[str, Snapshot] = {}
        """Orgs that signed in anew, not yet taken up."""
        self._change = Change()
        """What came and went since the last tick."""
        self._last_drift = drift_of(self._clock)
        self._begin(config.orgs, journal.load(config.orgs))

    @property
    def snapshots(self) -> list[Snapshot]:
        """What is known of each org, in the config's order."""
        return [poller.snapshot for poller in self._pollers.values()]

    @property
    def journal_trouble(self) -> Trouble | None:
        return self._journal.trouble

    def now(self) -> datetime:
        return self._clock.now()

    @property
    def noted(self) -> int:
        """Another number than before: the journal has new events of this process's."""
        return sum(poller.noted for poller in self._pollers.values())

    def polls(self, name: str) -> tuple[Poll, ...]:
        """The last looks at an org since the program started, newest first."""
        poller = self._pollers.get(name)
        return tuple(reversed(poller.polls)) if poller else ()

    async def recent_events(self, most: int) -> list[Event]:
        """The newest that the journal keeps, of all orgs, oldest first."""
        return await self._journal.events.read(None, None, most)

    def listen(self, publish: Callable[[Snapshot], None]) -> None:
        """From now on each changed snapshot is handed to `publish`, on the event loop."""
        self._publish = publish

    async def run(self, name: str) -> None:
        """Watch one org until it is removed or the fleet stops."""
        await self._pollers[name].run()

    async def look_once(self, names: Iterable[str]) -> list[Snapshot]:
        """Look at each of these orgs once, all at the same time."""
        return list(await asyncio.gather(*(self._pollers[name].look() for name in names)))

    def look_soon(self, name: str) -> datetime | None:
        """See `Poller.look_soon`."""
        poller = self._pollers.get(name)
        return poller.look_soon() if poller else None

    def pause(self, name: str, paused: bool) -> None:
        if poller := self._pollers.get(name):
            poller.pause(paused)

    def stop(self) -> None:
        for poller in self._pollers.values():
            poller.stop()

    def tick(self) -> Change:
        """Once a second or so: notices that the machine slept.

        Returns:
            Which orgs came and went since the last tick; who came is to be run.
        """
        drift = drift_of(self._clock)
        if abs(drift - self._last_drift) > JUMP_SECONDS:
            for poller in self._pollers.values():
                poller.reconsider(self._spread(len(self._pollers)))
        self._last_drift = drift
        change, self._change = self._change, Change()
        added = tuple(name for name in dict.fromkeys(change.added) if name in self._pollers)
        return self._take_renewed(Change(added, change.removed))

    def renew(self, snapshot: Snapshot) -> None:
        """The org came under watch, or signed in anew: from the next tick on it is watched by that.

        Args:
            snapshot: what is known of it by now.
        """
        self._renewed[snapshot.org.name] = snapshot

    def _take_renewed(self, change: Change) -> Change:
        renewed = {name: one for name, one in self._renewed.items() if name in self._pollers}
        if not renewed:
            return change
        order = list(self._pollers)
        for name in renewed:
            del self._renewed[name]
            self._pollers.pop(name).stop()
        self._begin([one.org for one in renewed.values()], renewed)
        self._pollers = {name: self._pollers[name] for name in order}
        # Nobody runs yet what has come with the same tick.
        names = tuple(name for name in renewed if name not in change.added)
        return Change(change.added + names, change.removed + names)

    def apply(self, config: Config) -> None:
        """Watch the orgs of another config, by its policy; `tick` returns who came and went."""
        faster = config.policy.every < self.policy.every
        self.policy = config.policy
        after = {org.name: org for org in config.orgs}
        self._relabel(after)
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
                poller.look_soon()
            elif faster:
                poller.reconsider(self._spread(len(self._pollers)))
        self._begin(added, known, recalls=True)
        self._pollers = {name: self._pollers[name] for name in after}
        names = tuple(org.name for org in added)
        self._change = Change(self._change.added + names, self._change.removed + tuple(removed))

    def _relabel(self, orgs: Mapping[str, Org]) -> None:
        """Where only what people see of an org is another, its watch goes on."""
        for name, poller in self._pollers.items():
            org, snapshot = orgs.get(name), poller.snapshot
            if org and org != snapshot.org and org.is_watched_like(snapshot.org):
                poller.snapshot = replace(snapshot, org=org)
                self._publish(poller.snapshot)

    def _begin(self, orgs: Sequence[Org], known: Mapping[str, Snapshot], *, recalls: bool = False) -> None:
        """Args:
        recalls: whether the journal may know more of those that are not `known`.
        """
        now, spread = self._clock.now(), self._spread(len(orgs))
        for index, org in enumerate(orgs):
            snapshot, due = known.get(org.name) or Snapshot(org), now + spread * (index / len(orgs))
            if snapshot.polls.problem and snapshot.polls.problem.retry_at:
                due = max(due, snapshot.polls.problem.retry_at)
            self._pollers[org.name] = Poller(
                replace(snapshot, activity=Activity(due, paused=snapshot.activity.paused)),
                self._open_look(org),
                self.policy,
                self._journal,
                self._clock,
                lambda changed: self._publish(changed),
                self._luck,
                recalls=recalls and org.name not in known,
            )

    def _spread(self, orgs: int) -> timedelta:
        return min(_SPREAD_PER_ORG * orgs, _LONGEST_SPREAD)
