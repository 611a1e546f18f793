"""Decides when to poll each org next: pure functions of the snapshot, the policy and `now`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.backoff import backoff
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.backup_details import Backup, BackupState

CLOSE_WATCH_BEFORE_RUN: Final = timedelta(minutes=2)
"""The time before the next run is due from which zbtui polls at the shorter interval."""
MIN_POLL_GAP: Final = timedelta(seconds=5)
"""The least time between two polls of one org, even on request."""
MIN_DEVICE_POLL_INTERVAL: Final = timedelta(seconds=30)
"""The least time between two requests that ask if a device code was entered.

It applies even if Zoho's answer names a shorter time ("Polling request").
"""
JITTER: Final = 0.1
"""The largest fraction of a poll interval by which the interval is made longer or shorter."""
HISTORY_AND_LINKS_EVERY: Final = timedelta(hours=6)
"""The time between two requests for history and links while the backup details do not change."""
COMPANY_EVERY: Final = timedelta(days=1)
_FIRST_RETRY: Final = timedelta(seconds=30)
_MAX_RETRY: Final = timedelta(minutes=15)
_FIRST_LOCKOUT: Final = timedelta(minutes=10)
MAX_LOCKOUT: Final = timedelta(minutes=40)
_MAX_RETRY_AFTER: Final = timedelta(days=1)
_FIRST_HISTORY_AND_LINKS_RETRY: Final = timedelta(minutes=1)


def next_poll(snapshot: Snapshot, policy: WatchPolicy, now: datetime, jitter: float) -> datetime | None:
    """Return the time of the next poll after this snapshot; None if there is no poll until a person acts.

    `jitter`, from -1 to 1, moves the time a little, so that the polls of many orgs do not coincide.
    """
    problem, policy = snapshot.polls.problem, snapshot.org.own_policy(policy)
    if problem is None:
        return now + _poll_interval(snapshot, policy, now, 1 + JITTER * jitter)
    if problem.final:
        return None
    # A policy that polls every few seconds (on loopback) also retries that soon.
    first = min(_FIRST_RETRY, policy.every)
    pause = backoff(first, snapshot.polls.failures - 1, _MAX_RETRY)
    retry = now + pause * (1 + JITTER * jitter)
    if problem.retry_at is None:
        return retry
    # Never before the time that Zoho named; a little after it, so that not all orgs retry at once.
    return max(retry, problem.retry_at + first * JITTER * abs(jitter))


def history_and_links_are_due(before: Snapshot, backup: Backup | None, now: datetime) -> bool:
    """Whether a poll that returned `backup` has to request the history and the links, too.

    They are due at first, when the backup details have changed, when a run was due, and every six hours. If
    a read failed, or the history lacks the end of the last run or a run that was due, they are due after 1,
    2, 4 … minutes; never before the time in Zoho's `Retry-After` header.
    """
    polls, tried_at = before.polls, before.polls.history_tried_at
    is_unread = before.zoho.history is None and not polls.history_failures
    if tried_at is None or is_unread or before.zoho.observed_at is None:
        return True
    if now < tried_at:  # this machine's clock was set back
        return True
    problem = polls.history_problem or polls.links_problem
    if problem and problem.retry_at and now < problem.retry_at:
        return False
    if before.zoho.backup != backup or _date_has_passed(before, tried_at, now):
        return True
    tries = polls.history_failures or polls.unsettled_history_reads
    pause = HISTORY_AND_LINKS_EVERY
    if tries:
        pause = backoff(_FIRST_HISTORY_AND_LINKS_RETRY, tries - 1, HISTORY_AND_LINKS_EVERY)
    return now - tried_at >= pause


def _date_has_passed(before: Snapshot, tried_at: datetime, now: datetime) -> bool:
    """Whether a run came due, at least a minute ago, since the history was last requested."""
    dates = (due.at - before.zoho.clock_offset for due in before.zoho.due_dates)
    return any(tried_at < at <= now - _FIRST_HISTORY_AND_LINKS_RETRY for at in dates)


def company_is_due(before: Snapshot, now: datetime) -> bool:
    """Whether a poll has to request the company data: at first, and then once a day."""
    if before.zoho.company_requested_at is None:
        return True
    age = now - before.zoho.company_requested_at
    return age >= COMPANY_EVERY or age < timedelta()


def max_pause(snapshot: Snapshot, policy: WatchPolicy) -> timedelta:
    """Return the longest time until the next poll.

    If a poll is planned later than that, this machine's clock was set back.
    """
    problem = snapshot.polls.problem
    if problem is None:
        return snapshot.org.own_policy(policy).every
    if problem.forbids_early_retry:
        return MAX_LOCKOUT
    return _MAX_RETRY_AFTER if problem.retry_at else _MAX_RETRY


def lockout_duration(consecutive: int) -> timedelta:
    """Return how long to wait after the `consecutive`th "Access Denied" in a row: 10, 20, 40 minutes."""
    return backoff(_FIRST_LOCKOUT, consecutive - 1, MAX_LOCKOUT)


def _poll_interval(snapshot: Snapshot, policy: WatchPolicy, now: datetime, spread: float) -> timedelta:
    near, every = min(policy.near_every, policy.every) * spread, policy.every * spread
    backup = snapshot.zoho.backup
    if backup is None:
        return every
    if backup.state is BackupState.INPROGRESS:
        return near
    ahead = snapshot.time_to_next_run(now)
    if ahead is None or backup.state in (BackupState.STOPPED, BackupState.FINISHED):
        return every
    if ahead > CLOSE_WATCH_BEFORE_RUN:
        begins = ahead - CLOSE_WATCH_BEFORE_RUN
        # The jitter of a long interval must not reach far into the close watch before the run.
        return max(near, min(every, begins * spread, begins + policy.near_every))
    ended = backup.state in (BackupState.FAILED, BackupState.PAYMENT_FAILED)
    waiting = ahead > timedelta() or (not ended and -ahead <= policy.overdue_after)
    return near if waiting else every
