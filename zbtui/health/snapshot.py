"""All that is known of one org at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.health.due_dates import DueDate, announced_run
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History

CLOCK_TOLERANCE: Final = timedelta(seconds=30)
"""A difference from Zoho's clock larger than this is shown."""


@dataclass(frozen=True, slots=True)
class HistoryAndLinks:
    """The answers to the history and links requests, which few polls send."""

    history: History | None
    """None: the history could not be read."""
    links: Links | None
    """None: the links could not be read."""
    problem: Problem | None = None
    """Why the history could not be read."""
    links_problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What one good poll brought."""

    backup: Backup | None
    server_time: datetime | None = None
    """The `Date` header."""
    requested_at: datetime | None = None
    """When the request was sent, by this machine's clock."""
    credits_remaining: int | None = None
    """`X-API-CREDITS-REMAINING`; Zoho sends it once half of the day's credits are used."""
    history_and_links: HistoryAndLinks | None = None
    """None: not requested this time."""
    company: Company | None = None
    """None: not requested this time, or the sign-in lacks the scope."""
    company_requested: bool = False


@dataclass(frozen=True, slots=True)
class ZohoData:
    """Zoho's last answers; kept while polls fail."""

    backup: Backup | None = None
    observed_at: datetime | None = None
    """When the last good answer came; None: no good answer yet."""
    server_time: datetime | None = None
    """The `Date` header of the last good answer that had one."""
    running_since: datetime | None = None
    """When the run in progress was first seen."""
    previous_run_failed: bool = False
    """Whether a run is in progress and the run seen before it failed."""
    clock_offset: timedelta = timedelta()
    """Zoho's clock minus this machine's; a difference of up to 3 seconds counts as zero."""
    credits_remaining: int | None = None
    company: Company | None = None
    company_requested_at: datetime | None = None
    history: History | None = None
    """None: not read yet."""
    history_read_at: datetime | None = None
    history_behind_since: datetime | None = None
    """Since when the history has been behind the details; None: it is not behind."""
    due_dates: tuple[DueDate, ...] = ()
    """The announced runs whose end is not known yet, oldest first."""
    links: Links | None = None
    """None: not read yet."""
    last_links_expiry: datetime | None = None
    """The latest expiry of links ever seen; links that are missing after that time have expired."""
    other_org_number: str | None = None
    """The org number that the sign-in answers for now, if it differs from that of `company`."""


@dataclass(frozen=True, slots=True)
class PollState:
    """Whether the last poll worked, and what to retry."""

    attempted_at: datetime | None = None
    problem: Problem | None = None
    """Why the last poll failed; None: it did not."""
    failures: int = 0
    """Failed polls in a row, counted across restarts."""
    failing_since: datetime | None = None
    """When the first of these failed polls was made."""
    restored: bool = False
    """Whether the snapshot was loaded from the journal, with no good poll since."""
    history_tried_at: datetime | None = None
    history_problem: Problem | None = None
    """Why the last read of the history failed; None: it did not."""
    links_problem: Problem | None = None
    """Why the last read of the links failed; None: it did not."""
    history_failures: int = 0
    """Failed reads of history or links in a row."""
    unsettled_history_reads: int = 0
    """Reads of the history in a row that left a run without an end, or a due date without a run: Zoho
    updates the details before the history.
    """


@dataclass(frozen=True, slots=True)
class Activity:
    """What the poller is doing, for the screen only: verdicts do not depend on it."""

    next_poll: datetime | None = None
    """None: no poll until a person acts."""
    polling: bool = False
    """Whether a poll is in progress."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one org at one moment."""

    org: Org
    zoho: ZohoData = ZohoData()
    polls: PollState = PollState()
    activity: Activity = Activity()
    twin: str | None = None
    """Another name under which the same org number is under watch."""

    @property
    def company_name(self) -> str | None:
        return self.zoho.company.name if self.zoho.company else None

    @property
    def org_number(self) -> str | None:
        return self.zoho.company.org_number if self.zoho.company else None

    @property
    def last_completed(self) -> datetime | None:
        """The earliest possible time of the last completed backup; None: the history has none."""
        return self.zoho.history.last_completed_at if self.zoho.history else None

    @property
    def last_failed(self) -> datetime | None:
        entry = self.zoho.history.last_failed if self.zoho.history else None
        return entry.logged_at if entry else None

    def links_expired_at(self, now: datetime) -> datetime | None:
        """When the newest backup's links expired; None: they have not expired, or it is unknown."""
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
        """When the next run is due according to Zoho; None: no run will come."""
        return announced_run(self.zoho.backup)

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Time until the next run; negative once the run is due."""
        return None if self.next_run is None else self.next_run - self.zoho_now(now)
