"""The formats in which commands and webhooks get an alert."""

from __future__ import annotations

import socket
from typing import Final

from zbtui.health.alert_policy import ALL_ORGS
from zbtui.model.text import clean
from zbtui.store.outbox import StoredAlert

PAYLOAD_SCHEMA: Final = 1


def alert_payload(stored: StoredAlert) -> dict[str, object]:
    """Return the JSON object for commands and webhooks. It always has all keys; a missing value is null.

    An alert may be delivered twice, with the same `id`; no other alert of any machine has this `id`.
    `host` is the machine that sends the alert. `text` is the alert in one line, for chats.
    """
    alert = stored.alert
    return {
        "schema": PAYLOAD_SCHEMA,
        "id": stored.uuid,
        "host": host_name(),
        "at": alert.at.isoformat(timespec="seconds"),
        "kind": alert.kind,
        "org": None if alert.org == ALL_ORGS else alert.org,
        "before": alert.previous_verdict,
        "verdict": alert.verdict,
        "level": alert.level.label,
        "title": alert.title,
        "headline": alert.headline,
        "hint": alert.hint,
        "text": f"{alert.title}: {alert.headline}",
    }


def alert_environment(stored: StoredAlert) -> dict[str, str]:
    """Return the environment variables for a command. All are set; a missing value is an empty text."""
    alert = stored.alert
    return {
        "ZBTUI_ALERT_ID": stored.uuid,
        "ZBTUI_HOST": host_name(),
        "ZBTUI_KIND": alert.kind,
        "ZBTUI_ORG": alert.org,
        "ZBTUI_VERDICT": alert.verdict,
        "ZBTUI_LEVEL": alert.level.label,
        "ZBTUI_BEFORE": alert.previous_verdict or "",
        "ZBTUI_TITLE": alert.title,
        "ZBTUI_HEADLINE": alert.headline,
        "ZBTUI_HINT": alert.hint or "",
    }


def host_name() -> str:
    """Return this machine's host name, cleaned for display."""
    return clean(socket.gethostname(), 80)
