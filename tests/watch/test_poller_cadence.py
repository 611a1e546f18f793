"""How often one org is looked at: a day of it, in milliseconds."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import build_snapshot, make_backup, make_org
from tests.support.clock import START, FakeClock
from tests.support.notebook import Notebook
from tests.watch.pollers import DAY, FAR, HOUR, SECOND, Watch, gaps
from tests.watch.scene import (
    DEAD,
    MINUTE,
    OFFLINE,
    EvenLuck,
    HastyClock,
    Outcome,
    refuses,
)
from zbtui.core.org import Policy
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import Trouble
from zbtui.watch.poller import Poller


def job(status: str, next_run: datetime) -> Looked:
    return Looked(make_backup(status=status, scheduled_date=next_run.isoformat()))


async def look_times(
    span: timedelta, zoho: Callable[[datetime], Outcome], policy: Policy, luck: random.Random
) -> list[datetime]:
    """When a poller looks within `span`, at a Zoho that answers by the time."""
    clock = HastyClock()
    times: list[datetime] = []

    async def look(before: Snapshot) -> Looked:
        now = clock.now()
        if now >= START + span:
            poller.stop()
            return FAR
        times.append(now)
        outcome = zoho(now)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    poller = Poller(
        build_snapshot(make_org(), next_poll=START), look, policy, Notebook(), clock, lambda _: None, luck
    )
    await poller.run()
    return times


def within(times: list[datetime], begin: datetime, end: datetime) -> list[datetime]:
    return [at for at in times if begin <= at < end]


async def test_a_quiet_day_has_a_look_every_five_minutes() -> None:
    times = await look_times(DAY, lambda now: FAR, Policy(), EvenLuck())
    assert times == [START + index * 5 * MINUTE for index in range(288)]


@given(st.integers(0, 2**32), st.sampled_from([15, 60, 300, 3600]))
@settings(max_examples=20, deadline=None)
def test_jitter_is_at_most_a_tenth_and_keeps_the_pace(seed: int, seconds: int) -> None:
    every = timedelta(seconds=seconds)
    watch = look_times(200 * every, lambda now: FAR, Policy(every), random.Random(seed))
    times = asyncio.run(watch)
    assert min(gaps(times)) >= every * 0.9
    assert max(gaps(times)) <= every * 1.1
    assert len(set(gaps(times))) > len(times) / 2
    assert 190 <= len(times) <= 210


RUN = START + 6 * HOUR
RUN_ENDS = RUN + HOUR


def day_with_a_run(now: datetime) -> Looked:
    if now < RUN + MINUTE:
        return job("SCHEDULED", RUN)
    return job("INPROGRESS", RUN) if now < RUN_ENDS else job("SCHEDULED", RUN + 7 * DAY)


@pytest.mark.parametrize("luck", [EvenLuck(-1), EvenLuck(), EvenLuck(1), random.Random(5)])
async def test_a_run_is_watched_closely_from_two_minutes_before_it_until_it_has_ended(
    luck: random.Random,
) -> None:
    times = await look_times(DAY, day_with_a_run, Policy(), luck)
    closely = within(times, RUN - 2 * MINUTE, RUN_ENDS)
    assert len(closely) + 1 >= 62 * MINUTE / (33 * SECOND)
    assert len(closely) <= 62 * MINUTE / (27 * SECOND) + 1
    before, after = within(times, START, RUN - 3 * MINUTE), within(times, RUN_ENDS + MINUTE, START + DAY)
    for quiet in (before, after):
        assert min(gaps(quiet)) >= 4 * MINUTE
        assert max(gaps(quiet)) <= 5.5 * MINUTE


@pytest.mark.parametrize("every", [15 * SECOND, 5 * MINUTE, HOUR, DAY])
@pytest.mark.parametrize("place", [-1, 0, 1])
async def test_the_closer_watch_begins_in_time_however_rare_the_looks_are(
    every: timedelta, place: float
) -> None:
    times = await look_times(8 * HOUR, day_with_a_run, Policy(every), EvenLuck(place))
    assert within(times, RUN - 3 * MINUTE, RUN - MINUTE)


async def test_a_run_that_does_not_begin_is_watched_closely_until_it_is_overdue() -> None:
    times = await look_times(DAY, lambda now: job("SCHEDULED", RUN), Policy(), EvenLuck())
    overdue = RUN + Policy().overdue_after
    closely = within(times, RUN - 2 * MINUTE, overdue)
    assert len(closely) == (6 * HOUR + 2 * MINUTE) // (30 * SECOND)
    rest = within(times, overdue + 5 * MINUTE, START + DAY)
    assert set(gaps(rest)) == {5 * MINUTE}


async def test_looks_that_are_more_frequent_than_the_closer_watch_stay_so() -> None:
    policy = Policy(every=15 * SECOND, near_every=30 * SECOND)
    times = await look_times(HOUR, lambda now: job("INPROGRESS", START), policy, EvenLuck())
    assert len(times) == 240


async def test_an_org_with_a_pace_of_its_own_keeps_to_it(clock: FakeClock) -> None:
    watch = Watch(clock, policy=Policy(every=DAY), own_policy=(("every", HOUR),))
    async with watch.running():
        await clock.advance(10 * HOUR)
        assert watch.looks == 11


async def test_the_countdown_of_the_cadence_runs_by_zohos_clock() -> None:
    """This machine is an hour behind: the run is due an hour sooner than it seems."""
    ahead = HOUR

    def zoho(now: datetime) -> Looked:
        return Looked(make_backup(scheduled_date=RUN.isoformat()), zoho_time=now + ahead)

    times = await look_times(6 * HOUR, zoho, Policy(), EvenLuck())
    closely = within(times, RUN - ahead - 2 * MINUTE, RUN - ahead)
    assert len(closely) == 4


async def test_after_an_error_the_pauses_double_from_half_a_minute_to_a_quarter_of_an_hour() -> None:
    times = await look_times(2 * HOUR, lambda now: refuses(OFFLINE), Policy(), EvenLuck())
    seconds = [int(gap / SECOND) for gap in gaps(times)]
    assert seconds[:7] == [30, 60, 120, 240, 480, 900, 900]
    assert set(seconds[7:]) == {900}


@pytest.mark.parametrize("place", [-1, 1])
async def test_the_pauses_after_an_error_are_jittered_too(place: float) -> None:
    times = await look_times(HOUR, lambda now: refuses(OFFLINE), Policy(), EvenLuck(place))
    assert times[1] - times[0] == timedelta(seconds=30 + 3 * place)
    assert times[6] - times[5] == timedelta(seconds=900 + 90 * place)


async def test_after_a_good_answer_the_pauses_begin_anew() -> None:
    def zoho(now: datetime) -> Outcome:
        return FAR if now == START + 90 * SECOND else refuses(OFFLINE)

    times = await look_times(HOUR, zoho, Policy(), EvenLuck())
    seconds = [int(gap / SECOND) for gap in gaps(times)]
    assert seconds[:5] == [30, 60, 300, 30, 60]


async def test_nothing_is_asked_before_the_moment_that_zoho_named(clock: FakeClock) -> None:
    until = clock.now() + 20 * MINUTE
    watch = Watch(clock, refuses(Trouble("throttled", "Too many.", "Wait.", retry_at=until)))
    async with watch.running():
        await clock.advance(20 * MINUTE - SECOND)
        assert watch.looks == 1
        await clock.advance(5 * SECOND)
        assert watch.looks == 2


async def test_a_dead_sign_in_is_not_asked_about_again_until_somebody_acts(clock: FakeClock) -> None:
    watch = Watch(clock, refuses(DEAD))
    async with watch.running():
        await clock.advance(7 * DAY)
        assert watch.looks == 1
        assert watch.snapshot.activity.next_poll is None
        watch.answers(FAR)
        assert watch.poller.look_soon() is None
        await clock.advance(0)
        assert watch.looks == 2
        assert watch.snapshot.polls.problem is None
        await clock.advance(5 * MINUTE)
        assert watch.looks == 3
