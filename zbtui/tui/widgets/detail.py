"""All that is known of one org, as rows of a label and a text: a pure function."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from zbtui.core.explain import label
from zbtui.core.recurrence import in_words
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import ago, countdown, moment_texts
from zbtui.core.verdict import Verdict

Rows = list[tuple[str, str]]
_NULL = "null"


def detail_rows(snapshot: Snapshot, verdict: Verdict, now: datetime, zone: tzinfo | None = None) -> Rows:
    """What to show, top to bottom; a row ("", "") parts two groups."""
    org = snapshot.org
    rows: Rows = [("Verdict", f"{verdict.glyph} {verdict.word}: {verdict.headline}")]
    if verdict.hint:
        rows.append(("What to do", verdict.hint))
    if snapshot.trouble and snapshot.trouble.message != verdict.headline:
        rows.append(("Last look", f"{snapshot.trouble.message} {snapshot.trouble.hint}"))
    if snapshot.trouble:
        rows.append(("Zoho's word", _code(snapshot)))
    rows += [("", ""), *_zoho_rows(snapshot, now, zone), ("", "")]
    rows += [
        ("Company", snapshot.company or "not known"),
        ("Data center", label(org.data_center)),
        ("Client", f"{org.client_id} ({org.grant})"),
        ("Last good", "not known: the details call does not tell"),
        ("Links", "not known: the details call does not tell"),
        ("Seen", ago(now - snapshot.observed_at) if snapshot.observed_at else "never"),
        ("Next look", _next_look(snapshot, now)),
    ]
    if snapshot.credits_remaining is not None:
        rows.append(("API credits", f"{snapshot.credits_remaining} left today"))
    if snapshot.clock_offset:
        rows.append(("Clock", f"Zoho's differs by {countdown(snapshot.clock_offset)}"))
    return rows


def _zoho_rows(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> Rows:
    """Zoho's six keys as they came, each date with the viewer's time beside it."""
    backup = snapshot.backup
    if backup is None:
        return [("backup", "none" if snapshot.observed_at else "not seen yet")]
    who = backup.requester
    ahead = snapshot.time_to_next_run(now)
    scheduled = backup.scheduled_date or _NULL
    if backup.next_run and ahead is not None:
        way = f"in {countdown(ahead)}" if ahead > timedelta() else f"{countdown(ahead)} ago"
        scheduled += f" · {moment_texts(backup.next_run, zone)[0]} · {way}"
    started = backup.start_date or _NULL
    if backup.first_run:
        started += f" · {moment_texts(backup.first_run, zone)[0]}"
    return [
        ("id", backup.id or _NULL),
        ("status", backup.status or _NULL),
        ("scheduled_date", scheduled),
        ("start_date", started),
        ("rrule", f"{backup.rrule} · {in_words(backup.rrule)}" if backup.rrule else _NULL),
        ("requester.name", (who and who.name) or _NULL),
        ("requester.id", (who and who.id) or _NULL),
        ("requester.zuid", (who and who.zuid) or _NULL),
    ]


def _code(snapshot: Snapshot) -> str:
    trouble = snapshot.trouble
    assert trouble is not None
    said = [trouble.code] if trouble.code else []
    if trouble.http_status is not None:
        said.append(f"HTTP {trouble.http_status}")
    return " · ".join(said) or "no answer came"


def _next_look(snapshot: Snapshot, now: datetime) -> str:
    if snapshot.paused:
        return "paused: p goes on"
    if snapshot.next_look is None:
        return "not by itself: r looks again"
    return f"in {countdown(max(snapshot.next_look - now, timedelta()))}"
