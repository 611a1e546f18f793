"""Merges the result of a poll with the org's state in the journal, which other processes write, too.

The functions are pure: the journal (zbtui's database) calls `merge` in the transaction in which it reads
the `JournaledState`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.due_dates import settle_due_dates
from zbtui.health.events import Event, OrgState, org_state_from, state_changes
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy

_MAX_CLOCK_ERROR: Final = timedelta(hours=1)
"""A stored time that is further in the future than this is taken as written by a wrong clock."""


@dataclass(frozen=True, slots=True)
class JournaledState:
    """The data about one org that the journal has stored."""

    snapshot: Snapshot | None = None
    """The stored snapshot, with its history.

    None if no snapshot is stored, or if its history is not later than this process's own (`is_later`).
    """
    polled_at: datetime | None = None
    """The time of the last poll in the journal; None if no poll is stored."""
    org_state: OrgState | None = None
    """The facts about the org after the poll of `polled_at`; None if none can be read."""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """The snapshot after a poll, and what the journal has to write."""

    snapshot: Snapshot
    org_state: OrgState | None = None
    """The facts about the org that the journal has to write; None if there is nothing to write."""
    events: tuple[Event, ...] = ()


def merge(polled: Snapshot, kept: JournaledState, policy: WatchPolicy, now: datetime) -> MergeResult:
    """Merge this process's snapshot after a poll (`polled`) with the journal's state (`kept`).

    The poll was good or failed. If several processes see the same change, the first to write it records the
    event. A poll older than the last stored one changes nothing in the journal.
    """
    snapshot = with_later_history(polled, kept.snapshot)
    verdict = judge(snapshot, policy, now)
    state, at = org_state_from(snapshot, verdict, now), polled.polls.attempted_at
    if state is None or at is None or (kept.polled_at and at < kept.polled_at <= now + _MAX_CLOCK_ERROR):
        return MergeResult(snapshot)
    if kept.org_state and state.trouble is not None:
        # A failed poll changes only verdict and problem. The other facts are those of the last good
        # poll, which another process may have made.
        state = replace(kept.org_state, verdict=state.verdict, trouble=state.trouble)
    events = tuple(
        Event(now, polled.org.name, kind, before, after, verdict.level.label, verdict.headline)
        for kind, before, after in state_changes(kept.org_state, state)
    )
    return MergeResult(snapshot, state, events)


def is_later(kept_at: datetime, own_at: datetime | None, now: datetime) -> bool:
    """Whether a stored history, read at `kept_at`, is later than this process's own, read at `own_at`.

    An `own_at` of None means that this process has no history. A `kept_at` more than an hour after `now`
    comes from a wrong clock, and is never later.
    """
    return kept_at <= now + _MAX_CLOCK_ERROR and (own_at is None or kept_at > own_at)


def is_newer(at: datetime, kept_at: datetime | None, now: datetime | None) -> bool:
    """Whether a value seen at `at` replaces the stored value, which was seen at `kept_at`.

    A `kept_at` of None means that no value is stored. A stored value from more than an hour after `now` is
    replaced, too, unless `now` is None.
    """
    return kept_at is None or at >= kept_at or (now is not None and kept_at > now + _MAX_CLOCK_ERROR)


def with_later_history(polled: Snapshot, kept: Snapshot | None) -> Snapshot:
    """Return `polled` with the history and the links of `kept`, if `kept` has a history.

    The journal passes `kept` only if its history is later than that of `polled` (`is_later`). With
    different histories, two processes would judge an org differently until the next read, hours later.
    """
    if kept is None or kept.zoho.history is None or kept.zoho.history_read_at is None:
        return polled
    history, read_at = kept.zoho.history, kept.zoho.history_read_at
    seen, since = polled.zoho.observed_at, kept.zoho.history_behind_since
    if since is None and seen and seen > read_at and kept.zoho.backup != polled.zoho.backup:
        since = seen
    expiries = (kept.zoho.last_links_expiry, polled.zoho.last_links_expiry)
    zoho = replace(
        polled.zoho,
        history=history,
        history_read_at=read_at,
        history_behind_since=since,
        due_dates=settle_due_dates(polled.zoho.due_dates, history, polled.zoho_now(read_at)),
        links=kept.zoho.links if kept.zoho.links is not None else polled.zoho.links,
        last_links_expiry=max(filter(None, expiries), default=None),
    )
    tried_at = kept.polls.history_tried_at or polled.polls.history_tried_at
    polls = replace(
        polled.polls,
        history_tried_at=tried_at,
        history_problem=None,
        links_problem=None,
        history_failures=0,
        unsettled_history_reads=0,
    )
    return replace(polled, zoho=zoho, polls=polls)
