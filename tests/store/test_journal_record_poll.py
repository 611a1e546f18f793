"""Recording a poll: snapshot, history, and the count of failed polls."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from tests.store.store_samples import (
    dump_database,
    failed_poll_snapshot,
    full_snapshot,
    load_in_new_process,
    make_history,
    message_of,
    polled_snapshot,
    raw_database,
    record_poll,
    sample_org,
)
from tests.support.fake_clock import START
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.store.journal import Journal, open_journal

ACME = sample_org()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


# Snapshots


async def test_a_good_poll_is_there_whole_after_a_restart(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    assert await load_in_new_process(journal_path) == {
        "acme": snapshot_with(full_snapshot(ACME), restored=True)
    }


async def test_a_failed_poll_leaves_what_was_seen_and_counts(journal: Journal, journal_path: Path) -> None:
    seen = polled_snapshot(ACME)
    await record_poll(journal, seen)
    for minute in (1, 2):
        seen = failed_poll_snapshot(seen, START + minute * MINUTE)
        await record_poll(journal, seen)
    assert await load_in_new_process(journal_path) == {
        "acme": snapshot_with(full_snapshot(ACME), restored=True, failures=2, failing_since=START + MINUTE)
    }


async def test_failures_of_an_unseen_org_outlive_a_restart(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, failed_poll_snapshot(Snapshot(ACME), START))
    (restored,) = (await load_in_new_process(journal_path)).values()
    assert restored == build_snapshot(ACME, restored=True, failures=1, failing_since=START)
    await record_poll(journal, failed_poll_snapshot(restored, START + MINUTE))
    (restored,) = (await load_in_new_process(journal_path)).values()
    assert (restored.polls.failures, restored.polls.failing_since) == (2, START)


async def test_a_good_poll_ends_the_count(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, failed_poll_snapshot(Snapshot(ACME), START))
    await record_poll(journal, polled_snapshot(ACME, START + MINUTE))
    assert (await load_in_new_process(journal_path))["acme"].polls.failures == 0


async def test_an_org_that_signed_in_since_counts_from_zero(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, failed_poll_snapshot(Snapshot(ACME), START))
    await journal.save(full_snapshot(ACME, START + MINUTE))
    restored = (await load_in_new_process(journal_path))["acme"]
    assert (restored.polls.failures, restored.polls.failing_since) == (0, None)


async def test_what_was_never_polled_is_not_noted(journal: Journal, journal_path: Path) -> None:
    assert await record_poll(journal, Snapshot(ACME)) == ()
    assert await record_poll(journal, full_snapshot(ACME)) == ()
    assert await load_in_new_process(journal_path) == {}


# History and links


async def test_an_unread_history_is_asked_for_on_restart(journal: Journal, journal_path: Path) -> None:
    wrong = Problem("server", "Zoho is out of order.", "Wait.")
    await record_poll(journal, polled_snapshot(ACME, history_problem=wrong, history_failures=3))
    restored = (await load_in_new_process(journal_path))["acme"]
    polls = restored.polls
    assert (polls.history_tried_at, polls.history_problem, polls.history_failures) == (None, None, 3)
    assert restored.zoho.history == full_snapshot(ACME).zoho.history


async def test_without_a_history_it_is_asked_for(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME, history=None, history_read_at=None))
    restored = (await load_in_new_process(journal_path))["acme"]
    assert (restored.zoho.history, restored.zoho.history_read_at) == (None, None)
    assert restored.polls.history_tried_at is None


@pytest.mark.parametrize(("age", "newer"), [(HOUR, True), (2 * HOUR, False), (3 * HOUR, False)])
async def test_a_history_is_written_where_it_is_newer_than_the_one_that_is_kept(
    age: timedelta, newer: bool, journal: Journal, journal_path: Path
) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    other = make_history(START - DAY, START - 2 * DAY)
    await record_poll(
        journal, polled_snapshot(ACME, START + MINUTE, history=other, history_read_at=START - age)
    )
    restored = (await load_in_new_process(journal_path))["acme"]
    first = (full_snapshot(ACME).zoho.history, START - 2 * HOUR)
    assert (restored.zoho.history, restored.zoho.history_read_at) == (
        (other, START - age) if newer else first
    )


async def test_the_newest_history_comes_with_the_newest_poll(journal: Journal, journal_path: Path) -> None:
    fresh = make_history(START - DAY, START - 2 * DAY)
    await record_poll(journal, polled_snapshot(ACME, history=fresh, history_read_at=START))
    await record_poll(
        journal, polled_snapshot(ACME, START + MINUTE, "FAILED", history_read_at=START - HOUR)
    )
    restored = (await load_in_new_process(journal_path))["acme"]
    assert (restored.zoho.history, restored.zoho.history_read_at) == (fresh, START)
    assert restored.zoho.backup is not None
    assert restored.zoho.backup.status == "FAILED"


# Number of writes


async def test_a_history_is_not_written_again_with_every_poll(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    with raw_database(journal_path) as other:
        other.execute(
            "CREATE TRIGGER no_more BEFORE INSERT ON history BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    await record_poll(journal, polled_snapshot(ACME, START + MINUTE, history_read_at=START - 2 * HOUR))
    assert journal.problem is None
    with raw_database(journal_path) as other:
        (body,) = other.execute("SELECT body FROM snapshot").fetchone()
    assert "history" not in json.loads(body)


async def test_where_one_part_cannot_be_written_none_is(journal_path: Path) -> None:
    journal = open_journal(journal_path)
    await record_poll(journal, polled_snapshot(ACME))
    before = dump_database(journal_path)
    with raw_database(journal_path) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'full'); END")
    assert (
        await record_poll(journal, polled_snapshot(ACME, START + MINUTE, "FAILED")) != ()
    )  # kept in the fallback
    assert "full" in message_of(journal)
    with raw_database(journal_path) as other:
        other.execute("DROP TRIGGER full")
    assert dump_database(journal_path) == before
    await journal.close()
