"""Snapshots for tests of the screen, in a few words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.support.clock import START
from zbtui.core.backup import Backup, parse_job
from zbtui.core.company import Company
from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Kind, Trouble

SEED_JOB: dict[str, Any] = {
    "id": "4876876000001593003",
    "scheduled_date": "2026-11-29T14:32:44+05:30",
    "start_date": "2026-07-12T12:30:00+05:30",
    "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "requester": {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "7534658674"},
    "status": "SCHEDULED",
}


def make_backup(**keys: Any) -> Backup:
    """The documented sample, with some keys changed."""
    backup = parse_job(SEED_JOB | keys)
    assert backup is not None
    return backup


def make_org(name: str = "acme", data_center: str = "eu") -> Org:
    return Org(name, data_center, "1000.ABC")


def company(name: str | None = "Nordlys Tools AB", **keys: Any) -> Company:
    """Whose org it is, of an edition that includes two backups a month."""
    given: dict[str, Any] = dict.fromkeys(("number", "country", "kind")) | {"edition": "enterprise"}
    return Company(name, **(given | keys))


def seen(name: str = "acme", at: datetime = START, **keys: Any) -> Snapshot:
    """An org whose backup was seen just now."""
    return Snapshot(
        make_org(name),
        backup=make_backup(**keys),
        observed_at=at,
        attempted_at=at,
        next_look=at + timedelta(minutes=5),
    )


def troubled(
    kind: Kind = "network", message: str = "It broke.", hint: str = "Mend it.", **keys: Any
) -> Snapshot:
    """An org that could not be looked at, and never was."""
    return Snapshot(
        make_org(), attempted_at=START, trouble=Trouble(kind, message, hint, **keys), failures=1
    )


def over(snapshot: Snapshot, trouble: Snapshot) -> Snapshot:
    """`snapshot`, with the trouble of the other on top of it."""
    return replace(snapshot, trouble=trouble.trouble, failures=3)
