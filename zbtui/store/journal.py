"""The journal: what was last seen of each org, token requests and lock-outs (SQLite).

Shared by all zbtui processes of this user, and across restarts.

Everything goes through one thread. A journal that cannot be written stops nothing: what is wrong is
told, and the watch goes on.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from zbtui.core.backup import parse_job
from zbtui.core.org import Org
from zbtui.core.snapshot import Snapshot
from zbtui.core.text import clean
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.paths import make_private_folder
from zbtui.store.worker import Worker

SCHEMA: Final = 2
_MIGRATIONS: Final = (
    """
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE lockout (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, until TEXT NOT NULL, strikes INTEGER NOT NULL
) STRICT;
""",
    # A lock-out is Zoho's of a token, whichever org's name it is kept under.
    """
DROP TABLE lockout;
CREATE TABLE lockout (token TEXT PRIMARY KEY, until TEXT NOT NULL, strikes INTEGER NOT NULL) STRICT;
CREATE TABLE token_request (token TEXT NOT NULL, at REAL NOT NULL) STRICT;
CREATE INDEX token_requests ON token_request (token, at);
""",
)
"""Each takes the journal from one schema to the next; the first one makes it."""
_DATES: Final = ("observed_at", "running_since", "last_completed", "last_failed", "links_expire")

_PROBE: Final = "probe"
_PATIENCE: Final = 5.0
_KEPT_SECONDS: Final = 3600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Lockout:
    """The accounts host has shut its door on a refresh token ("Access Denied")."""

    until: datetime
    strikes: int
    """How often in a row."""


class Journal:
    """Open with `open_journal`. Its calls never raise: `trouble` says what does not work."""

    def __init__(self, database: sqlite3.Connection | None, trouble: Trouble | None) -> None:
        self._database = database
        self._worker = Worker("zbtui-journal")
        self._spent: dict[str, list[float]] = {}
        """Token requests of this process: they count where the database cannot be used."""
        self._untold: list[tuple[str, float]] = []
        """Those of them that the database is still to be told of."""
        self._lockouts: dict[str, Lockout] = {}
        """Those that came to this process, where the database cannot be used."""
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

    async def lockout(self, token: str) -> Lockout | None:
        """The lock-out of a token, by its fingerprint, over or not; None: there was none since."""
        query = "SELECT until, strikes FROM lockout WHERE token = ?"
        row = await self._worker.call(
            lambda: self._run(lambda database: database.execute(query, (token,)).fetchone(), None)
        )
        try:
            return Lockout(_moment(row[0]), row[1]) if row else self._lockouts.get(token)
        except ValueError:
            return None

    async def set_lockout(self, token: str, lockout: Lockout | None) -> None:
        self._lockouts.pop(token, None)
        if lockout is None:
            await self._write("DELETE FROM lockout WHERE token = ?", (token,))
            return
        self._lockouts[token] = lockout
        await self._write(
            "INSERT OR REPLACE INTO lockout VALUES (?, ?, ?)",
            (token, lockout.until.isoformat(), lockout.strikes),
        )

    async def spend(self, token: str, now: datetime, limit: int, window: timedelta) -> datetime | None:
        """Note a request that is about to be made with a token, unless it would be one too many.

        Counted over all processes at once. Where the journal cannot be used, this process counts
        for itself.

        Args:
            token: its fingerprint.
            limit: how many are allowed within `window`.

        Returns:
            None: noted, go ahead. Else from when on there is room for one more; nothing was noted.
        """
        at, span = now.timestamp(), window.total_seconds()

        def act(database: sqlite3.Connection) -> list[float]:
            with _transaction(database):
                database.executemany("INSERT INTO token_request VALUES (?, ?)", self._untold)
                # From a moment that is yet to come: the clock was ahead then.
                database.execute("UPDATE token_request SET at = ? WHERE at > ?", (at, at))
                database.execute("DELETE FROM token_request WHERE at < ?", (at - _KEPT_SECONDS,))
                query = "SELECT at FROM token_request WHERE token = ? AND at > ? ORDER BY at"
                made = [float(row[0]) for row in database.execute(query, (token, at - span))]
                if len(made) < limit:
                    database.execute("INSERT INTO token_request VALUES (?, ?)", (token, at))
            self._untold.clear()
            return made

        def run() -> list[float]:
            made = self._run(act, None)
            own = [min(one, at) for one in self._spent.get(token, []) if one > at - span]
            if made is None:
                made = own
                if len(made) < limit:
                    self._untold.append((token, at))
            self._spent[token] = [*own, at] if len(made) < limit else own
            return made

        made = await self._worker.call(run)
        return None if len(made) < limit else datetime.fromtimestamp(made[-limit] + span, UTC)

    async def give_back(self, token: str) -> None:
        """What `spend` noted did not come about."""
        self._spent.pop(token, None)
        self._untold = [(one, at) for one, at in self._untold if one != token]
        await self._write("DELETE FROM token_request WHERE token = ?", (token,))

    async def rename(self, before: str, after: str) -> None:
        """Keep what was seen of an org under its new name."""
        await self._write("UPDATE OR REPLACE snapshot SET org = ? WHERE org = ?", (after, before))

    async def forget(self, org_name: str) -> None:
        """Drop what was seen of an org. A lock-out stays: Zoho keeps it, whoever is under watch."""
        await self._write("DELETE FROM snapshot WHERE org = ?", (org_name,))

    async def probe(self) -> Trouble | None:
        """Have a row written, and deleted again; why that does not work, None: it does."""
        await self._write("INSERT INTO token_request VALUES (?, 0)", (_PROBE,))
        if self.trouble is None:  # else a row that is not there is deleted without any trouble
            await self._write("DELETE FROM token_request WHERE token = ?", (_PROBE,))
        return self.trouble

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
    with _transaction(database):
        for migration in _MIGRATIONS[_check_version(database) :]:
            for statement in filter(str.strip, migration.split(";")):
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA}")


@contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing; no other process in between."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
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
