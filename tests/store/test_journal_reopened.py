"""A journal that cannot be used, at the start or later, and comes right by itself once it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import (
    TOKEN,
    children,
    database,
    hear,
    keep,
    kept,
    looked,
    message_of,
    note,
    org,
    snapshot,
)
from tests.support.clock import START, FakeClock
from zbtui.store import database as room
from zbtui.store.budget import Lockout
from zbtui.store.database import RETRY_SECONDS
from zbtui.store.journal import Journal, open_journal

ACME = org()
LOCKED = Lockout(START + timedelta(minutes=20), 2)

LOCK = """
import sqlite3, sys
READY
database = sqlite3.connect(sys.argv[2], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
"""Another process, which holds the journal for as long as it runs."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with children(1, LOCK, path) as (other,):
        assert hear(other) == "locked"
        yield


@contextmanager
def half_made(path: Path) -> Iterator[None]:
    """Another process makes the journal: it can be read by now, and made no journal of yet."""
    path.parent.mkdir(exist_ok=True)
    with database(path) as other:
        other.execute("PRAGMA user_version = 0")
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        yield


@contextmanager
def no_database(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"no database at all, and long enough that nobody takes it for one" * 20)
    yield
    path.rename(path.with_suffix(".broken"))


@contextmanager
def no_folder(path: Path) -> Iterator[None]:
    path.parent.write_bytes(b"")
    yield
    path.parent.unlink()


HINDRANCES = {hinder.__name__: hinder for hinder in (locked, half_made, no_database, no_folder)}


@pytest.mark.parametrize("hindrance", HINDRANCES)
async def test_one_that_could_not_be_opened_is_used_once_it_can_be(
    hindrance: str, path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "_PATIENCE", 0.2)
    with HINDRANCES[hindrance](path):
        journal = open_journal(path, clock)
        await clock.advance(RETRY_SECONDS)
        assert await note(journal, looked(ACME)) != ()  # kept in the fallback
        assert str(path) in message_of(journal)
    await clock.advance(RETRY_SECONDS)
    assert await note(journal, looked(ACME, START + timedelta(minutes=5))) != ()
    assert message_of(journal) == ""
    await journal.close()
    assert set(await kept(path)) == {"acme"}


async def test_it_is_tried_again_every_few_seconds_and_no_more_often(path: Path, clock: FakeClock) -> None:
    with no_folder(path):
        journal = open_journal(path, clock)
    await clock.advance(RETRY_SECONDS - 0.1)
    await journal.save(snapshot(ACME))
    assert not is_there(path)
    assert message_of(journal) != ""
    await clock.advance(0.1)
    await journal.save(snapshot(ACME))
    assert is_there(path)
    assert message_of(journal) == ""
    await journal.close()


async def test_that_it_can_be_read_again_does_not_say_that_it_can_be_written(
    path: Path, clock: FakeClock
) -> None:
    journal = open_journal(path, clock)
    with database(path) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON token_request BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        await journal.probe()
        for _ in range(3):
            await clock.advance(RETRY_SECONDS)
            await journal.recall(ACME)
            assert "full" in message_of(journal)
        other.execute("DROP TRIGGER full")
    await clock.advance(RETRY_SECONDS)
    await journal.recall(ACME)
    assert message_of(journal) == ""
    await journal.close()


async def test_one_that_is_just_being_written_is_opened_and_read_without_a_wait(path: Path) -> None:
    await keep(path, snapshot(ACME))
    with locked(path):
        journal = open_journal(path)
        assert set(journal.load([ACME])) == {"acme"}
        assert message_of(journal) == ""
    await journal.close()


def patience_of(journal: Journal) -> int:
    """Milliseconds that it waits for another process that writes."""
    read: Callable[..., tuple[int]] = journal._database.read_blocking
    (found,) = read(lambda database: database.execute("PRAGMA busy_timeout").fetchone(), (0,))
    return found


async def test_while_it_is_locked_its_fallback_is_used(path: Path, clock: FakeClock) -> None:
    journal = open_journal(path, clock)
    assert patience_of(journal) == 5000
    with locked(path):
        await journal.save(snapshot(ACME))
        assert "locked" in message_of(journal)
        await clock.advance(RETRY_SECONDS)
        assert await journal.recall(ACME) is not None
        assert "locked" in message_of(journal)
    await clock.advance(RETRY_SECONDS)
    await journal.save(snapshot(ACME))
    assert message_of(journal) == ""
    assert patience_of(journal) == 5000
    await journal.close()


def take_away(path: Path, *, put_aside: bool = False) -> None:
    """As a person does, with the files beside it."""
    if put_aside:
        path.rename(path.with_suffix(".aside"))
    for file in path.parent.glob("journal.db*"):
        file.unlink()


def is_there(path: Path) -> bool:
    return path.exists()


@pytest.mark.parametrize("gone", ["removed", "put aside"])
async def test_one_whose_file_goes_while_it_is_open_is_made_anew(gone: str, path: Path) -> None:
    journal = open_journal(path)
    await note(journal, looked(ACME))
    take_away(path, put_aside=gone == "put aside")
    later = looked(ACME, START + timedelta(minutes=5))
    assert await note(journal, later) != ()
    assert message_of(journal) == ""
    await journal.close()
    assert set(await kept(path)) == {"acme"}


async def test_one_that_is_closed_is_not_opened_again(path: Path, clock: FakeClock) -> None:
    with no_folder(path):
        journal = open_journal(path, clock)
    await journal.close()
    await clock.advance(RETRY_SECONDS)
    await journal.save(snapshot(ACME))
    assert not is_there(path)


async def test_a_lock_out_that_another_process_ended_does_not_come_back(path: Path) -> None:
    journal, other = open_journal(path), open_journal(path)
    await journal.tokens.set_lockout(TOKEN, LOCKED)
    await other.tokens.set_lockout(TOKEN, None)
    assert await journal.tokens.lockout(TOKEN) is None
    await journal.close()
    await other.close()


def spoil(path: Path) -> None:
    """All of it but the first page."""
    with database(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


async def test_a_broken_one_that_is_put_aside_while_it_is_open_is_made_anew(
    path: Path, clock: FakeClock
) -> None:
    journal = open_journal(path, clock)
    await note(journal, looked(ACME))
    spoil(path)
    await note(journal, looked(ACME, START + timedelta(minutes=5)))
    assert "cannot be used" in message_of(journal)
    take_away(path, put_aside=True)
    await clock.advance(RETRY_SECONDS)
    assert await note(journal, looked(ACME, START + timedelta(minutes=10))) != ()
    assert message_of(journal) == ""
    await journal.close()
    assert set(await kept(path)) == {"acme"}
