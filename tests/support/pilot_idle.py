"""Has Textual's Pilot wait for an idle event loop instead of some time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from textual._context import active_app

from tests.support.fake_clock import ready_callbacks, run_until_idle


@contextmanager
def pilot_waits_until_idle() -> Iterator[None]:
    """Inside this context, Pilot waits exactly until the app is idle.

    Textual's own `wait_for_idle` sleeps until the process uses little of a core: too short on a busy
    machine, and too long on an idle one.
    """
    with (
        patch("textual.app.wait_for_idle", run_app_until_idle),
        patch("textual.pilot.wait_for_idle", run_app_until_idle),
    ):
        yield


async def run_app_until_idle(*_seconds: float) -> None:
    """As `run_until_idle`, with the updates that the front screen leaves to a timer of milliseconds."""
    app = active_app.get(None)
    for _ in range(1000):
        await run_until_idle()
        if app is None or not app.screen_stack:
            return
        app._check_resize()
        app.screen._on_timer_update()
        if not ready_callbacks():
            return
    raise AssertionError("the screen never comes to rest")
