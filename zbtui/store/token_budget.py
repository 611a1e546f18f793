"""Records requests for access tokens, and lock-outs by Zoho, in the journal that all processes share."""

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
    """A time in which Zoho's accounts host refuses all requests with a refresh token ("Access Denied")."""

    until: datetime
    consecutive: int
    """The number of lock-outs up to this one without a successful request in between."""


class TokenBudget:
    """Counts the recent requests for access tokens, and keeps the lock-outs.

    In each method, `token` is not a token, but a key that stands for what Zoho counts or locks.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned_at = 0.0
        """The Unix time at which old requests were last deleted."""

    async def find_lockout(self, token: str) -> Lockout | None:
        """Return the last lock-out of a token, even one that has ended, or None if none is stored."""
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        row = await self._database.read(lambda database: database.execute(query, (token,)).fetchone(), None)
        try:
            return Lockout(decode_datetime(row[0]), decode_count(row[1])) if row else None
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """Store the lock-out of a token, or delete the stored one if `lockout` is None."""
        if lockout is None:
            await self._execute("DELETE FROM lockout WHERE token = ?", token)
        else:
            statement = "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)"
            await self._execute(statement, token, encode_datetime(lockout.until), lockout.consecutive)

    async def acquire(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Record a token request that is about to be made, and return None.

        If `limit` requests were made within the last `window`, record nothing, and return the time at which
        the next request is allowed.
        """
        at, window_seconds = now.timestamp(), window.total_seconds()

        def act(database: sqlite3.Connection) -> list[float]:
            # A request in the future was recorded while the machine's clock was ahead.
            database.execute("UPDATE token_request SET at = ? WHERE token = ? AND at > ?", (at, token, at))
            self._prune(database, at)
            query = "SELECT at FROM token_request WHERE token = ? AND at > ? ORDER BY at"
            requests = [float(row[0]) for row in database.execute(query, (token, at - window_seconds))]
            if len(requests) < limit:
                database.execute("INSERT INTO token_request (token, at) VALUES (?, ?)", (token, at))
            return requests

        nothing: list[float] = []
        requests = await self._database.transaction(act, nothing, essential=True)
        if len(requests) < limit:
            return None
        return datetime.fromtimestamp(requests[-limit] + window_seconds, UTC)

    def _prune(self, database: sqlite3.Connection, at: float) -> None:
        """Delete the requests that are older than an hour, unless this was done in the last six minutes.

        This is not done each time, since it scans the requests of all tokens.
        """
        if abs(at - self._pruned_at) > _RETENTION_SECONDS / 10:
            database.execute("DELETE FROM token_request WHERE at < ?", (at - _RETENTION_SECONDS,))
            self._pruned_at = at

    async def release(self, token: str) -> None:
        """Delete the recorded requests of a token, so that a new request is allowed."""
        await self._execute("DELETE FROM token_request WHERE token = ?", token)

    async def _execute(self, statement: str, *values: object) -> None:
        def act(database: sqlite3.Connection) -> None:
            database.execute(statement, values)

        await self._database.transaction(act, None, essential=True)
