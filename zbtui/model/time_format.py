"""Times and spans, in words and read from words."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?:\d{1,9}[smhd])+")
_MAX_DURATION: Final = timedelta(days=3650)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
)


def weekday(on: date) -> str:
    """`Mon`, whatever the machine's language."""
    return WEEKDAYS[on.weekday()][:3]


def parse_duration(text: str) -> timedelta:
    """`"90s"`, `"5m"`, `"1h30m"`, `"2d"`.

    Raises:
        ValueError: not of that form, zero, or beyond ten years.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError("a number and a unit (s, m, h, d), such as 30s, 5m or 1h30m")
    seconds = sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(r"\d+[smhd]", text))
    if not 0 < seconds <= _MAX_DURATION.total_seconds():
        raise ValueError("a span longer than nothing and of at most ten years (3650d)")
    return timedelta(seconds=seconds)


def format_duration(span: timedelta) -> str:
    """As `parse_duration` reads it: `"1h30m"`; whole seconds."""
    left, parts = int(span.total_seconds()), []
    for unit, seconds in reversed(_UNITS.items()):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def countdown(span: timedelta) -> str:
    """`6d 03:12:44`, under a day `03:12:44`; whole seconds, the sign left out."""
    seconds = int(abs(span).total_seconds())
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def rough_span(span: timedelta) -> str:
    """`now`, `25s`, `12m`, `3h`, `6d`: a span that does not ask to be read each second.

    Under a minute in steps of five seconds, so that a row of panels does not flicker.
    """
    seconds = int(abs(span).total_seconds())
    if seconds < 5:
        return "now"
    if seconds < 60:
        return f"{seconds // 5 * 5}s"
    if seconds < 3600:
        return f"{seconds // 60}m"
    if seconds < 2 * 86400:
        return f"{seconds // 3600}h"
    return f"{seconds // 86400}d"


def ago(span: timedelta) -> str:
    """`rough`, as an age: `just now`, `25s ago`."""
    text = rough_span(span)
    return "just now" if text == "now" else f"{text} ago"


def rough_time_left(span: timedelta) -> str:
    """`rough`, as what is left: `now`, `in 25s`."""
    text = rough_span(span)
    return text if text == "now" else f"in {text}"


def month_bounds(moment: datetime) -> tuple[datetime, datetime]:
    """The calendar month of a moment, at its own offset: where it begins, and where the next one does."""
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def utc_offset_text(moment: datetime) -> str:
    """`+05:30`, of an aware moment."""
    return moment.strftime("%z")[:3] + ":" + moment.strftime("%z")[3:5]


def day_month_text(moment: datetime, *, year: bool = False) -> str:
    """`12 Jul`, with the year `12 Jul 2022`: in English whatever the locale."""
    text = f"{moment.day} {MONTHS[moment.month - 1]}"
    return f"{text} {moment.year}" if year else text


def datetime_texts(moment: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    """The same moment said at falling length, for the first that fits.

    In the viewer's `zone` (None: the machine's own), the time in the org's own offset beside it.
    """
    here = moment.astimezone(zone)
    theirs = utc_offset_text(moment)
    date = f"{weekday(here)} {day_month_text(here)}"
    if here.utcoffset() == moment.utcoffset():
        clock = f"{here:%H:%M} ({theirs})"
        return f"{date} {here.year} {clock}", f"{date} {clock}", f"{date} {here:%H:%M}"
    there = f"{moment:%H:%M} {theirs}"
    if here.date() != moment.date():
        there = f"{weekday(moment)} {there}"
    return (
        f"{date} {here.year} {here:%H:%M} (there {there})",
        f"{date} {here:%H:%M} (there {there})",
        f"{date} {here:%H:%M} ({there})",
        f"{date} {here:%H:%M}",
    )
