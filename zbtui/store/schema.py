"""The tables of the journal, and how a database is opened so that it has them.

There is one schema so far. A database of another one is not changed: it is refused, with the reason.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x7A627475
"""SQLite's `application_id` of a journal ("zbtu"): tells it from other databases, and from drafts."""
SCHEMA_VERSION: Final = 1
"""SQLite's `user_version` of a journal with the tables below."""

_TABLES: Final = """
CREATE TABLE snapshot (
    org TEXT PRIMARY KEY, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
-- A history is large and seldom changes: it is not written with each poll, as a snapshot is.
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
-- Tokens are known by their fingerprints. A lock-out is Zoho's of a token, whichever orgs use it.
CREATE TABLE lockout (token TEXT PRIMARY KEY, until TEXT NOT NULL, strikes INTEGER NOT NULL) STRICT;
CREATE TABLE token_request (
    id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))), token TEXT NOT NULL, at REAL NOT NULL
) STRICT;
CREATE INDEX token_requests ON token_request (token, at);
-- A revision rises with each change: of two copies of a row the one with the higher is the newer.
CREATE TABLE told (
    org TEXT PRIMARY KEY, verdict TEXT NOT NULL, level INTEGER NOT NULL, told_at TEXT, looked_at TEXT,
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE TABLE outage (
    id INTEGER PRIMARY KEY CHECK (id = 1), since TEXT, told_at TEXT, ended TEXT,
    revision INTEGER NOT NULL DEFAULT 1
) STRICT;
-- Ids are moments, in microseconds: alerts of two databases seldom clash, and stay in their order.
-- None is beyond what a reader of JSON can tell from its neighbours.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    at TEXT NOT NULL, kind TEXT NOT NULL, org TEXT NOT NULL, before TEXT,
    verdict TEXT NOT NULL, level INTEGER NOT NULL, headline TEXT NOT NULL, hint TEXT
) STRICT;
CREATE TABLE delivery (
    alert INTEGER NOT NULL, sink TEXT NOT NULL, due TEXT NOT NULL, attempts INTEGER NOT NULL,
    PRIMARY KEY (alert, sink)
) STRICT;
-- Deliveries of another database that were made: it is still to be told.
CREATE TABLE delivered (alert INTEGER NOT NULL, sink TEXT NOT NULL, PRIMARY KEY (alert, sink)) STRICT;
"""

_OWN_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
"""All but those that SQLite itself makes."""
_IDENTITY_QUERY: Final = (
    "SELECT application_id, user_version, EXISTS (" + _OWN_TABLES + ")"
    " FROM pragma_application_id, pragma_user_version"
)
"""In one query: another process may make it at any time."""


class NewerSchemaError(sqlite3.DatabaseError):
    """A newer zbtui made it."""


def connect(path: Path | None, patience: float) -> sqlite3.Connection:
    """The database at `path`, with its tables made where it is empty; None: one in memory.

    Args:
        patience: seconds to wait for another process that makes it, or writes to it.

    Raises:
        sqlite3.Error: it cannot be opened or made, or is no journal of this zbtui.
    """
    connection = sqlite3.connect(
        path or ":memory:", timeout=patience, check_same_thread=False, isolation_level=None
    )
    try:
        _prepare(connection, patience)
    except BaseException:
        connection.close()
        raise
    return connection


def has_journal_tables(connection: sqlite3.Connection) -> bool:
    """Whether it has the tables of a journal; False: it is empty.

    Raises:
        sqlite3.Error: it cannot be read, or is no journal of this zbtui.
    """
    application, version, has_tables = connection.execute(_IDENTITY_QUERY).fetchone()
    if not (application or version or has_tables):
        return False
    if application != APPLICATION_ID or version < SCHEMA_VERSION:
        raise sqlite3.DatabaseError("it is no journal of this zbtui: move it away, and a new one is made")
    if version > SCHEMA_VERSION:
        raise NewerSchemaError("it was made by a newer zbtui")
    return True


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done to it within the context, or nothing; no other process writes in between."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors end it by themselves
            connection.execute("ROLLBACK")
        raise


def drop_tables(connection: sqlite3.Connection) -> None:
    """Within a transaction: leave it empty, as if it had never been made."""
    for (table,) in connection.execute(_OWN_TABLES).fetchall():
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA application_id = 0")
    connection.execute("PRAGMA user_version = 0")


def _prepare(connection: sqlite3.Connection, patience: float) -> None:
    made = has_journal_tables(connection)
    # WAL: readers and the writer of several processes do not block each other, and a process that
    # is killed loses nothing that was committed.
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
    if made:
        return  # who only reads needs not wait for who writes
    with transaction(connection):
        if not has_journal_tables(connection):  # another process may have been first
            for statement in filter(str.strip, _TABLES.split(";\n")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
