"""What the rules judge: an org with a recent observation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.backup_details import Backup, BackupState
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.recurrence import parse_rrule
from zbtui.zoho_api.runs import History

_MONTH: Final = timedelta(days=31)
_MIN_GRACE, _MAX_GRACE = timedelta(days=1), timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Case:
    """The input of every rule."""

    snapshot: Snapshot
    policy: WatchPolicy
    """The policy with the org's own settings applied."""
    now: datetime
    patience: int
    """After this many failed polls, or failed reads of the history, in a row, older data does not count."""

    @property
    def backup(self) -> Backup | None:
        return self.snapshot.zoho.backup

    @property
    def state(self) -> BackupState | None:
        return self.backup.state if self.backup else None

    @property
    def history(self) -> History | None:
        return self.snapshot.zoho.history

    @property
    def status_badge(self) -> str:
        """Zoho's status word, for the badge."""
        if self.backup is None:
            return "NO BACKUP"
        return self.backup.status or "NO STATUS"

    @property
    def time_to_next_run(self) -> timedelta | None:
        """Time until the next run; negative once it is due."""
        return self.snapshot.time_to_next_run(self.now)

    @property
    def zoho_now(self) -> datetime:
        return self.snapshot.zoho_now(self.now)

    @property
    def history_read_at(self) -> datetime | None:
        """When the history was last read, by Zoho's clock."""
        read = self.snapshot.zoho.history_read_at
        return read and self.snapshot.zoho_now(read)

    @property
    def completed_run_start(self) -> HistoryEntry | None:
        """The start of a run that the details show as completed, but whose end the history still lacks."""
        return (
            self.history.unfinished_start if self.history and self.state is BackupState.COMPLETED else None
        )


Rule = Callable[[Case], Verdict | None]
"""A pure function that returns a verdict, or None if it does not apply."""


def backup_awaited_since(case: Case) -> datetime | None:
    """When the backup's age begins: at the last good backup, or at the plan if none ever completed."""
    history, newer = case.history, case.completed_run_start
    if history is None:
        return None
    if newer:
        return newer.logged_at
    return history.last_completed_at if history.last_completed else planned_since(case)


def planned_since(case: Case) -> datetime | None:
    """Since when the org has had a plan: the time of the plan's oldest row in the history.

    The oldest row, because a plan that is replaced each month must not start again. If there is no row,
    or the only one announces a first run that is still ahead: the time of the first run.
    """
    rows = [row for row in case.history.entries if row.action == "scheduled"] if case.history else []
    times = [row.logged_at for row in rows if row.logged_at]
    first = case.backup.first_run if case.backup else None
    if first and (not times or (len(rows) == 1 and first > case.zoho_now)):
        return first
    return min(times, default=None)


def max_backup_age(case: Case) -> timedelta | None:
    """How old the last good backup may be: 8 days if weekly, 16 if every two weeks, 33 if monthly.

    A recurrence rule that cannot be parsed counts as monthly, or rarer. None: there is no plan.
    """
    if case.policy.max_age is not None:
        return case.policy.max_age
    if case.backup is None or case.backup.rrule is None:
        return None
    rule = parse_rrule(case.backup.rrule)
    gap = rule.longest_gap if rule else None
    if gap is None:
        gap = max(rule.documented_gap or _MONTH, _MONTH) if rule else _MONTH
    return gap + min(max(_MIN_GRACE, gap / 7), _MAX_GRACE)


def running_duration(case: Case) -> timedelta:
    """Time since the run's start in the history, or since the run was first seen, whichever is longer."""
    seen = max(case.now - (case.snapshot.zoho.running_since or case.now), timedelta())
    start = case.history.unfinished_start if case.history else None
    return max(seen, case.zoho_now - start.logged_at) if start and start.logged_at else seen
