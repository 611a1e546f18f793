"""The journal's record of token requests and lock-outs, shared by all zbtui processes."""

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
    """A time in which the accounts host refuses a refresh token ("Access Denied")."""

    until: datetime
    consecutive: int
    """How many lock-outs followed each other without a success."""


class TokenBudget:
    """Counts recent token requests and keeps lock-outs, by a key that stands for the token."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pruned_at = 0.0
        """When old requests were last deleted, as Unix time."""

    async def find_lockout(self, token: str) -> Lockout | None:
        """The last lock-out of a token, even if it has ended; None: no lock-out since its last success."""
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        row = await self._database.read(lambda database: database.execute(query, (token,)).fetchone(), None)
        try:
            return Lockout(decode_datetime(row[0]), decode_count(row[1])) if row else None
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """Store the lock-out of a token; None: delete it."""
        if lockout is None:
            await self._execute("DELETE FROM lockout WHERE token = ?", token)
        else:
            statement = "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)"
            await self._execute(statement, token, encode_datetime(lockout.until), lockout.consecutive)

    async def acquire(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Record a token request that is about to be made, and return None.

        After `limit` requests within `window`, record nothing, and return when the next one is allowed.
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
        """Delete requests older than an hour, every six minutes: it scans the requests of all tokens."""
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
