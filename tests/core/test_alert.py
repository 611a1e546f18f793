"""What is told of one org: each change of its verdict once, its end, and what lasts after a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.core.alerting import Desk, bad, later, org, out, said, well
from tests.core.build import DAY, HOUR, MINUTE, NOW, OFFLINE, ORG, SECOND, SIGNED_OUT, backup, ran, running
from tests.support.build import build_snapshot, snapshot_with
from zbtui.core.alert import ALL, Alert, Kind, Ledger, Told, spoken
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level

ODD = bad(status="ARCHIVED")
"""No more than a warning."""
LOCKED_OUT = Trouble("throttled", "Locked.", "Wait.", "Access Denied", 200, retry_at=NOW + HOUR)


# Once each


def test_an_org_that_is_well_is_not_told() -> None:
    desk = Desk()
    assert desk.tell(well()) == []
    assert desk.ledger.orgs["acme"].told_at is None
    assert desk.tell(well(status="COMPLETED")) == []


def test_what_is_wrong_is_told_once_however_often_it_is_seen() -> None:
    desk = Desk()
    (alert,) = desk.tell(bad())
    assert alert == Alert(
        NOW,
        "alarm",
        "acme",
        None,
        "failed",
        Level.CRITICAL,
        "the last backup failed; next try in 6d 00:00:00",
        alert.hint,
    )
    assert alert.hint
    for number in range(1, 20):
        at = NOW + number * 5 * MINUTE
        assert desk.tell(bad(at=at), at=at) == []


def test_a_recovery_is_told_once() -> None:
    desk = Desk()
    desk.tell(bad())
    (alert,) = desk.tell(well(at=NOW + HOUR), at=NOW + HOUR)
    assert (alert.kind, alert.before, alert.verdict, alert.level) == (
        "recovery",
        "failed",
        "scheduled",
        Level.OK,
    )
    assert desk.tell(well(at=NOW + 2 * HOUR), at=NOW + 2 * HOUR) == []


def test_another_verdict_is_told_anew_and_names_the_one_before_it() -> None:
    desk, told = Desk(), []
    for hour, status in enumerate(("SCHEDULED", "FAILED", "STOPPED", "FAILED", "ARCHIVED", "SCHEDULED")):
        at = NOW + hour * HOUR
        told += [(one.kind, one.before, one.verdict) for one in desk.tell(bad(at=at, status=status), at=at)]
    assert told == [
        ("alarm", "scheduled", "failed"),
        ("alarm", "failed", "stopped"),
        ("alarm", "stopped", "failed"),
        ("alarm", "failed", "unknown_status"),
        ("recovery", "unknown_status", "scheduled"),
    ]


def test_each_org_is_told_by_itself() -> None:
    desk = Desk()
    assert said(desk.tell(bad("acme"), well("nordlys"), bad("zenith", status="STOPPED"))) == [
        ("alarm", "acme", "failed"),
        ("alarm", "zenith", "stopped"),
    ]
    assert said(desk.tell(bad("acme"), bad("nordlys"), well("zenith"))) == [
        ("alarm", "nordlys", "failed"),
        ("recovery", "zenith", "scheduled"),
    ]


def test_a_verdict_that_comes_by_time_alone_is_told_too() -> None:
    desk = Desk()
    seen = well(observed_at=NOW, backup=backup("SCHEDULED", NOW + MINUTE - 6 * HOUR))
    assert desk.tell(seen) == []
    assert said(desk.tell(seen, at=NOW + 2 * MINUTE)) == [("alarm", "acme", "overdue")]


def test_a_run_that_comes_late_is_a_recovery() -> None:
    desk = Desk()
    desk.tell(well(backup=backup("SCHEDULED", NOW - DAY)))
    assert said(desk.tell(replace(running(MINUTE), org=org("acme")))) == [("recovery", "acme", "running")]


# What lasts


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (DAY - SECOND, []),
        (DAY, [("reminder", "acme", "failed")]),
        (9 * DAY, [("reminder", "acme", "failed")]),
    ],
)
def test_what_lasts_is_told_again_after_the_interval(
    after: timedelta, told: list[tuple[str, str, str]]
) -> None:
    desk = Desk()
    desk.tell(bad())
    assert said(desk.tell(bad(at=NOW + after), at=NOW + after)) == told


def test_reminders_come_at_the_interval_from_the_last_one() -> None:
    desk, told = Desk(AlertSettings(remind_every=6 * HOUR)), []
    for minutes in range(0, 24 * 60, 5):
        at = NOW + minutes * MINUTE
        told += [(minutes, one.kind) for one in desk.tell(bad(at=at), at=at)]
    assert told == [(0, "alarm"), (360, "reminder"), (720, "reminder"), (1080, "reminder")]


def test_another_verdict_begins_the_interval_anew() -> None:
    desk = Desk()
    desk.tell(bad())
    at = NOW + 23 * HOUR
    desk.tell(bad(at=at, status="STOPPED"), at=at)
    assert desk.tell(bad(at=NOW + DAY, status="STOPPED"), at=NOW + DAY) == []
    at += DAY
    assert said(desk.tell(bad(at=at, status="STOPPED"), at=at)) == [("reminder", "acme", "stopped")]


def test_who_wants_no_reminder_gets_none() -> None:
    desk = Desk(AlertSettings(remind_every=None))
    desk.tell(bad())
    assert desk.tell(bad(at=NOW + 400 * DAY), at=NOW + 400 * DAY) == []


def test_after_the_clock_was_set_back_reminders_and_recoveries_go_on() -> None:
    desk, back = Desk(), NOW - 300 * DAY
    desk.tell(bad())
    assert desk.tell(bad(at=back), at=back) == []
    assert said(desk.tell(bad(at=back + DAY), at=back + DAY)) == [("reminder", "acme", "failed")]
    assert said(desk.tell(well(at=back + 2 * DAY), at=back + 2 * DAY)) == [
        ("recovery", "acme", "scheduled")
    ]


# How bad it has to be


@pytest.mark.parametrize(
    ("least", "told"),
    [
        (Level.WARNING, ["unknown_status", "cannot_look", "failed", "unknown_status", "scheduled"]),
        (Level.UNKNOWN, ["cannot_look", "failed", "unknown_status"]),
        (Level.CRITICAL, ["failed", "unknown_status"]),
    ],
)
def test_what_is_less_bad_than_the_least_level_is_as_good_as_ok(least: Level, told: list[str]) -> None:
    desk, found = Desk(AlertSettings(least=least)), []
    for hour, snapshot in enumerate((well(), ODD, out(trouble=SIGNED_OUT), bad(), ODD, well())):
        found += desk.tell(later(snapshot, hour * HOUR), at=NOW + hour * HOUR)
    assert [alert.verdict for alert in found] == told
    assert [alert.kind for alert in found] == ["alarm"] * (len(told) - 1) + ["recovery"]


@pytest.mark.parametrize(
    "silent", [{"org": org("acme", mute=True)}, {"paused": True}], ids=["mute", "paused"]
)
def test_an_org_that_is_mute_or_paused_is_never_told_and_keeps_what_was_told_before(
    silent: dict[str, Any],
) -> None:
    desk = Desk()
    desk.tell(bad())
    for hour, snapshot in enumerate((well(), bad(), out(trouble=SIGNED_OUT), out()), start=1):
        at = NOW + hour * HOUR
        assert desk.tell(snapshot_with(later(snapshot, hour * HOUR), **silent), at=at) == []
    at = NOW + 9 * HOUR
    assert said(desk.tell(well(at=at), at=at)) == [("recovery", "acme", "scheduled")]


# What is not known


@pytest.mark.parametrize(
    "unsure",
    [
        Snapshot(ORG),
        build_snapshot(ORG, polling=True),
        well(restored=True),
        bad(restored=True),
        bad(problem=OFFLINE, failures=1, failing_since=NOW),
        well(at=NOW - HOUR),
        bad(at=NOW - HOUR),
        well(at=NOW - HOUR, restored=True),
    ],
    ids=[
        "never looked at",
        "polling",
        "restored",
        "restored bad",
        "stale",
        "long ago",
        "bad long ago",
        "restored long ago",
    ],
)
def test_what_nobody_saw_lately_says_nothing(unsure: Snapshot) -> None:
    for before in ([], [well(at=NOW - HOUR)], [bad(at=NOW - HOUR, status="STOPPED")]):
        desk = Desk()
        for snapshot in before:
            desk.tell(snapshot, at=NOW - HOUR)
        ledger = desk.ledger
        assert desk.tell(unsure) == []
        assert desk.ledger == ledger


@pytest.mark.parametrize("failures", [0, 1, 2, 3, 4, 100])
@pytest.mark.parametrize("failed_looks", [1, 3, 100])
def test_out_of_reach_is_told_after_so_many_failed_looks(failed_looks: int, failures: int) -> None:
    desk = Desk(AlertSettings(failed_looks=failed_looks))
    told = desk.tell(out(failures=failures) if failures else well())
    assert said(told) == ([("alarm", "acme", "cannot_look")] if failures >= failed_looks else [])


def test_a_last_good_look_that_is_long_ago_does_not_hurry_it() -> None:
    slept = out(failures=1, since=timedelta(), observed_at=NOW - DAY)
    assert Desk().tell(slept) == []
    assert said(Desk().tell(snapshot_with(slept, failures=3))) == [("alarm", "acme", "cannot_look")]


@pytest.mark.parametrize("known", [well(), bad(), Snapshot(org("acme"))], ids=["well", "bad", "unknown"])
def test_a_dead_sign_in_is_told_at_once(known: Snapshot) -> None:
    dead = snapshot_with(known, attempted_at=NOW, problem=SIGNED_OUT, failures=1, failing_since=NOW)
    assert said(Desk().tell(dead)) == [("alarm", "acme", "cannot_look")]


@pytest.mark.parametrize("trouble", [OFFLINE, LOCKED_OUT, Trouble("server", "Down.", "Wait.", None, 503)])
def test_what_asking_again_may_cure_is_told_after_three(trouble: Trouble) -> None:
    assert Desk().tell(out(failures=2, trouble=trouble)) == []
    assert said(Desk().tell(out(failures=3, trouble=trouble))) == [("alarm", "acme", "cannot_look")]


@pytest.mark.parametrize(
    ("trouble", "failures", "told"),
    [(OFFLINE, 1, False), (OFFLINE, 2, False), (OFFLINE, 3, True), (SIGNED_OUT, 1, True)],
)
def test_a_history_that_cannot_be_read_is_told_after_three_tries_too(
    trouble: Trouble, failures: int, told: bool
) -> None:
    unread = well(
        history_problem=trouble,
        history_failures=failures,
        history_tried_at=NOW,
    )
    assert bool(Desk().tell(unread)) is told
    assert said(Desk().tell(bad(history_problem=trouble, history_failures=1))) == [
        ("alarm", "acme", "failed")
    ]


def test_a_failure_that_is_out_of_reach_for_a_while_is_told_again_after_it() -> None:
    desk, told = Desk(), []
    for hour, snapshot in enumerate((bad(), out(), bad(), well())):
        at = NOW + hour * HOUR
        told += said(desk.tell(later(snapshot, hour * HOUR), at=at))
    assert told == [
        ("alarm", "acme", "failed"),
        ("alarm", "acme", "cannot_look"),
        ("alarm", "acme", "failed"),
        ("recovery", "acme", "scheduled"),
    ]


# Restarts, and other processes


def test_a_restart_in_the_middle_tells_nothing_anew() -> None:
    desk = Desk()
    desk.tell(bad())
    at = NOW + HOUR
    restored = bad(at=NOW + 50 * MINUTE, restored=True)
    assert desk.tell(restored, at=at) == []
    assert desk.tell(bad(at=at), at=at) == []
    assert said(desk.tell(well(at=at + HOUR), at=at + HOUR)) == [("recovery", "acme", "scheduled")]


def test_a_recovery_while_nothing_ran_is_told_after_the_restart() -> None:
    desk = Desk()
    desk.tell(bad())
    at = NOW + HOUR
    assert desk.tell(bad(restored=True), at=at) == []
    assert said(desk.tell(well(at=at), at=at)) == [("recovery", "acme", "scheduled")]


def test_of_two_processes_the_one_that_looked_earlier_says_nothing_against_the_later() -> None:
    desk = Desk()
    mine, theirs = well(at=NOW - 4 * MINUTE), bad(at=NOW)
    assert desk.tell(mine) == []
    assert said(desk.tell(theirs)) == [("alarm", "acme", "failed")]
    assert desk.tell(mine, at=NOW + SECOND) == []
    at = NOW + MINUTE
    assert desk.tell(bad(at=at), at=at) == []
    at = NOW + 5 * MINUTE
    assert said(desk.tell(well(at=at), at=at)) == [("recovery", "acme", "scheduled")]
    assert desk.tell(theirs, at=at) == []


def test_a_look_at_the_same_moment_counts() -> None:
    desk = Desk()
    desk.tell(well())
    assert said(desk.tell(bad())) == [("alarm", "acme", "failed")]
    assert said(desk.tell(well())) == [("recovery", "acme", "scheduled")]


def test_a_ledger_that_does_not_know_when_it_was_looked_is_taken_as_it_is() -> None:
    desk = Desk(ledger=Ledger({"acme": Told("failed", Level.CRITICAL, NOW)}))
    assert desk.tell(bad()) == []
    assert said(desk.tell(well())) == [("recovery", "acme", "scheduled")]


def test_an_org_that_is_not_watched_here_keeps_what_was_told() -> None:
    desk = Desk()
    desk.tell(bad("acme"), bad("nordlys"))
    told = desk.ledger.orgs["acme"]
    desk.tell(well("nordlys"))
    assert desk.ledger.orgs["acme"] == told


def test_while_nothing_changes_the_ledger_does_not_either() -> None:
    desk = Desk()
    desk.tell(well("acme"), bad("nordlys"), bad("zenith", status="ARCHIVED"))
    ledger, at = desk.ledger, NOW + HOUR
    desk.tell(well("acme", at), bad("nordlys", at), bad("zenith", at, status="ARCHIVED"), at=at)
    assert desk.ledger == ledger


# How it is said


@pytest.mark.parametrize(
    ("kind", "name", "verdict", "level", "title"),
    [
        ("alarm", "acme", "links_expiring", Level.WARNING, "acme: links expiring"),
        ("reminder", "acme", "too_old", Level.CRITICAL, "acme: still too old"),
        ("alarm", "acme", "none", Level.WARNING, "acme: no backup"),
        ("alarm", "acme", "one_off", Level.WARNING, "acme: a single backup"),
        ("recovery", "acme", "scheduled", Level.OK, "acme: well again"),
        ("recovery", "acme", "one_off", Level.WARNING, "acme: now a single backup"),
        ("outage", ALL, "cannot_look", Level.UNKNOWN, "No org can be reached"),
        ("reminder", ALL, "cannot_look", Level.UNKNOWN, "No org can be reached"),
        ("outage_over", ALL, "scheduled", Level.OK, "Orgs can be reached again"),
    ],
)
def test_an_alert_has_a_title_of_one_line(
    kind: Kind, name: str, verdict: str, level: Level, title: str
) -> None:
    assert Alert(NOW, kind, name, None, verdict, level, "", None).title == title
    assert spoken("running_long") == "running long"


def test_an_alert_is_dated_from_when_it_was_told() -> None:
    at: datetime = NOW + 2 * MINUTE
    (alert,) = Desk().tell(bad(history=ran("failure", HOUR)), at=at)
    assert alert.at == at
    assert alert.headline.startswith("the last backup failed 1h ago")
