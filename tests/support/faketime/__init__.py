"""The tests at another date: `faketime '+400 days' python -m tests`."""

from __future__ import annotations

import os
from pathlib import Path

DATE_ALONE = {
    # A moved monotonic clock makes a wait with a time limit as long as the date was moved.
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    # Else 0.9.10 (Debian 12) returns from each wait for Python's lock at once, or makes Python abort.
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",
}


def fake_the_date_alone() -> None:
    """For this process, as far as it can be done after its start, and its children."""
    if "FAKETIME" not in os.environ:
        return
    # `time.sleep` fails at times, whichever clock is moved; children import this at their start.
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ.update(DATE_ALONE, PYTHONPATH=os.pathsep.join(paths))
    from tests.support.faketime import sitecustomize

    assert sitecustomize
