"""The journal's SQLite database, used from one thread.

While the database fails, the watch goes on: `problem` says why, and a fallback in another folder or in
memory (`zbtui.store.fallback`) replaces the database. Every 5 s the database is tried again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from zbtui.clock import Clock, SystemClock
from zbtui.model.problem import Problem
from zbtui.private_files import make_private_folder, tighten
from zbtui.store.fallback import (
    Rows,
    absorb_leftover,
    copy_rows,
    essential_rows,
    fallback_files,
    move_back,
    open_fallback,
    readable_rows,
)
from zbtui.store.schema import NewerSchemaError, connect, transaction
from zbtui.store.worker import WorkerThread

_BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process that writes."""
_RETRY_BUSY_TIMEOUT: Final = 0.2
"""The same while the database fails; shorter, since all calls wait for the one thread."""
REOPEN_AFTER_SECONDS: Final = 5.0
"""The pause between two attempts to reopen the database."""
_YEARS: Final = range(1970, 3000)
"""The years of a valid moment; near the limits of `datetime`, arithmetic overflows."""
PROBE: Final = (
    "INSERT INTO token_request (token, at) VALUES ('probe', 0)",
    "DELETE FROM token_request WHERE token = 'probe'",
)
"""Statements that test writing and leave no row; run them in one transaction."""

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], T]


class Database:
    """The database at a path, or its fallback. No call raises SQLite's errors: see `problem`."""

    def __init__(
        self,
        path: Path | None,
        worker: WorkerThread | None = None,
        clock: Clock | None = None,
        folders: Sequence[Path] = (),
    ) -> None:
        """Open the database; for the arguments, see `open_database`."""
        self._path = path
        self._fallbacks: list[Path | None] = [*fallback_files(folders, path), None] if path else []
        """The fallbacks, best first; None: in memory."""
        self._worker = worker or WorkerThread("zbtui-journal")
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        """The connection to the database or to the fallback in use; None: no fallback can be opened."""
        self._used = 0
        """How many fallbacks were tried since the database failed; 0 while the database works."""
        self._file: tuple[int, int] | None = None
        """Device and inode of the open file: a file may be replaced while it is open."""
        self._leftovers: list[Path] = []
        """Fallbacks in which an earlier process may have left rows."""
        self._essential: Rows = {}
        """The essential rows (see `essential_rows`) as last read or written by this process."""
        self._tried_at = 0.0
        self._subject = "The journal"
        self.problem: Problem | None = None
        """Why the database cannot be used; None: the database works."""
        self.closed = False
        self._open(_BUSY_TIMEOUT)

    async def read(self, act: Act[T], default: T) -> T:
        """Run `act` without waiting for writers; return its result, or `default` once closed."""
        return await self._worker.call(lambda: self.read_blocking(act, default))

    async def transaction(self, act: Act[T], default: T, *, essential: bool = False) -> T:
        """Run `act` in one transaction, with no other process in between; return its result.

        `act` runs in the database's thread, and again on a fallback if the database fails. `default` is
        the result once closed. `essential`: `act` writes rows that must survive an unreadable database.
        """
        return await self._worker.call(lambda: self._run(act, default, writes=True, essential=essential))

    def read_blocking(self, act: Act[T], default: T) -> T:
        """As `read`, but in the caller's thread, before the event loop runs."""
        return self._run(act, default)

    async def close(self) -> None:
        """Close after pending writes."""

        def close() -> None:
            self.closed = True
            self._use(None)

        await self._worker.call(close)

    def _run(self, act: Act[T], default: T, *, writes: bool = False, essential: bool = False) -> T:
        if self.closed:
            return default
        if self._is_due():
            self._open(_RETRY_BUSY_TIMEOUT)
        while (connection := self._connection) is not None:
            try:
                if not writes:
                    return act(connection)
                while self._leftovers:
                    absorb_leftover(self._leftovers.pop(), connection, _RETRY_BUSY_TIMEOUT)
                with transaction(connection):
                    outcome = act(connection)
                if essential:
                    self._essential = {**self._essential, **essential_rows(connection)}
                return outcome
            except sqlite3.Error as error:
                if not self._used:
                    self._set_problem(error, "The journal")
                if self._used == len(self._fallbacks):
                    return default
                self._fall_back()
        return default

    def _is_due(self) -> bool:
        """Whether to open the database now: 5 s after a failed attempt, or if its file was replaced."""
        if self._used:
            return self._clock.monotonic() - self._tried_at >= REOPEN_AFTER_SECONDS
        # Rows written to a removed file would be lost.
        return self._file != _file_identity(self._path)

    def _open(self, patience: float) -> None:
        """Open the database and move the fallback's rows into it; if that fails, use a fallback."""
        self._tried_at = self._clock.monotonic()
        try:
            connection = self._open_database_file(patience)
        except (sqlite3.Error, OSError) as error:
            if self._used:  # the message keeps its subject
                self._set_problem(error)
            else:
                self._set_problem(error, f"The journal {self._path}")
                self._fall_back()
            return
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT * 1000:.0f}")
        self._use(connection)
        self._used, self._file, self.problem = 0, _file_identity(self._path), None
        self._leftovers = [file for file in self._fallbacks if file and file.exists()]
        self._essential = essential_rows(connection)

    def _open_database_file(self, patience: float) -> sqlite3.Connection:
        if self._path is not None:
            make_private_folder(self._path.parent)
            if not self._path.exists():  # opening and closing the file would release its locks
                self._path.touch(mode=0o600)
            tighten(self._path.parent)
            for end in ("", "-wal", "-shm"):
                tighten(self._path.with_name(self._path.name + end))
        connection = connect(self._path, patience)
        try:
            if self._used:
                with transaction(connection):  # a readable database may not be writable
                    for statement in PROBE:
                        connection.execute(statement)
                if self._connection:
                    move_back(self._connection, connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _fall_back(self) -> None:
        """Switch to the next fallback that works, and copy the rows that can still be read into it."""
        rows = {**self._essential, **(readable_rows(self._connection) if self._connection else {})}
        self._use(None)
        while self._connection is None and self._used < len(self._fallbacks):
            file = self._fallbacks[self._used]
            self._used += 1
            with suppress(sqlite3.Error, OSError):
                connection = open_fallback(file, _BUSY_TIMEOUT) if file else connect(None, _BUSY_TIMEOUT)
                self._use(connection)
                with transaction(connection):
                    copy_rows(rows, connection)
                continue
            self._use(None)

    def _use(self, connection: sqlite3.Connection | None) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = connection

    def _set_problem(self, error: Exception, subject: str | None = None) -> None:
        """Set `problem`; `subject` begins its message (None: the last subject)."""
        self._tried_at, self._subject = self._clock.monotonic(), subject or self._subject
        reason = error.strerror if isinstance(error, OSError) else error
        hint = "Start the newer zbtui." if isinstance(error, NewerSchemaError) else _HINT
        self.problem = Problem("config", f"{self._subject} cannot be used ({reason}).", hint)


_HINT: Final = (
    "What is seen is shown, but not kept for the next start. It is tried again by itself: check the "
    "disk and the rights of the folder that zbtui paths names."
)


def open_database(
    path: Path | None,
    worker: WorkerThread | None = None,
    clock: Clock | None = None,
    folders: Sequence[Path] = (),
) -> Database:
    """Open or create the database at `path` (None: in memory). Blocks, and never raises.

    If the file cannot be opened, it stays unchanged, `problem` is set, and a fallback is used: in one of
    `folders`, best first, else in memory.
    """
    return Database(path, worker, clock, folders)


def encode_datetime(moment: datetime) -> str:
    """Encode a moment as ISO 8601 in UTC; such texts sort by time."""
    return moment.astimezone(UTC).isoformat()


def decode_datetime(text: str) -> datetime:
    """Decode a stored moment.

    Raises `TypeError` if it is no text, and `ValueError` if it is no moment, has no time zone, or lies
    before 1970 or after 2999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS or moment.timestamp() < 0:
        raise ValueError("no moment")
    return moment


def _file_identity(path: Path | None) -> tuple[int, int] | None:
    """Device and inode of a file; None: no such file."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None
