"""What is known of one org at one moment, and how an attempt to look changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.core.backup import Backup, State
from zbtui.core.org import Org
from zbtui.core.trouble import Trouble

_CLOCK_NOISE: Final = timedelta(seconds=3)
"""The `Date` header has whole seconds and the answer travels: less than this is no difference."""

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""Beyond this a clock that differs from Zoho's is told."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One good answer of Zoho's."""

    backup: Backup | None
    zoho_time: datetime | None = None
    """The `Date` header."""
    credits_remaining: int | None = None
    """`X-API-CREDITS-REMAINING`; Zoho sends it once half of the day's credits are used."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one org. On trouble the last good data stays, with its age."""

    org: Org
    backup: Backup | None = None
    observed_at: datetime | None = None
    """When the last good answer came; None: there is none yet."""
    attempted_at: datetime | None = None
    trouble: Trouble | None = None
    """Why the last attempt failed; None: it did not."""
    failures: int = 0
    """Attempts that failed in a row."""
    running_since: datetime | None = None
    """When the run in progress was first seen."""
    after_failure: bool = False
    """A run is in progress, and the one seen before it had failed."""
    clock_offset: timedelta = timedelta()
    """Zoho's clock minus this machine's, where they differ."""
    credits_remaining: int | None = None
    restored: bool = False
    """Kept from an earlier run of the program; nothing has been seen since."""
    next_look: datetime | None = None
    """None: not before somebody acts."""
    looking: bool = False
    paused: bool = False
    company: str | None = None
    last_completed: datetime | None = None
    last_failed: datetime | None = None
    links_expire: datetime | None = None

    def zoho_now(self, now: datetime) -> datetime:
        """`now` by Zoho's clock, by which its dates are to be read."""
        return now + self.clock_offset

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Negative once the run is due."""
        if self.backup is None or self.backup.next_run is None:
            return None
        if self.backup.state in (State.STOPPED, State.FINISHED):
            return None
        return self.backup.next_run - self.zoho_now(now)


def succeeded(before: Snapshot, looked: Looked, now: datetime) -> Snapshot:
    """After a good answer, received at `now`."""
    offset = looked.zoho_time - now if looked.zoho_time else before.clock_offset
    return replace(
        before,
        backup=looked.backup,
        observed_at=now,
        attempted_at=now,
        trouble=None,
        failures=0,
        running_since=_running_since(before, looked.backup, now),
        after_failure=_is_after_failure(before, looked.backup),
        clock_offset=offset if abs(offset) > _CLOCK_NOISE else timedelta(),
        credits_remaining=looked.credits_remaining,
        restored=False,
        looking=False,
    )


def failed(before: Snapshot, trouble: Trouble, now: datetime) -> Snapshot:
    """After an attempt that failed at `now`; what was known stays."""
    return replace(before, attempted_at=now, trouble=trouble, failures=before.failures + 1, looking=False)


def _running_since(before: Snapshot, backup: Backup | None, now: datetime) -> datetime | None:
    if backup is None or backup.state is not State.INPROGRESS:
        return None
    was = before.backup
    same_run = (
        was is not None
        and was.state is State.INPROGRESS
        and (was.id, was.scheduled_date) == (backup.id, backup.scheduled_date)
    )
    return before.running_since if same_run and before.running_since else now


def _is_after_failure(before: Snapshot, backup: Backup | None) -> bool:
    if backup is None or backup.state is not State.INPROGRESS or before.backup is None:
        return False
    failed_before = before.backup.state in (State.FAILED, State.PAYMENT_FAILED)
    return failed_before or (before.after_failure and before.backup.state is State.INPROGRESS)
