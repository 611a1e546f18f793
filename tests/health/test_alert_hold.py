"""How long the alarm of one unreachable org is held, until other orgs show whether all are unreachable."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.health.alert_scenarios import (
    BUSY,
    DOWN,
    EVERY,
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
    healthy_snapshot,
    make_org,
    unreachable_snapshot,
)
from tests.support.samples import DAY, HOUR, MINUTE, NOW, SECOND
from zbtui.health.alert_policy import AlertState, JudgedOrg, OrgAlertState
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level

ONCE_A_DAY = healthy_snapshot(
    "slow", NOW - 3 * HOUR, org=make_org("slow", policy_overrides=(("every", DAY),))
)

# One unreachable org


def test_one_org_out_of_reach_while_another_answers_is_notified_by_itself() -> None:
    others = [healthy_snapshot(name) for name in NAMES[1:]]
    assert AlertDecider().alerts(unreachable_snapshot(NAMES[0]), *others) == [
        ("alarm", NAMES[0], "cannot_tell")
    ]


def test_a_refusal_of_zohos_is_an_answer_too() -> None:
    alerts = AlertDecider().alerts(unreachable_snapshot("acme"), unreachable_snapshot("busy", problem=BUSY))
    assert alerts == [("alarm", "acme", "cannot_tell"), ("alarm", "busy", "cannot_tell")]


def test_an_org_that_zoho_is_out_of_order_for_is_notified_by_itself_while_another_answers() -> None:
    down = unreachable_snapshot("down", problem=DOWN)
    alerts = AlertDecider().alerts(down, healthy_snapshot("acme"))
    assert alerts == [("alarm", "down", "cannot_tell")]
    assert AlertDecider().decide(down, healthy_snapshot("acme", NOW - 5 * MINUTE)) == []


def test_all_orgs_of_one_data_center_are_notified_each_by_itself() -> None:
    alerts = AlertDecider().alerts(*all_unreachable("eu1", "eu2"), healthy_snapshot("us1"))
    assert alerts == [("alarm", "eu1", "cannot_tell"), ("alarm", "eu2", "cannot_tell")]


@pytest.mark.parametrize(
    ("seen", "held"), [(-MINUTE, True), (timedelta(), True), (SECOND, False), (3 * MINUTE, False)]
)
def test_an_org_out_of_reach_is_held_until_another_was_asked_since(seen: timedelta, held: bool) -> None:
    began = NOW - 4 * MINUTE
    alerts = AlertDecider().alerts(unreachable_snapshot("acme"), healthy_snapshot("nordlys", began + seen))
    assert alerts == ([] if held else UNREACHABLE)


@pytest.mark.parametrize(
    ("since", "expected"), [(2 * EVERY - SECOND, []), (2 * EVERY, []), (2 * EVERY + SECOND, UNREACHABLE)]
)
def test_it_is_held_for_two_intervals_at_most(since: timedelta, expected: KindsOrgsVerdicts) -> None:
    assert AlertDecider().alerts(unreachable_snapshot("acme", since=since), ONCE_A_DAY) == expected


def test_an_org_that_is_polled_once_a_day_does_not_turn_an_outage_into_fifty_alarms() -> None:
    decider, alerts = AlertDecider(), []
    for minute in range(5, 30):
        at = NOW + minute * MINUTE
        down = [unreachable_snapshot(name, minute, at, minute * MINUTE) for name in NAMES]
        alerts += decider.alerts(ONCE_A_DAY, *down, at=at)
    assert alerts == OUTAGE


@pytest.mark.parametrize("problem", [DOWN, BUSY])
def test_an_org_in_a_long_pause_of_its_own_does_not_either(problem: Problem) -> None:
    slow = unreachable_snapshot("slow", 9, NOW - MINUTE, HOUR, problem)
    decider = AlertDecider()
    alerts = decider.alerts(slow, *all_healthy(*NAMES, at=NOW - MINUTE), at=NOW)
    for minute in range(5, 30):
        at = NOW + minute * MINUTE
        down = [unreachable_snapshot(name, minute, at, minute * MINUTE) for name in NAMES]
        alerts += decider.alerts(slow, *down, at=at)
    assert alerts == [("alarm", "slow", "cannot_tell"), *OUTAGE]


def test_an_org_that_was_notified_out_of_reach_is_notified_again_when_it_answers_after_an_outage() -> None:
    decider = AlertDecider()
    assert (
        decider.alerts(unreachable_snapshot("acme", since=HOUR), healthy_snapshot("nordlys")) == UNREACHABLE
    )
    at = NOW + HOUR
    still = unreachable_snapshot("acme", 9, at, 2 * HOUR)
    assert decider.alerts(still, unreachable_snapshot("nordlys", 3, at), at=at) == OUTAGE
    at = NOW + 2 * HOUR
    assert decider.alerts(*all_healthy("acme", "nordlys", at=at), at=at) == OUTAGE_OVER + WELL_AGAIN


def test_orgs_that_were_all_notified_out_of_reach_one_by_one_are_no_outage_besides() -> None:
    notified = OrgAlertState("cannot_tell", Level.UNKNOWN, NOW - HOUR, NOW - HOUR)
    decider = AlertDecider(alert_state=AlertState({"acme": notified, "nordlys": notified}))
    assert decider.decide(*all_unreachable("acme", "nordlys")) == []
    for other in (replace(notified, notified_at=None), replace(notified, verdict="failed"), None):
        decider = AlertDecider(
            alert_state=AlertState({"acme": notified, **({"nordlys": other} if other else {})})
        )
        assert decider.alerts(*all_unreachable("acme", "nordlys")) == OUTAGE


# Muted orgs


def test_orgs_that_are_mute_are_seen_but_not_notified() -> None:
    mute = [unreachable_snapshot(name, org=make_org(name, mute=True)) for name in ("acme", "nordlys")]
    assert AlertDecider().decide(*mute) == []
    assert AlertDecider().alerts(mute[0], unreachable_snapshot("zenith")) == OUTAGE
    assert AlertDecider().alerts(
        unreachable_snapshot("zenith"), healthy_snapshot("acme", org=make_org("acme", mute=True))
    ) == [("alarm", "zenith", "cannot_tell")]


# After a start


def test_after_a_start_nobody_is_notified_before_all_were_polled() -> None:
    known = [
        healthy_snapshot(name, NOW - DAY, restored=True, failures=2, failing_since=NOW - DAY)
        for name in NAMES
    ]
    decider, alerts = AlertDecider(), []
    for number, name in enumerate(NAMES):
        at = NOW + number * SECOND
        known[number] = unreachable_snapshot(name, 3, at, DAY, restored=True)
        alerts += [(number, *one) for one in decider.alerts(*known, at=at)]
    assert alerts == [(49, *OUTAGE[0])]


def test_a_restart_during_an_outage_neither_notifies_it_again_nor_ends_it() -> None:
    decider = decider_in_outage()
    at = NOW + HOUR
    restored = [healthy_snapshot(name, at, restored=True, failures=9) for name in ("acme", "nordlys")]
    assert decider.decide(*restored, at=at) == []
    assert decider.decide(unreachable_snapshot("acme", 10, at, HOUR), restored[1], at=at) == []
    assert decider.decide(*all_unreachable("acme", "nordlys", at=at), at=at) == []


def test_of_two_processes_the_one_that_has_not_polled_since_does_not_begin_an_outage_again() -> None:
    decider = AlertDecider()
    mine = all_unreachable("acme", "nordlys")
    decider.decide(*mine)
    over = NOW + HOUR
    assert decider.alerts(*all_healthy("acme", "nordlys", at=over), at=over) == OUTAGE_OVER
    for minutes in (1, 9, 11, 60):
        at = over + minutes * MINUTE
        assert decider.decide(*mine, at=at) == []


@pytest.mark.parametrize(
    ("snapshot", "polled_at"),
    [
        (Snapshot(make_org("acme")), None),
        (healthy_snapshot(), NOW),
        (healthy_snapshot(restored=True), None),
        (unreachable_snapshot(restored=True), NOW),
        (unreachable_snapshot(), NOW),
    ],
)
def test_what_was_restored_was_not_polled_by_this_program(
    snapshot: Snapshot, polled_at: datetime | None
) -> None:
    decider = AlertDecider()
    assert JudgedOrg(snapshot, judge(snapshot, decider.policy, NOW)).polled_at == polled_at
