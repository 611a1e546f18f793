"""What a poll adds to what the journal has of an org, whichever process has written that.

Pure: the journal calls `merge` within the transaction in which it has read `Kept`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.events import Event, OrgState, org_state_from, state_changes
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy

_MAX_CLOCK_ERROR: Final = timedelta(hours=1)
"""What was kept at a moment further ahead than this was kept while the clock was wrong."""


@dataclass(frozen=True, slots=True)
class JournaledState:
    """What the journal has of an org."""

    snapshot: Snapshot | None = None
    """With the history; None: it was not read, for `is_later` says that its history is no news."""
    polled_at: datetime | None = None
    """When the poll was made that was written last; None: none was."""
    org_state: OrgState | None = None
    """How the org stood after it; None: that is not understood, or there was none."""


@dataclass(frozen=True, slots=True)
class MergeResult:
    """What is known after a poll, and what is to be written."""

    snapshot: Snapshot
    org_state: OrgState | None = None
    """None: nothing is to be written."""
    events: tuple[Event, ...] = ()


def merge(polled: Snapshot, kept: JournaledState, policy: WatchPolicy, now: datetime) -> MergeResult:
    """What a poll, good or failed, has changed.

    Of several processes that see the same change, the first one that writes has it as an event. A poll
    that is older than the one that was written last changes nothing.

    Args:
        polled: what this process knows after its poll.
    """
    snapshot = with_later_history(polled, kept.snapshot)
    verdict = judge(snapshot, policy, now)
    standing, at = org_state_from(snapshot, verdict, now), polled.polls.attempted_at
    if standing is None or at is None or (kept.polled_at and at < kept.polled_at <= now + _MAX_CLOCK_ERROR):
        return MergeResult(snapshot)
    if kept.org_state and standing.trouble is not None:
        # While an org cannot be polled, it stands as the last good poll said, whichever process's.
        standing = replace(kept.org_state, verdict=standing.verdict, trouble=standing.trouble)
    events = tuple(
        Event(now, polled.org.name, kind, before, after, verdict.level.label, verdict.headline)
        for kind, before, after in state_changes(kept.org_state, standing)
    )
    return MergeResult(snapshot, standing, events)


def is_later(kept_at: datetime, own_at: datetime | None, now: datetime) -> bool:
    """Whether the history that is kept was read later than one's own.

    Args:
        own_at: None: there is none.
    """
    return kept_at <= now + _MAX_CLOCK_ERROR and (own_at is None or kept_at > own_at)


def is_newer(at: datetime, kept_at: datetime | None, now: datetime | None) -> bool:
    """Whether what was seen `at` a moment replaces what is kept.

    Args:
        kept_at: when that was seen; None: nothing is kept, or not understood.
        now: None: what is kept from a moment that is yet to come counts as newer, too.
    """
    return kept_at is None or at >= kept_at or (now is not None and kept_at > now + _MAX_CLOCK_ERROR)


def with_later_history(polled: Snapshot, kept: Snapshot | None) -> Snapshot:
    """With the history and the links that another process has read later.

    Two that go by different histories would contradict each other for hours.

    Args:
        kept: what the other one has kept; None: it has read none later.
    """
    if kept is None or kept.zoho.history is None:
        return polled
    zoho = replace(
        polled.zoho,
        history=kept.zoho.history,
        history_read_at=kept.zoho.history_read_at,
        history_outdated=kept.zoho.history_outdated or kept.zoho.backup != polled.zoho.backup,
        links=kept.zoho.links if kept.zoho.links is not None else polled.zoho.links,
        last_links_expiry=max(
            filter(None, (kept.zoho.last_links_expiry, polled.zoho.last_links_expiry)), default=None
        ),
    )
    tried_at = kept.polls.history_tried_at or polled.polls.history_tried_at
    polls = replace(
        polled.polls,
        history_tried_at=tried_at,
        history_problem=None,
        history_failures=0,
        unfinished_history_reads=0,
    )
    return replace(polled, zoho=zoho, polls=polls)
