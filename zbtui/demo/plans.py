"""The plans of the invented orgs: their recurrence rules and their runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from dateutil.rrule import rrulestr

from zbtui.model.time_format import WEEKDAYS

_PLAN_AGE: Final = timedelta(weeks=50)
"""How long each plan has run: a little less than the year that Zoho keeps in the history."""


def rrule_for(plan: str, run: datetime) -> str:
    """Return the recurrence rule of a plan; `run` is one of the plan's runs, from `move_onto_plan`."""
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
    """Return the `repeat_type` that Zoho's history shows for a plan."""
    return "monthly" if plan == "monthly-ordinal" else plan


def move_onto_plan(plan: str, run: datetime) -> datetime:
    """Return `run`, moved by a week if the plan does not allow it: not each month has a fifth Tuesday."""
    return run + timedelta(weeks=1) if plan == "monthly-ordinal" and run.day > 28 else run


def runs_before(plan: str, run: datetime) -> tuple[datetime, ...]:
    """Return all runs of a plan before the given run, oldest first, with the UTC offset of that run."""
    runs = _runs_before(plan, run.replace(tzinfo=None))
    return tuple(each.replace(tzinfo=run.tzinfo) for each in runs)


def next_run_after(plan: str, run: datetime, now: datetime) -> datetime:
    """Return the first run of a plan after `now`.

    `run` is one of the plan's runs; it is returned if it is after `now`.
    """
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
