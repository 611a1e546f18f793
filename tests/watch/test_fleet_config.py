"""A fleet whose config changes, and whose orgs sign in again."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import InlineWorker, MemoryJournal
from tests.support.snapshots import build_snapshot, make_company, make_org, make_snapshot, snapshot_with
from tests.watch.fleet_driver import DISTANT_RUN, HOUR, EditedConfig, FleetDriver, org_table
from tests.watch.zoho_environment import DEAD_SIGN_IN, MINUTE, OFFLINE, locked_out, problem_error, run_fleet
from zbtui.config.settings import Config
from zbtui.health.observe import apply_failure
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.database import open_database
from zbtui.store.journal import Journal, open_journal
from zbtui.watch.fleet import Fleet, OrgChanges, PollFunction

# The config changes


async def test_a_changed_config_adds_and_removes_orgs_and_leaves_the_rest_alone(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    async with run_fleet(watch.fleet) as published:
        await clock.advance(MINUTE)
        kept = watch.snapshot("brook")
        config.write_orgs("cedar", "brook")
        assert watch.tick() == OrgChanges(added=("cedar",), removed=("acme",))
        assert watch.names == ["cedar", "brook"]
        assert watch.snapshot("brook") is kept
        del published[:]
        await clock.advance(10 * MINUTE)
        assert {one.org.name for one in published} == {"brook"}  # the app starts the poller of cedar
        assert watch.poll_count("acme") == 1


async def test_a_new_org_in_the_config_is_watched(config: EditedConfig, watch: FleetDriver) -> None:
    config.write_orgs("acme", "brook", "cedar")
    change = watch.tick()
    published: list[Snapshot] = []
    watch.fleet.subscribe(published.append)
    task = asyncio.create_task(watch.fleet.run_poller(*change.added))
    await run_until_idle()
    assert [one.activity.polling for one in published] == [True, False]
    watch.fleet.stop()
    await task


def opened(folder: Path) -> Journal:
    """A journal as another process opens it; all share one file."""
    return Journal(open_database(folder / "journal.db", InlineWorker()))


KEPT = {
    "just now": (make_snapshot("cedar", START + MINUTE), START + 6 * MINUTE),
    "long ago": (make_snapshot("cedar", START - HOUR), START + 2 * MINUTE),
    "while the clock was ahead": (make_snapshot("cedar", START + HOUR), START + 2 * MINUTE),
    "never, for it failed": (
        snapshot_with(make_snapshot("cedar", START + MINUTE), failures=1),
        START + 2 * MINUTE,
    ),
    "never": (None, START + 2 * MINUTE),
}
"""What another process knows of an org that is added after two minutes, and when its first poll is due."""


@pytest.mark.parametrize("kept", KEPT)
async def test_what_another_process_has_just_learned_of_an_org_is_not_asked_again(
    kept: str, clock: FakeClock, config: EditedConfig, tmp_path: Path
) -> None:
    known, due = KEPT[kept]
    watch = FleetDriver(clock, "acme", config=config, journal=opened(tmp_path))
    await clock.advance(MINUTE)
    if known and known.polls.failures:
        await opened(tmp_path).record_poll(
            apply_failure(known, OFFLINE, clock.now()), WatchPolicy(), clock.now()
        )
    elif known:
        await opened(tmp_path).save(known)
    await clock.advance(MINUTE)
    config.write_orgs("acme", "cedar")
    assert watch.tick().added == ("cedar",)
    task = asyncio.create_task(watch.fleet.run_poller("cedar"))
    await run_until_idle()
    if due > clock.now():
        assert known is not None
        assert watch.snapshot("cedar") == snapshot_with(known, next_poll=due)
    await clock.advance(10 * MINUTE)
    assert watch.zoho.times("cedar")[0] == due
    watch.fleet.stop()
    await task


async def test_a_poll_of_an_org_that_just_came_is_made_at_once(
    clock: FakeClock, config: EditedConfig, tmp_path: Path
) -> None:
    watch = FleetDriver(clock, "acme", config=config, journal=opened(tmp_path))
    await opened(tmp_path).save(make_snapshot("cedar", START))
    config.write_orgs("acme", "cedar")
    watch.tick()
    watch.fleet.poll_soon("cedar")
    task = asyncio.create_task(watch.fleet.run_poller("cedar"))
    await run_until_idle()
    assert watch.zoho.times("cedar") == [START]
    watch.fleet.stop()
    await task


async def test_an_org_whose_settings_changed_is_begun_again(clock: FakeClock, config: EditedConfig) -> None:
    journal = open_journal(None)
    watch = FleetDriver(clock, "acme", "brook", config=config, journal=journal)
    await watch.fleet.poll_once(["acme"])
    config.write(org_table("acme", "us") + org_table("brook"))
    assert watch.tick() == OrgChanges(added=("acme",), removed=("acme",))
    assert watch.snapshot("acme") == build_snapshot(make_org("acme", "us"), next_poll=START)
    await journal.close()


async def test_a_file_only_touched_changes_nothing(config: EditedConfig, watch: FleetDriver) -> None:
    config.write_orgs("acme", "brook")
    assert watch.tick() == OrgChanges()


async def test_the_old_config_counts_while_it_is_broken(config: EditedConfig, watch: FleetDriver) -> None:
    async with run_fleet(watch.fleet):
        config.write("[[org]\nname = ")
        assert await watch.advance(5 * MINUTE) == []
        problem = watch.config.problem
        assert problem is not None
        assert problem.kind == "config"
        assert str(config.path) in problem.message
        assert watch.names == ["acme", "brook"]
        assert watch.poll_count("acme") == 2
        config.write_orgs("acme")
        assert await watch.advance(1) == [OrgChanges(removed=("brook",))]
        assert watch.config.problem is None


async def test_a_removed_orgs_late_answer_is_dropped(clock: FakeClock, config: EditedConfig) -> None:
    journal = MemoryJournal()
    watch = FleetDriver(clock, "acme", "brook", config=config, journal=journal)
    gate = watch.zoho.gates["acme"] = asyncio.Event()
    async with run_fleet(watch.fleet) as published:
        config.write_orgs("brook")
        watch.tick()
        del published[:]
        gate.set()
        await clock.advance(MINUTE)
        assert "acme" not in {one.org.name for one in [*published, *journal.saved_snapshots]}


async def test_an_org_removed_and_added_again_is_watched_once(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    async with run_fleet(watch.fleet):
        config.write_orgs("brook")
        watch.tick()
        config.write_orgs("acme", "brook")
        assert watch.tick().added == ("acme",)
        task = asyncio.create_task(watch.fleet.run_poller("acme"))
        await clock.advance(30 * MINUTE)
        assert watch.poll_count("acme") == 1 + 7
        watch.fleet.stop()
        await task


async def test_a_dead_sign_in_is_tried_again_when_the_config_changes(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    watch.zoho.outcomes["acme"] = problem_error(DEAD_SIGN_IN)
    async with run_fleet(watch.fleet):
        await clock.advance(HOUR)
        assert watch.poll_count("acme") == 1
        config.write_orgs("acme", "brook", head="# signed in again")
        watch.tick()
        await clock.advance(0)
        assert watch.poll_count("acme") == 2


async def test_a_new_pace_counts_from_the_next_poll_on(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    async with run_fleet(watch.fleet):
        config.write_orgs("acme", "brook", head='[watch]\nevery = "1h"')
        assert watch.tick() == OrgChanges()
        assert watch.fleet.policy.every == HOUR
        await clock.advance(timedelta(hours=3))
        assert 3 <= watch.poll_count("acme") <= 4


async def test_a_faster_pace_does_not_wait_for_the_slower(config: EditedConfig, watch: FleetDriver) -> None:
    async with run_fleet(watch.fleet):
        config.write_orgs("acme", "brook", head='[watch]\nevery = "15s"')
        await watch.advance(MINUTE)
        assert watch.poll_count("acme") >= 4


async def test_a_command_to_a_removed_org_does_nothing(config: EditedConfig, watch: FleetDriver) -> None:
    """The screen may not know yet that the org is gone when its key is pressed."""
    config.write_orgs("brook")
    watch.tick()
    assert watch.fleet.poll_soon("acme") is None
    watch.fleet.pause("acme", True)
    assert watch.names == ["brook"]


# An org's own policy


def org_with_intervals(name: str, **keys: str) -> str:
    """The table of an org that sets these keys of the policy itself."""
    return org_table(name) + "".join(f'{key} = "{span}"\n' for key, span in keys.items())


async def test_an_org_may_have_a_pace_of_its_own(clock: FakeClock, config: EditedConfig) -> None:
    config.write(org_with_intervals("acme", every="1h") + org_with_intervals("brook"))
    watch = FleetDriver(clock, "acme", "brook", config=config)
    watch.fleet = watch.open(config.open().load())
    async with run_fleet(watch.fleet):
        await clock.advance(2 * HOUR + MINUTE)
        assert watch.poll_count("acme") == 3
        assert watch.poll_count("brook") == 25


async def test_a_change_of_own_policy_keeps_what_is_known(clock: FakeClock, config: EditedConfig) -> None:
    journal = MemoryJournal()
    watch = FleetDriver(clock, "acme", "brook", config=config, journal=journal)
    async with run_fleet(watch.fleet):
        await clock.advance(MINUTE)
        watch.zoho.outcomes["acme"] = problem_error(OFFLINE)
        watch.fleet.poll_soon("acme")
        await clock.advance(1)
        watch.fleet.pause("acme", True)
        before = watch.snapshot("acme")
        assert before.zoho.backup is not None
        assert before.polls.problem == OFFLINE
        config.write(org_with_intervals("acme", every="1h") + org_with_intervals("brook"))
        assert watch.tick() == OrgChanges(added=("acme",), removed=("acme",))
        after = watch.snapshot("acme")
        assert after.org.policy_overrides == (("every", HOUR),)
        assert after == snapshot_with(before, org=after.org, next_poll=clock.now())
        assert after.activity.paused
        await clock.advance(1)
    assert "acme" in {one.org.name for one in journal.saved_snapshots}


async def test_an_org_with_a_new_pace_of_its_own_is_polled_as_soon_as_it_is_run(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    async with run_fleet(watch.fleet):
        await clock.advance(MINUTE)
        config.write(org_with_intervals("acme", every="15s") + org_with_intervals("brook"))
        change = watch.tick()
        task = asyncio.create_task(watch.fleet.run_poller(*change.added))
        await clock.advance(MINUTE)
        assert watch.poll_count("acme") == 1 + 5
        assert watch.poll_count("brook") == 1
        watch.fleet.stop()
        await task


async def test_a_poll_in_progress_when_the_policy_changes_ends(
    config: EditedConfig, watch: FleetDriver
) -> None:
    gate = watch.zoho.gates["acme"] = asyncio.Event()
    async with run_fleet(watch.fleet):
        assert watch.snapshot("acme").activity.polling
        config.write(org_with_intervals("acme", every="1h") + org_with_intervals("brook"))
        watch.tick()
        assert not watch.snapshot("acme").activity.polling
        gate.set()


@pytest.mark.parametrize("barred", [True, False], ids=["a lock-out", "Retry-After"])
async def test_a_new_policy_keeps_zohos_delay(barred: bool, clock: FakeClock, config: EditedConfig) -> None:
    until = START + 10 * MINUTE
    busy = Problem("throttled", "Too many.", "Wait.", "TOO_MANY_REQUESTS", 429, retry_at=until)
    watch = FleetDriver(clock, "acme", "brook", config=config)
    watch.zoho.outcomes["acme"] = problem_error(locked_out(until) if barred else busy)
    async with run_fleet(watch.fleet):
        await clock.advance(MINUTE)
        config.write(org_with_intervals("acme", every="15s") + org_with_intervals("brook"))
        change = watch.tick()
        assert watch.snapshot("acme").activity.next_poll == until
        task = asyncio.create_task(watch.fleet.run_poller(*change.added))
        await clock.advance(9 * MINUTE - timedelta(seconds=1))
        assert watch.poll_count("acme") == 1
        await clock.advance(1)
        assert watch.poll_count("acme") == 2
        watch.fleet.stop()
        await task


# Signed in again


def new_snapshot(name: str = "acme") -> Snapshot:
    """The snapshot that verifying a sign-in gives."""
    return snapshot_with(make_snapshot(name), company=make_company())


async def test_an_org_that_signed_in_again_is_watched_by_that_from_the_next_tick(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    watch.zoho.outcomes["acme"] = problem_error(DEAD_SIGN_IN)
    async with run_fleet(watch.fleet):
        await clock.advance(MINUTE)
        watch.zoho.outcomes["acme"] = DISTANT_RUN
        watch.fleet.restart_with(new_snapshot())
        assert watch.snapshot("acme").polls.problem == DEAD_SIGN_IN
        assert watch.tick() == OrgChanges(added=("acme",), removed=("acme",))
        assert watch.names == ["acme", "brook"]
        assert watch.snapshot("acme") == snapshot_with(new_snapshot(), next_poll=clock.now())
        assert watch.tick() == OrgChanges()
        task = asyncio.create_task(watch.fleet.run_poller("acme"))
        await clock.advance(1)
        assert watch.poll_count("acme") == 2
        assert watch.snapshot("acme").polls.problem is None
        watch.fleet.stop()
        await task


async def test_it_polls_with_a_new_session_that_knows_no_older_token(clock: FakeClock) -> None:
    opened: list[str] = []
    watch = FleetDriver(clock, "acme", "brook")

    def open_poll(org: Org) -> PollFunction:
        opened.append(org.name)
        return watch.zoho.open_poll(org)

    fleet = Fleet(
        Config(WatchPolicy(), (make_org("acme"), make_org("brook"))), open_poll, MemoryJournal(), clock
    )
    fleet.restart_with(new_snapshot())
    fleet.tick()
    assert opened == ["acme", "brook", "acme"]


async def test_an_org_added_by_a_sign_in_comes_once(config: EditedConfig, watch: FleetDriver) -> None:
    config.write_orgs("acme", "brook", "cedar")
    watch.fleet.restart_with(new_snapshot("cedar"))
    assert watch.tick() == OrgChanges(added=("cedar",))
    assert watch.snapshot("cedar").company_name == "Nordlys Tools AB"


async def test_a_sign_in_waits_for_its_org_in_the_config(config: EditedConfig, watch: FleetDriver) -> None:
    for name in ("cedar", "brook"):
        watch.fleet.restart_with(new_snapshot(name))
    assert watch.tick() == OrgChanges(added=("brook",), removed=("brook",))
    config.write_orgs("acme", "brook", "cedar")
    assert watch.tick() == OrgChanges(added=("cedar",))
    assert watch.snapshot("cedar").company_name == "Nordlys Tools AB"


async def test_new_settings_and_sign_in_begin_it_once(config: EditedConfig, watch: FleetDriver) -> None:
    config.write(org_table("acme", "us") + org_table("brook"))
    watch.fleet.restart_with(replace(new_snapshot(), org=make_org("acme", "us")))
    assert watch.tick() == OrgChanges(added=("acme",), removed=("acme",))
    assert watch.snapshot("acme").org.data_center == "us"
    assert watch.snapshot("acme").company_name == "Nordlys Tools AB"


async def test_a_broken_config_is_no_bar_to_a_sign_in(config: EditedConfig, watch: FleetDriver) -> None:
    config.write("[[org]\n")
    watch.fleet.restart_with(new_snapshot())
    assert watch.tick().added == ("acme",)
    assert watch.config.problem is not None


async def test_signing_in_again_forgets_nothing_that_was_kept(clock: FakeClock, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.db")
    watch = FleetDriver(clock, "acme", journal=journal)
    await watch.fleet.poll_once(["acme"])
    task = asyncio.create_task(watch.fleet.run_poller("acme"))
    await run_until_idle()
    watch.fleet.restart_with(new_snapshot())
    watch.tick()
    await task
    assert set(journal.load_all([make_org()])) == {"acme"}
    await journal.close()
