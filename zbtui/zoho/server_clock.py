"""Whether an answer is an old one, which a cache has kept.

A machine whose clock is wrong has to work, too: the accounts host is asked where only it can tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

MAX_LAG: Final = timedelta(minutes=5)
"""An answer may be older than this by no clock's account."""


class ServerClock:
    """How far Zoho's clock is behind this machine's, as the answers so far have shown."""

    def __init__(self) -> None:
        self._confirmed_lag = timedelta()
        """Zero while this machine's clock is right."""
        self._asking = asyncio.Lock()

    async def is_behind(
        self, date: datetime, now: datetime, ask: Callable[[], Awaitable[datetime | None]]
    ) -> bool:
        """Whether `date` is behind this machine's clock, other answers, and the time that `ask` brings."""
        lag = now - date
        if lag <= MAX_LAG:
            self._confirmed_lag = timedelta()
            return False
        async with self._asking:
            if lag <= self._confirmed_lag + MAX_LAG:
                return False
            witness = await ask()
            if witness is None or witness - date > MAX_LAG:
                return True
            self._confirmed_lag = lag
            return False
