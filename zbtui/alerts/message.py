"""One alert in the shapes in which it leaves the program."""

from __future__ import annotations

from typing import Final

from zbtui.core.alert import ALL
from zbtui.store.alerts import KeptAlert

SCHEMA: Final = 1


def alert_as_json(kept: KeptAlert) -> dict[str, object]:
    """The object that a command and a webhook get; every key always there, what there is not null.

    The same alert may come twice, with the same `id`. `text` is one line for chats that show that.
    """
    alert = kept.alert
    return {
        "schema": SCHEMA,
        "id": kept.id,
        "at": alert.at.isoformat(timespec="seconds"),
        "kind": alert.kind,
        "org": None if alert.org == ALL else alert.org,
        "before": alert.before,
        "verdict": alert.verdict,
        "level": alert.level.word,
        "title": alert.title,
        "headline": alert.headline,
        "hint": alert.hint,
        "text": f"{alert.title}: {alert.headline}",
    }


def alert_environment(kept: KeptAlert) -> dict[str, str]:
    """The variables that a command gets; what there is not is empty."""
    alert = kept.alert
    return {
        "ZBTUI_ALERT_ID": str(kept.id),
        "ZBTUI_KIND": alert.kind,
        "ZBTUI_ORG": alert.org,
        "ZBTUI_VERDICT": alert.verdict,
        "ZBTUI_LEVEL": alert.level.word,
        "ZBTUI_BEFORE": alert.before or "",
        "ZBTUI_TITLE": alert.title,
        "ZBTUI_HEADLINE": alert.headline,
        "ZBTUI_HINT": alert.hint or "",
    }
