"""A journal that cannot be used, at the start or later, is reopened once it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    TOKEN_FINGERPRINT,
    full_snapshot,
    load_in_new_process,
    message_of,
    polled_snapshot,
    raw_database,
    read_line,
    record_poll,
    run_children,
    sample_org,
    save_in_new_process,
)
from tests.support.fake_clock import START, FakeClock
from zbtui.store import database as database_module
from zbtui.store.database import REOPEN_AFTER_SECONDS
from zbtui.store.journal import Journal, open_journal
from zbtui.store.token_budget import Lockout

ACME = sample_org()
LOCKED = Lockout(START + timedelta(minutes=20), 2)

LOCK = """
import sqlite3, sys
READY
database = sqlite3.connect(sys.argv[2], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
"""A process that locks the journal for as long as it runs."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(exist_ok=True)
    with run_children(1, LOCK, path) as (other,):
        assert read_line(other) == "locked"
        yield


@contextmanager
def half_made(path: Path) -> Iterator[None]:
    """A database file in which another process is just creating the journal's tables."""
    path.parent.mkdir(exist_ok=True)
    with raw_database(path) as other:
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
    hindrance: str, journal_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_TIMEOUT", 0.2)
    with HINDRANCES[hindrance](journal_path):
        journal = open_journal(journal_path, clock)
        await clock.advance(REOPEN_AFTER_SECONDS)
        assert await record_poll(journal, polled_snapshot(ACME)) != ()  # kept in the fallback
        assert str(journal_path) in message_of(journal)
    await clock.advance(REOPEN_AFTER_SECONDS)
    assert await record_poll(journal, polled_snapshot(ACME, START + timedelta(minutes=5))) != ()
    assert message_of(journal) == ""
    await journal.close()
    assert set(await load_in_new_process(journal_path)) == {"acme"}


async def test_it_is_tried_again_only_every_few_seconds(journal_path: Path, clock: FakeClock) -> None:
    with no_folder(journal_path):
        journal = open_journal(journal_path, clock)
    await clock.advance(REOPEN_AFTER_SECONDS - 0.1)
    await journal.save(full_snapshot(ACME))
    assert not is_there(journal_path)
    assert message_of(journal) != ""
    await clock.advance(0.1)
    await journal.save(full_snapshot(ACME))
    assert is_there(journal_path)
    assert message_of(journal) == ""
    await journal.close()


async def test_being_readable_does_not_make_it_writable(
    journal_path: Path, clock: FakeClock, journal: Journal
) -> None:
    with raw_database(journal_path) as other:
        other.execute(
            "CREATE TRIGGER full BEFORE INSERT ON token_request BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
        await journal.probe()
        for _ in range(3):
            await clock.advance(REOPEN_AFTER_SECONDS)
            await journal.load_org(ACME)
            assert "full" in message_of(journal)
        other.execute("DROP TRIGGER full")
    await clock.advance(REOPEN_AFTER_SECONDS)
    await journal.load_org(ACME)


async def test_one_that_is_just_being_written_is_opened_and_read_without_a_wait(journal_path: Path) -> None:
    await save_in_new_process(journal_path, full_snapshot(ACME))
    with locked(journal_path):
        journal = open_journal(journal_path)
        assert set(journal.load_all([ACME])) == {"acme"}
        assert message_of(journal) == ""
    await journal.close()


def patience_of(journal: Journal) -> int:
    """Milliseconds that the journal waits for another process's transaction."""
    read: Callable[..., tuple[int]] = journal._database.read_blocking
    (found,) = read(lambda database: database.execute("PRAGMA busy_timeout").fetchone(), (0,))
    return found


async def test_while_it_is_locked_its_fallback_is_used(
    journal_path: Path, clock: FakeClock, journal: Journal
) -> None:
    assert patience_of(journal) == 5000
    with locked(journal_path):
        await journal.save(full_snapshot(ACME))
        assert "locked" in message_of(journal)
        await clock.advance(REOPEN_AFTER_SECONDS)
        assert await journal.load_org(ACME) is not None
        assert "locked" in message_of(journal)
    await clock.advance(REOPEN_AFTER_SECONDS)
    await journal.save(full_snapshot(ACME))
    assert message_of(journal) == ""
    assert patience_of(journal) == 5000


def remove_file(path: Path, *, put_aside: bool = False) -> None:
    """Remove the journal and its companion files, or put the journal aside, as a person would."""
    if put_aside:
        path.rename(path.with_suffix(".aside"))
    for file in path.parent.glob("journal.db*"):
        file.unlink()


def is_there(path: Path) -> bool:
    return path.exists()


@pytest.mark.parametrize("gone", ["removed", "put aside"])
async def test_one_whose_file_goes_while_it_is_open_is_made_again(
    gone: str, journal_path: Path, journal: Journal
) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    remove_file(journal_path, put_aside=gone == "put aside")
    later = polled_snapshot(ACME, START + timedelta(minutes=5))
    assert await record_poll(journal, later) != ()
    assert message_of(journal) == ""
    assert set(await load_in_new_process(journal_path)) == {"acme"}


async def test_one_that_is_closed_is_not_opened_again(journal_path: Path, clock: FakeClock) -> None:
    with no_folder(journal_path):
        journal = open_journal(journal_path, clock)
    await journal.close()
    await clock.advance(REOPEN_AFTER_SECONDS)
    await journal.save(full_snapshot(ACME))
    assert not is_there(journal_path)


async def test_a_lock_out_that_another_process_ended_does_not_come_back(journal_path: Path) -> None:
    journal, other = open_journal(journal_path), open_journal(journal_path)
    await journal.tokens.set_lockout(TOKEN_FINGERPRINT, LOCKED)
    await other.tokens.set_lockout(TOKEN_FINGERPRINT, None)
    assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) is None
    await journal.close()
    await other.close()


def corrupt(path: Path) -> None:
    """Overwrite the file, except its first page."""
    with raw_database(path) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


async def test_a_broken_one_put_aside_is_made_again(
    journal_path: Path, clock: FakeClock, journal: Journal
) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    corrupt(journal_path)
    await record_poll(journal, polled_snapshot(ACME, START + timedelta(minutes=5)))
    assert "cannot be used" in message_of(journal)
    remove_file(journal_path, put_aside=True)
    await clock.advance(REOPEN_AFTER_SECONDS)
    assert await record_poll(journal, polled_snapshot(ACME, START + timedelta(minutes=10))) != ()
    assert message_of(journal) == ""
    assert set(await load_in_new_process(journal_path)) == {"acme"}
