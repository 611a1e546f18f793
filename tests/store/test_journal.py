"""What was seen last, across restarts and processes."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import TOKEN, children, database, hear, keep, kept, org, run_together, snapshot
from tests.support.build import build_snapshot, snapshot_with
from tests.support.clock import START
from zbtui.core.snapshot import Snapshot
from zbtui.store.budget import Lockout
from zbtui.store.journal import open_journal

ACME = org()
SEEN = snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)


# What is kept


async def test_all_that_was_seen_is_there_after_a_restart(path: Path) -> None:
    await keep(path, SEEN)
    assert await kept(path) == {"acme": snapshot_with(SEEN, restored=True)}


async def test_that_there_was_no_backup_is_kept_too(path: Path) -> None:
    await keep(path, build_snapshot(ACME, observed_at=START))
    assert await kept(path) == {"acme": build_snapshot(ACME, observed_at=START, restored=True)}


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
    assert found.zoho.backup is not None
    assert found.zoho.backup.status == "FAILED"


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
    await keep(path, SEEN)
    journal = open_journal(path)
    assert journal.load([other]) == {}
    older = snapshot(other, START - timedelta(days=9))
    await journal.save(older)
    assert journal.load([other]) == {"acme": snapshot_with(older, restored=True)}
    await journal.close()


async def test_what_was_seen_of_an_org_can_be_forgotten_but_no_lock_out(path: Path) -> None:
    await keep(path, SEEN, snapshot(org("b")), lockout=LOCKED)
    journal = open_journal(path)
    await journal.forget("acme")
    await journal.close()
    assert set(await kept(path, "acme", "b")) == {"b"}
    journal = open_journal(path)
    assert await journal.tokens.lockout(TOKEN) == LOCKED
    await journal.close()


async def test_what_was_seen_of_an_org_goes_with_it_when_it_is_renamed(path: Path) -> None:
    await keep(path, SEEN, snapshot(org("b")))
    journal = open_journal(path)
    await journal.rename("acme", "acme ltd")
    assert journal.trouble is None
    await journal.close()
    found = await kept(path, "acme", "acme ltd", "b")
    assert found == {
        "acme ltd": snapshot_with(SEEN, org=org("acme ltd"), restored=True),
        "b": snapshot_with(snapshot(org("b")), restored=True),
    }


async def test_what_was_kept_under_the_new_name_before_is_replaced(path: Path) -> None:
    await keep(path, SEEN, snapshot(org("b"), START + timedelta(days=1), "FAILED"))
    journal = open_journal(path)
    await journal.rename("acme", "b")
    await journal.close()
    assert await kept(path, "acme", "b") == {"b": snapshot_with(SEEN, org=org("b"), restored=True)}


@pytest.mark.parametrize("before", ["never seen", "b"])
async def test_to_rename_what_was_never_seen_or_to_its_own_name_changes_nothing(
    before: str, path: Path
) -> None:
    await keep(path, SEEN, snapshot(org("b")))
    journal = open_journal(path)
    await journal.rename(before, "b")
    assert journal.trouble is None
    await journal.close()
    assert set(await kept(path, "acme", "b")) == {"acme", "b"}


async def test_a_journal_in_memory_keeps_for_as_long_as_it_is_open(empty_home: Path) -> None:
    journal = open_journal(None)
    await journal.save(SEEN)
    assert set(journal.load([ACME])) == {"acme"}
    await journal.close()
    another = open_journal(None)
    assert another.load([ACME]) == {}
    await another.close()


async def test_it_is_for_this_user_alone(path: Path) -> None:
    journal = open_journal(path)
    await journal.save(SEEN)
    assert modes(path.parent) == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await journal.close()


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


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
    assert found["acme"].zoho.observed_at == START + timedelta(seconds=49, milliseconds=2)


@pytest.mark.parametrize("lock", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_a_journal_that_another_process_is_just_making_is_waited_for(lock: str, path: Path) -> None:
    path.parent.mkdir()
    with database(path) as other:
        other.execute("PRAGMA user_version = 0")
        other.execute(lock)
        other.execute("SELECT * FROM sqlite_master").fetchall()
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
    seen = (await kept(path))["acme"].zoho.observed_at
    assert seen is not None
    assert seen >= START + timedelta(seconds=told)
    with database(path) as left:
        assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
