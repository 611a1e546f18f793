"""One poll of an org, as a row of its poll log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zbtui.health.snapshot import Snapshot

MAX_POLL_RECORDS: Final = 30
"""How many polls are kept for each org; only polls since the program started."""


@dataclass(frozen=True, slots=True)
class PollRecord:
    """When a poll ended, its result, and its cost."""

    at: datetime
    """When the poll ended."""
    outcome: str
    """Zoho's status word, `none`, or the problem's message."""
    failed: bool
    seconds: float
    """From request to answer, including the wait for a free connection."""
    credits_remaining: int | None
    """API credits left for the day; None if Zoho does not say."""


def poll_record_of(after: Snapshot, at: datetime, seconds: float) -> PollRecord:
    """The record of the poll that led to this snapshot."""
    if after.polls.problem:
        return PollRecord(at, after.polls.problem.message, True, seconds, after.zoho.credits_remaining)
    status = (after.zoho.backup.status or "no status") if after.zoho.backup else "none"
    return PollRecord(at, status, False, seconds, after.zoho.credits_remaining)
