"""The fallback that replaces the journal's database while that fails.

A fallback is a database in a private folder, which all processes of this user share, or else in memory.
It starts with every row that can still be read from the failed database. When the database works again,
alerts, deliveries, coverage, token requests and lock-outs move back.
"""

from __future__ import annotations

import errno
import hashlib
import os
import sqlite3
import stat
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

from zbtui.store.schema import connect, drop_tables, has_journal_tables, transaction

Rows = Mapping[str, Sequence[tuple[Any, ...]]]
"""Rows, by the name of their table."""

_ESSENTIAL_QUERIES: Final = {
    "token_request": "SELECT * FROM token_request",
    "lockout": "SELECT * FROM lockout",
    "notified": "SELECT * FROM notified",
    "outage": "SELECT * FROM outage",
    "watched": "SELECT * FROM watched",
    # The newest alert: the numbers of alerts in the fallback continue from it.
    "alert": "SELECT * FROM alert ORDER BY number DESC LIMIT 1",
}
_INITIAL_QUERIES: Final = {
    **_ESSENTIAL_QUERIES,
    "snapshot": "SELECT * FROM snapshot",
    "history": "SELECT * FROM history",
    "poll_record": "SELECT * FROM poll_record",
    # The newest span of each org: the next poll extends it.
    "coverage": "SELECT org, identity, max(began), ended FROM coverage GROUP BY org, identity",
    "event": "SELECT * FROM event ORDER BY id DESC LIMIT 1000",  # more than the screen shows
}
_MOVE_BACK_QUERIES: Final = {
    **_ESSENTIAL_QUERIES,
    "coverage": "SELECT * FROM coverage",
    "delivered": "SELECT alert, sink FROM delivered",
    "delivery": "SELECT * FROM delivery",
    "alert": "SELECT * FROM alert",
}
_MERGE_STATEMENTS: Final = {
    "token_request": "INSERT OR IGNORE INTO token_request VALUES (?, ?, ?)",
    "lockout": "INSERT INTO lockout VALUES (?, ?, ?) ON CONFLICT (token) DO UPDATE"
    " SET until = excluded.until, strikes = excluded.strikes WHERE excluded.until > until",
    "notified": "INSERT INTO notified VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (config, org, identity) DO UPDATE SET verdict = excluded.verdict,"
    " level = excluded.level, notified_at = excluded.notified_at, polled_at = excluded.polled_at,"
    " revision = excluded.revision WHERE excluded.revision > revision",
    "outage": "INSERT INTO outage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (config) DO UPDATE"
    " SET since = excluded.since, notified_at = excluded.notified_at, ended = excluded.ended,"
    " journal_notified_at = excluded.journal_notified_at, revision = excluded.revision"
    " WHERE excluded.revision > revision",
    "watched": "INSERT INTO watched VALUES (?, ?, ?, ?) ON CONFLICT (config, org) DO UPDATE"
    " SET gone = excluded.gone, revision = excluded.revision WHERE excluded.revision > revision",
    "snapshot": "INSERT OR IGNORE INTO snapshot VALUES (?, ?, ?, ?)",
    "history": "INSERT OR IGNORE INTO history VALUES (?, ?, ?, ?)",
    "poll_record": "INSERT OR IGNORE INTO poll_record VALUES (?, ?, ?, ?, ?, ?, ?)",
    "coverage": "INSERT INTO coverage VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
    " SET ended = max(ended, excluded.ended)",
    "event": "INSERT OR IGNORE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "delivered": "DELETE FROM delivery WHERE alert = ? AND sink = ?",
    # Before "alert": an alert that exists has its deliveries already, and some may have been made.
    "delivery": "INSERT OR IGNORE INTO delivery SELECT ?1, ?2, ?3, ?4"
    " WHERE NOT EXISTS (SELECT 1 FROM alert WHERE uuid = ?1)",
    "alert": "INSERT OR IGNORE INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
}
"""The statement that merges a row into a table; repeating it has no effect."""


def fallback_files(folders: Sequence[Path], path: Path) -> list[Path]:
    """The fallback databases for the one at `path`, one in each folder."""
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return [folder / f"journal-{name}.db" for folder in folders]


def open_fallback(file: Path, patience: float) -> sqlite3.Connection:
    """Open or create a fallback database; `patience` is in seconds, as for `connect`.

    Raises `sqlite3.Error`, and an `OSError` if its folder cannot be made or is not private.
    """
    open_private_folder(file.parent)
    return connect(file, patience)


def open_private_folder(folder: Path) -> None:
    """Make a folder unless it exists. Raises an `OSError` if it cannot be made, or is not private."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _check_private(folder)


def essential_rows(connection: sqlite3.Connection) -> Rows:
    """The rows that must survive an unreadable database: alert state, token requests, lock-outs."""
    return _read(connection, _ESSENTIAL_QUERIES)


def readable_rows(connection: sqlite3.Connection) -> Rows:
    """The rows to start a fallback with; tables that cannot be read are left out."""
    return _read(connection, _INITIAL_QUERIES)


def copy_rows(rows: Rows, connection: sqlite3.Connection) -> None:
    """Merge rows into a database; call within a transaction."""
    for table, statement in _MERGE_STATEMENTS.items():
        connection.executemany(statement, rows.get(table, ()))


def move_back(fallback: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Move the rows of a fallback into the database.

    If this process is killed meanwhile, the next process repeats the move: no row is lost or doubled.
    Raises an `sqlite3.Error` if the database still fails; the database is then unchanged.
    """
    with transaction(fallback):  # no other process can write to the fallback
        rows = _read(fallback, _MOVE_BACK_QUERIES)
        with transaction(connection):
            copy_rows(rows, connection)
        drop_tables(fallback)  # a process that still uses it notices the missing tables


def absorb_leftover(file: Path, connection: sqlite3.Connection, patience: float) -> None:
    """Move the rows that an earlier process left in a fallback; after an error, they stay in it."""
    with suppress(OSError, sqlite3.Error):
        _check_private(file.parent)
        with closing(sqlite3.connect(file, timeout=patience, isolation_level=None)) as fallback:
            if has_journal_tables(fallback):
                move_back(fallback, connection)


def _read(connection: sqlite3.Connection, queries: Mapping[str, str]) -> Rows:
    rows = {}
    for table, query in queries.items():
        with suppress(sqlite3.Error):
            rows[table] = connection.execute(query).fetchall()
    return rows


def _check_private(folder: Path) -> None:
    """Raise `PermissionError` if another user owns the folder or has access to it."""
    status = folder.lstat()
    if (
        sys.platform == "win32"
        or not stat.S_ISDIR(status.st_mode)
        or status.st_uid != os.getuid()
        or status.st_mode & 0o077
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
