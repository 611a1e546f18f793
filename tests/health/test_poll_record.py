"""The row that a poll leaves in the log of polls."""

from __future__ import annotations

import pytest

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, make_unpolled_snapshot, snapshot_with, with_problem_of
from zbtui.health.poll_record import PollRecord, poll_record_of


@pytest.mark.parametrize("status", ["SCHEDULED", "FAILED", "SOMETHING_NEW"])
def test_a_poll_that_came_to_an_end_shows_zohos_word_and_what_is_left_of_the_day(status: str) -> None:
    after = snapshot_with(make_snapshot("acme", status=status), credits_remaining=4711)
    assert poll_record_of(after, START, 0.25) == PollRecord(
        START, status, failed=False, seconds=0.25, credits_remaining=4711
    )


def test_a_poll_that_failed_shows_why() -> None:
    poll = poll_record_of(
        with_problem_of(
            make_snapshot("acme"), make_unpolled_snapshot(message="crm.zoho.eu cannot be reached.")
        ),
        START,
        20,
    )
    assert poll.failed
    assert poll.outcome == "crm.zoho.eu cannot be reached."


def test_no_backup_and_no_status_are_distinguished() -> None:
    assert poll_record_of(snapshot_with(make_snapshot("acme"), backup=None), START, 1).outcome == "none"
    assert poll_record_of(make_snapshot("acme", status=None), START, 1).outcome == "no status"
