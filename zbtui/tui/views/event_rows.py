"""Renders recorded events as lines: time, org, state before and after the change. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from zbtui.health.events import Event, before_and_after_texts
from zbtui.model.org import Accent
from zbtui.model.time_format import day_month_text, weekday
from zbtui.model.verdict import Level
from zbtui.presentation.privacy import HIDDEN
from zbtui.tui.views.verdict_text import LEVEL_ROLES
from zbtui.tui.widgets.styled_line import StyledLine, StyleRole, accent_mark, fit, fit_line

_KINDS_WITH_NAMES: Final = frozenset({"requester", "trouble"})
"""The kinds of events whose texts can contain names of people or hosts."""
_NAME_CELLS: Final = (10, 24)
"""The minimum and the maximum width of an org's name, in cells."""


@dataclass(frozen=True, slots=True)
class EventOrg:
    """The data of an org that the line of its event shows."""

    name: str
    accent: Accent | None = None
    is_watched: bool = True
    """Whether the org is still under watch."""
    names_hidden: bool = False


def relative_day_text(on: date, today: date) -> str:
    """Return a day as `today Thu 26 Nov`, `tomorrow …`, `yesterday …` or `Wed 25 Nov`.

    The year is added unless the day is in the year of `today`.
    """
    prefix = {0: "today ", 1: "tomorrow ", -1: "yesterday "}.get((on - today).days, "")
    moment = datetime.combine(on, datetime.min.time())
    return f"{prefix}{weekday(on)} {day_month_text(moment, year=on.year != today.year)}"


def render_heading(text: str, width: int) -> StyledLine:
    """Return a heading line, `width` cells wide, that separates two groups of lines."""
    return ((fit(f"── {text} {'─' * width}"[: max(width, 0)], width), "heading"),)


def render_event(event: Event, org: EventOrg, width: int, zone: tzinfo | None = None) -> StyledLine:
    """Return the line of one event, exactly `width` cells wide.

    The time is shown in the time zone `zone`; if `zone` is None, in this machine's time zone.
    """
    level = _level(event)
    before, after = before_and_after_texts(event)
    if org.names_hidden and event.kind in _KINDS_WITH_NAMES:
        before = after = HIDDEN
    if event.kind == "verdict":
        before, after = before.replace("_", " "), after.replace("_", " ")
    what = f"{event.kind}: {before} → {after}"
    if event.kind == "verdict" and not org.names_hidden and event.headline:
        what = f"{what} · {event.headline}"
    if not org.is_watched:
        what = f"(off watch) {what}"
    time = f"{event.at.astimezone(zone):%H:%M:%S}"
    name_cells = min(max(width // 5, _NAME_CELLS[0]), _NAME_CELLS[1])
    text: StyleRole = "text" if org.is_watched else "muted"
    return fit_line(
        (
            (f" {time} ", "muted"),
            (level.glyph, LEVEL_ROLES[level]),
            accent_mark(org.accent),
            (fit(org.name, name_cells), "name" if org.is_watched else "muted"),
            (" ", "text"),
            (fit(what, max(width - name_cells - 13, 0)), text),
        ),
        width,
    )


def _level(event: Event) -> Level:
    level = Level.__members__.get(event.level.upper(), Level.UNKNOWN)
    # A failed poll is never shown in green, even while the earlier verdict still holds.
    failed = event.kind == "trouble" and event.after is not None
    return Level.UNKNOWN if failed and level is Level.OK else level


def render_org_without_events(org: EventOrg, width: int) -> StyledLine:
    """Return one line, `width` cells wide, for an org without recorded events."""
    accent = accent_mark(org.accent)
    return fit_line(((" " * 11, "text"), accent, (fit(org.name, max(width - 12, 0)), "muted")), width)
