"""Parsing answers of the details call: a backup, none, or a problem."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.support.samples import make_answer, make_job
from tests.zoho_api.test_errors import API_ACCESS, DETAILS, PAGE
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import MAX_LENGTH, clean
from zbtui.zoho_api.backup_details import Backup, BackupState, ZohoUser, parse_backup_response
from zbtui.zoho_api.errors import api_problem

SAMPLE = b"""{
    "backup": {
        "id": "4876876000001593003",
        "scheduled_date": "2022-07-26T09:58:45+05:30",
        "start_date": "2022-07-12T12:30:00+05:30",
        "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        "requester": {
            "id": "4876876000000327001",
            "name": "Patricia Boyle",
            "zuid": "7534658674"
        },
        "status": "SCHEDULED"
    }
}
"""
"""The sample of Zoho's page "Get Data Backup Details"."""

KEYS = ("id", "status", "scheduled_date", "start_date", "rrule", "requester")
INDIA = timezone(timedelta(hours=5, minutes=30))


def read(answer: bytes, status: int = 200) -> Backup:
    backup = parse_backup_response(status, answer, "eu")
    assert backup is not None
    return backup


def problem_of(answer: bytes, status: int = 200) -> Problem:
    with pytest.raises(ProblemError) as caught:
        parse_backup_response(status, answer, "eu")
    return caught.value.problem


# A backup


def test_the_documented_sample_is_read_whole() -> None:
    assert read(SAMPLE) == Backup(
        id="4876876000001593003",
        status="SCHEDULED",
        scheduled_date="2022-07-26T09:58:45+05:30",
        start_date="2022-07-12T12:30:00+05:30",
        rrule="RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
        requester=ZohoUser("4876876000000327001", "Patricia Boyle", "7534658674"),
        next_run=datetime(2022, 7, 26, 9, 58, 45, tzinfo=INDIA),
        first_run=datetime(2022, 7, 12, 12, 30, tzinfo=INDIA),
    )


def test_the_six_keys_are_given_on_as_they_came() -> None:
    assert read(SAMPLE).as_dict() == json.loads(SAMPLE)["backup"]
    assert tuple(read(SAMPLE).as_dict()) == KEYS


def test_the_offset_that_zoho_named_is_kept() -> None:
    next_run = read(SAMPLE).next_run
    assert next_run is not None
    assert next_run.utcoffset() == timedelta(hours=5, minutes=30)


def test_an_immediate_backup_has_no_dates_and_no_rule() -> None:
    backup = read(make_answer(scheduled_date=None, start_date=None, rrule=None))
    assert (backup.next_run, backup.first_run, backup.rrule) == (None, None, None)


@pytest.mark.parametrize("missing", ["absent", None, ""])
@pytest.mark.parametrize("key", ["id", "status", "scheduled_date", "start_date", "rrule"])
def test_every_key_may_be_absent_null_or_empty(key: str, missing: str | None) -> None:
    keys = make_job(**{key: missing})
    if missing == "absent":
        del keys[key]
    backup = read(json.dumps({"backup": keys}).encode())
    assert backup.as_dict() == {**make_job(), key: None}


@pytest.mark.parametrize("missing", ["absent", None, {}])
def test_the_requester_may_be_absent_null_or_empty(missing: object) -> None:
    keys = make_job(requester=missing)
    if missing == "absent":
        del keys["requester"]
    assert read(json.dumps({"backup": keys}).encode()).requester is None


@pytest.mark.parametrize("key", ["id", "name", "zuid"])
def test_a_requester_may_be_shown_in_part(key: str) -> None:
    who = {"id": "1", "name": "Mara", "zuid": "2", key: None}
    assert read(make_answer(requester=who)).requester == ZohoUser(**who)


@pytest.mark.parametrize("key", KEYS[:5])
def test_one_key_alone_makes_a_backup(key: str) -> None:
    assert read(json.dumps({"backup": {key: make_job()[key]}}).encode()).as_dict()[key] == make_job()[key]


def test_keys_that_are_not_documented_are_passed_over() -> None:
    assert read(make_answer(progress=40, extra={"deep": [1]})) == read(make_answer())


@pytest.mark.parametrize("digits", ["4876876000001593003", "9" * 30, "12345678901234567890123456789", "0"])
def test_an_id_that_is_a_json_number_keeps_all_its_digits(digits: str) -> None:
    answer = f'{{"backup": {{"id": {digits}, "requester": {{"id": {digits}, "zuid": {digits}}}}}}}'
    backup = read(answer.encode())
    assert backup.id == digits
    assert backup.requester == ZohoUser(digits, None, digits)


@pytest.mark.parametrize(
    "number", ["1e400", "4876876000001593003.0", "-0", "9" * 10_000, "NaN", "-Infinity"]
)
def test_an_odd_number_for_an_id_is_a_text_like_any_other(number: str) -> None:
    assert read(f'{{"backup": {{"id": {number}}}}}'.encode()).id == clean(number)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_of_json_is_read(encoding: str) -> None:
    answer = json.dumps({"backup": make_job(status="FAILED")}, ensure_ascii=False)
    assert read(answer.encode(encoding)).state is BackupState.FAILED


def test_every_text_is_cleaned() -> None:
    answer = make_answer(
        id="51\x00",
        status="SCHED\u202eULED",
        rrule="RRULE:\x1b]52;c;x\x07",
        requester={"id": "\u200b1", "name": " Mara\nLindqvist\ud800 ", "zuid": "x" * 1000},
    )
    assert read(answer).as_dict() == {
        **make_job(),
        "id": "51",
        "status": "SCHEDULED",
        "rrule": "RRULE:]52;c;x",
        "requester": {"id": "1", "name": "Mara Lindqvist", "zuid": "x" * (MAX_LENGTH - 1) + "…"},
    }


# Statuses


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("STOPPED", BackupState.STOPPED),
        ("SCHEDULED", BackupState.SCHEDULED),
        ("INPROGRESS", BackupState.INPROGRESS),
        ("COMPLETED", BackupState.COMPLETED),
        ("FAILED", BackupState.FAILED),
        ("PAYMENT_FAILED", BackupState.PAYMENT_FAILED),
        ("FINISHED", BackupState.FINISHED),
        ("IN_PROGRESS", BackupState.INPROGRESS),
        ("In Progress", BackupState.INPROGRESS),
        (" scheduled ", BackupState.SCHEDULED),
        ("payment failed", BackupState.PAYMENT_FAILED),
        ("PaymentFailed", BackupState.PAYMENT_FAILED),
    ],
)
def test_a_status_is_read_whatever_its_case_blanks_and_underscores(status: str, state: BackupState) -> None:
    assert read(make_answer(status=status)).state is state


@pytest.mark.parametrize(
    "status", ["ARCHIVED", "NOT_SCHEDULED", "RESCHEDULED", "COMPLETED_WITH_ERRORS", "OK", "?", "完了", None]
)
def test_a_status_that_is_not_known_is_unknown_and_shown_as_it_came(status: str | None) -> None:
    backup = read(make_answer(status=status))
    assert backup.state is BackupState.UNKNOWN
    assert backup.status == status


# No backup


NO_BACKUP = {
    "204": (204, b""),
    "204, not even parsed": (204, b"not json"),
    "empty": (200, b""),
    "blank": (200, b" \r\n"),
    "empty object": (200, b"{}"),
    "null": (200, b'{"backup": null}'),
    "empty backup": (200, b'{"backup": {}}'),
    "all null": (200, make_answer(**dict.fromkeys(KEYS))),
    "all empty": (200, make_answer(**dict.fromkeys(KEYS, "") | {"requester": None})),
    "empty requester": (200, b'{"backup": {"requester": {}}}'),
}


@pytest.mark.parametrize(("status", "answer"), NO_BACKUP.values(), ids=NO_BACKUP)
def test_no_backup_is_set_up(status: int, answer: bytes) -> None:
    assert parse_backup_response(status, answer, "eu") is None


# Dates


@pytest.mark.parametrize(
    ("date", "moment"),
    [
        ("2026-03-17T09:30:00+01:00", datetime(2026, 3, 17, 8, 30, tzinfo=UTC)),
        ("2026-03-17T09:30:00-08:00", datetime(2026, 3, 17, 17, 30, tzinfo=UTC)),
        ("2026-03-17T09:30:00Z", datetime(2026, 3, 17, 9, 30, tzinfo=UTC)),
        ("2026-03-17T09:30:00+0530", datetime(2026, 3, 17, 4, 0, tzinfo=UTC)),
        ("2026-03-17T09:30:00.250+00:00", datetime(2026, 3, 17, 9, 30, 0, 250_000, tzinfo=UTC)),
        ("1970-01-01T00:00:00+00:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2999-12-31T23:59:59+00:00", datetime(2999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_with_its_offset(date: str, moment: datetime) -> None:
    backup = read(make_answer(scheduled_date=date, start_date=date))
    assert backup.next_run == backup.first_run == moment
    assert backup.scheduled_date == backup.start_date == date


@pytest.mark.parametrize(
    "date",
    [
        "soon",
        "2026-03-17",
        "2026-03-17T09:30:00",
        "2026-02-30T09:30:00+01:00",
        "2026-03-17T25:30:00+01:00",
        "2026-03-17T09:30:00+99:00",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "1969-12-31T23:59:59+00:00",
        "1970-01-01T00:00:00+00:01",
        "3000-01-01T00:00:00+00:00",
        "\x1b[2J2026",
        1784000000,
    ],
)
@pytest.mark.parametrize("key", ["scheduled_date", "start_date"])
def test_a_date_that_cannot_be_read_is_missing_and_shown_as_sent(key: str, date: str | int) -> None:
    backup = read(make_answer(**{key: date}))
    assert getattr(backup, "next_run" if key == "scheduled_date" else "first_run") is None
    assert getattr(backup, key) == clean(str(date))


# Undocumented answers


@pytest.mark.parametrize("value", [True, [], {}, ["text"], {"text": None}], ids=repr)
def test_a_key_of_another_type_is_missing_unless_a_verdict_stands_on_it(value: object) -> None:
    for key in ("id", "start_date", "status", "scheduled_date", "rrule"):
        expected = None if key in ("id", "start_date") else json.dumps(value)
        assert getattr(read(make_answer(**{key: value})), key) == expected


@pytest.mark.parametrize("who", ["Mara", [], ["Mara"], 7, True], ids=repr)
def test_a_requester_of_another_type_is_missing(who: object) -> None:
    assert read(make_answer(requester=who)).requester is None


@pytest.mark.parametrize(
    "answer",
    [
        b"null",
        b"true",
        b"7",
        b'"SCHEDULED"',
        b"[]",
        b'[{"backup": {}}]',
        b'{"data": [{"id": "1", "status": "COMPLETED"}]}',
        b'{"backups": {"id": "1"}}',
        b'{"backup": []}',
        b'{"backup": [{"id": "1"}]}',
        b'{"backup": "SCHEDULED"}',
        b'{"backup": false}',
        b'{"backup": {"job_id": "1"}}',
        b'{"backup": {"id": "1"}',
        b'{"backup": {"id": "1"}} trailing',
        b"{'backup': {}}",
        b"\x00",
        b"\xff\xfe\xfa",
        '{"backup": {"requester": {"name": "Åsa"}}}'.encode("latin-1"),
        "{}".encode("utf-16-be")[1:],
        b"[" * 200_000,
        b'{"backup":' * 200_000,
        b'{"backup":{"requester":' + b'{"id":' * 100_000 + b"1" + b"}" * 100_002,
        PAGE,
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_any_other_answer_breaks_the_contract(answer: bytes) -> None:
    problem = problem_of(answer)
    assert (problem.kind, problem.code, problem.http_status) == ("contract", None, 200)
    assert not problem.final


# Errors


def envelope(code: str, details: object = None, **more: object) -> dict[str, object]:
    return {"code": code, "details": details, "message": "a text", "status": "error", **more}


@pytest.mark.parametrize("details", [*DETAILS, *API_ACCESS], ids=repr)
def test_the_details_of_an_error_may_have_any_shape(details: object) -> None:
    answer = envelope("NO_PERMISSION", details)
    assert problem_of(json.dumps(answer).encode(), 403) == api_problem(403, answer, "eu")


def test_the_error_at_top_level_counts_before_the_one_inside() -> None:
    answer = envelope("NO_PERMISSION", backup=envelope("INTERNAL_ERROR"))
    assert problem_of(json.dumps(answer).encode(), 403).code == "NO_PERMISSION"
