"""Run blocking calls in daemon threads, so that a call that hangs does not delay the exit."""

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
    """The call at the head of the queue exceeded its timeout."""


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
        """Run `function` in the thread; return or raise what it does.

        Raises `WorkerTimeoutError` if this call, or one ahead of it, takes more than `timeout` seconds,
        without its time in the queue. If no thread can be started, a call without a time limit is made
        here, and one with a limit raises `ThreadStartError`.
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
        """Restart the timeout of the running call after this many seconds; call in the thread."""
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
    """Like `asyncio.run`, but threads that asyncio starts itself do not delay the exit.

    asyncio resolves host names in such threads, which may take minutes.
    """
    runner = asyncio.Runner()
    try:
        runner.get_loop().set_default_executor(_DaemonThreadExecutor())
        return runner.run(main)
    finally:
        # asyncio starts one more thread to wait for those of its executor; all is closed if it cannot.
        with suppress(RuntimeError):
            runner.close()


class _DaemonThreadExecutor(ThreadPoolExecutor):
    """A daemon thread for each call; callers make at most 16 requests at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # it starts at once: it can no longer be cancelled

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
    """A daemon thread. Raises `ThreadStartError`."""
    thread = threading.Thread(target=run, name=name, daemon=True)
    try:
        thread.start()
    except RuntimeError:
        raise ThreadStartError from None
    return thread
