"""The line on top counts the levels and names the next run, in the fullest form that fits."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from tests.support.build import seen
from tests.support.clock import START
from zbtui.core.verdict import Level
from zbtui.tui.widgets.fleet_bar import bar_content

COUNTS = Counter({Level.OK: 7, Level.CRITICAL: 2, Level.UNKNOWN: 1})
SOON = seen("kestrel", scheduled_date=(START + timedelta(hours=3, minutes=12, seconds=44)).isoformat())


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (100, "demo  ✖ 2 critical  ? 1 unknown  ● 7 ok  next run: kestrel in 03:12:44"),
        (60, "demo  ✖ 2  ? 1  ● 7  next run: kestrel in 03:12:44"),
        (48, "demo  ✖ 2  ? 1  ● 7  next run: in 03:12:44"),
        (40, "demo  ✖ 2  ? 1  ● 7  "),
    ],
)
def test_it_is_as_full_as_the_width_allows(width: int, text: str) -> None:
    assert bar_content(COUNTS, SOON, START, width, "demo").plain == text


def test_that_all_is_invented_is_said_at_every_width() -> None:
    for width in range(20, 200):
        assert bar_content(COUNTS, SOON, START, width, "demo: all invented").plain.startswith("demo")


def test_without_a_run_ahead_it_only_counts() -> None:
    assert bar_content(Counter({Level.WARNING: 1}), None, START, 80, None).plain == "▲ 1 warning  "
