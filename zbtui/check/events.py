"""Changes, as the journal keeps them and as a watch sees them: a row each for people, or a JSON line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, tzinfo

from zbtui.check.columns import cells, pad, paint
from zbtui.check.json_text import iso
from zbtui.core.event import Event, said
from zbtui.core.verdict import Level, Verdict


def as_line(event: Event) -> str:
    """One JSON object in one line, schema 1.

    Its keys, which are always there:

    - `schema`: 1
    - `at`: when it was seen; ISO 8601
    - `org`
    - `kind`: what changed: `status`, `verdict`, `schedule`, `requester`, `run`, `trouble`, `licence`
    - `before`, `after`: null: nothing, or not known; a trouble whose `after` is null is over
    - `level`, `headline`: of the verdict after the look
    """
    return _line(event.at, event.org, event.kind, event.before, event.after, event.level, event.headline)


def state_line(at: datetime, org: str, verdict: Verdict) -> str:
    """How an org stands when a watch begins, in the same shape: `kind` is `state`, `after` the verdict."""
    return _line(at, org, "state", None, verdict.name, verdict.level.word, verdict.headline)


def removal_line(at: datetime, org: str, verdict: Verdict) -> str:
    """An org went off watch, in the same shape: `kind` is `removed`, `before` its last verdict."""
    return _line(at, org, "removed", verdict.name, None, Level.UNKNOWN.word, "no longer under watch")


def as_rows(events: Sequence[Event], zone: tzinfo | None = None, *, coloured: bool = False) -> str:
    """Aligned rows: when, which org, what it was and what it is now.

    Args:
        zone: the viewer's; None: the machine's own.
    """
    widest = max((cells(event.org) for event in events), default=0)
    return "\n".join(
        f"{_when(event, zone)}  {pad(event.org, widest)}  {_change(event, coloured)}" for event in events
    )


def _when(event: Event, zone: tzinfo | None) -> str:
    return f"{event.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _change(event: Event, coloured: bool) -> str:
    before, after = said(event)
    if event.kind == "verdict":
        after = paint(after, Level[event.level.upper()], coloured=coloured)
    return f"{event.kind}: {before} -> {after}"


def _line(
    at: datetime, org: str, kind: str, before: str | None, after: str | None, level: str, headline: str
) -> str:
    body = {
        "schema": 1,
        "at": iso(at),
        "org": org,
        "kind": kind,
        "before": before,
        "after": after,
        "level": level,
        "headline": headline,
    }
    return json.dumps(body)
