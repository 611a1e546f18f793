"""All orgs under watch: the start, one slow org among many, commands, a machine that slept."""

from __future__ import annotations

import asyncio
import random
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.support.build import build_snapshot, make_backup, make_org, seen
from tests.support.clock import START, FakeClock, settle
from tests.support.notebook import Notebook
from tests.watch.fleets import FAR, HOUR, Watch
from tests.watch.scene import (
    DEAD,
    MINUTE,
    OFFLINE,
    EvenLuck,
    Scripted,
    Street,
    refuses,
    running,
    street,
)
from zbtui.config.settings import Config
from zbtui.core.judge import judge
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.demo.zoho import Request
from zbtui.store.journal import open_journal
from zbtui.watch.fleet import Change, Fleet

# At the start


async def test_what_an_earlier_run_saw_is_there_before_the_first_answer(
    clock: FakeClock, tmp_path: Path
) -> None:
    journal = open_journal(tmp_path / "journal.db")
    await journal.save(seen("acme", START - HOUR))
    watch = Watch(clock, "acme", "brook", journal=journal)
    acme, brook = watch.fleet.snapshots
    assert acme.polls.restored
    assert acme.zoho.backup == make_backup()
    assert acme.zoho.observed_at == START - HOUR
    assert not brook.polls.restored
    assert brook.zoho.backup is None
    (acme, _) = await watch.fleet.look_once(["acme", "brook"])
    assert not acme.polls.restored
    assert acme.zoho.observed_at == START
    await journal.close()


async def test_what_was_seen_of_another_org_of_the_same_name_is_not_restored(clock: FakeClock) -> None:
    journal = open_journal(None)
    await journal.save(seen("acme"))
    other = make_org("acme", "us")
    fleet = Fleet(Config(Policy(), (other,)), Scripted(clock).open_look, journal, clock)
    assert fleet.snapshots[0] == build_snapshot(other, next_poll=START)
    await journal.close()


async def test_restored_data_is_never_told_as_fresh(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", journal=Notebook([restored("acme", START - MINUTE)]))
    assert judge(watch.snapshot("acme"), watch.fleet.policy, clock.now()).stale


def restored(name: str, at: datetime) -> Snapshot:
    return build_snapshot(make_org(name), backup=FAR.backup, observed_at=at, restored=True)


async def test_snapshots_come_in_the_order_of_the_config(clock: FakeClock) -> None:
    assert Watch(clock, "zoo", "acme", "mill").names == ["zoo", "acme", "mill"]


@pytest.mark.parametrize(("orgs", "longest"), [(1, 0.02), (50, 1.0), (2000, 10.0)])
async def test_the_first_looks_are_spread_over_a_few_seconds_at_most(
    clock: FakeClock, orgs: int, longest: float
) -> None:
    watch = Watch(clock, *(f"org-{number}" for number in range(orgs)))
    moments = [one.activity.next_poll for one in watch.fleet.snapshots if one.activity.next_poll]
    assert moments[0] == START
    assert len(set(moments)) == orgs
    assert max(moments) - START <= timedelta(seconds=longest)


async def test_an_empty_fleet_ticks(clock: FakeClock) -> None:
    watch = Watch(clock)
    assert watch.fleet.snapshots == []
    assert watch.fleet.tick() == Change()
    assert await watch.fleet.look_once([]) == []


# One among many


async def test_an_org_that_hangs_for_ever_delays_none_of_the_others(clock: FakeClock) -> None:
    names = [f"org-{number:02}" for number in range(50)]
    watch = Watch(clock, *names)
    watch.zoho.gates["org-17"] = asyncio.Event()
    async with running(watch.fleet) as published:
        await clock.advance(HOUR)
        others = [name for name in names if name != "org-17"]
        assert {watch.looks(name) for name in others} == {12, 13}  # the last one is due about now
        assert watch.looks("org-17") == 1
        assert watch.snapshot("org-17").activity.polling
        assert watch.zoho.most_at_once == 1
        assert {one.org.name for one in published} == set(names)


async def test_an_org_in_trouble_changes_nothing_for_the_others(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", "brook", "cedar")
    watch.zoho.outcomes |= {"acme": refuses(OFFLINE), "brook": RuntimeError("a bug")}
    async with running(watch.fleet):
        await clock.advance(6 * MINUTE)
        troubles = [one.polls.problem and one.polls.problem.kind for one in watch.fleet.snapshots]
        assert troubles == ["network", "contract", None]
        assert watch.looks("cedar") == 2


async def test_one_org_is_never_asked_twice_at_once_however_it_is_pushed(clock: FakeClock) -> None:
    """By what reached Zoho: answers take three seconds, and somebody keeps pressing every key."""

    async def travel() -> None:
        await clock.wait(asyncio.Event(), 3)

    async with street(clock, Notebook(), pause=travel, orgs=6) as zoho:
        names = list(zoho.simulator.world.orgs)
        zoho.simulator.forced |= dict.fromkeys(names, "SCHEDULED")
        fleet = fleet_of(zoho, names)
        async with running(fleet):
            for second in range(90):
                for name in names:
                    fleet.look_soon(name)
                if second == 40:
                    clock.jump(10 * MINUTE)
                    zoho.simulator.expire_tokens()
                await clock.advance(1)
                fleet.tick()
        requests = list(zoho.simulator.requests)
        for name in names:
            mine = [request for request in requests if request.org == name]
            assert len(mine) >= 5
            assert not overlapping(mine)
        assert overlapping(requests)  # else the street would have been too short to tell
        assert {request.status for request in requests} - {204} == {200, 401}  # 204: no links, for some


def fleet_of(zoho: Street, names: list[str]) -> Fleet:
    config = Config(Policy(), tuple(zoho.org(name) for name in names))
    return Fleet(
        config, lambda org: zoho.session(org.name).look_further, zoho.journal, zoho.clock, luck=EvenLuck()
    )


def overlapping(requests: list[Request]) -> bool:
    spans = sorted((request.began, request.ended) for request in requests)
    return any(later[0] < sooner[1] for sooner, later in pairwise(spans))


# Commands


async def test_a_look_once_is_at_all_orgs_at_the_same_time(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", "brook")
    watch.zoho.gates |= {"acme": asyncio.Event()}
    looking = asyncio.create_task(watch.fleet.look_once(["acme", "brook"]))
    await settle()
    assert watch.snapshot("brook").zoho.observed_at == START
    watch.zoho.gates["acme"].set()
    assert [one.org.name for one in await looking] == ["acme", "brook"]


async def test_commands_reach_the_org_that_they_name(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", "brook")
    async with running(watch.fleet):
        await clock.advance(10)
        watch.fleet.look_soon("acme")
        watch.fleet.pause("brook", True)
        await clock.advance(5 * MINUTE)
        assert (watch.looks("acme"), watch.looks("brook")) == (3, 1)
        assert watch.snapshot("brook").activity.paused
        assert not watch.snapshot("acme").activity.paused


async def test_a_stopped_fleet_ends_every_loop(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", "brook")
    tasks = [asyncio.create_task(watch.fleet.run(name)) for name in watch.names]
    await settle()
    watch.fleet.stop()
    await asyncio.gather(*tasks)
    assert (watch.looks("acme"), watch.looks("brook")) == (1, 0)


# The wall clock jumps


@pytest.mark.parametrize("slept", [timedelta(seconds=400), timedelta(hours=9), timedelta(days=400)])
async def test_after_sleep_everything_due_is_looked_at_within_seconds_but_not_at_once(
    clock: FakeClock, slept: timedelta
) -> None:
    names = [f"org-{number:02}" for number in range(50)]
    watch = Watch(clock, *names, luck=random.Random(4))
    async with running(watch.fleet):
        await watch.live(10)
        clock.jump(slept)
        watch.fleet.tick()
        due = [one.activity.next_poll for one in watch.fleet.snapshots if one.activity.next_poll]
        assert all(clock.now() <= moment <= clock.now() + timedelta(seconds=10) for moment in due)
        assert len(set(due)) > 40
        await watch.live(10)
        assert {watch.looks(name) for name in names} == {2}


async def test_after_sleep_nobody_looks_through_a_pause_or_at_a_dead_sign_in(clock: FakeClock) -> None:
    watch = Watch(clock, "acme", "brook", "cedar")
    watch.zoho.outcomes["brook"] = refuses(DEAD)
    async with running(watch.fleet):
        await watch.live(10)
        watch.fleet.pause("acme", True)
        clock.jump(HOUR)
        await watch.live(10)
        assert [watch.looks(name) for name in watch.names] == [1, 1, 2]


@pytest.mark.parametrize("back", [timedelta(minutes=10), timedelta(days=365)])
async def test_after_the_clock_went_back_the_watch_goes_on_at_its_pace(
    clock: FakeClock, back: timedelta
) -> None:
    watch = Watch(clock, "acme", "brook")
    watch.zoho.outcomes["brook"] = refuses(OFFLINE)
    async with running(watch.fleet):
        await watch.live(10)
        clock.jump(-back)
        watch.fleet.tick()
        await clock.advance(16 * MINUTE)
        assert watch.looks("acme") >= 3
        assert watch.looks("brook") >= 2


async def test_a_clock_that_is_a_little_off_is_no_jump(clock: FakeClock) -> None:
    watch = Watch(clock, "acme")
    async with running(watch.fleet):
        await watch.live(5)
        due = watch.snapshot("acme").activity.next_poll
        clock.jump(timedelta(seconds=20))
        watch.fleet.tick()
        assert watch.snapshot("acme").activity.next_poll == due


# What is told besides


async def test_a_journal_that_cannot_be_kept_is_told_and_stops_nothing(
    clock: FakeClock, tmp_path: Path
) -> None:
    (tmp_path / "a file").write_text("")
    journal = open_journal(tmp_path / "a file" / "journal.db")
    watch = Watch(clock, "acme", journal=journal)
    (snapshot,) = await watch.fleet.look_once(["acme"])
    assert snapshot.zoho.backup == FAR.backup
    assert watch.fleet.journal_trouble is not None
    await journal.close()
