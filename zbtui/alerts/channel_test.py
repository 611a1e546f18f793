"""One test alert through each configured channel, and what its receiver answers."""

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
    """What came of the test alert on one channel."""

    channel: str
    answer: str | Problem
    """What the receiver said, or why it was not told."""

    @property
    def text(self) -> str:
        if isinstance(self.answer, Problem):
            return f"✖ {self.answer.message} {self.answer.hint}"
        return f"✔ {self.answer}"


async def send_test_alert(settings: AlertSettings, http: HttpClient, clock: Clock) -> list[ChannelAnswer]:
    """Send it to command and webhook, once; as bad as an alert can be, so that no receiver drops it.

    Nothing is stored, and nothing is tried again. Empty: neither is configured.
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
    """A JSON object; `hint` is null for what was delivered."""
    channels = [
        {
            "channel": one.channel,
            "delivered": not isinstance(one.answer, Problem),
            "answer": one.answer.message if isinstance(one.answer, Problem) else one.answer,
            "hint": one.answer.hint if isinstance(one.answer, Problem) else None,
        }
        for one in answers
    ]
    return json.dumps({"schema": 1, "channels": channels}, indent=2)


async def _answer_or_problem(sending: Awaitable[str]) -> str | Problem:
    try:
        return await sending
    except ProblemError as error:
        return error.problem
