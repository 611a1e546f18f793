"""Formats events and changes as aligned rows for people, or as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, tzinfo

from zbtui.check.columns import cell_width, colour_by_level, pad_to_width
from zbtui.check.json_format import iso_time
from zbtui.health.events import Event, before_and_after_texts
from zbtui.model.verdict import Level, Verdict


def event_json_line(event: Event) -> str:
    """Format an event as one JSON object in one line, schema 1.

    The object always has these keys:

    - `schema`: 1
    - `at`: when the change was observed; ISO 8601
    - `org`: the name of the org
    - `kind`: what changed: `status`, `verdict`, `schedule`, `requester`, `run`, `trouble`, `licence`
    - `before`, `after`: the values before and after the change, null if there is none or it is unknown; if
      `after` is null in an event of kind `trouble`, the problem has ended
    - `level`, `headline`: level and headline of the org's verdict after the poll
    """
    return _json_line(
        event.at, event.org, event.kind, event.before, event.after, event.level, event.headline
    )


def state_json_line(at: datetime, org: str, verdict: Verdict) -> str:
    """Format an org's first verdict like an event: `kind` is `state`, `after` is the verdict's name."""
    return _json_line(at, org, "state", None, verdict.name, verdict.level.label, verdict.headline)


def removal_json_line(at: datetime, org: str, verdict: Verdict) -> str:
    """Format an org's removal like an event: `kind` is `removed`, `before` is the last verdict's name."""
    return _json_line(at, org, "removed", verdict.name, None, Level.UNKNOWN.label, "no longer under watch")


def event_rows(events: Sequence[Event], zone: tzinfo | None = None, *, coloured: bool = False) -> str:
    """Format events as aligned rows: time, org, kind, and the values before and after the change.

    The times are in `zone`, or in the system's time zone if `zone` is None.
    """
    widest = max((cell_width(event.org) for event in events), default=0)
    return "\n".join(
        f"{_time_text(event, zone)}  {pad_to_width(event.org, widest)}  {_change_text(event, coloured)}"
        for event in events
    )


def _time_text(event: Event, zone: tzinfo | None) -> str:
    return f"{event.at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _change_text(event: Event, coloured: bool) -> str:
    before, after = before_and_after_texts(event)
    if event.kind == "verdict":
        after = colour_by_level(after, Level[event.level.upper()], coloured=coloured)
    return f"{event.kind}: {before} -> {after}"


def _json_line(
    at: datetime, org: str, kind: str, before: str | None, after: str | None, level: str, headline: str
) -> str:
    body = {
        "schema": 1,
        "at": iso_time(at),
        "org": org,
        "kind": kind,
        "before": before,
        "after": after,
        "level": level,
        "headline": headline,
    }
    return json.dumps(body)
