"""The snapshot of an org: all that is known of the org at one moment."""

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
"""The difference between this machine's clock and Zoho's above which zbtui shows it."""


@dataclass(frozen=True, slots=True)
class HistoryAndLinks:
    """The answers to the requests for history and links, which only some polls send."""

    history: History | None
    """The history; None if it could not be read."""
    links: Links | None
    """The links; None if they could not be read."""
    problem: Problem | None = None
    """The problem that kept zbtui from reading the whole history; None if there was none."""
    links_problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The data that Zoho sent in answer to one successful poll of an org."""

    backup: Backup | None
    server_time: datetime | None = None
    """The time in the answer's `Date` header; None if the answer had no readable date."""
    requested_at: datetime | None = None
    """The time when the request was sent, by this machine's clock."""
    credits_remaining: int | None = None
    """The API credits left for the day, from the header `X-API-CREDITS-REMAINING`.

    Zoho sends the header once half of the day's credits are used.
    """
    history_and_links: HistoryAndLinks | None = None
    """The history and the links; None if this poll did not request them."""
    company: Company | None = None
    """The company data; None if this poll did not request them, or the sign-in lacks the scope."""
    company_requested: bool = False


@dataclass(frozen=True, slots=True)
class ZohoData:
    """The data that Zoho last sent about an org; kept while polls fail."""

    backup: Backup | None = None
    observed_at: datetime | None = None
    """The time of the last good answer; None if there is no good answer yet."""
    server_time: datetime | None = None
    """The `Date` header of the last good answer that had one."""
    running_since: datetime | None = None
    """The time when zbtui first saw the run in progress; None if no run is in progress."""
    previous_run_failed: bool = False
    """Whether a run is in progress and the run that was seen before it failed."""
    clock_offset: timedelta = timedelta()
    """The time by Zoho's clock minus that by this machine's; up to 3 seconds are stored as zero."""
    credits_remaining: int | None = None
    company: Company | None = None
    company_requested_at: datetime | None = None
    history: History | None = None
    """The history as last read; None if it was never read."""
    history_read_at: datetime | None = None
    history_behind_since: datetime | None = None
    """The time since when the history has been behind Zoho's backup details; None if it is not."""
    due_dates: tuple[DueDate, ...] = ()
    """The due dates of announced runs whose end is not known yet, oldest first."""
    links: Links | None = None
    """The download links as last read; None if they were never read."""
    last_links_expiry: datetime | None = None
    """The latest expiry of links ever seen; links missing after that time are taken as expired."""
    other_org_number: str | None = None
    """The org number for which the sign-in now answers, if it is not the number of `company`."""


@dataclass(frozen=True, slots=True)
class PollState:
    """Whether the last poll of an org succeeded, and what has to be retried."""

    attempted_at: datetime | None = None
    problem: Problem | None = None
    """The problem because of which the last poll failed; None if the poll succeeded."""
    failures: int = 0
    """The number of failed polls in a row, counted across restarts of zbtui."""
    failing_since: datetime | None = None
    """The time of the first of the failed polls in a row; None if the last poll succeeded."""
    restored: bool = False
    """Whether the snapshot was loaded from the journal and no poll has succeeded since."""
    history_tried_at: datetime | None = None
    history_problem: Problem | None = None
    """The problem with the last read of the history; None if there was none."""
    links_problem: Problem | None = None
    """The problem with the last read of the links; None if there was none."""
    history_failures: int = 0
    """The number of failed reads of the history or the links in a row."""
    unsettled_history_reads: int = 0
    """The number of reads in a row after which the history was still incomplete.

    A run had no end, or a due date no run: Zoho updates the backup details before the history.
    """


@dataclass(frozen=True, slots=True)
class Activity:
    """The current activity of an org's poller, for the screen only: verdicts do not depend on it."""

    next_poll: datetime | None = None
    """The time of the next poll; None if there is no poll until a person acts."""
    polling: bool = False
    """Whether a poll is in progress."""
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that is known of one Zoho CRM org at one moment."""

    org: Org
    zoho: ZohoData = ZohoData()
    polls: PollState = PollState()
    activity: Activity = Activity()
    twin: str | None = None
    """The name of another watched org that has the same org number; None if there is none."""

    @property
    def company_name(self) -> str | None:
        return self.zoho.company.name if self.zoho.company else None

    @property
    def org_number(self) -> str | None:
        return self.zoho.company.org_number if self.zoho.company else None

    @property
    def last_completed(self) -> datetime | None:
        """The earliest possible time of the last completed backup; None if the history shows none."""
        return self.zoho.history.last_completed_at if self.zoho.history else None

    @property
    def last_failed(self) -> datetime | None:
        entry = self.zoho.history.last_failed if self.zoho.history else None
        return entry.logged_at if entry else None

    def links_expired_at(self, now: datetime) -> datetime | None:
        """Return when the newest backup's download links expired; None if they have not, or if unknown."""
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
        """Return the time `now` by Zoho's clock, for comparison with Zoho's dates."""
        return now.astimezone(UTC) + self.zoho.clock_offset  # in UTC: correct across a DST change

    @property
    def next_run(self) -> datetime | None:
        """The time when the next run is due according to Zoho; None if no run will come."""
        return announced_run(self.zoho.backup)

    def time_to_next_run(self, now: datetime) -> timedelta | None:
        """Return the time until the next run; negative once the run is due, None if no run will come."""
        return None if self.next_run is None else self.next_run - self.zoho_now(now)
