"""Keeps the due date of each announced backup run until the history shows how the run ended.

Zoho's answer names only the next run; once its date has passed, Zoho names a later date. So each date is
stored before it passes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.zoho_api.backup_details import ENDED_PLANS, Backup, BackupState
from zbtui.zoho_api.history import RunOutcome
from zbtui.zoho_api.recurrence import parse_rrule
from zbtui.zoho_api.runs import History

_DAY: Final = timedelta(days=1)
_START_TOLERANCE: Final = timedelta(minutes=1)
"""The longest time that a run can start before a due date and still belong to that date."""
HISTORY_REACH: Final = timedelta(days=360)
"""The time for which the history is taken as complete; Zoho keeps its rows for a year."""
_MAX_DUE_DATES: Final = 20


@dataclass(frozen=True, slots=True)
class DueDate:
    """The due date of an announced backup run whose end is not known yet."""

    at: datetime
    announced_at: datetime
    """The time, by Zoho's clock, of the last answer that announced this run."""
    began: bool = False
    """Whether the run is known to have begun, from Zoho's backup details or from the history."""


def update_due_dates(
    known: tuple[DueDate, ...],
    was: Backup | None,
    backup: Backup | None,
    history: History | None,
    zoho_now: datetime,
) -> tuple[DueDate, ...]:
    """Return the due dates, oldest first, whose runs still have no known end after a good poll.

    Args:
        known: the due dates before this poll.
        was: the backup job that the previous poll returned.
        backup: the backup job that this poll returned.
        history: the history as last read; None if it was never read.
        zoho_now: the time by Zoho's clock.
    """
    # 1. Drop future dates that Zoho no longer announces: the plan was changed or stopped. But a job
    #    ordered by hand only hides the plan, a plan without a readable date cancels none, and a date that
    #    has passed stays.
    dates = {due.at: due for due in known}
    announced = announced_run(backup)
    is_cancelled = backup is None or backup.state in ENDED_PLANS
    if is_cancelled or (announced and not _hides_plan(backup)):
        dates = {at: due for at, due in dates.items() if at <= zoho_now or at == announced}
    if announced and announced > zoho_now:
        dates[announced] = DueDate(announced, zoho_now)
    # 2. Add the first run of a plan that was first seen after that run.
    if first := _passed_first_run(backup, history, zoho_now):
        dates.setdefault(first, DueDate(first, first))
    # 3. Mark the run that the details show, and drop the dates that the history accounts for.
    ordered = sorted(dates.values(), key=lambda due: due.at)[-_MAX_DUE_DATES:]
    passed = [due for due in ordered if due.at <= zoho_now]
    if passed and _shows_new_run(was, backup):
        ordered[len(passed) - 1] = replace(passed[-1], began=True)
    return settle_due_dates(tuple(ordered), history, zoho_now) if history else tuple(ordered)


def settle_due_dates(
    dates: tuple[DueDate, ...], history: History, zoho_now: datetime
) -> tuple[DueDate, ...]:
    """Return the due dates, oldest first, without those whose runs have ended or were cancelled."""
    ends: list[datetime | None] = [*(due.at for due in dates[1:]), None]
    left = (_settle(due, end, history, zoho_now) for due, end in zip(dates, ends, strict=False))
    return tuple(due for due in left if due)


def announced_run(backup: Backup | None) -> datetime | None:
    """Return when the next run is due according to Zoho's backup details; None if no run will come."""
    return None if backup is None or backup.state in ENDED_PLANS else backup.next_run


def _hides_plan(backup: Backup | None) -> bool:
    """Whether `backup` is a single backup that a person ordered; False if there is none.

    While Zoho's details show such a backup, they do not show the recurring plan.
    """
    return backup is not None and backup.state not in ENDED_PLANS and not backup.rrule


def _shows_new_run(was: Backup | None, backup: Backup | None) -> bool:
    """Whether a run has begun between two polls, which returned `was` and then `backup`."""
    now, before = backup and backup.state, was and was.state
    if now is BackupState.COMPLETED:
        return before not in (BackupState.COMPLETED, BackupState.INPROGRESS)
    return now is BackupState.INPROGRESS and before is not BackupState.INPROGRESS


def _passed_first_run(
    backup: Backup | None, history: History | None, zoho_now: datetime
) -> datetime | None:
    """Return the time of the plan's first run, if that run has passed and is in the history's reach.

    None if that run is still ahead, too long ago, or not on a day of the recurrence rule: `start_date` may
    then mean something else.
    """
    first = backup.first_run if backup else None
    if backup is None or history is None or first is None or not backup.rrule:
        return None
    if backup.state in ENDED_PLANS:  # the plan may have been stopped before its first run
        return None
    rule = parse_rrule(backup.rrule)
    in_reach = zoho_now - HISTORY_REACH < first <= zoho_now and first != backup.next_run
    # A plan that was made later on the day of its first run has that run still ahead.
    plans = (row for row in history.entries if row.changes_plan and row.action == "scheduled")
    is_before_plan = any(row.logged_at and first <= row.logged_at < first + _DAY for row in plans)
    return first if in_reach and rule and rule.falls_on(first) and not is_before_plan else None


def _settle(due: DueDate, until: datetime | None, history: History, zoho_now: datetime) -> DueDate | None:
    """Return the due date, marked as begun if the history has the run's start.

    None if the run ended or was cancelled according to the history.

    Args:
        until: the next due date, to which later runs belong; None if there is no later due date.
    """
    if due.at > zoho_now:
        return due
    begin = due.at - _START_TOLERANCE
    for row in history.entries:
        at = history.earliest_possible_time(row)
        if at is None or at < begin:
            # The plan was changed after it last announced the run, and before the run was due.
            if row.changes_plan and at is not None and at > due.announced_at:
                return None
            continue
        in_window = until is None or at < until - _START_TOLERANCE
        if row.outcome is RunOutcome.COMPLETED or (row.outcome and in_window):
            return None
        if row.starts_run and in_window:
            due = replace(due, began=True)
    return due
