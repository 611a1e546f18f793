"""Coverage: the spans of time in which the journal says that an org was watched."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    failed_poll_snapshot,
    polled_snapshot,
    raw_database,
    record_poll,
    sample_org,
)
from tests.support.fake_clock import START
from zbtui.config.settings import JournalRetention
from zbtui.store.coverage import Span
from zbtui.store.journal import Journal, open_journal

ACME, BROOK = sample_org(), sample_org("brook")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def at(minute: float) -> datetime:
    return START + minute * MINUTE


async def poll(journal: Journal, *minutes: float) -> None:
    for minute in minutes:
        await record_poll(journal, polled_snapshot(ACME, at(minute)))


async def spans(path: Path, since: datetime | None = None) -> list[tuple[float, float]]:
    """The coverage as another process reads it, in minutes after the start."""
    journal = open_journal(path)
    try:
        found = await journal.coverage.read(ACME, since)
        return [((one.began - START) / MINUTE, (one.ended - START) / MINUTE) for one in found]
    finally:
        await journal.close()


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        ([0], [(0, 0)]),
        ([0, 5, 10.5, 16], [(0, 16)]),
        ([0, 10], [(0, 10)]),  # one poll may be left out: the interval is 5 minutes
        ([0, 10.1], [(0, 0), (10.1, 10.1)]),
        ([0, 5, 60, 65, 70], [(0, 5), (60, 70)]),
    ],
)
async def test_a_span_goes_on_while_polls_come_within_the_interval(
    journal: Journal, journal_path: Path, minutes: list[float], expected: list[tuple[float, float]]
) -> None:
    await poll(journal, *minutes)
    assert await spans(journal_path) == expected


async def test_a_failed_poll_covers_nothing(journal: Journal, journal_path: Path) -> None:
    await poll(journal, 0)
    failed = failed_poll_snapshot(polled_snapshot(ACME), at(5))
    for minute in (5, 8, 11):
        await record_poll(journal, failed_poll_snapshot(failed, at(minute)))
    await poll(journal, 12)
    assert await spans(journal_path) == [(0, 0), (12, 12)]


async def test_it_is_written_every_15_seconds_for_all_orgs_together_and_at_the_end(
    journal: Journal, journal_path: Path
) -> None:
    for second in range(0, 16, 5):
        for org in (ACME, BROOK):
            await record_poll(journal, polled_snapshot(org, START + second * timedelta(seconds=1)))
            with raw_database(journal_path) as other:
                rows = other.execute("SELECT org, ended FROM coverage").fetchall()
            # brook came after the first write: it is written with the next.
            written = {"acme"} if second < 15 else {"acme", "brook"}
            assert {name for name, _ in rows} == written
    journal_ends = [one.ended for org in (ACME, BROOK) for one in await journal.coverage.read(org)]
    assert journal_ends == [START + timedelta(seconds=15), START + timedelta(seconds=10)]
    await journal.close()
    with raw_database(journal_path) as other:
        ends = other.execute("SELECT DISTINCT ended FROM coverage").fetchall()
    assert ends == [("2026-11-23T11:20:15+00:00",)]


async def test_processes_and_restarts_go_on_with_one_span(journal: Journal, journal_path: Path) -> None:
    await poll(journal, 0)
    for minute in (5, 10):
        other = open_journal(journal_path)
        await poll(other, minute)
        await other.close()
    await poll(journal, 12)
    assert await spans(journal_path) == [(0, 12)]


async def test_another_identity_has_spans_of_its_own(journal: Journal) -> None:
    await poll(journal, 0)
    other = replace(ACME, client_id="1000.XYZ")
    await record_poll(journal, polled_snapshot(other, at(1)))
    await journal.coverage.flush(journal.retention)
    assert await journal.coverage.read(other) == [Span(at(1), at(1))]
    assert await journal.coverage.read(ACME) == [Span(START, START)]


async def test_it_stays_when_the_org_goes_and_follows_a_new_name(journal: Journal) -> None:
    await poll(journal, 0)
    heron = replace(ACME, name="heron")
    await journal.rename_org(ACME, heron)
    await journal.forget_org(heron)
    assert await journal.coverage.read(heron) == [Span(START, START)]
    assert await journal.coverage.read(ACME) == []


async def test_it_goes_with_the_events_once_it_is_too_old(journal: Journal, journal_path: Path) -> None:
    journal.retention = JournalRetention(keep=2 * DAY)
    await poll(journal, 0, 5)
    await record_poll(journal, polled_snapshot(ACME, START + 3 * DAY))
    assert await spans(journal_path) == [(3 * 1440, 3 * 1440)]
    assert await spans(journal_path, START + 4 * DAY) == []


async def test_what_a_clock_ahead_wrote_covers_no_future(journal: Journal, journal_path: Path) -> None:
    await poll(journal, 0, 24 * 60)
    await poll(journal, 5)
    assert await spans(journal_path) == [(0, 5)]


async def test_a_row_that_is_not_understood_counts_not(journal: Journal, journal_path: Path) -> None:
    await poll(journal, 0)
    with raw_database(journal_path) as other:
        other.execute("UPDATE coverage SET ended = 'soon'")
    await poll(journal, 1)
    assert await spans(journal_path) == [(0, 0)]
    await poll(journal, 2)
    await journal.close()
    assert await spans(journal_path) == [(0, 2)]
