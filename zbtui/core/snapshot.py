"""What is known of one org at one moment, and how an attempt to look changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.core.backup import Backup, State
from zbtui.core.company import Company
from zbtui.core.links import Links
from zbtui.core.org import Org
from zbtui.core.runs import History
from zbtui.core.trouble import Trouble

_CLOCK_NOISE: Final = timedelta(seconds=3)
"""The `Date` header has whole seconds and the answer travels: less than this is no difference."""

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""Beyond this a clock that differs from Zoho's is told."""


@dataclass(frozen=True, slots=True)
class Past:
    """What the history and the links call said, which are asked for seldom."""

    history: History | None
    """None: it could not be read."""
    links: Links | None
    """None: they could not be read."""
    trouble: Trouble | None = None
    """Why not all of it could be read."""


@dataclass(frozen=True, slots=True)
class Looked:
    """One good answer of Zoho's."""

    backup: Backup | None
    zoho_time: datetime | None = None
    """The `Date` header."""
    credits_remaining: int | None = None
    """`X-API-CREDITS-REMAINING`; Zoho sends it once half of the day's credits are used."""
    past: Past | None = None
    """None: not asked for this time."""
    company: Company | None = None
    """None: not asked for this time, or the sign-in may not see it."""
    company_asked: bool = False


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
    """Attempts that failed in a row, over restarts too."""
    failing_since: datetime | None = None
    """When the first of them was made."""
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
    company: Company | None = None
    company_at: datetime | None = None
    """When it was last asked whose org it is."""
    history: History | None = None
    """None: it could not be read yet."""
    history_at: datetime | None = None
    """When it was last read."""
    links: Links | None = None
    """None: they could not be read yet."""
    links_expire: datetime | None = None
    """The last expiry that was ever seen: once it is past, "none" means "no longer"."""
    past_tried_at: datetime | None = None
    """When history and links were last asked for."""
    past_trouble: Trouble | None = None
    """Why history or links could not be read the last time; None: they could."""
    past_failures: int = 0
    """How often in a row they could not."""
    history_behind: bool = False
    """The details have changed since the history was read."""
    past_unsettled: int = 0
    """How often in a row it told a start without an end, while the details say that nothing runs: Zoho
    writes the one before the other.
    """

    @property
    def company_name(self) -> str | None:
        return self.company.name if self.company else None

    @property
    def last_completed(self) -> datetime | None:
        """When a backup last ended well, as far back as Zoho's history goes."""
        entry = self.history.last_completed if self.history else None
        return entry.at if entry else None

    @property
    def last_failed(self) -> datetime | None:
        entry = self.history.last_failed if self.history else None
        return entry.at if entry else None

    def links_are_gone(self, now: datetime) -> datetime | None:
        """When the files of the newest backup expired; None: they did not, or that is not known."""
        if self.links is None:
            return None
        expire = self.links.expire if self.links.exist else self.links_expire
        if expire is None or expire > self.zoho_now(now):
            return None
        # A backup that is newer than any of those files has its own still to come.
        newer = self.last_completed is not None and self.last_completed > expire
        return None if newer and not self.links.exist else expire

    def zoho_now(self, now: datetime) -> datetime:
        """`now` by Zoho's clock, by which its dates are to be read."""
        return now.astimezone(UTC) + self.clock_offset  # across a change to summer time, too

    @property
    def next_run(self) -> datetime | None:
        """When Zoho says that the next one is; None: none is awaited."""
        if self.backup is None or self.backup.state in (State.STOPPED, State.FINISHED):
            return None
        return self.backup.next_run

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Negative once the run is due."""
        return None if self.next_run is None else self.next_run - self.zoho_now(now)


def succeeded(before: Snapshot, looked: Looked, now: datetime) -> Snapshot:
    """After a good answer, received at `now`."""
    offset = looked.zoho_time - now if looked.zoho_time else before.clock_offset
    known = _with_company(_with_past(before, looked, now), looked, now)
    return replace(
        known,
        backup=looked.backup,
        observed_at=now,
        attempted_at=now,
        trouble=None,
        failures=0,
        failing_since=None,
        running_since=_running_since(before, looked.backup, now),
        after_failure=_is_after_failure(before, looked.backup),
        clock_offset=offset if abs(offset) > _CLOCK_NOISE else timedelta(),
        credits_remaining=looked.credits_remaining,
        restored=False,
        looking=False,
    )


def _with_past(before: Snapshot, looked: Looked, now: datetime) -> Snapshot:
    past, changed = looked.past, before.backup != looked.backup
    if past is None or past.history is None:
        before = replace(before, history_behind=before.history_behind or changed)
    if past is None:
        return before
    links = past.links if past.links is not None else before.links
    return replace(
        before,
        history=past.history or before.history,
        history_at=now if past.history else before.history_at,
        history_behind=before.history_behind and past.history is None,
        past_unsettled=_unsettled(0 if changed else before.past_unsettled, past.history, looked.backup),
        links=links,
        links_expire=(links and links.expire) or before.links_expire,
        past_tried_at=now,
        past_trouble=past.trouble,
        past_failures=before.past_failures + 1 if past.trouble else 0,
    )


def _unsettled(before: int, history: History | None, backup: Backup | None) -> int:
    runs = backup is not None and backup.state is State.INPROGRESS
    return before + 1 if history and history.under_way and not runs else 0


def _with_company(before: Snapshot, looked: Looked, now: datetime) -> Snapshot:
    if not looked.company_asked:
        return before
    return replace(before, company=looked.company or before.company, company_at=now)


def failed(before: Snapshot, trouble: Trouble, now: datetime) -> Snapshot:
    """After an attempt that failed at `now`; what was known stays."""
    return replace(
        before,
        attempted_at=now,
        trouble=trouble,
        failures=before.failures + 1,
        failing_since=before.failing_since or now,
        looking=False,
    )


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
