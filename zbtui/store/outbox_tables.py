"""The outbox's tables. Each function works in its caller's transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from zbtui.health.alert_policy import Alert, AlertKind, AlertState, OrgAlertState
from zbtui.model.verdict import Level
from zbtui.store.database import decode_datetime, encode_datetime
from zbtui.store.encoding import decode_line, decode_optional_datetime, decode_optional_line, decode_or_none

MAX_RESCHEDULE: Final = timedelta(days=1)
"""A delivery due later than this was rescheduled while the clock was wrong."""
_RETENTION: Final = timedelta(days=30)
_KINDS: Final[tuple[AlertKind, ...]] = get_args(AlertKind)
_WRITE_ORG_STATE: Final = (
    "INSERT INTO told (org, identity, verdict, level, told_at, looked_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (org, identity) DO UPDATE SET verdict = excluded.verdict, level = excluded.level,"
    " told_at = excluded.told_at, looked_at = excluded.looked_at, revision = revision + 1"
)
_WRITE_OUTAGE: Final = (
    "INSERT INTO outage (id, since, told_at, ended) VALUES (1, ?, ?, ?) ON CONFLICT (id) DO UPDATE"
    " SET since = excluded.since, told_at = excluded.told_at, ended = excluded.ended,"
    " revision = revision + 1"
)
_COLUMNS: Final = "at, kind, org, before, verdict, level, headline, hint"


Identities = Mapping[str, str]
"""The identities of a process's orgs, by name: another config may have others of these names."""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as stored."""

    id: int
    """Increases with each alert; see `id_at`."""
    alert: Alert


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """The right to deliver an alert until the lease ends."""

    stored: StoredAlert
    channel: str
    attempts: int
    """Earlier attempts."""


def read_alert_state(database: sqlite3.Connection, identities: Identities) -> AlertState:
    """What was notified so far; rows that cannot be decoded, or of other orgs, are ignored."""
    rows = database.execute("SELECT org, identity, verdict, level, told_at, looked_at FROM told").fetchall()
    orgs = {
        org: state
        for org, identity, *row in rows
        if identities.get(org, "") == identity and (state := _decode_org_alert_state(*row))
    }
    found = database.execute("SELECT since, told_at, ended FROM outage").fetchone() or (None, None, None)
    outage = decode_or_none(lambda: [decode_optional_datetime(text) for text in found])
    return AlertState(orgs, *(outage or ()))


def write_alert_state(
    database: sqlite3.Connection, before: AlertState, after: AlertState, identities: Identities
) -> None:
    """Write the differences between the stored state, `before`, and `after`."""
    for org in before.orgs.keys() - after.orgs.keys():
        key = (org, identities.get(org, ""))
        database.execute("DELETE FROM told WHERE org = ? AND identity = ?", key)
    for org, state in after.orgs.items():
        if before.orgs.get(org) != state:
            moments = map(_encode_optional_datetime, (state.notified_at, state.polled_at))
            key = (org, identities.get(org, ""))
            database.execute(_WRITE_ORG_STATE, (*key, state.verdict, int(state.level), *moments))
    if _outage(before) != _outage(after):
        database.execute(_WRITE_OUTAGE, [_encode_optional_datetime(moment) for moment in _outage(after)])


def id_at(moment: datetime) -> int:
    """The id of the first alert at that moment: microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)


def insert_alerts(
    database: sqlite3.Connection, alerts: Sequence[Alert], sinks: Sequence[str]
) -> tuple[StoredAlert, ...]:
    """Store alerts with a delivery to each of the channels `sinks`, and delete old ones."""
    stored = []
    for alert in alerts:
        alert_id = max(latest_alert_id(database) + 1, id_at(alert.at))
        texts = (alert.kind, alert.org, alert.previous_verdict, alert.verdict)
        row = (alert_id, encode_datetime(alert.at), *texts, int(alert.level), alert.headline, alert.hint)
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO alert (id, {_COLUMNS}) VALUES ({marks})", row)
        due = [(alert_id, sink, encode_datetime(alert.at)) for sink in sinks]
        database.executemany("INSERT INTO delivery VALUES (?, ?, ?, 0)", due)
        stored.append(StoredAlert(alert_id, alert))
    if alerts:
        oldest = max(alert.at for alert in alerts) - _RETENTION
        database.execute("DELETE FROM alert WHERE at < ?", (encode_datetime(oldest),))
        database.execute("DELETE FROM delivery WHERE alert NOT IN (SELECT id FROM alert)")
        database.execute("DELETE FROM delivered WHERE alert < ?", (id_at(oldest),))
    return tuple(stored)


def latest_alert_id(database: sqlite3.Connection) -> int:
    """The highest id; 0 without alerts."""
    (newest,) = database.execute("SELECT max(id) FROM alert").fetchone()
    return newest or 0


def read_alerts_after(database: sqlite3.Connection, after: int) -> tuple[StoredAlert, ...]:
    """The alerts with an id above `after`, oldest first."""
    rows = database.execute(f"SELECT id, {_COLUMNS} FROM alert WHERE id > ? ORDER BY id", (after,))
    found = ((row[0], _decode_alert(row[1:])) for row in rows.fetchall())
    return tuple(StoredAlert(alert_id, alert) for alert_id, alert in found if alert)


def find_due_delivery(
    database: sqlite3.Connection, sinks: Sequence[str], now: datetime
) -> tuple[int, str, int] | None:
    """Alert id, channel and attempts of the oldest delivery that is due.

    An org's alerts keep their order: none is due before an older one that is not delivered yet, or the
    last message about the org could be an old one.
    """
    marks = ", ".join("?" * len(sinks))
    query = (
        f"SELECT alert, sink, attempts FROM delivery WHERE sink IN ({marks}) AND (due <= ? OR due > ?)"
        " AND NOT EXISTS (SELECT 1 FROM delivery older JOIN alert told ON told.id = older.alert"
        " WHERE older.sink = delivery.sink AND older.alert < delivery.alert"
        " AND told.org = (SELECT org FROM alert WHERE id = delivery.alert))"
        " ORDER BY alert, due LIMIT 1"
    )
    found = database.execute(query, (*sinks, encode_datetime(now), encode_datetime(now + MAX_RESCHEDULE)))
    row: tuple[int, str, int] | None = found.fetchone()
    return row


def claim_delivery(
    database: sqlite3.Connection, sinks: Sequence[str], now: datetime, lease: timedelta
) -> DeliveryClaim | None:
    """Claim the oldest delivery that is due; it is due again when `lease` ends."""
    while found := find_due_delivery(database, sinks, now):
        alert_id, sink, attempts = found
        row = database.execute(f"SELECT {_COLUMNS} FROM alert WHERE id = ?", (alert_id,)).fetchone()
        alert = _decode_alert(row) if row else None
        if alert:
            database.execute(
                "UPDATE delivery SET due = ?, attempts = attempts + 1 WHERE alert = ? AND sink = ?",
                (encode_datetime(now + lease), alert_id, sink),
            )
            return DeliveryClaim(StoredAlert(alert_id, alert), sink, attempts)
        delete_delivery(database, alert_id, sink)  # an alert that cannot be decoded cannot be delivered
    return None


def delete_delivery(database: sqlite3.Connection, alert_id: int, sink: str) -> None:
    """Delete a delivery. If another database has it, note it for that one in `delivered`."""
    values = (alert_id, sink)
    if not database.execute("DELETE FROM delivery WHERE alert = ? AND sink = ?", values).rowcount:
        database.execute("INSERT OR IGNORE INTO delivered VALUES (?, ?)", values)


def reschedule_delivery(database: sqlite3.Connection, alert_id: int, sink: str, until: datetime) -> None:
    """Make a failed delivery due again at `until`."""
    values = (encode_datetime(until), alert_id, sink)
    database.execute("UPDATE delivery SET due = ? WHERE alert = ? AND sink = ?", values)


def _outage(state: AlertState) -> tuple[datetime | None, datetime | None, datetime | None]:
    return state.outage_since, state.outage_notified_at, state.outage_ended_at


def _decode_org_alert_state(
    verdict: str, level: int, notified_at: str | None, polled_at: str | None
) -> OrgAlertState | None:
    return decode_or_none(
        lambda: OrgAlertState(
            decode_line(verdict),
            Level(level),
            decode_optional_datetime(notified_at),
            decode_optional_datetime(polled_at),
        )
    )


def _decode_alert(row: tuple[Any, ...]) -> Alert | None:
    at, kind, org, before, verdict, level, headline, hint = row

    def read() -> Alert:
        return Alert(
            decode_datetime(at),
            _KINDS[_KINDS.index(kind)],
            decode_line(org),
            decode_optional_line(before),
            decode_line(verdict),
            Level(level),
            decode_line(headline),
            decode_optional_line(hint),
        )

    return decode_or_none(read)


def _encode_optional_datetime(moment: datetime | None) -> str | None:
    return None if moment is None else encode_datetime(moment)
