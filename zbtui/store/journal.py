"""The journal: snapshots, org states, events, coverage, alert states, the outbox, and token requests.

All zbtui processes of this user share the journal. Each process uses one thread for it. If the journal
cannot be written, the watch goes on, and `Journal.problem` says why.
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

_TABLES_PER_ORG: Final = ("snapshot", "history", "poll_record", "notified")
"""The tables that hold one row for each org."""
_RECORDED_POLL: Final = "SELECT attempted_at, failures, failing_since, body, problems FROM poll_record"
_OF_ORG: Final = "org = ? AND identity = ?"
"""The condition for the rows of one org: two configs may have different orgs of the same name."""


class Journal:
    """Reads and writes the journal; open it with `open_journal`. No call raises: see `problem`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.tokens = TokenBudget(database)
        self.events = EventLog(database)
        self.outbox = Outbox(database)
        self.refusals = RefusalLog(database)
        self.coverage = CoverageLog(database)
        self.retention = JournalRetention()
        """For how long, and how many, events `record_poll` keeps."""

    @property
    def problem(self) -> Problem | None:
        """Why the journal cannot be used; None: the journal works."""
        return self._database.problem

    def load_all(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        """The last snapshots of these orgs, by name. Blocks; for use before the event loop runs."""

        def act(database: sqlite3.Connection) -> dict[str, Snapshot]:
            return {org.name: snapshot for org in orgs if (snapshot := _load_snapshot(database, org))}

        nothing: dict[str, Snapshot] = {}
        return self._database.read_blocking(act, nothing)

    async def save(self, snapshot: Snapshot) -> None:
        """Store a snapshot, unless the journal has a newer one from another process."""
        await self._database.transaction(lambda database: _write_snapshot(database, snapshot, None), None)

    async def record_poll(self, polled: Snapshot, policy: WatchPolicy, now: datetime) -> MergeResult:
        """Store a good or failed poll and the events that it causes; return the result of `merge`."""
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
        """The last snapshot of an org; None: the journal has none."""
        return await self._database.read(lambda database: _load_snapshot(database, org), None)

    async def load_recent(self, since: Mapping[Org, datetime], now: datetime) -> dict[str, Snapshot]:
        """The snapshots, by name, of the orgs that any process polled at or after the moment in `since`."""

        def act(database: sqlite3.Connection) -> dict[str, Snapshot]:
            loaded = ((org, _load_recent(database, org, oldest, now)) for org, oldest in since.items())
            return {org.name: snapshot for org, snapshot in loaded if snapshot}

        nothing: dict[str, Snapshot] = {}
        return await self._database.read(act, nothing)

    async def rename_org(self, before: Org, after: Org) -> None:
        """Move the data on an org to its new name; if its identity changes too, move only its events."""
        keys = (after.name, after.identity, before.name, before.identity)

        def act(database: sqlite3.Connection) -> None:
            if keys[:2] == keys[2:]:
                return
            if before.identity != after.identity:
                _delete_org(database, before)  # Zoho may answer for another org now
            known = (f"SELECT 1 FROM {table} WHERE {_OF_ORG}" for table in _TABLES_PER_ORG)
            if any(database.execute(query, keys[2:]).fetchone() for query in known):
                _delete_org(database, after)  # rows under the new name belong to another org
            tables = [*_TABLES_PER_ORG, "event"]
            if before.identity == after.identity:
                tables.append("coverage")  # coverage belongs to the identity
            for table in tables:
                database.execute(
                    f"UPDATE OR REPLACE {table} SET org = ?, identity = ? WHERE {_OF_ORG}", keys
                )

        await self._database.transaction(act, None)

    async def forget_org(self, org: Org) -> None:
        """Delete the data on an org, except its events, its coverage and its lock-out."""
        await self._database.transaction(lambda database: _delete_org(database, org), None)

    async def probe(self) -> Problem | None:
        """Test writing, with a row that is deleted at once; return the problem, or None."""

        def act(database: sqlite3.Connection) -> None:
            for statement in PROBE:
                database.execute(statement)

        await self._database.transaction(act, None)
        return self.problem

    async def close(self) -> None:
        """Close after pending writes; later calls store nothing."""
        await self.coverage.flush(self.retention)
        await self._database.close()


def open_journal(path: Path | None, clock: Clock | None = None, folders: Sequence[Path] = ()) -> Journal:
    """Open or create the journal at `path` (None: in memory). Arguments: see `open_database`."""
    return Journal(open_database(path, clock=clock, folders=folders))


@dataclass(frozen=True, slots=True)
class _RecordedPoll:
    """An org's last poll, as stored."""

    at: datetime
    failures: int
    failing_since: datetime | None
    org_state: OrgState | None
    """None: the stored state is invalid."""
    problems: Problems | None
    """None: the stored problems are invalid."""


def _load_snapshot(database: sqlite3.Connection, org: Org) -> Snapshot | None:
    """The last snapshot of an org, with its history and its failed polls; None: not stored, or invalid."""
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
    """Store a snapshot if it is newer than the stored one; its history likewise.

    A stored time after `now` is wrong and is overwritten; if `now` is None, it counts as newer.
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
    """The row of this org, by name and identity; None: the table has none."""
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
