"""The journal: what was last seen of each org, what has changed, what was told, and token requests.

Shared by all zbtui processes of this user, and across restarts.

Everything goes through one thread. A journal that cannot be written stops nothing: what is wrong is
told, and the watch goes on.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from zbtui.clock import Clock
from zbtui.config.settings import Keep
from zbtui.core.event import Event, Standing, changes, standing_of
from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Verdict
from zbtui.store.alerts import AlertBook
from zbtui.store.budget import Lockout, TokenBudget
from zbtui.store.database import Database, moment_of, open_database, stamp
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

__all__ = ["Journal", "Lockout", "open_journal"]

_OF_AN_ORG: Final = ("snapshot", "history", "standing", "told")
"""The tables with one row for each org."""
_AHEAD: Final = timedelta(hours=1)
"""What was kept at a moment further ahead than this was kept while the clock was wrong."""
_PROBE: Final = "probe"


class Journal:
    """Open with `open_journal`. Its calls never raise: `trouble` says what does not work."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tokens = TokenBudget(database)
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
        return self._database.read(act, nothing)

    async def save(self, snapshot: Snapshot) -> None:
        """Keep what was seen; of several processes, the newest look wins."""
        await self._database.writing(lambda database: _keep(database, snapshot, None), None)

    async def note(
        self, looked: Snapshot, judge: Callable[[Snapshot], Verdict], now: datetime
    ) -> tuple[Snapshot, tuple[Event, ...]]:
        """Keep what a look showed, good or failed, and what it changed.

        Of several processes that see the same change, one notes it. A look that is older than what
        was noted before changes nothing.

        Args:
            looked: what is known after the look.
            judge: the verdict on a snapshot, by `now`.

        Returns:
            What is known, with the history and the links that another process has read later than this
            one; and what the look changed: nothing, where the journal cannot be used.
        """
        attempted_at = looked.attempted_at
        if attempted_at is None:
            return looked, ()
        org, keep = looked.org, self.keep

        def act(database: sqlite3.Connection) -> tuple[Snapshot, tuple[Event, ...]]:
            snapshot = _with_newer_past(database, looked, now)
            verdict = judge(snapshot)
            standing, known = standing_of(snapshot, verdict, now), _read_attempt(database, org)
            if standing is None or (known and attempted_at < known.at <= now + _AHEAD):
                return snapshot, ()
            before = known.standing if known else None
            after = _as_known(before, standing)
            events = tuple(
                Event(now, org.name, kind, was, has, verdict.level.word, verdict.headline)
                for kind, was, has in changes(before, after)
            )
            _keep(database, snapshot, now)
            _write_attempt(database, snapshot, attempted_at, after)
            insert_events(database, events)
            prune_events(database, keep, now)
            return snapshot, events

        return await self._database.writing(act, (looked, ()))

    async def recall(self, org: Org) -> Snapshot | None:
        """What was last seen of an org; None: nothing is known of it."""
        return await self._database.call(
            lambda: self._database.read(lambda database: _load(database, org), None)
        )

    async def lockout(self, token: str) -> Lockout | None:
        """See `TokenBudget.lockout`."""
        return await self._tokens.lockout(token)

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        """See `TokenBudget.set_lockout`."""
        await self._tokens.set_lockout(token, lockout)

    async def spend(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """See `TokenBudget.spend`."""
        return await self._tokens.spend(token, now, limit, window)

    async def give_back(self, token: str) -> None:
        """See `TokenBudget.give_back`."""
        await self._tokens.give_back(token)

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

        await self._database.writing(act, None)

    async def forget(self, org_name: str) -> None:
        """Drop what is known of an org, but for its events.

        A lock-out stays, too: Zoho keeps it, whoever is under watch.
        """
        await self._database.writing(lambda database: _forget(database, org_name), None)

    async def probe(self) -> Trouble | None:
        """Have a row written, and deleted again; why that does not work, None: it does."""

        def act(database: sqlite3.Connection) -> None:
            database.execute("INSERT INTO token_request VALUES (?, 0)", (_PROBE,))
            database.execute("DELETE FROM token_request WHERE token = ?", (_PROBE,))

        await self._database.writing(act, None)
        return self.trouble

    async def close(self) -> None:
        """Behind what waits to be written; nothing is kept from then on."""
        await self._database.close()


def open_journal(path: Path | None, clock: Clock | None = None) -> Journal:
    """The journal at `path`, made where it is missing; None: one in memory, for the demo.

    Never raises: a journal that cannot be opened is left as it is, and one that keeps nothing is
    returned, with its `trouble` set. It is tried again by itself.

    Args:
        clock: by which it is tried again; None: this machine's.
    """
    return Journal(open_database(path, clock=clock))


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
    if seen and seen.observed_at and seen.observed_at > attempt.at:
        return seen  # it signed in since
    known = seen or Snapshot(org, restored=True)
    return replace(known, failures=attempt.failures, failing_since=attempt.failing_since)


def _with_history(database: sqlite3.Connection, seen: Snapshot) -> Snapshot:
    row = _row(database, "SELECT at, body FROM history", seen.org)
    at = understood(lambda: moment_of(row[0])) if row else None
    history = decode_history(row[1]) if row else None
    if at is None or history is None:
        return replace(seen, past_tried_at=None)  # it is asked for anew
    return replace(seen, history=history, history_at=at)


def _with_newer_past(database: sqlite3.Connection, looked: Snapshot, now: datetime) -> Snapshot:
    """Two that have read different histories would contradict each other for hours."""
    row = _row(database, "SELECT at FROM history", looked.org)
    at = understood(lambda: moment_of(row[0])) if row else None
    if at is None or at > now + _AHEAD or (looked.history_at is not None and at <= looked.history_at):
        return looked
    kept = _load(database, looked.org)
    if kept is None or kept.history is None:
        return looked
    return replace(
        looked,
        history=kept.history,
        history_at=kept.history_at,
        history_behind=kept.history_behind or kept.backup != looked.backup,
        links=kept.links if kept.links is not None else looked.links,
        links_expire=max(filter(None, (kept.links_expire, looked.links_expire)), default=None),
        past_tried_at=kept.past_tried_at or looked.past_tried_at,
        past_trouble=None,
        past_failures=0,
        past_unsettled=0,
    )


def _keep(database: sqlite3.Connection, snapshot: Snapshot, now: datetime | None) -> None:
    """What was seen, and its history, each where it is newer than what is kept.

    Args:
        now: None: what is kept from a moment that is yet to come counts as newer, too.
    """
    org, seen, read = snapshot.org, snapshot.observed_at, snapshot.history_at
    if seen and _is_news(_row(database, "SELECT observed_at FROM snapshot", org), seen, now):
        _put(database, "snapshot", org, stamp(seen), encode_snapshot(snapshot))
    if read and snapshot.history:
        row = _row(database, "SELECT at FROM history", org)
        is_kept = row is not None and row[0] == stamp(read)
        if not is_kept and _is_news(row, read, now):
            _put(database, "history", org, stamp(read), encode_history(snapshot.history))


def _is_news(row: tuple[str, ...] | None, at: datetime, now: datetime | None) -> bool:
    kept = understood(lambda: moment_of(row[0])) if row else None
    return kept is None or at >= kept or (now is not None and kept > now + _AHEAD)


def _as_known(before: Standing | None, after: Standing) -> Standing:
    """While an org cannot be looked at, it stands as the last good look said, whichever process's."""
    if before is None or after.trouble is None:
        return after
    return replace(before, verdict=after.verdict, trouble=after.trouble)


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
    since = snapshot.failing_since
    values = (stamp(at), snapshot.failures, since and stamp(since), encode_standing(standing))
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
