"""A check as JSON, schema 1: keys are added to it, never renamed or left out."""

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
    """One JSON object; every key always there, what is not known null.

    Moments are ISO 8601 with offset and whole seconds, those that Zoho names as it names them.

    - `schema`: 1
    - `checked_at`: when the check ended
    - `level`: the worst org's: `ok`, `warning`, `critical`, `unknown`
    - `orgs`: an object for each, worst first:
        - `name`, `data_center`: as configured
        - `company`: whose org it is, as Zoho names it
        - `level`, `verdict`, `headline`, `hint`: what to think of it, in a word and in sentences
        - `observed_at`: the last good look, which `backup` and all that follows is from
        - `stale`: a newer look than that failed, so all this may have changed
        - `backup`: Zoho's six keys as they came; null where none is set up, or none was ever seen
        - `plan`: the recurrence rule in words
        - `next_run`, `seconds_to_next_run`: as Zoho names it; by Zoho's clock, negative once due
        - `last_completed`, `last_failed`: the newest of each within Zoho's history of a year
        - `links_expire`: the newest expiry of download links that was ever seen, past or to come
        - `history`: what Zoho's history of a year tells:
            - `known_at`: when it was last read; null: never, then all of this is null
            - `last_outcome`: how the newest run that ended did: `completed`, `failed`
            - `runs_this_month`: begun in this calendar month at the org's own offset, failed ones too
            - `bought_this_month`: extra backups bought in it
            - `included_per_month`: what the edition includes, where the edition is known
            - `trouble`: why history or links could not be read the last time, in a sentence
        - `error`: why the look failed: `kind`, `code`, `http_status`, `message`, `hint`, `retry_at`
    """
    body = {
        "schema": 1,
        "checked_at": iso_time(report.checked_at),
        "level": report.level.label,
        "orgs": [_org_object(finding) for finding in report.results],
    }
    return json.dumps(body, indent=2)


def iso_time(moment: datetime | None) -> str | None:
    """With offset, whole seconds."""
    return moment.isoformat(timespec="seconds") if moment else None


def _org_object(finding: OrgResult) -> dict[str, Any]:
    snapshot, verdict = finding.snapshot, finding.verdict
    backup, seen = snapshot.zoho.backup, snapshot.zoho.observed_at
    ahead = snapshot.time_to_next_run(finding.judged_at)
    return {
        "name": snapshot.org.name,
        "data_center": snapshot.org.data_center,
        "company": snapshot.company_name,
        "level": verdict.level.label,
        "verdict": verdict.name,
        "headline": verdict.headline,
        "hint": verdict.hint,
        "observed_at": iso_time(seen),
        "stale": seen is not None and (snapshot.polls.problem is not None or snapshot.polls.restored),
        "backup": backup.as_dict() if backup else None,
        "plan": rrule_text(backup.rrule) if backup and backup.rrule else None,
        "next_run": iso_time(backup.next_run) if backup else None,
        "seconds_to_next_run": None if ahead is None else int(ahead.total_seconds()),
        "last_completed": iso_time(snapshot.last_completed),
        "last_failed": iso_time(snapshot.last_failed),
        "links_expire": iso_time(snapshot.zoho.last_links_expiry),
        "history": _history_object(snapshot, finding.judged_at),
        "error": snapshot.polls.problem and _error_object(snapshot.polls.problem),
    }


def _history_object(snapshot: Snapshot, now: datetime) -> dict[str, Any]:
    history, trouble = snapshot.zoho.history, snapshot.polls.history_problem
    last = history.last_finished if history else None
    begin, end = _current_month(snapshot, now)
    return {
        "known_at": iso_time(snapshot.zoho.history_read_at),
        "last_outcome": last.outcome.value if last and last.outcome else None,
        "runs_this_month": history.count_runs(begin, end) if history else None,
        "bought_this_month": history.count_bought(begin, end) if history else None,
        "included_per_month": snapshot.zoho.company.included_backups if snapshot.zoho.company else None,
        "trouble": trouble and trouble.message,
    }


def _current_month(snapshot: Snapshot, now: datetime) -> tuple[datetime, datetime]:
    """The calendar month of `now`, at the offset that Zoho names the org's next run with."""
    next_run = snapshot.zoho.backup.next_run if snapshot.zoho.backup else None
    return month_bounds(snapshot.zoho_now(now).astimezone(next_run.tzinfo if next_run else UTC))


def _error_object(trouble: Problem) -> dict[str, Any]:
    return {
        "kind": trouble.kind,
        "code": trouble.code,
        "http_status": trouble.http_status,
        "message": trouble.message,
        "hint": trouble.hint,
        "retry_at": iso_time(trouble.retry_at),
    }
