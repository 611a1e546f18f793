"""The plans of the invented orgs: their rule in Zoho's words, and when they ran."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from dateutil.rrule import rrulestr

from zbtui.model.time_format import WEEKDAYS

_PLAN_AGE: Final = timedelta(weeks=50)
"""Since when a plan runs: a little less than the year of which Zoho tells."""


def rrule_for(plan: str, run: datetime) -> str:
    """The recurrence rule of a plan, by one of its runs (`on_plan`)."""
    day = WEEKDAYS[run.weekday()][:2].upper()
    match plan:
        case "weekly":
            return f"RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY={day}"
        case "biweekly":
            return f"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY={day}"
        case "monthly":
            return f"RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY={run.day}"
        case _:
            return f"RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY={(run.day - 1) // 7 + 1}{day}"


def repeat_type_of(plan: str) -> str:
    """What the history calls a plan."""
    return "monthly" if plan == "monthly-ordinal" else plan


def move_onto_plan(plan: str, run: datetime) -> datetime:
    """A time at which a plan can run: not each month has a fifth Tuesday, but each has a first."""
    return run + timedelta(weeks=1) if plan == "monthly-ordinal" and run.day > 28 else run


def runs_before(plan: str, run: datetime) -> tuple[datetime, ...]:
    """The runs of a plan before one of them, from its first one on, at that one's offset."""
    runs = _runs_before(plan, run.replace(tzinfo=None))
    return tuple(each.replace(tzinfo=run.tzinfo) for each in runs)


# Without a zone: moments that are the same in two zones are one key of a cache.
@lru_cache(maxsize=4096)
def _runs_before(plan: str, run: datetime) -> tuple[datetime, ...]:
    rule = rrulestr(rrule_for(plan, run).removeprefix("RRULE:"), dtstart=run - _PLAN_AGE)
    return tuple(rule.between(run - _PLAN_AGE, run - timedelta(hours=1), inc=True))
