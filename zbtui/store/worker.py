"""Runs blocking calls in daemon threads, so that a hanging call does not delay the exit."""

from __future__ import annotations

import asyncio
import errno
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_CHECK_EVERY_SECONDS: Final = 0.25


class WorkerTimeoutError(Exception):
    """The running call exceeded the timeout."""


class ThreadStartError(OSError):
    """No further thread can be started: the limit of tasks is reached."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "this machine starts no more threads")


class WorkerThread:
    """Runs calls one after another in its own daemon thread.

    Not an executor: at exit, Python waits for the threads of an executor.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None

    async def call(self, function: Callable[[], T], timeout: float | None = None) -> T:
        """Run `function` in the thread; return its result or raise its error.

        Raises `WorkerTimeoutError` if this call, or one before it, runs for more than `timeout` seconds;
        the wait in the queue does not count. If no thread can be started, `ThreadStartError` is raised, or
        without a timeout, `function` runs in the caller's thread.
        """
        if self._thread is None:
            try:
                self._thread = _start_thread(self._run, self._name)
            except ThreadStartError:
                if timeout is not None:
                    raise
                return function()
        future: Future[T] = Future()
        self._calls.put((function, future))
        outcome = asyncio.wrap_future(future)
        while not (await asyncio.wait({outcome}, timeout=timeout and _CHECK_EVERY_SECONDS))[0]:
            began = self._busy_since
            if timeout is not None and began is not None and time.monotonic() - began > timeout:
                # A call that is still queued is skipped; the result of a running one is ignored.
                outcome.cancel()
                raise WorkerTimeoutError
        return outcome.result()

    @property
    def is_busy(self) -> bool:
        """Whether a call is running."""
        return self._busy_since is not None

    def extend_timeout(self, seconds: float) -> None:
        """Start the timeout of the running call `seconds` from now; call it in the thread."""
        self._busy_since = time.monotonic() + seconds

    def _run(self) -> None:
        while True:
            function, future = self._calls.get()
            if not future.set_running_or_notify_cancel():
                continue
            self._busy_since = time.monotonic()
            result = None
            try:
                result = function()
            except BaseException as error:  # passed on to the waiting caller
                self._busy_since = None
                future.set_exception(error)
            else:
                self._busy_since = None
                future.set_result(result)
            del function, future, result  # a result may hold a secret


def run_event_loop(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, but asyncio's own threads do not delay the exit.

    asyncio resolves host names in threads, which may take minutes.
    """
    runner = asyncio.Runner()
    try:
        runner.get_loop().set_default_executor(_DaemonThreadExecutor())
        return runner.run(main)
    finally:
        # asyncio starts a thread to wait for those of its executor. If it cannot, all else is closed
        # already.
        with suppress(RuntimeError):
            runner.close()


class _DaemonThreadExecutor(ThreadPoolExecutor):
    """Runs each call in a new daemon thread; callers make at most 16 requests at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # the call starts at once, and can no longer be cancelled

        def call() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # passed on to the waiting caller
                future.set_exception(error)
            else:
                future.set_result(result)

        _start_thread(call)
        return future


def _start_thread(run: Callable[[], None], name: str | None = None) -> threading.Thread:
    """Start a daemon thread. Raises `ThreadStartError`."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise ThreadStartError from None
    return thread
