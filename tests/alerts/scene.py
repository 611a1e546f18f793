"""One process that watches orgs and tells of them, by a clock that stands still."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from tests.alerts.build import org
from tests.core.build import DAY, OFFLINE, SIGNED_OUT, backup
from tests.support.clock import FakeClock
from tests.support.faulty import Answer, Faulty, sends
from tests.support.notebook import Notebook
from zbtui.alerts.desk import AlertDesk
from zbtui.clock import Clock
from zbtui.core.alert import Alert
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.org import Policy
from zbtui.core.snapshot import Looked, Snapshot, failed, succeeded
from zbtui.core.verdict_cache import VerdictCache
from zbtui.store.alerts import KeptAlert
from zbtui.store.journal import Journal
from zbtui.zoho.http import Http

State = Literal["well", "failed", "out", "signed_out"]
"""What a look shows: a run ahead, a failed run, no network, or a dead sign-in."""
DESKTOP = AlertSettings(desktop="osc9")


class Scene:
    """What the process knows, and its desk; `shown` is what it shows on the desktop."""

    def __init__(
        self,
        settings: AlertSettings = DESKTOP,
        journal: Journal | None = None,
        clock: Clock | None = None,
        http: Http | None = None,
        *,
        whole: bool = True,
    ) -> None:
        self.whole = whole
        self.clock = clock or FakeClock()
        self.journal = journal or Notebook()
        self.http = http or Http()
        self.desk = AlertDesk(self.journal, self.http, self.clock, settings)
        self.policy, self.verdicts = Policy(), VerdictCache()
        self.known: dict[str, Snapshot] = {}
        self.shown: list[Alert] = []

    async def see(self, **looks: State) -> list[tuple[str, str]]:
        """Orgs are looked at, now; what is told because of them: kind and org."""
        for name, state in looks.items():
            self.known[name] = self._look(self.known.get(name) or Snapshot(org(name)), state)
        return kinds(await self.consider())

    async def see_all(self, names: Iterable[str], state: State) -> list[tuple[str, str]]:
        return await self.see(**dict.fromkeys(names, state))

    async def consider(self) -> tuple[KeptAlert, ...]:
        known = list(self.known.values())
        return await self.desk.consider(known, self.policy, self.verdicts, whole=self.whole)

    def _look(self, before: Snapshot, state: State) -> Snapshot:
        now = self.clock.now()
        if state in ("out", "signed_out"):
            return failed(before, OFFLINE if state == "out" else SIGNED_OUT, now)
        job = backup("SCHEDULED", now + DAY) if state == "well" else backup("FAILED")
        return succeeded(before, Looked(job, now), now)

    async def tell(self, *names: str) -> tuple[KeptAlert, ...]:
        """Have an alarm kept for each of these, a second apart."""
        told: tuple[KeptAlert, ...] = ()
        for name in names:
            await self.pass_(1)
            self.known[name] = self._look(Snapshot(org(name)), "failed")
            told += await self.consider()
        assert kinds(told) == [("alarm", name) for name in names]
        return told

    async def deliver(self) -> None:
        await self.desk.deliver({"desktop": self.shown.append})

    async def pass_(self, span: timedelta | float) -> None:
        """Let time go by."""
        assert isinstance(self.clock, FakeClock)
        await self.clock.advance(span)

    def jump(self, span: timedelta) -> None:
        """Set the clock, or let time go by that nobody waits through."""
        assert isinstance(self.clock, FakeClock)
        self.clock.jump(span)


def kinds(told: Iterable[KeptAlert]) -> list[tuple[str, str]]:
    return [(kept.alert.kind, kept.alert.org) for kept in told]


def in_turn(*answers: bytes) -> Answer:
    """One after the other, the last one again and again."""
    queue = list(answers)

    async def answer(writer: Any) -> None:
        await sends(queue.pop(0) if len(queue) > 1 else queue[0])(writer)

    return answer


def posted(server: Faulty) -> list[tuple[int, str]]:
    """What a webhook was told, in order: id and org of each alert."""
    bodies = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in server.heard]
    return [(body["id"], body["org"]) for body in bodies]
