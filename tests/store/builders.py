"""What the store's tests build on: rules, orgs, and other processes that do the same at the same time."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.clock import START
from zbtui.core.backup import parse_job
from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.config import Config, Rules
from zbtui.store.config_file import ConfigFile
from zbtui.store.journal import Journal, Lockout, open_journal
from zbtui.zoho.datacenter import DATA_CENTERS, check_custom_url, is_loopback

RULES = Rules(frozenset(DATA_CENTERS), check_custom_url, is_loopback)
ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef"
"""A refresh token, as the journal knows it: by its fingerprint."""


def org(name: str = "acme", **keys: Any) -> Org:
    return Org(**{"name": name, "data_center": "eu", "client_id": "1000.ABC", **keys})


ACME = '[[org]]\nname = "acme"\ndata_center = "eu"\nclient_id = "1000.ABC"\n'
CUSTOM = '[[org]]\nname = "x"\ndata_center = "custom"\nclient_id = "1000.X"\n'
LOCAL = CUSTOM + 'accounts_url = "http://127.0.0.1:8000/eu"\napi_url = "http://127.0.0.1:8000/eu"\n'
NEW = org("new", data_center="jp", client_id="1000.NEW")


class File:
    """A config in a folder of its own, and the edits that zbtui makes."""

    def __init__(self, folder: Path) -> None:
        self.path, self.lock = folder / "config.toml", folder / "locks" / "config.lock"

    def store(self) -> ConfigFile:
        """As another process, or a later run, opens it."""
        return ConfigFile(self.path, self.lock, RULES)

    def put(self, text: str | bytes) -> None:
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def text(self) -> str:
        return self.path.read_bytes().decode()

    def load(self) -> Config:
        return self.store().load()

    def add(self, new: Org = NEW) -> None:
        self.store().add(new)

    def remove(self, name: str) -> None:
        self.store().remove(name)

    def replace(self, name: str, org: Org) -> None:
        self.store().replace(name, org)

    def names(self) -> list[str]:
        return [found.name for found in self.load().orgs]


def refused(act: Callable[[], object]) -> Trouble:
    """What an edit or a look at the config is refused with."""
    with pytest.raises(TroubleError) as caught:
        act()
    trouble = caught.value.trouble
    assert (trouble.kind, trouble.final) == ("config", True)
    assert trouble.hint
    return trouble


def snapshot(of: Org, seen: datetime = START, status: str = "SCHEDULED") -> Snapshot:
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
    return Snapshot(
        of,
        backup=backup,
        observed_at=seen,
        running_since=seen - timedelta(hours=1),
        clock_offset=timedelta(seconds=-42.5),
        after_failure=True,
        company="Nordlys Tools AB",
        last_completed=seen - timedelta(days=6),
        last_failed=seen - timedelta(days=20),
        links_expire=seen + timedelta(days=1),
    )


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """A journal's file, without zbtui."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as opened:
        yield opened


async def keep(path: Path, *snapshots: Snapshot, lockout: Lockout | None = None) -> None:
    """One run of the program."""
    journal = open_journal(path)
    for seen in snapshots:
        await journal.save(seen)
    if lockout:
        await journal.set_lockout(TOKEN, lockout)
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
    """The next line that it prints."""
    assert process.stdout is not None
    return process.stdout.readline().rstrip("\n")


def tell(process: subprocess.Popen[str]) -> None:
    """Have its `sys.stdin.readline()` return."""
    assert process.stdin is not None
    process.stdin.write("\n")
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
