"""A clock that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import count

START = datetime(2026, 11, 23, 11, 20, tzinfo=UTC)
_MOST_TURNS = 100_000
_IDLE_TURNS = 3
"""Turns of the loop with nothing to run; data from a connection within this process may take one turn."""


class FakeClock:
    """`zbtui.clock.Clock`, moved by `advance`."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._monotonic = 0.0
        self._alarms: list[tuple[float, int, asyncio.Event]] = []
        self._awaited: set[int] = set()
        """Serial numbers of the alarms that a task waits for."""
        self._serial = count()

    def now(self) -> datetime:
        # Computed from the monotonic time, so that rounding never separates the two.
        return self._start + timedelta(seconds=self._monotonic)

    def monotonic(self) -> float:
        return self._monotonic

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        serial = next(self._serial)
        if seconds is not None:
            heapq.heappush(self._alarms, (self._monotonic + max(seconds, 0), serial, event))
            self._awaited.add(serial)
        try:
            await event.wait()
        finally:
            self._awaited.discard(serial)  # a task woken earlier is not woken again by this alarm

    async def advance(self, span: timedelta | float) -> None:
        """Let `span` (or so many seconds) pass; waiting tasks wake at their moments, in order."""
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        end = self._monotonic + seconds
        await run_until_idle()
        while self._alarms and self._alarms[0][0] <= end:
            due, serial, event = heapq.heappop(self._alarms)
            if serial not in self._awaited:
                continue
            self._move(max(due - self._monotonic, 0))
            event.set()
            await run_until_idle()
        self._move(end - self._monotonic)
        await run_until_idle()

    def jump_wall_clock(self, span: timedelta) -> None:
        """Move the wall clock alone, as when the machine slept."""
        self._start += span

    def _move(self, seconds: float) -> None:
        self._monotonic += seconds


async def run_until_idle() -> None:
    """Let everything that is ready run, until it waits for the clock or for something outside.

    Raises:
        AssertionError: the loop never becomes idle.
    """
    idle = 0
    for _ in range(_MOST_TURNS):
        await asyncio.sleep(0)
        idle = 0 if ready_callbacks() else idle + 1
        if idle == _IDLE_TURNS:
            return
    raise AssertionError("it never comes to rest")


def ready_callbacks() -> deque[object]:
    """The callbacks that the loop runs next; each turn begins with adding those of outside events."""
    found: deque[object] = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    return found
