"""A journal that is broken, foreign, older or newer: it is told, and stops nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import TOKEN, database, keep, kept, message_of, org, run_together, snapshot
from tests.support.clock import START, settle
from zbtui.store.journal import SCHEMA, Journal, Lockout, open_journal

ACME = org()
SEEN = snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)
WINDOW = timedelta(minutes=11)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


async def works_without(journal: Journal) -> None:
    """A journal that keeps nothing, and stops nothing."""
    assert journal.trouble is not None
    assert journal.trouble.kind == "config"
    assert not journal.trouble.final
    told = journal.trouble
    assert journal.load([ACME]) == {}
    await journal.save(SEEN)
    await journal.set_lockout(TOKEN, LOCKED)
    assert await journal.lockout(TOKEN) == LOCKED  # for as long as this process runs
    await journal.rename("acme", "b")
    await journal.forget("acme")
    assert await journal.spend(TOKEN, START, 1, WINDOW) is None
    assert journal.trouble == told
    await journal.close()


@pytest.mark.parametrize(
    "content",
    [b"no database at all, and long enough that nobody takes it for one" * 20, b"SQLite format 3\0" * 99],
)
async def test_a_file_that_is_no_database_is_told_and_left_as_it_is(content: bytes, path: Path) -> None:
    put(path, content)
    journal = open_journal(path)
    assert str(path) in message_of(journal)
    await works_without(journal)
    assert content_of(path) == content


async def test_a_journal_of_a_newer_zbtui_is_told_and_left_as_it_is(path: Path) -> None:
    put(path, b"")
    with database(path) as newer:
        newer.execute("CREATE TABLE something_new (x)")
        newer.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    before = content_of(path)
    journal = open_journal(path)
    assert "newer" in message_of(journal)
    await works_without(journal)
    assert content_of(path) == before


@pytest.mark.parametrize("place", ["a folder in its place", "a file in the place of its folder"])
async def test_a_journal_that_cannot_be_written_is_told(place: str, path: Path) -> None:
    if place == "a folder in its place":
        put(path / "something", b"")
    else:
        put(path.parent, b"")
    await works_without(open_journal(path))


async def test_a_journal_that_breaks_while_it_is_open_is_told_and_so_is_that_it_works_again(
    path: Path,
) -> None:
    journal = open_journal(path)
    with database(path) as other:
        other.execute("ALTER TABLE snapshot RENAME TO gone")
        await journal.save(SEEN)
        assert "cannot be used" in message_of(journal)
        other.execute("ALTER TABLE gone RENAME TO snapshot")
    await journal.save(SEEN)
    assert message_of(journal) == ""
    assert set(journal.load([ACME])) == {"acme"}
    await journal.close()


# An older zbtui's

SCHEMA_1 = """
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE lockout (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, until TEXT NOT NULL, strikes INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 1;
"""


@pytest.fixture
async def old(path: Path) -> Path:
    """A journal as the first zbtui made it: with what was seen of an org, and its lock-out."""
    await keep(path, SEEN)
    with database(path) as made:
        rows = made.execute("SELECT * FROM snapshot").fetchall()
    for file in path.parent.iterdir():
        file.unlink()
    put(path, b"")
    with database(path) as first:
        first.executescript(SCHEMA_1)
        first.executemany("INSERT INTO snapshot VALUES (?, ?, ?, ?)", rows)
        first.execute(
            "INSERT INTO lockout VALUES ('acme', 'eu|1000.ABC|||', '2026-11-23T11:40:00+00:00', 2)"
        )
    return path


def tables(path: Path) -> dict[str, str]:
    with database(path) as other:
        return dict(other.execute("SELECT name, sql FROM sqlite_master"))


async def test_an_older_journal_is_taken_over_with_what_was_seen(old: Path, tmp_path: Path) -> None:
    assert await kept(old) == {"acme": replace(SEEN, restored=True)}
    await keep(tmp_path / "new.db")
    assert tables(old) == tables(tmp_path / "new.db")
    with database(old) as other:
        assert other.execute("PRAGMA user_version").fetchone() == (SCHEMA,)


async def test_an_older_journal_keeps_lock_outs_and_counts_requests_from_then_on(old: Path) -> None:
    journal = open_journal(old)
    assert await journal.lockout("acme") is None
    await journal.set_lockout(TOKEN, LOCKED)
    assert await journal.lockout(TOKEN) == LOCKED
    assert await journal.spend(TOKEN, START, 1, WINDOW) is None
    assert await journal.spend(TOKEN, START, 1, WINDOW) == START + WINDOW
    assert journal.trouble is None
    await journal.close()


async def test_an_older_journal_that_cannot_be_taken_over_is_left_as_it_is(old: Path) -> None:
    with database(old) as other:
        other.execute("CREATE TABLE token_request (mine)")
    before = tables(old)
    journal = open_journal(old)
    await works_without(journal)
    assert tables(old) == before
    with database(old) as other:
        assert other.execute("SELECT org FROM lockout").fetchall() == [("acme",)]
        assert other.execute("PRAGMA user_version").fetchone() == (1,)


async def test_processes_that_take_an_older_journal_over_at_once_do_it_once(old: Path) -> None:
    run_together(4, OPEN, old)
    assert await kept(old) == {"acme": replace(SEEN, restored=True)}


OPEN = """
import sys
from pathlib import Path
from zbtui.store.journal import open_journal
READY
journal = open_journal(Path(sys.argv[2]))
assert journal.trouble is None, journal.trouble
"""


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Change what is kept of `acme` behind the journal's back."""
    with database(path) as other:
        (body,) = other.execute("SELECT body FROM snapshot WHERE org = 'acme'").fetchone()
        other.execute("UPDATE snapshot SET body = ? WHERE org = 'acme'", [change(body)])


def with_(**changed: object) -> Callable[[str], str]:
    return lambda body: json.dumps(json.loads(body) | changed)


GARBAGE: dict[str, Callable[[str], str]] = {
    "nothing": lambda _: "",
    "half of it": lambda body: body[: len(body) // 2],
    "a list": lambda _: "[]",
    "an empty object": lambda _: "{}",
    "null": lambda _: "null",
    "deep": lambda _: "[" * 100_000,
    "a date that is none": with_(observed_at="yesterday"),
    "a date that is a number": with_(last_failed=5),
    "a date without its offset": with_(observed_at="2026-11-23T11:20:00"),
    "a backup that is no object": with_(backup=5),
    "a backup with a date that is none": with_(backup={"id": "1", "scheduled_date": "soon"}),
    "a clock that is no number": with_(clock_offset=float("nan")),
    "a clock that is text": with_(clock_offset="5"),
    "a clock beyond time": with_(clock_offset=1e300),
    "a company that is no text": with_(company=5),
}


@pytest.mark.parametrize("garbage", GARBAGE)
async def test_a_row_that_is_not_understood_counts_as_none_and_is_written_anew(
    garbage: str, path: Path
) -> None:
    await keep(path, SEEN, snapshot(org("b")))
    rewrite(path, GARBAGE[garbage])
    assert set(await kept(path, "acme", "b")) == {"b"}
    await keep(path, snapshot(ACME, START + timedelta(minutes=5)))
    assert set(await kept(path, "acme", "b")) == {"acme", "b"}


async def test_text_that_is_kept_is_cleaned_again_when_it_is_read(path: Path) -> None:
    await keep(path, SEEN)
    rewrite(path, with_(company="Evil\x1b[2J\nLtd"))
    assert (await kept(path))["acme"].company == "Evil[2J Ltd"


async def test_what_waits_to_be_written_is_written_before_it_closes(path: Path) -> None:
    journal = open_journal(path)
    with database(path) as other:
        other.execute("BEGIN IMMEDIATE")  # the first save waits for this one, the second for the first
        saves = [asyncio.create_task(journal.save(snapshot(org(name)))) for name in ("a", "b")]
        await settle()
        closing_it = asyncio.create_task(journal.close())
        await settle()
        other.execute("COMMIT")
        await asyncio.gather(*saves, closing_it)
    assert set(await kept(path, "a", "b")) == {"a", "b"}


async def test_after_it_is_closed_nothing_is_kept_and_nothing_breaks(path: Path) -> None:
    journal = open_journal(path)
    await journal.close()
    await journal.save(SEEN)
    await journal.close()
    assert await kept(path) == {}
