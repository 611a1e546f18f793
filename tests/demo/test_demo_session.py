"""The demo's fleet, as the screen shows it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

import pytest

from tests.support.fake_clock import FakeClock
from tests.support.memory_journal import MemoryJournal
from zbtui.demo.demo_session import demo_watch_policy, open_demo
from zbtui.doctor.capture import Capture, CapturedAnswer, write_capture
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemError
from zbtui.model.verdict import VerdictName
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.links import Links

WORDS = {
    *("SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "PAYMENT_FAILED"),
    *("NO BACKUP", "OVERDUE", "TOO OLD", "NO HISTORY", "WAITING"),
    *("SIGN IN", "LOCKED", "NO ACCESS", "THROTTLED", "OFFLINE", "ZOHO ERROR", "BAD ANSWER"),
}


VERDICTS = set(get_args(VerdictName)) - {"unknown_status", "missed", "ended_oddly", "wrong_org", "twin"}


@dataclass
class ObservedStates:
    """The states that the demo has shown so far."""

    words: set[str] = field(default_factory=set)
    verdicts: set[str] = field(default_factory=set)
    requesters: defaultdict[str, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    links: defaultdict[str, set[Literal["alive", "gone"]]] = field(default_factory=lambda: defaultdict(set))
    """Whether an org's links were seen alive, or gone after their expiry."""

    def note(self, snapshot: Snapshot, policy: WatchPolicy, now: datetime) -> None:
        verdict, name = judge(snapshot, policy, now), snapshot.org.name
        self.words.add(verdict.badge)
        self.verdicts.add(verdict.name)
        if snapshot.zoho.backup and snapshot.zoho.backup.requester:
            self.requesters[name].add(snapshot.zoho.backup.requester.name)
        if snapshot.links_expired_at(now) and snapshot.zoho.links == Links():
            self.links[name].add("gone")
        elif snapshot.zoho.last_links_expiry:
            self.links[name].add("alive")


async def observe_for(seconds: int) -> ObservedStates:
    """All states in the first `seconds` of the demo."""
    clock, seen = FakeClock(), ObservedStates()
    async with open_demo(clock=clock, journal=MemoryJournal()) as (_, fleet, _, _):

        def note(snapshot: Snapshot) -> None:
            seen.note(snapshot, fleet.policy, clock.now())

        fleet.subscribe(note)
        watching = [asyncio.create_task(fleet.run_poller(known.org.name)) for known in fleet.snapshots]
        for _ in range(seconds):
            await clock.advance(1)
            for snapshot in fleet.snapshots:
                note(snapshot)
        fleet.stop()
        await asyncio.gather(*watching)
    return seen


async def test_within_a_minute_all_there_is_to_see_has_been_seen() -> None:
    seen = await observe_for(60)
    assert seen.words >= WORDS
    assert seen.verdicts >= VERDICTS
    assert seen.requesters["sakura"] == {"佐藤 美咲", "森 由美"}
    assert seen.links["fjord"] == {"alive", "gone"}


async def test_no_badge_is_seen_that_zoho_does_not_have() -> None:
    seen = await observe_for(180)
    assert seen.words <= WORDS
    assert "unknown_status" not in seen.verdicts


def files_in(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


async def test_the_demo_writes_nothing_into_the_users_folders(empty_home: Path) -> None:
    clock = FakeClock()
    async with open_demo(clock=clock, journal=MemoryJournal()) as (_, fleet, _, _):
        await fleet.poll_once([seen.org.name for seen in fleet.snapshots])
        assert fleet.journal_problem is None
    assert files_in(empty_home) == []


@pytest.mark.parametrize(("orgs", "count"), [(0, 18), (2, 2), (40, 40)])
async def test_the_fleet_has_as_many_orgs_as_asked_for(orgs: int, count: int) -> None:
    async with open_demo(orgs, clock=FakeClock()) as (_, fleet, _, _):
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
def test_polls_are_as_fast_as_the_orgs_live(speed: float, every: timedelta, near_every: timedelta) -> None:
    policy = demo_watch_policy(speed)
    assert (policy.every, policy.near_every) == (every, near_every)


async def test_a_capture_is_replayed_by_the_only_org(tmp_path: Path) -> None:
    date = {"date": "Mon, 06 Jul 2026 11:20:00 GMT"}
    answers = {
        "details": b'{"backup": {"id": "9000", "status": "STOPPED"}}',
        "history": b'{"history": [{"state": "completed", "log_time": "2026-07-06T11:00:00Z"}]}',
        "links": b'{"urls": {"data_links": ["https://x.test/9"], "expiry_date": "2026-07-13T11:00:00Z"}}',
        "org": b'{"org": [{"company_name": "Xxxx"}]}',
    }
    kept = tuple(CapturedAnswer(call, 1, 200, date, body) for call, body in answers.items())
    write_capture(Capture("jp", kept), tmp_path / "capture.json")
    clock, file = FakeClock(), str(tmp_path / "capture.json")
    async with open_demo(clock=clock, journal=MemoryJournal(), replay=file) as (_, fleet, _, _):
        poller = asyncio.create_task(fleet.run_poller("replayed"))
        await clock.advance(60)
        (snapshot,) = fleet.snapshots
        assert fleet.now().isoformat() == "2026-07-06T11:21:00+00:00"
        assert judge(snapshot, fleet.policy, fleet.now()).name == "stopped"
        assert snapshot.org.data_center == "jp"
        assert snapshot.zoho.history and snapshot.zoho.history.last_completed
        assert snapshot.zoho.links and snapshot.zoho.links.data_parts == 1
        fleet.stop()
        await poller


async def test_a_file_that_is_no_capture_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="cannot be read"):
        async with open_demo(replay=str(tmp_path)):
            pass
