"""Reads and writes the tables of the outbox, with the alert state, the alerts and their deliveries.

Each function runs within its caller's transaction. `config` is the name of a config: all configs share the
tables, and each config has its own alerts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from zbtui.health.alert_policy import Alert, AlertKind, AlertState, OrgAlertState
from zbtui.model.org import Org
from zbtui.model.verdict import Level
from zbtui.store.database import decode_datetime, encode_datetime
from zbtui.store.encoding import decode_line, decode_optional_datetime, decode_optional_line, decode_or_none

MAX_RESCHEDULE: Final = timedelta(days=1)
"""How far ahead a delivery is rescheduled at most.

A delivery that is due later was rescheduled while the machine's clock was wrong, and is taken as due now.
"""
_RETENTION: Final = timedelta(days=30)
_KINDS: Final[tuple[AlertKind, ...]] = get_args(AlertKind)
_WRITE_ORG_STATE: Final = (
    "INSERT INTO notified (config, org, identity, verdict, level, notified_at, polled_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (config, org, identity) DO UPDATE"
    " SET verdict = excluded.verdict, level = excluded.level, notified_at = excluded.notified_at,"
    " polled_at = excluded.polled_at, revision = revision + 1"
)
_DELETE_ORG_STATE: Final = "DELETE FROM notified WHERE config = ? AND org = ? AND identity = ?"
_WRITE_OUTAGE: Final = (
    "INSERT INTO outage (config, since, notified_at, ended, journal_notified_at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT (config) DO UPDATE SET since = excluded.since, notified_at = excluded.notified_at,"
    " ended = excluded.ended, journal_notified_at = excluded.journal_notified_at, revision = revision + 1"
)
_WRITE_WATCHED: Final = (
    "INSERT INTO watched (config, org, gone) VALUES (?, ?, ?)"
    " ON CONFLICT (config, org) DO UPDATE SET gone = excluded.gone, revision = revision + 1"
)
_COLUMNS: Final = "uuid, number, at, kind, org, before, verdict, level, headline, hint"


Identities = Mapping[str, str]
"""The `Org.identity` (data center, OAuth client and hosts) of each of this process's orgs, by org name.

The identity is needed because another config may have different orgs of the same names.
"""


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert as stored in the outbox."""

    uuid: str
    """The globally unique id of the alert, which stays the same at each attempt to deliver it."""
    number: int
    """Gives the order of the alerts, as microseconds since 1970, or a little more.

    The number is not unique, since two databases may give the same number.
    """
    alert: Alert


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """The right of this process to deliver an alert to a channel; it ends with the lease of the claim."""

    stored: StoredAlert
    channel: str
    attempts: int
    """How often the delivery was attempted before this claim."""


def read_alert_state(database: sqlite3.Connection, config: str, identities: Identities) -> AlertState:
    """Read a config's alert state, which says what the user was last notified of.

    The result contains no orgs with another identity than in `identities`, and no invalid rows.
    """
    query = "SELECT org, identity, verdict, level, notified_at, polled_at FROM notified WHERE config = ?"
    rows = database.execute(query, (config,)).fetchall()
    orgs = {
        org: state
        for org, identity, *row in rows
        if identities.get(org, "") == identity and (state := _decode_org_alert_state(*row))
    }
    query = "SELECT since, notified_at, ended, journal_notified_at FROM outage WHERE config = ?"
    found = database.execute(query, (config,)).fetchone() or ()
    outage = decode_or_none(lambda: [decode_optional_datetime(text) for text in found])
    rows = database.execute("SELECT org, gone FROM watched WHERE config = ?", (config,)).fetchall()
    watched = {(config, org): _decode_gone(gone) for org, gone in rows}
    return replace(AlertState(orgs, *(outage or ())), watched=watched)


def write_alert_state(
    database: sqlite3.Connection, config: str, before: AlertState, after: AlertState, identities: Identities
) -> None:
    """Write the differences between `before`, the stored alert state, and `after`, the new one."""
    for org in before.orgs.keys() - after.orgs.keys():
        database.execute(_DELETE_ORG_STATE, (config, org, identities.get(org, "")))
    for org, state in after.orgs.items():
        if before.orgs.get(org) != state:
            moments = map(_encode_optional_datetime, (state.notified_at, state.polled_at))
            key = (config, org, identities.get(org, ""))
            database.execute(_WRITE_ORG_STATE, (*key, state.verdict, int(state.level), *moments))
    for watched, gone in after.watched.items():
        if watched not in before.watched or before.watched[watched] != gone:
            database.execute(_WRITE_WATCHED, (*watched, _encode_optional_datetime(gone)))
    if _outage(before) != _outage(after):
        database.execute(_WRITE_OUTAGE, (config, *map(_encode_optional_datetime, _outage(after))))


def forget_org(database: sqlite3.Connection, config: str, org: Org) -> None:
    """Delete what was notified of an org."""
    database.execute(_DELETE_ORG_STATE, (config, org.name, org.identity))


def rename_org(database: sqlite3.Connection, config: str, before: Org, after: Org) -> None:
    """Move what was notified of an org to its new name; delete it if the identity changed."""
    if before.identity != after.identity:
        forget_org(database, config, before)
    forget_org(database, config, after)  # what is left under the new name belongs to another org
    database.execute(
        "UPDATE notified SET org = ? WHERE config = ? AND org = ? AND identity = ?",
        (after.name, config, before.name, before.identity),
    )


def note_removal(database: sqlite3.Connection, config: str, org_name: str, now: datetime) -> None:
    """Record that zbtui removed an org from the config at the time `now`."""
    database.execute(
        "UPDATE watched SET gone = ?, revision = revision + 1 WHERE config = ? AND org = ?",
        (encode_datetime(now), config, org_name),
    )


def number_at(moment: datetime) -> int:
    """Return the lowest number that an alert of this time can get, the microseconds since 1970."""
    return round(moment.timestamp() * 1_000_000)


def insert_alerts(
    database: sqlite3.Connection,
    config: str,
    alerts: Sequence[Alert],
    channels: Sequence[str],
    uuids: Mapping[Alert, str],
) -> tuple[StoredAlert, ...]:
    """Store alerts with one delivery per channel each, and delete alerts that are older than 30 days.

    `uuids` has the globally unique id of each alert. Returns the stored alerts.
    """
    stored = []
    for alert in alerts:
        number = max(latest_alert_number(database) + 1, number_at(alert.at))
        stored_alert = StoredAlert(uuids[alert], number, alert)
        texts = (alert.kind, alert.org, alert.previous_verdict, alert.verdict)
        content = (encode_datetime(alert.at), *texts, int(alert.level), alert.headline, alert.hint)
        row = (config, stored_alert.uuid, number, *content)
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO alert (config, {_COLUMNS}) VALUES ({marks})", row)
        due = [(stored_alert.uuid, channel, encode_datetime(alert.at)) for channel in channels]
        database.executemany("INSERT INTO delivery VALUES (?, ?, ?, 0)", due)
        stored.append(stored_alert)
    if alerts:
        oldest = max(alert.at for alert in alerts) - _RETENTION
        database.execute("DELETE FROM alert WHERE at < ?", (encode_datetime(oldest),))
        database.execute("DELETE FROM delivery WHERE alert NOT IN (SELECT uuid FROM alert)")
        database.execute("DELETE FROM delivered WHERE number < ?", (number_at(oldest),))
    return tuple(stored)


def latest_alert_number(database: sqlite3.Connection) -> int:
    """Return the highest number of all stored alerts, or 0 if no alert is stored."""
    (newest,) = database.execute("SELECT max(number) FROM alert").fetchone()
    return newest or 0


def read_alerts_after(database: sqlite3.Connection, config: str, after: int) -> tuple[StoredAlert, ...]:
    """Return a config's alerts with a number above `after`, oldest first."""
    rows = database.execute(
        f"SELECT {_COLUMNS} FROM alert WHERE config = ? AND number > ? ORDER BY number", (config, after)
    )
    return tuple(stored for row in rows.fetchall() if (stored := _decode_stored_alert(row)))


def find_due_delivery(
    database: sqlite3.Connection, config: str, channels: Sequence[str], now: datetime
) -> tuple[str, str, int] | None:
    """Return the alert's uuid, the channel and the number of attempts of the oldest delivery that is due.

    Returns None if no delivery is due. A delivery has to wait until the older alerts of its org are
    delivered to the channel, so that no old alert arrives last.
    """
    marks = ", ".join("?" * len(channels))
    query = (
        "SELECT delivery.alert, sink, attempts FROM delivery LEFT JOIN alert ON uuid = delivery.alert"
        f" WHERE (config = ? OR config IS NULL) AND sink IN ({marks}) AND (due <= ? OR due > ?)"
        " AND NOT EXISTS (SELECT 1 FROM delivery older JOIN alert earlier ON earlier.uuid = older.alert"
        " WHERE older.sink = delivery.sink AND earlier.config = alert.config"
        " AND earlier.number < alert.number AND earlier.org = alert.org)"
        " ORDER BY number, due LIMIT 1"
    )
    found = database.execute(
        query, (config, *channels, encode_datetime(now), encode_datetime(now + MAX_RESCHEDULE))
    )
    row: tuple[str, str, int] | None = found.fetchone()
    return row


def claim_delivery(
    database: sqlite3.Connection, config: str, channels: Sequence[str], now: datetime, lease: timedelta
) -> DeliveryClaim | None:
    """Claim the oldest due delivery, and make it due again after the time `lease`.

    Returns None if no delivery is due.
    """
    while found := find_due_delivery(database, config, channels, now):
        uuid, channel, attempts = found
        query = f"SELECT {_COLUMNS} FROM alert WHERE uuid = ?"
        row = database.execute(query, (uuid,)).fetchone()
        if stored := row and _decode_stored_alert(row):
            database.execute(
                "UPDATE delivery SET due = ?, attempts = attempts + 1 WHERE alert = ? AND sink = ?",
                (encode_datetime(now + lease), uuid, channel),
            )
            return DeliveryClaim(stored, channel, attempts)
        _delete_delivery(database, uuid, channel)  # an alert that cannot be decoded cannot be delivered
    return None


def delete_delivery(database: sqlite3.Connection, claim: DeliveryClaim) -> None:
    """Delete a claimed delivery, which was sent or given up.

    If the delivery is stored in another database instead (see `zbtui.store.fallback`), record it in the
    table `delivered`, so that it is deleted there later.
    """
    uuid, channel = claim.stored.uuid, claim.channel
    if not _delete_delivery(database, uuid, channel):
        database.execute(
            "INSERT OR IGNORE INTO delivered VALUES (?, ?, ?)", (uuid, channel, claim.stored.number)
        )


def reschedule_delivery(database: sqlite3.Connection, claim: DeliveryClaim, until: datetime) -> None:
    """Make a failed delivery due again at the time `until`."""
    values = (encode_datetime(until), claim.stored.uuid, claim.channel)
    database.execute("UPDATE delivery SET due = ? WHERE alert = ? AND sink = ?", values)


def _delete_delivery(database: sqlite3.Connection, uuid: str, channel: str) -> bool:
    """Delete the delivery of the alert `uuid` to `channel`; return whether this delivery was stored."""
    values = (uuid, channel)
    return database.execute("DELETE FROM delivery WHERE alert = ? AND sink = ?", values).rowcount > 0


def _outage(state: AlertState) -> tuple[datetime | None, ...]:
    """Return the values of a config's row in the table `outage`, in the order of its columns.

    The last value is the time when the user was notified of a problem of the journal.
    """
    return (
        state.outage_since,
        state.outage_notified_at,
        state.outage_ended_at,
        state.journal_notified_at,
    )


def _decode_gone(gone: str | None) -> datetime | None:
    """Return the time when an org was marked as gone, or None if it was not, or if the time is invalid."""
    return decode_or_none(lambda: decode_optional_datetime(gone))


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


def _decode_stored_alert(row: tuple[Any, ...]) -> StoredAlert | None:
    uuid, number, at, kind, org, before, verdict, level, headline, hint = row

    def read() -> StoredAlert:
        alert = Alert(
            decode_datetime(at),
            _KINDS[_KINDS.index(kind)],
            decode_line(org),
            decode_optional_line(before),
            decode_line(verdict),
            Level(level),
            decode_line(headline),
            decode_optional_line(hint),
        )
        return StoredAlert(decode_line(uuid), number, alert)

    return decode_or_none(read)


def _encode_optional_datetime(moment: datetime | None) -> str | None:
    return None if moment is None else encode_datetime(moment)
