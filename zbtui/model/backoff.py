"""How long to wait after something has failed: twice as long each time."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 10
"""More would overflow a `timedelta` before it is cut to the longest pause."""


def backoff(first: timedelta, again: int, longest: timedelta) -> timedelta:
    """The pause before the next try.

    Args:
        first: after the first failure.
        again: how many failures in a row came after the first.
        longest: no pause is longer.
    """
    return min(first * (1 << min(again, _MOST_DOUBLINGS)), longest)
