"""Events: each change is recorded once, whichever process polls, and old events are deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.store.store_samples import (
    YEAR_END,
    dump_database,
    failed_poll_snapshot,
    full_snapshot,
    load_in_new_process,
    make_history,
    polled_snapshot,
    raw_database,
    record_poll,
    run_concurrently,
    sample_org,
)
from tests.support.fake_clock import START
from tests.support.memory_journal import MemoryJournal
from tests.support.samples import reproducible
from tests.support.snapshots import snapshot_with
from zbtui.config.settings import JournalRetention
from zbtui.health.events import EVENT_KINDS, Event
from zbtui.store.journal import Journal

ACME = sample_org()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def kinds_and_changes(events: tuple[Event, ...] | list[Event]) -> list[tuple[str, str | None, str | None]]:
    return [(event.kind, event.before, event.after) for event in events]


def at(minutes: float) -> timedelta:
    return minutes * MINUTE


async def test_of_the_first_poll_only_what_is_amiss_is_shown(journal: Journal) -> None:
    (event,) = await record_poll(journal, polled_snapshot(ACME))
    assert event == Event(START, "acme", "verdict", None, "scheduled", "ok", "next backup in 7d 16:40:42")


async def test_each_change_is_noted_once_with_time_from_and_to(journal: Journal) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    later = polled_snapshot(ACME, START + MINUTE, "FAILED", company=None)
    events = await record_poll(journal, later)
    assert kinds_and_changes(events) == [
        ("status", "SCHEDULED", "FAILED"),
        ("verdict", "scheduled", "failed"),
    ]
    assert {(event.at, event.org, event.level) for event in events} == {
        (START + MINUTE, "acme", "critical")
    }
    assert await record_poll(journal, snapshot_with(later, attempted_at=START + 2 * MINUTE)) == ()


async def test_every_kind_of_change_is_noted(journal: Journal) -> None:
    first = polled_snapshot(ACME)
    await record_poll(journal, first)
    assert first.zoho.backup is not None
    assert first.zoho.company is not None
    second = polled_snapshot(
        ACME,
        START + MINUTE,
        backup=replace(first.zoho.backup, status="STOPPED", rrule=None, requester=None),
        history=make_history(START, START - DAY),
        history_read_at=START + MINUTE,
        company=replace(first.zoho.company, licence_expires_at=START + DAY),
    )
    changes = kinds_and_changes(await record_poll(journal, second))
    changes += kinds_and_changes(
        await record_poll(journal, failed_poll_snapshot(second, START + 2 * MINUTE))
    )
    assert {kind for kind, _, _ in changes} == set(EVENT_KINDS)
    assert ("licence", None, "2026-11-24") in changes
    assert YEAR_END.date().isoformat() not in str(changes)


async def test_problem_and_recovery_are_noted_and_nothing_else_of_a_failed_poll(journal: Journal) -> None:
    seen = polled_snapshot(ACME)
    await record_poll(journal, seen)
    failing = failed_poll_snapshot(seen, START + MINUTE)
    assert kinds_and_changes(await record_poll(journal, failing)) == [
        ("trouble", None, "Zoho cannot be reached.")
    ]
    for minute in (2, 3):
        failing = failed_poll_snapshot(failing, START + at(minute))
    assert kinds_and_changes(await record_poll(journal, failing)) == [
        ("verdict", "scheduled", "cannot_tell")
    ]
    again = polled_snapshot(ACME, START + at(4))
    assert kinds_and_changes(await record_poll(journal, again)) == [
        ("verdict", "cannot_tell", "scheduled"),
        ("trouble", "Zoho cannot be reached.", None),
    ]


async def test_a_failed_poll_leaves_the_newer_data_of_another_process(journal: Journal) -> None:
    old = polled_snapshot(ACME, company=None, history=None)
    await record_poll(journal, polled_snapshot(ACME, START + MINUTE, "INPROGRESS"))
    failing = failed_poll_snapshot(old, START + 2 * MINUTE)
    assert {kind for kind, _, _ in kinds_and_changes(await record_poll(journal, failing))} == {
        "verdict",
        "trouble",
    }
    back = polled_snapshot(ACME, START + 3 * MINUTE, "INPROGRESS")
    assert {kind for kind, _, _ in kinds_and_changes(await record_poll(journal, back))} == {
        "verdict",
        "trouble",
    }


async def test_a_poll_older_than_the_last_changes_nothing(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME, START + MINUTE))
    before = dump_database(journal_path)
    late = polled_snapshot(
        ACME, START, "FAILED", history=make_history(START, START), history_read_at=START + HOUR
    )
    assert await record_poll(journal, late, START + 2 * MINUTE) == ()
    assert await record_poll(journal, failed_poll_snapshot(late, START), START + 2 * MINUTE) == ()
    assert dump_database(journal_path) == before


async def test_what_a_clock_ahead_has_noted_is_no_bar(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME, START + DAY))
    events = await record_poll(journal, polled_snapshot(ACME, START, "FAILED"))
    assert ("status", "SCHEDULED", "FAILED") in kinds_and_changes(events)
    restored = (await load_in_new_process(journal_path))["acme"]
    assert (restored.zoho.observed_at, restored.zoho.history_read_at) == (START, START - 2 * HOUR)


async def test_another_org_of_the_same_name_begins_again(journal: Journal) -> None:
    await record_poll(journal, polled_snapshot(ACME, START + MINUTE))
    other = polled_snapshot(sample_org(data_center="us"), START, "FAILED")
    assert kinds_and_changes(await record_poll(journal, other, START + 2 * MINUTE)) == [
        ("verdict", None, "failed")
    ]


async def test_org_state_and_events_go_with_a_renamed_org(journal: Journal, journal_path: Path) -> None:
    await record_poll(journal, polled_snapshot(ACME))
    await record_poll(journal, failed_poll_snapshot(polled_snapshot(sample_org("b")), START))
    await journal.rename_org(sample_org(), sample_org("b"))
    assert await load_in_new_process(journal_path, "acme", "b") == {
        "b": snapshot_with(full_snapshot(sample_org("b")), restored=True)
    }
    (event,) = await record_poll(
        journal, failed_poll_snapshot(polled_snapshot(sample_org("b")), START + MINUTE)
    )
    assert event.kind == "trouble"
    events = await journal.events.read("b", None)
    assert kinds_and_changes(events)[0] == ("verdict", None, "scheduled")
    assert await journal.events.read("acme", None) == []
    assert len(await journal.events.read(None, None)) == len(events)


async def test_a_forgotten_org_starts_without_a_state_its_events_stay(
    journal: Journal, journal_path: Path
) -> None:
    await record_poll(journal, failed_poll_snapshot(polled_snapshot(ACME), START))
    before = await journal.events.read("acme", None)
    await journal.forget_org(sample_org())
    assert await load_in_new_process(journal_path) == {}
    with raw_database(journal_path) as other:
        for table in ("snapshot", "history", "poll_record"):
            assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert await journal.events.read("acme", None) == before
    assert kinds_and_changes(await record_poll(journal, polled_snapshot(ACME, START + MINUTE))) == [
        ("verdict", None, "scheduled")
    ]


# Retention


async def test_events_older_than_keep_are_dropped_with_the_next_poll(journal: Journal) -> None:
    journal.retention = JournalRetention(keep=10 * DAY)
    await record_poll(journal, polled_snapshot(ACME))
    just = START + 10 * DAY
    await record_poll(journal, polled_snapshot(sample_org("b"), just))
    assert len(await journal.events.read("acme", None)) == 1
    await record_poll(journal, polled_snapshot(sample_org("b"), just + timedelta(microseconds=1)))
    assert await journal.events.read("acme", None) == []
    assert len(await journal.events.read("b", None)) == 1


async def test_of_too_many_events_the_oldest_go_whichever_orgs_they_are(journal: Journal) -> None:
    journal.retention = JournalRetention(most_events=5)
    for index in range(10):
        await record_poll(journal, polled_snapshot(sample_org(f"org-{index}"), START + at(index)))
    left = [event.org for event in await journal.events.read(None, None)]
    assert left == [f"org-{index}" for index in range(5, 10)]


async def test_as_long_as_nobody_says_otherwise_events_are_kept_for_three_years(journal: Journal) -> None:
    assert journal.retention == JournalRetention()
    await record_poll(journal, polled_snapshot(ACME))
    await record_poll(journal, polled_snapshot(sample_org("b"), START + 1095 * DAY))
    assert len(await journal.events.read("acme", None)) == 1
    await record_poll(journal, polled_snapshot(sample_org("b"), START + 1095 * DAY + MINUTE))
    assert await journal.events.read("acme", None) == []


# Several processes

STEPS = 30
NOTE = f"""
import asyncio, sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tests.store.store_samples import polled_snapshot, record_poll, sample_org
from tests.support.fake_clock import START
from zbtui.store.journal import open_journal
READY
number, path = int(sys.argv[1]), sys.argv[2]
async def main():
    journal = open_journal(Path(path))
    for index in range({STEPS}):
        at = START + timedelta(seconds=index, milliseconds=number)
        await record_poll(journal, polled_snapshot(sample_org(), at, f"S{{index}}"))
        assert journal.problem is None, journal.problem
    await journal.close()
asyncio.run(main())
"""


async def test_what_several_processes_see_is_noted_once(journal: Journal, journal_path: Path) -> None:
    run_concurrently(4, NOTE, journal_path)
    events = [event for event in await journal.events.read("acme", None) if event.kind == "status"]
    assert [(event.before, event.after) for event in events] == [
        (f"S{index}", f"S{index + 1}") for index in range(STEPS - 1)
    ]
    assert {event.kind for event in await journal.events.read("acme", None)} == {"status", "verdict"}


polls = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from(["SCHEDULED", "FAILED", "STOPPED", None])), max_size=12
)


@reproducible
@given(polls=polls)
def test_in_any_order_of_polls_the_events_lead_from_one_org_state_to_the_next(
    polls: list[tuple[int, str | None]],
) -> None:
    """A status of None is a failed poll."""

    async def live() -> list[Event]:
        journal = MemoryJournal()
        for minute, status in polls:
            when = START + at(minute)
            failing = failed_poll_snapshot(polled_snapshot(ACME), when)
            await record_poll(journal, polled_snapshot(ACME, when, status) if status else failing)
        return await journal.events.read(None, None)

    found = asyncio.run(live())
    for kind in EVENT_KINDS:
        chain = [(event.before, event.after) for event in found if event.kind == kind]
        assert all(earlier[1] == later[0] for earlier, later in pairwise(chain))
        assert all(before != after for before, after in chain)
    assert [event.at for event in found] == sorted(event.at for event in found)
