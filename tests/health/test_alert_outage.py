"""Alerts of an outage of all orgs: its beginning, its end, and reminders while it lasts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.health.alert_scenarios import (
    BUSY,
    DOWN,
    EVERY,
    LOCKED,
    LOCKED_OUT,
    NAMES,
    OUTAGE,
    OUTAGE_OVER,
    UNREACHABLE,
    WELL_AGAIN,
    AlertDecider,
    KindsOrgsVerdicts,
    all_healthy,
    all_unreachable,
    decider_in_outage,
    failing_snapshot,
    healthy_snapshot,
    kinds_orgs_verdicts,
    make_org,
    unreachable_snapshot,
)
from tests.support.samples import DAY, HOUR, MINUTE, NOW, SECOND, SIGNED_OUT, make_backup
from tests.support.snapshots import snapshot_with
from zbtui.health.alert_policy import ALL_ORGS, AlertRules, JudgedOrg, decide_alerts
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.model.crash import bug_problem
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level, Verdict
from zbtui.zoho_api.errors import api_problem, contract_problem
from zbtui.zoho_api.sign_in_errors import NOT_SIGNED_IN_PROBLEM, token_budget_problem

BUG = bug_problem(ValueError())
NO_ACCESS = api_problem(403, {"code": "NO_PERMISSION"}, "eu")

# All orgs unreachable


@pytest.mark.parametrize("names", [NAMES[:2], NAMES])
def test_an_outage_of_all_is_one_alert_and_one_end(names: tuple[str, ...]) -> None:
    decider = AlertDecider()
    decider.decide(*all_healthy(*names, at=NOW - 10 * MINUTE), at=NOW - 10 * MINUTE)
    (alert,) = decider.decide(*all_unreachable(*names))
    assert kinds_orgs_verdicts([alert]) == OUTAGE
    assert alert.hint is None
    assert alert.headline == f"none of {len(names)} orgs can be looked at: is this machine online?"
    for minutes in (5, 10, 15, 600):
        at = NOW + minutes * MINUTE
        assert decider.decide(*all_unreachable(*names, at=at), at=at) == []
    at = NOW + 601 * MINUTE
    (over,) = decider.decide(healthy_snapshot(names[0], at), *all_unreachable(*names[1:], at=at), at=at)
    assert kinds_orgs_verdicts([over]) == OUTAGE_OVER
    assert over.headline == f"{names[0]} answers, 10h after that was told"
    at += MINUTE
    assert decider.decide(*all_healthy(*names, at=at), at=at) == []


@pytest.mark.parametrize(
    "problem", [LOCKED, DOWN, contract_problem("is odd"), BUG], ids=["locked", "down", "odd", "a bug"]
)
def test_what_else_takes_all_orgs_is_one_alert_with_its_cure(problem: Problem) -> None:
    (alert,) = AlertDecider().decide(*all_unreachable("acme", "nordlys", problem=problem))
    assert kinds_orgs_verdicts([alert]) == OUTAGE
    assert alert.headline == f"none of 2 orgs can be looked at: {problem.message}"
    assert alert.hint == problem.hint


def test_orgs_that_are_each_out_of_reach_for_a_reason_of_its_own_are_one_outage() -> None:
    alerts = AlertDecider().alerts(
        unreachable_snapshot("acme"),
        unreachable_snapshot("nordlys", problem=DOWN),
        unreachable_snapshot("zenith", problem=LOCKED),
    )
    assert alerts == OUTAGE


@pytest.mark.parametrize("problem", [BUSY, SIGNED_OUT], ids=["busy", "signed out"])
def test_what_zoho_refuses_each_org_is_no_outage(problem: Problem) -> None:
    alerts = AlertDecider().alerts(*all_unreachable("acme", "nordlys", problem=problem))
    assert alerts == [("alarm", "acme", "cannot_tell"), ("alarm", "nordlys", "cannot_tell")]


@pytest.mark.parametrize("failures", [1, 2])
def test_an_outage_has_to_last_for_one_of_them_at_least(failures: int) -> None:
    decider = AlertDecider()
    assert decider.decide(*(unreachable_snapshot(name, failures) for name in NAMES)) == []
    others = [unreachable_snapshot(name, failures) for name in NAMES[1:]]
    assert decider.alerts(unreachable_snapshot(NAMES[0]), *others) == OUTAGE


def test_an_org_that_was_out_of_reach_before_does_not_shorten_the_patience_with_the_others() -> None:
    decider = AlertDecider()
    decider.decide(unreachable_snapshot("acme", since=9 * DAY), healthy_snapshot("nordlys"))
    for failures, since, expected in ((1, timedelta(), []), (3, 3 * MINUTE, OUTAGE)):
        at = NOW + MINUTE + since
        still = unreachable_snapshot("acme", 99, at, 9 * DAY)
        assert (
            decider.alerts(still, unreachable_snapshot("nordlys", failures, at, since), at=at) == expected
        )


@pytest.mark.parametrize("failed_looks", [1, 5])
def test_how_long_it_has_to_last_is_configured(failed_looks: int) -> None:
    settings = AlertSettings(failed_looks=failed_looks)
    for failures, expected in ((failed_looks - 1, []), (failed_looks, OUTAGE)):
        if failures:
            known = [unreachable_snapshot(name, failures) for name in ("acme", "nordlys")]
            assert AlertDecider(settings).alerts(*known) == expected


@pytest.mark.parametrize(
    ("least", "expected"), [(Level.WARNING, OUTAGE), (Level.UNKNOWN, OUTAGE), (Level.CRITICAL, [])]
)
def test_an_outage_is_not_notified_if_the_least_level_is_worse(
    least: Level, expected: KindsOrgsVerdicts
) -> None:
    decider = AlertDecider(AlertSettings(least=least))
    assert decider.alerts(*all_unreachable("acme", "nordlys")) == expected
    at = NOW + HOUR
    over = [("outage_over", ALL_ORGS, "scheduled")] if expected else []
    assert decider.alerts(*all_healthy("acme", "nordlys", at=at), at=at) == over


def test_a_single_org_is_notified_by_itself() -> None:
    decider = AlertDecider()
    assert decider.alerts(unreachable_snapshot()) == UNREACHABLE
    assert decider.alerts(healthy_snapshot(at=NOW + HOUR), at=NOW + HOUR) == WELL_AGAIN


@pytest.mark.parametrize(
    "idle",
    [
        healthy_snapshot("idle", paused=True),
        healthy_snapshot("idle", NOW - DAY, paused=True),
        unreachable_snapshot("idle", paused=True),
        unreachable_snapshot("idle", problem=SIGNED_OUT),
        unreachable_snapshot("idle", problem=LOCKED_OUT),
    ],
    ids=["paused", "paused long ago", "paused with a problem", "signed out", "locked out"],
)
def test_an_org_that_is_not_asked_does_not_hide_an_outage(idle: Snapshot) -> None:
    idle = snapshot_with(idle, attempted_at=NOW - HOUR, failing_since=NOW - HOUR)
    decider = AlertDecider()
    decider.decide(
        idle, healthy_snapshot("acme", NOW - 10 * MINUTE), healthy_snapshot("nordlys", NOW - 10 * MINUTE)
    )
    assert decider.alerts(idle, *all_unreachable("acme", "nordlys")) == OUTAGE


def test_beside_orgs_that_are_not_asked_the_one_that_is_is_notified_by_itself() -> None:
    alerts = AlertDecider().alerts(
        unreachable_snapshot("acme"),
        healthy_snapshot("idle", NOW - HOUR, paused=True),
        unreachable_snapshot("dead", problem=SIGNED_OUT),
    )
    assert alerts == [("alarm", "acme", "cannot_tell"), ("alarm", "dead", "cannot_tell")]


def test_during_an_outage_a_dead_sign_in_is_notified_all_the_same() -> None:
    decider = decider_in_outage()
    at = NOW + MINUTE
    local = snapshot_with(unreachable_snapshot("nordlys", 4, at), problem=NOT_SIGNED_IN_PROBLEM)
    assert decider.alerts(unreachable_snapshot("acme", 4, at), local, at=at) == [
        ("alarm", "nordlys", "cannot_tell")
    ]


# The end of an outage, and afterwards


def test_after_an_outage_only_orgs_that_became_bad_during_it_are_notified() -> None:
    decider = AlertDecider()
    decider.decide(failing_snapshot("acme"), healthy_snapshot("nordlys"))
    at = NOW + HOUR
    assert decider.alerts(*all_unreachable("acme", "nordlys", at=at), at=at) == [*OUTAGE]
    at += HOUR
    alerts = decider.alerts(failing_snapshot("acme", at), failing_snapshot("nordlys", at, "STOPPED"), at=at)
    assert alerts == [("outage_over", ALL_ORGS, "failed"), ("alarm", "nordlys", "stopped")]


ANSWERS = {
    "well": healthy_snapshot("acme", NOW + HOUR),
    "bad": failing_snapshot("acme", NOW + HOUR),
    "busy": unreachable_snapshot("acme", at=NOW + HOUR, problem=BUSY),
    "signed out": unreachable_snapshot("acme", at=NOW + HOUR, problem=SIGNED_OUT),
    "locked out": unreachable_snapshot("acme", at=NOW + HOUR, problem=LOCKED_OUT),
    "no access": unreachable_snapshot("acme", at=NOW + HOUR, problem=NO_ACCESS),
    "paused": healthy_snapshot("acme", NOW + HOUR, paused=True),
}
SILENCES = {
    "offline": unreachable_snapshot("acme", at=NOW + HOUR),
    "locked": unreachable_snapshot("acme", at=NOW + HOUR, problem=LOCKED),
    "down": unreachable_snapshot("acme", at=NOW + HOUR, problem=DOWN),
    "odd": unreachable_snapshot("acme", at=NOW + HOUR, problem=contract_problem("is odd")),
    "a bug": unreachable_snapshot("acme", at=NOW + HOUR, problem=BUG),
    "not signed in": unreachable_snapshot("acme", at=NOW + HOUR, problem=NOT_SIGNED_IN_PROBLEM),
    "over budget": unreachable_snapshot(
        "acme", at=NOW + HOUR, problem=token_budget_problem(NOW + 2 * HOUR)
    ),
    "seen before": healthy_snapshot("acme", NOW - MINUTE),
    "restored": healthy_snapshot("acme", NOW + 30 * MINUTE, restored=True),
    "unseen": Snapshot(make_org("acme")),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_any_answer_of_zohos_ends_an_outage(answer: Snapshot) -> None:
    still = unreachable_snapshot("nordlys", 9, NOW + HOUR)
    alerts = decider_in_outage().decide(answer, still, at=NOW + HOUR)
    assert alerts[0].kind == "outage_over"


@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
def test_what_is_no_answer_of_a_zoho_in_order_ends_no_outage(silence: Snapshot) -> None:
    decider = decider_in_outage()
    alerts = decider.decide(silence, unreachable_snapshot("nordlys", 9, NOW + HOUR), at=NOW + HOUR)
    assert "outage_over" not in [alert.kind for alert in alerts]
    assert decider.alert_state.outage_since == NOW


@pytest.mark.parametrize(
    ("minutes", "answered", "expected"),
    [
        (3, 0, False),
        (9, 5, False),
        (10, 5, False),  # an org that failed during the outage has two intervals to recover
        (11, 5, True),
        (11, 11, True),
        (11, 0, True),
    ],
)
def test_an_org_that_stays_out_of_reach_after_an_outage_is_notified_two_intervals_later(
    minutes: int, answered: int, expected: bool
) -> None:
    decider = decider_in_outage()
    over = NOW + HOUR
    fails = unreachable_snapshot("nordlys", 9, over, HOUR)
    assert decider.alerts(healthy_snapshot("acme", over), fails, at=over) == OUTAGE_OVER
    at = over + minutes * MINUTE
    still = unreachable_snapshot("nordlys", 9 + minutes, at, HOUR + minutes * MINUTE)
    found = decider.decide(healthy_snapshot("acme", over + answered * MINUTE), still, at=at)
    assert kinds_orgs_verdicts(found) == ([("alarm", "nordlys", "cannot_tell")] if expected else [])


def test_orgs_that_were_not_asked_again_after_an_outage_are_waited_for() -> None:
    decider = decider_in_outage()
    over = NOW + HOUR
    still = unreachable_snapshot("nordlys", 9, over - MINUTE, HOUR)
    decider.decide(healthy_snapshot("acme", over), still, at=over)
    for minutes in (5, 12):
        at = over + minutes * MINUTE
        assert decider.decide(healthy_snapshot("acme", at), still, at=at) == []


def test_an_org_that_fails_for_the_first_time_after_an_outage_is_notified_as_soon_as_ever() -> None:
    decider = decider_in_outage()
    over = NOW + HOUR
    assert decider.alerts(*all_healthy("acme", "nordlys", at=over), at=over) == OUTAGE_OVER
    at = over + 6 * MINUTE
    fails = unreachable_snapshot("nordlys", 3, at, 4 * MINUTE)
    assert decider.alerts(healthy_snapshot("acme", at - MINUTE), fails, at=at) == [
        ("alarm", "nordlys", "cannot_tell")
    ]


def test_the_answer_that_ended_an_outage_is_no_proof_of_what_came_after_it() -> None:
    decider, alerts = AlertDecider(), []
    decider.decide(*all_unreachable("once a day", *NAMES))
    over = NOW + HOUR
    answered = healthy_snapshot("once a day", over - SECOND)
    still = [unreachable_snapshot(name, 9, over - MINUTE, HOUR) for name in NAMES]
    assert decider.alerts(answered, *still, at=over) == OUTAGE_OVER
    for minute in range(1, 30):
        at = over + minute * MINUTE
        still = [unreachable_snapshot(name, 9 + minute, at, HOUR + minute * MINUTE) for name in NAMES]
        alerts += decider.alerts(answered, *still, at=at)
    assert alerts == OUTAGE


def test_a_network_that_is_gone_again_at_once_is_one_more_outage_and_not_fifty_alarms() -> None:
    decider, alerts = AlertDecider(), []
    decider.decide(*all_unreachable(*NAMES))
    over = NOW + HOUR
    still = [unreachable_snapshot(name, 9, NOW + 50 * MINUTE, HOUR) for name in NAMES[1:]]
    assert decider.alerts(healthy_snapshot(NAMES[0], over), *still, at=over) == OUTAGE_OVER
    first = healthy_snapshot(NAMES[0], over)
    for minute in range(1, 30):
        at = over + minute * MINUTE
        still = [
            unreachable_snapshot(name, 9 + minute, at, HOUR + minute * MINUTE)
            if index % 14 == minute % 14
            else one
            for index, (name, one) in enumerate(zip(NAMES[1:], still, strict=True))
        ]
        if minute >= 5:
            first = unreachable_snapshot(NAMES[0], minute - 4, at, (minute - 5) * MINUTE)
        alerts += decider.alerts(first, *still, at=at)
    assert alerts == OUTAGE


# Reminders


@pytest.mark.parametrize(
    ("after", "expected"), [(DAY - SECOND, []), (DAY, ["reminder"]), (3 * DAY, ["reminder"])]
)
def test_an_outage_that_lasts_is_notified_again_after_the_interval(
    after: timedelta, expected: list[str]
) -> None:
    decider = decider_in_outage()
    at = NOW + after
    found = decider.decide(*all_unreachable("acme", "nordlys", at=at), at=at)
    assert [alert.kind for alert in found] == expected
    assert all(alert.org == ALL_ORGS for alert in found)


def test_reminders_of_an_outage_come_at_the_interval_from_the_last_one() -> None:
    decider, hours = AlertDecider(), []
    for hour in range(24 * 4):
        at = NOW + hour * HOUR
        hours += [hour for _ in decider.decide(*all_unreachable("acme", "nordlys", at=at), at=at)]
    assert hours == [0, 24, 48, 72]


def test_who_wants_no_reminder_of_an_outage_gets_none() -> None:
    decider = AlertDecider(AlertSettings(remind_every=None))
    decider.decide(*all_unreachable("acme", "nordlys"))
    at = NOW + 90 * DAY
    assert decider.decide(*all_unreachable("acme", "nordlys", at=at), at=at) == []


def test_an_outage_of_paused_orgs_is_not_notified_again() -> None:
    decider = decider_in_outage()
    at = NOW + 2 * DAY
    paused = [snapshot_with(one, paused=True) for one in all_unreachable("acme", "nordlys")]
    assert decider.decide(*paused, at=at) == []


def test_after_the_clock_was_set_back_an_outage_ends_all_the_same() -> None:
    decider, back = AlertDecider(), NOW - 300 * DAY
    decider.decide(*all_unreachable("acme", "nordlys"))
    assert decider.decide(*all_unreachable("acme", "nordlys", at=back), at=back) == []
    at = back + HOUR
    assert decider.alerts(*all_healthy("acme", "nordlys", at=at), at=at) == OUTAGE_OVER


def test_an_outage_is_notified_though_all_orgs_had_failed_before_it() -> None:
    """An org's last known verdict stays during an outage: it says nothing of the network."""
    names, later = ("acme", "nordlys"), NOW + HOUR
    decider = AlertDecider()
    decider.decide(*[failing_snapshot(name) for name in names])
    unseen = [unreachable_snapshot(name, at=later, backup=make_backup("FAILED")) for name in names]
    known = Verdict("failed", Level.CRITICAL, "FAILED", "failed, as of an hour ago", stale=True)
    rules = AlertRules(decider.settings, EVERY)
    _, alerts = decide_alerts(decider.alert_state, [JudgedOrg(one, known) for one in unseen], rules, later)
    assert kinds_orgs_verdicts(alerts) == OUTAGE
