"""Finds when a verdict can change without new data, so that not every org is judged each second."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.health.case import Case, backup_awaited_since, max_backup_age
from zbtui.health.critical_rules import MAX_HISTORY_AGE, MAX_HISTORY_LAG
from zbtui.health.judge import ALLOWED_FAILURES
from zbtui.health.snapshot import Snapshot
from zbtui.health.warning_rules import LINKS_EXPIRY_WARNING
from zbtui.model.watch_policy import WatchPolicy

NEVER: Final = datetime.max.replace(tzinfo=UTC)
_TIME_RESOLUTION: Final = timedelta.resolution


def next_verdict_change(snapshot: Snapshot, policy: WatchPolicy, now: datetime) -> datetime:
    """Return the first moment after `now` at which `judge` can give another name or level, or `NEVER`.

    Until then only the verdict's words change, such as a countdown. After this machine's clock was set
    back, the moment is no longer valid.
    """
    now = now.astimezone(UTC)
    case = Case(snapshot, snapshot.org.own_policy(policy), now, ALLOWED_FAILURES)
    found = NEVER
    for moment, span in _thresholds(case):
        at = moment.astimezone(UTC) + span
        # A rule still allows exactly its threshold; the verdict changes just after it.
        at = at if at > now else at + _TIME_RESOLUTION
        if now < at < found:
            found = at
    return found


def _thresholds(case: Case) -> Iterator[tuple[datetime, timedelta]]:
    """Yield each moment from which a rule measures time, and the span that the rule allows.

    The moments are by this machine's clock.
    """
    snapshot, policy = case.snapshot, case.policy
    if snapshot.zoho.observed_at:
        yield snapshot.zoho.observed_at, ALLOWED_FAILURES * policy.every
        yield snapshot.zoho.observed_at, -ALLOWED_FAILURES * policy.every
    if snapshot.zoho.history_read_at:
        if snapshot.zoho.history_read_at > case.now:  # this machine's clock was set back
            yield snapshot.zoho.history_read_at, timedelta()
        yield snapshot.zoho.history_read_at, MAX_HISTORY_AGE
    if snapshot.zoho.history_behind_since:
        yield snapshot.zoho.history_behind_since, MAX_HISTORY_LAG
    if snapshot.zoho.running_since:
        yield snapshot.zoho.running_since, policy.long_run_after
    for moment, span in _zoho_thresholds(case):
        yield moment, span - snapshot.zoho.clock_offset


def _zoho_thresholds(case: Case) -> Iterator[tuple[datetime, timedelta]]:
    """Yield pairs of moment and span like `_thresholds`, but for moments by Zoho's clock."""
    snapshot, policy = case.snapshot, case.policy
    if snapshot.next_run:
        yield snapshot.next_run, timedelta()
        yield snapshot.next_run, policy.overdue_after
    limit, since = max_backup_age(case), backup_awaited_since(case)
    if limit is not None and since:
        yield since, limit
    start = snapshot.zoho.history.unfinished_start if snapshot.zoho.history else None
    if start and start.logged_at:
        yield start.logged_at, policy.long_run_after
    for due in snapshot.zoho.due_dates:
        yield due.at, policy.overdue_after
    first = snapshot.zoho.backup.first_run if snapshot.zoho.backup else None
    if first:
        yield first, timedelta()
    if snapshot.zoho.links and snapshot.zoho.links.expires_at:
        yield snapshot.zoho.links.expires_at, -LINKS_EXPIRY_WARNING
        yield snapshot.zoho.links.expires_at, timedelta()
