"""Alerts where the journal cannot be used: this process goes on by itself, and makes up for it later."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import alarm, alert, database, names
from tests.support.clock import START
from zbtui.core.alert import Alert, Ledger, Told
from zbtui.core.verdict import Level
from zbtui.store.alerts import AlertBook, Claim, KeptAlert
from zbtui.store.journal import Journal, open_journal

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
TABLES = ("told", "outage", "alert", "delivery")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def no_file(path: Path) -> Path:
    """A folder stands where it should be."""
    path.mkdir()
    return path


@pytest.fixture
async def alone(no_file: Path) -> AsyncIterator[AlertBook]:
    """That of a process that never could use the journal."""
    journal = open_journal(no_file)
    assert journal.trouble is not None
    yield journal.alerts
    await journal.close()


@pytest.fixture
async def journal(path: Path) -> AsyncIterator[Journal]:
    """One that works, until it is `broken` or `full`."""
    journal = open_journal(path)
    yield journal
    await journal.close()


@contextmanager
def broken(path: Path) -> Iterator[None]:
    """Nothing of alerts can be read or written meanwhile."""
    with database(path) as other:
        for table in TABLES:
            other.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        yield
        for table in TABLES:
            other.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")


@contextmanager
def full(path: Path) -> Iterator[None]:
    """Nothing of alerts can be written meanwhile, as on a full disk."""
    acts = [(table, act) for table in TABLES for act in ("INSERT", "UPDATE", "DELETE")]
    with database(path) as other:
        for table, act in acts:
            what = f"BEFORE {act} ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            other.execute(f"CREATE TRIGGER no_{act}_{table} {what}")
        yield
        for table, act in acts:
            other.execute(f"DROP TRIGGER no_{act}_{table}")


HINDRANCES = pytest.mark.parametrize("hinder", [broken, full])


async def claimed(book: AlertBook, after: timedelta = timedelta(), sink: str = "command") -> Claim | None:
    return await book.claim([sink], START + after, MINUTE)


# Without a journal


async def test_each_alert_is_told_once_by_this_process(alone: AlertBook) -> None:
    assert await alone.ledger() == Ledger()
    first = await alone.settle(alarm("a", "b"), ["command"])
    assert names(first) == ["a", "b"]
    assert await alone.settle(alarm("a", "b"), ["command"]) == ()
    assert names(await alone.settle(alarm("a", "c"), ["command"])) == ["c"]
    assert set((await alone.ledger()).orgs) == {"a", "b", "c"}


async def test_its_alerts_are_told_from_the_others_by_their_ids_and_come_in_order(alone: AlertBook) -> None:
    assert await alone.newest_id() == 0
    first = await alone.settle(alarm("a", "b"), [])
    assert await alone.newest_id() == first[-1].id
    later = await alone.settle(alarm("c"), [])
    assert all(one.id < 0 for one in first + later)
    assert await alone.since(0) == first + later
    assert await alone.since(first[0].id) == (first[1], *later)
    assert await alone.since(await alone.newest_id()) == ()


async def test_its_deliveries_are_claimed_put_off_and_made_like_any(alone: AlertBook) -> None:
    assert await claimed(alone) is None
    kept = await alone.settle(alarm("a", "b"), ["command", "webhook"])
    first = await claimed(alone)
    assert first == Claim(kept[0], "command", 0)
    second = await claimed(alone)
    assert second == Claim(kept[1], "command", 0)
    assert await claimed(alone) is None
    assert await claimed(alone, MINUTE) == replace(first, attempts=1)
    await alone.put_off(first, START + 5 * MINUTE)
    await alone.delivered(second)
    assert await claimed(alone, 5 * MINUTE - SECOND) is None
    assert await claimed(alone, 5 * MINUTE) == replace(first, attempts=2)
    await alone.delivered(first)
    assert await claimed(alone, DAY) is None
    assert await claimed(alone, sink="webhook") == Claim(kept[0], "webhook", 0)


async def test_once_it_is_closed_nothing_is_told_and_nothing_breaks(journal: Journal, path: Path) -> None:
    with broken(path):
        (kept,) = await journal.alerts.settle(alarm("a"), ["command"])
        claim = await claimed(journal.alerts)
    await journal.close()
    book = journal.alerts
    assert claim is not None
    assert await book.settle(alarm("b"), ["command"]) == ()
    assert await book.since(0) == ()
    assert await book.newest_id() == kept.id
    assert await claimed(book, DAY) is None
    await book.put_off(claim, START)
    await book.delivered(claim)
    assert set((await book.ledger()).orgs) == {"a"}


# A journal that breaks, and works again


@HINDRANCES
async def test_what_was_told_before_is_not_told_again_while_it_is_broken(
    hinder: type, journal: Journal, path: Path
) -> None:
    book = journal.alerts
    await book.settle(alarm("a"), [])
    with hinder(path):
        (kept,) = await book.settle(alarm("a", "b"), [])
        assert kept == KeptAlert(-1, alert("b"))
        assert journal.trouble is not None
        assert set((await book.ledger()).orgs) == {"a", "b"}


@HINDRANCES
async def test_what_was_told_meanwhile_is_not_told_again_once_it_works(
    hinder: type, journal: Journal, path: Path
) -> None:
    book, other = journal.alerts, open_journal(path)
    with hinder(path):
        await book.settle(alarm("a"), [])
    assert set((await book.ledger()).orgs) == {"a"}
    assert await book.settle(alarm("a"), []) == ()
    assert journal.trouble is None
    assert set((await other.alerts.ledger()).orgs) == {"a"}
    assert await other.alerts.settle(alarm("a"), []) == ()
    await other.close()


@HINDRANCES
async def test_what_others_told_meanwhile_stays_told(hinder: type, journal: Journal, path: Path) -> None:
    book, other = journal.alerts, open_journal(path)
    await book.settle(alarm("a"), [])
    with hinder(path):
        await book.settle(alarm("b"), [])
    later = Told("stopped", Level.CRITICAL, START + MINUTE)

    def outage(ledger: Ledger) -> tuple[Ledger, tuple[Alert, ...]]:
        return replace(ledger, orgs={**ledger.orgs, "a": later, "c": later}, outage_since=START), ()

    await other.alerts.settle(outage, [])
    assert set((await book.ledger()).orgs) == {"a", "b", "c"}
    assert await book.settle(alarm("a", "b", "c"), []) == ()
    ledger = await other.alerts.ledger()
    assert set(ledger.orgs) == {"a", "b", "c"}
    assert (ledger.orgs["a"], ledger.outage_since) == (later, START)
    await other.close()


@HINDRANCES
async def test_what_was_told_meanwhile_is_entered_once(hinder: type, journal: Journal, path: Path) -> None:
    book, other = journal.alerts, open_journal(path)
    with hinder(path):
        await book.settle(alarm("a"), [])
    await book.settle(alarm("a"), [])
    well = Told("scheduled", Level.OK, None)
    await other.alerts.settle(lambda ledger: (Ledger({"a": well}), ()), [])
    for _ in range(2):
        assert await book.settle(alarm("a"), []) == ()
        assert await other.alerts.ledger() == Ledger({"a": well})
    await other.close()


@HINDRANCES
async def test_what_others_were_seen_to_tell_before_is_not_told_again_while_it_is_broken(
    hinder: type, journal: Journal, path: Path
) -> None:
    book, other = journal.alerts, open_journal(path)
    (theirs,) = await other.alerts.settle(alarm("a"), [])
    assert set((await book.ledger()).orgs) == {"a"}
    assert await book.since(0) == (theirs,)
    with hinder(path):
        (own,) = await book.settle(alarm("a", "b"), [])
        assert own.alert.org == "b"
        assert await book.newest_id() == own.id
    assert await book.since(0) == (theirs, own)
    await other.close()


@HINDRANCES
async def test_an_outage_that_was_told_meanwhile_is_entered(
    hinder: type, journal: Journal, path: Path
) -> None:
    book = journal.alerts
    with hinder(path):
        out = Ledger(outage_since=START, outage_told_at=START + MINUTE)
        await book.settle(lambda ledger: (out, ()), [])
    await book.settle(lambda ledger: (ledger, ()), [])
    other = open_journal(path)
    assert await other.alerts.ledger() == out
    await other.close()


@HINDRANCES
async def test_alerts_come_in_the_order_in_which_they_were_told_wherever_they_are_kept(
    hinder: type, journal: Journal, path: Path
) -> None:
    book, other = journal.alerts, open_journal(path)
    begin = await book.newest_id()
    told = list(await book.settle(alarm("a"), []))
    with hinder(path):
        told += await book.settle(alarm("b", "c"), [])
        newest = await book.newest_id()
        assert newest == told[-1].id
    told += await other.alerts.settle(alarm("d"), [])
    told += await book.settle(alarm("e"), [])
    with hinder(path):
        told += await book.settle(alarm("f"), [])
    assert names(told) == ["a", "b", "c", "d", "e", "f"]
    assert list(await book.since(begin)) == told
    for index, one in enumerate(told):
        assert list(await book.since(one.id)) == told[index + 1 :]
    assert await book.newest_id() == told[-1].id
    await other.close()


async def test_alerts_of_others_are_heard_of_while_only_writing_fails(journal: Journal, path: Path) -> None:
    book, other = journal.alerts, open_journal(path)
    (theirs,) = await other.alerts.settle(alarm("a"), [])
    with full(path):
        (own,) = await book.settle(alarm("b"), [])
        assert await book.since(0) == (own, theirs)
        assert await book.newest_id() == theirs.id
    await other.close()


@HINDRANCES
async def test_a_delivery_from_memory_is_made_though_the_journal_works_again(
    hinder: type, journal: Journal, path: Path
) -> None:
    book = journal.alerts
    with hinder(path):
        (aside,) = await book.settle(alarm("a"), ["command"])
    (kept,) = await book.settle(alarm("b"), ["command"])
    found = [await claimed(book) for _ in range(3)]
    assert [one and one.kept for one in found] == [kept, aside, None]


async def test_a_delivery_that_could_not_be_crossed_off_is_not_made_again(
    journal: Journal, path: Path
) -> None:
    book = journal.alerts
    kept = await book.settle(alarm("a", "b"), ["command"])
    claim = await claimed(book)
    assert claim is not None
    with full(path):
        await book.delivered(claim)
        assert await claimed(book, 2 * MINUTE) is None
    later = await claimed(book, 2 * MINUTE)
    assert later is not None
    assert later.kept == kept[1]
    assert await claimed(book, 2 * MINUTE) is None
    with database(path) as other:
        assert other.execute("SELECT alert FROM delivery").fetchall() == [(kept[1].id,)]


async def test_a_delivery_that_could_not_be_put_off_is_made_when_its_lease_is_over(
    journal: Journal, path: Path
) -> None:
    book = journal.alerts
    await book.settle(alarm("a"), ["command"])
    claim = await claimed(book)
    assert claim is not None
    with full(path):
        await book.put_off(claim, START + 5 * MINUTE)
    assert await claimed(book, MINUTE) == replace(claim, attempts=1)
