"""Two processes that read different histories: the one read later counts for both."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.store.store_samples import make_history, polled_snapshot, raw_database, sample_org
from tests.support.fake_clock import START
from tests.support.snapshots import snapshot_with
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
COMPLETED_HISTORY = make_history(completed=START - DAY, failed=START - 20 * DAY)
FAILED_HISTORY = make_history(completed=START - 20 * DAY, failed=START - DAY)


def seen(minutes: int, history: History | None, read: int | None, **keys: Any) -> Snapshot:
    """A snapshot polled after `minutes`, with a history read after `read` minutes."""
    read_at = None if read is None else START + read * MINUTE
    keys = {"links": None, "last_links_expiry": None, "history_tried_at": read_at, **keys}
    polled = polled_snapshot(sample_org(), START + minutes * MINUTE)
    return snapshot_with(polled, history=history, history_read_at=read_at, **keys)


async def record(journal: Journal, snapshot: Snapshot) -> Snapshot:
    now = snapshot.polls.attempted_at
    assert now is not None
    return (await journal.record_poll(snapshot, WatchPolicy(), now)).snapshot


async def test_a_history_that_another_process_read_later_is_taken_over(journal: Journal) -> None:
    links = Links(1, 0, START + DAY)
    await record(journal, seen(2, FAILED_HISTORY, 1))
    later = seen(3, COMPLETED_HISTORY, 3, links=links, last_links_expiry=links.expires_at)
    await record(journal, later)
    mine = seen(5, FAILED_HISTORY, 1)
    known = await record(journal, mine)
    assert known.zoho.history == COMPLETED_HISTORY
    assert known.zoho.history_read_at == known.polls.history_tried_at == START + 3 * MINUTE
    assert (known.zoho.links, known.zoho.last_links_expiry) == (links, links.expires_at)
    assert known.zoho.backup == mine.zoho.backup


async def test_the_own_history_stays_where_it_is_the_later_one(journal: Journal) -> None:
    await record(journal, seen(2, FAILED_HISTORY, 1))
    mine = seen(5, COMPLETED_HISTORY, 4)
    assert await record(journal, mine) == mine


async def test_the_verdict_is_on_what_is_known_then_and_no_event_contradicts_it(journal: Journal) -> None:
    await record(journal, seen(2, COMPLETED_HISTORY, 1))
    await record(journal, seen(3, FAILED_HISTORY, 3))
    for minutes in range(4, 30):
        known = await record(journal, seen(minutes, COMPLETED_HISTORY, 1))
        assert known.zoho.history == FAILED_HISTORY
    events = await journal.events.read("acme", None)
    assert [event.after for event in events if event.kind == "verdict"] == ["scheduled", "failed"]


async def test_a_history_that_could_not_be_read_here_is_known_from_there(journal: Journal) -> None:
    await record(journal, seen(2, COMPLETED_HISTORY, 1))
    problem = Problem("server", "Out of order.", "Wait.")
    known = await record(journal, seen(5, None, None, history_problem=problem, history_failures=4))
    assert known.zoho.history == COMPLETED_HISTORY
    assert (known.polls.history_problem, known.polls.history_failures) == (None, 0)


async def test_a_later_history_that_cannot_be_read_is_none(journal: Journal, journal_path: Path) -> None:
    await record(journal, seen(3, COMPLETED_HISTORY, 3))
    with raw_database(journal_path) as other:
        other.execute("UPDATE history SET body = '['")
    known = await record(journal, seen(5, FAILED_HISTORY, 1))
    assert (known.zoho.history, known.zoho.history_read_at) == (FAILED_HISTORY, START + MINUTE)


async def test_that_a_history_is_behind_or_unsettled_is_known_after_a_restart(journal: Journal) -> None:
    await record(
        journal, seen(5, COMPLETED_HISTORY, 1, history_behind_since=START, unsettled_history_reads=2)
    )
    known = journal.load_all([sample_org()])["acme"]
    assert (known.zoho.history_behind_since, known.polls.unsettled_history_reads) == (START, 2)


async def test_recall_gives_one_org_and_nothing_for_another_of_its_name(journal: Journal) -> None:
    await record(journal, seen(2, COMPLETED_HISTORY, 1))
    known = await journal.load_org(sample_org())
    assert known is not None
    assert known.zoho.history == COMPLETED_HISTORY
    assert await journal.load_org(replace(sample_org(), client_id="1000.OTHER")) is None
