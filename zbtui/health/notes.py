"""Writes the notes that are shown beside the verdict on a healthy org, such as expired links."""

from __future__ import annotations

from datetime import datetime, timedelta

from zbtui.health.case import Case
from zbtui.health.events import LICENCE_EXPIRY_NOTICE
from zbtui.model.time_format import MONTHS, day_month_text, month_bounds, rough_span
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.history import RunOutcome
from zbtui.zoho_api.links import LINKS_LIFETIME
from zbtui.zoho_api.recurrence import parse_rrule
from zbtui.zoho_api.runs import History


def notes(case: Case) -> tuple[str, ...]:
    """Return the notes on an org, most important first."""
    return tuple(filter(None, (_links_note(case), _quota_note(case), _licence_note(case))))


def _links_note(case: Case) -> str | None:
    """Return a note if the last backup's files are gone or never existed, and no backup is running."""
    links, last = case.snapshot.zoho.links, case.snapshot.last_completed
    if links is None or last is None or case.state is BackupState.INPROGRESS:
        return None
    if gone := case.snapshot.links_expired_at(case.now):
        return f"links expired on {day_month_text(gone)}, no copy kept by zbtui"
    if links.are_available:
        return None
    if case.zoho_now - last > LINKS_LIFETIME:  # no expiry was seen, but no link lives longer
        return f"links expired by {day_month_text(last + LINKS_LIFETIME)}, no copy kept by zbtui"
    return "Zoho offers no links for the last backup"


def _quota_note(case: Case) -> str | None:
    """Return a note if the next run is beyond the number of backups that the edition includes in its month.

    The month begins and ends at the org's UTC offset. None for plans of every two weeks, which Zoho
    recommends ("Requesting data backup"). None also if an earlier month in the history had more runs than
    are included: then the number is taken as wrong.
    """
    company, backup, history = case.snapshot.zoho.company, case.backup, case.history
    included = company.included_backups if company else None
    if included is None or backup is None or not backup.rrule or not backup.next_run or history is None:
        return None
    rule, ahead = parse_rrule(backup.rrule), case.time_to_next_run
    every_two_weeks = rule is not None and (rule.freq, rule.interval) == ("WEEKLY", 2)
    if every_two_weeks or ahead is None or ahead <= timedelta():
        return None
    begin, end = month_bounds(backup.next_run)
    allowed = included + history.count_bought(begin, end)
    if history.count_runs(begin, end) < allowed or _is_refuted(history, included, begin):
        return None
    return f"the next run is beyond the {allowed} that {MONTHS[begin.month - 1]} includes"


def _is_refuted(history: History, included: int, before: datetime) -> bool:
    """Whether an earlier month had more completed runs than `included` and those bought in that month."""
    counts: dict[datetime, int] = {}
    for run in history.runs:
        at = run.started_at or run.ended_at
        if run.outcome is RunOutcome.COMPLETED and at and at < before:
            month = month_bounds(at.astimezone(before.tzinfo))
            counts[month[0]] = counts.get(month[0], 0) + 1
    return any(
        count > included + history.count_bought(*month_bounds(month)) for month, count in counts.items()
    )


def _licence_note(case: Case) -> str | None:
    ends = case.snapshot.zoho.company.licence_expires_at if case.snapshot.zoho.company else None
    left = ends - case.zoho_now if ends else None
    if left is None or left > LICENCE_EXPIRY_NOTICE:
        return None
    return f"the licence ends in {rough_span(left)}" if left > timedelta() else "the licence has ended"
