"""Defines the tables of the journal, and opens SQLite databases with these tables.

Only one version of the tables exists so far. A database with other tables is refused and stays unchanged.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x7A627475
"""The `application_id` that marks an SQLite file as a journal; its bytes spell "zbtu"."""
SCHEMA_VERSION: Final = 1
"""The `user_version` of an SQLite file with the tables that this module defines."""

_TABLES: Final = """
-- An org is its name and its identity: two configs may have different orgs of one name.
CREATE TABLE snapshot (
    org TEXT NOT NULL, identity TEXT NOT NULL, observed_at TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (org, identity)
) STRICT;
-- A history is large and seldom changes, so it is not written with each poll, unlike a snapshot.
CREATE TABLE history (
    org TEXT NOT NULL, identity TEXT NOT NULL, at TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (org, identity)
) STRICT;
CREATE TABLE poll_record (
    org TEXT NOT NULL, identity TEXT NOT NULL, attempted_at TEXT NOT NULL,
    failures INTEGER NOT NULL, failing_since TEXT, body TEXT NOT NULL, problems TEXT NOT NULL,
    PRIMARY KEY (org, identity)
) STRICT;
-- From when to when an org was seen without a gap.
CREATE TABLE coverage (
    org TEXT NOT NULL, identity TEXT NOT NULL, began TEXT NOT NULL, ended TEXT NOT NULL,
    PRIMARY KEY (org, identity, began)
) STRICT;
CREATE TABLE event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, org TEXT NOT NULL, kind TEXT NOT NULL,
    before TEXT, after TEXT, level TEXT NOT NULL, headline TEXT NOT NULL, identity TEXT NOT NULL
) STRICT;
CREATE INDEX events ON event (at);
CREATE INDEX events_of_org ON event (org, at);
-- Tokens are identified by fingerprints. Zoho locks out a token, not the orgs that use it.
CREATE TABLE lockout (token TEXT PRIMARY KEY, until TEXT NOT NULL, strikes INTEGER NOT NULL) STRICT;
CREATE TABLE token_request (
    id TEXT PRIMARY KEY DEFAULT (hex(randomblob(8))), token TEXT NOT NULL, at REAL NOT NULL
) STRICT;
CREATE INDEX token_requests ON token_request (token, at);
-- The revision rises with each change: of two copies of a row, the higher one is the newer one.
CREATE TABLE notified (
    config TEXT NOT NULL, org TEXT NOT NULL, identity TEXT NOT NULL, verdict TEXT NOT NULL,
    level INTEGER NOT NULL, notified_at TEXT, polled_at TEXT, revision INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (config, org, identity)
) STRICT;
-- Gone: taken off by zbtui, or it was notified that it left.
CREATE TABLE watched (
    config TEXT NOT NULL, org TEXT NOT NULL, gone TEXT, revision INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (config, org)
) STRICT;
CREATE TABLE outage (
    config TEXT PRIMARY KEY, since TEXT, notified_at TEXT, ended TEXT,
    journal_notified_at TEXT, revision INTEGER NOT NULL DEFAULT 1
) STRICT;
-- Two databases may give the same number, a time in microseconds; it is for the order alone.
CREATE TABLE alert (
    config TEXT NOT NULL, uuid TEXT PRIMARY KEY, number INTEGER NOT NULL, at TEXT NOT NULL,
    kind TEXT NOT NULL, org TEXT NOT NULL, before TEXT, verdict TEXT NOT NULL, level INTEGER NOT NULL,
    headline TEXT NOT NULL, hint TEXT
) STRICT;
CREATE INDEX alerts ON alert (number);
CREATE TABLE delivery (
    alert TEXT NOT NULL, sink TEXT NOT NULL, due TEXT NOT NULL, attempts INTEGER NOT NULL,
    PRIMARY KEY (alert, sink)
) STRICT;
CREATE TABLE refusal (
    config TEXT NOT NULL, sink TEXT NOT NULL, given_up INTEGER NOT NULL, at TEXT NOT NULL,
    message TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (config, sink, given_up)
) STRICT;
-- Completed deliveries of another database, which is not yet updated.
CREATE TABLE delivered (
    alert TEXT NOT NULL, sink TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (alert, sink)
) STRICT;
"""

_OWN_TABLES: Final = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
"""The SQL query for the names of all tables but those of SQLite itself."""
_IDENTITY_QUERY: Final = (
    "SELECT application_id, user_version, EXISTS (" + _OWN_TABLES + ")"
    " FROM pragma_application_id, pragma_user_version"
)
"""The SQL query for application id, version, and whether the database has tables.

It is one query, since another process may create the tables between two queries.
"""


class NewerSchemaError(sqlite3.DatabaseError):
    """Raised for a database that a newer version of zbtui made."""


def connect(path: Path | None, patience: float) -> sqlite3.Connection:
    """Open the database file `path`, or one in memory if `path` is None. Creates the tables of a new one.

    `patience` is how many seconds to wait while another process writes. Raises an `sqlite3.Error` if the
    file cannot be opened or made, or is no journal of this version of zbtui.
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
    """Return True if the database has the journal's tables, and False if it is empty.

    Raises an `sqlite3.Error` if the database cannot be read, or is no journal of this version of zbtui.
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
    """Run the `with` block as one write transaction; an error in the block undoes all its changes."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors end the transaction themselves
            connection.execute("ROLLBACK")
        raise


def drop_tables(connection: sqlite3.Connection) -> None:
    """Drop all tables, so that the database is empty; call this function within a transaction."""
    for (table,) in connection.execute(_OWN_TABLES).fetchall():
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA application_id = 0")
    connection.execute("PRAGMA user_version = 0")


def _prepare(connection: sqlite3.Connection, patience: float) -> None:
    exists = has_journal_tables(connection)
    # WAL: readers and the writer in several processes do not block each other, and no commit is
    # lost if a process is killed.
    deadline = time.monotonic() + patience
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # SQLite does not wait here while another process creates the same journal.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    connection.execute("PRAGMA synchronous = NORMAL")
    if exists:
        return  # without a transaction, so that a reader need not wait for a writer
    with transaction(connection):
        if not has_journal_tables(connection):  # another process may have been faster
            for statement in filter(str.strip, _TABLES.split(";\n")):
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
