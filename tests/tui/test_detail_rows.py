"""All that is known of one org, row by row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from tests.support.fake_clock import START
from tests.support.snapshots import (
    make_company,
    make_snapshot,
    make_unpolled_snapshot,
    snapshot_with,
    with_problem_of,
)
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.tui.screens.detail_pages import next_date_rows
from zbtui.tui.screens.detail_rows import detail_rows
from zbtui.zoho_api.backup_details import ZohoUser
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import build_history

DAY = timedelta(days=1)


def row(number: int, days: float, state: str | None = None, action: str | None = None) -> HistoryEntry:
    who = ZohoUser("7", "Mara Lindqvist", None)
    return HistoryEntry(str(number), action, state, "biweekly", None, 0, START - days * DAY, who)


def rows(snapshot: Snapshot) -> dict[str, str]:
    return dict(detail_rows(snapshot, judge(snapshot, WatchPolicy(), START), START, [], UTC))


BOUGHT = replace(row(1, 31, None, "purchased"), count=3)
ROWS = [row(4, 2, "completed"), row(3, 9, "failure"), row(2, 30, None, "stopped"), BOUGHT]
HISTORY = build_history(ROWS)
KNOWN = snapshot_with(
    make_snapshot(), history=HISTORY, history_read_at=START - timedelta(hours=2), company=make_company()
)


def test_the_history_is_shown_with_its_dates_and_its_age() -> None:
    shown = rows(KNOWN)
    assert shown["Last good"] == "2d ago · Sat 21 Nov 2026 11:20 (+00:00)"
    assert shown["Last failed"] == "9d ago · Sat 14 Nov 2026 11:20 (+00:00)"
    assert shown["Last stopped"] == "by Mara Lindqvist · Sat 24 Oct 2026 11:20 (+00:00)"
    assert shown["Last bought"] == "3 by Mara Lindqvist · Fri 23 Oct 2026 11:20 (+00:00)"
    assert shown["This month"] == "2 runs · 2 a month are included"
    assert shown["History read"] == "2h ago"


def test_the_links_are_shown_with_their_parts_and_their_end() -> None:
    links = Links(2, 1, START + 3 * DAY)
    shown = rows(snapshot_with(KNOWN, links=links, last_links_expiry=links.expires_at))
    assert shown["Links"] == "3d left · 2 of data, 1 of attachments · Thu 26 Nov 2026 11:20 (+00:00)"


def test_links_that_were_seen_to_expire_are_shown_as_expired() -> None:
    shown = rows(snapshot_with(KNOWN, links=Links(), last_links_expiry=START - DAY))
    assert shown["Links"] == "expired on 22 Nov · Sun 22 Nov 2026 11:20 (+00:00)"


def test_values_that_were_never_read_are_unknown() -> None:
    shown = rows(snapshot_with(make_snapshot(), history=None, history_read_at=None))
    assert shown["Last good"] == "result unknown"
    assert shown["Links"] == "unknown"
    assert shown["History read"] == "never"
    assert shown["Company"] == "not known"


def test_a_history_that_cannot_be_read_says_why_beside_what_was_known() -> None:
    problem = Problem("server", "Zoho is out of order (HTTP 503).", "If it lasts, ask.")
    shown = rows(snapshot_with(KNOWN, history_problem=problem, history_failures=1))
    assert shown["Not read"] == "history or links: Zoho is out of order (HTTP 503). If it lasts, ask."
    assert shown["Last good"].startswith("2d ago")


def test_edition_and_end_of_the_licence_are_shown_where_they_are_known() -> None:
    shown = rows(snapshot_with(KNOWN, company=make_company(licence_expires_at=START + 20 * DAY)))
    assert shown["Edition"] == "enterprise"
    assert shown["Licence ends"] == "Sun 13 Dec 2026 11:20 (+00:00)"


def test_on_a_problem_the_history_stays() -> None:
    shown = rows(with_problem_of(KNOWN, make_unpolled_snapshot("network", "No line.", "Wait.")))
    assert shown["Zoho's word"] == "no answer came"
    assert shown["Last good"].startswith("2d ago")


def test_old_data_is_marked_as_old() -> None:
    assert rows(snapshot_with(make_snapshot(), restored=True))["Verdict"].startswith(
        "● SCHEDULED (stale): "
    )


def test_a_pause_is_shown_beside_the_verdict() -> None:
    shown = rows(snapshot_with(make_snapshot(), paused=True, observed_at=START - timedelta(minutes=3)))
    assert list(shown)[:2] == ["Verdict", "Paused"]
    assert shown["Paused"] == "not looked at; last seen 3m ago"


def test_a_date_that_is_past_is_not_shown_as_one_that_is_ahead() -> None:
    running = make_snapshot(status="INPROGRESS", scheduled_date=(START - timedelta(hours=1)).isoformat())
    assert next_date_rows(running, START, UTC)[0][1].endswith("Zoho's word, past by now")
    ahead = make_snapshot(scheduled_date=(START + timedelta(hours=1)).isoformat())
    assert next_date_rows(ahead, START, UTC)[0][1].endswith("Zoho's word")
