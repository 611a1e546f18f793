"""The clock of the watch, which tests replace, and a signal that ends waits early."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """The current time, and waits."""

    def now(self) -> datetime:
        """The wall-clock time, in UTC."""

    def monotonic(self) -> float:
        """Seconds of a clock that never jumps and stops while the machine sleeps."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait until `event` is set or `seconds` have passed (None: no time limit)."""


CLOCK_JUMP_SECONDS: Final = 30.0
"""If the drift changes by more than this, the machine slept or the clock was set."""


def clock_drift(clock: Clock) -> float:
    """Wall-clock time minus monotonic time, in seconds; changes only if the wall clock jumps."""
    return clock.now().timestamp() - clock.monotonic()


def follow_time_zone() -> bool:
    """Apply the system's current time zone to this process; returns whether it has changed."""
    before = time.tzname, time.timezone, time.altzone
    if sys.platform != "win32":
        time.tzset()
    return (time.tzname, time.timezone, time.altzone) != before


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        loop = asyncio.get_running_loop()
        # A timer sets the event, so that no task needs to be cancelled from outside.
        timer = None if seconds is None else loop.call_later(max(seconds, 0), event.set)
        try:
            await event.wait()
        finally:
            if timer is not None:
                timer.cancel()


class StoppedError(Exception):
    """The wait was ended by a stop request."""


class StopSignal:
    """Ends waits early. A request in progress is not cancelled: it ends by its own time limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake = asyncio.Event()
        self.is_requested = False

    def request(self) -> None:
        """Stop the current wait and all later ones."""
        self.is_requested = True
        self._wake.set()

    def wake(self) -> None:
        """End the current wait without a stop."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Wait until `seconds` have passed or `wake` is called. Raises `StoppedError` on `request`."""
        self.raise_if_requested()
        await self._clock.wait(self._wake, seconds)
        self._wake.clear()
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raise `StoppedError` if `request` was called."""
        if self.is_requested:
            raise StoppedError
