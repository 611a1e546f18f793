"""The journal's snapshots, across restarts and processes."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    TOKEN_FINGERPRINT,
    full_snapshot,
    load_in_new_process,
    raw_database,
    read_line,
    run_children,
    run_concurrently,
    sample_org,
    save_in_new_process,
)
from tests.support.fake_clock import START
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.snapshot import Snapshot
from zbtui.store.journal import open_journal
from zbtui.store.token_budget import Lockout

ACME = sample_org()
SEEN = full_snapshot(ACME)
LOCKED = Lockout(START + timedelta(minutes=20), 2)


# Snapshots


async def test_all_that_was_seen_is_there_after_a_restart(journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN)
    assert await load_in_new_process(journal_path) == {"acme": snapshot_with(SEEN, restored=True)}


async def test_that_there_was_no_backup_is_kept_too(journal_path: Path) -> None:
    await save_in_new_process(journal_path, build_snapshot(ACME, observed_at=START))
    assert await load_in_new_process(journal_path) == {
        "acme": build_snapshot(ACME, observed_at=START, restored=True)
    }


async def test_what_was_never_seen_is_not_kept(journal_path: Path) -> None:
    await save_in_new_process(journal_path, Snapshot(ACME))
    assert await load_in_new_process(journal_path) == {}


async def test_only_the_orgs_that_are_asked_for_are_given(journal_path: Path) -> None:
    await save_in_new_process(
        journal_path, SEEN, full_snapshot(sample_org("b")), full_snapshot(sample_org("c"))
    )
    assert set(await load_in_new_process(journal_path, "b", "d")) == {"b"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_the_newest_poll_wins_in_whatever_order(order: tuple[int, int], journal_path: Path) -> None:
    snapshots = [
        full_snapshot(ACME, START, "SCHEDULED"),
        full_snapshot(ACME, START + timedelta(microseconds=1), "FAILED"),
    ]
    await save_in_new_process(journal_path, *(snapshots[index] for index in order))
    found = (await load_in_new_process(journal_path))["acme"]
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
async def test_the_history_of_another_org_of_the_same_name_is_not_used(
    changed: dict[str, str], journal_path: Path
) -> None:
    other = sample_org(**changed)
    await save_in_new_process(journal_path, SEEN)
    journal = open_journal(journal_path)
    assert journal.load_all([other]) == {}
    older = full_snapshot(other, START - timedelta(days=9))
    await journal.save(older)
    assert journal.load_all([other]) == {"acme": snapshot_with(older, restored=True)}
    await journal.close()


async def test_what_was_seen_of_an_org_can_be_forgotten_but_no_lock_out(journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN, full_snapshot(sample_org("b")), lockout=LOCKED)
    journal = open_journal(journal_path)
    await journal.forget_org(sample_org())
    await journal.close()
    assert set(await load_in_new_process(journal_path, "acme", "b")) == {"b"}
    journal = open_journal(journal_path)
    assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == LOCKED
    await journal.close()


async def test_what_was_seen_of_an_org_goes_with_it_when_it_is_renamed(journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN, full_snapshot(sample_org("b")))
    journal = open_journal(journal_path)
    await journal.rename_org(sample_org(), sample_org("acme ltd"))
    assert journal.problem is None
    await journal.close()
    found = await load_in_new_process(journal_path, "acme", "acme ltd", "b")
    assert found == {
        "acme ltd": snapshot_with(SEEN, org=sample_org("acme ltd"), restored=True),
        "b": snapshot_with(full_snapshot(sample_org("b")), restored=True),
    }


async def test_what_was_kept_under_the_new_name_before_is_replaced(journal_path: Path) -> None:
    await save_in_new_process(
        journal_path, SEEN, full_snapshot(sample_org("b"), START + timedelta(days=1), "FAILED")
    )
    journal = open_journal(journal_path)
    await journal.rename_org(sample_org(), sample_org("b"))
    await journal.close()
    assert await load_in_new_process(journal_path, "acme", "b") == {
        "b": snapshot_with(SEEN, org=sample_org("b"), restored=True)
    }


@pytest.mark.parametrize("before", ["never seen", "b"])
async def test_renaming_the_unknown_or_to_the_same_changes_nothing(before: str, journal_path: Path) -> None:
    await save_in_new_process(journal_path, SEEN, full_snapshot(sample_org("b")))
    journal = open_journal(journal_path)
    await journal.rename_org(sample_org(before), sample_org("b"))
    assert journal.problem is None
    await journal.close()
    assert set(await load_in_new_process(journal_path, "acme", "b")) == {"acme", "b"}


async def test_a_journal_in_memory_keeps_for_as_long_as_it_is_open(empty_home: Path) -> None:
    journal = open_journal(None)
    await journal.save(SEEN)
    assert set(journal.load_all([ACME])) == {"acme"}
    await journal.close()
    another = open_journal(None)
    assert another.load_all([ACME]) == {}
    await another.close()


async def test_it_is_for_this_user_alone(journal_path: Path) -> None:
    journal = open_journal(journal_path)
    await journal.save(SEEN)
    assert modes(journal_path.parent) == {0o600}
    assert stat.S_IMODE(journal_path.parent.stat().st_mode) == 0o700
    await journal.close()


async def test_what_was_open_to_others_is_closed_to_them(journal_path: Path) -> None:
    first = open_journal(journal_path)
    await first.save(SEEN)
    for file in journal_path.parent.iterdir():
        file.chmod(0o666)
    journal_path.parent.chmod(0o777)
    second = open_journal(journal_path)
    assert modes(journal_path.parent) == {0o600}
    assert stat.S_IMODE(journal_path.parent.stat().st_mode) == 0o755
    for journal in (first, second):
        await journal.close()


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


# Several processes

FIFTY = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.store.store_samples import sample_org, full_snapshot
from tests.support.fake_clock import START
from zbtui.store.journal import open_journal
READY
number, path = int(sys.argv[1]), sys.argv[2]
async def main():
    journal = open_journal(Path(path))
    assert journal.problem is None, journal.problem
    for index in range(50):
        seen = START + timedelta(seconds=index, milliseconds=number)
        await journal.save(full_snapshot(sample_org(), seen))
        await journal.save(full_snapshot(sample_org(f"of-{number}"), seen))
        assert journal.problem is None, journal.problem
    await journal.close()
asyncio.run(main())
"""


async def test_processes_that_write_at_once_lose_nothing_the_newest_poll_wins(journal_path: Path) -> None:
    await save_in_new_process(journal_path)
    run_concurrently(3, FIFTY, journal_path)
    found = await load_in_new_process(journal_path, "acme", "of-0", "of-1", "of-2")
    assert len(found) == 4
    assert found["acme"].zoho.observed_at == START + timedelta(seconds=49, milliseconds=2)


@pytest.mark.parametrize("lock", ["BEGIN", "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"])
async def test_a_journal_that_another_process_makes_is_waited_for(lock: str, journal_path: Path) -> None:
    journal_path.parent.mkdir()
    with raw_database(journal_path) as other:
        other.execute("PRAGMA user_version = 0")
        other.execute(lock)
        other.execute("SELECT * FROM sqlite_master").fetchall()
        done = threading.Timer(0.1, other.execute, ["COMMIT"])
        done.start()
        journal = open_journal(journal_path)
        done.join()
    assert journal.problem is None
    await journal.close()


WRITE_FOR_EVER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.store.store_samples import sample_org, full_snapshot
from tests.support.fake_clock import START
from zbtui.store.journal import open_journal
READY
async def main():
    journal = open_journal(Path(sys.argv[2]))
    for index in range(1_000_000):
        await journal.save(full_snapshot(sample_org(), START + timedelta(seconds=index)))
        print(index, flush=True)
asyncio.run(main())
"""


async def test_what_a_process_has_kept_outlives_its_being_killed(journal_path: Path) -> None:
    with run_children(1, WRITE_FOR_EVER, journal_path) as (writer,):
        confirmed = [int(read_line(writer)) for _ in range(20)][-1]
        writer.kill()
        writer.wait()
    seen = (await load_in_new_process(journal_path))["acme"].zoho.observed_at
    assert seen is not None
    assert seen >= START + timedelta(seconds=confirmed)
    with raw_database(journal_path) as left:
        assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
