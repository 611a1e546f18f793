"""The tests with the machine's date elsewhere: `faketime '+400 days' python -m tests`.

libfaketime moves the monotonic clock too, unless it is told not to; then a lock with a time limit, which
asks the kernel itself, waits for as long as the date was moved. And version 0.9.10, of Debian 12, makes
nonsense of the moment that `time.sleep` wakes at once the monotonic clock is left alone.
"""

from __future__ import annotations

import os
from pathlib import Path


def fake_the_date_alone() -> None:
    """In this process and all that it starts; nothing where the date is the real one."""
    if "FAKETIME" not in os.environ:
        return
    os.environ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    from tests.support.faketime import sitecustomize  # as Python does by itself in what is started

    assert sitecustomize
