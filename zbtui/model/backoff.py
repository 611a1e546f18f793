"""The pause before a retry, which doubles with each failure."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

_MOST_DOUBLINGS: Final = 10
"""More doublings would overflow a `timedelta` before the pause is cut to `longest`."""


def backoff(first: timedelta, again: int, longest: timedelta) -> timedelta:
    """The pause before the next try: `first` after one failure, doubled `again` times, up to `longest`."""
    return min(first * (1 << min(again, _MOST_DOUBLINGS)), longest)
