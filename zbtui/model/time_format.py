"""Formats times and durations as text, and parses durations."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION: Final = re.compile(r"(?:\d{1,9}[smhd])+")
_MAX_DURATION: Final = timedelta(days=3650)
WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def weekday(on: date) -> str:
    """Return the weekday's English name in three letters, such as `Mon`, whatever the locale."""
    return WEEKDAYS[on.weekday()][:3]


def parse_duration(text: str) -> timedelta:
    """Parse a duration such as `"90s"`, `"5m"`, `"1h30m"` or `"2d"`, up to ten years.

    Raises `ValueError` for any other text.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError("a number and a unit (s, m, h, d), such as 30s, 5m or 1h30m")
    seconds = sum(int(part[:-1]) * _UNITS[part[-1]] for part in re.findall(r"\d+[smhd]", text))
    if not 0 < seconds <= _MAX_DURATION.total_seconds():
        raise ValueError("a span longer than nothing and of at most ten years (3650d)")
    return timedelta(seconds=seconds)


def format_duration(span: timedelta) -> str:
    """Return a duration in the form that `parse_duration` reads, such as `"1h30m"`, in whole seconds."""
    rest, parts = int(span.total_seconds()), []
    for unit, seconds in reversed(_UNITS.items()):
        count, rest = divmod(rest, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def countdown(span: timedelta) -> str:
    """Return a duration as `6d 03:12:44`, or as `03:12:44` under a day: whole seconds, without a sign."""
    seconds = int(abs(span).total_seconds())
    days, rest = divmod(seconds, 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{days}d {clock}" if days else clock


def rough_span(span: timedelta) -> str:
    """Return a duration in a single unit, without a sign: `now`, `25s`, `12m`, `3h` or `6d`.

    Under a minute the duration is given in steps of five seconds, so that the panels do not flicker.
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
    """Return a duration as an age, rounded by `rough_span`: `just now` or `25s ago`."""
    text = rough_span(span)
    return "just now" if text == "now" else f"{text} ago"


def rough_time_left(span: timedelta) -> str:
    """Return a duration as time left, rounded by `rough_span`: `now` or `in 25s`."""
    text = rough_span(span)
    return text if text == "now" else f"in {text}"


def month_bounds(moment: datetime) -> tuple[datetime, datetime]:
    """Return the start of a moment's calendar month and of the next month, at the moment's UTC offset."""
    begin = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return begin, (begin + timedelta(days=32)).replace(day=1)


def utc_offset_text(moment: datetime) -> str:
    """Return the UTC offset of a moment that has a time zone, such as `+05:30`."""
    return moment.strftime("%z")[:3] + ":" + moment.strftime("%z")[3:5]


def day_month_text(moment: datetime, *, year: bool = False) -> str:
    """Return a date in English, such as `12 Jul`, or with `year=True` `12 Jul 2022`."""
    text = f"{moment.day} {MONTHS[moment.month - 1]}"
    return f"{text} {moment.year}" if year else text


def datetime_texts(moment: datetime, zone: tzinfo | None) -> tuple[str, ...]:
    """Return several texts of one moment, longest first; callers take the first that fits.

    Each text has the time in the viewer's `zone` (None: this machine's zone). The longer texts add the time
    or the UTC offset at the org, which is the offset of `moment`.
    """
    local = moment.astimezone(zone)
    org_offset = utc_offset_text(moment)
    day = f"{weekday(local)} {day_month_text(local)}"
    if local.utcoffset() == moment.utcoffset():
        clock = f"{local:%H:%M} ({org_offset})"
        return f"{day} {local.year} {clock}", f"{day} {clock}", f"{day} {local:%H:%M}"
    org_time = f"{moment:%H:%M} {org_offset}"
    if local.date() != moment.date():
        org_time = f"{weekday(moment)} {org_time}"
    return (
        f"{day} {local.year} {local:%H:%M} (there {org_time})",
        f"{day} {local:%H:%M} (there {org_time})",
        f"{day} {local:%H:%M} ({org_time})",
        f"{day} {local:%H:%M}",
    )
