"""Two processes that have read different histories: the later one counts for both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.store.store_samples import make_history, polled_snapshot, raw_database, sample_org
from tests.support.fake_clock import START
from tests.support.snapshots import snapshot_with
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import Problem
from zbtui.store.journal import Journal
from zbtui.zoho_api.links import Links

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
COMPLETED_HISTORY = make_history(completed=START - DAY, failed=START - 20 * DAY)
FAILED_HISTORY = make_history(completed=START - 20 * DAY, failed=START - DAY)


def at(minutes: int, **keys: Any) -> Snapshot:
    now = START + minutes * MINUTE
    return snapshot_with(polled_snapshot(sample_org(), now), links=None, last_links_expiry=None, **keys)


async def record_poll(journal: Journal, snapshot: Snapshot, minutes: int) -> Snapshot:
    return (await journal.record_poll(snapshot, WatchPolicy(), START + minutes * MINUTE)).snapshot


async def test_a_history_that_another_process_read_later_is_taken_over(journal: Journal) -> None:
    links = Links(1, 0, START + DAY)
    await record_poll(
        journal,
        at(2, history=FAILED_HISTORY, history_read_at=START + MINUTE, history_tried_at=START + MINUTE),
        2,
    )
    later = snapshot_with(
        at(
            3,
            history=COMPLETED_HISTORY,
            history_read_at=START + 3 * MINUTE,
            history_tried_at=START + 3 * MINUTE,
        ),
        links=links,
        last_links_expiry=links.expires_at,
    )
    await record_poll(journal, later, 3)
    mine = at(5, history=FAILED_HISTORY, history_read_at=START + MINUTE, history_tried_at=START + MINUTE)
    known = await record_poll(journal, mine, 5)
    assert known.zoho.history == COMPLETED_HISTORY
    assert known.zoho.history_read_at == START + 3 * MINUTE
    assert (known.zoho.links, known.zoho.last_links_expiry) == (links, links.expires_at)
    assert known.polls.history_tried_at == START + 3 * MINUTE
    assert snapshot_with(known, attempted_at=None).zoho.backup == mine.zoho.backup


async def test_the_own_history_stays_where_it_is_the_later_one(journal: Journal) -> None:
    await record_poll(journal, at(2, history=FAILED_HISTORY, history_read_at=START + MINUTE), 2)
    mine = at(5, history=COMPLETED_HISTORY, history_read_at=START + 4 * MINUTE)
    assert await record_poll(journal, mine, 5) == mine


async def test_the_verdict_is_on_what_is_known_then_and_no_event_contradicts_it(journal: Journal) -> None:
    await record_poll(journal, at(2, history=COMPLETED_HISTORY, history_read_at=START + MINUTE), 2)
    await record_poll(journal, at(3, history=FAILED_HISTORY, history_read_at=START + 3 * MINUTE), 3)
    for minutes in range(4, 30):
        mine = at(minutes, history=COMPLETED_HISTORY, history_read_at=START + MINUTE)
        assert (await record_poll(journal, mine, minutes)).zoho.history == FAILED_HISTORY
    events = await journal.events.read("acme", None)
    assert [event.after for event in events if event.kind == "verdict"] == ["scheduled", "failed"]


async def test_a_history_that_could_not_be_read_here_is_known_from_there(journal: Journal) -> None:
    await record_poll(journal, at(2, history=COMPLETED_HISTORY, history_read_at=START + MINUTE), 2)
    trouble = Problem("server", "Out of order.", "Wait.")
    mine = at(
        5,
        history=None,
        history_read_at=None,
        history_problem=trouble,
        history_failures=4,
    )
    known = await record_poll(journal, mine, 5)
    assert (
        known.zoho.history,
        known.polls.history_problem,
        known.polls.history_failures,
    ) == (COMPLETED_HISTORY, None, 0)


async def test_a_later_history_that_cannot_be_read_is_none(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, at(3, history=COMPLETED_HISTORY, history_read_at=START + 3 * MINUTE), 3)
    with raw_database(journal_path) as other:
        other.execute("UPDATE history SET body = '['")
    mine = at(5, history=FAILED_HISTORY, history_read_at=START + MINUTE, history_tried_at=START + MINUTE)
    known = await record_poll(journal, mine, 5)
    assert (known.zoho.history, known.zoho.history_read_at) == (FAILED_HISTORY, START + MINUTE)


async def test_that_a_history_is_behind_or_unsettled_is_known_after_a_restart(journal: Journal) -> None:
    mine = at(
        5,
        history=COMPLETED_HISTORY,
        history_read_at=START + MINUTE,
        history_outdated=True,
        unfinished_history_reads=2,
    )
    await record_poll(journal, mine, 5)
    known = journal.load_all([sample_org()])["acme"]
    assert (known.zoho.history_outdated, known.polls.unfinished_history_reads) == (True, 2)


async def test_recall_gives_one_org_and_nothing_for_another_of_its_name(journal: Journal) -> None:
    await record_poll(journal, at(2, history=COMPLETED_HISTORY, history_read_at=START + MINUTE), 2)
    known = await journal.load_org(sample_org())
    assert known is not None
    assert known.zoho.history == COMPLETED_HISTORY
    assert await journal.load_org(replace(sample_org(), client_id="1000.OTHER")) is None
