"""The clock that the watch runs by; tests put in one of their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Time, and waiting for it."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds that stand still while the machine sleeps and never jump."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Until `event` is set, or until `seconds` have passed (None: only the event counts)."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        # A timer that sets the event: no task is made, and nothing is cancelled from outside.
        timer = None if seconds is None else loop.call_later(max(seconds, 0), event.set)
        try:
            await event.wait()
        finally:
            if timer is not None:
                timer.cancel()
