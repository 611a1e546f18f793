"""The tests at another date: `faketime '+400 days' python -m tests`."""

from __future__ import annotations

import os
import select
import time

DATE_ALONE = {
    # A moved monotonic clock would lengthen each wait with a time limit by the shift of the date.
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    # With the fix, 0.9.10 (Debian 12) ends each wait for Python's lock at once, or makes Python abort.
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",
}


def fake_the_date_alone() -> None:
    """Leave the monotonic clock as it is, in this process (as far as possible after its start) and its
    children."""
    if "FAKETIME" in os.environ:
        os.environ.update(DATE_ALONE)
        time.sleep = _sleep  # type: ignore[assignment]  # `time.sleep` fails with a moved monotonic clock


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)
