"""When time alone may make another verdict of what is known: thousands need not be judged each second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.core.cadence import PAST_EVERY
from zbtui.core.judge import PATIENCE
from zbtui.core.org import Policy
from zbtui.core.rules import LINKS_NEAR, Case, oldest_allowed, waiting_since
from zbtui.core.runs import LONGEST_RUN
from zbtui.core.snapshot import Snapshot

NEVER: Final = datetime.max.replace(tzinfo=UTC)
_SOONEST: Final = timedelta.resolution


def turns_at(snapshot: Snapshot, policy: Policy, now: datetime) -> datetime:
    """The first moment after `now` at which `judge` may give another name or level; `NEVER`: none will.

    Up to it only its words change, such as a countdown. Where the clock is set back, nothing is told.

    Args:
        policy: from when on to worry, of all orgs.
        now: the moment, by this machine's clock, with a time zone.
    """
    now = now.astimezone(UTC)
    known = Case(snapshot, policy.of(snapshot.org), now)
    found = NEVER
    for moment, span in _bounds(known):
        at = moment.astimezone(UTC) + span
        # What is allowed up to a moment is over just after it.
        at = at if at > now else at + _SOONEST
        if now < at < found:
            found = at
    return found


def _bounds(case: Case) -> Iterator[tuple[datetime, timedelta]]:
    """Each moment that a rule measures from, with what it may be off by; in this machine's time."""
    snapshot, policy, none = case.snapshot, case.policy, timedelta()
    if snapshot.zoho.observed_at:
        yield snapshot.zoho.observed_at, PATIENCE * policy.every
        yield snapshot.zoho.observed_at, -PATIENCE * policy.every
    if snapshot.zoho.history_read_at:
        yield snapshot.zoho.history_read_at, none
        yield snapshot.zoho.history_read_at, PATIENCE * PAST_EVERY
    if snapshot.zoho.running_since:
        yield snapshot.zoho.running_since, policy.long_run_after
    for moment, span in _bounds_of_zoho(case):
        yield moment, span - snapshot.zoho.clock_offset


def _bounds_of_zoho(case: Case) -> Iterator[tuple[datetime, timedelta]]:
    """The same, in Zoho's time."""
    snapshot, policy, none = case.snapshot, case.policy, timedelta()
    if snapshot.next_run:
        yield snapshot.next_run, none
        yield snapshot.next_run, policy.overdue_after
    limit, since = oldest_allowed(case), waiting_since(case)
    if limit is not None and since:
        yield since, limit
    start = snapshot.zoho.history.under_way if snapshot.zoho.history else None
    if start and start.at:
        yield start.at, policy.long_run_after
        yield start.at, LONGEST_RUN
    if snapshot.zoho.links and snapshot.zoho.links.expire:
        yield snapshot.zoho.links.expire, -LINKS_NEAR
        yield snapshot.zoho.links.expire, none
