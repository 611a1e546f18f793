"""Makes rows of the detail screen: the pages History, Looks and JSON, and the dates of next runs. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo

from zbtui.health.poll_record import MAX_POLL_RECORDS, PollRecord
from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import datetime_texts
from zbtui.presentation.agenda import AGENDA_HORIZON
from zbtui.presentation.calendar import LEGEND, year_calendar
from zbtui.presentation.privacy import HIDDEN
from zbtui.tui.screens.detail_rows import Rows
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.recurrence import later_runs

_NEXT_DATES = 5
_LONGEST_PLAN = AGENDA_HORIZON * 12


def next_date_rows(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> Rows:
    """Return Zoho's date of the next backup run, and estimated dates of up to four later runs, as rows."""
    backup = snapshot.zoho.backup
    if backup is None or backup.next_run is None or snapshot.time_to_next_run(now) is None:
        return []
    later = later_runs(backup.rrule, backup.next_run, now + _LONGEST_PLAN) if backup.rrule else ()
    suffix = ", past by now" if backup.next_run <= snapshot.zoho_now(now) else ""
    rows = [("Next dates", f"{datetime_texts(backup.next_run, zone)[0]}: Zoho's word{suffix}")]
    estimated = later[: _NEXT_DATES - 1]
    return rows + [("", f"{datetime_texts(at, zone)[0]}: about, by the plan") for at in estimated]


def history_rows(snapshot: Snapshot, now: datetime, zone: tzinfo | None = None) -> Rows:
    """Return the rows of the page History: the year as a calendar, then each entry of the history."""
    history = snapshot.zoho.history
    if history is None:
        return [("History", "it could not be read yet")]
    months = year_calendar(history, snapshot.zoho_now(now).astimezone(zone).date(), zone)
    rows: Rows = [("", "1        10        20        30"), *months]
    rows += [*(("", line) for line in LEGEND), ("", "")]
    rows += [_history_row(entry, zone) for entry in history.entries]
    if not history.entries:
        rows.append(("History", "nothing in the past year"))
    read = snapshot.zoho.history_read_at
    return [*rows, ("", ""), ("Read", datetime_texts(read, zone)[0] if read else "never")]


def _history_row(entry: HistoryEntry, zone: tzinfo | None) -> tuple[str, str]:
    when = datetime_texts(entry.logged_at, zone)[-1] if entry.logged_at else "no time told"
    doer = entry.done_by.name if entry.done_by else None
    parts = (
        entry.state or entry.action or "no word",
        entry.repeat_type,
        f"{entry.count} bought" if entry.count else None,
        f"by {doer}" if doer else None,
        entry.file_name,
    )
    return when, " · ".join(filter(None, parts))


def poll_rows(
    polls: Sequence[PollRecord], now: datetime, zone: tzinfo | None = None, *, names_hidden: bool = False
) -> Rows:
    """Return the rows of the page Looks: one row for each poll, in the order of `polls`.

    If `names_hidden` is true, the outcome of failed polls is hidden.
    """
    rows: Rows = [("", f"the last {MAX_POLL_RECORDS} looks since zbtui started")]
    for poll in polls:
        left = f" · {poll.credits_remaining} API credits left" if poll.credits_remaining is not None else ""
        glyph = "✖" if poll.failed else "✔"
        span = f"{poll.seconds:.2f} s" if poll.seconds < 60 else f"{timedelta(seconds=int(poll.seconds))}"
        outcome = HIDDEN if names_hidden and poll.failed else poll.outcome
        rows.append((f"{poll.at.astimezone(zone):%a %H:%M:%S}", f"{glyph} {outcome} · {span}{left}"))
    return rows if polls else [*rows, ("", "none yet")]


def answer_json(snapshot: Snapshot) -> str:
    """Return Zoho's answer as JSON: six keys with cleaned values, or null if no backup is set up."""
    body = {"backup": snapshot.zoho.backup.as_dict() if snapshot.zoho.backup else None}
    return json.dumps(body, indent=2, ensure_ascii=False)


def json_rows(snapshot: Snapshot) -> Rows:
    """Return the rows of the page JSON: Zoho's answer as JSON, one row for each line."""
    if snapshot.zoho.observed_at is None:
        return [("", "not seen yet")]
    return [("", line) for line in answer_json(snapshot).splitlines()]
