"""The pages of the detail screen: next dates, the year, the last polls, Zoho's answer."""

from __future__ import annotations

import json
from datetime import UTC, timedelta

from tests.support.fake_clock import START
from tests.support.snapshots import SAMPLE_JOB, make_snapshot, snapshot_with
from zbtui.health.poll_record import PollRecord
from zbtui.health.snapshot import Snapshot
from zbtui.tui.screens.detail_pages import answer_json, history_rows, json_rows, next_date_rows, poll_rows
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.runs import build_history

DAY = timedelta(days=1)


def with_history(*rows: dict[str, str]) -> Snapshot:
    entries = [entry for row in rows if (entry := parse_entry(row))]
    return snapshot_with(make_snapshot("acme"), history=build_history(entries), history_read_at=START)


def texts(rows: list[tuple[str, str]]) -> list[str]:
    return [" ".join(row).strip() for row in rows]


def test_the_next_date_is_zohos_word_and_four_more_are_about() -> None:
    first, *later = texts(next_date_rows(make_snapshot("acme"), START, UTC))
    assert first.startswith("Next dates Sun 29 Nov") and first.endswith("Zoho's word")
    assert len(later) == 4 and all("about, by the plan" in row for row in later)


def test_without_a_run_to_await_there_are_no_dates() -> None:
    assert next_date_rows(make_snapshot("acme", status="STOPPED"), START, UTC) == []
    assert next_date_rows(snapshot_with(make_snapshot("acme"), backup=None), START, UTC) == []


def test_a_plan_that_is_not_understood_gives_zohos_date_alone() -> None:
    assert len(next_date_rows(make_snapshot("acme", rrule="EVERY BLUE MOON"), START, UTC)) == 1
    assert len(next_date_rows(make_snapshot("acme", rrule=None), START, UTC)) == 1


def test_the_year_is_a_calendar_and_its_rows() -> None:
    ended = {"state": "completed", "log_time": (START - 3 * DAY).isoformat(), "file_name": "acme.zip"}
    lines = texts(history_rows(with_history(ended), START, UTC))
    november = next(line for line in lines if line.startswith("Nov 2026"))
    assert november.count("✔") == 1
    assert any("completed" in line and "acme.zip" in line for line in lines)


def test_a_history_that_is_not_there_or_empty_says_so() -> None:
    unread = snapshot_with(make_snapshot("acme"), history=None)
    assert texts(history_rows(unread, START, UTC)) == ["History it could not be read yet"]
    assert "History nothing in the past year" in texts(history_rows(with_history(), START, UTC))


def test_a_poll_shows_its_time_outcome_duration_and_credits_left() -> None:
    good = PollRecord(START, "SCHEDULED", failed=False, seconds=0.254, credits_remaining=4711)
    slow = PollRecord(START, "crm.zoho.eu took too long.", failed=True, seconds=90, credits_remaining=None)
    _, first, second = texts(poll_rows([good, slow], START, UTC))
    assert first == "Mon 11:20:00 ✔ SCHEDULED · 0.25 s · 4711 API credits left"
    assert second == "Mon 11:20:00 ✖ crm.zoho.eu took too long. · 0:01:30"
    assert texts(poll_rows([], START, UTC))[-1] == "none yet"


def test_the_answer_is_zohos_six_keys() -> None:
    assert json.loads(answer_json(make_snapshot("acme"))) == {"backup": SAMPLE_JOB}
    assert json.loads(answer_json(snapshot_with(make_snapshot("acme"), backup=None))) == {"backup": None}


def test_an_org_that_was_never_polled_has_no_answer() -> None:
    assert json_rows(snapshot_with(make_snapshot("acme"), observed_at=None)) == [("", "not seen yet")]
    assert len(json_rows(make_snapshot("acme"))) > 6
