"""The watch without a screen: what it prints, and how it exits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest

from tests.support.build import make_backup, make_org, over, seen, troubled
from tests.support.clock import START, FakeClock, settle
from tests.support.notebook import Notebook
from tests.watch.scene import Scripted, refuses, street
from zbtui.check import EXIT_CODES, as_json, as_text, check, judge_all
from zbtui.core.backup import parse_details
from zbtui.core.org import Policy
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import LOCKOUT, TOKEN_BUDGET, Kind, Trouble
from zbtui.core.verdict import KIND_WORDS, Level, judge
from zbtui.store.config import Config
from zbtui.watch.fleet import Fleet

SEED = {
    "id": "4876876000001593003",
    "scheduled_date": "2022-07-26T09:58:45+05:30",
    "start_date": "2022-07-12T12:30:00+05:30",
    "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "requester": {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "7534658674"},
    "status": "SCHEDULED",
}
"""The `backup` object of the documentation page's sample answer."""

HEAD = ["schema", "checked_at", "level", "orgs"]
ORG = [
    "name",
    "data_center",
    "company",
    "level",
    "verdict",
    "headline",
    "hint",
    "observed_at",
    "backup",
    "plan",
    "next_run",
    "seconds_to_next_run",
    "last_completed",
    "last_failed",
    "links_expire",
    "error",
]
ERROR = ["kind", "code", "http_status", "message", "hint", "retry_at"]

OK = seen("ok")
WARNING = seen("warning", rrule=None, scheduled_date=None, start_date=None, status="COMPLETED")
CRITICAL = seen("critical", status="FAILED")
UNKNOWN = over(seen("unknown"), troubled("network", "The host cannot be reached.", "Check the network."))


def report(*snapshots: Snapshot, now: datetime = START) -> Any:
    """What `check --format json` prints of these, read back."""
    return json.loads(as_json(judge_all(list(snapshots), Policy(), now)))


def only(snapshot: Snapshot, now: datetime = START) -> Any:
    (org,) = report(snapshot, now=now)["orgs"]
    return org


def lines(*snapshots: Snapshot) -> list[str]:
    return as_text(judge_all(list(snapshots), Policy(), START)).splitlines()


# JSON


def test_the_json_is_the_documented_one() -> None:
    snapshot = replace(
        seen("acme", scheduled_date="2026-11-29T20:02:44+05:30"),
        company="Nordlys Tools AB",
        last_completed=START - timedelta(days=6),
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
                "observed_at": "2026-11-23T11:20:00+00:00",
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
                "last_failed": None,
                "links_expire": None,
                "error": None,
            }
        ],
    }


def test_the_six_keys_of_the_documented_sample_come_out_as_they_came() -> None:
    backup = parse_details(200, json.dumps({"backup": SEED}).encode(), "us")
    now = datetime(2022, 7, 20, tzinfo=UTC)
    org = only(replace(seen(at=now), backup=backup), now)
    assert org["backup"] == SEED
    assert (org["verdict"], org["plan"]) == ("scheduled", "every 2 weeks on Tuesday")
    assert org["next_run"] == SEED["scheduled_date"]
    assert org["seconds_to_next_run"] == 534525


EVERY_KIND_OF_ORG = [
    pytest.param(OK, id="seen"),
    pytest.param(WARNING, id="single backup"),
    pytest.param(replace(seen(), backup=None), id="no backup"),
    pytest.param(seen(requester=None), id="no requester"),
    pytest.param(seen(status=None), id="no status"),
    pytest.param(troubled(), id="never seen"),
    pytest.param(UNKNOWN, id="out of reach"),
    pytest.param(Snapshot(make_org()), id="waiting"),
]


@pytest.mark.parametrize("snapshot", EVERY_KIND_OF_ORG)
def test_every_key_is_always_there_in_the_same_order(snapshot: Snapshot) -> None:
    told = report(snapshot)
    (org,) = told["orgs"]
    assert list(told) == HEAD
    assert list(org) == ORG
    assert org["error"] is None or list(org["error"]) == ERROR
    assert org["backup"] is None or set(org["backup"]) == set(SEED)


def test_what_is_not_known_is_null() -> None:
    org = only(troubled(message="It broke.", hint="Mend it."))
    known = {"name": "acme", "data_center": "eu", "level": "unknown", "verdict": "cannot_look"}
    known |= {"headline": "It broke.", "hint": "Mend it."}
    error = dict.fromkeys(ERROR) | {"kind": "network", "message": "It broke.", "hint": "Mend it."}
    assert org == dict.fromkeys(ORG) | known | {"error": error}


def test_no_backup_at_all_is_a_warning_without_a_plan() -> None:
    org = only(replace(seen(), backup=None))
    assert (org["level"], org["verdict"], org["backup"]) == ("warning", "none", None)
    assert (org["plan"], org["next_run"], org["seconds_to_next_run"]) == (None, None, None)
    assert org["hint"]
    assert org["error"] is None


def test_a_rule_that_is_not_understood_is_told_as_it_came() -> None:
    rule = "RRULE:FREQ=DAILY;COUNT=3"
    org = only(seen(rrule=rule))
    assert (org["plan"], org["backup"]["rrule"]) == (rule, rule)


def test_the_seconds_to_a_run_that_is_past_are_negative() -> None:
    org = only(seen(scheduled_date=(START - timedelta(hours=7)).isoformat()))
    assert (org["verdict"], org["level"]) == ("overdue", "critical")
    assert org["seconds_to_next_run"] == -7 * 3600


def test_the_seconds_to_the_next_run_are_counted_by_zohos_clock() -> None:
    late = replace(
        seen(scheduled_date=(START + timedelta(hours=2)).isoformat()), clock_offset=timedelta(hours=1)
    )
    assert only(late)["seconds_to_next_run"] == 3600


def test_the_headline_and_the_seconds_count_from_the_same_moment() -> None:
    """Others may have taken their time since this org was looked at."""
    run = (START + timedelta(hours=2)).isoformat()
    org = only(seen(scheduled_date=run), START + timedelta(seconds=40))
    hours, minutes, seconds = map(int, org["headline"].rsplit(" ", 1)[1].split(":"))
    assert hours * 3600 + minutes * 60 + seconds == org["seconds_to_next_run"]


def test_moments_carry_their_offset_and_whole_seconds() -> None:
    there = timezone(timedelta(hours=9))
    snapshot = replace(seen(at=START.replace(microsecond=999999)), links_expire=START.astimezone(there))
    org = only(snapshot, START + timedelta(seconds=2))
    assert org["observed_at"] == "2026-11-23T11:20:00+00:00"
    assert org["links_expire"] == "2026-11-23T20:20:00+09:00"


def test_names_of_any_script_come_out_whole() -> None:
    who = {"id": "1", "name": "佐藤 美咲 \U0001f600", "zuid": "2"}
    assert only(seen(requester=who))["backup"]["requester"] == who


def test_control_characters_of_zohos_texts_do_not_come_out() -> None:
    who = {"id": "1", "name": "Eve\x1b]52;c;cHduZWQ=\x07\u202e", "zuid": None}
    snapshot = seen(requester=who)
    assert only(snapshot)["backup"]["requester"]["name"] == "Eve]52;c;cHduZWQ="
    assert "\x1b" not in as_text(judge_all([snapshot], Policy(), START))


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_of_trouble_is_told_with_its_sentence_and_its_cure(kind: Kind) -> None:
    snapshot = troubled(kind, "What is wrong.", "What helps.", code="A_CODE", http_status=418)
    org = only(snapshot)
    assert org["error"] == {
        "kind": kind,
        "code": "A_CODE",
        "http_status": 418,
        "message": "What is wrong.",
        "hint": "What helps.",
        "retry_at": None,
    }
    assert (org["verdict"], org["level"]) == ("cannot_look", "unknown")
    text = lines(snapshot)
    assert KIND_WORDS[kind] in text[1]
    assert text[1].endswith("What is wrong.")
    assert text[2].strip() == "→ What helps."
    assert "A_CODE" not in "\n".join(text)


def test_of_an_org_out_of_reach_the_last_good_data_is_told_with_its_age() -> None:
    snapshot = over(seen("acme", START - timedelta(hours=3)), troubled())
    org = only(snapshot)
    assert org["observed_at"] == "2026-11-23T08:20:00+00:00"
    assert org["backup"]["status"] == "SCHEDULED"
    assert (org["verdict"], org["error"]["kind"]) == ("cannot_look", "network")


@pytest.mark.parametrize("code", [LOCKOUT, TOKEN_BUDGET])
def test_how_long_nobody_may_ask_is_told(code: str) -> None:
    until = START + timedelta(minutes=9, seconds=58)
    barred = troubled("throttled", "Locked.", "Wait.", code=code, retry_at=until)
    assert lines(barred)[1].endswith("Locked. · asks again in 00:09:58")
    assert only(barred)["error"]["retry_at"] == "2026-11-23T11:29:58+00:00"


def test_a_lock_out_that_is_over_is_not_counted_down() -> None:
    barred = troubled("throttled", "Locked.", "Wait.", code=LOCKOUT, retry_at=START)
    assert lines(barred)[1].endswith("Locked.")


def test_a_pause_that_zoho_asks_for_is_in_the_json_alone() -> None:
    """It holds for a watch; who checks by hand may ask all the same."""
    throttled = troubled("throttled", "Too many.", "Wait.", retry_at=START + timedelta(minutes=2))
    assert lines(throttled)[1].endswith("Too many.")
    assert only(throttled)["error"]["retry_at"] == "2026-11-23T11:22:00+00:00"


# Exit codes


@pytest.mark.parametrize(("word", "code"), [("ok", 0), ("warning", 1), ("critical", 2), ("unknown", 3)])
def test_exit_codes_are_those_of_monitoring_plug_ins(word: str, code: int) -> None:
    assert {level.word: number for level, number in EXIT_CODES.items()}[word] == code


@pytest.mark.parametrize(
    ("keys", "verdict", "code"),
    [
        ({}, "scheduled", 0),
        ({"status": "COMPLETED"}, "completed", 0),
        ({"status": "INPROGRESS"}, "running", 0),
        ({"status": "in_progress"}, "running", 0),
        ({"status": "FAILED"}, "failed", 2),
        ({"status": "PAYMENT_FAILED"}, "failed", 2),
        ({"status": "STOPPED"}, "stopped", 2),
        ({"scheduled_date": "2026-11-23T05:19:00+00:00"}, "overdue", 2),
        ({"status": "PAUSED"}, "unknown_status", 1),
        ({"rrule": None, "scheduled_date": None, "status": "COMPLETED"}, "one_off", 1),
    ],
)
def test_each_answer_has_its_verdict_and_exit_code(keys: dict[str, Any], verdict: str, code: int) -> None:
    found = judge_all([seen(**keys)], Policy(), START)
    assert found.findings[0][1].name == verdict
    assert EXIT_CODES[found.level] == code


@pytest.mark.parametrize(
    ("snapshots", "level"),
    [
        ([OK], Level.OK),
        ([OK, WARNING], Level.WARNING),
        ([WARNING, UNKNOWN, OK], Level.UNKNOWN),
        ([UNKNOWN, CRITICAL], Level.CRITICAL),
        ([OK, CRITICAL, UNKNOWN, WARNING], Level.CRITICAL),
        ([], Level.UNKNOWN),
    ],
)
def test_the_worst_org_decides_and_a_failed_backup_is_worse_than_one_out_of_sight(
    snapshots: list[Snapshot], level: Level
) -> None:
    assert judge_all(snapshots, Policy(), START).level is level
    assert report(*snapshots)["level"] == level.word


# Text


def test_the_text_begins_with_a_summary_and_goes_on_with_the_worst() -> None:
    text = lines(OK, WARNING, UNKNOWN, CRITICAL, replace(OK, org=make_org("fine")))
    assert text[0] == "CRITICAL: 1 critical, 1 unknown, 1 warning, 2 ok"
    orgs = [line.split()[1] for line in text[1:] if "→" not in line]
    assert orgs == ["critical", "unknown", "warning", "ok", "fine"]
    assert [org["name"] for org in report(OK, UNKNOWN, CRITICAL)["orgs"]] == ["critical", "unknown", "ok"]


def test_each_line_says_what_is_known_of_an_org() -> None:
    line = lines(replace(OK, org=make_org("acme", "uk")))[1]
    for told in ("acme", "UK", "SCHEDULED", "next backup in", "every 2 weeks on Tuesday", "Patricia Boyle"):
        assert told in line


def test_an_org_that_needs_something_has_its_cure_right_below() -> None:
    text = lines(CRITICAL)
    assert "the last backup failed" in text[1]
    assert text[2].lstrip().startswith("→ ")
    assert len(text) == 3


def test_an_org_that_is_well_takes_one_line() -> None:
    assert len(lines(OK)) == 2


def test_nothing_of_old_data_is_told_of_an_org_out_of_reach() -> None:
    assert "Patricia Boyle" not in "\n".join(lines(UNKNOWN))


def test_without_an_org_it_says_so() -> None:
    assert lines() == ["UNKNOWN: no org is under watch"]


# One look, and no patience


def fleet_of(zoho: Scripted, clock: FakeClock, policy: Policy, known: list[Snapshot]) -> Fleet:
    orgs = tuple(make_org(name) for name in zoho.outcomes)
    return Fleet(Config(policy, orgs), zoho.open_look, Notebook(known), clock)


async def test_a_failed_look_counts_at_once_however_fresh_the_last_good_one_is(clock: FakeClock) -> None:
    before = seen("acme", START - timedelta(seconds=10))
    zoho = Scripted(clock, {"acme": refuses(Trouble("network", "Out of reach.", "Wait."))})
    fleet = fleet_of(zoho, clock, Policy(), [before])
    found = await check(fleet, ["acme"])
    ((snapshot, verdict),) = found.findings
    assert (verdict.name, found.level) == ("cannot_look", Level.UNKNOWN)
    assert judge(snapshot, Policy(), clock.now()).name == "scheduled"  # the screen has more patience


async def test_an_org_seen_just_now_is_judged_by_that_however_slow_another_one_is(
    clock: FakeClock,
) -> None:
    """A dead host takes longer to fail than the shortest interval that is allowed."""
    policy = Policy(every=timedelta(seconds=15))
    good = Looked(make_backup())
    zoho = Scripted(clock, {"quick": good, "slow": good}, {"slow": asyncio.Event()})
    checking = asyncio.create_task(check(fleet_of(zoho, clock, policy, []), ["quick", "slow"]))
    await settle()
    clock.jump(timedelta(seconds=20))
    zoho.gates["slow"].set()
    found = await checking
    assert {snapshot.org.name: verdict.name for snapshot, verdict in found.findings} == {
        "quick": "scheduled",
        "slow": "scheduled",
    }


async def test_only_the_orgs_that_were_named_are_looked_at(clock: FakeClock) -> None:
    zoho = Scripted(clock, dict.fromkeys(["acme", "brook"], Looked(make_backup())))
    found = await check(fleet_of(zoho, clock, Policy(), []), ["brook"])
    assert [snapshot.org.name for snapshot, _ in found.findings] == ["brook"]
    assert zoho.times("acme") == []


async def test_a_check_of_a_street_finds_each_org_at_what_it_is_at(clock: FakeClock) -> None:
    async with street(clock) as zoho:
        orgs = tuple(zoho.org(name) for name in zoho.simulator.world.orgs)
        zoho.simulator.forced |= {"dune": "OUTAGE", "glacier": "SCHEDULED", "tern": "HTML"}
        fleet = Fleet(Config(Policy(), orgs), lambda org: zoho.session(org.name).look, zoho.journal, clock)
        found = await check(fleet, [org.name for org in orgs])
    verdicts = {snapshot.org.name: verdict.name for snapshot, verdict in found.findings}
    assert verdicts == {
        "nordlys": "scheduled",
        "kestrel": "scheduled",
        "mesa-verde": "scheduled",
        "sakura": "stopped",
        "banyan": "none",
        "wattle": "cannot_look",
        "maple": "cannot_look",
        "dune": "cannot_look",
        "lotus": "cannot_look",
        "harbour": "one_off",
        "merlion": "overdue",
        "tern": "cannot_look",
        "glacier": "scheduled",
        "plover": "failed",
    }
    kinds = {snapshot.trouble.kind for snapshot, _ in found.findings if snapshot.trouble}
    assert kinds == {"permission", "auth", "server", "throttled", "contract"}
