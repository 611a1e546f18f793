"""How often what is known is considered, by whoever ticks once a second."""

from __future__ import annotations

from typing import Final

_ORGS_PER_TICK: Final = 200
"""Thousands of orgs are not considered each second, so that they cost no more than a few."""
_MAX_TICKS: Final = 30
"""Ticks: verdicts change with the time alone, too."""


class EvaluationSchedule:
    """Soon after a change; else now and then."""

    def __init__(self) -> None:
        self._changed = True
        self._ticks = 0

    def mark_changed(self) -> None:
        """Something about an org is known anew."""
        self._changed = True

    def take_if_due(self, orgs: int) -> bool:
        """A second went by: whether it is time to consider them, which then is taken as done.

        Args:
            orgs: how many there are.
        """
        self._ticks += 1
        rest = 1 + orgs // _ORGS_PER_TICK
        if self._ticks < (rest if self._changed else max(_MAX_TICKS, rest)):
            return False
        self._changed, self._ticks = False, 0
        return True
