"""The next verdict change: until then the verdict on a snapshot stays the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.health.test_judge_never import polled_snapshots
from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    POLICY,
    ZONES,
    history_row,
    history_with_one_end,
    make_history,
    policies,
    reproducible,
    snapshot_of,
    snapshot_of_running_backup,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import build_snapshot, make_org, snapshot_with
from zbtui.health.due_dates import DueDate
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.next_change import NEVER, next_verdict_change
from zbtui.health.poll_schedule import HISTORY_AND_LINKS_EVERY
from zbtui.health.snapshot import Snapshot
from zbtui.health.warning_rules import LINKS_EXPIRY_WARNING
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.links import Links

JUST = timedelta.resolution
WEEKLY = snapshot_with_next_run(20 * DAY).zoho.backup
spans = st.one_of(
    st.timedeltas(timedelta(), 3 * DAY), st.timedeltas(timedelta(), 4 * HOUR), st.just(timedelta())
)
zones = st.sampled_from([*ZONES, ZoneInfo("America/New_York")])


def verdict_without_text(
    snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int = ALLOWED_FAILURES
) -> object:
    found = judge(snapshot, policy, now, patience)
    return found.name, found.level, found.badge, found.stale


@reproducible
@given(polled_snapshots, policies, spans, st.integers(1, ALLOWED_FAILURES))
def test_until_then_every_verdict_is_the_same_but_for_its_words(
    snapshot: Snapshot, policy: WatchPolicy, later: timedelta, patience: int
) -> None:
    turn = next_verdict_change(snapshot, policy, NOW)
    assert turn > NOW
    for now in (NOW + later, turn - JUST):
        if NOW <= now < turn:
            assert verdict_without_text(snapshot, policy, now, patience) == verdict_without_text(
                snapshot, policy, NOW, patience
            )


@reproducible
@given(polled_snapshots, policies, st.lists(spans, max_size=4))
def test_judging_at_each_next_change_misses_no_verdict(
    snapshot: Snapshot, policy: WatchPolicy, later: list[timedelta]
) -> None:
    now = verdict_at = NOW
    for span in later:
        now += span
        while (turn := next_verdict_change(snapshot, policy, verdict_at)) <= now:
            verdict_at = turn
        assert verdict_without_text(snapshot, policy, verdict_at) == verdict_without_text(
            snapshot, policy, now
        )


@reproducible
@given(snapshots(), policies, zones)
def test_the_zone_of_the_clock_does_not_matter(
    snapshot: Snapshot, policy: WatchPolicy, zone: tzinfo
) -> None:
    assert next_verdict_change(snapshot, policy, NOW.astimezone(zone)) == next_verdict_change(
        snapshot, policy, NOW
    )


CALM = replace(POLICY, every=100 * DAY)
"""A policy under which no observation in these tests is too old."""


def started(ago: timedelta) -> Snapshot:
    """A run in progress whose start only the history shows, after one that completed."""
    done = history_row("completed", NOW - ago - HOUR)
    return snapshot_with(
        snapshot_of_running_backup(None), history=make_history(history_row("started", NOW - ago), done)
    )


@pytest.mark.parametrize(
    ("snapshot", "policy", "turn", "before", "after"),
    [
        (snapshot_with_next_run(20 * DAY), POLICY, ALLOWED_FAILURES * POLICY.every, "scheduled", "waiting"),
        (
            snapshot_of(WEEKLY, observed_at=NOW + 300 * DAY + HOUR, history_read_at=NOW),
            CALM,
            HOUR,
            "waiting",
            "scheduled",
        ),
        (snapshot_with_next_run(-HOUR), CALM, POLICY.overdue_after - HOUR, "scheduled", "overdue"),
        (
            snapshot_with(snapshot_with_next_run(-HOUR), clock_offset=-10 * MINUTE),
            CALM,
            POLICY.overdue_after - 50 * MINUTE,
            "scheduled",
            "overdue",
        ),
        (
            snapshot_of(WEEKLY, history=history_with_one_end("completed", 8 * DAY - HOUR)),
            CALM,
            HOUR,
            "scheduled",
            "too_old",
        ),
        (
            snapshot_of(WEEKLY, links=Links(expires_at=NOW + LINKS_EXPIRY_WARNING + MINUTE)),
            CALM,
            MINUTE,
            "scheduled",
            "links_expiring",
        ),
        (
            snapshot_of(WEEKLY, links=Links(expires_at=NOW + MINUTE)),
            CALM,
            MINUTE,
            "links_expiring",
            "scheduled",
        ),
        (snapshot_of_running_backup(HOUR), CALM, POLICY.long_run_after - HOUR, "running", "running_long"),
        (started(HOUR), CALM, POLICY.long_run_after - HOUR, "running", "running_long"),
        (
            snapshot_of(WEEKLY, history_behind_since=NOW - MINUTE),
            CALM,
            9 * MINUTE,
            "scheduled",
            "cannot_tell",
        ),
        (
            snapshot_of(WEEKLY, due_dates=(DueDate(NOW - HOUR, NOW - DAY),)),
            CALM,
            POLICY.overdue_after - HOUR,
            "scheduled",
            "missed",
        ),
        (
            snapshot_of(WEEKLY, history_read_at=NOW - HOUR, history_problem=OFFLINE, history_failures=1),
            CALM,
            ALLOWED_FAILURES * HISTORY_AND_LINKS_EVERY - HOUR,
            "scheduled",
            "cannot_tell",
        ),
        (
            snapshot_of(WEEKLY, history_read_at=NOW + HOUR, history_problem=OFFLINE, history_failures=1),
            CALM,
            HOUR,
            "cannot_tell",
            "scheduled",
        ),
    ],
)
def test_it_is_when_the_verdict_turns(
    snapshot: Snapshot, policy: WatchPolicy, turn: timedelta, before: str, after: str
) -> None:
    assert next_verdict_change(snapshot, policy, NOW) == NOW + turn
    assert judge(snapshot, policy, NOW).name == before
    assert judge(snapshot, policy, NOW + turn + JUST).name == after


def test_a_run_that_is_due_is_one_although_the_verdict_stays() -> None:
    """Once the run is due, the note that it exceeds the edition's allowance no longer applies."""
    assert next_verdict_change(snapshot_with_next_run(HOUR), CALM, NOW) == NOW + HOUR


def test_of_what_nothing_is_known_nothing_turns() -> None:
    assert next_verdict_change(build_snapshot(make_org()), POLICY, NOW) == NEVER
