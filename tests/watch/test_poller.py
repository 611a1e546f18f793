"""One org's loop: what it is told and tells, and that it never overlaps itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import make_org
from tests.support.clock import START, FakeClock, settle
from tests.support.notebook import Notebook
from tests.watch.pollers import DAY, FAR, HOUR, SECOND, Watch, gaps
from tests.watch.scene import (
    DEAD,
    MINUTE,
    OFFLINE,
    EvenLuck,
    Outcome,
    locked_out,
    refuses,
)
from zbtui.core.explain_sign_in import over_budget
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import Trouble
from zbtui.store.journal import open_journal

# Asked by hand


async def test_a_look_asked_for_by_hand_comes_at_once(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        await clock.advance(10)
        assert watch.poller.look_soon() is None
        await clock.advance(0)
        assert watch.looks == 2
        assert watch.snapshot.activity.next_poll == clock.now() + 5 * MINUTE


async def test_however_often_it_is_asked_for_a_look_comes_every_five_seconds_at_most(
    clock: FakeClock,
) -> None:
    watch = Watch(clock)
    async with watch.running():
        for _ in range(120):
            watch.poller.look_soon()
            await clock.advance(0.5)
        assert min(gaps(watch.zoho.times())) >= 5 * SECOND
        assert 11 <= watch.looks <= 13


async def test_asking_by_hand_while_a_look_is_under_way_starts_no_second_one(clock: FakeClock) -> None:
    watch = Watch(clock)
    gate = watch.hang()
    async with watch.running():
        for _ in range(20):
            assert watch.poller.look_soon() is None
            await clock.advance(10)
        assert watch.looks == 1
        gate.set()
        await clock.advance(0)
        assert watch.looks == 1
        assert watch.zoho.most_at_once == 1


@pytest.mark.parametrize("bar", [locked_out, over_budget], ids=["a lock-out", "what keeps from one"])
async def test_nothing_asked_by_hand_goes_through_a_lock_out_or_what_keeps_from_one(
    clock: FakeClock, bar: Callable[[datetime], Trouble]
) -> None:
    until = clock.now() + 10 * MINUTE
    watch = Watch(clock, refuses(bar(until)))
    async with watch.running():
        for _ in range(59):
            await clock.advance(10)
            assert watch.poller.look_soon() == until
        assert watch.looks == 1
        watch.answers(FAR)
        await clock.advance(11)
        assert watch.looks == 2
        assert watch.poller.look_soon() is None


async def test_asking_by_hand_works_after_the_clock_went_back(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        clock.jump(-DAY)
        watch.poller.look_soon()
        await clock.advance(5)
        assert watch.looks == 2


# Pause and stop


async def test_a_paused_org_is_not_asked_about_until_it_is_resumed(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        watch.poller.pause(True)
        assert watch.published[-1].activity.paused
        await clock.advance(DAY)
        assert watch.looks == 1
        watch.poller.pause(False)
        await clock.advance(0)
        assert watch.looks == 2
        assert not watch.snapshot.activity.paused


async def test_an_org_paused_while_its_answer_is_under_way_stays_paused(clock: FakeClock) -> None:
    watch = Watch(clock)
    gate = watch.hang()
    async with watch.running():
        watch.poller.pause(True)
        gate.set()
        await clock.advance(HOUR)
        assert watch.looks == 1
        assert watch.snapshot.activity.paused
        assert watch.snapshot.zoho.backup is not None


async def test_pausing_what_is_paused_publishes_nothing(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        watch.poller.pause(True)
        told = len(watch.published)
        watch.poller.pause(True)
        assert len(watch.published) == told


@pytest.mark.parametrize("outcome", [FAR, refuses(OFFLINE), refuses(DEAD)], ids=["seen", "offline", "dead"])
async def test_a_stopped_loop_ends_whatever_it_waits_for(clock: FakeClock, outcome: Outcome) -> None:
    watch = Watch(clock, outcome)
    task = asyncio.create_task(watch.poller.run())
    await settle()
    watch.poller.stop()
    await settle()
    assert task.done()
    await task


async def test_a_loop_that_was_stopped_before_it_ran_never_looks(clock: FakeClock) -> None:
    watch = Watch(clock)
    watch.poller.stop()
    await watch.poller.run()
    assert watch.looks == 0


async def test_what_is_answered_after_the_stop_is_neither_told_nor_kept(clock: FakeClock) -> None:
    journal = Notebook()
    watch = Watch(clock, journal=journal)
    gate = watch.hang()
    task = asyncio.create_task(watch.poller.run())
    await settle()
    watch.poller.stop()
    told = len(watch.published)
    gate.set()
    await task
    assert len(watch.published) == told
    assert journal.saved == []


# What a look leaves behind


async def test_a_look_is_published_when_it_begins_and_when_it_ends(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        assert [one.activity.polling for one in watch.published] == [True, False]
        assert watch.published[-1].zoho.observed_at == START
        assert watch.published[-1].activity.next_poll == START + 5 * MINUTE


async def test_on_trouble_the_last_good_data_stays_with_its_age(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        watch.answers(refuses(OFFLINE))
        await clock.advance(5 * MINUTE)
        assert watch.snapshot.polls.problem == OFFLINE
        assert watch.snapshot.zoho.backup == FAR.backup
        assert (watch.snapshot.zoho.observed_at, watch.snapshot.polls.attempted_at) == (
            START,
            START + 5 * MINUTE,
        )
        assert watch.snapshot.polls.failures == 1


async def test_a_bug_becomes_a_trouble_that_says_no_more_than_its_class(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(clock, KeyError("1000.a-secret"))
    with caplog.at_level(logging.WARNING):
        async with watch.running():
            trouble = watch.snapshot.polls.problem
            assert trouble is not None
            assert (trouble.kind, trouble.final) == ("contract", False)
            assert "KeyError" in trouble.message
            assert "secret" not in f"{trouble}{caplog.text}"
            watch.answers(FAR)
            await clock.advance(30)
            assert watch.snapshot.polls.problem is None


async def test_only_what_was_seen_goes_into_the_journal(clock: FakeClock, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.db")
    watch = Watch(clock, journal=journal)
    await watch.poller.look()
    clock.jump(HOUR)
    watch.answers(refuses(OFFLINE))
    await watch.poller.look()
    await journal.close()
    reopened = open_journal(tmp_path / "journal.db")
    kept = reopened.load([make_org()])["acme"]
    await reopened.close()
    assert kept.zoho.observed_at == START
    assert kept.zoho.backup == FAR.backup
    assert kept.polls.restored
    assert kept.polls.problem is None


async def test_trouble_is_logged(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await Watch(clock, refuses(OFFLINE)).poller.look()
    assert f"acme: {OFFLINE.message}" in caplog.text


async def test_trouble_that_lasts_is_logged_once_and_again_when_it_comes_back(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(clock)
    for outcome in [refuses(OFFLINE)] * 3 + [refuses(DEAD)] * 2 + [FAR] + [refuses(OFFLINE)] * 2:
        watch.answers(outcome)
        await watch.poller.look()
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert logged == [f"acme: {said.message}" for said in (OFFLINE, DEAD, OFFLINE)]


# When the wall clock jumps


async def test_what_fell_due_in_the_machines_sleep_is_looked_at_within_the_spread(
    clock: FakeClock,
) -> None:
    watch = Watch(clock, luck=EvenLuck(0.5))
    async with watch.running():
        clock.jump(8 * HOUR)
        watch.poller.reconsider(4 * SECOND)
        await clock.advance(2.9)
        assert watch.looks == 1
        await clock.advance(0.2)
        assert watch.looks == 2


async def test_what_is_not_due_after_a_jump_keeps_its_moment(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        due = watch.snapshot.activity.next_poll
        clock.jump(4 * MINUTE)
        watch.poller.reconsider(SECOND)
        assert watch.snapshot.activity.next_poll == due
        await clock.advance(59)
        assert watch.looks == 1
        await clock.advance(1)
        assert watch.looks == 2


@pytest.mark.parametrize(
    "outcome",
    [FAR, refuses(OFFLINE), refuses(locked_out(START + 10 * MINUTE))],
    ids=["seen", "offline", "locked out"],
)
async def test_after_the_clock_went_back_no_look_is_put_off_for_as_long(
    clock: FakeClock, outcome: Outcome
) -> None:
    """A machine that starts without a network and with a wrong clock has both put right later."""
    watch = Watch(clock, outcome)
    async with watch.running():
        clock.jump(-DAY)
        watch.poller.reconsider(SECOND)
        await clock.advance(40 * MINUTE)
        assert watch.looks >= 2


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_what_was_answered_before_a_sleep_is_asked_anew_and_never_told_as_seen_after_it(
    jump: timedelta, clock: FakeClock
) -> None:
    watch = Watch(clock)
    gate = watch.hang()
    async with watch.running():
        watch.published.clear()
        clock.jump(jump)
        watch.answers(Looked(None))
        gate.set()
        await settle()
        assert watch.looks == 2
        assert [one.activity.polling for one in watch.published] == [False]
        assert watch.snapshot.zoho.backup is None
        assert watch.snapshot.zoho.observed_at == clock.now()


async def test_a_clock_that_jumps_again_and_again_does_not_keep_it_asking(clock: FakeClock) -> None:
    watch = Watch(clock)

    async def look(before: Snapshot) -> Looked:
        clock.jump(HOUR)
        return await watch.zoho.open_look(before.org)(before)

    watch.poller._look = look
    await watch.poller.look()
    assert watch.looks == 2


async def test_a_jump_wakes_no_dead_sign_in(clock: FakeClock) -> None:
    watch = Watch(clock, refuses(DEAD))
    async with watch.running():
        clock.jump(DAY)
        watch.poller.reconsider(SECOND)
        await clock.advance(MINUTE)
        assert watch.looks == 1


async def test_a_jump_while_a_look_is_under_way_starts_no_second_one(clock: FakeClock) -> None:
    watch = Watch(clock)
    gate = watch.hang()
    async with watch.running():
        clock.jump(DAY)
        watch.poller.reconsider(SECOND)
        await clock.advance(MINUTE)
        assert watch.looks == 1
        gate.set()
        await clock.advance(5 * MINUTE)
        assert watch.looks == 3  # that one anew, and the next
        assert watch.zoho.most_at_once == 1


# Whatever happens


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "look", "pause", "resume", "jump", "good", "offline", "lock", "hang"]),
        st.integers(0, 400),
    ),
    min_size=5,
    max_size=25,
)


@given(STEPS)
@settings(max_examples=30, deadline=None)
def test_whatever_happens_looks_neither_overlap_nor_crowd_nor_break_a_lock_out(
    steps: list[tuple[str, int]],
) -> None:
    async def live() -> None:
        clock = FakeClock()
        watch = Watch(clock, luck=EvenLuck(0.5))
        async with watch.running():
            for what, seconds in steps:
                match what:
                    case "look":
                        watch.poller.look_soon()
                    case "pause" | "resume":
                        watch.poller.pause(what == "pause")
                    case "jump":
                        clock.jump(timedelta(seconds=seconds))
                        watch.poller.reconsider(SECOND)
                    case "good" | "offline":
                        watch.answers(FAR if what == "good" else refuses(OFFLINE))
                    case "lock":
                        watch.answers(refuses(locked_out(clock.now() + timedelta(seconds=seconds))))
                    case "hang":
                        watch.hang()
                trouble, looks = watch.snapshot.polls.problem, watch.looks
                await clock.advance(seconds)
                if trouble and trouble.retry_at and clock.now() < trouble.retry_at:
                    assert watch.looks == looks
                if what == "hang":
                    watch.zoho.gates.pop("acme").set()
        assert watch.zoho.most_at_once == 1
        assert all(gap >= 5 * SECOND for gap in gaps(watch.zoho.times()))

    asyncio.run(live())


async def test_who_asks_in_vain_does_not_lengthen_the_pause(clock: FakeClock) -> None:
    watch = Watch(clock, refuses(OFFLINE))
    async with watch.running():
        for _ in range(5):
            await clock.advance(6)
            watch.poller.look_soon()
            await settle()
        assert watch.looks == 6
        due = watch.snapshot.activity.next_poll
        assert due is not None
        assert due - clock.now() <= timedelta(seconds=33)


async def test_the_journal_forgets_an_org_that_is_no_longer_under_watch(
    clock: FakeClock, tmp_path: Path
) -> None:
    journal = open_journal(tmp_path / "journal.db")
    watch = Watch(clock, Looked(None), journal=journal)
    await watch.poller.look()
    assert journal.load([make_org()])
    watch.poller.stop(forget=True)
    await watch.poller.run()
    assert not journal.load([make_org()])
    await journal.close()
