"""The tests at another date: `faketime '+400 days' python -m tests`.

By default libfaketime moves the monotonic clock, too: then a lock with a time limit, which asks the kernel
itself, waits for as long as the date was moved. Without that, version 0.9.10 (Debian 12) has `time.sleep`
wake at a wrong moment.
"""

from __future__ import annotations

import os
from pathlib import Path


def fake_the_date_alone() -> None:
    """In this process and its children; does nothing if the date is real."""
    if "FAKETIME" not in os.environ:
        return
    os.environ["FAKETIME_DONT_FAKE_MONOTONIC"] = "1"
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    from tests.support.faketime import sitecustomize  # children import it at their start

    assert sitecustomize
