"""Sample snapshots for tests of the screen."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import Any

from tests.support.fake_clock import START
from zbtui.health.snapshot import (
    Activity,
    HistoryAndLinks,
    Observation,
    PollState,
    Snapshot,
    ZohoData,
)
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemKind
from zbtui.zoho_api.backup_details import Backup, parse_backup
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History, build_history

SAMPLE_JOB: dict[str, Any] = {
    "id": "4876876000001593003",
    "scheduled_date": "2026-11-29T14:32:44+05:30",
    "start_date": "2026-07-12T12:30:00+05:30",
    "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "requester": {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "7534658674"},
    "status": "SCHEDULED",
}


def make_backup(**keys: Any) -> Backup:
    """The documented sample, with some keys changed."""
    backup = parse_backup(SAMPLE_JOB | keys)
    assert backup is not None
    return backup


def make_org(name: str = "acme", data_center: str = "eu") -> Org:
    return Org(name, data_center, "1000.ABC")


def make_company(name: str | None = "Nordlys Tools AB", **keys: Any) -> Company:
    """A company whose edition includes two backups a month."""
    given: dict[str, Any] = dict.fromkeys(("org_number", "country", "org_type")) | {"edition": "enterprise"}
    return Company(name, **(given | keys))


_PARTS = {"zoho": ZohoData, "polls": PollState, "activity": Activity}


def build_snapshot(org: Org, **values: Any) -> Snapshot:
    """A snapshot, from the fields of its parts; an observed one has a run completed a day before."""
    if seen := values.get("observed_at"):
        values.setdefault("history", completed_history(seen - timedelta(days=1)))
        if values["history"]:
            values.setdefault("history_read_at", seen)
    return snapshot_with(Snapshot(org), **values)


def good_observation(backup: Backup | None, **keys: Any) -> Observation:
    """An answer that comes with the history of a backup that completed a day before the tests begin."""
    extras = HistoryAndLinks(completed_history(START - timedelta(days=1)), None)
    return Observation(backup, **({"history_and_links": extras} | keys))


def completed_history(at: datetime) -> History:
    """A history with a single row: a run that completed."""
    row = {"id": "5100000000498022", "state": "completed", "log_time": at.isoformat()}
    return build_history([parse_entry(row)])


def snapshot_with(snapshot: Snapshot, **values: Any) -> Snapshot:
    """A copy with another `org`, or with other fields in its parts."""
    parts: dict[str, Any] = {"org": values.pop("org")} if "org" in values else {}
    for name, part in _PARTS.items():
        changed = {field.name: values.pop(field.name) for field in fields(part) if field.name in values}
        parts[name] = replace(getattr(snapshot, name), **changed)
    assert not values, f"in no part of a snapshot: {values}"
    return replace(snapshot, **parts)


def make_snapshot(name: str = "acme", at: datetime = START, **keys: Any) -> Snapshot:
    """An org whose backup was seen just now."""
    return build_snapshot(
        make_org(name),
        backup=make_backup(**keys),
        observed_at=at,
        attempted_at=at,
        next_poll=at + timedelta(minutes=5),
    )


def make_unpolled_snapshot(
    kind: ProblemKind = "network", message: str = "It broke.", hint: str = "Mend it.", **keys: Any
) -> Snapshot:
    """An org whose only poll failed."""
    return build_snapshot(
        make_org(), attempted_at=START, problem=Problem(kind, message, hint, **keys), failures=1
    )


def with_problem_of(snapshot: Snapshot, failed: Snapshot) -> Snapshot:
    """`snapshot` after three failed polls, with the problem of `failed`."""
    return snapshot_with(snapshot, problem=failed.polls.problem, failures=3)
