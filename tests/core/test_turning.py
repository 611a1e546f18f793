"""Up to the moment that is told, time alone makes no other verdict of what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

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
    ZONES,
    ahead,
    history,
    policies,
    ran,
    row,
    running,
    seen,
    snapshots,
    tried,
)
from tests.core.test_judge_never import looks
from tests.support.build import snapshot_with
from zbtui.core.cadence import PAST_EVERY
from zbtui.core.judge import PATIENCE, judge
from zbtui.core.links import Links
from zbtui.core.org import Policy
from zbtui.core.rules import LINKS_NEAR
from zbtui.core.snapshot import Snapshot
from zbtui.core.turning import NEVER, turns_at

JUST = timedelta.resolution
WEEKLY = ahead(20 * DAY).zoho.backup
spans = st.one_of(
    st.timedeltas(timedelta(), 3 * DAY), st.timedeltas(timedelta(), 4 * HOUR), st.just(timedelta())
)
zones = st.sampled_from([*ZONES, ZoneInfo("America/New_York")])


def told(snapshot: Snapshot, policy: Policy, now: datetime, patience: int = PATIENCE) -> object:
    found = judge(snapshot, policy, now, patience)
    return found.name, found.level, found.word, found.stale


@tried
@given(looks, policies, spans, st.integers(1, PATIENCE))
def test_until_then_every_verdict_is_the_same_but_for_its_words(
    snapshot: Snapshot, policy: Policy, later: timedelta, patience: int
) -> None:
    turn = turns_at(snapshot, policy, NOW)
    assert turn > NOW
    for now in (NOW + later, turn - JUST):
        if NOW <= now < turn:
            assert told(snapshot, policy, now, patience) == told(snapshot, policy, NOW, patience)


@tried
@given(looks, policies, st.lists(spans, max_size=4))
def test_whoever_judges_at_each_of_these_moments_misses_nothing(
    snapshot: Snapshot, policy: Policy, later: list[timedelta]
) -> None:
    now = verdict_at = NOW
    for span in later:
        now += span
        while (turn := turns_at(snapshot, policy, verdict_at)) <= now:
            verdict_at = turn
        assert told(snapshot, policy, verdict_at) == told(snapshot, policy, now)


@tried
@given(snapshots(), policies, zones)
def test_the_zone_of_the_clock_does_not_matter(snapshot: Snapshot, policy: Policy, zone: tzinfo) -> None:
    assert turns_at(snapshot, policy, NOW.astimezone(zone)) == turns_at(snapshot, policy, NOW)


CALM = replace(POLICY, every=100 * DAY)
"""What was seen counts for longer than anything here lasts."""


def started(ago: timedelta) -> Snapshot:
    """A run in progress, of which only the history tells since when; before it one has completed."""
    done = row("completed", NOW - ago - HOUR)
    return snapshot_with(running(None), history=history(row("started", NOW - ago), done))


@pytest.mark.parametrize(
    ("snapshot", "policy", "turn", "before", "after"),
    [
        (ahead(20 * DAY), POLICY, PATIENCE * POLICY.every, "scheduled", "waiting"),
        (seen(WEEKLY, observed_at=NOW + 301 * DAY), CALM, DAY, "waiting", "scheduled"),
        (ahead(-HOUR), CALM, POLICY.overdue_after - HOUR, "scheduled", "overdue"),
        (
            snapshot_with(ahead(-HOUR), clock_offset=-10 * MINUTE),
            CALM,
            POLICY.overdue_after - 50 * MINUTE,
            "scheduled",
            "overdue",
        ),
        (seen(WEEKLY, history=ran("completed", 7 * DAY)), CALM, DAY, "scheduled", "too_old"),
        (
            seen(WEEKLY, links=Links(expire=NOW + LINKS_NEAR + MINUTE)),
            CALM,
            MINUTE,
            "scheduled",
            "links_expiring",
        ),
        (seen(WEEKLY, links=Links(expire=NOW + MINUTE)), CALM, MINUTE, "links_expiring", "scheduled"),
        (running(HOUR), CALM, POLICY.long_run_after - HOUR, "running", "running_long"),
        (
            started(HOUR),
            CALM,
            POLICY.long_run_after - HOUR,
            "running",
            "running_long",
        ),
        (
            started(6 * DAY),
            CALM,
            DAY,
            "running_long",
            "running",
        ),
        (
            seen(
                WEEKLY,
                history_read_at=NOW - HOUR,
                history_problem=OFFLINE,
                history_failures=1,
            ),
            CALM,
            PATIENCE * PAST_EVERY - HOUR,
            "scheduled",
            "cannot_look",
        ),
        (
            seen(
                WEEKLY,
                history_read_at=NOW + HOUR,
                history_problem=OFFLINE,
                history_failures=1,
            ),
            CALM,
            HOUR,
            "cannot_look",
            "scheduled",
        ),
    ],
)
def test_it_is_when_the_verdict_turns(
    snapshot: Snapshot, policy: Policy, turn: timedelta, before: str, after: str
) -> None:
    assert turns_at(snapshot, policy, NOW) == NOW + turn
    assert judge(snapshot, policy, NOW).name == before
    assert judge(snapshot, policy, NOW + turn + JUST).name == after


def test_a_run_that_is_due_is_one_although_the_verdict_stays() -> None:
    """Whether the month's quota is enough is not asked of a run that is past."""
    assert turns_at(ahead(HOUR), CALM, NOW) == NOW + HOUR


def test_of_what_nothing_is_known_nothing_turns() -> None:
    assert turns_at(snapshot_with(seen(None), observed_at=None), POLICY, NOW) == NEVER
