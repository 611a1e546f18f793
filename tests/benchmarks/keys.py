"""From a key to its paint: what was written to the terminal last, before it became quiet again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice

from tests.benchmarks.measure import SIZE, take, wait
from tests.support.terminal import Terminal, in_terminal

QUIET = 0.03
"""Seconds without output after which a paint is whole."""
PRESSES = 200
SERIES: dict[str, Sequence[str]] = {
    "move": ("\x1b[B", "\x1b[C", "\x1b[B", "\x1b[D", "\x1b[6~", "\x1b[5~"),
    "sort": ("s", "S"),
    "filter": ("/", "1", "7", "!", "\x7f", "\x7f", "\x7f", "\x1b"),
    "switch views": ("2", "3", "4", "1"),
}
"""What is pressed, over and over."""


def paints(command: list[str], series: dict[str, Sequence[str]], settling: float) -> dict[str, list[float]]:
    """Seconds from key to paint, by series."""
    with in_terminal(command, *SIZE) as terminal:
        wait(terminal, settling)
        found = {}
        for name, keys in series.items():
            for key in keys:  # once unmeasured: what is made at first use is there then
                _paint(terminal, key)
            found[name] = [_paint(terminal, key) for key in islice(cycle(keys), PRESSES)]
        return found


def _paint(terminal: Terminal, key: str) -> float:
    while take(terminal, QUIET):
        pass
    pressed = last = time.perf_counter()
    terminal.send(key)
    # A lone escape is one only after a while without a key.
    patience = 0.3
    while take(terminal, patience):
        last, patience = time.perf_counter(), QUIET
    return last - pressed


def percentile(values: Sequence[float], part: float) -> float:
    """The value that so great a part does not exceed."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]
