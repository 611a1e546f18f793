"""What the store's tests build on: orgs, and other processes that do the same at the same time."""

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

from tests.support.build import build_snapshot
from tests.support.clock import START
from zbtui.core.alert import Alert, Ledger, Told
from zbtui.core.backup import parse_job
from zbtui.core.company import Company
from zbtui.core.event import Event
from zbtui.core.history import parse_entry
from zbtui.core.links import Links
from zbtui.core.org import Org, Policy
from zbtui.core.runs import History, summarize
from zbtui.core.snapshot import Snapshot, failed
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level
from zbtui.store.alerts import AlertBook, Claim, Decide, KeptAlert
from zbtui.store.budget import Lockout
from zbtui.store.journal import Journal, open_journal

ROOT = Path(__file__).parents[2]
YEAR_END = datetime(2026, 12, 31, tzinfo=UTC)
TOKEN = "0123456789abcdef"
"""A refresh token, as the journal knows it: by its fingerprint."""


def org(name: str = "acme", **keys: Any) -> Org:
    return Org(**{"name": name, "data_center": "eu", "client_id": "1000.ABC", **keys})


def snapshot(of: Org, seen: datetime = START, status: str = "SCHEDULED", **keys: Any) -> Snapshot:
    """A full one: whatever can be kept is there."""
    backup = parse_job(
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
        "history": history(completed=START - timedelta(days=6), failed=START - timedelta(days=20)),
        "history_read_at": seen - timedelta(hours=2),
        "links": Links(2, 1, START + timedelta(days=5)),
        "last_links_expiry": START + timedelta(days=5),
        "history_tried_at": seen - timedelta(hours=2),
    }
    return build_snapshot(of, **(full | keys))


def history(completed: datetime, failed: datetime) -> History:
    """Of two runs, and of a backup that was bought."""
    rows: list[dict[str, Any]] = [
        {"id": "4", "state": "completed", "repeat_type": "weekly", "log_time": completed.isoformat()},
        {"id": "3", "action": "initiated", "repeat_type": "weekly", "log_time": None},
        {"id": "2", "state": "failure", "file_name": "Data_Backup_1.zip", "log_time": failed.isoformat()},
        {"id": "1", "action": "purchased", "count": "3", "done_by": {"id": "7", "name": "佐藤 美咲"}},
    ]
    return summarize(parse_entry(row) for row in rows)


def looked(of: Org, at: datetime = START, status: str = "SCHEDULED", **keys: Any) -> Snapshot:
    """A full one, after a good look."""
    return snapshot(of, at, status, attempted_at=at, **keys)


def refusing(before: Snapshot, at: datetime, message: str = "Zoho cannot be reached.") -> Snapshot:
    """After a look that failed."""
    return failed(before, Trouble("network", message, "Check the network."), at)


async def note(journal: Journal, seen: Snapshot, now: datetime | None = None) -> tuple[Event, ...]:
    """As the watch does after each look."""
    now = now or seen.polls.attempted_at or START
    return (await journal.note(seen, Policy(), now)).events


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal's file, without zbtui."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as opened:
        yield opened


def content(path: Path) -> list[str]:
    """All that is in a journal."""
    with database(path) as other:
        return list(other.iterdump())


async def keep(path: Path, *snapshots: Snapshot, lockout: Lockout | None = None) -> None:
    """One run of the program."""
    journal = open_journal(path)
    for seen in snapshots:
        await journal.save(seen)
    if lockout:
        await journal.tokens.set_lockout(TOKEN, lockout)
    assert journal.trouble is None
    await journal.close()


async def kept(path: Path, *orgs: str) -> dict[str, Snapshot]:
    """What another run finds."""
    journal = open_journal(path)
    found = journal.load([org(name) for name in orgs or ["acme"]])
    await journal.close()
    return found


def message_of(journal: Journal) -> str:
    return journal.trouble.message if journal.trouble else ""


@contextmanager
def children(count: int, code: str, *arguments: object) -> Iterator[list[subprocess.Popen[str]]]:
    """So many Python processes that run `code`; `sys.argv[1]` is the number of each, from 0.

    They wait until all have loaded what they need: `code` has a `READY` line, up to which each runs
    before any goes on.
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
            assert hear(process) == "ready"
        for process in started:
            tell(process)
        yield started


def hear(process: subprocess.Popen[str]) -> str:
    """The next line that it prints; it has not ended before."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.endswith("\n"), f"it ended, having said {line!r}"
    return line.rstrip("\n")


def tell(process: subprocess.Popen[str], line: str = "") -> None:
    """Have its `sys.stdin.readline()` return."""
    assert process.stdin is not None
    process.stdin.write(f"{line}\n")
    process.stdin.flush()


def run_together(count: int, code: str, *arguments: object) -> None:
    """All at once, to a good end."""
    with children(count, code, *arguments) as processes:
        for process in processes:
            assert process.wait(timeout=30) == 0


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()


def alarm(*orgs: str, at: datetime = START) -> Decide:
    """Decides to tell of each of these orgs that nothing was told of yet."""

    def decide(ledger: Ledger) -> tuple[Ledger, tuple[Alert, ...]]:
        new = [name for name in orgs if name not in ledger.orgs]
        told = {name: Told("failed", Level.CRITICAL, at) for name in new}
        return replace(ledger, orgs={**ledger.orgs, **told}), tuple(alert(name, at) for name in new)

    return decide


def alert(name: str, at: datetime = START) -> Alert:
    headline, hint = f"{name}: the last backup failed", "Order one by hand in Zoho."
    return Alert(at, "alarm", name, "scheduled", "failed", Level.CRITICAL, headline, hint)


def names(kept: Iterable[KeptAlert]) -> list[str]:
    """Of the orgs that alerts are about."""
    return [one.alert.org for one in kept]


async def claim(
    book: AlertBook, *sinks: str, after: timedelta = timedelta(), lease: timedelta = timedelta(minutes=1)
) -> Claim | None:
    """A delivery; to `command`, where no sink is named."""
    return await book.claim(sinks or ["command"], START + after, lease)


async def taken(book: AlertBook, *sinks: str, after: timedelta = timedelta()) -> Claim:
    """As `claim`, where there must be one."""
    found = await claim(book, *sinks, after=after)
    assert found is not None
    return found
