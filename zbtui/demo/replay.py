"""Replays a capture: one org gives the captured answers, whose dates advance as time passes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zbtui.clock import Clock
from zbtui.demo.invented_orgs import InventedOrg, Phase
from zbtui.demo.responses import SimulatedResponse, http_date
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.doctor.capture import Capture, CapturedAnswer
from zbtui.zoho_api.data_centers import DATA_CENTERS

REPLAYED_ORG: Final = "replayed"
_REPLACED_HEADERS: Final = ("content-type", "date")
_OK: Final = 200


class ReplayClock:
    """A clock that begins at the newest `Date` header in a capture, and advances with another clock."""

    def __init__(self, capture: Capture, clock: Clock) -> None:
        self._clock = clock
        dates = [date for answer in capture.answers if (date := answer.date)]
        self._offset = max(dates) - clock.now() if dates else timedelta()

    def now(self) -> datetime:
        return self._clock.now() + self._offset

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await self._clock.wait(event, seconds)


def replaying_simulator(capture: Capture, clock: Clock) -> Simulator:
    """Build a simulator whose only watched org answers as in the capture; `clock` is a `ReplayClock`."""
    data_center = capture.data_center if capture.data_center in DATA_CENTERS else "us"
    org = InventedOrg(
        *(REPLAYED_ORG, "As captured", data_center, "A captured user", 800_001, timedelta(), "weekly"),
        time_to_first_run=timedelta(days=7),
        phases=(Phase("SCHEDULED", 60),),
    )
    world = SimulatedWorld(clock.now())
    world.orgs = {org.name: org}
    simulator = Simulator(world, clock.now)
    # If a call was repeated, its last answer counts.
    last = {(answer.call, answer.page): answer for answer in capture.answers}
    simulator.forced_answers[org.name] = _Replay(last, clock, clock.now()).answer
    return simulator


@dataclass(frozen=True, slots=True)
class _Replay:
    """Replays a capture; `answers` holds the captured answers by call and page number."""

    answers: Mapping[tuple[str, int], CapturedAnswer]
    clock: Clock
    began_at: datetime

    def answer(self, call: str, page: int) -> SimulatedResponse | None:
        """Return the captured answer to a call, with a `Date` that advances with the clock.

        Returns None if the simulator has to answer. Raises ConnectionResetError if the captured call got no
        answer.
        """
        answer = self.answers.get((call, page))
        if answer is None:
            return SimulatedResponse(204) if call == "history" and ("history", 1) in self.answers else None
        if call == "token" and _holds_token(answer):
            return None  # the captured token is only a stand-in
        if answer.status is None:
            raise ConnectionResetError
        headers = {name: text for name, text in answer.headers.items() if name not in _REPLACED_HEADERS}
        if answer.date:
            headers["Date"] = http_date(answer.date + (self.clock.now() - self.began_at))
        content_type = answer.headers.get("content-type", "application/json")
        return SimulatedResponse(answer.status, answer.body, content_type, headers)


def _holds_token(answer: CapturedAnswer) -> bool:
    if answer.status != _OK:
        return False
    try:
        return "access_token" in json.loads(answer.body)
    except (ValueError, TypeError):
        return False
