"""This machine's clock, without measured times; and ending a wait early."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.fake_clock import FakeClock, run_until_idle
from zbtui.clock import StoppedError, StopSignal, SystemClock, follow_time_zone


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
    """An event that is set late would end the poller's next wait early."""
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


# How a wait is ended early


async def waiting(stop: StopSignal, seconds: float = 30) -> asyncio.Task[None]:
    """A task that waits."""
    task = asyncio.create_task(stop.wait(seconds))
    await run_until_idle()
    assert not task.done()
    return task


async def test_a_wait_lasts_its_full_time(clock: FakeClock) -> None:
    task = await waiting(StopSignal(clock))
    await clock.advance(29)
    assert not task.done()
    await clock.advance(1)
    await task


async def test_a_stop_ends_a_wait_at_once(clock: FakeClock) -> None:
    stop = StopSignal(clock)
    task = await waiting(stop)
    stop.request()
    with pytest.raises(StoppedError):
        await task
    assert clock.monotonic() == 0


@pytest.mark.parametrize("seconds", [0, 30])
async def test_a_wait_after_the_stop_ends_at_once(seconds: float, clock: FakeClock) -> None:
    stop = StopSignal(clock)
    stop.request()
    for _ in range(2):
        with pytest.raises(StoppedError):
            await stop.wait(seconds)
        with pytest.raises(StoppedError):
            stop.raise_if_requested()


def test_nobody_is_stopped_unless_it_was_asked_for(clock: FakeClock) -> None:
    stop = StopSignal(clock)
    stop.raise_if_requested()
    assert not stop.is_requested
    stop.request()
    assert stop.is_requested


async def test_a_wait_may_be_ended_without_a_stop_and_the_next_one_lasts_again(clock: FakeClock) -> None:
    stop = StopSignal(clock)
    first = await waiting(stop)
    await clock.advance(10)
    stop.wake()
    await first
    second = await waiting(stop)
    await clock.advance(29)
    assert not second.done()
    await clock.advance(1)
    await second


async def test_a_wake_up_before_a_wait_ends_it_at_once(clock: FakeClock) -> None:
    """A wake-up between the last check and the wait is not lost."""
    stop = StopSignal(clock)
    stop.wake()
    await stop.wait(30)
    assert clock.monotonic() == 0


@pytest.mark.parametrize("order", [("wake", "request"), ("request", "wake")])
async def test_a_stop_counts_more_than_being_woken(order: tuple[str, str], clock: FakeClock) -> None:
    stop = StopSignal(clock)
    acts: dict[str, Callable[[], None]] = {"wake": stop.wake, "request": stop.request}
    task = await waiting(stop)
    for act in order:
        acts[act]()
    with pytest.raises(StoppedError):
        await task


async def test_a_stop_that_comes_as_the_wait_ends_is_not_missed(clock: FakeClock) -> None:
    stop = StopSignal(clock)
    task = await waiting(stop, 0.5)
    stop.request()
    await clock.advance(1)
    with pytest.raises(StoppedError):
        await task


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such call")
def test_a_change_of_the_systems_time_zone_is_taken_up(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    zones = {"UTC": (0, True), "Asia/Kolkata": (5.5, True), "Asia/Calcutta": (5.5, False)}
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/New_York")
        follow_time_zone()
        for zone, (hours, is_other) in zones.items():
            patch.setenv("TZ", zone)
            assert follow_time_zone() is is_other
            assert not follow_time_zone()
            assert moment.astimezone().utcoffset() == timedelta(hours=hours)
    time.tzset()
