"""The alerts of one org: alarms, recoveries and reminders."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.health.alert_scenarios import (
    DOWN,
    FAILED,
    LOCKED_OUT,
    UNREACHABLE,
    WELL_AGAIN,
    AlertDecider,
    KindsOrgsVerdicts,
    decider_after_failure,
    failing_snapshot,
    healthy_snapshot,
    make_org,
    polled_later,
    unreachable_snapshot,
)
from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    SECOND,
    SIGNED_OUT,
    history_with_one_end,
    make_backup,
    snapshot_of_running_backup,
)
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.alert_policy import ALL_ORGS, Alert, AlertKind, AlertState, OrgAlertState, verdict_text
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level

ODD = failing_snapshot(status="ARCHIVED")
"""A snapshot whose verdict is a warning."""


# Alarm and recovery


def test_an_org_that_is_well_is_not_notified() -> None:
    decider = AlertDecider()
    assert decider.decide(healthy_snapshot()) == []
    assert decider.alert_state.orgs["acme"].notified_at is None
    assert decider.decide(healthy_snapshot(status="COMPLETED")) == []


def test_what_is_wrong_is_notified_once_however_often_it_is_seen() -> None:
    decider = AlertDecider()
    (alert,) = decider.decide(failing_snapshot())
    headline = "the last backup failed; next try in 6d 00:00:00"
    assert alert == Alert(NOW, "alarm", "acme", None, "failed", Level.CRITICAL, headline, alert.hint)
    assert alert.hint
    for number in range(1, 20):
        at = NOW + number * 5 * MINUTE
        assert decider.decide(failing_snapshot(at=at), at=at) == []


def test_a_recovery_is_notified_once() -> None:
    decider = decider_after_failure()
    (alert,) = decider.decide(healthy_snapshot(at=NOW + HOUR), at=NOW + HOUR)
    assert (alert.kind, alert.previous_verdict, alert.verdict) == ("recovery", "failed", "scheduled")
    assert alert.level is Level.OK
    assert decider.decide(healthy_snapshot(at=NOW + 2 * HOUR), at=NOW + 2 * HOUR) == []


def test_another_verdict_is_notified_again_and_names_the_one_before_it() -> None:
    decider, alerts = AlertDecider(), []
    for hour, status in enumerate(("SCHEDULED", "FAILED", "STOPPED", "FAILED", "ARCHIVED", "SCHEDULED")):
        at = NOW + hour * HOUR
        alerts += [
            (one.kind, one.previous_verdict, one.verdict)
            for one in decider.decide(failing_snapshot(at=at, status=status), at=at)
        ]
    assert alerts == [
        ("alarm", "scheduled", "failed"),
        ("alarm", "failed", "stopped"),
        ("alarm", "stopped", "failed"),
        ("alarm", "failed", "unknown_status"),
        ("recovery", "unknown_status", "scheduled"),
    ]


def test_each_org_is_notified_by_itself() -> None:
    decider = AlertDecider()
    assert decider.alerts(
        failing_snapshot("acme"), healthy_snapshot("nordlys"), failing_snapshot("zenith", status="STOPPED")
    ) == [("alarm", "acme", "failed"), ("alarm", "zenith", "stopped")]
    assert decider.alerts(
        failing_snapshot("acme"), failing_snapshot("nordlys"), healthy_snapshot("zenith")
    ) == [("alarm", "nordlys", "failed"), ("recovery", "zenith", "scheduled")]


def test_a_verdict_that_comes_by_time_alone_is_notified_too() -> None:
    decider = AlertDecider()
    seen = healthy_snapshot(observed_at=NOW, backup=make_backup("SCHEDULED", NOW + MINUTE - 6 * HOUR))
    assert decider.decide(seen) == []
    assert decider.alerts(seen, at=NOW + 2 * MINUTE) == [("alarm", "acme", "overdue")]


def test_a_run_that_comes_late_is_a_recovery() -> None:
    decider = AlertDecider()
    decider.decide(healthy_snapshot(backup=make_backup("SCHEDULED", NOW - DAY)))
    assert decider.alerts(replace(snapshot_of_running_backup(MINUTE), org=make_org("acme"))) == [
        ("recovery", "acme", "running")
    ]


# Reminders


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (DAY - SECOND, []),
        (DAY, [("reminder", "acme", "failed")]),
        (9 * DAY, [("reminder", "acme", "failed")]),
    ],
)
def test_what_lasts_is_notified_again_after_the_interval(
    after: timedelta, expected: KindsOrgsVerdicts
) -> None:
    decider = decider_after_failure()
    assert decider.alerts(failing_snapshot(at=NOW + after), at=NOW + after) == expected


def test_reminders_come_at_the_interval_from_the_last_one() -> None:
    decider, alerts = AlertDecider(AlertSettings(remind_every=6 * HOUR)), []
    for minutes in range(0, 24 * 60, 5):
        at = NOW + minutes * MINUTE
        alerts += [(minutes, one.kind) for one in decider.decide(failing_snapshot(at=at), at=at)]
    assert alerts == [(0, "alarm"), (360, "reminder"), (720, "reminder"), (1080, "reminder")]


def test_another_verdict_begins_the_interval_again() -> None:
    decider = decider_after_failure()
    at = NOW + 23 * HOUR
    decider.decide(failing_snapshot(at=at, status="STOPPED"), at=at)
    assert decider.decide(failing_snapshot(at=NOW + DAY, status="STOPPED"), at=NOW + DAY) == []
    at += DAY
    assert decider.alerts(failing_snapshot(at=at, status="STOPPED"), at=at) == [
        ("reminder", "acme", "stopped")
    ]


def test_who_wants_no_reminder_gets_none() -> None:
    decider = AlertDecider(AlertSettings(remind_every=None))
    decider.decide(failing_snapshot())
    assert decider.decide(failing_snapshot(at=NOW + 400 * DAY), at=NOW + 400 * DAY) == []


def test_after_the_clock_was_set_back_reminders_and_recoveries_go_on() -> None:
    decider, back = AlertDecider(), NOW - 300 * DAY
    decider.decide(failing_snapshot())
    assert decider.decide(failing_snapshot(at=back), at=back) == []
    assert decider.alerts(failing_snapshot(at=back + DAY), at=back + DAY) == [
        ("reminder", "acme", "failed")
    ]
    assert decider.alerts(healthy_snapshot(at=back + 2 * DAY), at=back + 2 * DAY) == WELL_AGAIN


# The least level


@pytest.mark.parametrize(
    ("least", "expected"),
    [
        (Level.WARNING, ["unknown_status", "cannot_tell", "failed", "unknown_status", "scheduled"]),
        (Level.UNKNOWN, ["cannot_tell", "failed", "unknown_status"]),
        (Level.CRITICAL, ["failed", "unknown_status"]),
    ],
)
def test_what_is_less_bad_than_the_least_level_is_as_good_as_ok(least: Level, expected: list[str]) -> None:
    decider, found = AlertDecider(AlertSettings(least=least)), []
    well, signed_out = healthy_snapshot(), unreachable_snapshot(problem=SIGNED_OUT)
    for hour, snapshot in enumerate((well, ODD, signed_out, failing_snapshot(), ODD, well)):
        found += decider.decide(polled_later(snapshot, hour * HOUR), at=NOW + hour * HOUR)
    assert [alert.verdict for alert in found] == expected
    assert [alert.kind for alert in found] == ["alarm"] * (len(expected) - 1) + ["recovery"]


@pytest.mark.parametrize(
    "silent", [{"org": make_org("acme", mute=True)}, {"paused": True}], ids=["mute", "paused"]
)
def test_an_org_that_is_mute_or_paused_is_never_notified_and_keeps_what_was_notified_before(
    silent: dict[str, Any],
) -> None:
    decider = decider_after_failure()
    signed_out = unreachable_snapshot(problem=SIGNED_OUT)
    seen = (healthy_snapshot(), failing_snapshot(), signed_out, unreachable_snapshot())
    for hour, snapshot in enumerate(seen, start=1):
        at = NOW + hour * HOUR
        assert decider.decide(snapshot_with(polled_later(snapshot, hour * HOUR), **silent), at=at) == []
    at = NOW + 9 * HOUR
    assert decider.alerts(healthy_snapshot(at=at), at=at) == WELL_AGAIN


# Orgs whose verdict is unknown


UNSURE = {
    "never polled": Snapshot(ORG),
    "polling": build_snapshot(ORG, polling=True),
    "restored": healthy_snapshot(restored=True),
    "restored bad": failing_snapshot(restored=True),
    "stale": failing_snapshot(problem=OFFLINE, failures=1, failing_since=NOW),
    "long ago": healthy_snapshot(at=NOW - HOUR),
    "bad long ago": failing_snapshot(at=NOW - HOUR),
    "restored long ago": healthy_snapshot(at=NOW - HOUR, restored=True),
}


@pytest.mark.parametrize("unsure", UNSURE.values(), ids=UNSURE)
def test_an_org_of_unknown_state_gives_no_alert(unsure: Snapshot) -> None:
    earlier = NOW - HOUR
    for before in ([], [healthy_snapshot(at=earlier)], [failing_snapshot(at=earlier, status="STOPPED")]):
        decider = AlertDecider()
        for snapshot in before:
            decider.decide(snapshot, at=earlier)
        alert_state = decider.alert_state
        assert decider.decide(unsure) == []
        assert decider.alert_state == alert_state


@pytest.mark.parametrize("failures", [0, 1, 2, 3, 4, 100])
@pytest.mark.parametrize("failed_looks", [1, 3, 100])
def test_out_of_reach_is_notified_after_so_many_failed_polls(failed_looks: int, failures: int) -> None:
    decider = AlertDecider(AlertSettings(failed_looks=failed_looks))
    alerts = decider.alerts(unreachable_snapshot(failures=failures) if failures else healthy_snapshot())
    assert alerts == (UNREACHABLE if failures >= failed_looks else [])


def test_a_last_good_poll_that_is_long_ago_does_not_hurry_it() -> None:
    slept = unreachable_snapshot(failures=1, since=timedelta(), observed_at=NOW - DAY)
    assert AlertDecider().decide(slept) == []
    assert AlertDecider().alerts(snapshot_with(slept, failures=3)) == UNREACHABLE


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (healthy_snapshot(), UNREACHABLE),
        (failing_snapshot(), FAILED),
        (Snapshot(make_org("acme")), UNREACHABLE),
    ],
    ids=["well", "bad", "unknown"],
)
def test_a_dead_sign_in_is_notified_at_once(known: Snapshot, expected: KindsOrgsVerdicts) -> None:
    dead = snapshot_with(known, attempted_at=NOW, problem=SIGNED_OUT, failures=1, failing_since=NOW)
    assert AlertDecider().alerts(dead) == expected


def test_an_org_that_is_out_of_sight_is_alerted_by_what_was_last_seen_and_not_twice() -> None:
    decider = AlertDecider()
    for failures, expected in ((1, []), (2, []), (3, FAILED), (4, [])):
        unseen = unreachable_snapshot(failures=failures, backup=make_backup("FAILED", NOW + DAY))
        assert decider.alerts(unseen) == expected


@pytest.mark.parametrize("problem", [OFFLINE, LOCKED_OUT, DOWN])
def test_what_asking_again_may_cure_is_notified_after_three(problem: Problem) -> None:
    assert AlertDecider().decide(unreachable_snapshot(failures=2, problem=problem)) == []
    assert AlertDecider().alerts(unreachable_snapshot(failures=3, problem=problem)) == UNREACHABLE


@pytest.mark.parametrize(
    ("problem", "failures", "expected"),
    [(OFFLINE, 1, False), (OFFLINE, 2, False), (OFFLINE, 3, True), (SIGNED_OUT, 1, True)],
)
def test_a_history_that_cannot_be_read_is_notified_after_three_tries_too(
    problem: Problem, failures: int, expected: bool
) -> None:
    unread = healthy_snapshot(
        history=None, history_problem=problem, history_failures=failures, history_tried_at=NOW
    )
    assert bool(AlertDecider().decide(unread)) is expected
    assert AlertDecider().alerts(failing_snapshot(history_problem=problem, history_failures=1)) == FAILED


def test_a_failure_that_is_out_of_reach_for_a_while_is_notified_again_after_it() -> None:
    decider, alerts = AlertDecider(), []
    seen = (failing_snapshot(), unreachable_snapshot(), failing_snapshot(), healthy_snapshot())
    for hour, snapshot in enumerate(seen):
        at = NOW + hour * HOUR
        alerts += decider.alerts(polled_later(snapshot, hour * HOUR), at=at)
    assert alerts == FAILED + UNREACHABLE + FAILED + WELL_AGAIN


# Restarts and other processes


def test_a_restart_in_the_middle_notifies_nothing_again() -> None:
    decider = decider_after_failure()
    at = NOW + HOUR
    restored = failing_snapshot(at=NOW + 50 * MINUTE, restored=True)
    assert decider.decide(restored, at=at) == []
    assert decider.decide(failing_snapshot(at=at), at=at) == []
    assert decider.alerts(healthy_snapshot(at=at + HOUR), at=at + HOUR) == WELL_AGAIN


def test_a_recovery_while_nothing_ran_is_notified_after_the_restart() -> None:
    decider = decider_after_failure()
    at = NOW + HOUR
    assert decider.decide(failing_snapshot(restored=True), at=at) == []
    assert decider.alerts(healthy_snapshot(at=at), at=at) == WELL_AGAIN


def test_of_two_processes_the_one_that_polled_earlier_says_nothing_against_the_later() -> None:
    decider = AlertDecider()
    mine, theirs = healthy_snapshot(at=NOW - 4 * MINUTE), failing_snapshot(at=NOW)
    assert decider.decide(mine) == []
    assert decider.alerts(theirs) == FAILED
    assert decider.decide(mine, at=NOW + SECOND) == []
    at = NOW + MINUTE
    assert decider.decide(failing_snapshot(at=at), at=at) == []
    at = NOW + 5 * MINUTE
    assert decider.alerts(healthy_snapshot(at=at), at=at) == WELL_AGAIN
    assert decider.decide(theirs, at=at) == []


def test_a_poll_at_the_same_moment_counts() -> None:
    decider = AlertDecider()
    decider.decide(healthy_snapshot())
    assert decider.alerts(failing_snapshot()) == FAILED
    assert decider.alerts(healthy_snapshot()) == WELL_AGAIN


def test_an_alert_state_that_does_not_know_when_it_was_polled_is_taken_as_it_is() -> None:
    decider = AlertDecider(alert_state=AlertState({"acme": OrgAlertState("failed", Level.CRITICAL, NOW)}))
    assert decider.decide(failing_snapshot()) == []
    assert decider.alerts(healthy_snapshot()) == WELL_AGAIN


def test_an_org_that_is_not_watched_here_keeps_what_was_notified() -> None:
    decider = AlertDecider()
    decider.decide(failing_snapshot("acme"), failing_snapshot("nordlys"))
    notified = decider.alert_state.orgs["acme"]
    decider.decide(healthy_snapshot("nordlys"))
    assert decider.alert_state.orgs["acme"] == notified


def test_while_nothing_changes_the_alert_state_does_not_either() -> None:
    decider = AlertDecider()
    seen = [
        healthy_snapshot("acme"),
        failing_snapshot("nordlys"),
        failing_snapshot("zenith", NOW, "ARCHIVED"),
    ]
    decider.decide(*seen)
    alert_state = decider.alert_state
    decider.decide(*(polled_later(one) for one in seen), at=NOW + HOUR)
    assert decider.alert_state == alert_state


# Texts


@pytest.mark.parametrize(
    ("kind", "name", "verdict", "level", "title"),
    [
        ("alarm", "acme", "links_expiring", Level.WARNING, "acme: links expiring"),
        ("reminder", "acme", "too_old", Level.CRITICAL, "acme: still too old"),
        ("alarm", "acme", "none", Level.WARNING, "acme: no backup"),
        ("alarm", "acme", "one_off", Level.WARNING, "acme: a single backup"),
        ("recovery", "acme", "scheduled", Level.OK, "acme: well again"),
        ("recovery", "acme", "one_off", Level.WARNING, "acme: now a single backup"),
        ("outage", ALL_ORGS, "cannot_tell", Level.UNKNOWN, "No org can be reached"),
        ("reminder", ALL_ORGS, "cannot_tell", Level.UNKNOWN, "No org can be reached"),
        ("outage_over", ALL_ORGS, "scheduled", Level.OK, "Orgs can be reached again"),
    ],
)
def test_an_alert_has_a_title_of_one_line(
    kind: AlertKind, name: str, verdict: str, level: Level, title: str
) -> None:
    assert Alert(NOW, kind, name, None, verdict, level, "", None).title == title
    assert verdict_text("running_long") == "running long"


def test_an_alert_is_dated_from_when_it_was_notified() -> None:
    at: datetime = NOW + 2 * MINUTE
    (alert,) = AlertDecider().decide(failing_snapshot(history=history_with_one_end("failure", HOUR)), at=at)
    assert alert.at == at
    assert alert.headline.startswith("the last backup failed 1h ago")
