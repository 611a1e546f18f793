"""How often an org is polled: a simulated day takes milliseconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import START, FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import build_snapshot, good_observation, make_backup, make_org
from tests.watch.poller_driver import DAY, DISTANT_RUN, HOUR, SECOND, PollerDriver, intervals
from tests.watch.zoho_environment import (
    DEAD_SIGN_IN,
    MINUTE,
    OFFLINE,
    FixedRng,
    InstantClock,
    Outcome,
    problem_error,
)
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.watch.poller import Poller


def job(status: str, next_run: datetime) -> Observation:
    return good_observation(make_backup(status=status, scheduled_date=next_run.isoformat()))


async def poll_times(
    span: timedelta, zoho: Callable[[datetime], Outcome], policy: WatchPolicy, rng: random.Random
) -> list[datetime]:
    """The times of all polls within `span`; `zoho` gives the outcome at each time."""
    clock = InstantClock()
    times: list[datetime] = []

    async def poll(before: Snapshot) -> Observation:
        now = clock.now()
        if now >= START + span:
            poller.stop()
            return DISTANT_RUN
        times.append(now)
        outcome = zoho(now)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    poller = Poller(
        build_snapshot(make_org(), next_poll=START),
        poll,
        policy,
        MemoryJournal(),
        clock,
        lambda _: None,
        rng,
    )
    await poller.run()
    return times


def within(times: list[datetime], begin: datetime, end: datetime) -> list[datetime]:
    return [at for at in times if begin <= at < end]


async def test_a_quiet_day_has_a_poll_every_five_minutes() -> None:
    times = await poll_times(DAY, lambda now: DISTANT_RUN, WatchPolicy(), FixedRng())
    assert times == [START + index * 5 * MINUTE for index in range(288)]


@given(st.integers(0, 2**32), st.sampled_from([15, 60, 300, 3600]))
@settings(max_examples=20, deadline=None)
def test_jitter_is_at_most_a_tenth_and_keeps_the_pace(seed: int, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    watch = poll_times(200 * every, lambda now: DISTANT_RUN, WatchPolicy(every), random.Random(seed))
    times = asyncio.run(watch)
    assert min(intervals(times)) >= every * 0.9
    assert max(intervals(times)) <= every * 1.1
    assert len(set(intervals(times))) > len(times) / 2
    assert 190 <= len(times) <= 210


RUN = START + 6 * HOUR
RUN_ENDS = RUN + HOUR


def day_with_a_run(now: datetime) -> Observation:
    if now < RUN + MINUTE:
        return job("SCHEDULED", RUN)
    return job("INPROGRESS", RUN) if now < RUN_ENDS else job("SCHEDULED", RUN + 7 * DAY)


@pytest.mark.parametrize("rng", [FixedRng(-1), FixedRng(), FixedRng(1), random.Random(5)])
async def test_a_run_is_watched_closely_from_two_minutes_before_to_its_end(rng: random.Random) -> None:
    times = await poll_times(DAY, day_with_a_run, WatchPolicy(), rng)
    closely = within(times, RUN - 2 * MINUTE, RUN_ENDS)
    assert len(closely) + 1 >= 62 * MINUTE / (33 * SECOND)
    assert len(closely) <= 62 * MINUTE / (27 * SECOND) + 1
    before, after = within(times, START, RUN - 3 * MINUTE), within(times, RUN_ENDS + MINUTE, START + DAY)
    for quiet in (before, after):
        assert min(intervals(quiet)) >= 4 * MINUTE
        assert max(intervals(quiet)) <= 5.5 * MINUTE


@pytest.mark.parametrize("every", [15 * SECOND, 5 * MINUTE, HOUR, DAY])
@pytest.mark.parametrize("place", [-1, 0, 1])
async def test_the_closer_watch_begins_in_time_if_polls_are_rare(every: timedelta, place: float) -> None:
    times = await poll_times(8 * HOUR, day_with_a_run, WatchPolicy(every), FixedRng(place))
    assert within(times, RUN - 3 * MINUTE, RUN - MINUTE)


async def test_a_run_that_does_not_begin_is_watched_closely_until_it_is_overdue() -> None:
    times = await poll_times(DAY, lambda now: job("SCHEDULED", RUN), WatchPolicy(), FixedRng())
    overdue = RUN + WatchPolicy().overdue_after
    closely = within(times, RUN - 2 * MINUTE, overdue)
    assert len(closely) == (6 * HOUR + 2 * MINUTE) // (30 * SECOND)
    rest = within(times, overdue + 5 * MINUTE, START + DAY)
    assert set(intervals(rest)) == {5 * MINUTE}


async def test_polls_that_are_more_frequent_than_the_closer_watch_stay_so() -> None:
    policy = WatchPolicy(every=15 * SECOND, near_every=30 * SECOND)
    times = await poll_times(HOUR, lambda now: job("INPROGRESS", START), policy, FixedRng())
    assert len(times) == 240


async def test_an_org_with_a_pace_of_its_own_keeps_to_it(clock: FakeClock) -> None:
    watch = PollerDriver(clock, policy=WatchPolicy(every=DAY), own_policy=(("every", HOUR),))
    async with watch.running():
        await clock.advance(10 * HOUR)
        assert watch.poll_count == 11


async def test_the_countdown_of_the_cadence_runs_by_zohos_clock() -> None:
    """This machine's clock is an hour behind, so the run is due an hour sooner than it shows."""
    ahead = HOUR

    def zoho(now: datetime) -> Observation:
        return good_observation(make_backup(scheduled_date=RUN.isoformat()), server_time=now + ahead)

    times = await poll_times(6 * HOUR, zoho, WatchPolicy(), FixedRng())
    closely = within(times, RUN - ahead - 2 * MINUTE, RUN - ahead)
    assert len(closely) == 4


async def test_after_an_error_the_pauses_double_from_half_a_minute_to_a_quarter_of_an_hour() -> None:
    times = await poll_times(2 * HOUR, lambda now: problem_error(OFFLINE), WatchPolicy(), FixedRng())
    seconds = [int(gap / SECOND) for gap in intervals(times)]
    assert seconds[:7] == [30, 60, 120, 240, 480, 900, 900]
    assert set(seconds[7:]) == {900}


@pytest.mark.parametrize("place", [-1, 1])
async def test_the_pauses_after_an_error_are_jittered_too(place: float) -> None:
    times = await poll_times(HOUR, lambda now: problem_error(OFFLINE), WatchPolicy(), FixedRng(place))
    assert times[1] - times[0] == timedelta(seconds=30 + 3 * place)
    assert times[6] - times[5] == timedelta(seconds=900 + 90 * place)


async def test_after_a_good_answer_the_pauses_begin_again() -> None:
    def zoho(now: datetime) -> Outcome:
        return DISTANT_RUN if now == START + 90 * SECOND else problem_error(OFFLINE)

    times = await poll_times(HOUR, zoho, WatchPolicy(), FixedRng())
    seconds = [int(gap / SECOND) for gap in intervals(times)]
    assert seconds[:5] == [30, 60, 300, 30, 60]


async def test_nothing_is_asked_before_the_moment_that_zoho_named(clock: FakeClock) -> None:
    until = clock.now() + 20 * MINUTE
    watch = PollerDriver(clock, problem_error(Problem("throttled", "Too many.", "Wait.", retry_at=until)))
    async with watch.running():
        await clock.advance(20 * MINUTE - SECOND)
        assert watch.poll_count == 1
        await clock.advance(5 * SECOND)
        assert watch.poll_count == 2


async def test_a_dead_sign_in_is_not_asked_about_again_until_somebody_acts(clock: FakeClock) -> None:
    watch = PollerDriver(clock, problem_error(DEAD_SIGN_IN))
    async with watch.running():
        await clock.advance(7 * DAY)
        assert watch.poll_count == 1
        assert watch.snapshot.activity.next_poll is None
        watch.set_answer(DISTANT_RUN)
        assert watch.poller.poll_soon() is None
        await clock.advance(0)
        assert watch.poll_count == 2
        assert watch.snapshot.polls.problem is None
        await clock.advance(5 * MINUTE)
        assert watch.poll_count == 3
