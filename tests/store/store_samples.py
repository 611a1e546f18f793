"""Sample snapshots for the store's tests, and helpers that run processes at the same time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.fake_clock import START
from tests.support.snapshots import build_snapshot
from zbtui.health.alert_policy import Alert, AlertState, OrgAlertState
from zbtui.health.events import Event
from zbtui.health.observe import apply_failure
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal, open_journal
from zbtui.store.outbox import DecideAlerts, DeliveryClaim, Outbox, StoredAlert
from zbtui.store.token_budget import Lockout
from zbtui.zoho_api.backup_details import parse_backup
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History, build_history

ROOT = Path(__file__).parents[2]
YEAR_END = datetime(2026, 12, 31, tzinfo=UTC)
TOKEN_FINGERPRINT = "0123456789abcdef"
"""A refresh token's fingerprint, as stored in the journal."""


def sample_org(name: str = "acme", **keys: Any) -> Org:
    return Org(**{"name": name, "data_center": "eu", "client_id": "1000.ABC", **keys})


def full_snapshot(of: Org, seen: datetime = START, status: str = "SCHEDULED", **keys: Any) -> Snapshot:
    """A snapshot with a value for each stored field."""
    backup = parse_backup(
        {
            "id": "5100000000412007",
            "status": status,
            "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
            "start_date": "2026-03-03T09:30:00+01:00",
            "scheduled_date": "2026-12-01T09:30:00+05:30",
            "requester": {"id": "5100000000031009", "name": "佐藤 美咲", "zuid": "20071234567"},
        }
    )
    full: dict[str, Any] = {
        "backup": backup,
        "observed_at": seen,
        "running_since": seen - timedelta(hours=1),
        "clock_offset": timedelta(seconds=-42.5),
        "previous_run_failed": True,
        "company": Company(
            "Nordlys Tools AB", "20098765432", "Sverige", "ultimate", "production", YEAR_END
        ),
        "company_requested_at": seen - timedelta(hours=3),
        "history": make_history(completed=START - timedelta(days=6), failed=START - timedelta(days=20)),
        "history_read_at": seen - timedelta(hours=2),
        "links": Links(2, 1, START + timedelta(days=5)),
        "last_links_expiry": START + timedelta(days=5),
        "history_tried_at": seen - timedelta(hours=2),
    }
    return build_snapshot(of, **(full | keys))


def make_history(completed: datetime, failed: datetime) -> History:
    """A history with two runs and a purchased backup."""
    rows: list[dict[str, Any]] = [
        {"id": "4", "state": "completed", "repeat_type": "weekly", "log_time": completed.isoformat()},
        {"id": "3", "action": "initiated", "repeat_type": "weekly", "log_time": None},
        {"id": "2", "state": "failure", "file_name": "Data_Backup_1.zip", "log_time": failed.isoformat()},
        {"id": "1", "action": "purchased", "count": "3", "done_by": {"id": "7", "name": "佐藤 美咲"}},
    ]
    return build_history(parse_entry(row) for row in rows)


def polled_snapshot(of: Org, at: datetime = START, status: str = "SCHEDULED", **keys: Any) -> Snapshot:
    """A full snapshot after a good poll."""
    return full_snapshot(of, at, status, attempted_at=at, **keys)


def failed_poll_snapshot(
    before: Snapshot, at: datetime, message: str = "Zoho cannot be reached."
) -> Snapshot:
    """The snapshot after a failed poll."""
    return apply_failure(before, Problem("network", message, "Check the network."), at)


async def record_poll(journal: Journal, seen: Snapshot, now: datetime | None = None) -> tuple[Event, ...]:
    """Record a poll as the watch does; return the events."""
    now = now or seen.polls.attempted_at or START
    return (await journal.record_poll(seen, WatchPolicy(), now)).events


@contextmanager
def raw_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a journal's file, opened without zbtui."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as opened:
        yield opened


def dump_database(path: Path) -> list[str]:
    """The content of a journal, as SQL."""
    with raw_database(path) as other:
        return list(other.iterdump())


async def save_in_new_process(path: Path, *snapshots: Snapshot, lockout: Lockout | None = None) -> None:
    """Save snapshots with a journal opened and closed for this."""
    journal = open_journal(path)
    for seen in snapshots:
        await journal.save(seen)
    if lockout:
        await journal.tokens.set_lockout(TOKEN_FINGERPRINT, lockout)
    assert journal.problem is None
    await journal.close()


async def load_in_new_process(path: Path, *orgs: str) -> dict[str, Snapshot]:
    """Load snapshots with a journal opened and closed for this."""
    journal = open_journal(path)
    found = journal.load_all([sample_org(name) for name in orgs or ["acme"]])
    await journal.close()
    return found


def message_of(journal: Journal) -> str:
    return journal.problem.message if journal.problem else ""


@contextmanager
def run_children(count: int, code: str, *arguments: object) -> Iterator[list[subprocess.Popen[str]]]:
    """Start `count` Python processes that run `code`; `sys.argv[1]` is the number of the process, from 0.

    `code` has a line `READY`, at which each process waits for all others.
    """
    before, after = code.split("READY\n")
    ready = "import sys\nprint('ready', flush=True)\nsys.stdin.readline()\n"
    with ExitStack() as stack:
        started = []
        for number in range(count):
            process = subprocess.Popen(
                [sys.executable, "-c", before + ready + after, str(number), *map(str, arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=dict(os.environ),
            )
            stack.callback(_end, process)
            started.append(process)
        for process in started:
            assert read_line(process) == "ready"
        for process in started:
            send_line(process)
        yield started


def read_line(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints; fail if the process ends first."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.endswith("\n"), f"it ended, having said {line!r}"
    return line.rstrip("\n")


def send_line(process: subprocess.Popen[str], line: str = "") -> None:
    """Send a line to the process's stdin."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def run_concurrently(count: int, code: str, *arguments: object) -> None:
    """Run the processes at the same time; each must succeed."""
    with run_children(count, code, *arguments) as processes:
        for process in processes:
            assert process.wait(timeout=30) == 0


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def decide_alarm(*orgs: str, at: datetime = START) -> DecideAlerts:
    """A decision for the outbox: an alarm for each of these orgs that has none yet."""

    def decide(alert_state: AlertState) -> tuple[AlertState, tuple[Alert, ...]]:
        new = [name for name in orgs if name not in alert_state.orgs]
        notified = {name: OrgAlertState("failed", Level.CRITICAL, at) for name in new}
        return replace(alert_state, orgs={**alert_state.orgs, **notified}), tuple(
            make_alert(name, at) for name in new
        )

    return decide


def make_alert(name: str, at: datetime = START) -> Alert:
    headline, hint = f"{name}: the last backup failed", "Order one by hand in Zoho."
    return Alert(at, "alarm", name, "scheduled", "failed", Level.CRITICAL, headline, hint)


def org_names(kept: Iterable[StoredAlert]) -> list[str]:
    """The orgs of these alerts."""
    return [one.alert.org for one in kept]


async def claim_delivery(
    outbox: Outbox, *channels: str, after: timedelta = timedelta(), lease: timedelta = timedelta(minutes=1)
) -> DeliveryClaim | None:
    """Claim a delivery to one of these channels, by default `command`."""
    return await outbox.claim_delivery(channels or ["command"], START + after, lease)


async def claim_one(outbox: Outbox, *channels: str, after: timedelta = timedelta()) -> DeliveryClaim:
    """Claim a delivery; there must be one."""
    found = await claim_delivery(outbox, *channels, after=after)
    assert found is not None
    return found
