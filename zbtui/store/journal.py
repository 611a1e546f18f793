"""The journal: what was last seen of each org, what has changed, what was told, and token requests.

Shared by all zbtui processes of this user, and across restarts.

Everything goes through one thread. A journal that cannot be written stops nothing: what is wrong is
told, and the watch goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from zbtui.clock import Clock
from zbtui.config.settings import Keep
from zbtui.core.event import Standing
from zbtui.core.merge import Kept, Merged, is_later, is_news, merge
from zbtui.core.org import Org, Policy
from zbtui.core.snapshot import PollState, Snapshot
from zbtui.core.trouble import Trouble
from zbtui.store.alerts import AlertBook
from zbtui.store.budget import TokenBudget
from zbtui.store.database import PROBE, Database, moment_of, open_database, stamp
from zbtui.store.encoding import (
    count_of,
    decode_history,
    decode_snapshot,
    decode_standing,
    encode_history,
    encode_snapshot,
    encode_standing,
    understood,
)
from zbtui.store.events import EventLog, insert_events, prune_events

_OF_AN_ORG: Final = ("snapshot", "history", "standing", "told")
"""The tables with one row for each org."""


class Journal:
    """Open with `open_journal`. Its calls never raise: `trouble` says what does not work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tokens = TokenBudget(database)
        self.events = EventLog(database)
        self.alerts = AlertBook(database)
        self.keep = Keep()
        """How much `note` leaves of the events."""

    @property
    def trouble(self) -> Trouble | None:
        """Why it is not being kept; None: it is."""
        return self._database.trouble

    def load(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        """What was last seen of these orgs, by name. Blocks: for before the event loop runs."""

        def act(database: sqlite3.Connection) -> dict[str, Snapshot]:
            return {org.name: known for org in orgs if (known := _load(database, org))}

        nothing: dict[str, Snapshot] = {}
        return self._database.read_blocking(act, nothing)

    async def save(self, snapshot: Snapshot) -> None:
        """Keep what was seen; of several processes, the newest poll wins."""
        await self._database.transaction(lambda database: _keep(database, snapshot, None), None)

    async def note(self, polled: Snapshot, policy: Policy, now: datetime) -> Merged:
        """Keep what a poll showed, good or failed, and what it changed: see `merge`.

        Returns:
            What is known now, and what the poll changed: nothing, where the journal is closed.
        """
        polled_at, keep = polled.polls.attempted_at, self.keep
        if polled_at is None:
            return Merged(polled)

        def act(database: sqlite3.Connection) -> Merged:
            merged = merge(polled, _read_kept(database, polled, now), policy, now)
            if merged.standing:
                _keep(database, merged.snapshot, now)
                _write_attempt(database, merged.snapshot, polled_at, merged.standing)
                insert_events(database, merged.events)
                prune_events(database, keep, now)
            return merged

        return await self._database.transaction(act, Merged(polled))

    async def recall(self, org: Org) -> Snapshot | None:
        """What was last seen of an org; None: nothing is known of it."""
        return await self._database.read(lambda database: _load(database, org), None)

    async def rename(self, before: str, after: str) -> None:
        """Keep all that is known of an org under its new name."""

        def act(database: sqlite3.Connection) -> None:
            if before == after:
                return
            known = (f"SELECT 1 FROM {table} WHERE org = ?" for table in _OF_AN_ORG)
            if any(database.execute(query, (before,)).fetchone() for query in known):
                _forget(database, after)  # what was left over under that name is another org's
            for table in (*_OF_AN_ORG, "event"):
                database.execute(f"UPDATE {table} SET org = ? WHERE org = ?", (after, before))

        await self._database.transaction(act, None)

    async def forget(self, org_name: str) -> None:
        """Drop what is known of an org, but for its events.

        A lock-out stays, too: Zoho keeps it, whoever is under watch.
        """
        await self._database.transaction(lambda database: _forget(database, org_name), None)

    async def probe(self) -> Trouble | None:
        """Have a row written, and deleted again; why that does not work, None: it does."""

        def act(database: sqlite3.Connection) -> None:
            for statement in PROBE:
                database.execute(statement)

        await self._database.transaction(act, None)
        return self.trouble

    async def close(self) -> None:
        """Behind what waits to be written; nothing is kept from then on."""
        await self._database.close()


def open_journal(path: Path | None, clock: Clock | None = None, folders: Sequence[Path] = ()) -> Journal:
    """The journal at `path`, made where it is missing; None: one in memory, for the demo.

    See `open_database`.
    """
    return Journal(open_database(path, clock=clock, folders=folders))


@dataclass(frozen=True, slots=True)
class _Attempt:
    """The last look at an org that was noted."""

    at: datetime
    failures: int
    failing_since: datetime | None
    standing: Standing | None
    """None: what is kept is not understood."""


def _load(database: sqlite3.Connection, org: Org) -> Snapshot | None:
    """None: nothing is known of it."""
    row = _row(database, "SELECT body FROM snapshot", org)
    seen = decode_snapshot(org, row[0]) if row else None
    if seen:
        seen = _with_history(database, seen)
    attempt = _read_attempt(database, org)
    if attempt is None or attempt.failures == 0:
        return seen
    if seen and seen.zoho.observed_at and seen.zoho.observed_at > attempt.at:
        return seen  # it signed in since
    known = seen or Snapshot(org, polls=PollState(restored=True))
    polls = replace(known.polls, failures=attempt.failures, failing_since=attempt.failing_since)
    return replace(known, polls=polls)


def _with_history(database: sqlite3.Connection, seen: Snapshot) -> Snapshot:
    row = _row(database, "SELECT at, body FROM history", seen.org)
    at = _moment_in(row)
    history = decode_history(row[1]) if row else None
    if at is None or history is None:
        # It is asked for anew.
        return replace(seen, polls=replace(seen.polls, history_tried_at=None))
    return replace(seen, zoho=replace(seen.zoho, history=history, history_read_at=at))


def _read_kept(database: sqlite3.Connection, polled: Snapshot, now: datetime) -> Kept:
    history_at = _moment_in(_row(database, "SELECT at FROM history", polled.org))
    later = history_at is not None and is_later(history_at, polled.zoho.history_read_at, now)
    attempt = _read_attempt(database, polled.org)
    return Kept(
        _load(database, polled.org) if later else None,
        attempt.at if attempt else None,
        attempt.standing if attempt else None,
    )


def _keep(database: sqlite3.Connection, snapshot: Snapshot, now: datetime | None) -> None:
    """What was seen, and its history, each where it is newer than what is kept.

    Args:
        now: None: what is kept from a moment that is yet to come counts as newer, too.
    """
    org, seen, read = snapshot.org, snapshot.zoho.observed_at, snapshot.zoho.history_read_at
    seen_before = _moment_in(_row(database, "SELECT observed_at FROM snapshot", org))
    if seen and is_news(seen, seen_before, now):
        _put(database, "snapshot", org, stamp(seen), encode_snapshot(snapshot))
    if read and snapshot.zoho.history:
        read_before = _moment_in(_row(database, "SELECT at FROM history", org))
        if read != read_before and is_news(read, read_before, now):
            _put(database, "history", org, stamp(read), encode_history(snapshot.zoho.history))


def _moment_in(row: tuple[str, ...] | None) -> datetime | None:
    return understood(lambda: moment_of(row[0])) if row else None


def _read_attempt(database: sqlite3.Connection, org: Org) -> _Attempt | None:
    row = _row(database, "SELECT attempted_at, failures, failing_since, body FROM standing", org)
    if row is None:
        return None
    at, failures, since, body = row

    def read() -> _Attempt:
        return _Attempt(
            moment_of(at), count_of(failures), since and moment_of(since), decode_standing(body)
        )

    return understood(read)


def _write_attempt(
    database: sqlite3.Connection, snapshot: Snapshot, at: datetime, standing: Standing
) -> None:
    since = snapshot.polls.failing_since
    values = (stamp(at), snapshot.polls.failures, since and stamp(since), encode_standing(standing))
    _put(database, "standing", snapshot.org, *values)


def _row(database: sqlite3.Connection, query: str, org: Org) -> tuple[Any, ...] | None:
    """The row of this very org: not that of another one of its name."""
    found = database.execute(f"{query} WHERE org = ? AND identity = ?", (org.name, org.identity))
    row: tuple[Any, ...] | None = found.fetchone()
    return row


def _put(database: sqlite3.Connection, table: str, org: Org, *values: object) -> None:
    row = (org.name, org.identity, *values)
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)


def _forget(database: sqlite3.Connection, org_name: str) -> None:
    for table in _OF_AN_ORG:
        database.execute(f"DELETE FROM {table} WHERE org = ?", (org_name,))
