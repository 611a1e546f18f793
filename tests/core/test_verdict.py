"""The verdict table, at each of its thresholds, and what no verdict may ever be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo

import pytest

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    SECOND,
    SIGNED_OUT,
    ZONES,
    ahead,
    backup,
    running,
    seen,
)
from zbtui.core.explain import bad_answer, explain_api
from zbtui.core.explain_sign_in import explain_token
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import PATIENCE, Level, Name, Verdict, judge

EVERY, OVERDUE, LONG_RUN = POLICY.every, POLICY.overdue_after, POLICY.long_run_after
FRESH = PATIENCE * EVERY
"""How old what was seen may be."""

in_every_zone = pytest.mark.parametrize("zone", ZONES, ids=str)


def verdict(snapshot: Snapshot, patience: int = PATIENCE, zone: tzinfo = ZONES[0]) -> Verdict:
    return judge(snapshot, POLICY, NOW.astimezone(zone), patience)


# Each verdict, at its threshold


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
        (ahead(SECOND - OVERDUE), "scheduled", Level.OK, "SCHEDULED"),
        (ahead(-OVERDUE), "scheduled", Level.OK, "SCHEDULED"),
        (ahead(-OVERDUE - SECOND), "overdue", Level.CRITICAL, "OVERDUE"),
        (ahead(DAY, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (ahead(-OVERDUE, "COMPLETED"), "completed", Level.OK, "COMPLETED"),
        (ahead(-OVERDUE - SECOND, "COMPLETED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (running(None), "running", Level.OK, "INPROGRESS"),
        (running(LONG_RUN - SECOND), "running", Level.OK, "INPROGRESS"),
        (running(LONG_RUN), "running", Level.OK, "INPROGRESS"),
        (running(LONG_RUN + SECOND), "running_long", Level.WARNING, "INPROGRESS"),
        (ahead(-9 * DAY, "In Progress"), "running", Level.OK, "In Progress"),
        (seen(backup("COMPLETED", rrule=None)), "one_off", Level.WARNING, "COMPLETED"),
        (seen(backup("SCHEDULED", NOW + DAY, rrule=None)), "one_off", Level.WARNING, "SCHEDULED"),
        (seen(backup("SCHEDULED")), "one_off", Level.WARNING, "SCHEDULED"),
        (ahead(DAY, "FINISHED"), "one_off", Level.WARNING, "FINISHED"),
        (ahead(DAY, "ARCHIVED"), "unknown_status", Level.WARNING, "ARCHIVED"),
        (seen(backup("ARCHIVED")), "unknown_status", Level.WARNING, "ARCHIVED"),
        (ahead(-OVERDUE - SECOND, "ARCHIVED"), "overdue", Level.CRITICAL, "OVERDUE"),
        (seen(backup(None, id="1")), "unknown_status", Level.WARNING, "NO STATUS"),
    ],
)
def test_the_table_of_verdicts(
    snapshot: Snapshot, name: Name, level: Level, word: str, zone: tzinfo
) -> None:
    found = verdict(snapshot, zone=zone)
    assert (found.name, found.level, found.word) == (name, level, word)
    assert not found.stale


@in_every_zone
@pytest.mark.parametrize("theirs", ZONES, ids=str)
@pytest.mark.parametrize(("late", "name"), [(timedelta(), "scheduled"), (SECOND, "overdue")])
def test_the_offset_of_the_org_does_not_move_a_threshold(
    late: timedelta, name: Name, theirs: tzinfo, zone: tzinfo
) -> None:
    next_run = (NOW - OVERDUE - late).astimezone(theirs)
    assert verdict(seen(backup("SCHEDULED", next_run)), zone=zone).name == name


@pytest.mark.parametrize(
    ("policy", "snapshot", "name"),
    [
        (Policy(overdue_after=MINUTE), ahead(-MINUTE), "scheduled"),
        (Policy(overdue_after=MINUTE), ahead(-MINUTE - SECOND), "overdue"),
        (Policy(long_run_after=HOUR), running(HOUR), "running"),
        (Policy(long_run_after=HOUR), running(HOUR + SECOND), "running_long"),
        (Policy(every=MINUTE), ahead(DAY, observed_at=NOW - 3 * MINUTE), "scheduled"),
        (Policy(every=MINUTE), ahead(DAY, observed_at=NOW - 3 * MINUTE - SECOND), "waiting"),
    ],
)
def test_the_thresholds_are_those_of_the_policy(policy: Policy, snapshot: Snapshot, name: Name) -> None:
    assert judge(snapshot, policy, NOW).name == name


def test_the_thresholds_of_an_org_are_its_own_where_it_sets_them() -> None:
    own = replace(ORG, own_policy=(("overdue_after", HOUR), ("long_run_after", HOUR)))
    late, long_run = ahead(-2 * HOUR), running(2 * HOUR)
    assert [judge(one, POLICY, NOW).name for one in (late, long_run)] == ["scheduled", "running"]
    late, long_run = replace(late, org=own), replace(long_run, org=own)
    assert [judge(one, POLICY, NOW).name for one in (late, long_run)] == ["overdue", "running_long"]


@pytest.mark.parametrize(("age", "name"), [(3 * DAY, "scheduled"), (3 * DAY + SECOND, "waiting")])
def test_an_org_that_is_looked_at_once_a_day_may_be_seen_as_long_ago(age: timedelta, name: Name) -> None:
    own = replace(ORG, own_policy=(("every", DAY),))
    known = replace(ahead(6 * DAY), observed_at=NOW - age)
    assert judge(replace(known, org=own), POLICY, NOW).name == name
    assert judge(known, POLICY, NOW).name == "waiting"


# By whose clock


@in_every_zone
@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
@pytest.mark.parametrize(("late", "name"), [(timedelta(), "scheduled"), (SECOND, "overdue")])
def test_a_run_is_overdue_by_zohos_clock(
    late: timedelta, name: Name, offset: timedelta, zone: tzinfo
) -> None:
    snapshot = ahead(offset - OVERDUE - late, clock_offset=offset)
    assert verdict(snapshot, zone=zone).name == name


@pytest.mark.parametrize("offset", [-7 * HOUR, 7 * HOUR])
def test_an_age_and_a_running_time_are_by_this_machines_own_clock(offset: timedelta) -> None:
    assert verdict(ahead(offset + DAY, clock_offset=offset, observed_at=NOW - FRESH)).level is Level.OK
    assert verdict(running(LONG_RUN, clock_offset=offset)).name == "running"
    assert verdict(running(LONG_RUN + SECOND, clock_offset=offset)).name == "running_long"


# Looks that failed, or were missed


@pytest.mark.parametrize(
    ("failures", "age", "name", "stale"),
    [
        (0, timedelta(), "scheduled", False),
        (1, timedelta(), "scheduled", True),
        (2, FRESH - SECOND, "scheduled", True),
        (2, FRESH, "scheduled", True),
        (2, FRESH + SECOND, "cannot_look", False),
        (1, FRESH + SECOND, "cannot_look", False),
        (3, EVERY, "cannot_look", False),
        (50, FRESH + DAY, "cannot_look", False),
    ],
)
def test_what_was_seen_counts_as_stale_for_three_failed_looks(
    failures: int, age: timedelta, name: Name, stale: bool
) -> None:
    trouble = OFFLINE if failures else None
    found = verdict(ahead(DAY, observed_at=NOW - age, trouble=trouble, failures=failures))
    assert (found.name, found.stale) == (name, stale)


def test_a_bad_verdict_stays_bad_when_it_is_stale() -> None:
    found = verdict(ahead(DAY, "FAILED", trouble=OFFLINE, failures=1))
    assert (found.name, found.level, found.stale) == ("failed", Level.CRITICAL, True)


@pytest.mark.parametrize("known", [ahead(DAY), ahead(-DAY), seen(None), running(HOUR), Snapshot(ORG)])
def test_without_patience_one_failed_look_is_enough(known: Snapshot) -> None:
    found = verdict(replace(known, trouble=OFFLINE, failures=1), patience=1)
    assert (found.name, found.level, found.word) == ("cannot_look", Level.UNKNOWN, "OFFLINE")


def test_without_patience_a_good_look_counts_as_ever() -> None:
    assert verdict(ahead(DAY), patience=1) == verdict(ahead(DAY))


def test_without_patience_a_good_look_counts_although_others_kept_the_check_waiting() -> None:
    policy = Policy(every=15 * SECOND)
    assert judge(ahead(DAY, observed_at=NOW - 20 * SECOND), policy, NOW, patience=1).name == "scheduled"


@pytest.mark.parametrize("patience", [1, PATIENCE])
@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("known", [ahead(DAY), seen(None), Snapshot(ORG)])
def test_a_dead_sign_in_ends_all_patience(known: Snapshot, failures: int, patience: int) -> None:
    found = verdict(replace(known, trouble=SIGNED_OUT, failures=failures), patience)
    assert (found.name, found.word) == ("cannot_look", "SIGN IN")
    assert (found.headline, found.hint) == (SIGNED_OUT.message, SIGNED_OUT.hint)


def test_a_first_look_that_failed_is_no_reason_to_wait() -> None:
    assert verdict(Snapshot(ORG, trouble=OFFLINE, failures=1)).name == "cannot_look"


@pytest.mark.parametrize(
    ("age", "name"), [(FRESH - SECOND, "none"), (FRESH, "none"), (FRESH + SECOND, "waiting")]
)
def test_what_nobody_looked_at_lately_is_waited_for(age: timedelta, name: Name) -> None:
    assert verdict(seen(None, observed_at=NOW - age)).name == name


@pytest.mark.parametrize(
    ("known", "was"),
    [(ahead(DAY), "SCHEDULED"), (ahead(DAY, "FAILED"), "FAILED"), (seen(None), "no backup")],
)
def test_while_it_waits_an_org_shows_what_it_was_and_when(known: Snapshot, was: str) -> None:
    found = verdict(replace(known, observed_at=NOW - 6 * DAY))
    assert (found.name, found.level, found.word) == ("waiting", Level.UNKNOWN, "WAITING")
    assert "6d ago" in found.headline
    assert was in found.headline


def test_while_it_waits_an_org_that_had_no_status_shows_none() -> None:
    assert verdict(seen(backup(None), observed_at=NOW - 6 * DAY)).headline.endswith("6d ago")


@pytest.mark.parametrize(
    ("trouble", "word"),
    [
        (explain_token("invalid_code", 200, "eu"), "SIGN IN"),
        (explain_api(403, {"code": "NO_PERMISSION"}, "eu"), "NO ACCESS"),
        (explain_api(429, {}, "eu"), "THROTTLED"),
        (explain_token("Access Denied", 200, "eu"), "THROTTLED"),
        (OFFLINE, "OFFLINE"),
        (explain_api(500, {"code": "INTERNAL_ERROR"}, "eu"), "ZOHO ERROR"),
        (bad_answer("is odd"), "BAD ANSWER"),
        (Trouble("keyring", "The keyring is locked.", "Unlock it."), "LOCKED"),
    ],
)
def test_the_badge_says_why_an_org_cannot_be_looked_at(trouble: Trouble, word: str) -> None:
    found = verdict(Snapshot(ORG, trouble=trouble, failures=1))
    assert (found.name, found.level, found.word) == ("cannot_look", Level.UNKNOWN, word)
    assert (found.headline, found.hint) == (trouble.message, trouble.hint)


# Kept from an earlier run of the program


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (ahead(DAY, restored=True), "scheduled"),
        (ahead(DAY, "FAILED", restored=True), "failed"),
        (seen(None, restored=True), "none"),
        (running(LONG_RUN + SECOND, restored=True), "running_long"),
    ],
)
def test_what_was_restored_counts_as_stale(snapshot: Snapshot, name: Name) -> None:
    found = verdict(snapshot)
    assert (found.name, found.stale) == (name, True)


@pytest.mark.parametrize(
    ("age", "name"), [(FRESH - SECOND, "scheduled"), (FRESH, "scheduled"), (FRESH + SECOND, "waiting")]
)
def test_what_was_restored_is_no_fresher_than_when_it_was_seen(age: timedelta, name: Name) -> None:
    assert verdict(ahead(6 * DAY, observed_at=NOW - age, restored=True)).name == name


def test_what_was_restored_does_not_excuse_a_dead_sign_in() -> None:
    assert verdict(ahead(DAY, restored=True, trouble=SIGNED_OUT, failures=1)).name == "cannot_look"


def test_while_a_new_run_is_in_progress_after_a_failed_one_it_stays_failed() -> None:
    verdict = judge(seen(backup("INPROGRESS"), after_failure=True), Policy(), NOW)
    assert (verdict.name, verdict.level, verdict.word) == ("failed", Level.CRITICAL, "INPROGRESS")
    assert "another is running" in verdict.headline


def test_a_schedule_that_has_run_out_is_not_overdue() -> None:
    assert judge(ahead(-2 * DAY, "FINISHED"), Policy(), NOW).name == "one_off"


def test_after_the_clock_was_set_back_nothing_counts_as_seen() -> None:
    later = seen(backup("SCHEDULED"), observed_at=NOW + 2 * HOUR)
    assert judge(later, Policy(), NOW).level is Level.UNKNOWN
