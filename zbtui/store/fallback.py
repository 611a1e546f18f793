"""A fallback for the journal while its database fails, and the rows that move between the two.

The fallback is a database in a private folder, where other processes of this user find it, or else in
memory. It starts with every row that can still be read. When the database works again, the essential
rows move back: alerts, deliveries, token requests and lock-outs.
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
"""Rows by table."""

_ESSENTIAL_QUERIES: Final = {
    "token_request": "SELECT * FROM token_request",
    "lockout": "SELECT * FROM lockout",
    "notified": "SELECT * FROM notified",
    "outage": "SELECT * FROM outage",
    "watched": "SELECT * FROM watched",
    # Numbers in the fallback continue from this one.
    "alert": "SELECT * FROM alert ORDER BY number DESC LIMIT 1",
}
_THERE: Final = {
    **_ESSENTIAL_QUERIES,
    "snapshot": "SELECT * FROM snapshot",
    "history": "SELECT * FROM history",
    "poll_record": "SELECT * FROM poll_record",
    # The newest span of each org, so that it is extended.
    "coverage": "SELECT org, identity, max(began), ended FROM coverage GROUP BY org, identity",
    "event": "SELECT * FROM event ORDER BY id DESC LIMIT 1000",  # more than the screen shows
}
_BACK: Final = {
    **_ESSENTIAL_QUERIES,
    "coverage": "SELECT * FROM coverage",
    "delivered": "SELECT alert, sink FROM delivered",
    "delivery": "SELECT * FROM delivery",
    "alert": "SELECT * FROM alert",
}
_MERGE: Final = {
    "token_request": "INSERT OR IGNORE INTO token_request VALUES (?, ?, ?)",
    "lockout": "INSERT INTO lockout VALUES (?, ?, ?) ON CONFLICT (token) DO UPDATE"
    " SET until = excluded.until, strikes = excluded.strikes WHERE excluded.until > until",
    "notified": "INSERT INTO notified VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (org, identity) DO UPDATE"
    " SET verdict = excluded.verdict, level = excluded.level, notified_at = excluded.notified_at,"
    " polled_at = excluded.polled_at, revision = excluded.revision WHERE excluded.revision > revision",
    "outage": "INSERT INTO outage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
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
    "alert": "INSERT OR IGNORE INTO alert VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
}
"""How rows are merged into a table. Each statement can be repeated without effect."""


def fallback_files(folders: Sequence[Path], path: Path) -> list[Path]:
    """The fallback databases for the one at `path`, one in each folder."""
    name = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]
    return [folder / f"journal-{name}.db" for folder in folders]


def open_fallback(file: Path, patience: float) -> sqlite3.Connection:
    """Open a fallback database; create it if it is missing. Raises `sqlite3.Error`.

    Raises an `OSError` if its folder cannot be made, or is not private.
    """
    open_private_folder(file.parent)
    return connect(file, patience)


def open_private_folder(folder: Path) -> None:
    """Make a folder if it is missing. Raises an `OSError` if it cannot be made, or is not private."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _check_private(folder)


def essential_rows(connection: sqlite3.Connection) -> Rows:
    """The rows that must survive if the database becomes unreadable."""
    return _read(connection, _ESSENTIAL_QUERIES)


def readable_rows(connection: sqlite3.Connection) -> Rows:
    """The rows that a fallback starts with, without tables that cannot be read."""
    return _read(connection, _THERE)


def copy_rows(rows: Rows, connection: sqlite3.Connection) -> None:
    """Needs a transaction."""
    for table, statement in _MERGE.items():
        connection.executemany(statement, rows.get(table, ()))


def move_back(fallback: sqlite3.Connection, connection: sqlite3.Connection) -> None:
    """Move the rows of a fallback into the database, which works again.

    If the process is killed meanwhile, the next one repeats the move: no row is lost or doubled. After an
    `sqlite3.Error`, the database does not work after all, and is unchanged.
    """
    with transaction(fallback):  # keeps other processes from writing to it
        rows = _read(fallback, _BACK)
        with transaction(connection):
            copy_rows(rows, connection)
        drop_tables(fallback)  # a process that still uses it notices the missing tables


def absorb_leftover(file: Path, connection: sqlite3.Connection, patience: float) -> None:
    """Move back what an earlier process left in a fallback; on an error it stays there."""
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
    """Raise `PermissionError` if another user owns it (in a shared parent folder), or has access."""
    status = folder.lstat()
    if (
        sys.platform == "win32"
        or not stat.S_ISDIR(status.st_mode)
        or status.st_uid != os.getuid()
        or status.st_mode & 0o077
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))
