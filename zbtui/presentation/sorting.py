"""The orders in which orgs are shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Any, Final, Literal

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Verdict
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.recurrence import parse_rrule

SortOrder = Literal["worst", "next", "name", "good", "company", "dc", "by", "links", "plan"]
SORT_CYCLE: Final[tuple[SortOrder, ...]] = ("worst", "next", "name", "good")
"""The orders that the key for sorting cycles through; the others are chosen by a column of the table."""
DEFAULT_SORT: Final[SortOrder] = "worst"
SORT_LABELS: Final[dict[SortOrder, str]] = {
    "worst": "worst first",
    "next": "next run",
    "name": "name",
    "good": "last good, oldest first",
    "company": "company",
    "dc": "data center",
    "by": "requester",
    "links": "expiry of the links",
    "plan": "plan, most frequent first",
}
_FIRST: Final = -inf
_LAST: Final = inf


def sort_key(order: SortOrder, snapshot: Snapshot, verdict: Verdict, now: datetime) -> tuple[Any, ...]:
    """Return the key by which an org is sorted in this order; orgs with equal keys keep the config's order.

    For the same snapshot and verdict, the key does not depend on `now`, except in the order `links`, where
    it changes once the links have expired.
    """
    backup = snapshot.zoho.backup
    match order:
        case "worst":
            return (-verdict.level,)
        case "next":
            return (_time_key(snapshot.next_run, _LAST),)
        case "good":
            # No known good backup counts as the oldest.
            return (_time_key(snapshot.last_completed, _FIRST),)
        case "links":
            expires_at = snapshot.zoho.links.expires_at if snapshot.zoho.links else None
            to_come = expires_at if expires_at and expires_at > snapshot.zoho_now(now) else None
            return (_time_key(to_come, _LAST),)
        case "plan":
            return _plan_key(backup.rrule if backup else None)
        case "name":
            return _text_key(snapshot.org.name)
        case "company":
            return _text_key(snapshot.company_name)
        case "dc":
            return _text_key(data_center_label(snapshot.org.data_center))
        case "by":
            return _text_key(backup.requester.name if backup and backup.requester else None)


def _time_key(at: datetime | None, otherwise: float) -> float:
    """Return the time as a number of seconds, or `otherwise` if the time is None.

    Comparing dates with different UTC offsets would take ten times as long as comparing numbers.
    """
    return otherwise if at is None else at.timestamp()


def _text_key(text: str | None) -> tuple[Any, ...]:
    """Return a key that sorts texts alphabetically, ignoring case, with None and empty texts last."""
    return (not text, (text or "").casefold())


def _plan_key(rrule: str | None) -> tuple[Any, ...]:
    """Return a key that sorts recurrence rules by the gap between their runs, shortest gap first.

    After these come the rules with an unknown gap, and last the orgs without a rule.
    """
    rule = parse_rrule(rrule) if rrule else None
    gap = rule.documented_gap if rule else None
    return (not rrule, gap or timedelta.max, rule.text if rule else rrule or "")
