"""Formats a check as JSON, schema 1: later versions can add keys, but never rename or remove any."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from zbtui.check.report import OrgResult, Report
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.time_format import month_bounds
from zbtui.zoho_api.recurrence import rrule_text


def report_as_json(report: Report) -> str:
    """Format a report as one JSON object; every key is always present, null if unknown.

    Times are ISO 8601 with offset, in whole seconds; Zoho's times keep Zoho's offset.

    - `schema`: 1
    - `checked_at`: when the check ended
    - `level`: the level of the worst org: `ok`, `warning`, `critical`, `unknown`
    - `orgs`: an object for each org, worst first:
        - `name`, `data_center`: as configured
        - `company`: the company's name at Zoho
        - `level`, `verdict`, `headline`, `hint`: the verdict on the org: level, name, sentence, cure
        - `notes`: remarks in addition to the verdict, in sentences
        - `observed_at`: time of the last good poll, from which `backup` and all later keys come
        - `polled_at`: time of the last poll, good or not, by any zbtui process
        - `clock_offset_seconds`: Zoho's clock minus this machine's at the last good poll; 0 within 3 s
        - `stale`: true if a newer poll could not confirm the values, so that they may have changed
        - `backup`: Zoho's six keys, unchanged; null if no backup is set up or was ever seen
        - `plan`: the recurrence rule in words
        - `next_run`, `seconds_to_next_run`: time of the next run, as Zoho gives it, and the seconds until
          then by Zoho's clock, negative once the run is due
        - `last_completed`, `last_failed`: times of the newest completed and the newest failed run in Zoho's
          history of one year
        - `links_expire`: the latest expiry of download links ever seen, past or future
        - `history`: from Zoho's history of one year:
            - `known_at`: when the history was last read; null if never
            - `last_outcome`: outcome of the last finished run: `completed`, `failed`, `unknown`
            - `runs_this_month`: runs started in this calendar month, by the org's offset, even if failed
            - `bought_this_month`: extra backups bought in this calendar month
            - `included_per_month`: backups included in the edition, if that is known
            - `trouble`: why the last read of history or links failed, in a sentence
        - `error`: why the last poll failed: `kind`, `code`, `http_status`, `message`, `hint`, `retry_at`
    """
    body = {
        "schema": 1,
        "checked_at": iso_time(report.checked_at),
        "level": report.level.label,
        "orgs": [_org_object(result) for result in report.results],
    }
    return json.dumps(body, indent=2)


def iso_time(moment: datetime | None) -> str | None:
    """Format a time as ISO 8601 with offset, in whole seconds; None stays None."""
    return moment.isoformat(timespec="seconds") if moment else None


def _org_object(result: OrgResult) -> dict[str, Any]:
    snapshot, verdict = result.snapshot, result.verdict
    backup, seen = snapshot.zoho.backup, snapshot.zoho.observed_at
    ahead = snapshot.time_to_next_run(result.judged_at)
    return {
        "name": snapshot.org.name,
        "data_center": snapshot.org.data_center,
        "company": snapshot.company_name,
        "level": verdict.level.label,
        "verdict": verdict.name,
        "headline": verdict.headline,
        "hint": verdict.hint,
        "notes": list(verdict.notes),
        "observed_at": iso_time(seen),
        "polled_at": iso_time(snapshot.polls.attempted_at),
        "clock_offset_seconds": seen and int(snapshot.zoho.clock_offset.total_seconds()),
        "stale": seen is not None and (snapshot.polls.problem is not None or snapshot.polls.restored),
        "backup": backup.as_dict() if backup else None,
        "plan": rrule_text(backup.rrule) if backup and backup.rrule else None,
        "next_run": iso_time(backup.next_run) if backup else None,
        "seconds_to_next_run": None if ahead is None else int(ahead.total_seconds()),
        "last_completed": iso_time(snapshot.last_completed),
        "last_failed": iso_time(snapshot.last_failed),
        "links_expire": iso_time(snapshot.zoho.last_links_expiry),
        "history": _history_object(snapshot, result.judged_at),
        "error": snapshot.polls.problem and _error_object(snapshot.polls.problem),
    }


def _history_object(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    history = snapshot.zoho.history
    problem = snapshot.polls.history_problem or snapshot.polls.links_problem
    last = history.last_finished if history else None
    begin, end = _current_month(snapshot, now)
    return {
        "known_at": iso_time(snapshot.zoho.history_read_at),
        "last_outcome": last.outcome.value if last and last.outcome else None,
        "runs_this_month": history.count_runs(begin, end) if history else None,
        "bought_this_month": history.count_bought(begin, end) if history else None,
        "included_per_month": snapshot.zoho.company.included_backups if snapshot.zoho.company else None,
        "trouble": problem and problem.message,
    }


def _current_month(snapshot: Snapshot, now: datetime) -> tuple[datetime, datetime]:
    """Return begin and end of the calendar month of `now`, at the UTC offset of the org's next run."""
    next_run = snapshot.zoho.backup.next_run if snapshot.zoho.backup else None
    return month_bounds(snapshot.zoho_now(now).astimezone(next_run.tzinfo if next_run else UTC))


def _error_object(problem: Problem) -> dict[str, Any]:
    return {
        "kind": problem.kind,
        "code": problem.code,
        "http_status": problem.http_status,
        "message": problem.message,
        "hint": problem.hint,
        "retry_at": iso_time(problem.retry_at),
    }
