"""Builds an org's history: a year of rows, paired into runs, with the last good and the last failed run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.zoho_api.history import HistoryEntry, RunOutcome, sort_newest_first

MAX_RUN_DURATION: Final = timedelta(days=7)
"""The longest time between a start and an end that are taken as parts of one run."""


@dataclass(frozen=True, slots=True)
class BackupRun:
    """One backup run, put together from its start row and its end row in the history."""

    started_at: datetime | None
    """The time when the run started; None if no row gives the time."""
    ended_at: datetime | None
    outcome: RunOutcome | None
    """The outcome of the run; None if it is still in progress, or if no row records its end."""
    repeat_type: str | None


@dataclass(frozen=True, slots=True)
class History:
    """The history of one org, at most a year long. Made by `build_history`."""

    entries: tuple[HistoryEntry, ...] = ()
    """All rows of the history, newest first."""
    runs: tuple[BackupRun, ...] = ()
    """The runs in the order of their starts, newest first."""
    last_finished: HistoryEntry | None = None
    """The newest row that ends a run, with any outcome."""
    last_completed: HistoryEntry | None = None
    last_failed: HistoryEntry | None = None
    unfinished_start: HistoryEntry | None = None
    """The newest row that starts a run, if no run has ended since; otherwise None."""

    @property
    def last_completed_at(self) -> datetime | None:
        """The earliest possible time of `last_completed`; None if no run completed, or no time is known."""
        return self.earliest_possible_time(self.last_completed) if self.last_completed else None

    def newest_with_action(self, action: str) -> HistoryEntry | None:
        """Return the newest row with an action, such as `stopped`; None if there is no such row."""
        return next((entry for entry in self.entries if entry.action == action), None)

    def earliest_possible_time(self, entry: HistoryEntry) -> datetime | None:
        """Return a row's own time or, if the row has none, the time of the next older row with a time."""
        older = self.entries[self.entries.index(entry) :]
        return next((row.logged_at for row in older if row.logged_at), None)

    def until(self, end: datetime) -> History:
        """Return the history without the rows later than `end`."""
        rows = tuple(row for row in self.entries if row.logged_at is None or row.logged_at <= end)
        return self if len(rows) == len(self.entries) else build_history(rows)

    def count_runs(self, begin: datetime, end: datetime) -> int:
        """Return how many runs began from `begin` to just before `end`.

        Failed runs count, as Zoho counts them.
        """
        began = (run.started_at or run.ended_at for run in self.runs)
        return sum(at is not None and begin <= at < end for at in began)

    def count_bought(self, begin: datetime, end: datetime) -> int:
        """Return how many extra backups were bought from `begin` to just before `end`."""
        bought = (entry for entry in self.entries if entry.action == "purchased")
        return sum(entry.count for entry in bought if entry.logged_at and begin <= entry.logged_at < end)


def build_history(entries: Iterable[HistoryEntry]) -> History:
    """Build the history from the rows of all pages, given in the server's order."""
    ordered = sort_newest_first(entries)
    finished = [entry for entry in ordered if entry.outcome]
    # Only a start after the newest end is unfinished: an earlier run is over, or its end was not logged.
    newer = ordered[: ordered.index(finished[0])] if finished else ordered
    return History(
        ordered,
        _pair_starts_with_ends(ordered),
        finished[0] if finished else None,
        next((entry for entry in finished if entry.outcome is RunOutcome.COMPLETED), None),
        next((entry for entry in finished if entry.outcome is RunOutcome.FAILED), None),
        next((entry for entry in newer if entry.starts_run), None),
    )


def _pair_starts_with_ends(newest_first: Sequence[HistoryEntry]) -> tuple[BackupRun, ...]:
    runs: list[BackupRun] = []
    unfinished: list[int] = []
    """The indexes in `runs` of the runs without an end so far."""
    for entry in reversed(newest_first):
        if entry.starts_run:
            unfinished.append(len(runs))
            runs.append(BackupRun(entry.logged_at, None, None, entry.repeat_type))
        elif entry.outcome:
            end = BackupRun(None, entry.logged_at, entry.outcome, entry.repeat_type)
            index = next((i for i in reversed(unfinished) if _may_be_same_run(runs[i], end)), None)
            if index is None:
                runs.append(end)
            else:
                unfinished.remove(index)
                kind = end.repeat_type or runs[index].repeat_type
                runs[index] = replace(end, started_at=runs[index].started_at, repeat_type=kind)
    return tuple(reversed(runs))


def _may_be_same_run(start: BackupRun, end: BackupRun) -> bool:
    """Whether `start`, a run without an end, and `end`, a run without a start, may be one run."""
    if start.repeat_type and end.repeat_type and start.repeat_type != end.repeat_type:
        return False
    return not (start.started_at and end.ended_at) or end.ended_at - start.started_at <= MAX_RUN_DURATION
