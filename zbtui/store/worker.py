"""Blocking calls off the event loop, in daemon threads: one that hangs does not delay the exit."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_CHECK_EVERY_SECONDS: Final = 0.25


class WorkerTimeoutError(Exception):
    """The call at the head of the queue has gone on for longer than its limit."""


class WorkerThread:
    """Makes calls in a thread of its own. A call that hangs for ever does not delay the exit.

    A daemon thread rather than an executor: Python waits for an executor's threads when it exits.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None

    async def call(self, function: Callable[[], T], timeout: float | None = None) -> T:
        """What `function` returns or raises.

        Args:
            limit: seconds that one call may take; waiting for those ahead in the queue is not counted.

        Raises:
            WorkerStuckError: this call, or the one ahead that it waits for, went over the limit.
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: Future[T] = Future()
        self._calls.put((function, future))
        outcome = asyncio.wrap_future(future)
        while not (await asyncio.wait({outcome}, timeout=timeout and _CHECK_EVERY_SECONDS))[0]:
            began = self._busy_since
            if timeout is not None and began is not None and time.monotonic() - began > timeout:
                # Not to be made any more, if it still stands in the queue; and if it is under way,
                # whatever becomes of it is of no interest any more.
                outcome.cancel()
                raise WorkerTimeoutError
        return outcome.result()

    def extend_timeout(self, seconds: float) -> None:
        """For the call under way, in the thread: its limit counts from so many seconds ahead."""
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
            except BaseException as error:  # handed to who waits for it
                self._busy_since = None
                future.set_exception(error)
            else:
                self._busy_since = None
                future.set_result(result)
            del function, future, result  # a result may hold a secret


def run_event_loop(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, but what asyncio itself does in threads does not delay the exit.

    A name is looked up in one, and the system may take minutes to find out that nobody answers.
    """
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_DaemonThreadExecutor())
        return runner.run(main)


class _DaemonThreadExecutor(ThreadPoolExecutor):
    """A daemon thread for each call; their number is bound by who asks, 16 requests at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # it begins at once: nothing is left to call off

        def call() -> None:
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # handed to who waits for it
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=call, daemon=True).start()
        return future
