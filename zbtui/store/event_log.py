"""Reads, writes and deletes the journal's events, which are kept far longer than Zoho keeps its history."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from zbtui.config.settings import JournalRetention
from zbtui.health.events import EVENT_KINDS, Event
from zbtui.model.org import Org
from zbtui.model.verdict import Level
from zbtui.store.database import Database, decode_datetime, encode_datetime
from zbtui.store.encoding import decode_line, decode_optional_line, decode_or_none

_EVENT_COLUMNS: Final = "at, org, kind, before, after, level, headline"


class EventLog:
    """Reads from the journal the events (changes of an org) that `Journal.record_poll` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(
        self,
        org_name: str | None,
        since: datetime | None,
        limit: int | None = None,
        orgs: Iterable[Org] = (),
    ) -> list[Event]:
        """Return the newest events, oldest first; the list is empty if the journal cannot be used.

        Args:
        org_name: the name of the org whose events to read; if None, the events of all orgs are read.
        since: the time of the earliest event to read; if None, there is no earliest time.
        limit: the maximum number of events; if None, all are read.
        orgs: the orgs of the config; events of other configs' orgs that have the same names are left out.
        """
        identities = {org.name: org.identity for org in orgs}

        def is_own(name: str, identity: str) -> bool:
            return identities.get(name, identity) == identity

        wanted = {"org = ?": org_name, "at >= ?": since and encode_datetime(since)}
        wanted = {condition: value for condition, value in wanted.items() if value is not None}
        where = " AND ".join(("is_own(org, identity)", *wanted))
        query = f"SELECT {_EVENT_COLUMNS} FROM event WHERE {where} ORDER BY at DESC, id DESC LIMIT ?"
        values = (*wanted.values(), -1 if limit is None else limit)

        def act(database: sqlite3.Connection) -> list[Event]:
            database.create_function("is_own", 2, is_own)
            events = (_decode_event(row) for row in database.execute(query, values))
            return [event for event in events if event]

        nothing: list[Event] = []
        return (await self._database.read(act, nothing))[::-1]


def insert_events(database: sqlite3.Connection, events: Iterable[Event], org: Org) -> None:
    """Store events of one org; call this function within a transaction."""
    database.executemany(
        f"INSERT INTO event ({_EVENT_COLUMNS}, identity) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                encode_datetime(event.at),
                event.org,
                event.kind,
                event.before,
                event.after,
                event.level,
                event.headline,
                org.identity,
            )
            for event in events
        ],
    )


def prune_events(database: sqlite3.Connection, retention: JournalRetention, now: datetime) -> None:
    """Delete the events that are older than `retention` allows, and the oldest if there are too many.

    Call this function within a transaction.
    """
    database.execute("DELETE FROM event WHERE at < ?", (encode_datetime(now - retention.keep),))
    # Compares ids, since counting a table of millions of rows would be slow.
    database.execute(
        "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", (retention.most_events,)
    )


def _decode_event(row: tuple[Any, ...]) -> Event | None:
    at, org, kind, before, after, level, headline = row

    def read() -> Event:
        return Event(
            decode_datetime(at),
            decode_line(org),
            EVENT_KINDS[EVENT_KINDS.index(kind)],
            decode_optional_line(before),
            decode_optional_line(after),
            Level[decode_line(level).upper()].label,
            decode_line(headline),
        )

    return decode_or_none(read)
