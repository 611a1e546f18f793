"""The plans of the invented orgs: their recurrence rules and their runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from dateutil.rrule import rrulestr

from zbtui.model.time_format import WEEKDAYS

_PLAN_AGE: Final = timedelta(weeks=50)
"""How long a plan has run: a little less than Zoho's year."""


def rrule_for(plan: str, run: datetime) -> str:
    """The recurrence rule of a plan, derived from one of its runs (see `move_onto_plan`)."""
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
    """The `repeat_type` of a plan, as in the history."""
    return "monthly" if plan == "monthly-ordinal" else plan


def move_onto_plan(plan: str, run: datetime) -> datetime:
    """Move a run to a time that the plan allows: not each month has, say, a fifth Tuesday."""
    return run + timedelta(weeks=1) if plan == "monthly-ordinal" and run.day > 28 else run


def runs_before(plan: str, run: datetime) -> tuple[datetime, ...]:
    """All runs of a plan before the given run, oldest first, with its offset."""
    runs = _runs_before(plan, run.replace(tzinfo=None))
    return tuple(each.replace(tzinfo=run.tzinfo) for each in runs)


def next_run_after(plan: str, run: datetime, now: datetime) -> datetime:
    """The first run of a plan after `now`; the given `run` if it is after `now`."""
    if run > now:
        return run
    begin = run.replace(tzinfo=None)
    rule = rrulestr(rrule_for(plan, begin).removeprefix("RRULE:"), dtstart=begin)
    later = rule.after(now.astimezone(run.tzinfo).replace(tzinfo=None))
    return later.replace(tzinfo=run.tzinfo) if later else run


# Without a zone: the cache would treat equal moments in two zones as one key.
@lru_cache(maxsize=4096)
def _runs_before(plan: str, run: datetime) -> tuple[datetime, ...]:
    rule = rrulestr(rrule_for(plan, run).removeprefix("RRULE:"), dtstart=run - _PLAN_AGE)
    return tuple(rule.between(run - _PLAN_AGE, run - timedelta(hours=1), inc=True))
