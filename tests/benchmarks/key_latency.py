"""From a key to its paint: the last output before the terminal is quiet again."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import cycle, islice

from tests.benchmarks.measure import SIZE, read_output, wait, wait_until_idle
from tests.support.pseudo_terminal import Terminal, run_in_terminal

QUIET = 0.03
"""Seconds without output that end a paint."""
TIMEOUT_SECONDS = 0.3
"""Seconds within which a paint begins; a lone escape is recognized only after 0.1 s."""
PRESSES = 200
SERIES: dict[str, Sequence[str]] = {
    "move": ("\x1b[B", "\x1b[C", "\x1b[6~", "\x1b[A", "\x1b[D", "\x1b[5~"),
    "sort": ("s", "S"),
    "filter": ("/", "a", "r", "\x7f", "!", "\x7f", "\x7f", "\r"),
    "switch views": ("2", "3", "4", "1"),
}
"""The keys of each series, pressed in turn."""


class Keyboard:
    """Presses keys between the program's ticks, so that no tick is taken for a key's paint."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._ticked = 0.0
        """Time of the last paint that no key caused."""

    def paint(self, key: str) -> float | None:
        """Seconds from pressing `key` to its paint; None if nothing was painted."""
        self._wait_between_ticks()
        pressed = last = time.perf_counter()
        self._terminal.send(key)
        patience = TIMEOUT_SECONDS
        while read_output(self._terminal, patience):
            last, patience = time.perf_counter(), QUIET
        return last - pressed if last > pressed else None

    def _wait_between_ticks(self) -> None:
        """Wait until the last tick is 0.1 to 0.65 seconds ago."""
        while True:
            while read_output(self._terminal, QUIET):
                self._ticked = time.perf_counter()
            since = (time.perf_counter() - self._ticked) % 1.0
            if self._ticked == 0.0 or 0.1 < since < 0.65:
                return


def key_to_paint_seconds(command: list[str], series: dict[str, Sequence[str]]) -> dict[str, list[float]]:
    """Seconds from key to paint, by series, once the program is idle."""
    with run_in_terminal(command, *SIZE) as terminal:
        wait_until_idle(terminal)
        keyboard = Keyboard(terminal)
        found = {}
        for name, keys in series.items():
            for key in keys:  # not measured: the first use fills caches
                keyboard.paint(key)
            wait(terminal, 2)
            pressed = [keyboard.paint(key) for key in islice(cycle(keys), PRESSES)]
            found[name] = [one for one in pressed if one is not None]
            assert len(found[name]) > PRESSES * 0.8, f"{name}: few keys painted anything"
        return found


def percentile(values: Sequence[float], part: float) -> float:
    """The value that a share `part` (0 to 1) of `values` does not exceed."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]
