"""Computes the pause before a retry, which doubles with each failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 10
"""The most times that a pause is doubled; more would overflow a `timedelta` before the pause is cut."""


def backoff(first: timedelta, again: int, longest: timedelta) -> timedelta:
    """Return the pause before the next try: `first`, doubled `again` times, but at most `longest`."""
    return min(first * (1 << min(again, _MOST_DOUBLINGS)), longest)
