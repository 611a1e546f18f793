"""The journal's file (SQLite): its schema, and the one thread that uses it.

A database that cannot be used stops nothing: what is wrong is told, and its callers go on without.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from zbtui.core.trouble import Trouble
from zbtui.store.paths import make_private_folder
from zbtui.store.worker import Worker

SCHEMA: Final = 3
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
    # A history is large and seldom changes: it is not written with each look, as a snapshot is.
    """
CREATE TABLE history (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE TABLE standing (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, attempted_at TEXT NOT NULL,
    failures INTEGER NOT NULL, failing_since TEXT, body TEXT NOT NULL
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, org TEXT NOT NULL, kind TEXT NOT NULL,
    before TEXT, after TEXT, level TEXT NOT NULL, headline TEXT NOT NULL
) STRICT;
CREATE INDEX events ON event (at);
CREATE INDEX events_of_org ON event (org, at);
CREATE TABLE told (
    org TEXT PRIMARY KEY, verdict TEXT NOT NULL, level INTEGER NOT NULL, told_at TEXT, looked_at TEXT
) STRICT;
CREATE TABLE outage (
    id INTEGER PRIMARY KEY CHECK (id = 1), since TEXT, told_at TEXT, ended TEXT
) STRICT;
CREATE TABLE alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, kind TEXT NOT NULL, org TEXT NOT NULL,
    before TEXT, verdict TEXT NOT NULL, level INTEGER NOT NULL, headline TEXT NOT NULL, hint TEXT
) STRICT;
CREATE TABLE delivery (
    alert INTEGER NOT NULL, sink TEXT NOT NULL, due TEXT NOT NULL, attempts INTEGER NOT NULL,
    PRIMARY KEY (alert, sink)
) STRICT;
""",
)
"""Each takes the journal from one schema to the next; the first one makes it."""

_PATIENCE: Final = 5.0
_YEARS: Final = range(1970, 3000)
"""Near the ends of `datetime`, reckoning with a moment overflows."""

T = TypeVar("T")


class Database:
    """Open with `open_database`. Nothing that SQLite refuses is raised: `trouble` says what it was."""

    def __init__(
        self,
        connection: sqlite3.Connection | None,
        trouble: Trouble | None = None,
        worker: Worker | None = None,
    ) -> None:
        """Args:
        worker: where the calls are made; None: in a thread of its own.
        """
        self._connection = connection
        self._spare: sqlite3.Connection | None = None
        self._worker = worker or Worker("zbtui-journal")
        self.trouble = trouble
        """Why it cannot be used; None: it can."""
        self.closed = False

    def read(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `act` returns; `otherwise`, where the database cannot be used. Blocks."""
        if self._connection is None:
            return otherwise
        try:
            return act(self._connection)
        except sqlite3.Error as error:
            self.trouble = _explain(error, "cannot be used")
            return otherwise

    def write(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """All that `act` does, or nothing of it, and no other process in between. Blocks.

        Returns what `act` returns; `otherwise`, where the database cannot be used.
        """

        def whole(connection: sqlite3.Connection) -> T:
            before = connection.total_changes
            with _transaction(connection):
                outcome = act(connection)
            if connection.total_changes > before:  # else it was not tried
                self.trouble = None
            return outcome

        return self.read(whole, otherwise)

    async def call(self, function: Callable[[], T]) -> T:
        """Have `function` called where it may block; one such call at a time."""
        return await self._worker.call(function)

    async def reading(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """`read`, off the event loop."""
        return await self.call(lambda: self.read(act, otherwise))

    async def writing(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """`write`, off the event loop."""
        return await self.call(lambda: self.write(act, otherwise))

    def spare(self) -> sqlite3.Connection:
        """An empty one in memory, of this process alone: for what must go on without the other."""
        if self._spare is None:
            self._spare = _connect(":memory:")
            _prepare(self._spare)
        return self._spare

    async def close(self) -> None:
        """Behind what waits to be written."""

        def close() -> None:
            self.closed = True
            for connection in (self._connection, self._spare):
                if connection is not None:
                    connection.close()
            self._connection = self._spare = None

        await self.call(close)


def open_database(path: Path | None, worker: Worker | None = None) -> Database:
    """The database at `path`, made where it is missing; None: one in memory.

    Never raises: one that cannot be opened is left as it is, and one that keeps nothing is returned,
    with its `trouble` set.

    Args:
        worker: where its calls are made; None: in a thread of its own.
    """
    connection: sqlite3.Connection | None = None
    try:
        if path is not None:
            make_private_folder(path.parent)
            path.touch(mode=0o600)
        connection = _connect(path or ":memory:")
        _prepare(connection)
        return Database(connection, worker=worker)
    except (sqlite3.Error, OSError) as error:
        if connection is not None:
            connection.close()
        return Database(None, _explain(error, f"{path} cannot be used"), worker)


def stamp(moment: datetime) -> str:
    """A moment as it is kept: in UTC, so that the order of the texts is that of the moments."""
    return moment.astimezone(UTC).isoformat()


def moment_of(text: str) -> datetime:
    """A moment that was kept.

    Raises:
        TypeError: it is no text.
        ValueError: it is no moment, one without a time zone, or one of another age.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS or moment.timestamp() < 0:
        raise ValueError("no moment")
    return moment


def _connect(place: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(place, timeout=_PATIENCE, check_same_thread=False, isolation_level=None)


def _prepare(connection: sqlite3.Connection) -> None:
    # WAL: readers and the writer of several processes do not block each other, and a process that
    # is killed loses nothing that was committed.
    _check_version(connection)
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # SQLite does not wait here by itself, while another process makes the same journal.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = NORMAL")
    with _transaction(connection):
        for migration in _MIGRATIONS[_check_version(connection) :]:
            for statement in filter(str.strip, migration.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it, or nothing; no other process in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors end it by themselves
            connection.execute("ROLLBACK")
        raise


def _check_version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > SCHEMA:
        raise sqlite3.DatabaseError("it was made by a newer zbtui")
    return int(version)


def _explain(error: Exception, what: str) -> Trouble:
    return Trouble(
        "config",
        f"The journal {what} ({error}).",
        "What is seen is shown, but not kept for the next start: check the disk and the rights of "
        "the folder that zbtui paths names.",
    )
