"""When an event loop has nothing more to do: known from the loop, where else a test would wait a while."""

from __future__ import annotations

import asyncio
from collections import deque

from textual._context import active_app

_MOST_TURNS = 100_000
_IDLE_TURNS = 3
"""Without anything to run: a connection within this process takes a turn to be heard of."""


async def settle() -> None:
    """Let everything that is ready run, until it waits for the clock or for something outside.

    Raises:
        AssertionError: it goes on and on.
    """
    ready, idle = _ready(), 0
    for _ in range(_MOST_TURNS):
        await asyncio.sleep(0)
        idle = 0 if ready else idle + 1
        if idle == _IDLE_TURNS:
            return
    raise AssertionError("it never comes to rest")


async def settle_app(*_: float) -> None:
    """As `settle`, and have done what the screen in front leaves to a timer of some milliseconds.

    Stands for Textual's `wait_for_idle`, which sleeps until the process uses little of a core: too short
    on a busy machine, and too long on an idle one.
    """
    app = active_app.get(None)
    while True:
        await settle()
        if app is None or not app.screen_stack:
            return
        app._check_resize()
        app.screen._on_timer_update()
        if not _ready():
            return


def _ready() -> deque[object]:
    """What the loop runs next; what came from outside is put there at the beginning of each turn."""
    ready: deque[object] = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    return ready
