"""Token requests and lock-outs, of all zbtui processes together."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.store.database import Database, decode_datetime, encode_datetime
from zbtui.store.encoding import decode_count

_RETENTION_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Lockout:
    """The accounts host has shut its door on a refresh token ("Access Denied")."""

    until: datetime
    consecutive: int
    """How often in a row."""


class TokenBudget:
    """How many tokens were asked for lately, and which Zoho has shut its door on.

    Tokens are named by their fingerprints.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned_at = 0.0
        """When what counts no longer was last forgotten."""

    async def find_lockout(self, token: str) -> Lockout | None:
        """The last lock-out of a token, over or not; None: there was none since a good token."""
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        row = await self._database.read(lambda known: known.execute(query, (token,)).fetchone(), None)
        try:
            return Lockout(decode_datetime(row[0]), decode_count(row[1])) if row else None
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """Keep it; None: it is over."""
        if lockout is None:
            await self._execute("DELETE FROM lockout WHERE token = ?", token)
        else:
            statement = "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)"
            await self._execute(statement, token, encode_datetime(lockout.until), lockout.consecutive)

    async def acquire(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Note a request that is about to be made with a token, unless it would be one too many.

        Args:
            limit: how many are allowed within `window`.

        Returns:
            None: noted, go ahead. Else from when on there is room for one more; nothing was noted.
        """
        at, span = now.timestamp(), window.total_seconds()

        def act(database: sqlite3.Connection) -> list[float]:
            # From a moment that is yet to come: the clock was ahead then.
            database.execute("UPDATE token_request SET at = ? WHERE token = ? AND at > ?", (at, token, at))
            self._prune(database, at)
            query = "SELECT at FROM token_request WHERE token = ? AND at > ? ORDER BY at"
            made = [float(row[0]) for row in database.execute(query, (token, at - span))]
            if len(made) < limit:
                database.execute("INSERT INTO token_request (token, at) VALUES (?, ?)", (token, at))
            return made

        nothing: list[float] = []
        made = await self._database.transaction(act, nothing, essential=True)
        return None if len(made) < limit else datetime.fromtimestamp(made[-limit] + span, UTC)

    def _prune(self, database: sqlite3.Connection, at: float) -> None:
        """Forget what counts no longer; seldom, for it goes through the requests of all tokens."""
        if abs(at - self._pruned_at) > _RETENTION_SECONDS / 10:
            database.execute("DELETE FROM token_request WHERE at < ?", (at - _RETENTION_SECONDS,))
            self._pruned_at = at

    async def release(self, token: str) -> None:
        """What `acquire` noted did not come about."""
        await self._execute("DELETE FROM token_request WHERE token = ?", token)

    async def _execute(self, statement: str, *values: object) -> None:
        def act(database: sqlite3.Connection) -> None:
            database.execute(statement, values)

        await self._database.transaction(act, None, essential=True)
