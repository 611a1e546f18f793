"""Stops a watch without a screen: on a signal, or when nobody reads its output any more."""

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
    """Let the first SIGINT or SIGTERM in this context request a stop; a second signal acts as usual.

    A running event loop is needed.
    """
    loop = asyncio.get_running_loop()
    handlers = {number: signal.getsignal(number) for number in _SIGNALS}
    # A handler of None was not set by Python, so Python cannot restore it. An ignored signal stays ignored,
    # because the parent process wants that.
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
    """Return whether nobody reads `stream` any more; False if it is None or only a write can tell."""
    if stream is None or not hasattr(select, "poll"):  # as on Windows
        return False
    try:
        file = stream.fileno()
    except (OSError, ValueError):  # the stream has no open file
        return False
    poll = select.poll()
    poll.register(file, 0)  # errors and hang-ups are always reported
    return bool(poll.poll(0))
