"""Watches orgs at the usual intervals, and prints each change as a line of JSON."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from typing import Final

from zbtui.alerts.dispatcher import AlertDispatcher
from zbtui.alerts.evaluation_schedule import EvaluationSchedule
from zbtui.check.event_format import event_json_line, removal_json_line, state_json_line
from zbtui.clock import Clock, StoppedError, StopSignal
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.health.events import Event, OrgState, org_state_from, state_changes
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Verdict
from zbtui.watch.fleet import Fleet

_TICK_SECONDS: Final = 1.0


class ChangeStream:
    """Prints each org's state after its first poll, then each change of the state, as lines of JSON.

    Changes are found by comparing snapshots, not in the journal: there, another process can have recorded a
    change first.
    """

    def __init__(
        self,
        config: ConfigWatcher,
        fleet: Fleet,
        clock: Clock,
        write: Callable[[str], None],
        on_problem: Callable[[Problem], None],
        *,
        names: Collection[str] = (),
        alerts: AlertDispatcher | None = None,
        cache_problem: Callable[[], Problem | None] = lambda: None,
        reader_is_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """Take the components of a watch; `run` starts the watch.

        `write` prints one line of JSON, and raises BrokenPipeError once nobody reads the output.
        `on_problem` is called with problems that concern no single org. `cache_problem` returns why access
        tokens cannot be cached, or None if they can. If `names` is empty, all orgs are watched, including
        those added later.
        """
        self._config = config
        self._fleet = fleet
        self._clock = clock
        self._write = write
        self._on_problem = on_problem
        self._names = frozenset(names)
        self._alerts = alerts
        self._cache_problem = cache_problem
        self._reader_is_gone = reader_is_gone
        self._lines: deque[str] = deque()
        self._states: dict[str, tuple[Verdict, OrgState]] = {}
        """Each org's verdict and state after the last poll, by org name."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._alert_task: asyncio.Task[None] | None = None
        self._evaluation_schedule = EvaluationSchedule()
        self._reported: dict[str, Collection[Problem | None]] = {}
        self._wake: Callable[[], None] = lambda: None

    async def run(self, stop: StopSignal) -> None:
        """Watch until `stop` is requested or nobody reads the output.

        Each org's state is written after its first poll, then each change of the state.
        """
        self._wake = stop.wake
        self._fleet.subscribe(self._on_snapshot)
        self._start_pollers(snapshot.org.name for snapshot in self._fleet.snapshots)
        try:
            while not self._reader_is_gone():
                self._write_lines()
                await stop.wait(_TICK_SECONDS)
                self._tick()
                self._send_alerts()
        except (StoppedError, BrokenPipeError):
            pass
        finally:
            self._fleet.stop()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            with suppress(BrokenPipeError):
                self._write_lines()

    def _start_pollers(self, names: Iterable[str]) -> None:
        self._tasks |= {
            asyncio.create_task(self._fleet.run_poller(name)) for name in names if self._is_watched(name)
        }

    def _is_watched(self, name: str) -> bool:
        return not self._names or name in self._names

    def _tick(self) -> None:
        self._config.check_for_change()
        change = self._fleet.tick()
        if change.removed:
            self._evaluation_schedule.mark_changed()
        for name in change.removed:
            if name not in change.added and name in self._states:
                verdict, _ = self._states.pop(name)
                self._lines.append(removal_json_line(self._clock.now(), name, verdict))
        self._start_pollers(change.added)
        self._report_new_problems("config", self._config.problem)
        self._report_new_problems("journal", self._fleet.journal_problem)
        self._report_new_problems("cache", self._cache_problem())
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.remove(task)
            task.result()  # a bug in a task ends the watch with its traceback

    def _on_snapshot(self, snapshot: Snapshot) -> None:
        """Queue the lines of JSON for a poll's outcome; the fleet calls this with each new snapshot."""
        name, at = snapshot.org.name, snapshot.polls.attempted_at
        before = self._states.get(name)
        is_old = snapshot.polls.restored and snapshot.polls.problem is None
        if snapshot.activity.polling or at is None or is_old:
            return
        verdict = judge(snapshot, self._fleet.policy, at)
        org_state = org_state_from(snapshot, verdict, at)
        assert org_state is not None  # it was polled
        self._states[name] = verdict, org_state
        self._evaluation_schedule.mark_changed()
        if before is None:
            self._lines.append(state_json_line(at, name, verdict))
        else:
            self._lines.extend(
                event_json_line(Event(at, name, kind, old, new, verdict.level.label, verdict.headline))
                for kind, old, new in state_changes(before[1], org_state)
            )
        self._wake()

    def _write_lines(self) -> None:
        while self._lines:
            self._write(self._lines.popleft())

    def _send_alerts(self) -> None:
        """Start a task that sends the alerts that are due, as a command or a webhook can be slow."""
        is_idle = self._alert_task is None or self._alert_task.done()
        if (
            self._alerts is not None
            and is_idle
            and self._evaluation_schedule.take_if_due(len(self._states))
        ):
            self._alert_task = asyncio.create_task(self._evaluate_alerts(self._alerts))
            self._tasks.add(self._alert_task)

    async def _evaluate_alerts(self, alerts: AlertDispatcher) -> None:
        snapshots = [snapshot for snapshot in self._fleet.snapshots if self._is_watched(snapshot.org.name)]
        verdicts, covers_all = self._fleet.verdicts, not self._names
        await alerts.evaluate(snapshots, self._fleet.policy, verdicts, covers_all_orgs=covers_all)
        await alerts.deliver()
        self._report_new_problems("alerts", *alerts.problems)

    def _report_new_problems(self, what: str, *problems: Problem | None) -> None:
        """Report problems of the component `what`: each once, and once more if it ends and comes back."""
        for problem in problems:
            if problem is not None and problem not in self._reported.get(what, ()):
                self._on_problem(problem)
        self._reported[what] = problems
