"""The fleet: start, one slow org among many, commands, jumps of the wall clock."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import build_snapshot, make_backup, make_org, make_snapshot
from tests.watch.fleet_driver import DISTANT_RUN, HOUR, FleetDriver
from tests.watch.zoho_environment import (
    DEAD_SIGN_IN,
    MINUTE,
    OFFLINE,
    FixedRng,
    ScriptedZoho,
    ZohoEnvironment,
    problem_error,
    run_fleet,
    zoho_environment,
)
from zbtui.config.settings import Config
from zbtui.demo.simulator import RequestRecord
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import open_journal
from zbtui.watch.fleet import Fleet, OrgChanges

# At the start


async def test_what_an_earlier_run_saw_is_there_at_once(clock: FakeClock, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.db")
    await journal.save(make_snapshot("acme", START - HOUR))
    watch = FleetDriver(clock, "acme", "brook", journal=journal)
    acme, brook = watch.fleet.snapshots
    assert acme.polls.restored
    assert acme.zoho.backup == make_backup()
    assert acme.zoho.observed_at == START - HOUR
    assert not brook.polls.restored
    assert brook.zoho.backup is None
    (acme, _) = await watch.fleet.poll_once(["acme", "brook"])
    assert not acme.polls.restored
    assert acme.zoho.observed_at == START
    await journal.close()


@pytest.mark.parametrize(("age", "wait"), [(0, 15), (4, 11), (15, 0), (300, 0), (-60, 0)])
async def test_a_restart_does_not_poll_again_what_was_polled_just_before(
    clock: FakeClock, age: int, wait: int
) -> None:
    """Else a service that restarts in a loop would use up the org's API credits."""
    journal, zoho = (
        MemoryJournal([make_snapshot("acme", START - timedelta(seconds=age))]),
        ScriptedZoho(clock),
    )
    fleet = Fleet(Config(WatchPolicy(), (make_org(),)), zoho.open_poll, journal, clock)
    async with run_fleet(fleet):
        if wait:
            assert zoho.times() == []
            await clock.advance(wait)
        assert zoho.times() == [START + timedelta(seconds=wait)]


async def test_what_was_seen_of_another_org_of_the_same_name_is_not_restored(clock: FakeClock) -> None:
    journal = open_journal(None)
    await journal.save(make_snapshot("acme"))
    other = make_org("acme", "us")
    fleet = Fleet(Config(WatchPolicy(), (other,)), ScriptedZoho(clock).open_poll, journal, clock)
    assert fleet.snapshots[0] == build_snapshot(other, next_poll=START)
    await journal.close()


async def test_restored_data_is_never_shown_as_fresh(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", journal=MemoryJournal([restored("acme", START - MINUTE)]))
    assert judge(watch.snapshot("acme"), watch.fleet.policy, clock.now()).stale


def restored(name: str, at: datetime) -> Snapshot:
    return build_snapshot(make_org(name), backup=DISTANT_RUN.backup, observed_at=at, restored=True)


async def test_snapshots_come_in_the_order_of_the_config(clock: FakeClock) -> None:
    assert FleetDriver(clock, "zoo", "acme", "mill").names == ["zoo", "acme", "mill"]


@pytest.mark.parametrize(("orgs", "longest"), [(1, 0.02), (50, 1.0), (2000, 10.0)])
async def test_the_first_polls_are_spread_over_seconds(clock: FakeClock, orgs: int, longest: float) -> None:
    watch = FleetDriver(clock, *(f"org-{number}" for number in range(orgs)))
    moments = [one.activity.next_poll for one in watch.fleet.snapshots if one.activity.next_poll]
    assert moments[0] == START
    assert len(set(moments)) == orgs
    assert max(moments) - START <= timedelta(seconds=longest)


async def test_an_empty_fleet_ticks(clock: FakeClock) -> None:
    watch = FleetDriver(clock)
    assert watch.fleet.snapshots == []
    assert watch.fleet.tick() == OrgChanges()
    assert await watch.fleet.poll_once([]) == []


# One org among many


async def test_an_org_that_hangs_for_ever_delays_none_of_the_others(clock: FakeClock) -> None:
    names = [f"org-{number:02}" for number in range(50)]
    watch = FleetDriver(clock, *names)
    watch.zoho.gates["org-17"] = asyncio.Event()
    async with run_fleet(watch.fleet) as published:
        await clock.advance(HOUR)
        others = [name for name in names if name != "org-17"]
        assert {watch.poll_count(name) for name in others} == {12, 13}  # the last one is due about now
        assert watch.poll_count("org-17") == 1
        assert watch.snapshot("org-17").activity.polling
        assert watch.zoho.max_concurrent_polls == 1
        assert {one.org.name for one in published} == set(names)


async def test_an_org_with_a_problem_changes_nothing_for_the_others(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook", "cedar")
    watch.zoho.outcomes |= {"acme": problem_error(OFFLINE), "brook": RuntimeError("a bug")}
    async with run_fleet(watch.fleet):
        await clock.advance(6 * MINUTE)
        problem_kinds = [one.polls.problem and one.polls.problem.kind for one in watch.fleet.snapshots]
        assert problem_kinds == ["network", "contract", None]
        assert watch.poll_count("cedar") == 2


async def test_an_org_never_has_two_requests_at_once_however_often_a_poll_is_asked_for(
    clock: FakeClock,
) -> None:
    """Answers take three seconds, while polls are asked for all the time; judged by the requests."""

    async def travel() -> None:
        await clock.wait(asyncio.Event(), 3)

    async with zoho_environment(clock, MemoryJournal(), during_call=travel, orgs=6) as zoho:
        names = list(zoho.simulator.world.orgs)
        zoho.simulator.forced_kinds |= dict.fromkeys(names, "SCHEDULED")
        fleet = fleet_of(zoho, names)
        async with run_fleet(fleet):
            for second in range(90):
                for name in names:
                    fleet.poll_soon(name)
                if second == 40:
                    clock.jump_wall_clock(10 * MINUTE)
                    zoho.simulator.expire_tokens()
                await clock.advance(1)
                fleet.tick()
        requests = list(zoho.simulator.request_records)
        for name in names:
            mine = [request for request in requests if request.org == name]
            assert len(mine) >= 5
            assert not overlapping(mine)
        assert overlapping(requests)  # else this test could not fail
        assert {request.status for request in requests} - {204} == {200, 401}  # 204: no links, for some


def fleet_of(zoho: ZohoEnvironment, names: list[str]) -> Fleet:
    config = Config(WatchPolicy(), tuple(zoho.org(name) for name in names))
    return Fleet(config, lambda org: zoho.session(org.name).poll, zoho.journal, zoho.clock, rng=FixedRng())


def overlapping(requests: list[RequestRecord]) -> bool:
    spans = sorted((request.began_serial, request.ended_serial) for request in requests)
    return any(later[0] < sooner[1] for sooner, later in pairwise(spans))


# Commands


async def test_a_single_poll_is_of_all_orgs_at_the_same_time(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    watch.zoho.gates |= {"acme": asyncio.Event()}
    polling = asyncio.create_task(watch.fleet.poll_once(["acme", "brook"]))
    await run_until_idle()
    assert watch.snapshot("brook").zoho.observed_at == START
    watch.zoho.gates["acme"].set()
    assert [one.org.name for one in await polling] == ["acme", "brook"]


async def test_commands_reach_the_org_that_they_name(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    async with run_fleet(watch.fleet):
        await clock.advance(10)
        watch.fleet.poll_soon("acme")
        watch.fleet.pause("brook", True)
        await clock.advance(5 * MINUTE)
        assert (watch.poll_count("acme"), watch.poll_count("brook")) == (3, 1)
        assert watch.snapshot("brook").activity.paused
        assert not watch.snapshot("acme").activity.paused


async def test_a_stopped_fleet_ends_every_loop(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    tasks = [asyncio.create_task(watch.fleet.run_poller(name)) for name in watch.names]
    await run_until_idle()
    watch.fleet.stop()
    await asyncio.gather(*tasks)
    assert (watch.poll_count("acme"), watch.poll_count("brook")) == (1, 0)


# The wall clock jumps


@pytest.mark.parametrize("slept", [timedelta(seconds=400), timedelta(hours=9), timedelta(days=400)])
async def test_after_sleep_what_is_due_is_polled_within_seconds(clock: FakeClock, slept: timedelta) -> None:
    names = [f"org-{number:02}" for number in range(50)]
    watch = FleetDriver(clock, *names, rng=random.Random(4))
    async with run_fleet(watch.fleet):
        await watch.advance(10)
        clock.jump_wall_clock(slept)
        watch.fleet.tick()
        due = [one.activity.next_poll for one in watch.fleet.snapshots if one.activity.next_poll]
        assert all(clock.now() <= moment <= clock.now() + timedelta(seconds=10) for moment in due)
        assert len(set(due)) > 40
        await watch.advance(10)
        assert {watch.poll_count(name) for name in names} == {2}


async def test_after_sleep_nobody_polls_through_a_pause_or_with_a_dead_sign_in(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook", "cedar")
    watch.zoho.outcomes["brook"] = problem_error(DEAD_SIGN_IN)
    async with run_fleet(watch.fleet):
        await watch.advance(10)
        watch.fleet.pause("acme", True)
        clock.jump_wall_clock(HOUR)
        await watch.advance(10)
        assert [watch.poll_count(name) for name in watch.names] == [1, 1, 2]


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(days=365)])
async def test_after_the_clock_went_back_the_pace_stays(clock: FakeClock, back: timedelta) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    watch.zoho.outcomes["brook"] = problem_error(OFFLINE)
    async with run_fleet(watch.fleet):
        await watch.advance(10)
        clock.jump_wall_clock(-back)
        watch.fleet.tick()
        await clock.advance(16 * MINUTE)
        assert watch.poll_count("acme") >= 3
        assert watch.poll_count("brook") >= 2


async def test_a_clock_that_is_a_little_off_is_no_jump(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme")
    async with run_fleet(watch.fleet):
        await watch.advance(5)
        due = watch.snapshot("acme").activity.next_poll
        clock.jump_wall_clock(timedelta(seconds=20))
        watch.fleet.tick()
        assert watch.snapshot("acme").activity.next_poll == due


# Other changes


async def test_an_unusable_journal_is_shown_and_stops_nothing(clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    journal = open_journal(tmp_path / "a file" / "journal.db")
    watch = FleetDriver(clock, "acme", journal=journal)
    (snapshot,) = await watch.fleet.poll_once(["acme"])
    assert snapshot.zoho.backup == DISTANT_RUN.backup
    assert watch.fleet.journal_problem is not None
    await journal.close()
