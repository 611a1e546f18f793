"""The rules that find no reliable good backup (critical), or cannot tell if there is one (unknown)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from zbtui.health.case import (
    Case,
    backup_awaited_since,
    max_backup_age,
    planned_since,
)
from zbtui.health.poll_schedule import HISTORY_AND_LINKS_EVERY
from zbtui.model.time_format import ago, countdown, rough_span
from zbtui.model.verdict import Level, Verdict
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.errors import BACKUP_MENU
from zbtui.zoho_api.history import RunOutcome

MAX_HISTORY_AGE: Final = 3 * HISTORY_AND_LINKS_EVERY
"""The time after which a history that was read is too old to judge by."""
MAX_HISTORY_LAG: Final = timedelta(minutes=10)
"""The longest time that the history is allowed to lack what Zoho's backup details already show."""
MISSED_AFTER: Final = timedelta(hours=1)
"""The least time from a due date to a read of the history which proves that no run began.

This applies only if a later read of the history failed.
"""
_ORDER_BY_HAND: Final = f"Order one by hand in Zoho: {BACKUP_MENU}."


def wrong_org(case: Case) -> Verdict | None:
    """Return a critical verdict if the sign-in now answers for another org than before."""
    number, company = case.snapshot.zoho.other_org_number, case.snapshot.zoho.company
    if number is None:
        return None
    was = company.org_number if company else None
    return Verdict(
        "wrong_org",
        Level.CRITICAL,
        "WRONG ORG",
        f"the sign-in answers for org {number}, no longer for {was}",
        "Sign in again, and choose the org that is meant.",
    )


def failed(case: Case) -> Verdict | None:
    """Return a critical verdict if the last run failed, by Zoho's backup details or by the history.

    An org whose last run failed keeps this verdict while a new run is in progress.
    """
    state, snapshot = case.state, case.snapshot
    in_details = state in (BackupState.FAILED, BackupState.PAYMENT_FAILED)
    last = case.history.last_finished if case.history else None
    in_history = last is not None and last.outcome is RunOutcome.FAILED and not case.completed_run_start
    before_this_run = state is BackupState.INPROGRESS and snapshot.zoho.previous_run_failed
    if not (in_details or in_history or before_this_run):
        return None
    unpaid = state is BackupState.PAYMENT_FAILED
    headline = "the backup was not paid for" if unpaid else "the last backup failed"
    if in_history and not unpaid and last and last.logged_at:
        headline += f" {ago(case.zoho_now - last.logged_at)}"
    hint = _ORDER_BY_HAND
    if unpaid:
        hint = "Settle the payment in Zoho: Setup > Subscriptions."
    elif state is BackupState.INPROGRESS:
        hint = "Wait for its end: until one completes, there is no newer backup."
    # If only the history shows the failure, Zoho's status word would seem healthy.
    word = case.status_badge if in_details or state is BackupState.INPROGRESS else "FAILED"
    return Verdict("failed", Level.CRITICAL, word, headline + _next_step_text(case), hint)


def _next_step_text(case: Case) -> str:
    ahead = case.time_to_next_run
    if case.state is BackupState.INPROGRESS:
        return "; another is running"
    if case.state is BackupState.STOPPED:
        return "; the schedule is stopped"
    if case.backup is None:
        return "; none is set up"
    return f"; next try in {countdown(ahead)}" if ahead is not None and ahead > timedelta() else ""


def stopped(case: Case) -> Verdict | None:
    """Return a critical verdict if the status in Zoho's backup details is STOPPED."""
    if case.state is not BackupState.STOPPED:
        return None
    row = case.history.newest_with_action("stopped") if case.history else None
    who = f" by {row.done_by.name}" if row and row.done_by and row.done_by.name else ""
    # An age, as a date differs between time zones.
    when = f" {ago(case.zoho_now - row.logged_at)}" if row and row.logged_at else ""
    return Verdict(
        "stopped",
        Level.CRITICAL,
        case.status_badge,
        f"stopped{who}{when}; no backup will run",
        f"Schedule it anew in Zoho: {BACKUP_MENU}.",
    )


def missed(case: Case) -> Verdict | None:
    """Return a critical verdict if a run did not begin and Zoho already announces another date.

    The verdict is given once the run's due date is more than `overdue_after` ago. It ends with the next
    good run.
    """
    read, now_due = case.history_read_at, case.snapshot.next_run
    if read is None:
        return None
    grace = timedelta() if case.snapshot.polls.history_problem is None else MISSED_AFTER
    for due in case.snapshot.zoho.due_dates:
        late, is_proven = case.zoho_now - due.at, read >= due.at + grace and not due.began
        if is_proven and due.at != now_due and late > case.policy.overdue_after:
            return Verdict(
                "missed",
                Level.CRITICAL,
                "MISSED",
                f"the run due {ago(late)} did not start{_next_step_text(case)}",
                _ORDER_BY_HAND,
            )
    return None


def overdue(case: Case) -> Verdict | None:
    """Return a critical verdict if the announced run did not begin within `overdue_after` of its date.

    No verdict is given while a run is in progress.
    """
    ahead = case.time_to_next_run
    if ahead is None or case.state is BackupState.INPROGRESS or -ahead <= case.policy.overdue_after:
        return None
    return Verdict(
        "overdue",
        Level.CRITICAL,
        "OVERDUE",
        f"the run did not start; overdue {countdown(ahead)}",
        f"Zoho still says {case.status_badge}: see {BACKUP_MENU} there.",
    )


def no_history(case: Case) -> Verdict | None:
    """Return an unknown verdict if the last result is not known from the history.

    The history is then unreadable, outdated, behind Zoho's backup details, or without the last backup's
    date.
    """
    zoho, problem = case.snapshot.zoho, case.snapshot.polls.history_problem
    read, behind = zoho.history_read_at, zoho.history_behind_since
    if zoho.history is None or read is None or not timedelta() <= case.now - read <= MAX_HISTORY_AGE:
        why = problem.message if problem else "the history was not read lately"
        return _not_known(f"the last result cannot be read; {why}", problem.hint if problem else None)
    impatient = problem is not None and case.snapshot.polls.history_failures >= case.patience
    if behind and (impatient or case.now - behind > MAX_HISTORY_LAG):
        if problem:
            return _not_known(f"the last result cannot be read; {problem.message}", problem.hint)
        return _not_known("the history does not have the end of the last run")
    if zoho.history.last_completed and not zoho.history.last_completed_at and not case.completed_run_start:
        return _not_known("the date of the last good backup is not told")
    return None


def _not_known(headline: str, hint: str | None = None) -> Verdict:
    hint = hint or f"See what Zoho says: {BACKUP_MENU}."
    return Verdict("cannot_tell", Level.UNKNOWN, "NO HISTORY", headline, hint)


def too_old(case: Case) -> Verdict | None:
    """Return a critical verdict if the last completed backup is older than `max_backup_age`.

    If no backup ever completed, the age of the plan is used instead (`planned_since`).
    """
    limit, since = max_backup_age(case), backup_awaited_since(case)
    if limit is None or since is None or case.zoho_now - since <= limit:
        return None
    headline = f"the last good backup is {rough_span(case.zoho_now - since)} old"
    if not ((case.history and case.history.last_completed) or case.completed_run_start):
        headline = f"no backup has completed; the plan is {rough_span(case.zoho_now - since)} old"
    if case.state is BackupState.INPROGRESS:
        headline = f"{headline.partition('; ')[0]}; one is running"
    return Verdict("too_old", Level.CRITICAL, "TOO OLD", headline, _ORDER_BY_HAND)


def no_date(case: Case) -> Verdict | None:
    """Return an unknown verdict if Zoho sends a date of the next run that cannot be read."""
    backup = case.backup
    if (
        backup is None
        or not backup.scheduled_date
        or backup.next_run
        or case.state is BackupState.INPROGRESS
    ):
        return None
    return Verdict(
        "cannot_tell",
        Level.UNKNOWN,
        "NO DATE",
        f"the date of the next run cannot be read: {backup.scheduled_date[:40]}",
        f"See what Zoho says: {BACKUP_MENU}.",
    )


def never_completed(case: Case) -> Verdict | None:
    """Return an unknown verdict if no backup ever completed and the age of the plan is unknown.

    Without that age, `too_old` cannot judge the org.
    """
    history, backup = case.history, case.backup
    if history is None or backup is None or not backup.rrule:
        return None
    if case.state in (BackupState.INPROGRESS, BackupState.COMPLETED):
        return None
    if history.last_completed or planned_since(case):
        return None
    return _not_known("no backup has completed; since when one is due is not told")
