"""One look at an org, as its log tells it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zbtui.health.snapshot import Snapshot

MAX_POLL_RECORDS: Final = 30
"""Looks that are kept of each org, since the program started."""


@dataclass(frozen=True, slots=True)
class PollRecord:
    """When, how it went, and what it cost."""

    at: datetime
    """When it ended."""
    outcome: str
    """Zoho's status word, `none`, or what went wrong."""
    failed: bool
    seconds: float
    """From the question to the answer, waiting for a free connection included."""
    credits_remaining: int | None
    """API credits left for the day, where Zoho tells."""


def poll_record_of(after: Snapshot, at: datetime, seconds: float) -> PollRecord:
    """The look that led to this snapshot."""
    if after.polls.problem:
        return PollRecord(at, after.polls.problem.message, True, seconds, after.zoho.credits_remaining)
    status = (after.zoho.backup.status or "no status") if after.zoho.backup else "none"
    return PollRecord(at, status, False, seconds, after.zoho.credits_remaining)
