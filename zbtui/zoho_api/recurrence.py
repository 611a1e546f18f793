"""Parses the recurrence rule of a backup plan ("Schedule data backup"): its text, longest gap and dates.

Zoho documents FREQ (WEEKLY, MONTHLY), INTERVAL (1 to 52), BYDAY (with an ordinal for MONTHLY) and
BYMONTHDAY. Other parts are shown as sent. The date of the next run is never taken from a rule, only from
`scheduled_date`.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any, Final, Literal

from zbtui.model.time_format import WEEKDAYS

_WEEKDAY_NAMES: Final = {name[:2].upper(): name for name in WEEKDAYS}
_ORDINALS: Final = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "-1": "last"}
_BYDAY: Final = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_DOCUMENTED_PARTS: Final = {"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY"}
_WITHIN_A_DAY: Final = {"BYHOUR", "BYMINUTE", "BYSECOND"}
"""The undocumented parts of a rule that lengthen the time between two runs by at most a day."""
_SAMPLE_YEARS: Final = 5
"""The number of years, times the rule's interval, that are searched for the longest gap.

This is enough for every length of month.
"""
_MAX_RUNS: Final = 100


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurrence rule whose documented parts have been parsed."""

    freq: Literal["WEEKLY", "MONTHLY"]
    interval: int
    weekdays: tuple[tuple[str, str], ...] = ()
    """The pairs of ordinal (or "") and two-letter weekday in the rule, in the order of `BYDAY`."""
    month_days: tuple[int, ...] = ()
    undocumented_parts: tuple[str, ...] = ()
    """The parts of the rule that Zoho does not document, as sent."""

    @property
    def text(self) -> str:
        """The rule in words: `every 2 weeks on Tuesday`, `every month on the first and fourth Thursday`."""
        unit = "week" if self.freq == "WEEKLY" else "month"
        text = f"every {unit}" if self.interval == 1 else f"every {self.interval} {unit}s"
        if self.weekdays:
            text += f" on {_join_words(_weekday_texts(self.weekdays))}"
        if self.month_days:
            text += f" on the {_join_words([_ordinal(day) for day in self.month_days])}"
        return f"{text} ({'; '.join(self.undocumented_parts)})" if self.undocumented_parts else text

    @property
    def longest_gap(self) -> timedelta | None:
        """The longest time between two runs by the rule: 7 days for every week, 31 for every month.

        None if undocumented parts may change that time, or if the rule gives no two runs.
        """
        return None if any(map(self._may_change_gap, self.undocumented_parts)) else self.documented_gap

    @property
    def documented_gap(self) -> timedelta | None:
        """The longest time between two runs if the undocumented parts are ignored.

        None if the rule has both weekdays and days of the month, or gives no two runs.
        """
        return None if self.weekdays and self.month_days else _longest_gap(self)

    def falls_on(self, moment: datetime) -> bool:
        """Whether the rule names the day of `moment`, at that moment's UTC offset; ignores the interval."""
        in_month = not self.month_days or moment.day in self.month_days
        return in_month and _matches_weekdays(moment, self.weekdays)

    def _may_change_gap(self, part: str) -> bool:
        """Whether an undocumented part may change the time between two runs by more than a day."""
        key = part.partition("=")[0].strip().upper()
        if key == "WKST":  # the first day of the week: may move days to another week of the interval
            return self.freq == "WEEKLY" and self.interval > 1 and len(self.weekdays) > 1
        return key not in _WITHIN_A_DAY


@lru_cache(maxsize=1024)
def parse_rrule(raw: str) -> Recurrence | None:
    """Parse a recurrence rule; None if the text does not have the documented form."""
    text = raw.strip()
    if text[:6].upper() == "RRULE:":
        text = text[6:]
    parts: dict[str, str] = {}
    undocumented: list[str] = []
    for part in filter(None, (piece.strip() for piece in text.split(";"))):
        key, equals, value = part.partition("=")
        if not equals or key.upper() in parts:
            return None
        parts[key.upper()] = value.strip().upper()
        if key.upper() not in _DOCUMENTED_PARTS:
            undocumented.append(part)
    freq = parts.get("FREQ")
    interval = _parse_int(parts.get("INTERVAL", "1"), 1, 52)
    if freq not in ("WEEKLY", "MONTHLY") or interval is None:
        return None
    days = _parse_by_day(parts["BYDAY"], freq) if "BYDAY" in parts else ()
    month_days = _parse_by_month_day(parts["BYMONTHDAY"], freq) if "BYMONTHDAY" in parts else ()
    if days is None or month_days is None:
        return None
    return Recurrence(
        "WEEKLY" if freq == "WEEKLY" else "MONTHLY", interval, days, month_days, tuple(undocumented)
    )


def rrule_text(raw: str) -> str:
    """Return a recurrence rule in words, or the raw text if the rule cannot be parsed."""
    rule = parse_rrule(raw)
    return rule.text if rule else raw


@lru_cache(maxsize=1024)
def _longest_gap(rule: Recurrence) -> timedelta | None:
    # The sample begins on a Monday that is the first day of a leap year.
    first = datetime(2024, 1, 1)
    last = first.replace(year=2024 + _SAMPLE_YEARS * rule.interval)
    gaps = (later - sooner for sooner, later in pairwise(_run_dates(rule, first, last)))
    return max(gaps, default=None)


def later_runs(raw: str, next_run: datetime, end: datetime) -> tuple[datetime, ...]:
    """Return the runs after `next_run`, up to `end`, at the time of day and the UTC offset of `next_run`.

    The times are approximate: only `scheduled_date` is exact. Empty if the rule cannot be parsed in full.
    """
    zone = next_run.tzinfo
    first, last = next_run.replace(tzinfo=None), end.astimezone(zone).replace(tzinfo=None)
    return tuple(run.replace(tzinfo=zone) for run in _later_runs(raw, first, last))


@lru_cache(maxsize=16_384)
def _later_runs(raw: str, first: datetime, last: datetime) -> tuple[datetime, ...]:
    # The datetimes have no zone: moments that are equal at two offsets would share a cache entry, but
    # may fall on different weekdays.
    rule = parse_rrule(raw)
    if rule is None or rule.undocumented_parts or last <= first:
        return ()
    return tuple(run for run in islice(_run_dates(rule, first, last), _MAX_RUNS) if run > first)


def _run_dates(rule: Recurrence, first: datetime, last: datetime) -> Iterator[datetime]:
    """Return the dates of a rule from `first` to `last`, all without a time zone."""
    from dateutil import rrule  # imported here: most commands never need it

    limits: dict[str, Any] = {"dtstart": first, "until": last, "interval": rule.interval}
    if rule.month_days:
        # The first of each month is added: for a day that never comes, dateutil searches to year 9999.
        wanted, weekdays = (1, *rule.month_days), rule.weekdays
        dates = rrule.rrule(rrule.MONTHLY, bymonthday=wanted, **limits)
        return (day for day in dates if day.day in rule.month_days and _matches_weekdays(day, weekdays))
    plain = [getattr(rrule, day) for nth, day in rule.weekdays if not nth]
    ordinal = [getattr(rrule, day)(int(nth)) for nth, day in rule.weekdays if nth]
    runs = rrule.rruleset()  # dateutil intersects both kinds of days within one rule
    kinds: list[Any] = [kind for kind in (plain, ordinal) if kind] or [None]
    for kind in kinds:
        if rule.freq == "WEEKLY":
            runs.rrule(rrule.rrule(rrule.WEEKLY, byweekday=kind, **limits))
        else:
            runs.rrule(rrule.rrule(rrule.MONTHLY, byweekday=kind, **limits))
    return iter(runs)


def _matches_weekdays(date: datetime, days: tuple[tuple[str, str], ...]) -> bool:
    """Whether `date` is on one of `days`, pairs of ordinal in the month and weekday.

    True if `days` is empty.
    """
    nths = {"", str((date.day + 6) // 7)}
    if date.day + 7 > monthrange(date.year, date.month)[1]:
        nths.add("-1")
    weekday = tuple(_WEEKDAY_NAMES)[date.weekday()]
    return not days or any(nth in nths and day == weekday for nth, day in days)


def _parse_int(text: str, least: int, most: int) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        return None
    return value if least <= (value := int(text)) <= most else None


def _parse_by_day(text: str, freq: str) -> tuple[tuple[str, str], ...] | None:
    matches = [_BYDAY.fullmatch(part.strip()) for part in text.split(",")]
    days = tuple(((day[1] or "").lstrip("+"), day[2]) for day in matches if day)
    legal = len(days) == len(matches) and all(
        nth == "" or (freq == "MONTHLY" and nth in _ORDINALS) for nth, _ in days
    )
    return days if legal else None


def _parse_by_month_day(text: str, freq: str) -> tuple[int, ...] | None:
    days = [_parse_int(part.strip(), 1, 31) for part in text.split(",")]
    if freq != "MONTHLY" or None in days:
        return None
    return tuple(day for day in days if day is not None)


def _weekday_texts(days: tuple[tuple[str, str], ...]) -> list[str]:
    """Return each weekday with all its ordinals, such as `Tuesday` or `the first and fourth Thursday`."""
    ordinals: dict[tuple[str, bool], list[str]] = {}
    for nth, day in days:
        ordinals.setdefault((day, bool(nth)), []).append(_ORDINALS.get(nth, ""))
    return [
        f"the {_join_words(nths)} {_WEEKDAY_NAMES[day]}" if ordinal else _WEEKDAY_NAMES[day]
        for (day, ordinal), nths in ordinals.items()
    ]


def _ordinal(day: int) -> str:
    suffix = "th" if 10 <= day % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{suffix}"


def _join_words(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
