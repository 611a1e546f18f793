"""Finds the changes of an org's state between two polls, which the journal records."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final, Literal, get_args

from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Verdict
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.recurrence import rrule_text

LICENCE_EXPIRY_NOTICE: Final = timedelta(days=30)
"""The time before the end of a licence from which zbtui records and shows the end."""

EventKind = Literal["status", "verdict", "schedule", "requester", "run", "trouble", "licence"]


@dataclass(frozen=True, slots=True)
class OrgState:
    """The seven facts about an org after a poll, each a text of one line; None means absent or unknown."""

    status: str | None
    """The status word of the backup, as Zoho sent it; `none` if no backup is set up."""
    verdict: str
    schedule: str | None
    """The recurrence rule, as Zoho sent it."""
    requester: str | None
    """The name and ZUID (Zoho's user id) of the user who requested the backup."""
    run: str | None
    """The outcome of the newest finished run, and the time of its end."""
    trouble: str | None
    """The message of the problem because of which the poll failed; None if the poll succeeded."""
    licence: str | None
    """The date on which the licence ends, once it is within `LICENCE_EXPIRY_NOTICE`."""


EVENT_KINDS: Final[tuple[EventKind, ...]] = get_args(EventKind)
assert tuple(field.name for field in fields(OrgState)) == EVENT_KINDS


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded change of one of the seven facts about an org (`OrgState`)."""

    at: datetime
    """The time when zbtui saw the change."""
    org: str
    kind: EventKind
    before: str | None
    after: str | None
    """The new value of the fact; None in an event of kind `trouble` means that the problem is over."""
    level: str
    """The label of the level of the verdict after the poll, such as `ok`."""
    headline: str
    """The headline of the verdict after the poll."""


def before_and_after_texts(event: Event) -> tuple[str, str]:
    """Return the old and the new value of an event, in plain words."""
    before, after = (_value_text(event, value) for value in (event.before, event.after))
    return before, "over" if event.kind == "trouble" and event.after is None else after


def _value_text(event: Event, value: str | None) -> str:
    if value is None:
        return "–"
    return rrule_text(value) if event.kind == "schedule" else value


def org_state_from(snapshot: Snapshot, verdict: Verdict, now: datetime) -> OrgState | None:
    """Return the facts about the org at `now`; None until a first poll has succeeded or failed."""
    if snapshot.zoho.observed_at is None and snapshot.polls.problem is None:
        return None
    backup, problem = snapshot.zoho.backup, snapshot.polls.problem
    seen = snapshot.zoho.observed_at is not None
    return OrgState(
        status=(backup.status if backup else "none") if seen else None,
        verdict=verdict.name,
        schedule=backup.rrule if backup else None,
        requester=_requester_text(backup),
        run=_last_run_text(snapshot),
        trouble=problem.message if problem else None,
        licence=_licence_expiry_text(snapshot, now),
    )


def state_changes(
    before: OrgState | None, after: OrgState
) -> tuple[tuple[EventKind, str | None, str | None], ...]:
    """Return the facts that have changed, as (kind, old value, new value).

    If `before` is None, only the verdict and the problem are reported. While polls fail, `after` repeats
    the other facts of the last good poll, so that no change of these facts is reported.
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
    outcome, at = last.outcome.value, last.logged_at
    return f"{outcome} {at.isoformat(timespec='seconds')}" if at else outcome


def _licence_expiry_text(snapshot: Snapshot, now: datetime) -> str | None:
    ends = snapshot.zoho.company.licence_expires_at if snapshot.zoho.company else None
    return ends.date().isoformat() if ends and ends - now <= LICENCE_EXPIRY_NOTICE else None
