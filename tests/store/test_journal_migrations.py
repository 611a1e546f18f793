"""A journal of an older zbtui: it is taken over with all that is in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import TOKEN, database, keep, kept, looked, note, org, run_together, snapshot
from tests.support.clock import START
from zbtui.core.company import Company
from zbtui.store.database import SCHEMA
from zbtui.store.journal import Lockout, open_journal

ACME = org()
LOCKED = Lockout(START + timedelta(minutes=20), 2)
WINDOW = timedelta(minutes=11)
SEEN = replace(
    snapshot(ACME),
    company=Company("Nordlys Tools AB", None, None, None, None),
    company_at=None,
    history=None,
    history_at=None,
    links=None,
    past_tried_at=None,
)
"""What a snapshot held that could be kept before there was a history."""
BODY = {
    "backup": SEEN.backup.as_dict() if SEEN.backup else None,
    "clock_offset": -42.5,
    "after_failure": True,
    "company": "Nordlys Tools AB",
    "observed_at": "2026-11-23T11:20:00+00:00",
    "running_since": "2026-11-23T10:20:00+00:00",
    "last_completed": None,
    "last_failed": None,
    "links_expire": "2026-11-28T11:20:00+00:00",
}

SCHEMA_1 = """
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE lockout (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, until TEXT NOT NULL, strikes INTEGER NOT NULL
) STRICT;
INSERT INTO lockout VALUES ('acme', 'eu|1000.ABC|||', '2026-11-23T11:40:00+00:00', 2);
PRAGMA user_version = 1;
"""
SCHEMA_2 = f"""
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE lockout (token TEXT PRIMARY KEY, until TEXT NOT NULL, strikes INTEGER NOT NULL) STRICT;
CREATE TABLE token_request (token TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX token_requests ON token_request (token, at);
INSERT INTO lockout VALUES ('{TOKEN}', '2026-11-23T11:40:00+00:00', 2);
INSERT INTO token_request VALUES ('{TOKEN}', {START.timestamp()});
PRAGMA user_version = 2;
"""


def make(folder: Path, script: str) -> Path:
    """A journal as an older zbtui left it: with what was seen of an org, and its lock-out."""
    path = folder / "journal.db"
    with database(path) as older:
        older.execute("PRAGMA journal_mode = WAL")
        older.executescript(script)
        row = ("acme", ACME.identity, BODY["observed_at"], json.dumps(BODY))
        older.execute("INSERT INTO snapshot VALUES (?, ?, ?, ?)", row)
    return path


@pytest.fixture(params=[SCHEMA_1, SCHEMA_2], ids=["schema 1", "schema 2"])
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return make(tmp_path, request.param)


def tables(path: Path) -> dict[str, str]:
    with database(path) as other:
        return dict(other.execute("SELECT name, sql FROM sqlite_master"))


async def test_it_is_taken_over_with_what_was_seen(old: Path, tmp_path: Path) -> None:
    assert await kept(old) == {"acme": replace(SEEN, restored=True)}
    await keep(tmp_path / "new.db")
    assert tables(old) == tables(tmp_path / "new.db")
    with database(old) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


async def test_everything_can_be_done_with_it_from_then_on(old: Path) -> None:
    later = looked(ACME, START + timedelta(minutes=5), "FAILED")
    journal = open_journal(old)
    events = await note(journal, later)
    assert events
    assert await journal.events.read("acme", None) == list(events)
    await journal.set_lockout(TOKEN, LOCKED)
    assert await journal.lockout(TOKEN) == LOCKED
    assert journal.trouble is None
    await journal.close()
    assert await kept(old) == {"acme": replace(later, restored=True, attempted_at=None)}


async def test_a_company_without_a_name_is_none(old: Path) -> None:
    with database(old) as other:
        other.execute("UPDATE snapshot SET body = ?", [json.dumps(BODY | {"company": None})])
    assert (await kept(old))["acme"].company is None


async def test_lock_outs_and_token_requests_of_schema_2_go_on_to_count(tmp_path: Path) -> None:
    journal = open_journal(make(tmp_path, SCHEMA_2))
    assert await journal.lockout(TOKEN) == LOCKED
    assert await journal.spend(TOKEN, START, 1, WINDOW) == START + WINDOW
    await journal.close()


async def test_lock_outs_of_schema_1_which_were_the_orgs_are_dropped_and_requests_counted_from_then_on(
    tmp_path: Path,
) -> None:
    journal = open_journal(make(tmp_path, SCHEMA_1))
    assert await journal.lockout("acme") is None
    assert await journal.spend(TOKEN, START, 1, WINDOW) is None
    assert await journal.spend(TOKEN, START, 1, WINDOW) == START + WINDOW
    await journal.close()


async def test_one_that_cannot_be_taken_over_is_told_and_left_as_it_is(old: Path) -> None:
    with database(old) as other:
        other.execute("CREATE TABLE delivery (mine)")
        before = (other.execute("PRAGMA user_version").fetchone(), tables(old))
    journal = open_journal(old)
    assert journal.trouble is not None
    assert "delivery" in journal.trouble.message
    await journal.close()
    with database(old) as other:
        assert (other.execute("PRAGMA user_version").fetchone(), tables(old)) == before
        assert other.execute("SELECT org FROM snapshot").fetchall() == [("acme",)]
        assert other.execute("SELECT count(*) FROM lockout").fetchone() == (1,)


OPEN = """
import sys
from pathlib import Path
from zbtui.store.journal import open_journal
READY
journal = open_journal(Path(sys.argv[2]))
assert journal.trouble is None, journal.trouble
"""


async def test_processes_that_take_it_over_at_once_do_it_once(old: Path) -> None:
    run_together(4, OPEN, old)
    assert await kept(old) == {"acme": replace(SEEN, restored=True)}
