"""How a watch without a screen is stopped from outside: by a signal, or by who reads it."""

from __future__ import annotations

import asyncio
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from zbtui.clock import StopSignal

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_signals(stop: StopSignal) -> Iterator[None]:
    """SIGINT and SIGTERM request a stop; the next one does what it always does. In a running loop."""
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None: not set by Python, so not to be set back. Ignored: whoever started us wants it so.
    before = {
        number: handler for number, handler in handlers.items() if handler not in (None, signal.SIG_IGN)
    }

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def request(number: int, frame: object) -> None:
        restore()
        loop.call_soon_threadsafe(stop.request)

    for number in before:
        signal.signal(number, request)
    try:
        yield
    finally:
        restore()


def reader_is_gone(stream: Any) -> bool:
    """Whether nobody will ever read what is written to it; False where only writing can tell.

    Args:
        stream: None, where the program was started without one.
    """
    if stream is None or not hasattr(select, "poll"):  # as on Windows
        return False
    try:
        file = stream.fileno()
    except (OSError, ValueError):  # there is no file behind it, or no longer
        return False
    poll = select.poll()
    poll.register(file, 0)  # an error and a hang-up are told in any case
    return bool(poll.poll(0))
