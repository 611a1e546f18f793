"""The record of one poll of an org, a row in the org's poll log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zbtui.health.snapshot import Snapshot

MAX_POLL_RECORDS: Final = 30
"""The number of polls kept for each org; the log begins empty when the program starts."""


@dataclass(frozen=True, slots=True)
class PollRecord:
    """The result of a poll, with its time and its cost."""

    at: datetime
    """The time when the poll ended."""
    outcome: str
    """The status word from Zoho, `none` if no backup is set up, or the message of the poll's problem."""
    failed: bool
    seconds: float
    """The seconds from the request to the answer, including the wait for a free connection."""
    credits_remaining: int | None
    """The API credits left for the day; None if Zoho does not say."""


def poll_record_of(after: Snapshot, at: datetime, seconds: float) -> PollRecord:
    """Return the record of the poll that led to the snapshot `after`, ended at `at` and took `seconds`."""
    if after.polls.problem:
        return PollRecord(at, after.polls.problem.message, True, seconds, after.zoho.credits_remaining)
    status = (after.zoho.backup.status or "no status") if after.zoho.backup else "none"
    return PollRecord(at, status, False, seconds, after.zoho.credits_remaining)
