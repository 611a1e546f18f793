"""What is known of one org at one moment, and how an attempt to look changes it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.zoho_api.backup import Backup, BackupState
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History

_CLOCK_RESOLUTION: Final = timedelta(seconds=3)
"""The `Date` header has whole seconds and the answer travels: less than this is no difference."""

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""Beyond this a clock that differs from Zoho's is told."""


@dataclass(frozen=True, slots=True)
class HistoryAndLinks:
    """What the history and the links call said, which are asked for seldom."""

    history: History | None
    """None: it could not be read."""
    links: Links | None
    """None: they could not be read."""
    problem: Problem | None = None
    """Why not all of it could be read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One good answer of Zoho's."""

    backup: Backup | None
    server_time: datetime | None = None
    """The `Date` header."""
    credits_remaining: int | None = None
    """`X-API-CREDITS-REMAINING`; Zoho sends it once half of the day's credits are used."""
    history_and_links: HistoryAndLinks | None = None
    """None: not asked for this time."""
    company: Company | None = None
    """None: not asked for this time, or the sign-in may not see it."""
    company_requested: bool = False


@dataclass(frozen=True, slots=True)
class ZohoData:
    """What Zoho said last. It stays while polls fail, with its age."""

    backup: Backup | None = None
    observed_at: datetime | None = None
    """When the last good answer came; None: there is none yet."""
    running_since: datetime | None = None
    """When the run in progress was first seen."""
    previous_run_failed: bool = False
    """A run is in progress, and the one seen before it had failed."""
    clock_offset: timedelta = timedelta()
    """Zoho's clock minus this machine's, where they differ."""
    credits_remaining: int | None = None
    company: Company | None = None
    company_requested_at: datetime | None = None
    history: History | None = None
    """None: it could not be read yet."""
    history_read_at: datetime | None = None
    history_outdated: bool = False
    """The details have changed since the history was read."""
    links: Links | None = None
    """None: they could not be read yet."""
    last_links_expiry: datetime | None = None
    """The last expiry that was ever seen: once it is past, "none" means "no longer"."""


@dataclass(frozen=True, slots=True)
class PollState:
    """How polling stands: whether the last poll worked, and what is to be retried."""

    attempted_at: datetime | None = None
    problem: Problem | None = None
    """Why the last poll failed; None: it did not."""
    failures: int = 0
    """Polls that failed in a row, over restarts too."""
    failing_since: datetime | None = None
    """When the first of them was made."""
    restored: bool = False
    """Kept from an earlier run of the program; nothing has been seen since."""
    history_tried_at: datetime | None = None
    history_problem: Problem | None = None
    """Why history or links could not be read the last time; None: they could."""
    history_failures: int = 0
    """How often in a row they could not."""
    unfinished_history_reads: int = 0
    """How often in a row the history had a start without an end, while the details say that nothing
    runs: Zoho writes the one before the other.
    """


@dataclass(frozen=True, slots=True)
class Activity:
    """What the poller does: it matters to who looks at the screen, not to a verdict."""

    next_poll: datetime | None = None
    """None: not before somebody acts."""
    polling: bool = False
    """A poll is under way."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one org at one moment."""

    org: Org
    zoho: ZohoData = ZohoData()
    polls: PollState = PollState()
    activity: Activity = Activity()

    @property
    def company_name(self) -> str | None:
        return self.zoho.company.name if self.zoho.company else None

    @property
    def last_completed(self) -> datetime | None:
        """When a backup last ended well, as far back as Zoho's history goes."""
        entry = self.zoho.history.last_completed if self.zoho.history else None
        return entry.logged_at if entry else None

    @property
    def last_failed(self) -> datetime | None:
        entry = self.zoho.history.last_failed if self.zoho.history else None
        return entry.logged_at if entry else None

    def links_expired_at(self, now: datetime) -> datetime | None:
        """When the files of the newest backup expired; None: they did not, or that is not known."""
        if self.zoho.links is None:
            return None
        expire = (
            self.zoho.links.expires_at if self.zoho.links.are_available else self.zoho.last_links_expiry
        )
        if expire is None or expire > self.zoho_now(now):
            return None
        # A backup that is newer than any of those files has its own still to come.
        newer = self.last_completed is not None and self.last_completed > expire
        return None if newer and not self.zoho.links.are_available else expire

    def zoho_now(self, now: datetime) -> datetime:
        """`now` by Zoho's clock, by which its dates are to be read."""
        return now.astimezone(UTC) + self.zoho.clock_offset  # across a change to summer time, too

    @property
    def next_run(self) -> datetime | None:
        """When Zoho says that the next one is; None: none is awaited."""
        if self.zoho.backup is None or self.zoho.backup.state in (
            BackupState.STOPPED,
            BackupState.FINISHED,
        ):
            return None
        return self.zoho.backup.next_run

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Negative once the run is due."""
        return None if self.next_run is None else self.next_run - self.zoho_now(now)


def apply_observation(before: Snapshot, observation: Observation, now: datetime) -> Snapshot:
    """After a good answer, received at `now`."""
    polls = PollState(
        attempted_at=now,
        history_tried_at=before.polls.history_tried_at,
        history_problem=before.polls.history_problem,
        history_failures=before.polls.history_failures,
        unfinished_history_reads=before.polls.unfinished_history_reads,
    )
    if observation.history_and_links:
        polls = _after_history_and_links(
            polls, observation.history_and_links, before.zoho.backup, observation.backup
        )
    return replace(
        before,
        zoho=_after_answer(before.zoho, observation, now),
        polls=polls,
        activity=replace(before.activity, polling=False),
    )


def _after_answer(before: ZohoData, looked: Observation, now: datetime) -> ZohoData:
    past = looked.history_and_links or HistoryAndLinks(None, None)
    links = past.links if past.links is not None else before.links
    offset = looked.server_time - now if looked.server_time else before.clock_offset
    return ZohoData(
        backup=looked.backup,
        observed_at=now,
        running_since=_running_since(before, looked.backup, now),
        previous_run_failed=_previous_run_failed(before, looked.backup),
        clock_offset=offset if abs(offset) > _CLOCK_RESOLUTION else timedelta(),
        credits_remaining=looked.credits_remaining,
        company=looked.company or before.company,
        company_requested_at=now if looked.company_requested else before.company_requested_at,
        history=past.history or before.history,
        history_read_at=now if past.history else before.history_read_at,
        history_outdated=past.history is None
        and (before.history_outdated or before.backup != looked.backup),
        links=links,
        last_links_expiry=(links and links.expires_at) or before.last_links_expiry,
    )


def _after_history_and_links(
    before: PollState, past: HistoryAndLinks, was: Backup | None, backup: Backup | None
) -> PollState:
    runs = backup is not None and backup.state is BackupState.INPROGRESS
    unfinished = past.history is not None and past.history.unfinished_start is not None and not runs
    reads = before.unfinished_history_reads if was == backup else 0
    return replace(
        before,
        history_tried_at=before.attempted_at,
        history_problem=past.problem,
        history_failures=before.history_failures + 1 if past.problem else 0,
        unfinished_history_reads=reads + 1 if unfinished else 0,
    )


def apply_failure(before: Snapshot, problem: Problem, now: datetime) -> Snapshot:
    """After a poll that failed at `now`; what was known stays."""
    polls = replace(
        before.polls,
        attempted_at=now,
        problem=problem,
        failures=before.polls.failures + 1,
        failing_since=before.polls.failing_since or now,
    )
    return replace(before, polls=polls, activity=replace(before.activity, polling=False))


def _running_since(before: ZohoData, backup: Backup | None, now: datetime) -> datetime | None:
    if backup is None or backup.state is not BackupState.INPROGRESS:
        return None
    was = before.backup
    same_run = (
        was is not None
        and was.state is BackupState.INPROGRESS
        and (was.id, was.scheduled_date) == (backup.id, backup.scheduled_date)
    )
    return before.running_since if same_run and before.running_since else now


def _previous_run_failed(before: ZohoData, backup: Backup | None) -> bool:
    if backup is None or backup.state is not BackupState.INPROGRESS or before.backup is None:
        return False
    failed_before = before.backup.state in (BackupState.FAILED, BackupState.PAYMENT_FAILED)
    return failed_before or (before.previous_run_failed and before.backup.state is BackupState.INPROGRESS)
