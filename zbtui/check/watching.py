"""Goes on watching by the usual cadence, and tells each change in a line of JSON."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

from zbtui.alerts.desk import AlertDesk
from zbtui.alerts.pacing import Pace
from zbtui.check.events import as_line, removal_line, state_line
from zbtui.clock import Clock, Stop, StoppedError
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.core.event import Event, Standing, changes, standing_of
from zbtui.core.judge import judge
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Verdict
from zbtui.watch.fleet import Fleet

_TICK: Final = 1.0


class Watcher:
    """Compares what it sees by itself: it needs no journal, and other processes take nothing from it."""

    def __init__(
        self,
        config: ConfigWatcher,
        fleet: Fleet,
        clock: Clock,
        write: Callable[[str], None],
        tell: Callable[[Trouble], None],
        *,
        names: Collection[str] = (),
        alerts: AlertDesk | None = None,
        is_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """Args:
        config: polled with each tick.
        write: one line to who reads; raises BrokenPipeError once nobody does.
        tell: what is wrong beside the orgs.
        names: the orgs to watch; none: all there are, and those that come.
        alerts: who sends alerts; None: nobody does.
        is_gone: whether nobody reads any more, where that can be told without writing.
        """
        self._config = config
        self._fleet = fleet
        self._clock = clock
        self._write = write
        self._tell = tell
        self._names = frozenset(names)
        self._alerts = alerts
        self._is_gone = is_gone
        self._lines: deque[str] = deque()
        self._stands: dict[str, tuple[Verdict, Standing]] = {}
        """How each org stood after its last look."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._alerting: asyncio.Task[None] | None = None
        self._pace = Pace()
        self._told: dict[str, Collection[Trouble | None]] = {}
        self._wake: Callable[[], None] = lambda: None

    async def run(self, stop: Stop) -> None:
        """Until `stop` is requested or nobody reads any more.

        Each org is told once as it stands after its first look, then each change.
        """
        self._wake = stop.wake
        self._fleet.listen(self._see)
        self._begin(snapshot.org.name for snapshot in self._fleet.snapshots)
        try:
            while not self._is_gone():
                self._flush()
                await stop.wait(_TICK)
                self._tick()
                self._send_alerts()
        except (StoppedError, BrokenPipeError):
            pass
        finally:
            self._fleet.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(BrokenPipeError):
                self._flush()

    def _begin(self, names: Iterable[str]) -> None:
        self._tasks |= {
            asyncio.create_task(self._fleet.run(name)) for name in names if self._is_watched(name)
        }

    def _is_watched(self, name: str) -> bool:
        return not self._names or name in self._names

    def _tick(self) -> None:
        self._config.poll()
        change = self._fleet.tick()
        for name in change.removed:
            if name not in change.added and name in self._stands:
                verdict, _ = self._stands.pop(name)
                self._lines.append(removal_line(self._clock.now(), name, verdict))
        self._begin(change.added)
        self._tell_news("config", self._config.problem)
        self._tell_news("journal", self._fleet.journal_trouble)
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()  # a bug of ours ends the watch, and is told

    def _see(self, snapshot: Snapshot) -> None:
        """A snapshot changed: notes the lines for what a look has found. Called within the look."""
        name, at = snapshot.org.name, snapshot.polls.attempted_at
        before = self._stands.get(name)
        is_old = snapshot.polls.restored and snapshot.polls.problem is None
        if snapshot.activity.polling or at is None or is_old:
            return
        verdict = judge(snapshot, self._fleet.policy, at)
        standing = standing_of(snapshot, verdict, at)
        assert standing is not None  # it was looked at
        self._stands[name] = verdict, standing
        self._pace.note_change()
        if before is None:
            self._lines.append(state_line(at, name, verdict))
        else:
            self._lines.extend(
                as_line(Event(at, name, kind, was, has, verdict.level.word, verdict.headline))
                for kind, was, has in changes(before[1], standing)
            )
        self._wake()

    def _flush(self) -> None:
        while self._lines:
            self._write(self._lines.popleft())

    def _send_alerts(self) -> None:
        """Beside the watch: a command or a webhook takes its time."""
        free = self._alerting is None or self._alerting.done()
        if self._alerts is not None and free and self._pace.is_due(len(self._stands)):
            self._alerting = asyncio.create_task(self._consider(self._alerts))
            self._tasks.add(self._alerting)

    async def _consider(self, alerts: AlertDesk) -> None:
        snapshots = [one for one in self._fleet.snapshots if self._is_watched(one.org.name)]
        verdicts, whole = self._fleet.verdicts, not self._names
        await alerts.consider(snapshots, self._fleet.policy, verdicts, whole=whole)
        await alerts.deliver()
        self._tell_news("alerts", *alerts.troubles)

    def _tell_news(self, what: str, *troubles: Trouble | None) -> None:
        """Each trouble once, and again when it comes back."""
        for trouble in troubles:
            if trouble is not None and trouble not in self._told.get(what, ()):
                self._tell(trouble)
        self._told[what] = troubles
