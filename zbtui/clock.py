"""The clock that the watch runs by, and how a wait is ended early; tests put in a clock of their own."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """Time, and waiting for it."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""

    def monotonic(self) -> float:
        """Seconds that stand still while the machine sleeps and never jump."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Until `event` is set, or until `seconds` have passed (None: only the event counts)."""


CLOCK_JUMP_SECONDS: Final = 30.0
"""Wall and monotonic clock apart by more than this: the machine slept, or the clock was set."""


def clock_drift(clock: Clock) -> float:
    """How far the wall clock is from the monotonic one, in seconds: it changes only where one jumps."""
    return clock.now().timestamp() - clock.monotonic()


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


class StoppedError(Exception):
    """What was waited for is no longer wanted."""


class StopSignal:
    """Ends somebody's waits; a request under way is never cancelled, it ends by its own limits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake = asyncio.Event()
        self.is_requested = False

    def request(self) -> None:
        """From now on whoever waits here is stopped."""
        self.is_requested = True
        self._wake.set()

    def wake(self) -> None:
        """End the wait under way, for there is something to see."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Until `seconds` have passed, or `wake` is called.

        Raises:
            StoppedError: `request` was called, before or meanwhile.
        """
        self.raise_if_requested()
        await self._clock.wait(self._wake, seconds)
        self._wake.clear()
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raises:
        StoppedError: `request` was called.
        """
        if self.is_requested:
            raise StoppedError
