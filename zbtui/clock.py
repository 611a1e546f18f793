"""The clock that the watch uses, which tests replace, and a signal that ends waits early."""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Final, Protocol


class Clock(Protocol):
    """The interface of a clock, which gives the current time and waits."""

    def now(self) -> datetime:
        """Return the wall-clock time, in UTC."""

    def monotonic(self) -> float:
        """Return a time in seconds that never jumps, and that does not advance while the machine sleeps."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        """Wait until `event` is set or `seconds` have passed; None means that there is no time limit."""


CLOCK_JUMP_SECONDS: Final = 30.0
"""A change of `clock_drift` by more than these seconds is taken as a sleep of the machine or a change of
its wall clock."""


def clock_drift(clock: Clock) -> float:
    """Return wall-clock time minus monotonic time, in seconds; it changes only if the wall clock jumps."""
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
    """Raised by a `StopSignal` once a stop was requested."""


class StopSignal:
    """Ends waits early. An HTTP request in progress is not cancelled, but ends by its own time limit."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wake = asyncio.Event()
        self.is_requested = False

    def request(self) -> None:
        """Request a stop: the current wait and all later ones raise `StoppedError`."""
        self.is_requested = True
        self._wake.set()

    def wake(self) -> None:
        """End the current wait early, without a stop."""
        self._wake.set()

    async def wait(self, seconds: float) -> None:
        """Wait until `seconds` have passed or `wake` is called.

        Raises `StoppedError` if a stop was requested before or is requested during the wait.
        """
        self.raise_if_requested()
        await self._clock.wait(self._wake, seconds)
        self._wake.clear()
        self.raise_if_requested()

    def raise_if_requested(self) -> None:
        """Raise `StoppedError` if `request` was called."""
        if self.is_requested:
            raise StoppedError
