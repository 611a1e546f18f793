"""The input of the rules that judge an org, and facts that several rules derive from the input."""

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
    """The input of every rule: what is known of one org, the thresholds that apply, and the time."""

    snapshot: Snapshot
    policy: WatchPolicy
    """The watch policy (poll intervals and thresholds), with the org's own settings applied."""
    now: datetime
    patience: int
    """The number of failed polls in a row after which the data of older polls is not used.

    The same number applies to failed reads of the history.
    """

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
        """The text for the verdict's badge: Zoho's status word, or a substitute if there is none."""
        if self.backup is None:
            return "NO BACKUP"
        return self.backup.status or "NO STATUS"

    @property
    def time_to_next_run(self) -> timedelta | None:
        """The time until the next backup run; negative once the run is due, None if none is announced."""
        return self.snapshot.time_to_next_run(self.now)

    @property
    def zoho_now(self) -> datetime:
        return self.snapshot.zoho_now(self.now)

    @property
    def history_read_at(self) -> datetime | None:
        """The time of the last read of the history, by Zoho's clock; None if it was never read."""
        read = self.snapshot.zoho.history_read_at
        return read and self.snapshot.zoho_now(read)

    @property
    def completed_run_start(self) -> HistoryEntry | None:
        """The history's start row of a run that Zoho's backup details show as completed.

        None if there is no such run, or if the history already has the run's end.
        """
        return (
            self.history.unfinished_start if self.history and self.state is BackupState.COMPLETED else None
        )


Rule = Callable[[Case], Verdict | None]
"""A pure function that returns a verdict on a case, or None if the rule does not apply."""


def backup_awaited_since(case: Case) -> datetime | None:
    """Return the time of the last good backup, or of the plan if no backup ever completed.

    None if that time is unknown.
    """
    history, newer = case.history, case.completed_run_start
    if history is None:
        return None
    if newer:
        return newer.logged_at
    return history.last_completed_at if history.last_completed else planned_since(case)


def planned_since(case: Case) -> datetime | None:
    """Return the time since when the org has had a backup plan.

    This is the time of the oldest `scheduled` row in the history, so that replacing the plan each month
    does not reset it. Without such a row, or if the only such row announces a first run that is still
    ahead, the time of the first run is returned.
    """
    rows = [row for row in case.history.entries if row.action == "scheduled"] if case.history else []
    times = [row.logged_at for row in rows if row.logged_at]
    first = case.backup.first_run if case.backup else None
    if first and (not times or (len(rows) == 1 and first > case.zoho_now)):
        return first
    return min(times, default=None)


def max_backup_age(case: Case) -> timedelta | None:
    """Return the age from which the last good backup is too old; None if there is no plan and no `max_age`.

    Without a configured `max_age`, a weekly plan gives 8 days, a plan of every two weeks 16, a monthly plan
    33. A recurrence rule that cannot be parsed in full is taken as monthly, or as rarer if its parsed part
    is.
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
    """Return how long a run has lasted since its start in the history or since zbtui first saw the run.

    The longer of the two is returned.
    """
    seen = max(case.now - (case.snapshot.zoho.running_since or case.now), timedelta())
    start = case.history.unfinished_start if case.history else None
    return max(seen, case.zoho_now - start.logged_at) if start and start.logged_at else seen
