"""How often the alerts are evaluated, counted in ticks of one second."""

from __future__ import annotations

from typing import Final

_ORGS_PER_TICK: Final = 200
"""Beyond this many orgs, an evaluation skips ticks, so that thousands cost no more than a few."""
_MAX_TICKS: Final = 30
"""Ticks between evaluations without a change: time alone changes verdicts, too."""


class EvaluationSchedule:
    """Evaluates soon after a change, and every 30 ticks otherwise."""

    def __init__(self) -> None:
        self._changed = True
        self._ticks = 0

    def mark_changed(self) -> None:
        """Note that an org has a new snapshot."""
        self._changed = True

    def take_if_due(self, orgs: int) -> bool:
        """Count one tick; True: an evaluation of this many orgs is due, and the count starts again."""
        self._ticks += 1
        rest = 1 + orgs // _ORGS_PER_TICK
        if self._ticks < (rest if self._changed else max(_MAX_TICKS, rest)):
            return False
        self._changed, self._ticks = False, 0
        return True
