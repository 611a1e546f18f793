"""Token requests and lock-outs, of all zbtui processes together."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.store.database import Database, moment_of, stamp
from zbtui.store.encoding import count_of

_KEPT_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Lockout:
    """The accounts host has shut its door on a refresh token ("Access Denied")."""

    until: datetime
    strikes: int
    """How often in a row."""


class TokenBudget:
    """How many tokens were asked for lately, and which Zoho has shut its door on.

    Where the journal cannot be used, this process counts for itself.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spent: dict[str, list[float]] = {}
        """Token requests of this process: they count where the database cannot be used."""
        self._untold: list[tuple[str, float]] = []
        """Those of them that the database is still to be told of."""
        self._lockouts: dict[str, Lockout] = {}
        """Those that came to this process: they count where the database cannot be used."""
        self._unkept: set[str] = set()
        """The tokens of those that the database is still to be told of."""
        self._cleaned = 0.0
        """When what counts no longer was last forgotten."""

    async def lockout(self, token: str) -> Lockout | None:
        """The lock-out of a token, by its fingerprint, over or not; None: there was none since."""
        if token in self._unkept:
            await self._keep(token)
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        rows = await self._database.reading(lambda known: known.execute(query, (token,)).fetchall(), None)
        if rows is None:
            return self._lockouts.get(token)
        try:
            return Lockout(moment_of(rows[0][0]), count_of(rows[0][1])) if rows else None
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """Keep it; None: it is over."""
        if lockout is None:
            self._lockouts.pop(token, None)
            self._unkept.discard(token)
            await self._execute("DELETE FROM lockout WHERE token = ?", token)
            return
        self._lockouts[token] = lockout
        self._unkept.add(token)
        await self._keep(token)

    async def _keep(self, token: str) -> None:
        known = self._lockouts[token]
        statement = "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)"
        if await self._execute(statement, token, stamp(known.until), known.strikes):
            self._unkept.discard(token)

    async def spend(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Note a request that is about to be made with a token, unless it would be one too many.

        Args:
            token: its fingerprint.
            limit: how many are allowed within `window`.

        Returns:
            None: noted, go ahead. Else from when on there is room for one more; nothing was noted.
        """
        at, span = now.timestamp(), window.total_seconds()

        def act(database: sqlite3.Connection) -> list[float]:
            database.executemany("INSERT INTO token_request VALUES (?, ?)", self._untold)
            # From a moment that is yet to come: the clock was ahead then.
            database.execute("UPDATE token_request SET at = ? WHERE token = ? AND at > ?", (at, token, at))
            self._clean(database, at)
            query = "SELECT at FROM token_request WHERE token = ? AND at > ? ORDER BY at"
            made = [float(row[0]) for row in database.execute(query, (token, at - span))]
            if len(made) < limit:
                database.execute("INSERT INTO token_request VALUES (?, ?)", (token, at))
            return made

        def run() -> list[float]:
            made = self._database.write(act, None)
            own = [min(one, at) for one in self._spent.get(token, []) if one > at - span]
            if made is None:
                made = own
                if len(made) < limit:
                    self._untold.append((token, at))
            else:
                self._untold.clear()
            self._spent[token] = [*own, at] if len(made) < limit else own
            return made

        made = await self._database.call(run)
        return None if len(made) < limit else datetime.fromtimestamp(made[-limit] + span, UTC)

    def _clean(self, database: sqlite3.Connection, at: float) -> None:
        """Forget what counts no longer; seldom, for it goes through the requests of all tokens."""
        if abs(at - self._cleaned) > _KEPT_SECONDS / 10:
            database.execute("DELETE FROM token_request WHERE at < ?", (at - _KEPT_SECONDS,))
            self._cleaned = at

    async def give_back(self, token: str) -> None:
        """What `spend` noted did not come about."""
        self._spent.pop(token, None)
        self._untold = [(one, at) for one, at in self._untold if one != token]
        await self._execute("DELETE FROM token_request WHERE token = ?", token)

    async def _execute(self, statement: str, *values: object) -> bool:
        """Whether the database could be told."""

        def act(database: sqlite3.Connection) -> bool:
            database.execute(statement, values)
            return True

        return await self._database.writing(act, False)
