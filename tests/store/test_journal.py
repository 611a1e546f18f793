"""What was seen last, and lock-outs, across restarts, processes and accidents."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import children, hear, org, run_together, snapshot
from tests.support.clock import START, settle
from zbtui.core.snapshot import Snapshot
from zbtui.store.journal import SCHEMA, Journal, Lockout, open_journal

ACME = org()
SEEN = snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


async def keep(path: Path, *snapshots: Snapshot, lockout: Lockout | None = None) -> None:
    """One run of the program."""
    journal = open_journal(path)
    for seen in snapshots:
        await journal.save(seen)
    if lockout:
        await journal.set_lockout(ACME, lockout)
    assert journal.trouble is None
    await journal.close()


async def kept(path: Path, *orgs: str) -> dict[str, Snapshot]:
    """What another run finds."""
    journal = open_journal(path)
    found = journal.load([org(name) for name in orgs or ["acme"]])
    await journal.close()
    return found


@contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    """The file, without zbtui."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as opened:
        yield opened


# What is kept


async def test_all_that_was_seen_is_there_after_a_restart(path: Path) -> None:
    await keep(path, SEEN)
    assert await kept(path) == {"acme": replace(SEEN, restored=True)}


async def test_that_there_was_no_backup_is_kept_too(path: Path) -> None:
    await keep(path, Snapshot(ACME, observed_at=START))
    assert await kept(path) == {"acme": Snapshot(ACME, observed_at=START, restored=True)}


async def test_what_was_never_seen_is_not_kept(path: Path) -> None:
    await keep(path, Snapshot(ACME))
    assert await kept(path) == {}


async def test_only_the_orgs_that_are_asked_for_are_given(path: Path) -> None:
    await keep(path, SEEN, snapshot(org("b")), snapshot(org("c")))
    assert set(await kept(path, "b", "d")) == {"b"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_newest_look_wins_whichever_is_written_last(order: tuple[int, int], path: Path) -> None:
    looks = [
        snapshot(ACME, START, "SCHEDULED"),
        snapshot(ACME, START + timedelta(microseconds=1), "FAILED"),
    ]
    await keep(path, *(looks[index] for index in order))
    found = (await kept(path))["acme"]
    assert found.backup is not None
    assert found.backup.status == "FAILED"


@pytest.mark.parametrize(
    "changed",
    [
        {"data_center": "us"},
        {"client_id": "1000.OTHER"},
        {"grant": "client-credentials", "soid": "ZohoCRM.1"},
        {"data_center": "custom", "accounts_url": "https://a.example", "api_url": "https://a.example"},
    ],
    ids=str,
)
async def test_what_is_kept_of_another_org_of_the_same_name_is_not_this_ones(
    changed: dict[str, str], path: Path
) -> None:
    other = org(**changed)
    await keep(path, SEEN, lockout=LOCKED)
    journal = open_journal(path)
    assert journal.load([other]) == {}
    assert await journal.lockout(other) is None
    older = snapshot(other, START - timedelta(days=9))
    await journal.save(older)
    assert journal.load([other]) == {"acme": replace(older, restored=True)}
    await journal.close()


async def test_what_was_seen_of_an_org_can_be_forgotten_but_no_lock_out(path: Path) -> None:
    await keep(path, SEEN, snapshot(org("b")), lockout=LOCKED)
    journal = open_journal(path)
    await journal.forget("acme")
    await journal.close()
    assert set(await kept(path, "acme", "b")) == {"b"}
    journal = open_journal(path)
    assert await journal.lockout(ACME) == LOCKED
    await journal.close()


async def test_a_journal_in_memory_keeps_for_as_long_as_it_is_open(empty_home: Path) -> None:
    journal = open_journal(None)
    await journal.save(SEEN)
    assert set(journal.load([ACME])) == {"acme"}
    await journal.close()
    assert open_journal(None).load([ACME]) == {}


async def test_it_is_for_this_user_alone(path: Path) -> None:
    journal = open_journal(path)
    await journal.save(SEEN)
    assert modes(path.parent) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.close()


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


# Lock-outs


async def test_a_lock_out_outlives_the_program(path: Path) -> None:
    await keep(path, lockout=LOCKED)
    journal = open_journal(path)
    assert await journal.lockout(ACME) == LOCKED
    assert await journal.lockout(org("b")) is None
    await journal.close()


async def test_a_later_lock_out_replaces_it_and_a_good_token_ends_it(path: Path) -> None:
    journal = open_journal(path)
    longer = Lockout(START + timedelta(minutes=40), 3)
    for lockout in (LOCKED, longer, None):
        await journal.set_lockout(ACME, lockout)
        assert await journal.lockout(ACME) == lockout
    assert journal.trouble is None
    await journal.close()


# Several processes

FIFTY = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.store.builders import org, snapshot
from tests.support.clock import START
from zbtui.store.journal import open_journal
READY
number, path = int(sys.argv[1]), sys.argv[2]
async def main():
    journal = open_journal(Path(path))
    assert journal.trouble is None, journal.trouble
    for index in range(50):
        seen = START + timedelta(seconds=index, milliseconds=number)
        await journal.save(snapshot(org(), seen))
        await journal.save(snapshot(org(f"of-{number}"), seen))
        assert journal.trouble is None, journal.trouble
    await journal.close()
asyncio.run(main())
"""


async def test_processes_that_write_at_once_lose_nothing_and_the_newest_look_wins(path: Path) -> None:
    await keep(path)
    run_together(3, FIFTY, path)
    found = await kept(path, "acme", "of-0", "of-1", "of-2")
    assert len(found) == 4
    assert found["acme"].observed_at == START + timedelta(seconds=49, milliseconds=2)


@pytest.mark.parametrize("lock", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_a_journal_that_another_process_is_just_making_is_waited_for(lock: str, path: Path) -> None:
    path.parent.mkdir()
    with database(path) as other:
        other.execute("CREATE TABLE being_made (x)")
        other.execute(lock)
        other.execute("SELECT * FROM being_made").fetchall()
        done = threading.Timer(0.1, other.execute, ["COMMIT"])
        done.start()
        journal = open_journal(path)
        done.join()
    assert journal.trouble is None
    await journal.close()


WRITE_FOR_EVER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.store.builders import org, snapshot
from tests.support.clock import START
from zbtui.store.journal import open_journal
READY
async def main():
    journal = open_journal(Path(sys.argv[2]))
    for index in range(1_000_000):
        await journal.save(snapshot(org(), START + timedelta(seconds=index)))
        print(index, flush=True)
asyncio.run(main())
"""


async def test_what_a_process_has_kept_outlives_its_being_killed(path: Path) -> None:
    with children(1, WRITE_FOR_EVER, path) as (writer,):
        told = [int(hear(writer)) for _ in range(20)][-1]
        writer.kill()
        writer.wait()
    seen = (await kept(path))["acme"].observed_at
    assert seen is not None
    assert seen >= START + timedelta(seconds=told)
    with database(path) as left:
        assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)


# Accidents


async def works_without(journal: Journal) -> None:
    """A journal that keeps nothing, and stops nothing."""
    assert journal.trouble is not None
    assert journal.trouble.kind == "config"
    assert not journal.trouble.final
    told = journal.trouble
    assert journal.load([ACME]) == {}
    await journal.save(SEEN)
    await journal.set_lockout(ACME, LOCKED)
    assert await journal.lockout(ACME) is None
    await journal.forget("acme")
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


def message_of(journal: Journal) -> str:
    return journal.trouble.message if journal.trouble else ""


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


@pytest.mark.parametrize("until", ["soon", "", "2026-11-23T11:40:00"])
async def test_a_lock_out_that_is_not_understood_counts_as_none(until: str, path: Path) -> None:
    await keep(path, lockout=LOCKED)
    with database(path) as other:
        other.execute("UPDATE lockout SET until = ?", [until])
    journal = open_journal(path)
    assert await journal.lockout(ACME) is None
    await journal.close()


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
