"""One process that polls orgs and sends alerts, on a fake clock."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from tests.alerts.sample_alerts import make_org
from tests.support.fake_clock import FakeClock
from tests.support.faulty_server import FaultyServer, Responder, send_bytes
from tests.support.memory_journal import MemoryJournal
from tests.support.samples import DAY, OFFLINE, SIGNED_OUT, make_backup
from tests.support.snapshots import good_observation
from zbtui.alerts.dispatcher import AlertDispatcher
from zbtui.clock import Clock
from zbtui.config.config_store import ConfigStore
from zbtui.health.alert_policy import Alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
from zbtui.store.outbox import StoredAlert
from zbtui.zoho.http import HttpClient

PollResult = Literal["well", "failed", "out", "signed_out"]
"""What a poll shows: a run ahead, a failed run, no network, or a dead sign-in."""
DESKTOP_SETTINGS = AlertSettings(desktop="osc9")


class AlertingProcess:
    """Snapshots and an alert dispatcher; `desktop_alerts` are the alerts shown on the desktop."""

    def __init__(
        self,
        settings: AlertSettings = DESKTOP_SETTINGS,
        journal: Journal | None = None,
        clock: Clock | None = None,
        http: HttpClient | None = None,
        *,
        whole: bool = True,
        config: ConfigStore | None = None,
    ) -> None:
        self.covers_all_orgs = whole
        self.clock = clock or FakeClock()
        self.journal = journal or MemoryJournal()
        self.http = http or HttpClient()
        self.dispatcher = AlertDispatcher(self.journal, self.http, self.clock, settings, config)
        self.policy, self.verdicts = WatchPolicy(max_age=timedelta(days=4000)), VerdictCache()
        self.snapshots: dict[str, Snapshot] = {}
        self.desktop_alerts: list[Alert] = []

    async def poll(self, **states: PollResult) -> list[tuple[str, str]]:
        """Poll orgs now; return kind and org of each new alert."""
        for name, state in states.items():
            self.snapshots[name] = self._poll_result(
                self.snapshots.get(name) or Snapshot(make_org(name)), state
            )
        return kinds_and_orgs(await self.evaluate())

    async def poll_all(self, names: Iterable[str], state: PollResult) -> list[tuple[str, str]]:
        return await self.poll(**dict.fromkeys(names, state))

    async def evaluate(self) -> tuple[StoredAlert, ...]:
        known = list(self.snapshots.values())
        return await self.dispatcher.evaluate(
            known, self.policy, self.verdicts, covers_all_orgs=self.covers_all_orgs
        )

    def _poll_result(self, before: Snapshot, state: PollResult) -> Snapshot:
        now = self.clock.now()
        if state in ("out", "signed_out"):
            return apply_failure(before, OFFLINE if state == "out" else SIGNED_OUT, now)
        job = make_backup("SCHEDULED", now + DAY) if state == "well" else make_backup("FAILED")
        return apply_observation(before, good_observation(job, server_time=now), now)

    async def raise_alarms(self, *names: str) -> tuple[StoredAlert, ...]:
        """Store an alarm for each org, one second apart."""
        alarms: tuple[StoredAlert, ...] = ()
        for name in names:
            await self.advance(1)
            self.snapshots[name] = self._poll_result(Snapshot(make_org(name)), "failed")
            alarms += await self.evaluate()
        assert kinds_and_orgs(alarms) == [("alarm", name) for name in names]
        return alarms

    async def deliver(self) -> None:
        await self.dispatcher.deliver({"desktop": self.desktop_alerts.append})

    async def advance(self, span: timedelta | float) -> None:
        """Move the clock by this span."""
        assert isinstance(self.clock, FakeClock)
        await self.clock.advance(span)

    def jump_wall_clock(self, span: timedelta) -> None:
        """Move the wall clock but not the monotonic one, as when the machine slept."""
        assert isinstance(self.clock, FakeClock)
        self.clock.jump_wall_clock(span)


def kinds_and_orgs(alerts: Iterable[StoredAlert]) -> list[tuple[str, str]]:
    return [(kept.alert.kind, kept.alert.org) for kept in alerts]


def respond_in_turn(*answers: bytes) -> Responder:
    """A responder that gives these answers in turn and repeats the last one."""
    queue = list(answers)

    async def answer(writer: Any) -> None:
        await send_bytes(queue.pop(0) if len(queue) > 1 else queue[0])(writer)

    return answer


def posted_alerts(server: FaultyServer) -> list[tuple[str, str]]:
    """Id and org of the alerts that a webhook got, in order."""
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.requests]
    return [(body["id"], body["org"]) for body in bodies]
