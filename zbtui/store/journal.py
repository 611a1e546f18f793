"""The journal, zbtui's database of snapshots, org states, events, coverage, alerts and token requests.

All zbtui processes of this user share the journal, and each uses it from one thread. If the journal cannot
be written, zbtui goes on watching, and `Journal.problem` says why the journal fails.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from zbtui.clock import Clock
from zbtui.config.settings import JournalRetention
from zbtui.health.events import OrgState
from zbtui.health.merge import JournaledState, MergeResult, is_later, is_newer, merge
from zbtui.health.snapshot import PollState, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.coverage import CoverageLog
from zbtui.store.database import PROBE, Database, decode_datetime, encode_datetime, open_database
from zbtui.store.encoding import (
    decode_count,
    decode_history,
    decode_or_none,
    decode_org_state,
    decode_snapshot,
    encode_history,
    encode_org_state,
    encode_snapshot,
)
from zbtui.store.event_log import EventLog, insert_events, prune_events
from zbtui.store.outbox import Outbox
from zbtui.store.recent_polls import Problems, decode_problems, encode_problems, snapshot_after
from zbtui.store.refusal_log import RefusalLog
from zbtui.store.token_budget import TokenBudget

_TABLES_PER_ORG: Final = ("snapshot", "history", "poll_record")
"""The names of the tables whose rows of an org are renamed or deleted together with the org."""
_RECORDED_POLL: Final = "SELECT attempted_at, failures, failing_since, body, problems FROM poll_record"
_OF_ORG: Final = "org = ? AND identity = ?"
"""The SQL condition for the rows of one org.

The condition compares the name and the identity (data center, OAuth client and hosts; see `Org.identity`),
since two configs may have different orgs of the same name.
"""


class Journal:
    """Reads and writes the journal; `open_journal` returns an instance.

    No call raises if the journal fails; `problem` then says why.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tokens = TokenBudget(database)
        self.events = EventLog(database)
        self.outbox = Outbox(database)
        self.refusals = RefusalLog(database)
        self.coverage = CoverageLog(database)
        self.retention = JournalRetention()
        """How long, and how many, events are kept when `record_poll` deletes old events."""

    @property
    def problem(self) -> Problem | None:
        """The reason why the journal cannot be used, or None if the journal works."""
        return self._database.problem

    def load_all(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        """Return the last stored snapshots of these orgs, by name; an org without a snapshot is left out.

        The call blocks; it is for use before the event loop runs.
        """

        def act(database: sqlite3.Connection) -> dict[str, Snapshot]:
            return {org.name: snapshot for org in orgs if (snapshot := _load_snapshot(database, org))}

        nothing: dict[str, Snapshot] = {}
        return self._database.read_blocking(act, nothing)

    async def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, unless the journal has a newer snapshot of the same org."""
        await self._database.transaction(lambda database: _write_snapshot(database, snapshot, None), None)

    async def record_poll(self, polled: Snapshot, policy: WatchPolicy, now: datetime) -> MergeResult:
        """Store the outcome of a good or failed poll, and the events (changes of the org) that it causes.

        `polled` is the snapshot after the poll. Returns that snapshot and the events, merged with what
        other processes have stored.
        """
        polled_at, keep = polled.polls.attempted_at, self.retention
        if polled_at is None:
            return MergeResult(polled)

        def act(database: sqlite3.Connection) -> MergeResult:
            merged = merge(polled, _read_journaled_state(database, polled, now), policy, now)
            if merged.org_state:
                _write_snapshot(database, merged.snapshot, now)
                _write_recorded_poll(database, merged.snapshot, polled_at, merged.org_state)
                insert_events(database, merged.events, polled.org)
                prune_events(database, keep, now)
                if polled.polls.problem is None:
                    self.coverage.note(polled.org, policy, polled_at)
                self.coverage.write_if_due(database, keep, now)
            return merged

        return await self._database.transaction(act, MergeResult(polled))

    async def load_org(self, org: Org) -> Snapshot | None:
        """Return the last stored snapshot of an org, or None if the journal has no snapshot of it."""
        return await self._database.read(lambda database: _load_snapshot(database, org), None)

    async def load_recent(self, since: Mapping[Org, datetime], now: datetime) -> dict[str, Snapshot]:
        """Return the snapshots, by name, of those orgs whose last poll is recent and reached Zoho.

        `since` has the orgs and, for each, the time from which a poll by any process counts as recent.
        """

        def act(database: sqlite3.Connection) -> dict[str, Snapshot]:
            loaded = ((org, _load_recent(database, org, oldest, now)) for org, oldest in since.items())
            return {org.name: snapshot for org, snapshot in loaded if snapshot}

        nothing: dict[str, Snapshot] = {}
        return await self._database.read(act, nothing)

    async def rename_org(self, before: Org, after: Org) -> None:
        """Move an org's data in the journal to its new name and identity.

        If the identity (data center, OAuth client and hosts; see `Org.identity`) changes, only the events
        move, since Zoho may now answer for another org.
        """
        keys = (after.name, after.identity, before.name, before.identity)

        def act(database: sqlite3.Connection) -> None:
            if keys[:2] == keys[2:]:
                return
            if before.identity != after.identity:
                _delete_org(database, before)  # Zoho may answer for another org now
            known = (f"SELECT 1 FROM {table} WHERE {_OF_ORG}" for table in _TABLES_PER_ORG)
            if any(database.execute(query, keys[2:]).fetchone() for query in known):
                _delete_org(database, after)  # existing rows under the new name belong to another org
            tables = [*_TABLES_PER_ORG, "event"]
            if before.identity == after.identity:
                tables.append("coverage")  # coverage belongs to the identity
            for table in tables:
                database.execute(
                    f"UPDATE OR REPLACE {table} SET org = ?, identity = ? WHERE {_OF_ORG}", keys
                )

        await self._database.transaction(act, None)

    async def forget_org(self, org: Org) -> None:
        """Delete an org's data from the journal, except its events, its coverage and its lock-out."""
        await self._database.transaction(lambda database: _delete_org(database, org), None)

    async def probe(self) -> Problem | None:
        """Test whether the journal can be written, with a row that is deleted at once.

        Returns the problem of the journal, or None if the journal works.
        """

        def act(database: sqlite3.Connection) -> None:
            for statement in PROBE:
                database.execute(statement)

        await self._database.transaction(act, None)
        return self.problem

    async def close(self) -> None:
        """Close the journal after all pending writes; later calls store nothing."""
        await self.coverage.flush(self.retention)
        await self._database.close()


def open_journal(path: Path | None, clock: Clock | None = None, folders: Sequence[Path] = ()) -> Journal:
    """Open or create the journal in the file `path`, or in memory if `path` is None.

    `folders` are the folders for a fallback, best first, in case the file cannot be used.
    """
    return Journal(open_database(path, clock=clock, folders=folders))


@dataclass(frozen=True, slots=True)
class _RecordedPoll:
    """An org's last poll, as the journal has stored it."""

    at: datetime
    failures: int
    failing_since: datetime | None
    org_state: OrgState | None
    """The org state after the poll, or None if the stored org state is invalid."""
    problems: Problems | None
    """The problems of the poll, or None if the stored problems are invalid."""


def _load_snapshot(database: sqlite3.Connection, org: Org) -> Snapshot | None:
    """Return the last stored snapshot of an org, with its history and the count of its failed polls.

    Returns None if the snapshot is missing or invalid and no failed poll is stored.
    """
    row = _read_row(database, "SELECT body FROM snapshot", org)
    snapshot = decode_snapshot(org, row[0]) if row else None
    if snapshot:
        snapshot = _with_history(database, snapshot)
    attempt = _read_recorded_poll(database, org)
    if attempt is None or attempt.failures == 0:
        return snapshot
    if snapshot and snapshot.zoho.observed_at and snapshot.zoho.observed_at > attempt.at:
        return snapshot  # a sign-in polled the org after that failed poll
    known = snapshot or Snapshot(org, polls=PollState(restored=True))
    polls = replace(known.polls, failures=attempt.failures, failing_since=attempt.failing_since)
    return replace(known, polls=polls)


def _load_recent(database: sqlite3.Connection, org: Org, since: datetime, now: datetime) -> Snapshot | None:
    poll = _read_recorded_poll(database, org)
    if poll is None or poll.problems is None or poll.at < since:
        return None
    return snapshot_after(
        _load_snapshot(database, org) or Snapshot(org), poll.at, poll.problems, since, now
    )


def _with_history(database: sqlite3.Connection, snapshot: Snapshot) -> Snapshot:
    row = _read_row(database, "SELECT at, body FROM history", snapshot.org)
    at = _moment_in(row)
    history = decode_history(row[1]) if row else None
    if at is None or history is None:
        # Without the time, the history is requested again.
        return replace(snapshot, polls=replace(snapshot.polls, history_tried_at=None))
    return replace(snapshot, zoho=replace(snapshot.zoho, history=history, history_read_at=at))


def _read_journaled_state(database: sqlite3.Connection, polled: Snapshot, now: datetime) -> JournaledState:
    history_at = _moment_in(_read_row(database, "SELECT at FROM history", polled.org))
    later = history_at is not None and is_later(history_at, polled.zoho.history_read_at, now)
    attempt = _read_recorded_poll(database, polled.org)
    return JournaledState(
        _load_snapshot(database, polled.org) if later else None,
        attempt.at if attempt else None,
        attempt.org_state if attempt else None,
    )


def _write_snapshot(database: sqlite3.Connection, snapshot: Snapshot, now: datetime | None) -> None:
    """Store a snapshot and its history, each only if it is newer than what is stored.

    A stored time that lies after `now` is taken as wrong and is overwritten, unless `now` is None.
    """
    org, observed_at, read_at = snapshot.org, snapshot.zoho.observed_at, snapshot.zoho.history_read_at
    stored_observed_at = _moment_in(_read_row(database, "SELECT observed_at FROM snapshot", org))
    if observed_at and is_newer(observed_at, stored_observed_at, now):
        _upsert_row(database, "snapshot", org, encode_datetime(observed_at), encode_snapshot(snapshot))
    if read_at and snapshot.zoho.history:
        stored_read_at = _moment_in(_read_row(database, "SELECT at FROM history", org))
        if read_at != stored_read_at and is_newer(read_at, stored_read_at, now):
            _upsert_row(
                database, "history", org, encode_datetime(read_at), encode_history(snapshot.zoho.history)
            )


def _moment_in(row: tuple[str, ...] | None) -> datetime | None:
    return decode_or_none(lambda: decode_datetime(row[0])) if row else None


def _read_recorded_poll(database: sqlite3.Connection, org: Org) -> _RecordedPoll | None:
    row = _read_row(database, _RECORDED_POLL, org)
    if row is None:
        return None
    at, failures, since, body, problems = row

    def read() -> _RecordedPoll:
        began, state = since and decode_datetime(since), decode_org_state(body)
        found = decode_problems(problems)
        return _RecordedPoll(decode_datetime(at), decode_count(failures), began, state, found)

    return decode_or_none(read)


def _write_recorded_poll(
    database: sqlite3.Connection, snapshot: Snapshot, at: datetime, org_state: OrgState
) -> None:
    failures, since = snapshot.polls.failures, snapshot.polls.failing_since
    values = (encode_datetime(at), failures, since and encode_datetime(since), encode_org_state(org_state))
    _upsert_row(database, "poll_record", snapshot.org, *values, encode_problems(snapshot.polls))


def _read_row(database: sqlite3.Connection, query: str, org: Org) -> tuple[Any, ...] | None:
    """Return this org's row in the result of `query`, or None if the table has no row of the org."""
    found = database.execute(f"{query} WHERE {_OF_ORG}", (org.name, org.identity))
    row: tuple[Any, ...] | None = found.fetchone()
    return row


def _upsert_row(database: sqlite3.Connection, table: str, org: Org, *values: object) -> None:
    row = (org.name, org.identity, *values)
    marks = ", ".join("?" * len(row))
    database.execute(f"INSERT OR REPLACE INTO {table} VALUES ({marks})", row)


def _delete_org(database: sqlite3.Connection, org: Org) -> None:
    for table in _TABLES_PER_ORG:
        database.execute(f"DELETE FROM {table} WHERE {_OF_ORG}", (org.name, org.identity))
