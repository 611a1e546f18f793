"""The journal's events as lines: when, whose, what it was and what it is now. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final

from zbtui.core.event import Event, said
from zbtui.core.org import Accent
from zbtui.core.privacy import HIDDEN
from zbtui.core.timefmt import day, weekday
from zbtui.core.verdict import Level
from zbtui.tui.widgets.lines import Line, Role, accent_mark, cut, fit
from zbtui.tui.widgets.told import LEVEL_ROLES

_NAMING: Final = frozenset({"requester", "trouble"})
"""Kinds whose texts name people or hosts."""
_NAME_CELLS: Final = (10, 24)
"""Of an org's name, at least and at most."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The org of an event, as it may be shown."""

    name: str
    accent: Accent | None = None
    watched: bool = True
    """False: it went off watch since."""
    names_hidden: bool = False


def day_words(on: date, today: date) -> str:
    """`today Thu 26 Nov`, `tomorrow …`, `yesterday …`, `Wed 25 Nov`; the year, where it is another one."""
    near = {0: "today ", 1: "tomorrow ", -1: "yesterday "}.get((on - today).days, "")
    moment = datetime.combine(on, datetime.min.time())
    return f"{near}{weekday(on)} {day(moment, year=on.year != today.year)}"


def draw_heading(text: str, width: int) -> Line:
    """A line that parts what follows from what stands above."""
    return ((fit(f"── {text} {'─' * width}"[: max(width, 0)], width), "heading"),)


def draw_event(event: Event, whose: Whose, width: int, zone: tzinfo | None = None) -> Line:
    """One event, in exactly `width` cells.

    Args:
        zone: the viewer's; None: the machine's.
    """
    level = _level(event)
    before, after = (HIDDEN, HIDDEN) if whose.names_hidden and event.kind in _NAMING else said(event)
    if event.kind == "verdict":
        before, after = before.replace("_", " "), after.replace("_", " ")
    what = f"{event.kind}: {before} → {after}"
    if event.kind == "verdict" and not whose.names_hidden and event.headline:
        what = f"{what} · {event.headline}"
    if not whose.watched:
        what = f"(off watch) {what}"
    time = f"{event.at.astimezone(zone):%H:%M:%S}"
    name = min(max(width // 5, _NAME_CELLS[0]), _NAME_CELLS[1])
    text: Role = "text" if whose.watched else "muted"
    return cut(
        (
            (f" {time} ", "muted"),
            (level.glyph, LEVEL_ROLES[level]),
            accent_mark(whose.accent),
            (fit(whose.name, name), "name" if whose.watched else "muted"),
            (" ", "text"),
            (fit(what, max(width - name - 13, 0)), text),
        ),
        width,
    )


def _level(event: Event) -> Level:
    level = Level.__members__.get(event.level.upper(), Level.UNKNOWN)
    # A look that failed beside a verdict that still counts: nothing is green about it.
    failed = event.kind == "trouble" and event.after is not None
    return Level.UNKNOWN if failed and level is Level.OK else level


def draw_quiet(whose: Whose, width: int) -> Line:
    """An org of which nothing was noted."""
    mark = accent_mark(whose.accent)
    return cut(((" " * 11, "text"), mark, (fit(whose.name, max(width - 12, 0)), "muted")), width)
