"""The journal's record of when each org was watched: spans of good polls without a gap.

Polls are collected in memory and written at most every 15 s, in the transaction of a recorded poll. If
the process is killed, a span ends up to 15 s too early, never too late.
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
"""The longest gap within a span, in poll intervals: one poll may be late, or fail and be repeated."""
_MAX_CLOCK_ERROR: Final = timedelta(hours=1)
"""A span that ends further in the future was written while the clock was wrong."""

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
"""Name and identity of an org."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which an org was watched without a gap; a single poll has `began` equal to `ended`."""

    began: datetime
    ended: datetime


class CoverageLog:
    """Reads and writes the spans; holds those that this process has not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans: dict[_Key, list[Span]] = {}
        """By org, the spans not written yet, and the last span, which the next poll may extend."""
        self._gaps: dict[_Key, timedelta] = {}
        """The longest gap within a span, by org."""
        self._unwritten: set[_Key] = set()
        self._written_at: datetime | None = None

    async def read(self, org: Org, since: datetime | None = None) -> list[Span]:
        """The spans in which any process watched this org, oldest first; None for `since`: all of them."""

        def act(database: sqlite3.Connection) -> list[Span]:
            rows = database.execute(
                _READ, (org.name, org.identity, encode_datetime(since) if since else "")
            )
            return [span for row in rows if (span := _decode_span(row))]

        nothing: list[Span] = []
        return await self._database.read(act, nothing)

    def note(self, org: Org, policy: WatchPolicy, at: datetime) -> None:
        """Add a good poll at `at` to the spans in memory; call it in the journal's thread."""
        key = (org.name, org.identity)
        gap = self._gaps[key] = _INTERVALS * org.own_policy(policy).every
        spans = self._spans.setdefault(key, [])
        if spans and timedelta() <= at - spans[-1].ended <= gap:
            spans[-1] = Span(spans[-1].began, at)
        else:
            spans.append(Span(at, at))
        self._unwritten.add(key)

    def write_if_due(self, database: sqlite3.Connection, keep: JournalRetention, now: datetime) -> None:
        """Write the spans of all orgs if the last write was 15 s ago; call it within a transaction."""
        # `abs`: the clock may have been set back.
        if self._written_at is None or abs(now - self._written_at) >= WRITE_EVERY:
            self._write(database, keep, now)

    async def flush(self, keep: JournalRetention) -> None:
        """Write all spans that are not written yet."""
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
            # The last span stays: if the transaction fails, the next write repeats it in full.
            del self._spans[key][:-1]
        oldest, latest = encode_datetime(now - keep.keep), encode_datetime(now + _MAX_CLOCK_ERROR)
        database.execute("DELETE FROM coverage WHERE ended < ? OR began > ?", (oldest, latest))
        database.execute("UPDATE coverage SET ended = began WHERE ended > ?", (latest,))
        self._unwritten.clear()
        self._written_at = now


def _decode_span(row: tuple[str, str]) -> Span | None:
    return decode_or_none(lambda: Span(decode_datetime(row[0]), decode_datetime(row[1])))
