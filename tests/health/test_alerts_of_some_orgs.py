"""Alerts of a process that watches only some of the orgs, beside others that share its alert state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.health.alert_scenarios import (
    DOWN,
    LOCKED,
    NAMES,
    OUTAGE,
    OUTAGE_OVER,
    AlertDecider,
    all_healthy,
    all_unreachable,
    failing_snapshot,
    healthy_snapshot,
    unreachable_snapshot,
)
from tests.support.samples import DAY, HOUR, MINUTE, NOW, OFFLINE
from zbtui.health.alert_policy import AlertState
from zbtui.model.problem import Problem


def partial_decider(alert_state: AlertState | None = None) -> AlertDecider:
    return AlertDecider(alert_state=alert_state or AlertState(), covers_all_orgs=False)


@pytest.mark.parametrize("problem", [OFFLINE, LOCKED, DOWN], ids=["offline", "locked", "down"])
def test_of_a_part_each_org_is_notified_by_itself_and_no_outage(problem: Problem) -> None:
    decider = partial_decider()
    # The answer of the other org is waited for.
    assert decider.decide(*all_unreachable("acme", "nordlys", problem=problem)) == []
    at = NOW + 11 * MINUTE
    known = [unreachable_snapshot(name, 9, at, 15 * MINUTE, problem) for name in ("acme", "nordlys")]
    assert decider.alerts(*known, at=at) == [
        ("alarm", "acme", "cannot_tell"),
        ("alarm", "nordlys", "cannot_tell"),
    ]
    at += HOUR
    assert decider.alerts(*all_healthy("acme", "nordlys", at=at), at=at) == [
        ("recovery", "acme", "scheduled"),
        ("recovery", "nordlys", "scheduled"),
    ]
    assert decider.alert_state.outage_ended_at is None


def test_two_processes_that_watch_a_half_each_do_not_contradict_each_other() -> None:
    one, alerts = partial_decider(), []
    other = partial_decider()
    for minute in range(0, 24 * 60, 5):
        at = NOW + minute * MINUTE
        down = [
            unreachable_snapshot(name, 3 + minute // 5, at, (4 + minute) * MINUTE)
            for name in ("acme", "nordlys")
        ]
        alerts += one.alerts(*down, at=at)
        other.alert_state = one.alert_state
        alerts += other.alerts(healthy_snapshot("zenith", at), failing_snapshot("umbra", at), at=at)
        one.alert_state = other.alert_state
    assert sorted(alerts) == [
        ("alarm", "acme", "cannot_tell"),
        ("alarm", "nordlys", "cannot_tell"),
        ("alarm", "umbra", "failed"),
    ]


def test_an_outage_notified_by_a_process_with_all_orgs_is_neither_ended_nor_repeated_by_a_part() -> None:
    decider = AlertDecider()
    assert decider.alerts(*all_unreachable(*NAMES)) == OUTAGE
    half, at = partial_decider(decider.alert_state), NOW + HOUR
    assert half.decide(*all_unreachable(*NAMES[:2], at=at), at=at) == []
    assert half.decide(healthy_snapshot(NAMES[0], at), healthy_snapshot(NAMES[1], at), at=at) == []
    assert half.decide(*all_unreachable(*NAMES[:2], at=NOW + 2 * DAY), at=NOW + 2 * DAY) == []
    assert replace(half.alert_state, orgs={}) == replace(decider.alert_state, orgs={})
    decider.alert_state, at = half.alert_state, NOW + 3 * DAY
    assert decider.alerts(*all_healthy(*NAMES, at=at), at=at) == OUTAGE_OVER


def test_during_an_outage_a_part_notifies_what_it_sees_all_the_same() -> None:
    decider = AlertDecider()
    decider.decide(*all_unreachable(*NAMES))
    half, at = partial_decider(decider.alert_state), NOW + HOUR
    assert half.alerts(failing_snapshot(NAMES[0], at), healthy_snapshot(NAMES[1], at), at=at) == [
        ("alarm", NAMES[0], "failed")
    ]
