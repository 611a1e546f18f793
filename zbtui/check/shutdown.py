"""Stop a watch without a screen: on a signal, or when its reader is gone."""

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
    """Make SIGINT or SIGTERM request a stop, once; the next one acts as usual. Needs a running loop."""
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # None: not set by Python, so Python cannot restore it. Ignored: the parent process wants that.
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
    """Whether the stream's reader is gone; False without a stream, or if only a write would show it."""
    if stream is None or not hasattr(select, "poll"):  # as on Windows
        return False
    try:
        file = stream.fileno()
    except (OSError, ValueError):  # the stream has no open file
        return False
    poll = select.poll()
    poll.register(file, 0)  # errors and hang-ups are always reported
    return bool(poll.poll(0))
