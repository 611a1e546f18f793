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

from zbtui.clock import Clock, SystemClock
from zbtui.core.trouble import Trouble
from zbtui.private_files import make_private_folder
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
"""Seconds to wait for another process that writes."""
_IMPATIENCE: Final = 0.2
"""The same while there is trouble: whoever waits for the one thread waits for this, too."""
RETRY_SECONDS: Final = 5.0
"""Between two attempts to open what cannot be used."""
_YEARS: Final = range(1970, 3000)
"""Near the ends of `datetime`, reckoning with a moment overflows."""

T = TypeVar("T")


class Database:
    """The database at a path. Nothing that SQLite refuses is raised: `trouble` says what it was.

    What cannot be used is opened anew, now and then, by whoever next wants something of it: until then
    it may have been unlocked, given its rights or its room back, or put aside.
    """

    def __init__(self, path: Path | None, worker: Worker | None = None, clock: Clock | None = None) -> None:
        """See `open_database`."""
        self._path = path
        self._worker = worker or Worker("zbtui-journal")
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """What `_connection` writes to, whatever stands at the path by now."""
        self._tried_at = 0.0
        self._spare: sqlite3.Connection | None = None
        self.trouble: Trouble | None = None
        """Why it cannot be used; None: it can."""
        self.closed = False
        self._open(_PATIENCE)

    def read(self, act: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """What `act` returns; `otherwise`, where the database cannot be used. Blocks."""
        connection = self._usable()
        if connection is None:
            return otherwise
        try:
            return act(connection)
        except sqlite3.Error as error:
            self._note(_explain(error, "cannot be used"))
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
                self._note(None)
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
            self._spare = _connect(":memory:", _PATIENCE)
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

    def _usable(self) -> sqlite3.Connection | None:
        """The connection, opened anew where that is due; None: there is none."""
        if self.closed:
            return None
        if self.trouble:
            is_due = self._clock.monotonic() - self._tried_at >= RETRY_SECONDS
        else:  # somebody may have taken the file away: what is written to it is kept nowhere
            is_due = self._file != _file_at(self._path)
        if is_due:
            self._open(_IMPATIENCE)
        return self._connection

    def _open(self, patience: float) -> None:
        """Take a new connection, where there is one to be had; else the one that there is stays."""
        try:
            if self._path is not None:
                make_private_folder(self._path.parent)
                if not self._path.exists():  # to open and close it would end the locks on it
                    self._path.touch(mode=0o600)
            connection = _connect(self._path or ":memory:", patience)
        except (sqlite3.Error, OSError) as error:
            if self._file != _file_at(self._path):
                self._take(None)
            self._note(_explain(error, f"{self._path} cannot be used"))
        else:
            self._take(connection)
        self._tried_at = self._clock.monotonic()

    def _take(self, connection: sqlite3.Connection | None) -> None:
        before, self._connection = self._connection, connection
        self._file = _file_at(self._path) if connection else None
        if before is not None:
            before.close()
        self._note(self.trouble)

    def _note(self, trouble: Trouble | None) -> None:
        self.trouble = trouble
        if self._connection is not None:
            patience = _IMPATIENCE if trouble else _PATIENCE
            self._connection.execute(f"PRAGMA busy_timeout = {patience * 1000:.0f}")


def open_database(path: Path | None, worker: Worker | None = None, clock: Clock | None = None) -> Database:
    """The database at `path`, made where it is missing; None: one in memory. Blocks.

    Never raises: one that cannot be opened is left as it is, and one that keeps nothing is returned,
    with its `trouble` set.

    Args:
        worker: where its calls are made; None: in a thread of its own.
        clock: by which it is tried again; None: this machine's.
    """
    return Database(path, worker, clock)


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


def _file_at(path: Path | None) -> tuple[int, int] | None:
    """Which file stands there."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None


def _connect(place: Path | str, patience: float) -> sqlite3.Connection:
    """Raises:
    sqlite3.Error: it cannot be opened, or made.
    """
    connection = sqlite3.connect(place, timeout=patience, check_same_thread=False, isolation_level=None)
    try:
        _prepare(connection, patience)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, patience: float) -> None:
    # WAL: readers and the writer of several processes do not block each other, and a process that
    # is killed loses nothing that was committed.
    _check_version(connection)
    deadline = time.monotonic() + patience
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
    if _check_version(connection) == SCHEMA:
        return  # who only reads needs not wait for who writes
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
    said = error.strerror if isinstance(error, OSError) else error
    return Trouble(
        "config",
        f"The journal {what} ({said}).",
        "What is seen is shown, but not kept for the next start. It is tried again by itself: check the "
        "disk and the rights of the folder that zbtui paths names.",
    )
