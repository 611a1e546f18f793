"""A look, as the log of looks tells it."""

from __future__ import annotations

import pytest

from tests.support.build import over, seen, snapshot_with, troubled
from tests.support.clock import START
from zbtui.core.poll import Poll, poll_of


@pytest.mark.parametrize("status", ["SCHEDULED", "FAILED", "SOMETHING_NEW"])
def test_a_look_that_came_to_an_end_tells_zohos_word_and_what_is_left_of_the_day(status: str) -> None:
    after = snapshot_with(seen("acme", status=status), credits_remaining=4711)
    assert poll_of(after, START, 0.25) == Poll(START, status, failed=False, seconds=0.25, credits=4711)


def test_a_look_that_failed_tells_why() -> None:
    poll = poll_of(over(seen("acme"), troubled(message="crm.zoho.eu cannot be reached.")), START, 20)
    assert poll.failed
    assert poll.outcome == "crm.zoho.eu cannot be reached."


def test_no_backup_and_no_status_are_told_apart() -> None:
    assert poll_of(snapshot_with(seen("acme"), backup=None), START, 1).outcome == "none"
    assert poll_of(seen("acme", status=None), START, 1).outcome == "no status"
