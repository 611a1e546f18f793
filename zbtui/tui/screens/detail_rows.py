"""Makes the rows of the detail screen's page Now: one org in full, as label and text. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.time_format import ago, countdown, datetime_texts, month_bounds
from zbtui.model.verdict import Verdict
from zbtui.presentation.summaries import last_good_summary, links_summary
from zbtui.tui.views.verdict_text import badge, seen_text
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.recurrence import rrule_text

Rows = list[tuple[str, str]]
_NULL = "null"


def detail_rows(
    snapshot: Snapshot, verdict: Verdict, now: datetime, dates: Rows, zone: tzinfo | None = None
) -> Rows:
    """Return all rows of the page from top to bottom; a row ("", "") separates two groups.

    Args:
        dates: The rows that `next_date_rows` returned.
        zone: The viewer's time zone; None stands for this machine's time zone.
    """
    org = snapshot.org
    rows: Rows = [("Verdict", f"{badge(verdict)}: {verdict.headline}")]
    if snapshot.activity.paused:
        last = "last " if snapshot.zoho.observed_at else ""
        rows.append(("Paused", f"not looked at; {last}{seen_text(snapshot, now)}"))
    if verdict.hint:
        rows.append(("What to do", verdict.hint))
    rows += [("Note", note) for note in verdict.notes]
    if problem := snapshot.polls.problem:
        if problem.message != verdict.headline:
            rows.append(("Last look", f"{problem.message} {problem.hint}"))
        rows.append(("Zoho's word", _error_code_text(problem)))
    rows += [("", ""), *_zoho_rows(snapshot, now, zone), *dates, ("", "")]
    rows += [
        *_history_and_links_rows(snapshot, now, zone),
        ("", ""),
        *_company_rows(snapshot, zone),
        ("Data center", data_center_label(org.data_center)),
        ("Client", f"{org.client_id} ({org.grant})"),
        *([("Tags", ", ".join(org.tags))] if org.tags else []),
        *([("Muted", "nobody is alerted of it")] if org.mute else []),
        ("Seen", ago(now - snapshot.zoho.observed_at) if snapshot.zoho.observed_at else "never"),
        ("Next look", _next_poll_text(snapshot, now)),
    ]
    if snapshot.zoho.credits_remaining is not None:
        rows.append(("API credits", f"{snapshot.zoho.credits_remaining} left today"))
    if snapshot.zoho.clock_offset:
        rows.append(("Clock", f"Zoho's differs by {countdown(snapshot.zoho.clock_offset)}"))
    return rows


def _zoho_rows(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> Rows:
    """Return rows with Zoho's answer as received; each date is followed by the viewer's local time."""
    backup = snapshot.zoho.backup
    if backup is None:
        return [("backup", "none" if snapshot.zoho.observed_at else "not seen yet")]
    requester = backup.requester
    ahead = snapshot.time_to_next_run(now)
    scheduled = backup.scheduled_date or _NULL
    if backup.next_run and ahead is not None:
        distance = f"in {countdown(ahead)}" if ahead > timedelta() else f"{countdown(ahead)} ago"
        scheduled += f" · {datetime_texts(backup.next_run, zone)[0]} · {distance}"
    started = backup.start_date or _NULL
    if backup.first_run:
        started += f" · {datetime_texts(backup.first_run, zone)[0]}"
    return [
        ("id", backup.id or _NULL),
        ("status", backup.status or _NULL),
        ("scheduled_date", scheduled),
        ("start_date", started),
        ("rrule", f"{backup.rrule} · {rrule_text(backup.rrule)}" if backup.rrule else _NULL),
        ("requester.name", (requester and requester.name) or _NULL),
        ("requester.id", (requester and requester.id) or _NULL),
        ("requester.zuid", (requester and requester.zuid) or _NULL),
    ]


def _history_and_links_rows(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> Rows:
    """Return rows about history and download links, and how long ago the history was read."""
    history, zoho_now = snapshot.zoho.history, snapshot.zoho_now(now)
    last_good = last_good_summary(snapshot, now).removeprefix("last good ").removeprefix("last ")
    rows = [("Last good", _with_date(last_good, snapshot.last_completed, zone))]
    if history and history.last_failed:
        failed_at = history.last_failed.logged_at
        failed_ago = ago(zoho_now - failed_at) if failed_at else "no date told"
        rows.append(("Last failed", _with_date(failed_ago, failed_at, zone)))
    if history and (stop := history.newest_with_action("stopped")):
        rows.append(("Last stopped", _with_date(f"by {_doer_name(stop)}", stop.logged_at, zone)))
    if history and (buy := history.newest_with_action("purchased")):
        rows.append(("Last bought", _with_date(f"{buy.count} by {_doer_name(buy)}", buy.logged_at, zone)))
    if history:
        count = history.count_runs(*month_bounds(zoho_now.astimezone(zone)))
        runs = "1 run" if count == 1 else f"{count} runs"
        rows.append(("This month", f"{runs}{_included(snapshot)}"))
    rows.append(("Links", _links(snapshot, now, zone)))
    if problem := snapshot.polls.history_problem or snapshot.polls.links_problem:
        rows.append(("Not read", f"history or links: {problem.message} {problem.hint}"))
    read = ago(now - snapshot.zoho.history_read_at) if snapshot.zoho.history_read_at else "never"
    return [*rows, ("History read", read)]


def _doer_name(entry: HistoryEntry) -> str:
    return (entry.done_by and entry.done_by.name) or "somebody unnamed"


def _included(snapshot: Snapshot) -> str:
    included = snapshot.zoho.company.included_backups if snapshot.zoho.company else None
    return "" if included is None else f" · {included} a month are included"


def _links(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> str:
    links = snapshot.zoho.links
    words = links_summary(snapshot, now).removeprefix("links ")
    if links and links.are_available:
        words += f" · {links.data_parts} of data, {links.attachment_parts} of attachments"
    expiry = links.expires_at if links and links.expires_at else snapshot.links_expired_at(now)
    return _with_date(words, expiry, zone)


def _with_date(words: str, moment: datetime | None, zone: tzinfo | None) -> str:
    return f"{words} · {datetime_texts(moment, zone)[0]}" if moment else words


def _company_rows(snapshot: Snapshot, zone: tzinfo | None) -> Rows:
    company = snapshot.zoho.company
    if company is None:
        return [("Company", "not known")]
    rows = [("Company", company.name or "not told")]
    if company.edition:
        rows.append(("Edition", company.edition))
    if company.licence_expires_at:
        rows.append(("Licence ends", datetime_texts(company.licence_expires_at, zone)[0]))
    return rows


def _error_code_text(problem: Problem) -> str:
    parts = [problem.code] if problem.code else []
    if problem.http_status is not None:
        parts.append(f"HTTP {problem.http_status}")
    return " · ".join(parts) or "no answer came"


def _next_poll_text(snapshot: Snapshot, now: datetime) -> str:
    if snapshot.activity.paused:
        return "paused: p goes on"
    if snapshot.activity.next_poll is None:
        return "not by itself: r looks again"
    return f"in {countdown(max(snapshot.activity.next_poll - now, timedelta()))}"
