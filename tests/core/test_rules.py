"""The table of verdicts, by what the details say, and the thresholds that a policy sets."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo

import pytest

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    ORG,
    POLICY,
    SECOND,
    ZONES,
    ahead,
    backup,
    ran,
    running,
    seen,
)
from zbtui.core.judge import PATIENCE, judge
from zbtui.core.org import Policy
from zbtui.core.rules import RULES
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Name

EVERY, OVERDUE, LONG_RUN = POLICY.every, POLICY.overdue_after, POLICY.long_run_after

in_every_zone = pytest.mark.parametrize("zone", ZONES, ids=str)


@in_every_zone
@pytest.mark.parametrize(
    ("snapshot", "name", "level", "word"),
    [
        (Snapshot(ORG), "waiting", Level.UNKNOWN, "WAITING"),
        (seen(None), "none", Level.WARNING, "NO BACKUP"),
        (seen(backup("FAILED")), "failed", Level.CRITICAL, "FAILED"),
        (seen(backup("PAYMENT_FAILED")), "failed", Level.CRITICAL, "PAYMENT_FAILED"),
        (ahead(DAY, "FAILED"), "failed", Level.CRITICAL, "FAILED"),
        (ahead(-DAY, "FAILED"), "failed", Level.CRITICAL, "FAILED"),
        (seen(backup("STOPPED")), "stopped", Level.CRITICAL, "STOPPED"),
        (ahead(DAY, "STOPPED"), "stopped", Level.CRITICAL, "STOPPED"),
        (ahead(-DAY, "STOPPED"), "stopped", Level.CRITICAL, "STOPPED"),
        (ahead(SECOND), "scheduled", Level.OK, "SCHEDULED"),
        (ahead(timedelta()), "scheduled", Level.OK, "SCHEDULED"),
        (ahead(-OVERDUE), "scheduled", Level.OK, "SCHEDULED"),
        (ahead(-OVERDUE - SECOND), "overdue", Level.CRITICAL, "OVERDUE"),
        (ahead(DAY, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (ahead(-OVERDUE, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (ahead(-OVERDUE - SECOND, "COMPLETED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (running(None), "running", Level.OK, "INPROGRESS"),
        (running(LONG_RUN), "running", Level.OK, "INPROGRESS"),
        (running(LONG_RUN + SECOND), "running_long", Level.WARNING, "INPROGRESS"),
        (ahead(-9 * DAY, "In Progress"), "running", Level.OK, "In Progress"),
        (seen(backup("INPROGRESS", rrule=None)), "running", Level.OK, "INPROGRESS"),
        (seen(backup("COMPLETED", rrule=None)), "one_off", Level.WARNING, "COMPLETED"),
        (seen(backup("SCHEDULED", NOW + DAY, rrule=None)), "one_off", Level.WARNING, "SCHEDULED"),
        (seen(backup("SCHEDULED")), "one_off", Level.WARNING, "SCHEDULED"),
        (ahead(DAY, "FINISHED"), "one_off", Level.WARNING, "FINISHED"),
        (ahead(-2 * DAY, "FINISHED"), "one_off", Level.WARNING, "FINISHED"),
        (ahead(DAY, "ARCHIVED"), "unknown_status", Level.WARNING, "ARCHIVED"),
        (seen(backup("ARCHIVED")), "unknown_status", Level.WARNING, "ARCHIVED"),
        (ahead(-OVERDUE - SECOND, "ARCHIVED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (seen(backup(None, id="1")), "unknown_status", Level.WARNING, "NO STATUS"),
    ],
)
def test_the_table_of_verdicts(
    snapshot: Snapshot, name: Name, level: Level, word: str, zone: tzinfo
) -> None:
    found = judge(snapshot, POLICY, NOW.astimezone(zone))
    assert (found.name, found.level, found.word) == (name, level, word)
    assert not found.stale


@pytest.mark.parametrize(
    ("policy", "snapshot", "name"),
    [
        (Policy(overdue_after=MINUTE), ahead(-MINUTE), "scheduled"),
        (Policy(overdue_after=MINUTE), ahead(-MINUTE - SECOND), "overdue"),
        (Policy(long_run_after=HOUR), running(HOUR), "running"),
        (Policy(long_run_after=HOUR), running(HOUR + SECOND), "running_long"),
        (Policy(every=MINUTE), ahead(DAY, observed_at=NOW - 3 * MINUTE), "scheduled"),
        (Policy(every=MINUTE), ahead(DAY, observed_at=NOW - 3 * MINUTE - SECOND), "waiting"),
        (Policy(max_age=2 * DAY), ahead(DAY, history=ran("completed", 2 * DAY)), "scheduled"),
        (Policy(max_age=2 * DAY), ahead(DAY, history=ran("completed", 2 * DAY + SECOND)), "too_old"),
    ],
)
def test_the_thresholds_are_those_of_the_policy(policy: Policy, snapshot: Snapshot, name: Name) -> None:
    assert judge(snapshot, policy, NOW).name == name


@pytest.mark.parametrize(
    ("known", "key", "span", "own", "of_all"),
    [
        (ahead(-2 * HOUR), "overdue_after", HOUR, "overdue", "scheduled"),
        (ahead(-7 * HOUR), "overdue_after", 8 * HOUR, "scheduled", "overdue"),
        (running(2 * HOUR), "long_run_after", HOUR, "running_long", "running"),
        (running(13 * HOUR), "long_run_after", 14 * HOUR, "running", "running_long"),
        (ahead(DAY, history=ran("completed", 5 * DAY)), "max_age", 4 * DAY, "too_old", "scheduled"),
        (ahead(DAY, history=ran("completed", 9 * DAY)), "max_age", 10 * DAY, "scheduled", "too_old"),
        (ahead(DAY, observed_at=NOW - 3 * DAY), "every", DAY, "scheduled", "waiting"),
        (ahead(DAY, observed_at=NOW - 3 * DAY - SECOND), "every", DAY, "waiting", "waiting"),
    ],
)
def test_the_thresholds_of_an_org_are_its_own_where_it_sets_them(
    known: Snapshot, key: str, span: timedelta, own: Name, of_all: Name
) -> None:
    assert judge(known, POLICY, NOW).name == of_all
    itself = replace(known, org=replace(ORG, own_policy=((key, span),)))
    assert judge(itself, POLICY, NOW).name == own


def test_the_max_age_of_an_org_goes_before_that_of_all() -> None:
    known = ahead(DAY, history=ran("completed", 5 * DAY))
    patient = replace(known, org=replace(ORG, own_policy=(("max_age", 6 * DAY),)))
    assert judge(known, Policy(max_age=4 * DAY), NOW).name == "too_old"
    assert judge(patient, Policy(max_age=4 * DAY), NOW).name == "scheduled"


# By whose clock


@in_every_zone
@pytest.mark.parametrize("theirs", ZONES, ids=str)
@pytest.mark.parametrize(("late", "name"), [(timedelta(), "scheduled"), (SECOND, "overdue")])
def test_the_offset_of_the_org_does_not_move_a_threshold(
    late: timedelta, name: Name, theirs: tzinfo, zone: tzinfo
) -> None:
    next_run = (NOW - OVERDUE - late).astimezone(theirs)
    assert judge(seen(backup("SCHEDULED", next_run)), POLICY, NOW.astimezone(zone)).name == name


@in_every_zone
@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
@pytest.mark.parametrize(
    ("late", "overdue", "too_old"),
    [(timedelta(), "scheduled", "scheduled"), (SECOND, "overdue", "too_old")],
)
def test_what_zoho_dates_is_measured_by_zohos_clock(
    late: timedelta, overdue: Name, too_old: Name, offset: timedelta, zone: tzinfo
) -> None:
    here = NOW.astimezone(zone)
    due = ahead(offset - OVERDUE - late, clock_offset=offset)
    assert judge(due, POLICY, here).name == overdue
    old = ahead(offset + DAY, clock_offset=offset, history=ran("completed", 8 * DAY + late - offset))
    assert judge(old, POLICY, here).name == too_old


@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
def test_what_was_seen_here_is_measured_by_this_machines_own_clock(offset: timedelta) -> None:
    fresh = ahead(offset + DAY, clock_offset=offset, observed_at=NOW - PATIENCE * EVERY)
    assert judge(fresh, POLICY, NOW).level is Level.OK
    assert judge(running(LONG_RUN, clock_offset=offset), POLICY, NOW).name == "running"
    assert judge(running(LONG_RUN + SECOND, clock_offset=offset), POLICY, NOW).name == "running_long"


def test_the_rules_stand_in_the_order_in_which_they_win() -> None:
    assert [rule.__name__ for rule in RULES] == [
        "failed",
        "stopped",
        "overdue",
        "too_old",
        "running_long",
        "none_set_up",
        "unknown_status",
        "one_off",
        "never_told",
        "links_expiring",
        "quota_risk",
    ]
