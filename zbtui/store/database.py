"""Opens and uses the journal's SQLite database, from one thread.

While the database fails, zbtui goes on with a fallback database in another folder or in memory (see
`zbtui.store.fallback`), and `Database.problem` says why. It tries the failed database again every 5 s.
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
"""How many seconds to wait while another process writes to the database."""
_RETRY_BUSY_TIMEOUT: Final = 0.2
"""How many seconds to wait for another process at each retry of a failed database.

Shorter than `_BUSY_TIMEOUT`, since all other calls wait for the one thread that retries.
"""
REOPEN_AFTER_SECONDS: Final = 5.0
"""The pause between two attempts to reopen a failed database."""
_YEARS: Final = range(1970, 3000)
"""The years in which a valid stored time lies; near the limits of `datetime`, arithmetic overflows."""
PROBE: Final = (
    "INSERT INTO token_request (token, at) VALUES ('probe', 0)",
    "DELETE FROM token_request WHERE token = 'probe'",
)
"""The statements that test whether the database can be written; in one transaction, they leave no row."""

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], T]


class Database:
    """The journal's database, or the fallback that replaces it while it fails.

    No call raises SQLite's errors; `problem` describes the last error.
    """

    def __init__(
        self,
        path: Path | None,
        worker: WorkerThread | None = None,
        clock: Clock | None = None,
        folders: Sequence[Path] = (),
    ) -> None:
        """Open the database; the arguments are those of `open_database`."""
        self._path = path
        self._fallbacks: list[Path | None] = [*fallback_files(folders, path), None] if path else []
        """The files of the fallbacks, best first; None stands for a fallback in memory."""
        self._worker = worker or WorkerThread("zbtui-journal")
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        """The connection to the database or to the fallback in use.

        It is None if no fallback can be opened either, and after `close`.
        """
        self._used = 0
        """The number of fallbacks tried since the database failed; 0 while the database works."""
        self._file: tuple[int, int] | None = None
        """The device and inode of the open database file, which show whether the file was replaced."""
        self._leftovers: list[Path] = []
        """The fallback files in which an earlier process may have left rows."""
        self._essential: Rows = {}
        """The rows that must survive an unreadable database, as this process last read or wrote them."""
        self._tried_at = 0.0
        self._subject = "The journal"
        self.problem: Problem | None = None
        """The reason why the database cannot be used, or None if it works."""
        self.closed = False
        self._open(_BUSY_TIMEOUT)

    async def read(self, act: Act[T], default: T) -> T:
        """Run `act`, which only reads, in the database's thread, and return its result.

        `act` does not wait for processes that write. The result is `default` if the database is closed,
        or if it and all fallbacks fail.
        """
        return await self._worker.call(lambda: self.read_blocking(act, default))

    async def transaction(self, act: Act[T], default: T, *, essential: bool = False) -> T:
        """Run `act` in the database's thread, in a write transaction, and return its result.

        If the database fails, `act` runs again on a fallback. The result is `default` if the database is
        closed, or if it and all fallbacks fail. Set `essential` if `act` writes rows that must survive an
        unreadable database.
        """
        return await self._worker.call(lambda: self._run(act, default, writes=True, essential=essential))

    def read_blocking(self, act: Act[T], default: T) -> T:
        """Do the same as `read` in the caller's thread; for use before the event loop runs."""
        return self._run(act, default)

    async def close(self) -> None:
        """Close the database after all pending reads and writes."""

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
        """Return whether to open the database now.

        True at least 5 s after a failed attempt, or if the database's file was replaced or removed.
        """
        if self._used:
            return self._clock.monotonic() - self._tried_at >= REOPEN_AFTER_SECONDS
        # Rows written to a removed file would be lost.
        return self._file != _file_identity(self._path)

    def _open(self, patience: float) -> None:
        """Open the database and move the current fallback's rows into it.

        If the database cannot be opened, set `problem` and use a fallback. `patience` is how many seconds
        to wait while another process writes.
        """
        self._tried_at = self._clock.monotonic()
        try:
            connection = self._open_database_file(patience)
        except (sqlite3.Error, OSError) as error:
            if self._used:  # the message keeps the subject of the first failure
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
        """Switch to the next fallback that works, and copy the rows that can still be read to it.

        If no fallback works, `_connection` is None.
        """
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
        """Set `problem`, whose message begins with `subject`, or if that is None, with the last subject."""
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
    """Open or create the database file `path`, or a database in memory if `path` is None.

    The call blocks, and never raises. If the file cannot be opened, the file stays unchanged, the result's
    `problem` says why, and a fallback is used: in the first usable folder of `folders`, else in memory.
    """
    return Database(path, worker, clock, folders)


def encode_datetime(moment: datetime) -> str:
    """Encode a time as an ISO 8601 text in UTC; sorting such texts alphabetically sorts them by time."""
    return moment.astimezone(UTC).isoformat()


def decode_datetime(text: str) -> datetime:
    """Decode a stored time, which is an ISO 8601 text.

    Raises `TypeError` if `text` is no string, and `ValueError` if it is no valid time, has no time zone,
    or lies before 1970 or after 2999.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS or moment.timestamp() < 0:
        raise ValueError("no moment")
    return moment


def _file_identity(path: Path | None) -> tuple[int, int] | None:
    """Return the device and inode of a file, or None if `path` is None or the file cannot be found."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None
