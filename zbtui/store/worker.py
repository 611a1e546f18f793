"""Runs blocking calls in daemon threads, so that a hanging call does not delay the program's exit."""

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
    """Raised if the call that a worker thread is running exceeds the caller's timeout."""


class ThreadStartError(OSError):
    """Raised if no further thread can be started, since the machine's limit of tasks is reached."""

    def __init__(self) -> None:
        super().__init__(errno.EAGAIN, "this machine starts no more threads")


class WorkerThread:
    """Runs calls one after another in its own daemon thread.

    It is not an executor of Python, since Python waits for the threads of executors when it exits.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None

    async def call(self, function: Callable[[], T], timeout: float | None = None) -> T:
        """Run `function` in the worker's thread, and return its result or raise its error.

        Raises `WorkerTimeoutError` if this call, or a call before it, runs for more than `timeout` seconds;
        the wait in the queue does not count. If no thread can be started, `ThreadStartError` is raised; if
        `timeout` is None, `function` runs in the caller's thread instead.
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
        """Whether the worker's thread is running a call."""
        return self._busy_since is not None

    def extend_timeout(self, seconds: float) -> None:
        """Let the timeout of the running call begin `seconds` from now.

        Call this method in the worker's thread, from the running call.
        """
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
    """Run a coroutine and return its result, as `asyncio.run` does, but do not wait for asyncio's threads.

    asyncio resolves host names in threads, which may take minutes and would delay the program's exit.
    """
    runner = asyncio.Runner()
    try:
        runner.get_loop().set_default_executor(_DaemonThreadExecutor())
        return runner.run(main)
    finally:
        # `close` starts a thread to wait for those of the executor. If that fails, all else is closed
        # already.
        with suppress(RuntimeError):
            runner.close()


class _DaemonThreadExecutor(ThreadPoolExecutor):
    """Runs each call in a new daemon thread, without a limit: zbtui makes at most 16 requests at once."""

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
    """Start a daemon thread. Raises `ThreadStartError` if no further thread can be started."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise ThreadStartError from None
    return thread
