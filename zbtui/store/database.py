"""The journal's database (SQLite), used by one thread, and what stands in for it while it fails.

A database that cannot be used stops nothing. What is wrong is said, and a fallback takes its place: a
database in another folder, else in memory (`zbtui.store.fallback`). Every few seconds its own place is
tried again.
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
from zbtui.private_files import make_private_folder
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
"""The same while there is trouble: whoever waits for the one thread waits for this, too."""
REOPEN_AFTER_SECONDS: Final = 5.0
"""Between two attempts to use the place of its own again."""
_YEARS: Final = range(1970, 3000)
"""Near the ends of `datetime`, reckoning with a moment overflows."""
PROBE: Final = (
    "INSERT INTO token_request (token, at) VALUES ('probe', 0)",
    "DELETE FROM token_request WHERE token = 'probe'",
)
"""Within a transaction: shows whether it can be written, and leaves nothing."""

T = TypeVar("T")
Act = Callable[[sqlite3.Connection], T]


class Database:
    """The database at a path, or its fallback. Nothing that SQLite refuses is raised: see `trouble`."""

    def __init__(
        self,
        path: Path | None,
        worker: WorkerThread | None = None,
        clock: Clock | None = None,
        folders: Sequence[Path] = (),
    ) -> None:
        """See `open_database`."""
        self._path = path
        self._fallbacks: list[Path | None] = [*fallback_files(folders, path), None] if path else []
        """Best first; None: in memory."""
        self._worker = worker or WorkerThread("zbtui-journal")
        self._clock = clock or SystemClock()
        self._connection: sqlite3.Connection | None = None
        """To its own place, or to the fallback in use; None: no fallback could be opened."""
        self._used = 0
        """How many of the fallbacks were tried since its own place failed; 0: that is in use."""
        self._file: tuple[int, int] | None = None
        """What the connection writes to, whatever stands at the path by now."""
        self._left: list[Path] = []
        """Fallbacks in which another process may have left something."""
        self._essential: Rows = {}
        """What must not be forgotten, as this process read or wrote it last."""
        self._tried_at = 0.0
        self._what = "The journal"
        self.problem: Problem | None = None
        """Why its own place cannot be used; None: it can."""
        self.closed = False
        self._open(_BUSY_TIMEOUT)

    async def read(self, act: Act[T], default: T) -> T:
        """What `act` returns; it waits for nobody who writes. `default`: the database is closed."""
        return await self._worker.call(lambda: self.read_blocking(act, default))

    async def transaction(self, act: Act[T], default: T, *, essential: bool = False) -> T:
        """Have all done that `act` does, or nothing of it, with no other process in between.

        Args:
            act: works on the connection, in the one thread; done again on a fallback where this one fails.
            default: what is returned where the database is closed.
            essential: it writes what must not be forgotten, even where nothing can be read any more.

        Returns:
            What `act` returns.
        """
        return await self._worker.call(lambda: self._run(act, default, writes=True, essential=essential))

    def read_blocking(self, act: Act[T], default: T) -> T:
        """As `read`, in the thread of whoever calls: for before the event loop runs."""
        return self._run(act, default)

    async def close(self) -> None:
        """Behind what waits to be written."""

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
                while self._left:
                    absorb_leftover(self._left.pop(), connection, _RETRY_BUSY_TIMEOUT)
                with transaction(connection):
                    outcome = act(connection)
                if essential:
                    self._essential = {**self._essential, **essential_rows(connection)}
                return outcome
            except sqlite3.Error as error:
                if not self._used:
                    self._blame(error, "The journal")
                if self._used == len(self._fallbacks):
                    return default
                self._fall_back()
        return default

    def _is_due(self) -> bool:
        """Whether its own place is to be opened anew."""
        if self._used:
            return self._clock.monotonic() - self._tried_at >= REOPEN_AFTER_SECONDS
        # Somebody may have taken the file away: what is written to it is kept nowhere.
        return self._file != _file_identity(self._path)

    def _open(self, patience: float) -> None:
        """Use its own place, where that works, and give it what a fallback has; else a fallback."""
        self._tried_at = self._clock.monotonic()
        try:
            connection = self._open_own(patience)
        except (sqlite3.Error, OSError) as error:
            if self._used:  # said in the same words, as long as it is the same
                self._blame(error)
            else:
                self._blame(error, f"The journal {self._path}")
                self._fall_back()
            return
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT * 1000:.0f}")
        self._use(connection)
        self._used, self._file, self.problem = 0, _file_identity(self._path), None
        self._left = [file for file in self._fallbacks if file and file.exists()]
        self._essential = essential_rows(connection)

    def _open_own(self, patience: float) -> sqlite3.Connection:
        if self._path is not None:
            make_private_folder(self._path.parent)
            if not self._path.exists():  # to open and close it would end the locks on it
                self._path.touch(mode=0o600)
        connection = connect(self._path, patience)
        try:
            if self._used:
                with transaction(connection):  # that it can be read does not say that it can be written
                    for statement in PROBE:
                        connection.execute(statement)
                if self._connection:
                    move_back(self._connection, connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _fall_back(self) -> None:
        """Go on with the next fallback that can be used, and with what can be read of this place."""
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

    def _blame(self, error: Exception, what: str | None = None) -> None:
        """Args:
        what: cannot be used; None: what could not before.
        """
        self._tried_at, self._what = self._clock.monotonic(), what or self._what
        said = error.strerror if isinstance(error, OSError) else error
        hint = "Start the newer zbtui." if isinstance(error, NewerSchemaError) else _HINT
        self.problem = Problem("config", f"{self._what} cannot be used ({said}).", hint)


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
    """The database at `path`, made where it is missing; None: one in memory. Blocks.

    Never raises: one that cannot be opened is left as it is, and its fallback is used, with `trouble` set.

    Args:
        worker: where its calls are made; None: in a thread of its own.
        clock: by which it is tried again; None: this machine's.
        folders: where a fallback may be, best first; after them comes one in memory.
    """
    return Database(path, worker, clock, folders)


def encode_datetime(moment: datetime) -> str:
    """A moment as it is kept: in UTC, so that the order of the texts is that of the moments."""
    return moment.astimezone(UTC).isoformat()


def decode_datetime(text: str) -> datetime:
    """A moment that was kept.

    Raises:
        TypeError: it is no text.
        ValueError: it is no moment, one without a time zone, or one of another age.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or moment.year not in _YEARS or moment.timestamp() < 0:
        raise ValueError("no moment")
    return moment


def _file_identity(path: Path | None) -> tuple[int, int] | None:
    """Which file stands there."""
    try:
        status = path.stat() if path else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status else None
