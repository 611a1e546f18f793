"""Replaces the journal's database by a fallback while the database fails, and moves the rows back later.

A fallback is a database in a private folder, shared by all zbtui processes of this user, or else in memory.
A fallback starts with the rows that can still be read from the failed database. When that database works
again, the fallback's alert states, alerts, deliveries, coverage, token requests and lock-outs move back.
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
"""The rows of several tables, by the name of the table."""

_ESSENTIAL_QUERIES: Final = {
    "token_request": "SELECT * FROM token_request",
    "lockout": "SELECT * FROM lockout",
    "notified": "SELECT * FROM notified",
    "outage": "SELECT * FROM outage",
    "watched": "SELECT * FROM watched",
    # Only the newest alert, so that the fallback continues the numbers of the alerts.
    "alert": "SELECT * FROM alert ORDER BY number DESC LIMIT 1",
}
_INITIAL_QUERIES: Final = {
    **_ESSENTIAL_QUERIES,
    "snapshot": "SELECT * FROM snapshot",
    "history": "SELECT * FROM history",
    "poll_record": "SELECT * FROM poll_record",
    # Only the newest span of each org, which the next poll extends.
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
    # Before "alert": if the database already has an alert, it has had its deliveries, too, and those
    # that were made since then must not come back.
    "delivery": "INSERT OR IGNORE INTO delivery SELECT ?1, ?2, ?3, ?4"
    " WHERE NOT EXISTS (SELECT 1 FROM alert WHERE uuid = ?1)",
    "alert": "INSERT OR IGNORE INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
}
"""For each table, the SQL statement that merges a row into it; repeating the statement has no effect."""


def fallback_files(folders: Sequence[Path], path: Path) -> list[Path]:
    """Return the paths of the fallbacks for the database at `path`, one in each of `folders`."""
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return [folder / f"journal-{name}.db" for folder in folders]


def open_fallback(file: Path, patience: float) -> sqlite3.Connection:
    """Open or create the fallback database `file`.

    `patience` is how many seconds to wait while another process writes. Raises `sqlite3.Error` if the
    database cannot be opened, and `OSError` if its folder cannot be made or is not private.
    """
    open_private_folder(file.parent)
    return connect(file, patience)


def open_private_folder(folder: Path) -> None:
    """Make a folder that only this user can access, unless it exists.

    Raises `OSError` if the folder cannot be made, or if it belongs to, or is open to, another user.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    _check_private(folder)


def essential_rows(connection: sqlite3.Connection) -> Rows:
    """Return the rows that must not be lost if the database becomes unreadable.

    These are the alert state, the newest alert, the token requests and the lock-outs.
    """
    return _read(connection, _ESSENTIAL_QUERIES)


def readable_rows(connection: sqlite3.Connection) -> Rows:
    """Return the rows of a failed database with which its fallback starts, without unreadable tables."""
    return _read(connection, _INITIAL_QUERIES)


def copy_rows(rows: Rows, connection: sqlite3.Connection) -> None:
    """Merge rows into the database of `connection`; call this function within a transaction."""
    for table, statement in _MERGE_STATEMENTS.items():
        connection.executemany(statement, rows.get(table, ()))


def move_back(fallback: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Move the rows of the database `fallback` into the journal's database, that of `connection`.

    If this process is killed meanwhile, the next process repeats the move, and no row is lost or doubled.
    If the journal's database still fails, it stays unchanged and an `sqlite3.Error` is raised.
    """
    with transaction(fallback):  # no other process can write to the fallback
        rows = _read(fallback, _MOVE_BACK_QUERIES)
        with transaction(connection):
            copy_rows(rows, connection)
        drop_tables(fallback)  # a process that still uses it notices the missing tables


def absorb_leftover(file: Path, connection: sqlite3.Connection, patience: float) -> None:
    """Move the rows that an earlier process left in the fallback `file` into the journal's database.

    `patience` is how many seconds to wait while another process writes to the fallback. After an error,
    which is not raised, the rows stay in the fallback.
    """
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
    """Raise `PermissionError` unless `folder` is a folder that only this user has access to.

    On Windows, `PermissionError` is always raised, since the owner of a folder cannot be checked there.
    """
    status = folder.lstat()
    if (
        sys.platform == "win32"
        or not stat.S_ISDIR(status.st_mode)
        or status.st_uid != os.getuid()
        or status.st_mode & 0o077
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
