"""This machine's clock: what may be said of it without measuring how long anything takes."""

from __future__ import annotations

import asyncio
from datetime import UTC

import pytest

from zbtui.watch.clock import SystemClock


def test_the_wall_clock_is_in_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_the_monotonic_clock_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(1000)]
    assert readings == sorted(readings)


@pytest.mark.parametrize("seconds", [0.001, 0, -5])
async def test_a_wait_ends_by_itself(seconds: float) -> None:
    event = asyncio.Event()
    await SystemClock().wait(event, seconds)
    assert event.is_set()


@pytest.mark.parametrize("seconds", [None, 3600])
async def test_a_wait_ends_when_it_is_woken(seconds: float | None) -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(SystemClock().wait(event, seconds))
    await asyncio.sleep(0)
    assert not waiting.done()
    event.set()
    await waiting


async def test_an_event_that_is_set_already_is_not_waited_for() -> None:
    event = asyncio.Event()
    event.set()
    await SystemClock().wait(event, None)


async def test_a_wait_that_was_woken_sets_nothing_later() -> None:
    """Else the poller's next wait would end before its time."""
    event = asyncio.Event()
    event.set()
    await SystemClock().wait(event, 0.01)
    event.clear()
    await asyncio.sleep(0.03)
    assert not event.is_set()


async def test_a_wait_that_was_cancelled_sets_nothing_later() -> None:
    event = asyncio.Event()
    waiting = asyncio.create_task(SystemClock().wait(event, 0.01))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.03)
    assert not event.is_set()
