"""Recording a poll, while other processes record theirs and commands come in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path

from tests.support.fake_clock import START, FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import good_observation, make_org, snapshot_with
from tests.watch.poller_driver import DISTANT_RUN, HOUR, PollerDriver
from tests.watch.zoho_environment import OFFLINE, problem_error
from zbtui.health.merge import MergeResult
from zbtui.health.poll_schedule import history_and_links_are_due
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import open_journal
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.runs import build_history


async def test_what_another_process_read_later_is_published_with_the_poll(clock: FakeClock) -> None:
    journal = MemoryJournal()
    kept = build_history([HistoryEntry("1", None, "failure", "weekly", None, 0, START - HOUR, None)])
    watch = PollerDriver(clock, replace(DISTANT_RUN, history_and_links=None), journal=journal)
    async with watch.running():
        elsewhere = snapshot_with(
            watch.snapshot,
            history=kept,
            history_read_at=clock.now(),
            history_tried_at=clock.now(),
            polling=False,
        )
        await journal.save(elsewhere)
        await clock.advance(HOUR)
        assert watch.snapshot.zoho.history == kept
        assert not history_and_links_are_due(watch.snapshot, watch.snapshot.zoho.backup, clock.now())
        ended = [
            one for one in watch.published if not one.activity.polling and one.polls.attempted_at != START
        ]
        assert all(one.zoho.history == kept for one in ended)


async def test_a_pause_while_the_poll_is_noted_is_not_lost(clock: FakeClock) -> None:
    class Slow(MemoryJournal):
        async def record_poll(self, polled: Snapshot, policy: WatchPolicy, now: datetime) -> MergeResult:
            watch.poller.set_paused(True)
            return await super().record_poll(polled, policy, now)

    watch = PollerDriver(clock, journal=Slow())
    async with watch.running():
        assert watch.snapshot.activity.paused


async def test_only_what_was_seen_goes_into_the_journal(clock: FakeClock, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.db")
    watch = PollerDriver(clock, journal=journal)
    await watch.poller.poll()
    clock.jump_wall_clock(HOUR)
    watch.set_answer(problem_error(OFFLINE))
    await watch.poller.poll()
    await journal.close()
    reopened = open_journal(tmp_path / "journal.db")
    kept = reopened.load_all([make_org()])["acme"]
    await reopened.close()
    assert kept.zoho.observed_at == START
    assert kept.zoho.backup == DISTANT_RUN.backup
    assert kept.polls.restored
    assert kept.polls.problem is None


async def test_the_journal_forgets_an_org_taken_off_watch(clock: FakeClock, tmp_path: Path) -> None:
    journal = open_journal(tmp_path / "journal.db")
    watch = PollerDriver(clock, good_observation(None), journal=journal)
    await watch.poller.poll()
    assert journal.load_all([make_org()])
    watch.poller.stop(forget=True)
    await watch.poller.run()
    assert not journal.load_all([make_org()])
    await journal.close()
