"""When each org was watched: spans of time in which good polls came without a gap.

A poll is noted in memory, and written together with the next one that this process records, but at most
every 15 s. A killed process loses no more than that: a span ends a little too early, never too late.
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
"""The longest pause within a span, in poll intervals: one poll may be late, or fail and be repeated."""
_MAX_CLOCK_ERROR: Final = timedelta(hours=1)
"""A span that ends later than this from now was written while the clock was wrong."""

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
    """An org was seen from `began` to `ended` without a gap; equal: at that moment alone."""

    began: datetime
    ended: datetime


class CoverageLog:
    """What was watched, and what this process has not written of it yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._spans: dict[_Key, list[Span]] = {}
        """The spans of this process that may not be written yet, and the last one of each org."""
        self._gaps: dict[_Key, timedelta] = {}
        self._unwritten: set[_Key] = set()
        self._written_at: datetime | None = None

    async def read(self, org: Org, since: datetime | None = None) -> list[Span]:
        """When this org was watched, by any process, oldest first; from `since` on."""

        def act(database: sqlite3.Connection) -> list[Span]:
            rows = database.execute(
                _READ, (org.name, org.identity, encode_datetime(since) if since else "")
            )
            return [span for row in rows if (span := _decode_span(row))]

        nothing: list[Span] = []
        return await self._database.read(act, nothing)

    def note(self, org: Org, policy: WatchPolicy, at: datetime) -> None:
        """Note a good poll at `at`; call it in the journal's thread."""
        key = (org.name, org.identity)
        gap = self._gaps[key] = _INTERVALS * org.own_policy(policy).every
        spans = self._spans.setdefault(key, [])
        if spans and timedelta() <= at - spans[-1].ended <= gap:
            spans[-1] = Span(spans[-1].began, at)
        else:
            spans.append(Span(at, at))
        self._unwritten.add(key)

    def write_if_due(self, database: sqlite3.Connection, keep: JournalRetention, now: datetime) -> None:
        """Write what was noted of all orgs, at most every 15 s; call it within a transaction."""
        # `abs`: the clock may have been set back.
        if self._written_at is None or abs(now - self._written_at) >= WRITE_EVERY:
            self._write(database, keep, now)

    async def flush(self, keep: JournalRetention) -> None:
        """Write what is left."""
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
            # The last one is kept: if the transaction fails, the next poll writes it whole.
            del self._spans[key][:-1]
        oldest, latest = encode_datetime(now - keep.keep), encode_datetime(now + _MAX_CLOCK_ERROR)
        database.execute("DELETE FROM coverage WHERE ended < ? OR began > ?", (oldest, latest))
        database.execute("UPDATE coverage SET ended = began WHERE ended > ?", (latest,))
        self._unwritten.clear()
        self._written_at = now


def _decode_span(row: tuple[str, str]) -> Span | None:
    return decode_or_none(lambda: Span(decode_datetime(row[0]), decode_datetime(row[1])))
