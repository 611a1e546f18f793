"""`check --format json`: the documented object, with all its keys for every org."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import given

from tests.check.sample_orgs import (
    CRITICAL,
    DAY,
    NORDLYS,
    OK,
    SAMPLE_BACKUP,
    UNKNOWN,
    WARNING,
    history_row,
    report_of,
    with_history_and_links,
)
from tests.support.fake_clock import START
from tests.support.samples import reproducible, snapshots
from tests.support.snapshots import (
    make_org,
    make_snapshot,
    make_unpolled_snapshot,
    snapshot_with,
    with_problem_of,
)
from zbtui.check.json_format import report_as_json
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import LOCKOUT, Problem, ProblemKind
from zbtui.zoho_api.backup_details import parse_backup_response

HEAD = ["schema", "checked_at", "level", "orgs"]
ORG = [
    *("name", "data_center", "company", "level", "verdict", "headline", "hint", "notes"),
    *("observed_at", "polled_at", "clock_offset_seconds", "stale"),
    *("backup", "plan", "next_run", "seconds_to_next_run", "last_completed", "last_failed"),
    *("links_expire", "history", "error"),
]
HISTORY = [
    *("known_at", "last_outcome"),
    *("runs_this_month", "bought_this_month", "included_per_month", "trouble"),
]
ERROR = ["kind", "code", "http_status", "message", "hint", "retry_at"]


def report(*snapshots: Snapshot, now: datetime = START) -> Any:
    """The JSON printed for these snapshots, parsed."""
    return json.loads(report_as_json(report_of(*snapshots, now=now)))


def only(snapshot: Snapshot, now: datetime = START) -> Any:
    (org,) = report(snapshot, now=now)["orgs"]
    return org


def test_the_json_is_the_documented_one() -> None:
    snapshot = with_history_and_links(
        snapshot_with(make_snapshot("acme", scheduled_date="2026-11-29T20:02:44+05:30"), company=NORDLYS),
        history_row("completed", START - 6 * DAY),
        history_row("failure", START - 13 * DAY),
        history_row(None, START - 20 * DAY, "purchased", count=1),
        history_row("completed", START - 27 * DAY),
        expire=START + 3 * DAY,
    )
    assert report(snapshot) == {
        "schema": 1,
        "checked_at": "2026-11-23T11:20:00+00:00",
        "level": "ok",
        "orgs": [
            {
                "name": "acme",
                "data_center": "eu",
                "company": "Nordlys Tools AB",
                "level": "ok",
                "verdict": "scheduled",
                "headline": "next backup in 6d 03:12:44",
                "hint": None,
                "notes": [],
                "observed_at": "2026-11-23T11:20:00+00:00",
                "polled_at": "2026-11-23T11:20:00+00:00",
                "clock_offset_seconds": 0,
                "stale": False,
                "backup": {
                    "id": "4876876000001593003",
                    "status": "SCHEDULED",
                    "scheduled_date": "2026-11-29T20:02:44+05:30",
                    "start_date": "2026-07-12T12:30:00+05:30",
                    "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
                    "requester": {
                        "id": "4876876000000327001",
                        "name": "Patricia Boyle",
                        "zuid": "7534658674",
                    },
                },
                "plan": "every 2 weeks on Tuesday",
                "next_run": "2026-11-29T20:02:44+05:30",
                "seconds_to_next_run": 529964,
                "last_completed": "2026-11-17T11:20:00+00:00",
                "last_failed": "2026-11-10T11:20:00+00:00",
                "links_expire": "2026-11-26T11:20:00+00:00",
                "history": {
                    "known_at": "2026-11-23T11:20:00+00:00",
                    "last_outcome": "completed",
                    "runs_this_month": 2,
                    "bought_this_month": 1,
                    "included_per_month": 2,
                    "trouble": None,
                },
                "error": None,
            }
        ],
    }


def test_the_six_keys_of_the_documented_sample_come_out_as_they_came() -> None:
    backup = parse_backup_response(200, json.dumps({"backup": SAMPLE_BACKUP}).encode(), "us")
    now = datetime(2022, 7, 20, tzinfo=UTC)
    org = only(snapshot_with(make_snapshot(at=now), backup=backup), now)
    assert org["backup"] == SAMPLE_BACKUP
    assert (org["verdict"], org["plan"]) == ("scheduled", "every 2 weeks on Tuesday")
    assert org["next_run"] == SAMPLE_BACKUP["scheduled_date"]
    assert org["seconds_to_next_run"] == 534525


# Keys


def assert_whole(printed: Any) -> None:
    """Assert that every documented key is there, in the documented order."""
    assert list(printed) == HEAD
    for org in printed["orgs"]:
        assert list(org) == ORG
        assert list(org["history"]) == HISTORY
        assert org["error"] is None or list(org["error"]) == ERROR
        assert org["backup"] is None or set(org["backup"]) == set(SAMPLE_BACKUP)


EVERY_KIND_OF_ORG = [
    pytest.param(OK, id="seen"),
    pytest.param(WARNING, id="single backup"),
    pytest.param(snapshot_with(make_snapshot(), backup=None), id="no backup"),
    pytest.param(make_snapshot(requester=None), id="no requester"),
    pytest.param(make_snapshot(status=None), id="no status"),
    pytest.param(make_unpolled_snapshot(), id="never seen"),
    pytest.param(UNKNOWN, id="out of reach"),
    pytest.param(Snapshot(make_org()), id="waiting"),
    pytest.param(with_history_and_links(OK), id="an empty history"),
]


@pytest.mark.parametrize("snapshot", EVERY_KIND_OF_ORG)
def test_every_key_is_always_there_in_the_same_order(snapshot: Snapshot) -> None:
    assert_whole(report(snapshot))


@reproducible
@given(snapshots())
def test_nothing_that_is_known_of_an_org_breaks_it(snapshot: Snapshot) -> None:
    assert_whole(report(snapshot))


def test_what_is_not_known_is_null() -> None:
    org = only(make_unpolled_snapshot(message="It broke.", hint="Mend it."))
    known: dict[str, Any] = {"name": "acme", "data_center": "eu", "stale": False}
    known |= {"polled_at": "2026-11-23T11:20:00+00:00", "notes": []}
    known |= {"level": "unknown", "verdict": "cannot_tell", "headline": "It broke.", "hint": "Mend it."}
    error = dict.fromkeys(ERROR) | {"kind": "network", "message": "It broke.", "hint": "Mend it."}
    assert org == dict.fromkeys(ORG) | known | {"history": dict.fromkeys(HISTORY), "error": error}


def test_no_backup_at_all_is_a_warning_without_a_plan() -> None:
    org = only(snapshot_with(make_snapshot(), backup=None))
    assert (org["level"], org["verdict"], org["backup"]) == ("warning", "none", None)
    assert (org["plan"], org["next_run"], org["seconds_to_next_run"]) == (None, None, None)
    assert org["hint"]
    assert org["error"] is None


def test_a_rule_that_is_not_understood_is_shown_as_it_came() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=3"
    org = only(make_snapshot(rrule=rule))
    assert (org["plan"], org["backup"]["rrule"]) == (rule, rule)


def test_the_worst_org_comes_first_and_gives_the_whole_its_level() -> None:
    printed = report(OK, UNKNOWN, CRITICAL)
    assert printed["level"] == "critical"
    assert [org["name"] for org in printed["orgs"]] == ["critical", "unknown", "ok"]


# Moments


def test_the_seconds_to_a_run_that_is_past_are_negative() -> None:
    org = only(make_snapshot(scheduled_date=(START - timedelta(hours=7)).isoformat()))
    assert (org["verdict"], org["level"]) == ("overdue", "critical")
    assert org["seconds_to_next_run"] == -7 * 3600


def test_the_seconds_to_the_next_run_are_counted_by_zohos_clock() -> None:
    late = snapshot_with(
        make_snapshot(scheduled_date=(START + timedelta(hours=2)).isoformat()),
        clock_offset=timedelta(hours=1),
    )
    org = only(late)
    assert (org["seconds_to_next_run"], org["clock_offset_seconds"]) == (3600, 3600)


def test_without_a_good_poll_the_clocks_are_not_compared() -> None:
    assert only(make_unpolled_snapshot())["clock_offset_seconds"] is None


def test_the_headline_and_the_seconds_count_from_the_same_moment() -> None:
    """A report may be made long after the org was polled, when other orgs are slow."""
    run = (START + timedelta(hours=2)).isoformat()
    org = only(make_snapshot(scheduled_date=run), START + timedelta(seconds=40))
    hours, minutes, seconds = map(int, org["headline"].rsplit(" ", 1)[1].split(":"))
    assert hours * 3600 + minutes * 60 + seconds == org["seconds_to_next_run"]


def test_moments_carry_their_offset_and_whole_seconds() -> None:
    there = timezone(timedelta(hours=9))
    snapshot = snapshot_with(
        make_snapshot(at=START.replace(microsecond=999999)), last_links_expiry=START.astimezone(there)
    )
    org = only(snapshot, START + timedelta(seconds=2))
    assert org["observed_at"] == "2026-11-23T11:20:00+00:00"
    assert org["links_expire"] == "2026-11-23T20:20:00+09:00"


# History


def test_the_newest_expiry_stays_shown_once_the_links_are_gone() -> None:
    org = only(
        with_history_and_links(OK, history_row("completed", START - 8 * DAY), expire=START - DAY, links=0)
    )
    assert org["links_expire"] == "2026-11-22T11:20:00+00:00"


def test_a_failure_that_only_the_history_shows_is_its_last_outcome() -> None:
    org = only(
        with_history_and_links(
            OK, history_row("failure", START - DAY), history_row("completed", START - 8 * DAY)
        )
    )
    assert (org["verdict"], org["history"]["last_outcome"]) == ("failed", "failed")
    assert org["last_failed"] == "2026-11-22T11:20:00+00:00"


def test_a_history_that_holds_no_run_is_known_and_counts_none() -> None:
    history = only(with_history_and_links(OK))["history"]
    assert (history["known_at"], history["last_outcome"]) == ("2026-11-23T11:20:00+00:00", None)
    assert (history["runs_this_month"], history["bought_this_month"]) == (0, 0)


@pytest.mark.parametrize(
    ("began", "counts"),
    [
        ("2026-10-31T18:29:59+00:00", 0),
        ("2026-10-31T18:30:00+00:00", 1),
        ("2026-11-30T18:29:59+00:00", 1),
        ("2026-11-30T18:30:00+00:00", 0),
    ],
)
def test_the_month_begins_and_ends_at_the_orgs_own_offset(began: str, counts: int) -> None:
    """The org's offset is that of its next run, +05:30."""
    org = only(with_history_and_links(OK, history_row("completed", datetime.fromisoformat(began))))
    assert org["history"]["runs_this_month"] == counts


@pytest.mark.parametrize(("began", "counts"), [("2026-10-31T23:59:59Z", 0), ("2026-11-01T00:00:00Z", 1)])
def test_without_a_next_run_the_month_is_that_of_utc(began: str, counts: int) -> None:
    org = only(with_history_and_links(WARNING, history_row("completed", datetime.fromisoformat(began))))
    assert org["history"]["runs_this_month"] == counts


def test_an_edition_that_is_not_known_includes_nobody_knows_what() -> None:
    org = only(snapshot_with(OK, company=replace(NORDLYS, edition="something new")))
    assert (org["company"], org["history"]["included_per_month"]) == ("Nordlys Tools AB", None)


def test_why_the_history_could_not_be_read_is_shown_though_the_poll_was_good() -> None:
    why = Problem("server", "Zoho reports an internal error.", "Wait.")
    org = only(
        snapshot_with(OK, history=None, history_problem=why, history_failures=1, history_tried_at=START)
    )
    assert (org["verdict"], org["level"], org["error"]) == ("cannot_tell", "unknown", None)
    assert org["history"]["trouble"] == "Zoho reports an internal error."
    assert not org["stale"]


# Problems


@pytest.mark.parametrize("kind", get_args(ProblemKind))
def test_each_kind_of_problem_is_shown_with_its_sentence_and_its_cure(kind: ProblemKind) -> None:
    org = only(
        make_unpolled_snapshot(kind, "What is wrong.", "What helps.", code="A_CODE", http_status=418)
    )
    assert org["error"] == {
        "kind": kind,
        "code": "A_CODE",
        "http_status": 418,
        "message": "What is wrong.",
        "hint": "What helps.",
        "retry_at": None,
    }
    assert (org["verdict"], org["level"]) == ("cannot_tell", "unknown")


def test_of_an_org_out_of_reach_the_last_good_data_is_shown_with_its_age() -> None:
    snapshot = with_problem_of(make_snapshot("acme", START - timedelta(hours=3)), make_unpolled_snapshot())
    org = only(snapshot)
    assert org["observed_at"] == "2026-11-23T08:20:00+00:00"
    assert org["stale"] is True
    assert org["backup"]["status"] == "SCHEDULED"
    assert (org["verdict"], org["error"]["kind"]) == ("cannot_tell", "network")


@pytest.mark.parametrize("code", [LOCKOUT, None])
def test_how_long_nobody_is_to_ask_is_shown(code: str | None) -> None:
    until = START + timedelta(minutes=9, seconds=58)
    barred = make_unpolled_snapshot("throttled", "Locked.", "Wait.", code=code, retry_at=until)
    assert only(barred)["error"]["retry_at"] == "2026-11-23T11:29:58+00:00"


# Texts from outside


def test_names_of_any_script_come_out_whole() -> None:
    who = {"id": "1", "name": "佐藤 美咲 \U0001f600", "zuid": "2"}
    assert only(make_snapshot(requester=who))["backup"]["requester"] == who


def test_control_characters_of_zohos_texts_do_not_come_out() -> None:
    who = {"id": "1", "name": "Eve\x1b]52;c;cHduZWQ=\x07\u202e", "zuid": None}
    assert only(make_snapshot(requester=who))["backup"]["requester"]["name"] == "Eve]52;c;cHduZWQ="
