"""`check --watch`: each org's state once, then a line for each change, until the command is stopped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import InlineWorker, MemoryJournal
from tests.support.snapshots import (
    completed_history,
    good_observation,
    make_backup,
    make_snapshot,
    snapshot_with,
)
from tests.watch.fleet_driver import DISTANT_RUN, EditedConfig, FleetDriver, org_table
from tests.watch.zoho_environment import MINUTE, OFFLINE, Outcome, problem_error
from zbtui.alerts.dispatcher import AlertDispatcher
from zbtui.check.change_stream import ChangeStream
from zbtui.clock import StopSignal
from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.database import open_database
from zbtui.store.journal import Journal

FAILED = good_observation(
    make_backup(status="FAILED", scheduled_date=(START + timedelta(days=30)).isoformat())
)


@pytest.fixture
def config(tmp_path: Path) -> EditedConfig:
    made = EditedConfig(tmp_path)
    made.write_orgs("acme")
    return made


@dataclass
class WatchOutput:
    """A running `ChangeStream` and its output."""

    clock: FakeClock
    watch: FleetDriver
    stop: StopSignal
    problems: list[Problem] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    """Every line written so far."""
    reader_left: bool = False
    is_seen_to_leave: bool = False
    task: asyncio.Task[None] | None = None
    _read_to: int = 0

    def write(self, line: str) -> None:
        if self.reader_left:
            raise BrokenPipeError
        self.read.append(line)

    async def live(self, span: timedelta) -> list[Any]:
        """Let `span` pass; return the lines written meanwhile."""
        await self.clock.advance(span)
        return self.new_lines()

    async def turn(self, name: str, outcome: Outcome) -> list[Any]:
        """Set the org's answer from now on; return the lines that its next poll causes."""
        self.watch.zoho.outcomes[name] = outcome
        return await self.live(6 * MINUTE)

    def new_lines(self) -> list[Any]:
        lines, self._read_to = self.read[self._read_to :], len(self.read)
        return [json.loads(line) for line in lines]

    def is_over(self) -> bool:
        assert self.task
        return self.task.done()


@asynccontextmanager
async def watching(
    watch: FleetDriver,
    names: Sequence[str] = (),
    alerts: Callable[[], AlertDispatcher] | None = None,
    cache_problem: Callable[[], Problem | None] = lambda: None,
) -> AsyncIterator[WatchOutput]:
    scene = WatchOutput(watch.clock, watch, StopSignal(watch.clock))
    watcher = ChangeStream(
        watch.config,
        watch.fleet,
        watch.clock,
        scene.write,
        scene.problems.append,
        names=names,
        alerts=alerts() if alerts else None,
        cache_problem=cache_problem,
        reader_is_gone=lambda: scene.is_seen_to_leave,
    )
    scene.task = asyncio.create_task(watcher.run(scene.stop))
    await run_until_idle()
    try:
        yield scene
    finally:
        scene.stop.request()
        await run_until_idle()
        scene.task.cancel()
        await asyncio.gather(scene.task, return_exceptions=True)


def summaries(lines: list[Any]) -> list[tuple[Any, ...]]:
    return [(line["org"], line["kind"], line["before"], line["after"]) for line in lines]


# The lines


async def test_each_org_is_shown_once_as_it_stands_after_its_first_poll(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    watch.zoho.outcomes["brook"] = FAILED
    async with watching(watch) as scene:
        lines = await scene.live(MINUTE)
        assert summaries(lines) == [
            ("acme", "state", None, "scheduled"),
            ("brook", "state", None, "failed"),
        ]
        assert (lines[1]["level"], lines[1]["schema"]) == ("critical", 1)
        assert lines[1]["headline"].startswith("the last backup failed")
        assert await scene.live(MINUTE * 11) == []
    assert watch.poll_count("acme") > 2


async def test_each_change_is_a_line_of_its_own(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme")
    async with watching(watch) as scene:
        await scene.live(MINUTE)
        lines = await scene.turn("acme", FAILED)
        assert summaries(lines) == [
            ("acme", "status", "SCHEDULED", "FAILED"),
            ("acme", "verdict", "scheduled", "failed"),
        ]
        assert {line["level"] for line in lines} == {"critical"}
        polled_at = watch.zoho.times("acme")[-1]
        assert {line["at"] for line in lines} == {polled_at.isoformat(timespec="seconds")}
        assert await scene.live(MINUTE * 11) == []


async def test_an_outage_is_a_problem_at_once_and_no_verdict_until_patience_ends(clock: FakeClock) -> None:
    """Screen and journal wait for several failed polls, too; a single check does not."""
    async with watching(FleetDriver(clock, "acme")) as scene:
        await scene.live(MINUTE)
        first = await scene.turn("acme", problem_error(OFFLINE))
        assert summaries(first)[0] == ("acme", "trouble", None, OFFLINE.message)
        lasting = await scene.live(MINUTE * 20)
        assert summaries(first + lasting)[1:] == [("acme", "verdict", "scheduled", "cannot_tell")]
        over = summaries(await scene.live(MINUTE * 1)) + summaries(await scene.turn("acme", DISTANT_RUN))
        over += summaries(await scene.live(MINUTE * 15))
        assert over == [
            ("acme", "verdict", "cannot_tell", "scheduled"),
            ("acme", "trouble", OFFLINE.message, None),
        ]


async def test_what_an_earlier_run_saw_is_no_state_of_now(clock: FakeClock) -> None:
    history = completed_history(START - timedelta(days=1))
    earlier = snapshot_with(make_snapshot("acme", START - MINUTE, status="FAILED"), history=history)
    journal = MemoryJournal([earlier])
    watch = FleetDriver(clock, "acme", journal=journal)
    watch.zoho.gates["acme"] = asyncio.Event()
    async with watching(watch) as scene:
        watch.fleet.pause("acme", True)
        watch.fleet.pause("acme", False)
        assert await scene.live(MINUTE) == []
        watch.zoho.gates["acme"].set()
        assert summaries(await scene.live(MINUTE)) == [("acme", "state", None, "scheduled")]


async def test_an_org_that_is_labelled_otherwise_is_no_change(
    clock: FakeClock, config: EditedConfig
) -> None:
    async with watching(FleetDriver(clock, "acme", config=config)) as scene:
        await scene.live(MINUTE)
        config.write(org_table("acme") + 'tags = ["prod"]\n')
        assert await scene.live(timedelta(seconds=2)) == []
        assert scene.watch.snapshot("acme").org.tags == ("prod",)
        assert scene.watch.poll_count("acme") == 1


async def test_an_unusable_journal_takes_nothing_from_the_lines(clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watch = FleetDriver(
        clock, "acme", journal=Journal(open_database(tmp_path / "file" / "journal.db", InlineWorker()))
    )
    async with watching(watch) as scene:
        assert summaries(await scene.live(MINUTE)) == [("acme", "state", None, "scheduled")]
        assert len(await scene.turn("acme", FAILED)) == 2
        assert len(scene.problems) == 1  # once, not each second
        assert "journal" in scene.problems[0].message


# Which orgs


async def test_only_the_orgs_that_were_named_are_watched(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    async with watching(watch, ["brook"]) as scene:
        assert summaries(await scene.live(MINUTE)) == [("brook", "state", None, "scheduled")]
    assert watch.poll_count("acme") == 0


async def test_a_config_that_changes_is_taken_up(clock: FakeClock, config: EditedConfig) -> None:
    async with watching(FleetDriver(clock, "acme", config=config)) as scene:
        await scene.live(MINUTE)
        config.write_orgs("acme", "brook")
        scene.watch.zoho.outcomes["brook"] = FAILED
        assert summaries(await scene.live(MINUTE)) == [("brook", "state", None, "failed")]
        config.write_orgs("acme")
        gone = await scene.live(MINUTE)
        assert summaries(gone) == [("brook", "removed", "failed", None)]
        assert (gone[0]["level"], gone[0]["headline"]) == ("unknown", "no longer under watch")
        config.write_orgs("acme", "brook")
        assert summaries(await scene.live(MINUTE)) == [("brook", "state", None, "failed")]


async def test_an_org_that_comes_unnamed_is_not_watched(clock: FakeClock, config: EditedConfig) -> None:
    async with watching(FleetDriver(clock, "acme", config=config), ["acme"]) as scene:
        await scene.live(MINUTE)
        config.write_orgs("acme", "brook")
        assert await scene.live(MINUTE * 10) == []
    assert scene.watch.poll_count("brook") == 0


async def test_an_org_with_other_keys_is_still_the_same_org(clock: FakeClock, config: EditedConfig) -> None:
    async with watching(FleetDriver(clock, "acme", config=config)) as scene:
        await scene.live(MINUTE)
        config.write_orgs("acme", client_id="1000.NEW")
        assert await scene.live(MINUTE * 10) == []
    assert scene.watch.poll_count("acme") > 2


async def test_a_wrong_config_is_shown_once_and_stops_nothing(
    clock: FakeClock, config: EditedConfig
) -> None:
    async with watching(FleetDriver(clock, "acme", config=config)) as scene:
        await scene.live(MINUTE)
        config.write("[[org]")
        await scene.live(MINUTE)
        assert [problem.kind for problem in scene.problems] == ["config"]
        assert len(await scene.turn("acme", FAILED)) == 2
        config.write_orgs("acme")
        await scene.live(MINUTE)
        config.write("[[org]")
        await scene.live(MINUTE)
        assert [problem.kind for problem in scene.problems] == ["config", "config"]


async def test_without_an_org_it_waits_for_one(clock: FakeClock, tmp_path: Path) -> None:
    config = EditedConfig(tmp_path)
    config.write_orgs()
    async with watching(FleetDriver(clock, config=config)) as scene:
        assert await scene.live(MINUTE) == []
        config.write_orgs("acme")
        assert summaries(await scene.live(MINUTE)) == [("acme", "state", None, "none")]


# The end


async def test_a_stop_ends_it_and_lets_a_poll_under_way_come_to_its_end(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme")
    watch.zoho.gates["acme"] = asyncio.Event()
    async with watching(watch) as scene:
        await scene.live(MINUTE)
        scene.stop.request()
        await run_until_idle()
        assert not scene.is_over()
        watch.zoho.gates["acme"].set()
        await run_until_idle()
        assert scene.is_over()
        assert watch.zoho.max_concurrent_polls == 1
        assert scene.new_lines() == []


async def test_a_reader_that_has_gone_ends_it_at_the_next_line(clock: FakeClock) -> None:
    async with watching(FleetDriver(clock, "acme")) as scene:
        await scene.live(MINUTE)
        scene.reader_left = True
        await scene.live(MINUTE * 11)
        assert not scene.is_over()  # nothing was written, so the closed pipe has not shown yet
        await scene.turn("acme", FAILED)
        assert scene.is_over()
        assert scene.task
        assert scene.task.exception() is None


async def test_a_reader_that_is_seen_to_leave_ends_it_without_a_line(clock: FakeClock) -> None:
    async with watching(FleetDriver(clock, "acme")) as scene:
        await scene.live(MINUTE)
        scene.is_seen_to_leave = True
        await scene.live(timedelta(seconds=2))
        assert scene.is_over()


async def test_a_full_disk_is_no_reader_leaving(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(line: str) -> None:
        raise OSError(28, "No space left on device")

    watch = FleetDriver(clock, "acme")
    watcher = ChangeStream(watch.config, watch.fleet, clock, full, print)
    task = asyncio.create_task(watcher.run(StopSignal(clock)))
    await clock.advance(MINUTE)
    with pytest.raises(OSError, match="No space"):
        await task


async def test_a_bug_of_ours_ends_it_and_is_shown(clock: FakeClock) -> None:
    class Broken(MemoryJournal):
        async def record_poll(self, *args: object) -> NoReturn:
            raise ZeroDivisionError

    watch = FleetDriver(clock, "acme", journal=Broken())
    async with watching(watch) as scene:
        await scene.live(MINUTE)
        assert scene.task
        assert isinstance(scene.task.exception(), ZeroDivisionError)


# Alerts


class FakeDispatcher(AlertDispatcher):
    """Records the calls that it gets."""

    def __init__(self) -> None:
        self.considered: list[dict[str, str]] = []
        self.delivered = 0
        self.gate: asyncio.Event | None = None
        self.wrong: Problem | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        return (self.wrong,) if self.wrong else ()

    async def evaluate(
        self,
        snapshots: Sequence[Snapshot],
        policy: WatchPolicy,
        verdicts: VerdictCache,
        *,
        covers_all_orgs: bool = True,
    ) -> tuple[()]:
        self.considered.append(
            {one.org.name: (one.zoho.backup and one.zoho.backup.status) or "" for one in snapshots}
        )
        return ()

    async def deliver(self, extra: object = None) -> None:
        self.delivered += 1
        if self.gate:
            await self.gate.wait()


async def test_alerts_are_considered_and_delivered_as_things_change(clock: FakeClock) -> None:
    dispatcher = FakeDispatcher()
    async with watching(FleetDriver(clock, "acme", "brook"), ["acme"], lambda: dispatcher) as scene:
        await scene.live(MINUTE)
        assert dispatcher.considered[-1] == {"acme": "SCHEDULED"}
        await scene.turn("acme", FAILED)
        assert dispatcher.considered[-1] == {"acme": "FAILED"}
        assert dispatcher.delivered == len(dispatcher.considered)


async def test_a_command_that_takes_its_time_holds_up_no_line(clock: FakeClock) -> None:
    dispatcher = FakeDispatcher()
    dispatcher.gate = asyncio.Event()
    async with watching(FleetDriver(clock, "acme"), alerts=lambda: dispatcher) as scene:
        await scene.live(MINUTE)
        assert len(await scene.turn("acme", FAILED)) == 2
        assert dispatcher.delivered == 1  # one dispatcher serves the whole run
        dispatcher.gate.set()
        await scene.live(MINUTE)
        assert dispatcher.delivered > 1


async def test_what_is_not_delivered_is_shown_once_and_again_when_it_comes_back(clock: FakeClock) -> None:
    dispatcher, wrong = (
        FakeDispatcher(),
        Problem("contract", "notify-send ended with 1.", "Try it by hand."),
    )
    async with watching(FleetDriver(clock, "acme"), alerts=lambda: dispatcher) as scene:
        await scene.live(MINUTE)
        dispatcher.wrong = wrong
        await scene.live(MINUTE)
        assert scene.problems == [wrong]
        dispatcher.wrong = None
        await scene.live(MINUTE)
        dispatcher.wrong = wrong
        await scene.live(MINUTE)
        assert scene.problems == [wrong, wrong]


async def test_a_token_that_cannot_be_cached_is_reported_once(clock: FakeClock) -> None:
    problem = Problem("keyring", "The keyring took no access token.", "Unlock it.")
    async with watching(FleetDriver(clock, "acme"), cache_problem=lambda: problem) as scene:
        await scene.live(MINUTE)
        assert scene.problems == [problem]


async def test_without_being_asked_to_it_alerts_nobody(clock: FakeClock) -> None:
    async with watching(FleetDriver(clock, "acme")) as scene:
        await scene.live(MINUTE)
        await scene.turn("acme", FAILED)
        assert await scene.watch._journal.outbox.alerts_after(0) == ()
