"""What a year of backups amounts to: runs, the last good and the last failed one, who stopped it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.zoho_api.history import HistoryEntry, RunOutcome, sort_newest_first

MAX_RUN_DURATION: Final = timedelta(days=7)
"""A start further before an end than this belongs to another run."""


@dataclass(frozen=True, slots=True)
class BackupRun:
    """One backup, as its rows tell."""

    started_at: datetime | None
    """None: no row tells, or none with a time."""
    ended_at: datetime | None
    outcome: RunOutcome | None
    """None: still running, or its end was never told."""
    repeat_type: str | None


@dataclass(frozen=True, slots=True)
class History:
    """The past year of one org, at most. Made by `summarize`."""

    entries: tuple[HistoryEntry, ...] = ()
    """Newest first."""
    runs: tuple[BackupRun, ...] = ()
    """In the order in which they began, newest first."""
    last_finished: HistoryEntry | None = None
    """The newest row that tells an end, good or bad."""
    last_completed: HistoryEntry | None = None
    last_failed: HistoryEntry | None = None
    unfinished_start: HistoryEntry | None = None
    """The newest start, where no end was told since."""

    def newest_with_action(self, action: str) -> HistoryEntry | None:
        """The newest row of an action, such as who `stopped` it."""
        return next((entry for entry in self.entries if entry.action == action), None)

    def latest_possible_time(self, entry: HistoryEntry) -> datetime | None:
        """When a row came about, at the latest: its own time, else that of the next newer row with one."""
        at = None
        for row in self.entries:
            at = row.logged_at or at
            if row is entry:
                return at
        return None

    def count_runs(self, begin: datetime, end: datetime) -> int:
        """How many runs began from `begin` on and before `end`; failed ones count, as they do at Zoho."""
        began = (run.started_at or run.ended_at for run in self.runs)
        return sum(at is not None and begin <= at < end for at in began)

    def count_bought(self, begin: datetime, end: datetime) -> int:
        """How many extra backups were bought from `begin` on and before `end`."""
        bought = (entry for entry in self.entries if entry.action == "purchased")
        return sum(entry.count for entry in bought if entry.logged_at and begin <= entry.logged_at < end)


def build_history(entries: Iterable[HistoryEntry]) -> History:
    """Args:
    entries: of all pages, in the server's order.
    """
    ordered = sort_newest_first(entries)
    finished = [entry for entry in ordered if entry.outcome]
    # Up to the newest end: what began before it is over, or its end was never told.
    after = ordered[: ordered.index(finished[0])] if finished else ordered
    return History(
        ordered,
        _pair_starts_with_ends(ordered),
        finished[0] if finished else None,
        next((entry for entry in finished if entry.outcome is RunOutcome.COMPLETED), None),
        next((entry for entry in finished if entry.outcome is RunOutcome.FAILED), None),
        next((entry for entry in after if entry.starts_run), None),
    )


def _pair_starts_with_ends(newest_first: Sequence[HistoryEntry]) -> tuple[BackupRun, ...]:
    runs: list[BackupRun] = []
    begun: list[int] = []
    """The places of those whose end was not told yet."""
    for entry in reversed(newest_first):
        if entry.starts_run:
            begun.append(len(runs))
            runs.append(BackupRun(entry.logged_at, None, None, entry.repeat_type))
        elif entry.outcome:
            end = BackupRun(None, entry.logged_at, entry.outcome, entry.repeat_type)
            index = next((one for one in reversed(begun) if _may_be_same_run(runs[one], end)), None)
            if index is None:
                runs.append(end)
            else:
                begun.remove(index)
                kind = end.repeat_type or runs[index].repeat_type
                runs[index] = replace(end, started_at=runs[index].started_at, repeat_type=kind)
    return tuple(reversed(runs))


def _may_be_same_run(start: BackupRun, end: BackupRun) -> bool:
    """Whether a start, still without an end, may be the one of this end."""
    if start.repeat_type and end.repeat_type and start.repeat_type != end.repeat_type:
        return False
    return not (start.started_at and end.ended_at) or end.ended_at - start.started_at <= MAX_RUN_DURATION
