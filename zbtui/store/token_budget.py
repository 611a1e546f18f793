"""Token requests and lock-outs, shared by all zbtui processes."""

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
    """The accounts host refuses a refresh token for some time ("Access Denied")."""

    until: datetime
    consecutive: int
    """How many in a row."""


class TokenBudget:
    """Counts recent token requests and keeps lock-outs, by the fingerprint of the token."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned_at = 0.0
        """When old requests were last deleted, as Unix time."""

    async def find_lockout(self, token: str) -> Lockout | None:
        """The last lock-out of a token, over or not; None: none since its last success."""
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        row = await self._database.read(lambda database: database.execute(query, (token,)).fetchone(), None)
        try:
            return Lockout(decode_datetime(row[0]), decode_count(row[1])) if row else None
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """Store it; None: delete it."""
        if lockout is None:
            await self._execute("DELETE FROM lockout WHERE token = ?", token)
        else:
            statement = "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)"
            await self._execute(statement, token, encode_datetime(lockout.until), lockout.consecutive)

    async def acquire(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Record a request about to be made, unless there were `limit` within the window; returns None.

        Otherwise nothing is recorded, and the time of the next free slot is returned.
        """
        at, window_seconds = now.timestamp(), window.total_seconds()

        def act(database: sqlite3.Connection) -> list[float]:
            # A request in the future was recorded while the clock was ahead.
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
        """Delete old requests; not each time, since it scans the requests of all tokens."""
        if abs(at - self._pruned_at) > _RETENTION_SECONDS / 10:
            database.execute("DELETE FROM token_request WHERE at < ?", (at - _RETENTION_SECONDS,))
            self._pruned_at = at

    async def release(self, token: str) -> None:
        """Undo `acquire`: the request was not made."""
        await self._execute("DELETE FROM token_request WHERE token = ?", token)

    async def _execute(self, statement: str, *values: object) -> None:
        def act(database: sqlite3.Connection) -> None:
            database.execute(statement, values)

        await self._database.transaction(act, None, essential=True)
