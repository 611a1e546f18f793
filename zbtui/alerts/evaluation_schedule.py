"""Decides how often alerts are evaluated, counted in ticks of one second."""

from __future__ import annotations

from typing import Final

_ORGS_PER_TICK: Final = 200
"""The number of orgs for which an evaluation waits one more tick.

So evaluations of thousands of orgs take no more time per tick than those of a few.
"""
_MAX_TICKS: Final = 30
"""The number of ticks between evaluations while no org changes: verdicts also change with time alone."""


class EvaluationSchedule:
    """Decides when an evaluation is due: soon after an org has changed, and otherwise every 30 ticks."""

    def __init__(self) -> None:
        self._changed = True
        self._ticks = 0

    def mark_changed(self) -> None:
        """Note that an org has a new snapshot."""
        self._changed = True

    def take_if_due(self, orgs: int) -> bool:
        """Count one tick, and return whether an evaluation of `orgs` orgs is due.

        If an evaluation is due, the count of ticks starts again at zero.
        """
        self._ticks += 1
        min_ticks = 1 + orgs // _ORGS_PER_TICK
        if self._ticks < (min_ticks if self._changed else max(_MAX_TICKS, min_ticks)):
            return False
        self._changed, self._ticks = False, 0
        return True
