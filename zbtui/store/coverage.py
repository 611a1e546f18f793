"""Records in the journal when each org was watched, as spans of time in which good polls left no gap.

The spans are collected in memory and written at most every 15 s, in the transaction that records a poll.
If the process is killed, the stored span ends up to 15 s too early, never too late.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from zbtui.config.settings import JournalRetention
from zbtui.model.org import Org
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.database import Database, decode_datetime, encode_datetime
from zbtui.store.encoding import decode_or_none

WRITE_EVERY: Final = timedelta(seconds=15)
_INTERVALS: Final = 2
"""The longest gap within a span, in poll intervals. Two, so that a late or failed poll does not end it."""
_MAX_CLOCK_ERROR: Final = timedelta(hours=1)
"""A span that ends further in the future than this was written while the machine's clock was wrong."""

_WRITE: Final = (
    "INSERT INTO coverage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET ended = max(ended, excluded.ended)"
)
_NEWEST_BEFORE: Final = (
    "SELECT began, ended FROM coverage WHERE org = ? AND identity = ? AND began <= ?"
    " ORDER BY began DESC LIMIT 1"
)
_READ: Final = (
    "SELECT began, ended FROM coverage WHERE org = ? AND identity = ? AND ended >= ? ORDER BY began"
)

_Key = tuple[str, str]
"""The name and the `Org.identity` (data center, OAuth client and hosts) of an org."""


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time in which an org was watched without a gap.

    It lasts from the first good poll to the last; `began` equals `ended` if there was only one.
    """

    began: datetime
    ended: datetime


class CoverageLog:
    """Reads and writes the spans of all orgs, and holds the spans that are not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans: dict[_Key, list[Span]] = {}
        """The spans of each org that are not written yet, and its last span, which a poll may extend."""
        self._gaps: dict[_Key, timedelta] = {}
        """The longest time between two polls of one span, by org."""
        self._unwritten: set[_Key] = set()
        self._written_at: datetime | None = None

    async def read(self, org: Org, since: datetime | None = None) -> list[Span]:
        """Return the spans in which any process watched this org, oldest first.

        Spans that ended before `since` are left out; if `since` is None, all stored spans are returned.
        """

        def act(database: sqlite3.Connection) -> list[Span]:
            rows = database.execute(
                _READ, (org.name, org.identity, encode_datetime(since) if since else "")
            )
            return [span for row in rows if (span := _decode_span(row))]

        nothing: list[Span] = []
        return await self._database.read(act, nothing)

    def note(self, org: Org, policy: WatchPolicy, at: datetime) -> None:
        """Add a good poll, made at the time `at`, to the spans in memory.

        Call this method in the journal's thread only.
        """
        key = (org.name, org.identity)
        gap = self._gaps[key] = _INTERVALS * org.own_policy(policy).every
        spans = self._spans.setdefault(key, [])
        if spans and timedelta() <= at - spans[-1].ended <= gap:
            spans[-1] = Span(spans[-1].began, at)
        else:
            spans.append(Span(at, at))
        self._unwritten.add(key)

    def write_if_due(self, database: sqlite3.Connection, keep: JournalRetention, now: datetime) -> None:
        """Write the unwritten spans if the last write was at least 15 s ago, and delete outdated spans.

        `keep` says how long spans are kept. Call this method within a transaction.
        """
        # `abs`, because the machine's clock may have been set back.
        if self._written_at is None or abs(now - self._written_at) >= WRITE_EVERY:
            self._write(database, keep, now)

    async def flush(self, keep: JournalRetention) -> None:
        """Write all spans that are not written yet, in a transaction of their own."""
        if self._unwritten:
            now = max(spans[-1].ended for spans in self._spans.values())
            await self._database.transaction(lambda database: self._write(database, keep, now), None)

    def _write(self, database: sqlite3.Connection, keep: JournalRetention, now: datetime) -> None:
        for key in self._unwritten:
            for span in self._spans[key]:
                row = database.execute(_NEWEST_BEFORE, (*key, encode_datetime(span.began))).fetchone()
                before = _decode_span(row) if row else None
                extends = before is not None and span.began - before.ended <= self._gaps[key]
                began = before.began if before and extends else span.began
                database.execute(_WRITE, (*key, encode_datetime(began), encode_datetime(span.ended)))
            # The last span stays in memory: if the transaction fails, the next write repeats it in full.
            del self._spans[key][:-1]
        oldest, latest = encode_datetime(now - keep.keep), encode_datetime(now + _MAX_CLOCK_ERROR)
        database.execute("DELETE FROM coverage WHERE ended < ? OR began > ?", (oldest, latest))
        database.execute("UPDATE coverage SET ended = began WHERE ended > ?", (latest,))
        self._unwritten.clear()
        self._written_at = now


def _decode_span(row: tuple[str, str]) -> Span | None:
    return decode_or_none(lambda: Span(decode_datetime(row[0]), decode_datetime(row[1])))
