"""Reading events from the journal: of one org or all, since a time, at most so many."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.store.store_samples import polled_snapshot, raw_database, record_poll, sample_org
from tests.support.fake_clock import START
from zbtui.health.events import Event
from zbtui.store.journal import Journal, open_journal

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def journal() -> AsyncIterator[Journal]:
    """Two orgs whose status changes each minute, in turn: `acme` at even ones, `b` at odd ones."""
    journal = open_journal(None)
    for minute in range(-2, 10):
        name = "b" if minute % 2 else "acme"
        at = START + minute * MINUTE
        await record_poll(
            journal, polled_snapshot(sample_org(name), at, "SCHEDULED" if minute < 0 else f"S{minute}")
        )
    yield journal
    assert journal.problem is None
    await journal.close()


def statuses(events: list[Event]) -> list[str | None]:
    return [event.after for event in events if event.kind == "status"]


async def test_all_orgs_changes_come_oldest_first(journal: Journal) -> None:
    events = await journal.events.read(None, None)
    assert statuses(events) == [f"S{minute}" for minute in range(10)]
    assert [event.at for event in events] == sorted(event.at for event in events)


async def test_one_orgs_changes_are_its_own(journal: Journal) -> None:
    assert statuses(await journal.events.read("acme", None)) == ["S0", "S2", "S4", "S6", "S8"]
    assert await journal.events.read("nobody", None) == []


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
async def test_what_changed_at_that_moment_or_later_is_shown(zone: timezone, journal: Journal) -> None:
    since = (START + 7 * MINUTE).astimezone(zone)
    assert statuses(await journal.events.read(None, since)) == ["S7", "S8", "S9"]
    later = since + timedelta(microseconds=1)
    assert statuses(await journal.events.read(None, later)) == ["S8", "S9"]
    assert statuses(await journal.events.read("b", since)) == ["S7", "S9"]


async def test_a_level_that_there_is_not_makes_an_event_that_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    journal = open_journal(path)
    for minute, status in enumerate(("SCHEDULED", "S1", "S2")):
        await record_poll(journal, polled_snapshot(sample_org(), START + minute * MINUTE, status))
    with raw_database(path) as other:
        other.execute("UPDATE event SET level = 'worse' WHERE after = 'S1'")
    assert statuses(await journal.events.read(None, None)) == ["S2"]
    await journal.close()


async def test_of_many_the_newest_are_shown_still_oldest_first(journal: Journal) -> None:
    assert statuses(await journal.events.read(None, None, 2)) == ["S8", "S9"]
    assert statuses(await journal.events.read("acme", START + 3 * MINUTE, 2)) == ["S6", "S8"]
    assert await journal.events.read(None, None, 0) == []


async def test_changes_of_one_moment_stay_in_the_order_in_which_they_were_noted() -> None:
    journal = open_journal(None)
    names = ["c", "a", "b"]
    for name in names:
        await record_poll(journal, polled_snapshot(sample_org(name)))
    assert [event.org for event in await journal.events.read(None, None)] == names
    await journal.close()


async def test_after_the_clock_was_set_back_the_order_is_that_of_the_moments() -> None:
    journal = open_journal(None)
    for name, at in (("a", START + MINUTE), ("b", START), ("c", START + timedelta(microseconds=1))):
        await record_poll(journal, polled_snapshot(sample_org(name), at))
    assert [event.org for event in await journal.events.read(None, None)] == ["b", "c", "a"]
    await journal.close()


async def test_an_event_comes_back_as_it_was_noted() -> None:
    journal = open_journal(None)
    at = datetime(2026, 11, 23, 11, 20, 0, 5, tzinfo=UTC)
    noted = await record_poll(journal, polled_snapshot(sample_org("佐藤"), at, "FAILED"))
    assert await journal.events.read(None, None) == list(noted)
    await journal.close()
