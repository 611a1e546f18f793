"""Verdicts on incomplete or old data: polls that failed or were missed, and unread histories."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    SECOND,
    SIGNED_OUT,
    history_with_one_end,
    make_backup,
    snapshot_of,
    snapshot_of_running_backup,
    snapshot_with_next_run,
)
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.observe import apply_observation
from zbtui.health.poll_schedule import HISTORY_AND_LINKS_EVERY
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level, Verdict, VerdictName
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.errors import api_problem, contract_problem
from zbtui.zoho_api.runs import History
from zbtui.zoho_api.sign_in_errors import token_problem

EVERY, LONG_RUN = POLICY.every, POLICY.long_run_after
FRESH = ALLOWED_FAILURES * EVERY
"""The greatest age of an observation that still counts."""


def verdict(snapshot: Snapshot, patience: int = ALLOWED_FAILURES) -> Verdict:
    return judge(snapshot, POLICY, NOW, patience)


# Polls that failed or were missed


@pytest.mark.parametrize(
    ("failures", "age", "name", "stale"),
    [
        (0, timedelta(), "scheduled", False),
        (1, timedelta(), "scheduled", True),
        (2, FRESH - SECOND, "scheduled", True),
        (2, FRESH, "scheduled", True),
        (2, FRESH + SECOND, "cannot_tell", False),
        (1, FRESH + SECOND, "cannot_tell", False),
        (3, EVERY, "cannot_tell", False),
        (50, FRESH + DAY, "cannot_tell", False),
    ],
)
def test_what_was_seen_counts_as_stale_for_three_failed_polls(
    failures: int, age: timedelta, name: VerdictName, stale: bool
) -> None:
    problem = OFFLINE if failures else None
    found = verdict(snapshot_with_next_run(DAY, observed_at=NOW - age, problem=problem, failures=failures))
    assert (found.name, found.stale) == (name, stale)


@pytest.mark.parametrize("patience", [1, 2, 5, 100])
def test_how_many_polls_may_fail_is_up_to_who_asks(patience: int) -> None:
    known = snapshot_with_next_run(DAY, problem=OFFLINE)
    assert verdict(snapshot_with(known, failures=patience - 1), patience).name == "scheduled"
    assert verdict(snapshot_with(known, failures=patience), patience).name == "cannot_tell"


def test_a_bad_verdict_stays_bad_when_it_is_stale() -> None:
    found = verdict(snapshot_with_next_run(DAY, "FAILED", problem=OFFLINE, failures=1))
    assert (found.name, found.level, found.stale) == ("failed", Level.CRITICAL, True)


@pytest.mark.parametrize(
    "known",
    [
        snapshot_with_next_run(DAY),
        snapshot_with_next_run(-HOUR),
        snapshot_of(None),
        snapshot_of_running_backup(HOUR),
        Snapshot(ORG),
    ],
)
def test_without_patience_one_failed_poll_is_enough(known: Snapshot) -> None:
    found = verdict(snapshot_with(known, problem=OFFLINE, failures=1), patience=1)
    assert (found.name, found.level, found.badge) == ("cannot_tell", Level.UNKNOWN, "OFFLINE")


def test_without_patience_a_good_poll_counts_as_ever() -> None:
    assert verdict(snapshot_with_next_run(DAY), patience=1) == verdict(snapshot_with_next_run(DAY))


def test_without_patience_a_good_poll_counts_although_others_kept_the_check_waiting() -> None:
    policy = WatchPolicy(every=15 * SECOND)
    assert (
        judge(
            snapshot_with_next_run(DAY, observed_at=NOW - 20 * SECOND), policy, NOW, allowed_failures=1
        ).name
        == "scheduled"
    )


@pytest.mark.parametrize("patience", [1, ALLOWED_FAILURES])
@pytest.mark.parametrize("failures", [1, 2])
@pytest.mark.parametrize("known", [snapshot_with_next_run(DAY), snapshot_of(None), Snapshot(ORG)])
def test_a_dead_sign_in_ends_all_patience(known: Snapshot, failures: int, patience: int) -> None:
    found = verdict(snapshot_with(known, problem=SIGNED_OUT, failures=failures), patience)
    assert (found.name, found.badge) == ("cannot_tell", "SIGN IN")
    assert (found.headline, found.hint) == (SIGNED_OUT.message, SIGNED_OUT.hint)


def test_a_first_poll_that_failed_is_no_reason_to_wait() -> None:
    assert verdict(build_snapshot(ORG, problem=OFFLINE, failures=1)).name == "cannot_tell"


@pytest.mark.parametrize(
    ("age", "name"), [(FRESH - SECOND, "none"), (FRESH, "none"), (FRESH + SECOND, "waiting")]
)
def test_what_nobody_polled_lately_is_waited_for(age: timedelta, name: VerdictName) -> None:
    assert verdict(snapshot_of(None, observed_at=NOW - age)).name == name


@pytest.mark.parametrize("name", ["none", "scheduled"])
def test_after_the_clock_was_set_back_nothing_counts_as_seen(name: str) -> None:
    known = {
        "none": snapshot_of(None),
        "scheduled": snapshot_with_next_run(DAY),
    }[name]
    assert verdict(snapshot_with(known, observed_at=NOW + FRESH)).name == name
    assert verdict(snapshot_with(known, observed_at=NOW + FRESH + SECOND)).name == "waiting"


@pytest.mark.parametrize(
    ("known", "was"),
    [
        (snapshot_with_next_run(DAY), "SCHEDULED"),
        (snapshot_with_next_run(DAY, "ARCHIVED"), "ARCHIVED"),
        (snapshot_of(None), "no backup"),
    ],
)
def test_while_it_waits_an_org_shows_what_it_was_and_when(known: Snapshot, was: str) -> None:
    found = verdict(snapshot_with(known, observed_at=NOW - 6 * DAY))
    assert (found.name, found.level, found.badge) == ("waiting", Level.UNKNOWN, "WAITING")
    assert "6d ago" in found.headline
    assert was in found.headline


def test_while_it_waits_an_org_that_had_no_status_shows_none() -> None:
    assert verdict(snapshot_of(make_backup(None), observed_at=NOW - 6 * DAY)).headline.endswith("6d ago")


@pytest.mark.parametrize(
    ("problem", "word"),
    [
        (token_problem("invalid_code", 200, "eu"), "SIGN IN"),
        (api_problem(403, {"code": "NO_PERMISSION"}, "eu"), "NO ACCESS"),
        (api_problem(429, {}, "eu"), "THROTTLED"),
        (token_problem("Access Denied", 200, "eu"), "THROTTLED"),
        (OFFLINE, "OFFLINE"),
        (api_problem(500, {"code": "INTERNAL_ERROR"}, "eu"), "ZOHO ERROR"),
        (contract_problem("is odd"), "BAD ANSWER"),
        (Problem("keyring", "The keyring is locked.", "Unlock it."), "LOCKED"),
        (Problem("config", "The config is odd.", "Mend it."), "CONFIG"),
    ],
)
def test_the_badge_says_why_an_org_cannot_be_polled(problem: Problem, word: str) -> None:
    found = verdict(build_snapshot(ORG, problem=problem, failures=1))
    assert (found.name, found.level, found.badge) == ("cannot_tell", Level.UNKNOWN, word)
    assert (found.headline, found.hint) == (problem.message, problem.hint)


# Critical when last polled

UNSEEN: dict[str, dict[str, Any]] = {
    "three polls failed": {"problem": OFFLINE, "failures": 3},
    "the sign-in is dead": {"problem": SIGNED_OUT, "failures": 1},
    "nobody polled for days": {"attempted_at": NOW - 3 * DAY, "restored": True},
}
CRITICAL: dict[VerdictName, Snapshot] = {
    "failed": snapshot_with_next_run(DAY, "FAILED", observed_at=NOW - 3 * DAY),
    "stopped": snapshot_with_next_run(DAY, "STOPPED", observed_at=NOW - 3 * DAY),
    "overdue": snapshot_with_next_run(-4 * DAY, observed_at=NOW - 3 * DAY),
    "too_old": snapshot_with_next_run(
        DAY, observed_at=NOW - 3 * DAY, history=history_with_one_end("completed", 12 * DAY)
    ),
}


@pytest.mark.parametrize("why", UNSEEN)
@pytest.mark.parametrize("name", CRITICAL)
def test_what_was_critical_stays_so_until_something_newer_is_known(name: VerdictName, why: str) -> None:
    found = verdict(snapshot_with(CRITICAL[name], **UNSEEN[why]))
    assert (found.name, found.level, found.stale) == (name, Level.CRITICAL, True)
    assert "as of 3d ago" in found.headline
    problem = UNSEEN[why].get("problem")
    assert (problem.message if problem else "nothing newer is known") in found.headline


@pytest.mark.parametrize(
    "known",
    [
        snapshot_with_next_run(-DAY, observed_at=NOW - 2 * DAY),  # the run was due after the last poll
        snapshot_with_next_run(
            DAY, observed_at=NOW - 3 * DAY, history=history_with_one_end("completed", 10 * DAY)
        ),  # the last backup is too old by now, but a newer one may have completed
    ],
)
@pytest.mark.parametrize("why", ["three polls failed", "the sign-in is dead"])
def test_what_only_time_made_critical_is_not_known(known: Snapshot, why: str) -> None:
    assert verdict(snapshot_with(known, **UNSEEN[why])).name == "cannot_tell"


def test_an_age_that_was_critical_when_the_history_was_last_read_stays_so() -> None:
    old = history_with_one_end("completed", 10 * DAY)
    for read, name in ((NOW - DAY, "too_old"), (NOW - 3 * DAY, "cannot_tell")):
        known = snapshot_with_next_run(DAY, history=old, history_read_at=read, history_problem=OFFLINE)
        assert verdict(known).name == name


# Snapshots restored from the journal


@pytest.mark.parametrize(
    ("snapshot", "name"),
    [
        (snapshot_with_next_run(DAY, restored=True), "scheduled"),
        (snapshot_with_next_run(DAY, "FAILED", restored=True), "failed"),
        (
            snapshot_with_next_run(DAY, restored=True, history=history_with_one_end("failure", DAY)),
            "failed",
        ),
        (
            snapshot_with_next_run(DAY, restored=True, history=history_with_one_end("completed", 9 * DAY)),
            "too_old",
        ),
        (snapshot_of(None, restored=True), "none"),
        (snapshot_of_running_backup(LONG_RUN + SECOND, restored=True), "running_long"),
    ],
)
def test_what_was_restored_counts_as_stale(snapshot: Snapshot, name: VerdictName) -> None:
    found = verdict(snapshot)
    assert (found.name, found.stale) == (name, True)


@pytest.mark.parametrize(
    ("age", "name"), [(FRESH - SECOND, "scheduled"), (FRESH, "scheduled"), (FRESH + SECOND, "waiting")]
)
def test_what_was_restored_is_no_fresher_than_when_it_was_seen(age: timedelta, name: VerdictName) -> None:
    assert verdict(snapshot_with_next_run(6 * DAY, observed_at=NOW - age, restored=True)).name == name


def test_what_was_restored_does_not_excuse_a_dead_sign_in() -> None:
    assert (
        verdict(snapshot_with_next_run(DAY, restored=True, problem=SIGNED_OUT, failures=1)).name
        == "cannot_tell"
    )


# A history that cannot be read

UNREAD = snapshot_with_next_run(DAY, history=None, history_problem=OFFLINE, history_failures=1)
OLDEST = 18 * HOUR


def read(age: timedelta) -> Snapshot:
    """A snapshot whose history was read `age` ago and cannot be read now."""
    return snapshot_with(UNREAD, history=history_with_one_end("completed", age), history_read_at=NOW - age)


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (timedelta(), "scheduled"),
        (OLDEST - SECOND, "scheduled"),
        (OLDEST, "scheduled"),
        (OLDEST + SECOND, "cannot_tell"),
        (30 * DAY, "cannot_tell"),
        (-SECOND, "cannot_tell"),  # the clock was set back
    ],
)
def test_a_history_counts_for_three_of_its_intervals(age: timedelta, name: VerdictName) -> None:
    assert ALLOWED_FAILURES * HISTORY_AND_LINKS_EVERY == OLDEST
    assert verdict(read(age)).name == name


def test_where_the_history_was_never_read_nothing_is_green() -> None:
    found = verdict(UNREAD)
    assert (found.name, found.level, found.badge) == ("cannot_tell", Level.UNKNOWN, "NO HISTORY")
    assert OFFLINE.message in found.headline
    assert found.hint == OFFLINE.hint
    assert not found.stale


def test_an_old_history_counts_no_longer_although_nobody_failed_to_read_it() -> None:
    old = snapshot_with_next_run(DAY, history_read_at=NOW - DAY)
    assert verdict(old).name == "cannot_tell"


def test_links_that_cannot_be_read_are_no_reason_to_doubt_the_backup() -> None:
    read_now = snapshot_with(
        UNREAD, history=history_with_one_end("completed", DAY), history_read_at=NOW, links=None
    )
    assert verdict(read_now).name == "scheduled"


@pytest.mark.parametrize(
    ("known", "name"),
    [
        (snapshot_with_next_run(DAY, "FAILED"), "failed"),
        (snapshot_with_next_run(DAY, "STOPPED"), "stopped"),
        (snapshot_with_next_run(-7 * HOUR), "overdue"),
        (snapshot_of_running_backup(LONG_RUN + SECOND), "cannot_tell"),
        (snapshot_of(None), "cannot_tell"),
        (snapshot_with_next_run(DAY, "ARCHIVED"), "cannot_tell"),
        (snapshot_of(make_backup("COMPLETED", rrule=None)), "cannot_tell"),
        (snapshot_with_next_run(DAY), "cannot_tell"),
        (snapshot_with_next_run(DAY, "COMPLETED"), "cannot_tell"),
        (snapshot_of_running_backup(HOUR), "cannot_tell"),
    ],
)
def test_without_a_history_only_what_the_details_prove_is_critical(
    known: Snapshot, name: VerdictName
) -> None:
    unread = snapshot_with(known, history=None, history_problem=OFFLINE, history_failures=1)
    assert verdict(unread).name == name


def test_an_empty_history_is_one_that_was_read() -> None:
    new = make_backup("SCHEDULED", NOW + DAY, start_date=(NOW - DAY).isoformat())
    known = snapshot_with(UNREAD, backup=new, history=History(), history_read_at=NOW)
    assert verdict(known).name == "scheduled"


def failed_after(failures: int, age: timedelta = HOUR, status: str = "SCHEDULED") -> Snapshot:
    """A snapshot whose details changed after the last read of the history; reads have failed since."""
    known = snapshot_with(read(age), history_behind_since=NOW - MINUTE, history_failures=failures)
    return snapshot_with(known, backup=make_backup(status, NOW + DAY))


@pytest.mark.parametrize(
    ("failures", "patience", "name"),
    [
        (1, ALLOWED_FAILURES, "scheduled"),
        (2, ALLOWED_FAILURES, "scheduled"),
        (3, ALLOWED_FAILURES, "cannot_tell"),
        (50, ALLOWED_FAILURES, "cannot_tell"),
        (1, 1, "cannot_tell"),
        (4, 5, "scheduled"),
        (5, 5, "cannot_tell"),
    ],
)
def test_a_history_from_before_the_details_changed_counts_for_as_many_tries_as_a_poll(
    failures: int, patience: int, name: VerdictName
) -> None:
    found = verdict(failed_after(failures), patience)
    assert found.name == name
    assert name == "scheduled" or found.badge == "NO HISTORY"


@pytest.mark.parametrize("patience", [1, ALLOWED_FAILURES])
def test_a_history_counts_for_its_intervals_while_the_details_stay_as_they_are(patience: int) -> None:
    assert (
        verdict(snapshot_with(failed_after(50, OLDEST), history_behind_since=None), patience).name
        == "scheduled"
    )


@pytest.mark.parametrize(
    ("since", "name"), [(10 * MINUTE, "scheduled"), (10 * MINUTE + SECOND, "cannot_tell")]
)
@pytest.mark.parametrize("tries", [0, 1])
def test_a_history_may_be_behind_for_ten_minutes_however_often_it_was_tried(
    since: timedelta, tries: int, name: VerdictName
) -> None:
    known = snapshot_with(failed_after(tries), history_behind_since=NOW - since)
    assert verdict(known).name == name
    assert verdict(snapshot_with(known, history_problem=None)).name == name


@pytest.mark.parametrize("age", [OLDEST + SECOND, -SECOND])
def test_a_history_that_is_behind_counts_for_no_longer_than_another(age: timedelta) -> None:
    assert verdict(failed_after(1, age)).name == "cannot_tell"


def test_a_history_that_was_never_read_is_waited_for_by_nobody() -> None:
    first = apply_observation(
        Snapshot(ORG),
        Observation(UNREAD.zoho.backup, history_and_links=HistoryAndLinks(None, None, OFFLINE)),
        NOW,
    )
    found = verdict(first)
    assert (found.name, found.badge) == ("cannot_tell", "NO HISTORY")


@pytest.mark.parametrize(("status", "name"), [("FAILED", "failed"), ("STOPPED", "stopped")])
def test_a_history_that_is_behind_hides_nothing_that_is_bad(status: str, name: VerdictName) -> None:
    assert verdict(failed_after(9, status=status)).name == name
