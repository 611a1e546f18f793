"""What has changed about an org from one look to the next: what the journal keeps."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final, Literal

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Verdict
from zbtui.zoho_api.backup import Backup
from zbtui.zoho_api.recurrence import rrule_text

LICENCE_EXPIRY_NOTICE: Final = timedelta(days=30)
"""A licence that ends within this is noted."""

EventKind = Literal["status", "verdict", "schedule", "requester", "run", "trouble", "licence"]


@dataclass(frozen=True, slots=True)
class OrgState:
    """How an org stands after a look, each part in one word or line; None: nothing, or not known."""

    status: str | None
    """Zoho's word; `none` where no backup is set up."""
    verdict: str
    schedule: str | None
    """The recurrence rule, as it came."""
    requester: str | None
    """Name and ZUID."""
    run: str | None
    """How and when the newest run ended."""
    trouble: str | None
    """Why the look failed; None: it did not."""
    licence: str | None
    """The date on which the licence ends, once that is near."""


EVENT_KINDS: Final[tuple[EventKind, ...]] = (
    "status",
    "verdict",
    "schedule",
    "requester",
    "run",
    "trouble",
    "licence",
)
assert tuple(field.name for field in fields(OrgState)) == EVENT_KINDS


@dataclass(frozen=True, slots=True)
class Event:
    """One change."""

    at: datetime
    """When it was seen."""
    org: str
    kind: EventKind
    before: str | None
    after: str | None
    """None, for a trouble: it is over."""
    level: str
    """The word of the verdict's level after the look."""
    headline: str
    """The verdict's."""


def before_and_after_texts(event: Event) -> tuple[str, str]:
    """What it was before and what it is now, as people say it."""
    before, after = (_value_text(event, part) for part in (event.before, event.after))
    return before, "over" if event.kind == "trouble" and event.after is None else after


def _value_text(event: Event, part: str | None) -> str:
    if part is None:
        return "–"
    return rrule_text(part) if event.kind == "schedule" else part


def org_state_from(snapshot: Snapshot, verdict: Verdict, now: datetime) -> OrgState | None:
    """How an org stands by now; None: it was never seen, and nothing keeps it from being looked at."""
    if snapshot.zoho.observed_at is None and snapshot.polls.problem is None:
        return None
    backup, trouble = snapshot.zoho.backup, snapshot.polls.problem
    seen = snapshot.zoho.observed_at is not None
    return OrgState(
        status=(backup.status if backup else "none") if seen else None,
        verdict=verdict.name,
        schedule=backup.rrule if backup else None,
        requester=_requester_text(backup),
        run=_last_run_text(snapshot),
        trouble=trouble.message if trouble else None,
        licence=_licence_expiry_text(snapshot, now),
    )


def state_changes(
    before: OrgState | None, after: OrgState
) -> tuple[tuple[EventKind, str | None, str | None], ...]:
    """What is another than it was: kind, from, to. Of a first standing, only its verdict and its trouble.

    While an org cannot be looked at, what is known of it is as old as its last good look: no change.
    """
    pairs = ((kind, getattr(before, kind, None), getattr(after, kind)) for kind in EVENT_KINDS)
    return tuple(
        (kind, was, has)
        for kind, was, has in pairs
        if was != has and (before is not None or kind in ("verdict", "trouble"))
    )


def _requester_text(backup: Backup | None) -> str | None:
    who = backup.requester if backup else None
    known = (who.name, who.zuid and f"ZUID {who.zuid}") if who else ()
    return " · ".join(filter(None, known)) or None


def _last_run_text(snapshot: Snapshot) -> str | None:
    last = snapshot.zoho.history.last_finished if snapshot.zoho.history else None
    if last is None or last.outcome is None:
        return None
    return (
        f"{last.outcome.value} {last.logged_at.isoformat(timespec='seconds')}"
        if last.logged_at
        else last.outcome.value
    )


def _licence_expiry_text(snapshot: Snapshot, now: datetime) -> str | None:
    ends = snapshot.zoho.company.licence_expires_at if snapshot.zoho.company else None
    return ends.date().isoformat() if ends and ends - now <= LICENCE_EXPIRY_NOTICE else None
