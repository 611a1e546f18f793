"""Decides how often alerts are evaluated, counted in ticks of one second."""

from __future__ import annotations

from typing import Final

_ORGS_PER_TICK: Final = 200
"""An evaluation waits one more tick for every 200 orgs, so that thousands cost no more than a few."""
_MAX_TICKS: Final = 30
"""Ticks between evaluations while nothing changes: time alone changes verdicts, too."""


class EvaluationSchedule:
    """Makes an evaluation due soon after a change, and every 30 ticks otherwise."""

    def __init__(self) -> None:
        self._changed = True
        self._ticks = 0

    def mark_changed(self) -> None:
        """Note that an org has a new snapshot."""
        self._changed = True

    def take_if_due(self, orgs: int) -> bool:
        """Count one tick; True: an evaluation of this many orgs is due, and the count starts again."""
        self._ticks += 1
        min_ticks = 1 + orgs // _ORGS_PER_TICK
        if self._ticks < (min_ticks if self._changed else max(_MAX_TICKS, min_ticks)):
            return False
        self._changed, self._ticks = False, 0
        return True
