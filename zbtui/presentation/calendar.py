"""A year of backups as a small calendar: one line per month, one cell per day."""

from __future__ import annotations

from datetime import date, timedelta, tzinfo
from typing import Final

from zbtui.model.time_format import MONTHS
from zbtui.zoho_api.history import RunOutcome
from zbtui.zoho_api.runs import BackupRun, History

COMPLETED: Final = "✔"
FAILED: Final = "✖"
STARTED: Final = "▸"
"""The mark of a day on which a run started that is still in progress, or whose end was never logged."""
STOPPED: Final = "■"
"""The mark of a day on which somebody stopped the backup schedule."""
NO_RUN: Final = "·"
LEGEND: Final = (
    f"{COMPLETED} completed  {FAILED} failed  {NO_RUN} nothing",
    f"{STARTED} started, no end told  {STOPPED} stopped",
)
"""The meaning of the marks in two lines, short enough for a small screen."""
_PRECEDENCE: Final = (NO_RUN, STARTED, COMPLETED, STOPPED, FAILED)
"""The marks by rising precedence: of several marks for one day, the calendar shows the last one here."""


def year_calendar(history: History, today: date, zone: tzinfo | None = None) -> tuple[tuple[str, str], ...]:
    """Return the last 13 months, newest first, as pairs of a label (`Dec 2025`) and 31 cells, one per day.

    A cell is blank if the month does not have the day, or the day is to come or more than a year ago. A run
    counts on the day on which it ended or, if its end is unknown, began. `zone` is the time zone of the
    days; None stands for the machine's time zone.
    """
    marks: dict[date, str] = {}
    marked = [(run.ended_at or run.started_at, _run_mark(run)) for run in history.runs]
    marked += [(entry.logged_at, STOPPED) for entry in history.entries if entry.action == "stopped"]
    for moment, mark in marked:
        if moment is not None:
            day = moment.astimezone(zone).date()
            marks[day] = max(marks.get(day, NO_RUN), mark, key=_PRECEDENCE.index)
    months, first = [], today.replace(day=1)
    for _ in range(13):
        months.append((f"{MONTHS[first.month - 1]} {first.year}", _month_cells(first, today, marks)))
        first = (first - timedelta(days=1)).replace(day=1)
    return tuple(months)


def _run_mark(run: BackupRun) -> str:
    if run.outcome is None:
        return STARTED
    return COMPLETED if run.outcome is RunOutcome.COMPLETED else FAILED


def _month_cells(first: date, today: date, marks: dict[date, str]) -> str:
    year_ago = today - timedelta(days=365)  # Zoho keeps no older history
    days = (first + timedelta(days=offset) for offset in range(31))
    return "".join(
        marks.get(day, NO_RUN) if day.month == first.month and year_ago <= day <= today else " "
        for day in days
    )
