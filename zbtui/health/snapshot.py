"""All that is known of one org at one moment, and how a poll changes it."""

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
"""A smaller clock difference is ignored: the `Date` header has whole seconds, and answers take time."""

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""A larger difference from Zoho's clock is shown."""


@dataclass(frozen=True, slots=True)
class HistoryAndLinks:
    """The answers to the history and links requests, which are rare."""

    history: History | None
    """None: it could not be read."""
    links: Links | None
    """None: they could not be read."""
    problem: Problem | None = None
    """Why a part could not be read."""


@dataclass(frozen=True, slots=True)
class Observation:
    """What one good poll brought."""

    backup: Backup | None
    server_time: datetime | None = None
    """The `Date` header."""
    credits_remaining: int | None = None
    """`X-API-CREDITS-REMAINING`; Zoho sends it once half of the day's credits are used."""
    history_and_links: HistoryAndLinks | None = None
    """None: not requested this time."""
    company: Company | None = None
    """None: not requested this time, or the sign-in lacks the right."""
    company_requested: bool = False


@dataclass(frozen=True, slots=True)
class ZohoData:
    """Zoho's last answers; kept while polls fail."""

    backup: Backup | None = None
    observed_at: datetime | None = None
    """When the last good answer came; None: none did yet."""
    running_since: datetime | None = None
    """When the run in progress was first seen."""
    previous_run_failed: bool = False
    """A run is in progress, and the one seen before it failed."""
    clock_offset: timedelta = timedelta()
    """Zoho's clock minus this machine's; zero up to 3 seconds."""
    credits_remaining: int | None = None
    company: Company | None = None
    company_requested_at: datetime | None = None
    history: History | None = None
    """None: not read yet."""
    history_read_at: datetime | None = None
    history_outdated: bool = False
    """The details have changed since the history was read."""
    links: Links | None = None
    """None: not read yet."""
    last_links_expiry: datetime | None = None
    """The latest expiry ever seen; after it, missing links are expired ones."""


@dataclass(frozen=True, slots=True)
class PollState:
    """Whether the last poll worked, and what to retry."""

    attempted_at: datetime | None = None
    problem: Problem | None = None
    """Why the last poll failed; None: it did not."""
    failures: int = 0
    """Failed polls in a row, counted across restarts."""
    failing_since: datetime | None = None
    """When the first of these polls was made."""
    restored: bool = False
    """Loaded from the journal; no good poll since."""
    history_tried_at: datetime | None = None
    history_problem: Problem | None = None
    """Why the last read of history or links failed; None: it did not."""
    history_failures: int = 0
    """Failed reads in a row."""
    unfinished_history_reads: int = 0
    """Reads in a row whose history has a start without an end though the details show no run in
    progress: Zoho updates the details first.
    """


@dataclass(frozen=True, slots=True)
class Activity:
    """What the poller is doing: for the screen; verdicts ignore it."""

    next_poll: datetime | None = None
    """None: not until somebody acts."""
    polling: bool = False
    """A poll is in progress."""
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
        """When a backup last completed, as far back as Zoho's history goes."""
        entry = self.zoho.history.last_completed if self.zoho.history else None
        return entry.logged_at if entry else None

    @property
    def last_failed(self) -> datetime | None:
        entry = self.zoho.history.last_failed if self.zoho.history else None
        return entry.logged_at if entry else None

    def links_expired_at(self, now: datetime) -> datetime | None:
        """When the newest backup's files expired; None: not expired, or unknown."""
        links = self.zoho.links
        if links is None:
            return None
        expire = links.expires_at if links.are_available else self.zoho.last_links_expiry
        if expire is None or expire > self.zoho_now(now):
            return None
        # A newer backup will get links of its own.
        newer = self.last_completed is not None and self.last_completed > expire
        return None if newer and not links.are_available else expire

    def zoho_now(self, now: datetime) -> datetime:
        """`now` by Zoho's clock, for comparison with Zoho's dates."""
        return now.astimezone(UTC) + self.zoho.clock_offset  # in UTC: correct across a DST change

    @property
    def next_run(self) -> datetime | None:
        """When the next run is due, by Zoho; None: no run will come."""
        backup = self.zoho.backup
        if backup is None or backup.state in (BackupState.STOPPED, BackupState.FINISHED):
            return None
        return backup.next_run

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Time until the next run; negative once it is due."""
        return None if self.next_run is None else self.next_run - self.zoho_now(now)


def apply_observation(before: Snapshot, observation: Observation, now: datetime) -> Snapshot:
    """The snapshot after a good poll at `now`."""
    polls = PollState(
        attempted_at=now,
        history_tried_at=before.polls.history_tried_at,
        history_problem=before.polls.history_problem,
        history_failures=before.polls.history_failures,
        unfinished_history_reads=before.polls.unfinished_history_reads,
    )
    if fetched := observation.history_and_links:
        polls = _after_history_and_links(polls, fetched, before.zoho.backup, observation.backup)
    zoho, activity = _after_answer(before.zoho, observation, now), replace(before.activity, polling=False)
    return replace(before, zoho=zoho, polls=polls, activity=activity)


def _after_answer(before: ZohoData, observation: Observation, now: datetime) -> ZohoData:
    fetched = observation.history_and_links or HistoryAndLinks(None, None)
    links = fetched.links if fetched.links is not None else before.links
    offset = observation.server_time - now if observation.server_time else before.clock_offset
    return ZohoData(
        backup=observation.backup,
        observed_at=now,
        running_since=_running_since(before, observation.backup, now),
        previous_run_failed=_previous_run_failed(before, observation.backup),
        clock_offset=offset if abs(offset) > _CLOCK_RESOLUTION else timedelta(),
        credits_remaining=observation.credits_remaining,
        company=observation.company or before.company,
        company_requested_at=now if observation.company_requested else before.company_requested_at,
        history=fetched.history or before.history,
        history_read_at=now if fetched.history else before.history_read_at,
        history_outdated=fetched.history is None
        and (before.history_outdated or before.backup != observation.backup),
        links=links,
        last_links_expiry=(links and links.expires_at) or before.last_links_expiry,
    )


def _after_history_and_links(
    before: PollState, fetched: HistoryAndLinks, was: Backup | None, backup: Backup | None
) -> PollState:
    runs = backup is not None and backup.state is BackupState.INPROGRESS
    unfinished = fetched.history is not None and fetched.history.unfinished_start is not None and not runs
    reads = before.unfinished_history_reads if was == backup else 0
    return replace(
        before,
        history_tried_at=before.attempted_at,
        history_problem=fetched.problem,
        history_failures=before.history_failures + 1 if fetched.problem else 0,
        unfinished_history_reads=reads + 1 if unfinished else 0,
    )


def apply_failure(before: Snapshot, problem: Problem, now: datetime) -> Snapshot:
    """The snapshot after a failed poll at `now`; Zoho's data stays."""
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
