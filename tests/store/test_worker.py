"""The worker thread, which makes blocking calls."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from zbtui.store import worker as worker_module
from zbtui.store.worker import ThreadStartError, WorkerThread, WorkerTimeoutError, run_event_loop


class Stopwatch:
    """The worker's clock; the test moves it."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def stopwatch(monkeypatch: pytest.MonkeyPatch) -> Stopwatch:
    watch = Stopwatch()
    monkeypatch.setattr(worker_module, "time", watch)
    monkeypatch.setattr(worker_module, "_CHECK_EVERY_SECONDS", 0.001)
    return watch


async def is_done_soon(task: asyncio.Task[Any]) -> bool:
    """Whether a call has ended once the worker has had time to check the limit."""
    await asyncio.wait({task}, timeout=0.02)
    return task.done()


def blocked(release: threading.Event, result: object = None) -> Callable[[], object]:
    def wait() -> object:
        assert release.wait(10)
        return result

    return wait


async def start_call(
    worker: WorkerThread, function: Callable[[], Any], limit: float | None = None
) -> asyncio.Task[Any]:
    """Start a call, and wait until the thread runs it."""
    inside = threading.Event()

    def call() -> Any:
        inside.set()
        return function()

    task = asyncio.create_task(worker.call(call, limit))
    await asyncio.to_thread(inside.wait, 10)
    return task


async def test_a_call_gives_what_it_returns() -> None:
    assert await WorkerThread("test").call(lambda: 7) == 7


async def test_a_call_raises_what_it_raises_and_the_next_is_made_all_the_same() -> None:
    worker = WorkerThread("test")
    with pytest.raises(ZeroDivisionError):
        await worker.call(lambda: 1 // 0)
    assert await worker.call(lambda: 7) == 7


async def test_calls_are_made_in_one_other_thread_in_order() -> None:
    worker, seen = WorkerThread("a-name"), list[tuple[int, str]]()

    def note(number: int) -> None:
        seen.append((number, threading.current_thread().name))

    await asyncio.gather(*(worker.call(partial(note, number)) for number in range(20)))
    assert seen == [(number, "a-name") for number in range(20)]


async def test_no_two_calls_overlap() -> None:
    worker, release = WorkerThread("test"), threading.Event()
    first = await start_call(worker, blocked(release))
    second = asyncio.create_task(worker.call(lambda: release.is_set()))
    await asyncio.sleep(0)
    release.set()
    assert await second
    await first


async def test_the_event_loop_goes_on_while_a_call_is_made() -> None:
    worker, release = WorkerThread("test"), threading.Event()
    task = await start_call(worker, blocked(release, 7), limit=10)
    assert not task.done()
    release.set()
    assert await task == 7


async def test_a_call_over_its_limit_is_stuck_and_so_are_those_behind_it(stopwatch: Stopwatch) -> None:
    worker, release, made = WorkerThread("test"), threading.Event(), list[str]()
    first = await start_call(worker, blocked(release), limit=3)
    second = asyncio.create_task(worker.call(lambda: made.append("second"), timeout=3))
    stopwatch.seconds += 3
    assert not await is_done_soon(first)
    stopwatch.seconds += 0.1
    for task in (first, second):
        with pytest.raises(WorkerTimeoutError):
            await task
    release.set()
    assert await worker.call(lambda: "third") == "third"
    assert made == [], "what was given up is not made later"


async def test_a_call_that_comes_while_another_is_stuck_is_shown_at_once(stopwatch: Stopwatch) -> None:
    worker, release = WorkerThread("test"), threading.Event()
    first = await start_call(worker, blocked(release))
    stopwatch.seconds += 4
    with pytest.raises(WorkerTimeoutError):
        await worker.call(lambda: None, timeout=3)
    release.set()
    await first


async def test_without_a_limit_a_call_may_take_as_long_as_it_likes(stopwatch: Stopwatch) -> None:
    worker, release = WorkerThread("test"), threading.Event()
    task = await start_call(worker, blocked(release, 7))
    stopwatch.seconds += 3600
    assert not await is_done_soon(task)
    release.set()
    assert await task == 7


async def test_the_wait_for_those_ahead_is_not_counted(stopwatch: Stopwatch) -> None:
    worker, gates = WorkerThread("test"), [threading.Event() for _ in range(4)]
    calls = [await start_call(worker, blocked(gates[0], 7), limit=3)]
    calls += [asyncio.create_task(worker.call(blocked(gate, 7), timeout=3)) for gate in gates[1:]]
    for gate, call in zip(gates, calls, strict=True):
        stopwatch.seconds += 2  # over the limit in sum, each call below it
        assert not await is_done_soon(call)
        gate.set()
        assert await call == 7


async def test_an_error_of_a_call_that_was_given_up_is_not_printed(stopwatch: Stopwatch) -> None:
    """Else garbage collection would print the error on the terminal, in the middle of the screen."""
    complaints: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    worker, release = WorkerThread("test"), threading.Event()

    def fail() -> None:
        release.wait(10)
        raise ValueError("too late")

    task = await start_call(worker, fail, limit=3)
    stopwatch.seconds += 4
    with pytest.raises(WorkerTimeoutError):
        await task
    del task
    release.set()
    await worker.call(lambda: None)
    await asyncio.sleep(0)
    gc.collect()
    assert complaints == []


async def test_a_result_is_not_kept_by_the_thread_for_it_may_be_a_secret() -> None:
    class Result:
        pass

    worker = WorkerThread("test")
    seen = weakref.ref(await worker.call(Result))
    assert await worker.call(lambda: (gc.collect(), seen())[1]) is None


class TaskLimit:
    """A limit of the machine: while `is_reached`, no thread can start."""

    is_reached = True

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        start = threading.Thread.start

        def start_or_refuse(thread: threading.Thread) -> None:
            if self.is_reached:
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", start_or_refuse)


async def test_where_no_thread_can_be_started_nobody_waits_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, worker = TaskLimit(monkeypatch), WorkerThread("a-name")
    for _ in range(2):
        with pytest.raises(ThreadStartError, match="no more threads"):
            await worker.call(lambda: 7, timeout=3)
        assert await worker.call(lambda: 7) == 7
    limit.is_reached = False
    assert (await worker.call(threading.current_thread)).name == "a-name"


def test_what_asyncio_can_start_no_thread_for_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        with pytest.raises(ThreadStartError):
            await asyncio.to_thread(lambda: 7)

    with monkeypatch.context() as patch:
        TaskLimit(patch)
        run_event_loop(main())


def test_a_call_that_hangs_for_ever_does_not_delay_the_exit() -> None:
    code = """
import asyncio, threading
from zbtui.store.worker import ThreadStartError, WorkerThread, WorkerTimeoutError
try:
    asyncio.run(WorkerThread("test").call(threading.Event().wait, timeout=0.01))
except WorkerTimeoutError:
    print("stuck")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=20, check=True)
    assert (done.stdout, done.stderr) == (b"stuck\n", b"")


# What asyncio itself does in threads


def test_what_asyncio_does_in_a_thread_gives_what_it_returns_and_raises_what_it_raises() -> None:
    async def main() -> bool:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        return (await asyncio.to_thread(threading.current_thread)).daemon

    assert run_event_loop(main())


def test_a_thread_that_is_no_longer_waited_for_ends_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread resolves a host name for a request that was given up."""
    complaints: list[object] = []
    monkeypatch.setattr(threading, "excepthook", complaints.append)
    inside, release, threads = threading.Event(), threading.Event(), list[threading.Thread]()

    def resolve() -> None:
        threads.append(threading.current_thread())
        inside.set()
        release.wait(10)

    async def main() -> None:
        resolving = asyncio.create_task(asyncio.to_thread(resolve))
        await asyncio.to_thread(inside.wait, 10)
        resolving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await resolving

    run_event_loop(main())
    release.set()
    threads[0].join(10)
    assert not threads[0].is_alive()
    assert complaints == []
