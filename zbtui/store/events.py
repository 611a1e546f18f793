"""The changes that were seen, kept far longer than Zoho keeps its own history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from zbtui.config.settings import Keep
from zbtui.core.event import KINDS, Event
from zbtui.core.verdict import Level
from zbtui.store.database import Database, moment_of, stamp
from zbtui.store.encoding import line_of, text_line, understood

_COLUMNS: Final = "at, org, kind, before, after, level, headline"


class EventLog:
    """Reads what `Journal.note` has written."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, org: str | None, since: datetime | None, most: int | None = None) -> list[Event]:
        """What changed, oldest first; nothing, where the journal cannot be used.

        Args:
            org: its name; None: all.
            since: from this moment on; None: as far back as it goes.
            most: the newest so many; None: all.
        """
        wanted = {"org = ?": org, "at >= ?": since and stamp(since)}
        wanted = {condition: value for condition, value in wanted.items() if value is not None}
        where = " AND ".join(("TRUE", *wanted))
        query = f"SELECT {_COLUMNS} FROM event WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
        values = (*wanted.values(), -1 if most is None else most)

        def act(database: sqlite3.Connection) -> list[Event]:
            found = (_decode(row) for row in database.execute(query, values))
            return [event for event in found if event]

        nothing: list[Event] = []
        return (await self._database.read(act, nothing))[::-1]


def insert_events(database: sqlite3.Connection, events: Iterable[Event]) -> None:
    """Within a transaction."""
    database.executemany(
        f"INSERT INTO event ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(stamp(e.at), e.org, e.kind, e.before, e.after, e.level, e.headline) for e in events],
    )


def prune_events(database: sqlite3.Connection, keep: Keep, now: datetime) -> None:
    """Within a transaction: drop what is too old, and the oldest of too many."""
    database.execute("DELETE FROM event WHERE at < ?", (stamp(now - keep.keep),))
    # Ids are given in order: no table of millions is counted for this.
    database.execute("DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", (keep.most_events,))


def _decode(row: tuple[Any, ...]) -> Event | None:
    at, org, kind, before, after, level, headline = row

    def read() -> Event:
        return Event(
            moment_of(at),
            text_line(org),
            KINDS[KINDS.index(kind)],
            line_of(before),
            line_of(after),
            Level[text_line(level).upper()].word,
            text_line(headline),
        )

    return understood(read)
