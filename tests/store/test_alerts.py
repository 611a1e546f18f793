"""What was told: each alert once, of all processes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.builders import (
    alarm,
    alert,
    claim,
    database,
    looked,
    names,
    note,
    org,
    run_together,
    taken,
)
from tests.support.clock import START
from zbtui.core.alert import Alert, Ledger, Told
from zbtui.core.verdict import Level
from zbtui.store.alerts import AlertBook, KeptAlert
from zbtui.store.journal import Journal
from zbtui.store.ledger import id_at

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
TOLD = Told("failed", Level.CRITICAL, START)
LOOKED = replace(TOLD, looked_at=START - SECOND)


def becomes(after: Ledger, *alerts: Alert) -> Callable[[Ledger], tuple[Ledger, tuple[Alert, ...]]]:
    """Decides just that, whatever was told so far."""
    return lambda ledger: (after, alerts)


# The ledger


async def test_at_first_nothing_was_told(book: AlertBook) -> None:
    assert await book.ledger() == Ledger()
    assert await book.newest_id(START) < id_at(START)
    assert await book.since(0) == ()


LEDGERS = {
    "nothing": Ledger(),
    "orgs": Ledger({"acme": LOOKED, "佐藤": Told("scheduled", Level.OK, None)}),
    "an outage": Ledger({"acme": TOLD}, START, START + MINUTE),
    "an outage that is over": Ledger({}, outage_over=START),
}


@pytest.mark.parametrize("before", LEDGERS)
@pytest.mark.parametrize("after", LEDGERS)
async def test_the_ledger_becomes_what_was_decided(
    before: str, after: str, book: AlertBook, other: AlertBook
) -> None:
    await book.settle(becomes(LEDGERS[before]), [])
    await book.settle(becomes(LEDGERS[after]), [])
    assert await other.ledger() == LEDGERS[after]


async def test_what_is_decided_by_is_what_any_process_has_told(book: AlertBook, other: AlertBook) -> None:
    assert names(await book.settle(alarm("acme"), [])) == ["acme"]
    assert names(await other.settle(alarm("acme", "b"), [])) == ["b"]
    assert set((await book.ledger()).orgs) == {"acme", "b"}


async def test_where_nothing_is_to_be_told_nothing_is_written(book: AlertBook, path: Path) -> None:
    await book.settle(alarm("acme"), ["command"])
    with database(path) as reading:
        (before,) = reading.execute("PRAGMA data_version").fetchone()
        assert await book.settle(alarm("acme"), ["command"]) == ()
        assert reading.execute("PRAGMA data_version").fetchone() == (before,)
        await book.settle(alarm("b"), ["command"])
        assert reading.execute("PRAGMA data_version").fetchone() != (before,)


async def test_an_error_while_deciding_leaves_all_as_it_was(book: AlertBook) -> None:
    def broken(ledger: Ledger) -> tuple[Ledger, tuple[Alert, ...]]:
        raise ZeroDivisionError

    await book.settle(alarm("acme"), [])
    with pytest.raises(ZeroDivisionError):
        await book.settle(broken, [])
    assert names(await book.settle(alarm("acme", "b"), [])) == ["b"]


async def test_what_was_told_of_an_org_goes_with_its_name_and_is_forgotten_with_it(
    journal: Journal, book: AlertBook
) -> None:
    await book.settle(alarm("acme", "b"), [])
    await journal.rename("acme", "c")
    assert set((await book.ledger()).orgs) == {"b", "c"}
    await journal.rename("c", "b")
    assert set((await book.ledger()).orgs) == {"b"}
    await journal.forget("b")
    assert await book.ledger() == Ledger()
    assert names(await book.since(0)) == ["acme", "b"]


# Alerts


async def test_alerts_are_given_back_as_they_are_kept_and_are_told_to_all_processes(
    book: AlertBook, other: AlertBook
) -> None:
    full = replace(alert("acme"), before=None, hint=None, kind="outage", level=Level.UNKNOWN)
    kept = await book.settle(becomes(Ledger(), full, alert("佐藤")), [])
    assert [one.alert for one in kept] == [full, alert("佐藤")]
    assert kept[0].id < kept[1].id
    assert await other.since(0) == kept


async def test_what_came_after_an_alert_is_told_and_no_more(book: AlertBook, other: AlertBook) -> None:
    first = await book.settle(alarm("a"), [])
    assert await other.newest_id(START) == first[-1].id
    assert await other.since(first[-1].id) == ()
    later = await book.settle(alarm("b", "c"), []) + await other.settle(alarm("d"), [])
    assert await other.since(first[-1].id) == later
    assert await book.newest_id(START) == later[-1].id


async def test_alerts_and_their_deliveries_are_kept_for_a_month(book: AlertBook, path: Path) -> None:
    await book.settle(alarm("old"), ["command"])
    await book.settle(alarm("b", at=START + 30 * DAY), ["command"])
    assert names(await book.since(0)) == ["old", "b"]
    await book.settle(alarm("c", at=START + 30 * DAY + SECOND), ["command"])
    assert names(await book.since(0)) == ["b", "c"]
    with database(path) as reading:
        assert reading.execute("SELECT count(*) FROM delivery").fetchone() == (2,)


# Rows that are not understood

BAD = {
    "told": {"level": 7, "told_at": "'once'", "looked_at": "'once'"},
    "alert": {"at": "'once'", "kind": "'gossip'", "level": -1},
}


@pytest.mark.parametrize(("table", "column"), [(table, key) for table in BAD for key in BAD[table]])
async def test_a_row_that_is_not_understood_counts_as_none(
    table: str, column: str, book: AlertBook, path: Path
) -> None:
    kept = await book.settle(alarm("a", "b"), ["command"])
    with database(path) as behind:
        behind.execute(f"UPDATE {table} SET {column} = {BAD[table][column]} WHERE org = 'a'")
    if table == "told":
        assert set((await book.ledger()).orgs) == {"b"}
        assert names(await book.settle(alarm("a", "b"), [])) == ["a"]
        return
    assert await book.since(0) == kept[1:]
    assert (await taken(book)).kept == kept[1]
    assert await claim(book) is None


async def test_an_outage_that_is_not_understood_counts_as_none(book: AlertBook, path: Path) -> None:
    await book.settle(becomes(Ledger({"a": TOLD}, START)), [])
    with database(path) as behind:
        behind.execute("UPDATE outage SET since = 'once'")
    assert await book.ledger() == Ledger({"a": TOLD})


async def test_text_that_is_kept_is_cleaned_again(book: AlertBook, path: Path) -> None:
    await book.settle(alarm("a"), [])
    with database(path) as behind:
        behind.execute("UPDATE alert SET headline = ?, hint = ?", ["Evil\x1b[2J", "two\nlines"])
    (kept,) = await book.since(0)
    assert (kept.alert.headline, kept.alert.hint) == ("Evil[2J", "two lines")


async def test_the_first_look_of_an_org_does_not_touch_what_was_told(
    journal: Journal, book: AlertBook
) -> None:
    kept: tuple[KeptAlert, ...] = await book.settle(alarm("acme"), [])
    await note(journal, looked(org()))
    assert await book.since(0) == kept
    assert await book.ledger() == Ledger({"acme": TOLD})


# Several processes

SETTLE = """
import asyncio, sys
from pathlib import Path
from tests.store.builders import alarm
from zbtui.store.journal import open_journal
READY
async def one(path):
    journal = open_journal(path)
    for index in range(10):
        await journal.alerts.settle(alarm(f"org-{index}", f"org-{index + 1}"), ["command"])
        assert journal.trouble is None, journal.trouble
    await journal.close()
async def main():
    await asyncio.gather(*(one(Path(sys.argv[2])) for _ in range(5)))
asyncio.run(main())
"""


async def test_of_twenty_that_settle_at_once_each_alert_is_told_by_one(book: AlertBook, path: Path) -> None:
    """Four processes with five journals each."""
    await book.ledger()
    run_together(4, SETTLE, path)
    assert sorted(names(await book.since(0))) == sorted(f"org-{index}" for index in range(11))
    found = [await claim(book) for _ in range(12)]
    assert sorted(one.kept.alert.org for one in found[:-1] if one) == sorted(
        f"org-{index}" for index in range(11)
    )
    assert found[-1] is None
