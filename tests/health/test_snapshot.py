"""How a poll's observation or failure changes the snapshot."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import datetime, timedelta, tzinfo

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    SECOND,
    SIGNED_OUT,
    ZONES,
    make_backup,
    snapshot_of,
    snapshot_with_next_run,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.zoho_api.backup_details import Backup

LATER = NOW + 5 * MINUTE
RUNNING = make_backup("INPROGRESS", NOW)


def test_before_the_first_poll_nothing_is_known() -> None:
    empty = Snapshot(ORG)
    assert empty.zoho.observed_at is None
    assert empty.zoho.backup is None
    assert empty.time_to_next_run(NOW) is None
    assert not (empty.polls.restored or empty.activity.polling or empty.activity.paused)


@pytest.mark.parametrize(
    "value", [Snapshot(ORG), Observation(None), RUNNING], ids=["snapshot", "observation", "backup"]
)
def test_what_was_seen_is_never_changed_in_place(value: Snapshot | Observation | Backup) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(value, fields(value)[0].name, None)
    assert not hasattr(value, "__dict__")


def test_a_good_answer_replaces_all_that_was_known_and_ends_the_problem() -> None:
    before = snapshot_of(
        RUNNING, problem=OFFLINE, failures=4, restored=True, polling=True, credits_remaining=7
    )
    after = apply_observation(before, Observation(make_backup("COMPLETED"), credits_remaining=2500), LATER)
    assert after.zoho.backup == make_backup("COMPLETED")
    assert after.zoho.observed_at == after.polls.attempted_at == LATER
    assert (after.polls.problem, after.polls.failures) == (None, 0)
    assert not after.polls.restored
    assert not after.activity.polling
    assert after.zoho.credits_remaining == 2500


def test_credits_that_are_no_longer_shown_are_no_longer_known() -> None:
    assert (
        apply_observation(
            snapshot_of(None, credits_remaining=7), Observation(None), LATER
        ).zoho.credits_remaining
        is None
    )


def test_an_answer_without_a_backup_is_a_good_answer() -> None:
    after = apply_observation(snapshot_of(RUNNING), Observation(None), LATER)
    assert after.zoho.backup is None
    assert after.zoho.observed_at == LATER


def test_a_failed_attempt_keeps_what_was_known_with_its_age() -> None:
    before = snapshot_of(RUNNING, running_since=NOW - HOUR, polling=True, clock_offset=HOUR)
    after = apply_failure(before, OFFLINE, LATER)
    assert after == snapshot_with(
        before, problem=OFFLINE, failures=1, failing_since=LATER, attempted_at=LATER, polling=False
    )


def test_failures_in_a_row_are_counted_whatever_they_were() -> None:
    after = apply_failure(
        apply_failure(apply_failure(snapshot_of(None), OFFLINE, NOW), SIGNED_OUT, NOW), OFFLINE, LATER
    )
    assert after.polls.failures == 3
    assert after.polls.problem is OFFLINE


def test_a_failed_attempt_does_not_confirm_what_was_restored() -> None:
    assert apply_failure(snapshot_of(RUNNING, restored=True), OFFLINE, LATER).polls.restored


# When the run in progress was first seen


def test_a_run_is_dated_from_when_it_was_first_seen() -> None:
    first = apply_observation(snapshot_of(make_backup("SCHEDULED", NOW)), Observation(RUNNING), NOW)
    assert first.zoho.running_since == NOW
    second = apply_observation(first, Observation(RUNNING), LATER)
    assert second.zoho.running_since == NOW


@pytest.mark.parametrize("restored", [True, False])
def test_neither_a_failed_poll_nor_a_restart_makes_a_run_younger(restored: bool) -> None:
    before = snapshot_of(RUNNING, running_since=NOW - HOUR, restored=restored)
    after = apply_observation(apply_failure(before, OFFLINE, NOW), Observation(RUNNING), LATER)
    assert after.zoho.running_since == NOW - HOUR


@pytest.mark.parametrize(
    "other",
    [make_backup("INPROGRESS", NOW, id="5100000000999001"), make_backup("INPROGRESS", NOW + 7 * DAY)],
    ids=["another job", "another date"],
)
def test_another_run_is_dated_again(other: Backup) -> None:
    before = snapshot_of(RUNNING, running_since=NOW - HOUR)
    after = apply_observation(before, Observation(other), LATER)
    assert after.zoho.running_since == LATER


@pytest.mark.parametrize("status", ["COMPLETED", "SCHEDULED", "FAILED", "STOPPED", "ARCHIVED", None])
def test_a_run_that_ended_has_no_beginning(status: str | None) -> None:
    before = snapshot_of(RUNNING, running_since=NOW - HOUR)
    assert apply_observation(before, Observation(make_backup(status)), LATER).zoho.running_since is None
    assert apply_observation(before, Observation(None), LATER).zoho.running_since is None


def test_a_run_that_was_known_without_a_beginning_gets_one() -> None:
    assert apply_observation(snapshot_of(RUNNING), Observation(RUNNING), LATER).zoho.running_since == LATER


# Zoho's clock


@pytest.mark.parametrize(
    ("apart", "offset"),
    [
        (timedelta(), timedelta()),
        (3 * SECOND, timedelta()),
        (-3 * SECOND, timedelta()),
        (4 * SECOND, 4 * SECOND),
        (-7 * HOUR, -7 * HOUR),
        (400 * DAY, 400 * DAY),
    ],
)
@pytest.mark.parametrize("zone", ZONES)
def test_the_date_header_shows_how_far_the_clocks_are_apart(
    zone: tzinfo, apart: timedelta, offset: timedelta
) -> None:
    zoho_time = (NOW + apart).astimezone(zone)
    assert (
        apply_observation(snapshot_of(None), Observation(None, zoho_time), NOW).zoho.clock_offset == offset
    )


def test_without_a_date_header_the_known_difference_stays() -> None:
    assert (
        apply_observation(snapshot_of(None, clock_offset=HOUR), Observation(None), NOW).zoho.clock_offset
        == HOUR
    )


def test_clocks_that_agree_again_have_no_difference() -> None:
    assert (
        apply_observation(
            snapshot_of(None, clock_offset=HOUR), Observation(None, NOW), NOW
        ).zoho.clock_offset
        == timedelta()
    )


@pytest.mark.parametrize("zone", ZONES)
def test_the_countdown_runs_by_zohos_clock_in_every_zone(zone: tzinfo) -> None:
    here: datetime = NOW.astimezone(zone)
    assert snapshot_with_next_run(2 * HOUR).time_to_next_run(here) == 2 * HOUR
    assert snapshot_with_next_run(-MINUTE).time_to_next_run(here) == -MINUTE
    assert snapshot_with_next_run(2 * HOUR, clock_offset=HOUR).time_to_next_run(here) == HOUR
    assert snapshot_of(make_backup()).time_to_next_run(here) is None


@pytest.mark.parametrize("failure", ["FAILED", "PAYMENT_FAILED"])
def test_a_run_after_a_failed_one_is_known_as_such_until_it_has_ended(failure: str) -> None:
    running, completed = Observation(make_backup("INPROGRESS")), Observation(make_backup("COMPLETED"))
    after = apply_observation(snapshot_of(make_backup(failure)), running, NOW)
    assert after.zoho.previous_run_failed
    assert apply_observation(after, running, NOW).zoho.previous_run_failed
    assert not apply_observation(after, completed, NOW).zoho.previous_run_failed
    assert not apply_observation(
        snapshot_of(make_backup("COMPLETED")), running, NOW
    ).zoho.previous_run_failed
    assert not apply_observation(snapshot_of(None), running, NOW).zoho.previous_run_failed
    calm = apply_observation(snapshot_of(make_backup("COMPLETED")), running, NOW)
    assert not apply_observation(calm, running, NOW).zoho.previous_run_failed
