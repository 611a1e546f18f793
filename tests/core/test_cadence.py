"""When to look next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    POLICY,
    SECOND,
    SIGNED_OUT,
    ZONES,
    ahead,
    backup,
    policies,
    seen,
    snapshots,
    tried,
)
from tests.support.build import snapshot_with
from zbtui.core.cadence import JITTER, SOONEST, lockout_pause, longest_pause, next_look
from zbtui.core.explain import explain_api
from zbtui.core.explain_sign_in import explain_token, over_budget
from zbtui.core.org import POLICY_KEYS, Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble

EVERY, NEAR, OVERDUE = POLICY.every, POLICY.near_every, POLICY.overdue_after
jitters = st.floats(-1, 1)


def pause(snapshot: Snapshot, policy: Policy = POLICY, jitter: float = 0) -> timedelta:
    """From now to the next look."""
    look = next_look(snapshot, policy, NOW, jitter)
    assert look is not None
    return look - NOW


def troubled(trouble: Trouble, failures: int = 1) -> Snapshot:
    return snapshot_with(ahead(6 * DAY), problem=trouble, failures=failures)


# Nothing is near


@pytest.mark.parametrize(("jitter", "part"), [(-1, 0.9), (-0.5, 0.95), (0, 1), (0.5, 1.05), (1, 1.1)])
def test_looks_are_spread_by_a_tenth(jitter: float, part: float) -> None:
    assert JITTER == 0.1
    assert pause(ahead(6 * DAY), jitter=jitter) == EVERY * part


@pytest.mark.parametrize(
    "quiet",
    [
        seen(None),
        seen(backup()),
        seen(backup("COMPLETED", rrule=None)),
        seen(backup("ARCHIVED")),
        seen(backup("FAILED")),
        ahead(6 * DAY),
        ahead(6 * DAY, "COMPLETED"),
        ahead(6 * DAY, "FAILED"),
    ],
)
def test_an_org_where_nothing_is_near_is_looked_at_every_so_often(quiet: Snapshot) -> None:
    assert pause(quiet) == EVERY


@pytest.mark.parametrize("status", ["STOPPED", "FINISHED"])
@pytest.mark.parametrize("span", [MINUTE, -MINUTE])
def test_a_run_that_will_not_come_is_not_waited_for(status: str, span: timedelta) -> None:
    assert pause(ahead(span, status)) == EVERY


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
    assert pause(ahead(span, status)) == wait


@pytest.mark.parametrize("span", [6 * DAY, SECOND, -HOUR, -30 * DAY, None])
@pytest.mark.parametrize("status", ["INPROGRESS", "In Progress"])
def test_a_run_in_progress_is_watched_closely(status: str, span: timedelta | None) -> None:
    assert pause(seen(backup(status, NOW + span if span else None))) == NEAR


@pytest.mark.parametrize("status", ["FAILED", "PAYMENT_FAILED"])
@pytest.mark.parametrize(("span", "wait"), [(MINUTE, NEAR), (timedelta(), EVERY), (-MINUTE, EVERY)])
def test_a_run_that_failed_has_ended(status: str, span: timedelta, wait: timedelta) -> None:
    assert pause(ahead(span, status)) == wait


def test_the_next_run_is_near_by_zohos_clock() -> None:
    assert pause(ahead(HOUR, clock_offset=HOUR - MINUTE)) == NEAR
    assert pause(ahead(MINUTE, clock_offset=-HOUR)) == EVERY


@pytest.mark.parametrize("jitter", [-1, 0, 1])
@pytest.mark.parametrize("every", [EVERY, HOUR, DAY])
@pytest.mark.parametrize("further", [timedelta(), MINUTE])
def test_the_last_long_interval_does_not_reach_past_the_beginning_of_the_closer_watch(
    every: timedelta, jitter: float, further: timedelta
) -> None:
    policy = Policy(every=every)
    begins = NOW + every - further
    look = next_look(ahead(2 * MINUTE + every - further), policy, NOW, jitter)
    assert look is not None
    assert look <= begins + policy.near_every


@pytest.mark.parametrize("span", [6 * DAY, 4 * MINUTE, MINUTE, -MINUTE, -DAY])
@pytest.mark.parametrize("status", ["SCHEDULED", "INPROGRESS"])
def test_the_closer_watch_is_never_the_slower_one(status: str, span: timedelta) -> None:
    policy = Policy(every=MINUTE, near_every=HOUR)
    assert pause(ahead(span, status), policy) == MINUTE


# Trouble


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
def test_trouble_is_retried_after_30_s_1_2_4_8_and_at_most_15_minutes(
    every: timedelta, failures: int, wait: timedelta
) -> None:
    assert pause(troubled(OFFLINE, failures), Policy(every=every)) == wait
    assert pause(troubled(OFFLINE, failures), Policy(every=every), -1) == wait * 0.9
    assert pause(troubled(OFFLINE, failures), Policy(every=every), 1) == wait * 1.1


def test_a_policy_that_looks_more_often_than_every_30_s_retries_as_soon() -> None:
    policy = Policy(every=2 * SECOND, near_every=SECOND)
    assert [pause(troubled(OFFLINE, failures), policy) for failures in (1, 2, 3)] == [
        2 * SECOND,
        4 * SECOND,
        8 * SECOND,
    ]


@pytest.mark.parametrize(
    "known",
    [ahead(-MINUTE), seen(backup("INPROGRESS")), seen(None), Snapshot(seen(None).org)],
    ids=["due", "running", "nothing set up", "nothing known"],
)
def test_trouble_backs_off_whatever_was_known_before(known: Snapshot) -> None:
    assert pause(snapshot_with(known, problem=OFFLINE, failures=4)) == 4 * MINUTE


@pytest.mark.parametrize("jitter", [-1, -0.3, 0, 0.3, 1])
@pytest.mark.parametrize("until", [SECOND, 40 * SECOND, 10 * MINUTE, 40 * MINUTE, DAY])
@pytest.mark.parametrize("code", ["Access Denied", "TOKEN_BUDGET", "TOO_MANY_REQUESTS", None])
def test_nothing_is_asked_before_the_moment_that_zoho_named(
    code: str | None, until: timedelta, jitter: float
) -> None:
    trouble = Trouble("throttled", "Too much.", "Wait.", code, 429, retry_at=NOW + until)
    wait = pause(troubled(trouble), jitter=jitter)
    assert wait >= until
    assert wait <= max(until, 33 * SECOND) + 3 * SECOND


def test_a_moment_that_is_over_does_not_hurry_the_retry() -> None:
    assert pause(troubled(replace(OFFLINE, retry_at=NOW - HOUR), 3)) == 2 * MINUTE


@pytest.mark.parametrize(
    "dead",
    [
        SIGNED_OUT,
        explain_token("invalid_code", 200, "eu"),
        explain_token("invalid_client", 200, "eu"),
        explain_api(401, {"code": "OAUTH_SCOPE_MISMATCH"}, "eu"),
        explain_api(403, {"code": "NO_PERMISSION"}, "eu"),
        replace(SIGNED_OUT, retry_at=NOW + MINUTE),
    ],
)
@pytest.mark.parametrize("failures", [1, 2, 50])
def test_a_dead_sign_in_is_not_tried_again_before_somebody_acts(dead: Trouble, failures: int) -> None:
    assert next_look(troubled(dead, failures), POLICY, NOW, 0) is None


@pytest.mark.parametrize(("strikes", "minutes"), [(1, 10), (2, 20), (3, 40), (4, 40), (10_000, 40)])
def test_each_lockout_keeps_away_twice_as_long_up_to_40_minutes(strikes: int, minutes: int) -> None:
    assert lockout_pause(strikes) == minutes * MINUTE


@pytest.mark.parametrize(
    ("trouble", "longest"),
    [
        (None, EVERY),
        (OFFLINE, 15 * MINUTE),
        (replace(OFFLINE, retry_at=NOW + MINUTE), DAY),
        (explain_token("Access Denied", 200, "eu"), 40 * MINUTE),
        (over_budget(NOW + 7 * MINUTE), 40 * MINUTE),
    ],
    ids=["no trouble", "offline", "told when", "locked out", "over budget"],
)
def test_after_the_clock_was_set_back_no_look_is_further_ahead_than_it_may_be(
    trouble: Trouble | None, longest: timedelta
) -> None:
    assert longest_pause(snapshot_with(ahead(6 * DAY), problem=trouble), POLICY) == longest


def test_nobody_may_look_twice_within_five_seconds() -> None:
    assert SOONEST == 5 * SECOND


# An org with a pace of its own


def own_pace(snapshot: Snapshot, **keys: timedelta) -> Snapshot:
    return replace(snapshot, org=replace(snapshot.org, own_policy=tuple(keys.items())))


@pytest.mark.parametrize(
    ("known", "keys", "wait"),
    [
        (ahead(6 * DAY), {"every": HOUR}, HOUR),
        (ahead(MINUTE), {"near_every": 15 * SECOND}, 15 * SECOND),
        (ahead(-2 * HOUR), {"overdue_after": HOUR}, EVERY),
        (ahead(6 * DAY), {"near_every": 15 * SECOND}, EVERY),
    ],
    ids=["every", "near_every", "overdue_after", "the rest is that of all"],
)
def test_an_org_is_looked_at_by_its_own_policy(
    known: Snapshot, keys: dict[str, timedelta], wait: timedelta
) -> None:
    assert pause(own_pace(known, **keys)) == wait


def test_an_org_with_a_pace_of_its_own_may_lie_as_far_ahead() -> None:
    assert longest_pause(own_pace(ahead(6 * DAY), every=HOUR), POLICY) == HOUR


@tried
@given(snapshots(), policies, policies, jitters)
def test_an_org_that_sets_everything_itself_is_looked_at_as_if_all_were_so(
    snapshot: Snapshot, policy: Policy, own: Policy, jitter: float
) -> None:
    keys = {key: getattr(own, key) for key in POLICY_KEYS}
    assert next_look(own_pace(snapshot, **keys), policy, NOW, jitter) == next_look(
        snapshot, own, NOW, jitter
    )


# Whatever is known


@tried
@given(snapshots(), policies, jitters)
def test_only_a_final_trouble_ends_the_watch(snapshot: Snapshot, policy: Policy, jitter: float) -> None:
    look = next_look(snapshot, policy, NOW, jitter)
    assert (look is None) == (snapshot.polls.problem is not None and snapshot.polls.problem.final)


@tried
@given(snapshots(), policies, jitters)
def test_without_trouble_a_look_is_between_the_two_intervals(
    snapshot: Snapshot, policy: Policy, jitter: float
) -> None:
    wait = pause(snapshot_with(snapshot, problem=None), policy, jitter)
    near = min(policy.near_every, policy.every)
    rounding = timedelta(microseconds=1)
    assert near * 0.9 - rounding <= wait <= policy.every * 1.1 + rounding


@tried
@given(snapshots(), policies, jitters)
def test_a_named_moment_is_never_anticipated(snapshot: Snapshot, policy: Policy, jitter: float) -> None:
    look, trouble = next_look(snapshot, policy, NOW, jitter), snapshot.polls.problem
    if look is not None and trouble is not None and trouble.retry_at is not None:
        assert look >= trouble.retry_at
    assert look is None or look > NOW


@tried
@given(snapshots(), policies, jitters, st.sampled_from(ZONES))
def test_the_zone_of_the_clock_does_not_matter(
    snapshot: Snapshot, policy: Policy, jitter: float, zone: tzinfo
) -> None:
    here = NOW.astimezone(zone)
    assert next_look(snapshot, policy, here, jitter) == next_look(snapshot, policy, NOW, jitter)
