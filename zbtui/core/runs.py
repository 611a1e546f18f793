"""What a year of backups amounts to: runs, the last good and the last failed one, who stopped it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.core.history import Entry, Outcome, in_order

LONGEST_RUN: Final = timedelta(days=7)
"""A start further before an end than this belongs to another run."""


@dataclass(frozen=True, slots=True)
class Run:
    """One backup, as its rows tell."""

    started: datetime | None
    """None: no row tells, or none with a time."""
    ended: datetime | None
    outcome: Outcome | None
    """None: still running, or its end was never told."""
    repeat_type: str | None


@dataclass(frozen=True, slots=True)
class History:
    """The past year of one org, at most. Made by `summarize`."""

    entries: tuple[Entry, ...] = ()
    """Newest first."""
    runs: tuple[Run, ...] = ()
    """In the order in which they began, newest first."""
    last_finished: Entry | None = None
    """The newest row that tells an end, good or bad."""
    last_completed: Entry | None = None
    last_failed: Entry | None = None
    under_way: Entry | None = None
    """The newest start, where no end was told since."""

    def last_action(self, action: str) -> Entry | None:
        """The newest row of an action, such as who `stopped` it."""
        return next((entry for entry in self.entries if entry.action == action), None)

    def latest_time_of(self, entry: Entry) -> datetime | None:
        """When a row came about, at the latest: its own time, else that of the next newer row with one."""
        at = None
        for row in self.entries:
            at = row.at or at
            if row is entry:
                return at
        return None

    def runs_within(self, begin: datetime, end: datetime) -> int:
        """How many runs began from `begin` on and before `end`; failed ones count, as they do at Zoho."""
        began = (run.started or run.ended for run in self.runs)
        return sum(at is not None and begin <= at < end for at in began)

    def bought_within(self, begin: datetime, end: datetime) -> int:
        """How many extra backups were bought from `begin` on and before `end`."""
        bought = (entry for entry in self.entries if entry.action == "purchased")
        return sum(entry.count for entry in bought if entry.at and begin <= entry.at < end)


def summarize(entries: Iterable[Entry]) -> History:
    """Args:
    entries: of all pages, in the server's order.
    """
    ordered = in_order(entries)
    finished = [entry for entry in ordered if entry.outcome]
    # Up to the newest end: what began before it is over, or its end was never told.
    after = ordered[: ordered.index(finished[0])] if finished else ordered
    return History(
        ordered,
        _pair(ordered),
        finished[0] if finished else None,
        next((entry for entry in finished if entry.outcome is Outcome.COMPLETED), None),
        next((entry for entry in finished if entry.outcome is Outcome.FAILED), None),
        next((entry for entry in after if entry.begins_run), None),
    )


def _pair(newest_first: Sequence[Entry]) -> tuple[Run, ...]:
    runs: list[Run] = []
    begun: list[int] = []
    """The places of those whose end was not told yet."""
    for entry in reversed(newest_first):
        if entry.begins_run:
            begun.append(len(runs))
            runs.append(Run(entry.at, None, None, entry.repeat_type))
        elif entry.outcome:
            end = Run(None, entry.at, entry.outcome, entry.repeat_type)
            index = next((one for one in reversed(begun) if _may_be_of(runs[one], end)), None)
            if index is None:
                runs.append(end)
            else:
                begun.remove(index)
                kind = end.repeat_type or runs[index].repeat_type
                runs[index] = replace(end, started=runs[index].started, repeat_type=kind)
    return tuple(reversed(runs))


def _may_be_of(start: Run, end: Run) -> bool:
    """Whether a start, still without an end, may be the one of this end."""
    if start.repeat_type and end.repeat_type and start.repeat_type != end.repeat_type:
        return False
    return not (start.started and end.ended) or end.ended - start.started <= LONGEST_RUN
