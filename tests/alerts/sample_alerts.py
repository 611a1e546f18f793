"""Sample alerts and snapshots."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tests.support.samples import DAY, NOW, OFFLINE, SIGNED_OUT, make_backup
from tests.support.snapshots import build_snapshot
from zbtui.health.alert_policy import Alert, AlertKind
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level
from zbtui.store.outbox import StoredAlert

HOSTILE_TEXTS: Final = (
    "$(touch touched)",
    "`touch touched`",
    "; touch touched #",
    "&& touch touched",
    "| tee touched",
    "> touched",
    "two  words",
    "it's",
    'say "no"',
    "back\\slash",
    "$HOME ${PATH} %PATH%",
    "*",
    "-rf",
    "=",
    "ünïcødé ✖ 🗄",
    "[red]not markup[/]",
)
"""Clean texts that a shell or a careless program would interpret."""


def make_alert(org: str = "acme", kind: AlertKind = "alarm", **parts: Any) -> Alert:
    """An alarm of a failed backup, with these fields replaced."""
    alert = Alert(
        NOW, kind, org, "scheduled", "failed", Level.CRITICAL, "The backup failed", "See Zoho: Setup"
    )
    return replace(alert, **parts)


SAMPLE_UUID: Final = "0b7c6bd8-5f1e-4b0c-9a53-7f7f3f1c2a11"


def make_stored_alert(**parts: Any) -> StoredAlert:
    return StoredAlert(SAMPLE_UUID, 7, make_alert(**parts))


def make_org(name: str) -> Org:
    return Org(name, "eu", f"1000.{name.upper()}")


def healthy_snapshot(name: str, at: datetime, **known: Any) -> Snapshot:
    """A snapshot polled at `at`, with a next run."""
    return build_snapshot(
        make_org(name), backup=make_backup("SCHEDULED", at + DAY), observed_at=at, attempted_at=at, **known
    )


def failed_backup_snapshot(name: str, at: datetime, **known: Any) -> Snapshot:
    """A snapshot polled at `at`, with a failed run."""
    return build_snapshot(
        make_org(name), backup=make_backup("FAILED"), observed_at=at, attempted_at=at, **known
    )


def unreachable_snapshot(
    name: str, at: datetime, failures: int = 3, problem: Problem = OFFLINE, **known: Any
) -> Snapshot:
    """A snapshot with `failures` failed polls, the last one at `at`."""
    return build_snapshot(
        make_org(name), attempted_at=at, problem=problem, failures=failures, failing_since=at, **known
    )


def signed_out_snapshot(name: str, at: datetime) -> Snapshot:
    return unreachable_snapshot(name, at, 1, SIGNED_OUT)
