"""A poller of one org, with scripted answers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import build_snapshot, good_observation, make_backup, make_org
from tests.watch.zoho_environment import FixedRng, Outcome, ScriptedZoho
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
from zbtui.watch.poller import Poller

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DISTANT_RUN = good_observation(make_backup(scheduled_date=(START + 30 * DAY).isoformat()))


class PollerDriver:
    """A poller of one org, its answers, and what it published."""

    def __init__(
        self,
        clock: FakeClock,
        outcome: Outcome = DISTANT_RUN,
        journal: Journal | None = None,
        policy: WatchPolicy | None = None,
        rng: random.Random | None = None,
        own_policy: tuple[tuple[str, timedelta], ...] = (),
    ) -> None:
        self.clock = clock
        self.zoho = ScriptedZoho(clock, {"acme": outcome})
        self.journal = journal or MemoryJournal()
        self.published: list[Snapshot] = []
        self.poller = Poller(
            build_snapshot(replace(make_org(), policy_overrides=own_policy), next_poll=clock.now()),
            self.zoho.open_poll(make_org()),
            policy or WatchPolicy(),
            self.journal,
            clock,
            self.published.append,
            rng or FixedRng(),
        )

    def set_answer(self, outcome: Outcome) -> None:
        self.zoho.outcomes["acme"] = outcome

    def hold_answers(self) -> asyncio.Event:
        """Make answers wait for the returned event."""
        self.zoho.gates["acme"] = gate = asyncio.Event()
        return gate

    @property
    def poll_count(self) -> int:
        return len(self.zoho.polls)

    @property
    def snapshot(self) -> Snapshot:
        return self.poller.snapshot

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.poller.run())
        await run_until_idle()
        try:
            yield
        finally:
            self.poller.stop()
            for gate in self.zoho.gates.values():
                gate.set()
            await task


def intervals(times: list[datetime]) -> list[timedelta]:
    return [later - sooner for sooner, later in pairwise(times)]
