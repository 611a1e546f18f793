"""When to poll next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    POLICY,
    SECOND,
    SIGNED_OUT,
    ZONES,
    make_backup,
    policies,
    reproducible,
    snapshot_of,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.poll_schedule import JITTER, MIN_POLL_GAP, lockout_duration, max_pause, next_poll
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import POLICY_KEYS, WatchPolicy
from zbtui.zoho_api.errors import api_problem
from zbtui.zoho_api.sign_in_errors import token_budget_problem, token_problem

EVERY, NEAR, OVERDUE = POLICY.every, POLICY.near_every, POLICY.overdue_after
jitters = st.floats(-1, 1)


def time_to_next_poll(snapshot: Snapshot, policy: WatchPolicy = POLICY, jitter: float = 0) -> timedelta:
    """From now to the next poll."""
    poll_at = next_poll(snapshot, policy, NOW, jitter)
    assert poll_at is not None
    return poll_at - NOW


def failed_snapshot(problem: Problem, failures: int = 1) -> Snapshot:
    return snapshot_with(snapshot_with_next_run(6 * DAY), problem=problem, failures=failures)


# No run is near


@pytest.mark.parametrize(("jitter", "part"), [(-1, 0.9), (-0.5, 0.95), (0, 1), (0.5, 1.05), (1, 1.1)])
def test_polls_are_spread_by_a_tenth(jitter: float, part: float) -> None:
    assert JITTER == 0.1
    assert time_to_next_poll(snapshot_with_next_run(6 * DAY), jitter=jitter) == EVERY * part


@pytest.mark.parametrize(
    "quiet",
    [
        snapshot_of(None),
        snapshot_of(make_backup()),
        snapshot_of(make_backup("COMPLETED", rrule=None)),
        snapshot_of(make_backup("ARCHIVED")),
        snapshot_of(make_backup("FAILED")),
        snapshot_with_next_run(6 * DAY),
        snapshot_with_next_run(6 * DAY, "COMPLETED"),
        snapshot_with_next_run(6 * DAY, "FAILED"),
    ],
)
def test_an_org_where_nothing_is_near_is_polled_every_so_often(quiet: Snapshot) -> None:
    assert time_to_next_poll(quiet) == EVERY


@pytest.mark.parametrize("status", ["STOPPED", "FINISHED"])
@pytest.mark.parametrize("span", [MINUTE, -MINUTE])
def test_a_run_that_will_not_come_is_not_waited_for(status: str, span: timedelta) -> None:
    assert time_to_next_poll(snapshot_with_next_run(span, status)) == EVERY


# A run is near


@pytest.mark.parametrize("status", ["SCHEDULED", "COMPLETED", "ARCHIVED"])
@pytest.mark.parametrize(
    ("span", "wait"),
    [
        (2 * MINUTE + EVERY + SECOND, EVERY),
        (2 * MINUTE + EVERY, EVERY),
        (2 * MINUTE + EVERY - SECOND, EVERY - SECOND),
        (4 * MINUTE, 2 * MINUTE),
        (2 * MINUTE + NEAR, NEAR),
        (2 * MINUTE + SECOND, NEAR),
        (2 * MINUTE, NEAR),
        (SECOND, NEAR),
        (timedelta(), NEAR),
        (-SECOND, NEAR),
        (SECOND - OVERDUE, NEAR),
        (-OVERDUE, NEAR),
        (-OVERDUE - SECOND, EVERY),
        (-30 * DAY, EVERY),
    ],
)
def test_the_closer_watch_begins_two_minutes_before_a_run_and_ends_when_it_is_overdue(
    span: timedelta, wait: timedelta, status: str
) -> None:
    assert time_to_next_poll(snapshot_with_next_run(span, status)) == wait


@pytest.mark.parametrize("span", [6 * DAY, SECOND, -HOUR, -30 * DAY, None])
@pytest.mark.parametrize("status", ["INPROGRESS", "In Progress"])
def test_a_run_in_progress_is_watched_closely(status: str, span: timedelta | None) -> None:
    assert time_to_next_poll(snapshot_of(make_backup(status, NOW + span if span else None))) == NEAR


@pytest.mark.parametrize("status", ["FAILED", "PAYMENT_FAILED"])
@pytest.mark.parametrize(("span", "wait"), [(MINUTE, NEAR), (timedelta(), EVERY), (-MINUTE, EVERY)])
def test_a_run_that_failed_has_ended(status: str, span: timedelta, wait: timedelta) -> None:
    assert time_to_next_poll(snapshot_with_next_run(span, status)) == wait


def test_the_next_run_is_near_by_zohos_clock() -> None:
    assert time_to_next_poll(snapshot_with_next_run(HOUR, clock_offset=HOUR - MINUTE)) == NEAR
    assert time_to_next_poll(snapshot_with_next_run(MINUTE, clock_offset=-HOUR)) == EVERY


@pytest.mark.parametrize("jitter", [-1, 0, 1])
@pytest.mark.parametrize("every", [EVERY, HOUR, DAY])
@pytest.mark.parametrize("further", [timedelta(), MINUTE])
def test_the_last_long_interval_ends_where_the_closer_watch_begins(
    every: timedelta, jitter: float, further: timedelta
) -> None:
    policy = WatchPolicy(every=every)
    begins = NOW + every - further
    poll_at = next_poll(snapshot_with_next_run(2 * MINUTE + every - further), policy, NOW, jitter)
    assert poll_at is not None
    assert poll_at <= begins + policy.near_every


@pytest.mark.parametrize("span", [6 * DAY, 4 * MINUTE, MINUTE, -MINUTE, -DAY])
@pytest.mark.parametrize("status", ["SCHEDULED", "INPROGRESS"])
def test_the_closer_watch_is_never_the_slower_one(status: str, span: timedelta) -> None:
    policy = WatchPolicy(every=MINUTE, near_every=HOUR)
    assert time_to_next_poll(snapshot_with_next_run(span, status), policy) == MINUTE


# After a failed poll


@pytest.mark.parametrize(
    ("failures", "wait"),
    [
        (1, 30 * SECOND),
        (2, MINUTE),
        (3, 2 * MINUTE),
        (4, 4 * MINUTE),
        (5, 8 * MINUTE),
        (6, 15 * MINUTE),
        (7, 15 * MINUTE),
        (10_000, 15 * MINUTE),
    ],
)
@pytest.mark.parametrize("every", [EVERY, HOUR])
def test_a_problem_is_retried_after_30_s_1_2_4_8_and_at_most_15_minutes(
    every: timedelta, failures: int, wait: timedelta
) -> None:
    assert time_to_next_poll(failed_snapshot(OFFLINE, failures), WatchPolicy(every=every)) == wait
    assert time_to_next_poll(failed_snapshot(OFFLINE, failures), WatchPolicy(every=every), -1) == wait * 0.9
    assert time_to_next_poll(failed_snapshot(OFFLINE, failures), WatchPolicy(every=every), 1) == wait * 1.1


def test_a_policy_that_polls_more_often_than_every_30_s_retries_as_soon() -> None:
    policy = WatchPolicy(every=2 * SECOND, near_every=SECOND)
    assert [time_to_next_poll(failed_snapshot(OFFLINE, failures), policy) for failures in (1, 2, 3)] == [
        2 * SECOND,
        4 * SECOND,
        8 * SECOND,
    ]


@pytest.mark.parametrize(
    "known",
    [
        snapshot_with_next_run(-MINUTE),
        snapshot_of(make_backup("INPROGRESS")),
        snapshot_of(None),
        Snapshot(snapshot_of(None).org),
    ],
    ids=["due", "running", "nothing set up", "nothing known"],
)
def test_a_problem_backs_off_whatever_was_known_before(known: Snapshot) -> None:
    assert time_to_next_poll(snapshot_with(known, problem=OFFLINE, failures=4)) == 4 * MINUTE


@pytest.mark.parametrize("jitter", [-1, -0.3, 0, 0.3, 1])
@pytest.mark.parametrize("until", [SECOND, 40 * SECOND, 10 * MINUTE, 40 * MINUTE, DAY])
@pytest.mark.parametrize("code", ["Access Denied", "TOKEN_BUDGET", "TOO_MANY_REQUESTS", None])
def test_nothing_is_asked_before_the_moment_that_zoho_named(
    code: str | None, until: timedelta, jitter: float
) -> None:
    problem = Problem("throttled", "Too much.", "Wait.", code, 429, retry_at=NOW + until)
    wait = time_to_next_poll(failed_snapshot(problem), jitter=jitter)
    assert wait >= until
    assert wait <= max(until, 33 * SECOND) + 3 * SECOND


def test_a_moment_that_is_over_does_not_hurry_the_retry() -> None:
    assert time_to_next_poll(failed_snapshot(replace(OFFLINE, retry_at=NOW - HOUR), 3)) == 2 * MINUTE


@pytest.mark.parametrize(
    "dead",
    [
        SIGNED_OUT,
        token_problem("invalid_code", 200, "eu"),
        token_problem("invalid_client", 200, "eu"),
        api_problem(401, {"code": "OAUTH_SCOPE_MISMATCH"}, "eu"),
        api_problem(403, {"code": "NO_PERMISSION"}, "eu"),
        replace(SIGNED_OUT, retry_at=NOW + MINUTE),
    ],
)
@pytest.mark.parametrize("failures", [1, 2, 50])
def test_a_dead_sign_in_is_not_tried_again_before_somebody_acts(dead: Problem, failures: int) -> None:
    assert next_poll(failed_snapshot(dead, failures), POLICY, NOW, 0) is None


@pytest.mark.parametrize(("strikes", "minutes"), [(1, 10), (2, 20), (3, 40), (4, 40), (10_000, 40)])
def test_each_lockout_keeps_away_twice_as_long_up_to_40_minutes(strikes: int, minutes: int) -> None:
    assert lockout_duration(strikes) == minutes * MINUTE


@pytest.mark.parametrize(
    ("problem", "longest"),
    [
        (None, EVERY),
        (OFFLINE, 15 * MINUTE),
        (replace(OFFLINE, retry_at=NOW + MINUTE), DAY),
        (token_problem("Access Denied", 200, "eu"), 40 * MINUTE),
        (token_budget_problem(NOW + 7 * MINUTE), 40 * MINUTE),
    ],
    ids=["no problem", "offline", "retry at", "locked out", "over budget"],
)
def test_after_the_clock_was_set_back_no_poll_is_further_ahead_than_it_may_be(
    problem: Problem | None, longest: timedelta
) -> None:
    assert max_pause(snapshot_with(snapshot_with_next_run(6 * DAY), problem=problem), POLICY) == longest


def test_nobody_may_poll_twice_within_five_seconds() -> None:
    assert MIN_POLL_GAP == 5 * SECOND


# Orgs with their own intervals


def time_to_next_poll_with(snapshot: Snapshot, **keys: timedelta) -> Snapshot:
    return replace(snapshot, org=replace(snapshot.org, policy_overrides=tuple(keys.items())))


@pytest.mark.parametrize(
    ("known", "keys", "wait"),
    [
        (snapshot_with_next_run(6 * DAY), {"every": HOUR}, HOUR),
        (snapshot_with_next_run(MINUTE), {"near_every": 15 * SECOND}, 15 * SECOND),
        (snapshot_with_next_run(-2 * HOUR), {"overdue_after": HOUR}, EVERY),
        (snapshot_with_next_run(6 * DAY), {"near_every": 15 * SECOND}, EVERY),
    ],
    ids=["every", "near_every", "overdue_after", "the rest is that of all"],
)
def test_an_org_is_polled_by_its_own_policy(
    known: Snapshot, keys: dict[str, timedelta], wait: timedelta
) -> None:
    assert time_to_next_poll(time_to_next_poll_with(known, **keys)) == wait


def test_an_org_with_a_pace_of_its_own_may_lie_as_far_ahead() -> None:
    assert max_pause(time_to_next_poll_with(snapshot_with_next_run(6 * DAY), every=HOUR), POLICY) == HOUR


@reproducible
@given(snapshots(), policies, policies, jitters)
def test_an_org_that_sets_everything_itself_is_polled_as_if_all_were_so(
    snapshot: Snapshot, policy: WatchPolicy, own: WatchPolicy, jitter: float
) -> None:
    keys = {key: getattr(own, key) for key in POLICY_KEYS}
    assert next_poll(time_to_next_poll_with(snapshot, **keys), policy, NOW, jitter) == next_poll(
        snapshot, own, NOW, jitter
    )


# Any snapshot


@reproducible
@given(snapshots(), policies, jitters)
def test_only_a_final_problem_ends_the_watch(
    snapshot: Snapshot, policy: WatchPolicy, jitter: float
) -> None:
    poll_at = next_poll(snapshot, policy, NOW, jitter)
    assert (poll_at is None) == (snapshot.polls.problem is not None and snapshot.polls.problem.final)


@reproducible
@given(snapshots(), policies, jitters)
def test_without_a_problem_a_poll_is_between_the_two_intervals(
    snapshot: Snapshot, policy: WatchPolicy, jitter: float
) -> None:
    wait = time_to_next_poll(snapshot_with(snapshot, problem=None), policy, jitter)
    near = min(policy.near_every, policy.every)
    rounding = timedelta(microseconds=1)
    assert near * 0.9 - rounding <= wait <= policy.every * 1.1 + rounding


@reproducible
@given(snapshots(), policies, jitters)
def test_a_named_moment_is_never_anticipated(
    snapshot: Snapshot, policy: WatchPolicy, jitter: float
) -> None:
    poll_at, problem = next_poll(snapshot, policy, NOW, jitter), snapshot.polls.problem
    if poll_at is not None and problem is not None and problem.retry_at is not None:
        assert poll_at >= problem.retry_at
    assert poll_at is None or poll_at > NOW


@reproducible
@given(snapshots(), policies, jitters, st.sampled_from(ZONES))
def test_the_zone_of_the_clock_does_not_matter(
    snapshot: Snapshot, policy: WatchPolicy, jitter: float, zone: tzinfo
) -> None:
    here = NOW.astimezone(zone)
    assert next_poll(snapshot, policy, here, jitter) == next_poll(snapshot, policy, NOW, jitter)
