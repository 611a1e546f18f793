"""The demo's fleet, as the screen sees it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support.clock import FakeClock
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import judge
from zbtui.demo.household import demo_policy, open_demo

WORDS = {
    *("SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "PAYMENT_FAILED"),
    *("NO BACKUP", "OVERDUE", "WAITING"),
    *("SIGN IN", "LOCKED", "NO ACCESS", "THROTTLED", "OFFLINE", "ZOHO ERROR", "BAD ANSWER"),
}


async def words_within(seconds: int) -> set[str]:
    """All badges that are seen in the first so many seconds of the demo."""
    clock, words = FakeClock(), set[str]()
    async with open_demo(clock=clock) as (fleet, _):

        def note(snapshot: Snapshot) -> None:
            words.add(judge(snapshot, fleet.policy, clock.now()).word)

        fleet.listen(note)
        watching = [asyncio.create_task(fleet.run(seen.org.name)) for seen in fleet.snapshots]
        for _ in range(seconds):
            await clock.advance(1)
            for snapshot in fleet.snapshots:
                note(snapshot)
        fleet.stop()
        await asyncio.gather(*watching)
    return words


async def test_within_a_minute_every_badge_has_been_seen() -> None:
    assert await words_within(60) >= WORDS


async def test_no_badge_is_seen_that_zoho_does_not_have() -> None:
    assert await words_within(180) <= WORDS


def files_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_the_demo_writes_nothing_into_the_users_folders(empty_home: Path) -> None:
    clock = FakeClock()
    async with open_demo(clock=clock) as (fleet, _):
        await fleet.look_once([seen.org.name for seen in fleet.snapshots])
        assert fleet.journal_trouble is None
    assert files_in(empty_home) == []


@pytest.mark.parametrize(("orgs", "count"), [(0, 14), (2, 2), (40, 40)])
async def test_the_fleet_has_as_many_orgs_as_asked_for(orgs: int, count: int) -> None:
    async with open_demo(orgs, clock=FakeClock()) as (fleet, _):
        assert len(fleet.snapshots) == count


@pytest.mark.parametrize(
    ("speed", "every", "near_every"),
    [
        (1.0, timedelta(seconds=5), timedelta(seconds=2)),
        (0.5, timedelta(seconds=10), timedelta(seconds=4)),
        (20.0, timedelta(seconds=1), timedelta(seconds=1)),
        (0.0001, timedelta(seconds=50_000), timedelta(seconds=20_000)),
    ],
)
def test_it_looks_as_often_as_the_orgs_live_fast(
    speed: float, every: timedelta, near_every: timedelta
) -> None:
    policy = demo_policy(speed)
    assert (policy.every, policy.near_every) == (every, near_every)
