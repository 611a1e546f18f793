"""A time limit for a whole command, which ends the process even if something hangs."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def ending_within(seconds: float, finish: Callable[[], int]) -> Iterator[None]:
    """Limit the time of the block: after `seconds`, call `finish` and exit with the status it returns.

    `finish` runs in another thread. Nothing is cancelled: a request, a keyring or a disk that hangs is
    abandoned.
    """

    def end() -> None:
        status = 3
        try:
            status = finish()
        finally:
            os._exit(status)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    with suppress(RuntimeError):  # no thread can be started: the limits within the block still hold
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
