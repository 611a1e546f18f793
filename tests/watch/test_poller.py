"""One org's loop: how often it looks, what it is told, and that it never overlaps itself."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.build import make_backup, make_org
from tests.support.clock import START, FakeClock, settle
from tests.support.notebook import Notebook
from tests.watch.scene import (
    DEAD,
    MINUTE,
    OFFLINE,
    EvenLuck,
    HastyClock,
    Outcome,
    Scripted,
    locked_out,
    refuses,
)
from zbtui.core.org import Policy
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import Trouble
from zbtui.store.journal import Journal, open_journal
from zbtui.watch.poller import Poller

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR = Looked(make_backup(scheduled_date=(START + 30 * DAY).isoformat()))


def job(status: str, next_run: datetime) -> Looked:
    return Looked(make_backup(status=status, scheduled_date=next_run.isoformat()))


class Watch:
    """A poller of one org, what it was told, and what it told."""

    def __init__(
        self,
        clock: FakeClock,
        outcome: Outcome = FAR,
        journal: Journal | None = None,
        policy: Policy | None = None,
        luck: random.Random | None = None,
    ) -> None:
        self.clock = clock
        self.zoho = Scripted(clock, {"acme": outcome})
        self.journal = journal or Notebook()
        self.published: list[Snapshot] = []
        self.poller = Poller(
            Snapshot(make_org(), next_look=clock.now()),
            self.zoho.open_look(make_org()),
            policy or Policy(),
            self.journal,
            clock,
            self.published.append,
            luck or EvenLuck(),
        )

    def answers(self, outcome: Outcome) -> None:
        self.zoho.outcomes["acme"] = outcome

    def hang(self) -> asyncio.Event:
        """From now on an answer waits for this."""
        self.zoho.gates["acme"] = gate = asyncio.Event()
        return gate

    @property
    def looks(self) -> int:
        return len(self.zoho.looks)

    @property
    def snapshot(self) -> Snapshot:
        return self.poller.snapshot

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.poller.run())
        await settle()
        try:
            yield
        finally:
            self.poller.stop()
            for gate in self.zoho.gates.values():
                gate.set()
            await task


async def look_times(
    span: timedelta, zoho: Callable[[datetime], Outcome], policy: Policy, luck: random.Random
) -> list[datetime]:
    """When a poller looks within `span`, at a Zoho that answers by the time."""
    clock = HastyClock()
    times: list[datetime] = []

    async def look() -> Looked:
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
        Snapshot(make_org(), next_look=START), look, policy, Notebook(), clock, lambda _: None, luck
    )
    await poller.run()
    return times


def gaps(times: list[datetime]) -> list[timedelta]:
    return [later - sooner for sooner, later in pairwise(times)]


def within(times: list[datetime], begin: datetime, end: datetime) -> list[datetime]:
    return [at for at in times if begin <= at < end]


# Cadence


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
        assert watch.snapshot.next_look is None
        watch.answers(FAR)
        assert watch.poller.look_soon() is None
        await clock.advance(0)
        assert watch.looks == 2
        assert watch.snapshot.trouble is None
        await clock.advance(5 * MINUTE)
        assert watch.looks == 3


# Asked by hand


async def test_a_look_asked_for_by_hand_comes_at_once(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        await clock.advance(10)
        assert watch.poller.look_soon() is None
        await clock.advance(0)
        assert watch.looks == 2
        assert watch.snapshot.next_look == clock.now() + 5 * MINUTE


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


async def test_nothing_asked_by_hand_goes_through_a_lock_out(clock: FakeClock) -> None:
    until = clock.now() + 10 * MINUTE
    watch = Watch(clock, refuses(locked_out(until)))
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
        assert watch.published[-1].paused
        await clock.advance(DAY)
        assert watch.looks == 1
        watch.poller.pause(False)
        await clock.advance(0)
        assert watch.looks == 2
        assert not watch.snapshot.paused


async def test_an_org_paused_while_its_answer_is_under_way_stays_paused(clock: FakeClock) -> None:
    watch = Watch(clock)
    gate = watch.hang()
    async with watch.running():
        watch.poller.pause(True)
        gate.set()
        await clock.advance(HOUR)
        assert watch.looks == 1
        assert watch.snapshot.paused
        assert watch.snapshot.backup is not None


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
        assert [one.looking for one in watch.published] == [True, False]
        assert watch.published[-1].observed_at == START
        assert watch.published[-1].next_look == START + 5 * MINUTE


async def test_on_trouble_the_last_good_data_stays_with_its_age(clock: FakeClock) -> None:
    watch = Watch(clock)
    async with watch.running():
        watch.answers(refuses(OFFLINE))
        await clock.advance(5 * MINUTE)
        assert watch.snapshot.trouble == OFFLINE
        assert watch.snapshot.backup == FAR.backup
        assert (watch.snapshot.observed_at, watch.snapshot.attempted_at) == (START, START + 5 * MINUTE)
        assert watch.snapshot.failures == 1


async def test_a_bug_becomes_a_trouble_that_says_no_more_than_its_class(
    clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(clock, KeyError("1000.a-secret"))
    with caplog.at_level(logging.WARNING):
        async with watch.running():
            trouble = watch.snapshot.trouble
            assert trouble is not None
            assert (trouble.kind, trouble.final) == ("contract", False)
            assert "KeyError" in trouble.message
            assert "secret" not in f"{trouble}{caplog.text}"
            watch.answers(FAR)
            await clock.advance(30)
            assert watch.snapshot.trouble is None


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
    assert kept.observed_at == START
    assert kept.backup == FAR.backup
    assert kept.restored
    assert kept.trouble is None


async def test_trouble_is_logged(clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await Watch(clock, refuses(OFFLINE)).poller.look()
    assert f"acme: {OFFLINE.message}" in caplog.text


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
        due = watch.snapshot.next_look
        clock.jump(4 * MINUTE)
        watch.poller.reconsider(SECOND)
        assert watch.snapshot.next_look == due
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
        assert watch.looks == 2


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
                trouble, looks = watch.snapshot.trouble, watch.looks
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
        due = watch.snapshot.next_look
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
