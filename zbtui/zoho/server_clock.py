"""Detects old responses that come from a cache instead of Zoho.

This machine's clock may be wrong, so a response that seems old is compared with the accounts host's time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

MAX_LAG: Final = timedelta(minutes=5)
"""A response whose date is further than this behind the correct time is taken as an old, cached one."""


class ServerClock:
    """Remembers how far this machine's clock is ahead of Zoho's, as confirmed by the accounts host."""

    def __init__(self) -> None:
        self._confirmed_lag = timedelta()
        """How far this machine's clock is ahead of Zoho's, as last confirmed; zero while it is right."""
        self._asking = asyncio.Lock()

    async def is_behind(
        self, date: datetime, now: datetime, ask: Callable[[], Awaitable[datetime | None]]
    ) -> bool:
        """Return whether a response is old: `date` is its `Date` header, `now` this machine's time.

        `ask` gets the time of the accounts host, or None if that is unknown. `ask` is called only if `date`
        is behind `now` by more than `MAX_LAG` plus the difference that was confirmed before.
        """
        lag = now - date
        if lag <= MAX_LAG:
            self._confirmed_lag = timedelta()
            return False
        async with self._asking:
            if lag <= self._confirmed_lag + MAX_LAG:
                return False
            zoho_time = await ask()
            if zoho_time is None or zoho_time - date > MAX_LAG:
                return True
            self._confirmed_lag = lag
            return False
