"""The journal: what was last seen of each org, and lock-outs, across restarts and processes (SQLite).

Everything goes through one thread. A journal that cannot be written stops nothing: what is wrong is
told, and the watch goes on.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from zbtui.core.backup import parse_job
from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.core.text import clean
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.paths import make_private_folder
from zbtui.store.worker import Worker

SCHEMA: Final = 1
_CREATE: Final = """
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE lockout (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, until TEXT NOT NULL, strikes INTEGER NOT NULL
) STRICT;
"""
_DATES: Final = ("observed_at", "running_since", "last_completed", "last_failed", "links_expire")

_PATIENCE: Final = 5.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lockout:
    """The accounts host has shut its door on an org's refresh token ("Access Denied")."""

    until: datetime
    strikes: int
    """How often in a row."""


class Journal:
    """Open with `open_journal`. Its calls never raise: `trouble` says what does not work."""

    def __init__(self, database: sqlite3.Connection | None, trouble: Trouble | None) -> None:
        self._database = database
        self._worker = Worker("zbtui-journal")
        self.trouble = trouble
        """Why it is not being kept; None: it is."""

    def load(self, orgs: Iterable[Org]) -> dict[str, Snapshot]:
        """What was last seen of these orgs, by name. Blocks: for before the event loop runs."""
        wanted = {org.name: org for org in orgs}
        query = "SELECT org, identity, body FROM snapshot"
        nothing: list[Any] = []
        rows = self._run(lambda database: database.execute(query).fetchall(), nothing)
        return {
            name: snapshot
            for name, identity, body in rows
            if (org := wanted.get(name)) and org.identity == identity
            if (snapshot := _decode(org, body))
        }

    async def save(self, snapshot: Snapshot) -> None:
        """Keep what was seen; of several processes, the newest look wins."""
        if snapshot.observed_at is None:
            return
        row = (
            snapshot.org.name,
            snapshot.org.identity,
            snapshot.observed_at.isoformat(),
            _encode(snapshot),
        )
        await self._write(
            "INSERT INTO snapshot VALUES (?, ?, ?, ?) ON CONFLICT (org) DO UPDATE SET"
            " identity = excluded.identity, observed_at = excluded.observed_at, body = excluded.body"
            " WHERE excluded.identity <> identity OR excluded.observed_at >= observed_at",
            row,
        )

    async def lockout(self, org: Org) -> Lockout | None:
        """The lock-out of this org's refresh token, over or not; None: there was none since."""
        query = "SELECT until, strikes FROM lockout WHERE org = ? AND identity = ?"
        row = await self._worker.call(
            lambda: self._run(
                lambda database: database.execute(query, (org.name, org.identity)).fetchone(), None
            )
        )
        try:
            return Lockout(_moment(row[0]), row[1]) if row else None
        except ValueError:
            return None

    async def set_lockout(self, org: Org, lockout: Lockout | None) -> None:
        if lockout is None:
            await self._write("DELETE FROM lockout WHERE org = ?", (org.name,))
            return
        await self._write(
            "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?, ?)",
            (org.name, org.identity, lockout.until.isoformat(), lockout.strikes),
        )

    async def forget(self, org_name: str) -> None:
        """Drop what was seen of an org. A lock-out stays: Zoho keeps it, whoever is under watch."""
        await self._write("DELETE FROM snapshot WHERE org = ?", (org_name,))

    async def close(self) -> None:
        def close() -> None:  # behind what waits to be written
            database, self._database = self._database, None
            if database is not None:
                database.close()

        await self._worker.call(close)

    async def _write(self, statement: str, values: tuple[object, ...]) -> None:
        def act(database: sqlite3.Connection) -> None:
            with database:
                database.execute(statement, values)
            self.trouble = None

        def run() -> None:
            self._run(act, None)

        await self._worker.call(run)

    def _run(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        if self._database is None:
            return otherwise
        try:
            return act(self._database)
        except sqlite3.Error as error:
            self.trouble = _explain(error, "cannot be used")
            return otherwise


def open_journal(path: Path | None) -> Journal:
    """The journal at `path`, made where it is missing; None: one in memory, for the demo.

    Never raises: a journal that cannot be opened is left as it is, and one that keeps nothing is
    returned, with its `trouble` set.
    """
    database: sqlite3.Connection | None = None
    try:
        if path is not None:
            make_private_folder(path.parent)
            path.touch(mode=0o600)
        database = sqlite3.connect(
            path or ":memory:", timeout=_PATIENCE, check_same_thread=False, isolation_level=None
        )
        _prepare(database)
        return Journal(database, None)
    except (sqlite3.Error, OSError) as error:
        if database is not None:
            database.close()
        return Journal(None, _explain(error, f"{path} cannot be used"))


def _prepare(database: sqlite3.Connection) -> None:
    # WAL: readers and the writer of several processes do not block each other, and a process that
    # is killed loses nothing that was committed.
    _check_version(database)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # SQLite does not wait here by itself, while another process makes the same journal.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("BEGIN IMMEDIATE")
    try:
        if _check_version(database) == 0:
            for statement in filter(str.strip, _CREATE.split(";")):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {SCHEMA}")
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


def _check_version(database: sqlite3.Connection) -> int:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA:
        raise sqlite3.DatabaseError("it was made by a newer zbtui")
    return int(version)


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    return moment


def _encode(snapshot: Snapshot) -> str:
    body: dict[str, Any] = {
        "backup": snapshot.backup and snapshot.backup.as_dict(),
        "clock_offset": snapshot.clock_offset.total_seconds(),
        "after_failure": snapshot.after_failure,
        "company": snapshot.company,
    }
    for key in _DATES:
        moment: datetime | None = getattr(snapshot, key)
        body[key] = moment and moment.isoformat()
    return json.dumps(body, ensure_ascii=False)


def _decode(org: Org, text: str) -> Snapshot | None:
    """None where a row is not understood: it is only a memory, and is soon written anew."""
    try:
        body = json.loads(text)
        dates: dict[str, Any] = {key: body[key] and _moment(body[key]) for key in _DATES}
        return Snapshot(
            org,
            backup=parse_job(body["backup"]),
            clock_offset=timedelta(seconds=body["clock_offset"]),
            after_failure=body["after_failure"],
            company=body["company"] and clean(body["company"]),
            restored=True,
            **dates,
        )
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError, TroubleError):
        return None


def _explain(error: Exception, what: str) -> Trouble:
    return Trouble(
        "config",
        f"The journal {what} ({error}).",
        "What is seen is shown, but not kept for the next start: check the disk and the rights of "
        "the folder that zbtui paths names.",
    )
