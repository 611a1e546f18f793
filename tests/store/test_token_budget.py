"""Token requests and lock-outs: counted over all processes and restarts, whatever the clock does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.store.store_samples import (
    TOKEN_FINGERPRINT,
    full_snapshot,
    load_in_new_process,
    raw_database,
    read_line,
    run_children,
    sample_org,
    save_in_new_process,
)
from tests.support.fake_clock import START
from zbtui.store.journal import Journal, open_journal
from zbtui.store.token_budget import Lockout

OTHER = "fedcba9876543210"
LOCKED = Lockout(START + timedelta(minutes=20), 2)
LIMIT = 9
WINDOW = timedelta(minutes=11)
SECOND = timedelta(seconds=1)


@asynccontextmanager
async def open_for_test(path: Path | None) -> AsyncIterator[Journal]:
    journal = open_journal(path)
    yield journal
    await journal.close()


async def acquire(
    journal: Journal, now: datetime = START, token: str = TOKEN_FINGERPRINT
) -> datetime | None:
    return await journal.tokens.acquire(token, now, LIMIT, WINDOW)


async def acquire_all(journal: Journal, now: datetime = START) -> None:
    for _ in range(LIMIT):
        assert await acquire(journal, now) is None
    assert await acquire(journal, now) is not None


# Lock-outs


async def test_a_lock_out_outlives_the_program(journal_path: Path) -> None:
    await save_in_new_process(journal_path, lockout=LOCKED)
    async with open_for_test(journal_path) as journal:
        assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == LOCKED
        assert await journal.tokens.find_lockout(OTHER) is None


async def test_a_later_lock_out_replaces_it_and_a_good_token_ends_it(journal: Journal) -> None:
    longer = Lockout(START + timedelta(minutes=40), 3)
    for lockout in (LOCKED, longer, None):
        await journal.tokens.set_lockout(TOKEN_FINGERPRINT, lockout)
        assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) == lockout


@pytest.mark.parametrize(
    ("column", "value"),
    [
        *(("until", until) for until in ("soon", "", "2026-11-23T11:40:00")),
        *(("strikes", strikes) for strikes in (-5, (1 << 63) - 1)),
    ],
)
async def test_a_garbled_lock_out_counts_as_none(column: str, value: str | int, journal_path: Path) -> None:
    await save_in_new_process(journal_path, lockout=LOCKED)
    with raw_database(journal_path) as other:
        other.execute(f"UPDATE lockout SET {column} = ?", [value])
    async with open_for_test(journal_path) as journal:
        assert await journal.tokens.find_lockout(TOKEN_FINGERPRINT) is None


# Token requests


async def test_up_to_the_limit_requests_may_be_made_at_once(journal: Journal) -> None:
    assert [await acquire(journal) for _ in range(LIMIT)] == [None] * LIMIT
    assert await acquire(journal) == START + WINDOW


async def test_the_moment_shown_is_when_the_oldest_request_leaves_the_window(journal: Journal) -> None:
    for minute in range(LIMIT):
        assert await acquire(journal, START + timedelta(minutes=minute)) is None
    until = START + WINDOW
    assert await acquire(journal, START + timedelta(minutes=9)) == until
    assert await acquire(journal, until - SECOND) == until
    assert await acquire(journal, until) is None
    assert await acquire(journal, until) == until + timedelta(minutes=1)


async def test_a_request_that_is_refused_does_not_count(journal: Journal) -> None:
    await acquire_all(journal)
    for second in range(60):
        assert await acquire(journal, START + second * SECOND) == START + WINDOW
    assert await acquire(journal, START + WINDOW) is None


async def test_each_token_has_a_count_of_its_own(journal: Journal) -> None:
    await acquire_all(journal)
    assert await acquire(journal, token=OTHER) is None


async def test_a_limit_of_one_lets_one_through_and_no_more(journal_path: Path) -> None:
    half_an_hour = timedelta(minutes=30)
    async with open_for_test(journal_path) as journal:
        assert await journal.tokens.acquire("code:1", START, 1, half_an_hour) is None
        assert (
            await journal.tokens.acquire("code:1", START + SECOND, 1, half_an_hour) == START + half_an_hour
        )
        assert await journal.tokens.acquire("code:2", START + SECOND, 1, half_an_hour) is None


async def test_requests_are_counted_across_restarts(journal_path: Path) -> None:
    for index in range(LIMIT):
        async with open_for_test(journal_path) as journal:
            assert await acquire(journal, START + index * SECOND) is None
    async with open_for_test(journal_path) as journal:
        assert await acquire(journal, START + 10 * SECOND) == START + WINDOW


async def test_a_journal_in_memory_counts_too() -> None:
    async with open_for_test(None) as journal:
        await acquire_all(journal)


async def test_what_no_longer_counts_is_not_kept_for_ever(journal_path: Path) -> None:
    async with open_for_test(journal_path) as journal:
        for day in range(5):
            assert await acquire(journal, START + timedelta(days=day)) is None
    with raw_database(journal_path) as other:
        assert other.execute("SELECT count(*) FROM token_request").fetchone() == (1,)


async def test_only_fingerprints_and_times_are_written_down(journal_path: Path) -> None:
    async with open_for_test(journal_path) as journal:
        await acquire(journal)
    with raw_database(journal_path) as other:
        found = other.execute("SELECT token, at FROM token_request").fetchall()
    assert found == [(TOKEN_FINGERPRINT, START.timestamp())]


async def test_an_org_that_is_renamed_or_forgotten_gives_no_token_back(journal: Journal) -> None:
    await journal.save(full_snapshot(sample_org()))
    await acquire_all(journal)
    await journal.rename_org(sample_org(), sample_org("b"))
    await journal.forget_org(sample_org("b"))
    assert await acquire(journal) == START + WINDOW


gaps = st.lists(
    st.integers(0, 12 * 60 * 10**6).map(lambda count: timedelta(microseconds=count * 100)), max_size=40
)


@settings(max_examples=40, deadline=None)
@given(gaps=gaps)
def test_whenever_requests_come_no_window_holds_more_than_the_limit_and_the_moment_shown_is_the_first(
    gaps: list[timedelta],
) -> None:
    async def live() -> list[datetime]:
        made: list[datetime] = []
        async with open_for_test(None) as journal:
            now = START
            for gap in gaps:
                now += gap
                until = await acquire(journal, now)
                recent = [at for at in made if at > now - WINDOW]
                if until is None:
                    made.append(now)
                else:
                    assert until > now
                    assert abs(until - (recent[-LIMIT] + WINDOW)) <= timedelta(microseconds=1)
                assert (until is None) == (len(recent) < LIMIT)
        return made

    made = asyncio.run(live())
    for first, one_too_many in zip(made, made[LIMIT:], strict=False):
        assert one_too_many - first >= WINDOW


# The clock is set


async def test_after_the_clock_was_set_back_nobody_waits_longer_than_the_window(journal_path: Path) -> None:
    ahead = START + timedelta(days=365)
    async with open_for_test(journal_path) as journal:
        await acquire_all(journal, ahead)
        assert await acquire(journal, START) == START + WINDOW
        assert await acquire(journal, START + WINDOW - SECOND) == START + WINDOW
        assert await acquire(journal, START + WINDOW) is None


async def test_setting_the_clock_back_and_forth_makes_no_room(journal: Journal) -> None:
    made = 0
    for index in range(100):
        made += await acquire(journal, START + (index % 3) * timedelta(minutes=1)) is None
    assert made == LIMIT


# Several processes

SPEND = """
import asyncio, sys
from pathlib import Path
from tests.store.store_samples import TOKEN_FINGERPRINT
from tests.support.fake_clock import START
from datetime import timedelta
from zbtui.store.journal import open_journal
READY
async def main():
    journal = open_journal(Path(sys.argv[2]))
    made = 0
    for _ in range(6):
        made += await journal.tokens.acquire(TOKEN_FINGERPRINT, START, 9, timedelta(minutes=11)) is None
    assert journal.problem is None, journal.problem
    await journal.close()
    print(made, flush=True)
asyncio.run(main())
"""


async def test_processes_that_ask_at_once_keep_to_the_limit_between_them(journal_path: Path) -> None:
    await save_in_new_process(journal_path)
    with run_children(4, SPEND, journal_path) as processes:
        made = [int(read_line(process)) for process in processes]
        for process in processes:
            assert process.wait(timeout=30) == 0
    assert sum(made) == LIMIT


async def test_two_journals_on_one_file_share_one_count(journal_path: Path) -> None:
    async with open_for_test(journal_path) as one, open_for_test(journal_path) as other:
        asked = [acquire(journal) for journal in (one, other) * LIMIT]
        assert (await asyncio.gather(*asked)).count(None) == LIMIT


async def test_the_moment_shown_is_in_utc(journal_path: Path) -> None:
    async with open_for_test(journal_path) as journal:
        await acquire_all(journal)
        until = await acquire(journal)
    assert until is not None
    assert until.tzinfo is UTC
    assert await load_in_new_process(journal_path) == {}
