"""The tables of what was told and is to be delivered: each function works within a transaction of its
caller's.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from zbtui.core.alert import Alert, Kind, Ledger, Told
from zbtui.core.verdict import Level
from zbtui.store.database import moment_of, stamp
from zbtui.store.encoding import line_of, text_line, understood

LONGEST_PUT_OFF: Final = timedelta(days=1)
"""A delivery that is due further ahead than this was put off while the clock was wrong."""
_KEPT: Final = timedelta(days=30)
_KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_WRITE_TOLD: Final = (
    "INSERT INTO told (org, verdict, level, told_at, looked_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (org) DO UPDATE SET verdict = excluded.verdict, level = excluded.level,"
    " told_at = excluded.told_at, looked_at = excluded.looked_at, revision = revision + 1"
)
_WRITE_OUTAGE: Final = (
    "INSERT INTO outage (id, since, told_at, ended) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
    " SET since = excluded.since, told_at = excluded.told_at, ended = excluded.ended,"
    " revision = revision + 1"
)
_COLUMNS: Final = "at, kind, org, before, verdict, level, headline, hint"


@dataclass(frozen=True, slots=True)
class KeptAlert:
    """An alert that was told."""

    id: int
    """Rises with each alert: see `id_at`."""
    alert: Alert


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to deliver an alert, until the lease is over."""

    kept: KeptAlert
    sink: str
    attempts: int
    """How often it was tried before."""


def read_ledger(database: sqlite3.Connection) -> Ledger:
    """What was told so far; rows that are not understood count as not there."""
    rows = database.execute("SELECT org, verdict, level, told_at, looked_at FROM told").fetchall()
    orgs = {org: told for org, *row in rows if (told := _told(*row))}
    found = database.execute("SELECT since, told_at, ended FROM outage").fetchone() or (None, None, None)
    outage = understood(lambda: [_moment(text) for text in found]) or [None, None, None]
    return Ledger(orgs, *outage)


def write_ledger(database: sqlite3.Connection, before: Ledger, after: Ledger) -> None:
    """What is another in `after` than it is kept `before`."""
    for org in before.orgs.keys() - after.orgs.keys():
        database.execute("DELETE FROM told WHERE org = ?", (org,))
    for org, told in after.orgs.items():
        if before.orgs.get(org) != told:
            moments = (_stamp(told.told_at), _stamp(told.looked_at))
            database.execute(_WRITE_TOLD, (org, told.verdict, int(told.level), *moments))
    if _outage(before) != _outage(after):
        database.execute(_WRITE_OUTAGE, [_stamp(moment) for moment in _outage(after)])


def id_at(moment: datetime) -> int:
    """The id of an alert of that moment, where it is the first: microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)


def insert_alerts(
    database: sqlite3.Connection, alerts: Sequence[Alert], sinks: Sequence[str]
) -> tuple[KeptAlert, ...]:
    """Keep alerts, each to be delivered to each of the sinks, and drop old ones."""
    kept = []
    for alert in alerts:
        alert_id = max(newest_alert(database) + 1, id_at(alert.at))
        row = (
            alert_id,
            stamp(alert.at),
            alert.kind,
            alert.org,
            alert.before,
            alert.verdict,
            int(alert.level),
            alert.headline,
            alert.hint,
        )
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO alert (id, {_COLUMNS}) VALUES ({marks})", row)
        due = [(alert_id, sink, stamp(alert.at)) for sink in sinks]
        database.executemany("INSERT INTO delivery VALUES (?, ?, ?, 0)", due)
        kept.append(KeptAlert(alert_id, alert))
    if alerts:
        oldest = max(alert.at for alert in alerts) - _KEPT
        database.execute("DELETE FROM alert WHERE at < ?", (stamp(oldest),))
        database.execute("DELETE FROM delivery WHERE alert NOT IN (SELECT id FROM alert)")
        database.execute("DELETE FROM delivered WHERE alert < ?", (id_at(oldest),))
    return tuple(kept)


def newest_alert(database: sqlite3.Connection) -> int:
    """Its id; 0: there is none."""
    (newest,) = database.execute("SELECT max(id) FROM alert").fetchone()
    return newest or 0


def read_alerts(database: sqlite3.Connection, after: int) -> tuple[KeptAlert, ...]:
    """Those that came after this one, oldest first."""
    rows = database.execute(f"SELECT id, {_COLUMNS} FROM alert WHERE id > ? ORDER BY id", (after,))
    found = ((row[0], _decode(row[1:])) for row in rows.fetchall())
    return tuple(KeptAlert(alert_id, alert) for alert_id, alert in found if alert)


def find_due(
    database: sqlite3.Connection, sinks: Sequence[str], now: datetime
) -> tuple[int, str, int] | None:
    """Alert, sink and attempts of the oldest delivery that is due.

    An org's alerts come in their order: none before an older one that is still to be delivered, or the
    last word about the org would be an old one.
    """
    marks = ", ".join("?" * len(sinks))
    query = (
        f"SELECT alert, sink, attempts FROM delivery WHERE sink IN ({marks}) AND (due <= ? OR due > ?)"
        " AND NOT EXISTS (SELECT 1 FROM delivery older JOIN alert told ON told.id = older.alert"
        " WHERE older.sink = delivery.sink AND older.alert < delivery.alert"
        " AND told.org = (SELECT org FROM alert WHERE id = delivery.alert))"
        " ORDER BY alert, due LIMIT 1"
    )
    found = database.execute(query, (*sinks, stamp(now), stamp(now + LONGEST_PUT_OFF)))
    row: tuple[int, str, int] | None = found.fetchone()
    return row


def take(
    database: sqlite3.Connection, sinks: Sequence[str], now: datetime, lease: timedelta
) -> Claim | None:
    """The oldest delivery that is due, which then is not before `lease` is over."""
    while found := find_due(database, sinks, now):
        alert_id, sink, attempts = found
        row = database.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (alert_id,)).fetchone()
        alert = _decode(row) if row else None
        if alert:
            database.execute(
                "UPDATE delivery SET due = ?, attempts = attempts + 1 WHERE alert = ? AND sink = ?",
                (stamp(now + lease), alert_id, sink),
            )
            return Claim(KeptAlert(alert_id, alert), sink, attempts)
        drop(database, alert_id, sink)  # what is not understood cannot be delivered
    return None


def drop(database: sqlite3.Connection, alert_id: int, sink: str) -> None:
    """A delivery that is done; where it was taken from another database, that is told of it later."""
    values = (alert_id, sink)
    if not database.execute("DELETE FROM delivery WHERE alert = ? AND sink = ?", values).rowcount:
        database.execute("INSERT OR IGNORE INTO delivered VALUES (?, ?)", values)


def put_off(database: sqlite3.Connection, alert_id: int, sink: str, until: datetime) -> None:
    """A delivery that failed."""
    values = (stamp(until), alert_id, sink)
    database.execute("UPDATE delivery SET due = ? WHERE alert = ? AND sink = ?", values)


def _outage(ledger: Ledger) -> tuple[datetime | None, datetime | None, datetime | None]:
    return ledger.outage_since, ledger.outage_told_at, ledger.outage_over


def _told(verdict: str, level: int, told_at: str | None, looked_at: str | None) -> Told | None:
    return understood(lambda: Told(text_line(verdict), Level(level), _moment(told_at), _moment(looked_at)))


def _decode(row: tuple[Any, ...]) -> Alert | None:
    at, kind, org, before, verdict, level, headline, hint = row

    def read() -> Alert:
        return Alert(
            moment_of(at),
            _KINDS[_KINDS.index(kind)],
            text_line(org),
            line_of(before),
            text_line(verdict),
            Level(level),
            text_line(headline),
            line_of(hint),
        )

    return understood(read)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment_of(text)


def _stamp(moment: datetime | None) -> str | None:
    return None if moment is None else stamp(moment)
