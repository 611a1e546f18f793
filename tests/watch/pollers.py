"""A poller of one org, and what it was told and told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from tests.support.build import build_snapshot, make_backup, make_org
from tests.support.clock import START, FakeClock, settle
from tests.support.notebook import Notebook
from tests.watch.scene import EvenLuck, Outcome, Scripted
from zbtui.core.org import Policy
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.store.journal import Journal
from zbtui.watch.poller import Poller

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAR = Looked(make_backup(scheduled_date=(START + 30 * DAY).isoformat()))


class Watch:
    """A poller of one org, what it was told, and what it told."""

    def __init__(
        self,
        clock: FakeClock,
        outcome: Outcome = FAR,
        journal: Journal | None = None,
        policy: Policy | None = None,
        luck: random.Random | None = None,
        own_policy: tuple[tuple[str, timedelta], ...] = (),
    ) -> None:
        self.clock = clock
        self.zoho = Scripted(clock, {"acme": outcome})
        self.journal = journal or Notebook()
        self.published: list[Snapshot] = []
        self.poller = Poller(
            build_snapshot(replace(make_org(), own_policy=own_policy), next_poll=clock.now()),
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


def gaps(times: list[datetime]) -> list[timedelta]:
    return [later - sooner for sooner, later in pairwise(times)]
