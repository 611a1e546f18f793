"""Records the last alert that each channel refused, and the last alert to it that was given up."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zbtui.store.database import Database, decode_datetime, encode_datetime
from zbtui.store.encoding import decode_count, decode_line, decode_or_none

_RETENTION: Final = timedelta(days=30)
_WRITE: Final = (
    "INSERT INTO refusal VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (config, sink, given_up)"
    " DO UPDATE SET at = excluded.at, message = excluded.message, count = count + 1"
)
_READ: Final = "SELECT sink, given_up, at, message, count FROM refusal WHERE config = ? ORDER BY at DESC"
_COUNT_WAITING: Final = (
    "SELECT count(*) FROM delivery JOIN alert ON uuid = alert WHERE config = ? AND attempts > 0"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The last alert that a channel refused or, if `given_up` is set, whose delivery zbtui gave up."""

    channel: str
    given_up: bool
    at: datetime
    message: str
    """The reason why the channel refused the alert; of an alert that was given up, what it was about."""
    count: int
    """How often the channel refused, or zbtui gave up, an alert.

    The count restarts after 30 days without a refused or given-up alert.
    """


class RefusalLog:
    """Reads and writes the refusals of a config's alerts in the journal's database."""

    def __init__(self, database: Database, config: str = "") -> None:
        self._database = database
        self._config = config

    def of_config(self, config: str) -> RefusalLog:
        """Return the refusal log of the config with this name, in the same database."""
        return RefusalLog(self._database, config)

    async def note(self, channel: str, message: str, at: datetime, *, given_up: bool = False) -> None:
        """Record that a channel refused an alert or, if `given_up` is set, that its delivery was given up.

        `message` is the `Refusal.message` to store, and `at` the time of the refusal.
        """

        def act(database: sqlite3.Connection) -> None:
            database.execute("DELETE FROM refusal WHERE at < ?", (encode_datetime(at - _RETENTION),))
            database.execute(_WRITE, (self._config, channel, given_up, encode_datetime(at), message))

        await self._database.transaction(act, None)

    async def read(self) -> list[Refusal]:
        """Return all stored refusals of the config's alerts, newest first."""

        def act(database: sqlite3.Connection) -> list[Refusal]:
            rows = database.execute(_READ, (self._config,))
            return [refusal for row in rows if (refusal := _decode(*row))]

        nothing: list[Refusal] = []
        return await self._database.read(act, nothing)

    async def waiting(self) -> int:
        """Return the number of the config's deliveries that were attempted, but are not done yet."""

        def act(database: sqlite3.Connection) -> int:
            (count,) = database.execute(_COUNT_WAITING, (self._config,)).fetchone()
            return int(count)

        return await self._database.read(act, 0)


def _decode(channel: str, given_up: int, at: str, message: str, count: int) -> Refusal | None:
    def read() -> Refusal:
        when, why = decode_datetime(at), decode_line(message)
        return Refusal(decode_line(channel), bool(given_up), when, why, decode_count(count))

    return decode_or_none(read)
