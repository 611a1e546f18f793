"""Parsing answers of the history call: rows in the order of the answer, or a problem."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest

from tests.support.samples import HOUR, NOW, history_row
from tests.zoho_api.test_errors import PAGE
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import MAX_LENGTH, clean
from zbtui.zoho_api.backup_details import ZohoUser
from zbtui.zoho_api.history import (
    MAX_ROWS,
    PER_PAGE,
    HistoryEntry,
    HistoryPage,
    RunOutcome,
    parse_entry,
    parse_history_response,
)

MARA = {"id": "5100000000031009", "name": "Mara Lindqvist", "zuid": "20071234567"}
ROW = {"repeat_type": "biweekly", "file_name": None, "count": 0, "done_by": MARA}
ENDED, BEGUN, PLANNED = (
    "2026-03-03T10:14:51+01:00",
    "2026-03-03T09:30:04+01:00",
    "2026-02-26T16:02:40+01:00",
)
SAMPLE: dict[str, Any] = {
    "history": [
        {"id": "5100000000498022", "action": None, "state": "completed", "log_time": ENDED, **ROW},
        {"id": "5100000000498003", "action": "initiated", "state": None, "log_time": BEGUN, **ROW},
        {"id": "5100000000412031", "action": "scheduled", "state": None, "log_time": PLANNED, **ROW},
    ],
    "info": {"page": 1, "per_page": 50, "count": 3, "more_records": False},
}
"""The sample of Zoho's page "Backup history"."""
KEYS = tuple(SAMPLE["history"][0])
CET = timezone(HOUR)


def answer(*rows: object, **keys: object) -> bytes:
    """The body of a page with these rows."""
    return json.dumps({"history": list(rows), "info": SAMPLE["info"], **keys}).encode()


def read(body: bytes, status: int = 200) -> HistoryPage:
    return parse_history_response(status, body, "eu")


def problem_of(body: bytes, status: int = 200) -> Problem:
    with pytest.raises(ProblemError) as caught:
        parse_history_response(status, body, "eu")
    return caught.value.problem


# A page


def test_the_documented_sample_is_read_whole() -> None:
    page = read(json.dumps(SAMPLE).encode())
    assert not page.has_more
    assert page.entries[0] == HistoryEntry(
        id="5100000000498022",
        action=None,
        state="completed",
        repeat_type="biweekly",
        file_name=None,
        count=0,
        logged_at=datetime(2026, 3, 3, 10, 14, 51, tzinfo=CET),
        done_by=ZohoUser("5100000000031009", "Mara Lindqvist", "20071234567"),
    )
    assert [(one.action, one.state) for one in page.entries] == [
        (None, "completed"),
        ("initiated", None),
        ("scheduled", None),
    ]


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (204, b""),
        (204, b"whatever"),
        (200, b""),
        (200, b" \r\n"),
        (200, b"{}"),
        (200, b'{"history": null}'),
        (200, b'{"history": []}'),
        (200, b'{"history": null, "info": {"more_records": true}}'),
    ],
)
def test_a_year_without_backups_is_an_empty_page_and_the_last(status: int, body: bytes) -> None:
    assert read(body, status) == HistoryPage((), has_more=False)


@pytest.mark.parametrize("said", [True, "true", "True"])
def test_more_records_are_on_the_next_page(said: object) -> None:
    assert read(answer(history_row("completed"), info={"more_records": said})).has_more


@pytest.mark.parametrize(
    "info",
    [
        None,
        [],
        "more",
        {},
        {"more_records": False},
        {"more_records": None},
        {"more_records": "false"},
        {"more_records": 1},
        {"more_records": []},
    ],
    ids=repr,
)
def test_unless_more_records_are_promised_a_page_is_the_last(info: object) -> None:
    assert not read(answer(history_row("completed"), info=info)).has_more


def test_a_full_page_is_shown_by_more_records_and_not_by_the_number_of_its_rows() -> None:
    assert PER_PAGE == 200
    rows = [history_row("completed", NOW, id=str(number)) for number in range(PER_PAGE)]
    assert len(read(answer(*rows)).entries) == PER_PAGE
    assert not read(answer(*rows)).has_more
    assert read(answer(*rows[:50], info={"more_records": True})).has_more


# A row


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("missing", [None, ""], ids=repr)
def test_any_key_of_a_row_may_be_missing_or_empty(key: str, missing: object) -> None:
    whole = SAMPLE["history"][0]
    value = None if key == "done_by" else missing
    field = {"log_time": "logged_at"}.get(key, key)
    for odd in (whole | {key: value}, {name: whole[name] for name in KEYS if name != key}):
        assert getattr(parse_entry(odd), field) == (0 if key == "count" else None)


def test_a_row_without_anything_shows_of_a_run_that_is_queued() -> None:
    nothing = parse_entry({})
    assert nothing == HistoryEntry(None, None, None, None, None, 0, None, None)
    assert nothing.starts_run
    assert nothing.outcome is None


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("completed", RunOutcome.COMPLETED),
        ("Completed", RunOutcome.COMPLETED),
        (" COMPLETED ", RunOutcome.COMPLETED),
        ("failure", RunOutcome.FAILED),
        ("failed", RunOutcome.FAILED),
        ("fail", RunOutcome.FAILED),
        ("FAILURE", RunOutcome.FAILED),
        (None, None),
        ("", None),
        ("payment_failed", RunOutcome.FAILED),
        ("Payment Failed", RunOutcome.FAILED),
        ("aborted", RunOutcome.UNKNOWN),
        ("pending", RunOutcome.UNKNOWN),
        ("not completed", RunOutcome.UNKNOWN),
        (True, RunOutcome.UNKNOWN),
        (["completed"], RunOutcome.UNKNOWN),
    ],
)
def test_how_a_run_ended_is_shown_by_the_state(word: object, outcome: RunOutcome | None) -> None:
    assert parse_entry({"state": word}).outcome is outcome
    assert parse_entry({"state": word, "action": "initiated"}).outcome is outcome
    assert parse_entry({"action": word}).outcome is None


@pytest.mark.parametrize(
    ("action", "begins"),
    [
        ("initiated", True),
        ("Initiated", True),
        ("In Progress", True),
        (None, True),
        ("scheduled", False),
        ("stopped", False),
        ("purchased", False),
        ("reticulated", False),
    ],
)
def test_a_run_begins_with_a_row_of_a_start_that_has_no_state(action: str | None, begins: bool) -> None:
    assert parse_entry({"action": action}).starts_run is begins
    for state in ("completed", "failure", "pending"):
        assert not parse_entry({"action": action, "state": state}).starts_run


@pytest.mark.parametrize("word", ["reticulated", "後で", "a b"])
def test_a_word_that_no_page_lists_is_kept(word: str) -> None:
    found = parse_entry({"action": word, "state": word, "repeat_type": word})
    assert found.action == found.state == found.repeat_type == word.replace(" ", "_")


@pytest.mark.parametrize(
    ("count", "number"),
    [
        (0, 0),
        (3, 3),
        ("3", 3),
        (None, 0),
        (True, 0),
        ("three", 0),
        ("٣", 0),
        (-1, 0),
        (1.5, 0),
        ([3], 0),
        ({"n": 3}, 0),
        (999_999, 999_999),
        (1_000_000, 0),
    ],
    ids=repr,
)
def test_how_many_were_bought_is_a_small_number_or_none(count: object, number: int) -> None:
    (found,) = read(answer(history_row("purchased", count=count))).entries
    assert found.count == number


def test_a_number_of_json_keeps_all_its_digits() -> None:
    (found,) = read(answer(history_row("completed", id=510000000049802212345678901234567890))).entries
    assert found.id == "510000000049802212345678901234567890"


@pytest.mark.parametrize("key", ["action", "state", "repeat_type", "file_name", "id"])
def test_every_text_is_cleaned(key: str) -> None:
    (found,) = read(answer(history_row("completed") | {key: "x\x1b]52;c;\nY\u202e" + "z" * 900})).entries
    text = getattr(found, key)
    assert text.lower().startswith(("x]52;c; y", "x]52;c;_y"))
    assert clean(text) == text
    assert len(text) == MAX_LENGTH


def test_the_name_of_who_did_it_is_cleaned() -> None:
    (found,) = read(answer(history_row("stopped", done_by={"name": "Evil\x07\u202eMara"}))).entries
    assert found.done_by == ZohoUser(None, "EvilMara", None)


@pytest.mark.parametrize("nobody", [None, {}])
def test_a_row_may_be_nobodys(nobody: object) -> None:
    assert parse_entry(history_row("stopped", done_by=nobody)).done_by is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", ["x"]),
        ("file_name", {}),
        ("done_by", "Mara"),
        ("done_by", ["Mara"]),
        ("log_time", "yesterday"),
        ("log_time", "2026-03-03T10:14:51"),
        ("log_time", "9999-12-31T23:59:59+00:00"),
        ("log_time", 5),
    ],
)
def test_what_cannot_be_read_of_a_row_is_missing(key: str, value: object) -> None:
    row = history_row("completed", NOW)
    assert parse_entry(row | {key: value}) == parse_entry(row | {key: None})


# Answers against the contract


@pytest.mark.parametrize(
    "body",
    [
        b'{"info": {"more_records": false}}',
        b'{"history": {"id": "1"}}',
        b'{"history": "none"}',
        b'{"history": 7}',
        answer(None),
        answer("completed"),
        answer([]),
        answer(history_row("completed"), 7),
        answer(*[history_row("completed")] * (MAX_ROWS + 1)),
        b"[]",
        b"null",
        PAGE,
    ],
)
def test_an_answer_that_is_not_what_is_documented_breaks_the_contract(body: bytes) -> None:
    problem = problem_of(body)
    assert (problem.kind, problem.final) == ("contract", False)
