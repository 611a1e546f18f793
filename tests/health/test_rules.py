"""Verdicts that follow from the details alone, and the thresholds that a policy sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    ORG,
    POLICY,
    SECOND,
    ZONES,
    history_with_one_end,
    make_backup,
    snapshot_of,
    snapshot_of_running_backup,
    snapshot_with_next_run,
)
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.rules import RULES
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, VerdictName
from zbtui.model.watch_policy import WatchPolicy

EVERY, OVERDUE, LONG_RUN = POLICY.every, POLICY.overdue_after, POLICY.long_run_after

in_every_zone = pytest.mark.parametrize("zone", ZONES, ids=str)


@in_every_zone
@pytest.mark.parametrize(
    ("snapshot", "name", "level", "word"),
    [
        (Snapshot(ORG), "waiting", Level.UNKNOWN, "WAITING"),
        (snapshot_of(None), "none", Level.WARNING, "NO BACKUP"),
        (snapshot_of(make_backup("FAILED")), "failed", Level.CRITICAL, "FAILED"),
        (snapshot_of(make_backup("PAYMENT_FAILED")), "failed", Level.CRITICAL, "PAYMENT_FAILED"),
        (snapshot_with_next_run(DAY, "FAILED"), "failed", Level.CRITICAL, "FAILED"),
        (snapshot_with_next_run(-DAY, "FAILED"), "failed", Level.CRITICAL, "FAILED"),
        (snapshot_of(make_backup("STOPPED")), "stopped", Level.CRITICAL, "STOPPED"),
        (snapshot_with_next_run(DAY, "STOPPED"), "stopped", Level.CRITICAL, "STOPPED"),
        (snapshot_with_next_run(-DAY, "STOPPED"), "stopped", Level.CRITICAL, "STOPPED"),
        (snapshot_with_next_run(SECOND), "scheduled", Level.OK, "SCHEDULED"),
        (snapshot_with_next_run(timedelta()), "scheduled", Level.OK, "SCHEDULED"),
        (snapshot_with_next_run(-OVERDUE), "scheduled", Level.OK, "SCHEDULED"),
        (snapshot_with_next_run(-OVERDUE - SECOND), "overdue", Level.CRITICAL, "OVERDUE"),
        (snapshot_with_next_run(DAY, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (snapshot_with_next_run(-OVERDUE, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (snapshot_with_next_run(-OVERDUE - SECOND, "COMPLETED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (snapshot_of_running_backup(None), "running", Level.OK, "INPROGRESS"),
        (snapshot_of_running_backup(LONG_RUN), "running", Level.OK, "INPROGRESS"),
        (snapshot_of_running_backup(LONG_RUN + SECOND), "running_long", Level.WARNING, "INPROGRESS"),
        (snapshot_with_next_run(-9 * DAY, "In Progress"), "running", Level.OK, "In Progress"),
        (snapshot_of(make_backup("INPROGRESS", rrule=None)), "running", Level.OK, "INPROGRESS"),
        (snapshot_of(make_backup("COMPLETED", rrule=None)), "one_off", Level.WARNING, "COMPLETED"),
        (
            snapshot_of(make_backup("SCHEDULED", NOW + DAY, rrule=None)),
            "one_off",
            Level.WARNING,
            "SCHEDULED",
        ),
        (snapshot_of(make_backup("SCHEDULED")), "one_off", Level.WARNING, "SCHEDULED"),
        (snapshot_with_next_run(DAY, "FINISHED"), "one_off", Level.WARNING, "FINISHED"),
        (snapshot_with_next_run(-2 * DAY, "FINISHED"), "one_off", Level.WARNING, "FINISHED"),
        (snapshot_with_next_run(DAY, "ARCHIVED"), "unknown_status", Level.WARNING, "ARCHIVED"),
        (snapshot_of(make_backup("ARCHIVED")), "unknown_status", Level.WARNING, "ARCHIVED"),
        (snapshot_with_next_run(-OVERDUE - SECOND, "ARCHIVED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (snapshot_of(make_backup(None, id="1")), "unknown_status", Level.WARNING, "NO STATUS"),
    ],
)
def test_the_table_of_verdicts(
    snapshot: Snapshot, name: VerdictName, level: Level, word: str, zone: tzinfo
) -> None:
    found = judge(snapshot, POLICY, NOW.astimezone(zone))
    assert (found.name, found.level, found.badge) == (name, level, word)
    assert not found.stale


@pytest.mark.parametrize(
    ("policy", "snapshot", "name"),
    [
        (WatchPolicy(overdue_after=MINUTE), snapshot_with_next_run(-MINUTE), "scheduled"),
        (WatchPolicy(overdue_after=MINUTE), snapshot_with_next_run(-MINUTE - SECOND), "overdue"),
        (WatchPolicy(long_run_after=HOUR), snapshot_of_running_backup(HOUR), "running"),
        (WatchPolicy(long_run_after=HOUR), snapshot_of_running_backup(HOUR + SECOND), "running_long"),
        (WatchPolicy(every=MINUTE), snapshot_with_next_run(DAY, observed_at=NOW - 3 * MINUTE), "scheduled"),
        (
            WatchPolicy(every=MINUTE),
            snapshot_with_next_run(DAY, observed_at=NOW - 3 * MINUTE - SECOND),
            "waiting",
        ),
        (
            WatchPolicy(max_age=2 * DAY),
            snapshot_with_next_run(DAY, history=history_with_one_end("completed", 2 * DAY)),
            "scheduled",
        ),
        (
            WatchPolicy(max_age=2 * DAY),
            snapshot_with_next_run(DAY, history=history_with_one_end("completed", 2 * DAY + SECOND)),
            "too_old",
        ),
    ],
)
def test_the_thresholds_are_those_of_the_policy(
    policy: WatchPolicy, snapshot: Snapshot, name: VerdictName
) -> None:
    assert judge(snapshot, policy, NOW).name == name


@pytest.mark.parametrize(
    ("known", "key", "span", "own", "of_all"),
    [
        (snapshot_with_next_run(-2 * HOUR), "overdue_after", HOUR, "overdue", "scheduled"),
        (snapshot_with_next_run(-7 * HOUR), "overdue_after", 8 * HOUR, "scheduled", "overdue"),
        (snapshot_of_running_backup(2 * HOUR), "long_run_after", HOUR, "running_long", "running"),
        (snapshot_of_running_backup(13 * HOUR), "long_run_after", 14 * HOUR, "running", "running_long"),
        (
            snapshot_with_next_run(DAY, history=history_with_one_end("completed", 5 * DAY)),
            "max_age",
            4 * DAY,
            "too_old",
            "scheduled",
        ),
        (
            snapshot_with_next_run(DAY, history=history_with_one_end("completed", 9 * DAY)),
            "max_age",
            10 * DAY,
            "scheduled",
            "too_old",
        ),
        (
            snapshot_with_next_run(DAY, observed_at=NOW - 3 * DAY, history_read_at=NOW),
            "every",
            DAY,
            "scheduled",
            "waiting",
        ),
        (
            snapshot_with_next_run(DAY, observed_at=NOW - 3 * DAY - SECOND, history_read_at=NOW),
            "every",
            DAY,
            "waiting",
            "waiting",
        ),
    ],
)
def test_the_thresholds_of_an_org_are_its_own_where_it_sets_them(
    known: Snapshot, key: str, span: timedelta, own: VerdictName, of_all: VerdictName
) -> None:
    assert judge(known, POLICY, NOW).name == of_all
    itself = replace(known, org=replace(ORG, policy_overrides=((key, span),)))
    assert judge(itself, POLICY, NOW).name == own


def test_the_max_age_of_an_org_goes_before_that_of_all() -> None:
    known = snapshot_with_next_run(DAY, history=history_with_one_end("completed", 5 * DAY))
    patient = replace(known, org=replace(ORG, policy_overrides=(("max_age", 6 * DAY),)))
    assert judge(known, WatchPolicy(max_age=4 * DAY), NOW).name == "too_old"
    assert judge(patient, WatchPolicy(max_age=4 * DAY), NOW).name == "scheduled"


# By whose clock


@in_every_zone
@pytest.mark.parametrize("theirs", ZONES, ids=str)
@pytest.mark.parametrize(("late", "name"), [(timedelta(), "scheduled"), (SECOND, "overdue")])
def test_the_offset_of_the_org_does_not_move_a_threshold(
    late: timedelta, name: VerdictName, theirs: tzinfo, zone: tzinfo
) -> None:
    next_run = (NOW - OVERDUE - late).astimezone(theirs)
    assert judge(snapshot_of(make_backup("SCHEDULED", next_run)), POLICY, NOW.astimezone(zone)).name == name


@in_every_zone
@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
@pytest.mark.parametrize(
    ("late", "overdue", "too_old"),
    [(timedelta(), "scheduled", "scheduled"), (SECOND, "overdue", "too_old")],
)
def test_what_zoho_dates_is_measured_by_zohos_clock(
    late: timedelta, overdue: VerdictName, too_old: VerdictName, offset: timedelta, zone: tzinfo
) -> None:
    here = NOW.astimezone(zone)
    due = snapshot_with_next_run(offset - OVERDUE - late, clock_offset=offset)
    assert judge(due, POLICY, here).name == overdue
    old = snapshot_with_next_run(
        offset + DAY,
        clock_offset=offset,
        history=history_with_one_end("completed", 8 * DAY + late - offset),
    )
    assert judge(old, POLICY, here).name == too_old


@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
def test_what_was_seen_here_is_measured_by_this_machines_own_clock(offset: timedelta) -> None:
    fresh = snapshot_with_next_run(
        offset + DAY, clock_offset=offset, observed_at=NOW - ALLOWED_FAILURES * EVERY
    )
    assert judge(fresh, POLICY, NOW).level is Level.OK
    assert judge(snapshot_of_running_backup(LONG_RUN, clock_offset=offset), POLICY, NOW).name == "running"
    assert (
        judge(snapshot_of_running_backup(LONG_RUN + SECOND, clock_offset=offset), POLICY, NOW).name
        == "running_long"
    )


def test_the_rules_stand_in_the_order_in_which_they_win() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "wrong_org",
        "failed",
        "stopped",
        "missed",
        "overdue",
        "no_history",
        "too_old",
        "no_date",
        "ended_oddly",
        "running_long",
        "twin",
        "none_set_up",
        "unknown_status",
        "one_off",
        "never_completed",
        "links_expiring",
    ]
