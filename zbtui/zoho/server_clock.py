"""Detects old answers, which a cache has kept.

This must also work while this machine's clock is wrong: in doubt, the accounts host is asked for the time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

MAX_LAG: Final = timedelta(minutes=5)
"""An answer older than this, by a correct clock, counts as old."""


class ServerClock:
    """Remembers how far this machine's clock is ahead of Zoho's, as confirmed by the accounts host."""

    def __init__(self) -> None:
        self._confirmed_lag = timedelta()
        """The confirmed difference; zero while this machine's clock is right."""
        self._asking = asyncio.Lock()

    async def is_behind(
        self, date: datetime, now: datetime, ask: Callable[[], Awaitable[datetime | None]]
    ) -> bool:
        """Whether an answer from `date` is old.

        `ask` gets the time of the accounts host (None: unknown). It is called only if `date` is more
        than `MAX_LAG` further behind `now` than confirmed before.
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
