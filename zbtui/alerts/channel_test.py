"""Sends one test alert through each configured channel, and returns the receivers' answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from zbtui.alerts.command import run_command
from zbtui.alerts.webhook import post_alert
from zbtui.clock import Clock
from zbtui.health.alert import ALL_ORGS, Alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.verdict import Level
from zbtui.store.outbox import StoredAlert
from zbtui.store.outbox_tables import number_at
from zbtui.zoho.http import HttpClient

_HEADLINE: Final = "this is only a test; whoever reads it would be told of a failed backup, too"


@dataclass(frozen=True, slots=True)
class ChannelAnswer:
    """The result of sending the test alert through one channel."""

    channel: str
    answer: str | Problem
    """The receiver's answer, or the problem if the delivery failed."""

    @property
    def text(self) -> str:
        if isinstance(self.answer, Problem):
            return f"✖ {self.answer.message} {self.answer.hint}"
        return f"✔ {self.answer}"


async def send_test_alert(settings: AlertSettings, http: HttpClient, clock: Clock) -> list[ChannelAnswer]:
    """Send one test alert to the configured command and webhook, and return their answers.

    The result is empty if neither is configured. The alert has the level critical, so that no receiver
    drops it. It is not stored, and a failed delivery is not tried again.
    """
    alert = Alert(clock.now(), "test", ALL_ORGS, None, "test", Level.CRITICAL, _HEADLINE, None)
    stored = StoredAlert(str(uuid4()), number_at(alert.at), alert)
    sent: dict[str, Awaitable[str]] = {}
    if settings.on_change:
        sent["command"] = run_command(settings.on_change, stored, clock)
    if settings.webhook:
        sent["webhook"] = post_alert(http, settings.webhook, stored, clock.now())
    answers = await asyncio.gather(*map(_answer_or_problem, sent.values()))
    return [ChannelAnswer(channel, answer) for channel, answer in zip(sent, answers, strict=True)]


def answers_as_json(answers: Sequence[ChannelAnswer]) -> str:
    """Return the answers as the text of a JSON object; `hint` is null for a delivered alert."""
    channels = [
        {
            "channel": result.channel,
            "delivered": not isinstance(result.answer, Problem),
            "answer": result.answer.message if isinstance(result.answer, Problem) else result.answer,
            "hint": result.answer.hint if isinstance(result.answer, Problem) else None,
        }
        for result in answers
    ]
    return json.dumps({"schema": 1, "channels": channels}, indent=2)


async def _answer_or_problem(sending: Awaitable[str]) -> str | Problem:
    try:
        return await sending
    except ProblemError as error:
        return error.problem
