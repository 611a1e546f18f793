"""The poller of one org: what it publishes, and that its polls never overlap."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import good_observation
from tests.watch.poller_driver import DAY, DISTANT_RUN, HOUR, SECOND, PollerDriver, intervals
from tests.watch.zoho_environment import (
    DEAD_SIGN_IN,
    MINUTE,
    OFFLINE,
    FixedRng,
    Outcome,
    locked_out,
    problem_error,
)
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.zoho_api.sign_in_errors import token_budget_problem


@pytest.fixture
def watch(clock: FakeClock) -> PollerDriver:
    return PollerDriver(clock)


# Polls by key


async def test_a_poll_asked_for_by_hand_comes_at_once(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        await clock.advance(10)
        assert watch.poller.poll_soon() is None
        await clock.advance(0)
        assert watch.poll_count == 2
        assert watch.snapshot.activity.next_poll == clock.now() + 5 * MINUTE


async def test_a_poll_comes_every_five_seconds_at_most(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        for _ in range(120):
            watch.poller.poll_soon()
            await clock.advance(0.5)
        assert min(intervals(watch.zoho.times())) >= 5 * SECOND
        assert 11 <= watch.poll_count <= 13


async def test_asking_during_a_poll_starts_no_second_one(clock: FakeClock, watch: PollerDriver) -> None:
    gate = watch.hold_answers()
    async with watch.running():
        for _ in range(20):
            assert watch.poller.poll_soon() is None
            await clock.advance(10)
        assert watch.poll_count == 1
        gate.set()
        await clock.advance(0)
        assert watch.poll_count == 1
        assert watch.zoho.max_concurrent_polls == 1


@pytest.mark.parametrize(
    "bar", [locked_out, token_budget_problem], ids=["a lock-out", "what keeps from one"]
)
async def test_nothing_asked_by_hand_goes_through_a_lock_out_or_what_keeps_from_one(
    clock: FakeClock, bar: Callable[[datetime], Problem]
) -> None:
    until = clock.now() + 10 * MINUTE
    watch = PollerDriver(clock, problem_error(bar(until)))
    async with watch.running():
        for _ in range(59):
            await clock.advance(10)
            assert watch.poller.poll_soon() == until
        assert watch.poll_count == 1
        watch.set_answer(DISTANT_RUN)
        await clock.advance(11)
        assert watch.poll_count == 2
        assert watch.poller.poll_soon() is None


async def test_asking_works_after_the_clock_went_back(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        clock.jump_wall_clock(-DAY)
        watch.poller.poll_soon()
        await clock.advance(5)
        assert watch.poll_count == 2


# Pause and stop


async def test_a_paused_org_is_not_polled_until_resumed(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        watch.poller.set_paused(True)
        assert watch.published[-1].activity.paused
        await clock.advance(DAY)
        assert watch.poll_count == 1
        watch.poller.set_paused(False)
        await clock.advance(0)
        assert watch.poll_count == 2
        assert not watch.snapshot.activity.paused


async def test_an_org_paused_during_its_poll_stays_paused(clock: FakeClock, watch: PollerDriver) -> None:
    gate = watch.hold_answers()
    async with watch.running():
        watch.poller.set_paused(True)
        gate.set()
        await clock.advance(HOUR)
        assert watch.poll_count == 1
        assert watch.snapshot.activity.paused
        assert watch.snapshot.zoho.backup is not None


async def test_pausing_what_is_paused_publishes_nothing(watch: PollerDriver) -> None:
    async with watch.running():
        watch.poller.set_paused(True)
        published = len(watch.published)
        watch.poller.set_paused(True)
        assert len(watch.published) == published


@pytest.mark.parametrize(
    "outcome",
    [DISTANT_RUN, problem_error(OFFLINE), problem_error(DEAD_SIGN_IN)],
    ids=["seen", "offline", "dead"],
)
async def test_a_stopped_loop_ends_whatever_it_waits_for(clock: FakeClock, outcome: Outcome) -> None:
    watch = PollerDriver(clock, outcome)
    task = asyncio.create_task(watch.poller.run())
    await run_until_idle()
    watch.poller.stop()
    await run_until_idle()
    assert task.done()
    await task


async def test_a_loop_that_was_stopped_before_it_ran_never_polls(watch: PollerDriver) -> None:
    watch.poller.stop()
    await watch.poller.run()
    assert watch.poll_count == 0


async def test_what_is_answered_after_the_stop_is_neither_shown_nor_kept(clock: FakeClock) -> None:
    journal = MemoryJournal()
    watch = PollerDriver(clock, journal=journal)
    gate = watch.hold_answers()
    task = asyncio.create_task(watch.poller.run())
    await run_until_idle()
    watch.poller.stop()
    published = len(watch.published)
    gate.set()
    await task
    assert len(watch.published) == published
    assert journal.saved_snapshots == []


# What a poll publishes


async def test_a_poll_is_published_when_it_begins_and_when_it_ends(watch: PollerDriver) -> None:
    async with watch.running():
        assert [one.activity.polling for one in watch.published] == [True, False]
        assert watch.published[-1].zoho.observed_at == START
        assert watch.published[-1].activity.next_poll == START + 5 * MINUTE


async def test_a_problem_leaves_the_last_good_data_and_age(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        watch.set_answer(problem_error(OFFLINE))
        await clock.advance(5 * MINUTE)
        assert watch.snapshot.polls.problem == OFFLINE
        assert watch.snapshot.zoho.backup == DISTANT_RUN.backup
        assert watch.snapshot.zoho.observed_at == START
        assert watch.snapshot.polls.attempted_at == START + 5 * MINUTE
        assert watch.snapshot.polls.failures == 1


async def test_a_bug_becomes_a_problem_that_says_no_more_than_its_class(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = PollerDriver(clock, KeyError("1000.a-secret"))
    with caplog.at_level(logging.WARNING):
        async with watch.running():
            problem = watch.snapshot.polls.problem
            assert problem is not None
            assert (problem.kind, problem.final) == ("contract", False)
            assert "KeyError" in problem.message
            assert "secret" not in f"{problem}{caplog.text}"
            watch.set_answer(DISTANT_RUN)
            await clock.advance(30)
            assert watch.snapshot.polls.problem is None


async def test_a_problem_is_logged(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await PollerDriver(clock, problem_error(OFFLINE)).poller.poll()
    assert f"acme: {OFFLINE.message}" in caplog.text


async def test_a_problem_that_lasts_is_logged_once_and_again_when_it_comes_back(
    caplog: pytest.LogCaptureFixture, watch: PollerDriver
) -> None:
    for outcome in (
        [problem_error(OFFLINE)] * 3
        + [problem_error(DEAD_SIGN_IN)] * 2
        + [DISTANT_RUN]
        + [problem_error(OFFLINE)] * 2
    ):
        watch.set_answer(outcome)
        await watch.poller.poll()
    logged = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert logged == [f"acme: {said.message}" for said in (OFFLINE, DEAD_SIGN_IN, OFFLINE)]


# When the wall clock jumps


async def test_what_fell_due_in_the_machines_sleep_is_polled_within_the_spread(clock: FakeClock) -> None:
    watch = PollerDriver(clock, rng=FixedRng(0.5))
    async with watch.running():
        clock.jump_wall_clock(8 * HOUR)
        watch.poller.reschedule_after_clock_jump(4 * SECOND)
        await clock.advance(2.9)
        assert watch.poll_count == 1
        await clock.advance(0.2)
        assert watch.poll_count == 2


async def test_what_is_not_due_after_a_jump_keeps_its_moment(clock: FakeClock, watch: PollerDriver) -> None:
    async with watch.running():
        due = watch.snapshot.activity.next_poll
        clock.jump_wall_clock(4 * MINUTE)
        watch.poller.reschedule_after_clock_jump(SECOND)
        assert watch.snapshot.activity.next_poll == due
        await clock.advance(59)
        assert watch.poll_count == 1
        await clock.advance(1)
        assert watch.poll_count == 2


@pytest.mark.parametrize(
    "outcome",
    [DISTANT_RUN, problem_error(OFFLINE), problem_error(locked_out(START + 10 * MINUTE))],
    ids=["seen", "offline", "locked out"],
)
async def test_after_the_clock_went_back_polls_still_come(clock: FakeClock, outcome: Outcome) -> None:
    """A machine may start without a network and with a wrong clock, both of which come right later."""
    watch = PollerDriver(clock, outcome)
    async with watch.running():
        clock.jump_wall_clock(-DAY)
        watch.poller.reschedule_after_clock_jump(SECOND)
        await clock.advance(40 * MINUTE)
        assert watch.poll_count >= 2


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_what_was_answered_before_a_sleep_is_asked_again_and_never_shown_as_seen_after_it(
    jump: timedelta, clock: FakeClock, watch: PollerDriver
) -> None:
    gate = watch.hold_answers()
    async with watch.running():
        watch.published.clear()
        clock.jump_wall_clock(jump)
        watch.set_answer(good_observation(None))
        gate.set()
        await run_until_idle()
        assert watch.poll_count == 2
        assert [one.activity.polling for one in watch.published] == [False]
        assert watch.snapshot.zoho.backup is None
        assert watch.snapshot.zoho.observed_at == clock.now()


async def test_a_clock_that_keeps_jumping_is_followed_once(clock: FakeClock, watch: PollerDriver) -> None:

    async def poll(before: Snapshot) -> Observation:
        clock.jump_wall_clock(HOUR)
        return await watch.zoho.open_poll(before.org)(before)

    watch.poller._poll = poll
    await watch.poller.poll()
    assert watch.poll_count == 2


async def test_a_jump_wakes_no_dead_sign_in(clock: FakeClock) -> None:
    watch = PollerDriver(clock, problem_error(DEAD_SIGN_IN))
    async with watch.running():
        clock.jump_wall_clock(DAY)
        watch.poller.reschedule_after_clock_jump(SECOND)
        await clock.advance(MINUTE)
        assert watch.poll_count == 1


async def test_a_jump_during_a_poll_starts_no_second_one(clock: FakeClock, watch: PollerDriver) -> None:
    gate = watch.hold_answers()
    async with watch.running():
        clock.jump_wall_clock(DAY)
        watch.poller.reschedule_after_clock_jump(SECOND)
        await clock.advance(MINUTE)
        assert watch.poll_count == 1
        gate.set()
        await clock.advance(5 * MINUTE)
        assert watch.poll_count == 3  # the same poll again, and the next one
        assert watch.zoho.max_concurrent_polls == 1


# Any sequence of steps


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["pass", "poll", "pause", "resume", "jump", "good", "offline", "lock", "hang"]),
        st.integers(0, 400),
    ),
    min_size=5,
    max_size=25,
)


@given(STEPS)
@settings(max_examples=30, deadline=None)
def test_polls_never_overlap_crowd_or_break_a_lock_out(steps: list[tuple[str, int]]) -> None:
    async def live() -> None:
        clock = FakeClock()
        watch = PollerDriver(clock, rng=FixedRng(0.5))
        async with watch.running():
            for what, seconds in steps:
                match what:
                    case "poll":
                        watch.poller.poll_soon()
                    case "pause" | "resume":
                        watch.poller.set_paused(what == "pause")
                    case "jump":
                        clock.jump_wall_clock(timedelta(seconds=seconds))
                        watch.poller.reschedule_after_clock_jump(SECOND)
                    case "good" | "offline":
                        watch.set_answer(DISTANT_RUN if what == "good" else problem_error(OFFLINE))
                    case "lock":
                        watch.set_answer(
                            problem_error(locked_out(clock.now() + timedelta(seconds=seconds)))
                        )
                    case "hang":
                        watch.hold_answers()
                problem, poll_count = watch.snapshot.polls.problem, watch.poll_count
                await clock.advance(seconds)
                if problem and problem.retry_at and clock.now() < problem.retry_at:
                    assert watch.poll_count == poll_count
                if what == "hang":
                    watch.zoho.gates.pop("acme").set()
        assert watch.zoho.max_concurrent_polls == 1
        assert all(gap >= 5 * SECOND for gap in intervals(watch.zoho.times()))

    asyncio.run(live())


async def test_failed_polls_by_key_do_not_lengthen_the_pause(clock: FakeClock) -> None:
    watch = PollerDriver(clock, problem_error(OFFLINE))
    async with watch.running():
        for _ in range(5):
            await clock.advance(6)
            watch.poller.poll_soon()
            await run_until_idle()
        assert watch.poll_count == 6
        due = watch.snapshot.activity.next_poll
        assert due is not None
        assert due - clock.now() <= timedelta(seconds=33)
