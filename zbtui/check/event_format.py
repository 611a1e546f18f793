"""Events and changes as aligned rows for people, or as lines of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, tzinfo

from zbtui.check.columns import cell_width, colour_by_level, pad_to_width
from zbtui.check.json_format import iso_time
from zbtui.health.events import Event, before_and_after_texts
from zbtui.model.verdict import Level, Verdict


def event_json_line(event: Event) -> str:
    """One JSON object in one line, schema 1.

    Its keys, which are always present:

    - `schema`: 1
    - `at`: when the change was observed; ISO 8601
    - `org`
    - `kind`: what changed: `status`, `verdict`, `schedule`, `requester`, `run`, `trouble`, `licence`
    - `before`, `after`: the values, null if none or unknown; `trouble` with a null `after` has ended
    - `level`, `headline`: of the verdict after the poll
    """
    return _json_line(
        event.at, event.org, event.kind, event.before, event.after, event.level, event.headline
    )


def state_json_line(at: datetime, org: str, verdict: Verdict) -> str:
    """An org's first verdict, as in `event_json_line`: `kind` is `state`, `after` the verdict."""
    return _json_line(at, org, "state", None, verdict.name, verdict.level.label, verdict.headline)


def removal_json_line(at: datetime, org: str, verdict: Verdict) -> str:
    """An org's removal, as in `event_json_line`: `kind` is `removed`, `before` the last verdict."""
    return _json_line(at, org, "removed", verdict.name, None, Level.UNKNOWN.label, "no longer under watch")


def event_rows(events: Sequence[Event], zone: tzinfo | None = None, *, coloured: bool = False) -> str:
    """Aligned rows of time (in `zone`, else the system's), org, kind, and the values before and after."""
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
