"""The runs that are ahead, of all orgs, on one line of time: by day, with what coincides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Final

from zbtui.core.backup import State
from zbtui.core.recurrence import later_runs
from zbtui.core.snapshot import Snapshot

HORIZON: Final = timedelta(days=35)
"""How far ahead it looks: every monthly plan has a run in it."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run that is ahead, or late."""

    org: str
    at: datetime
    exact: bool
    """Zoho's own date (`scheduled_date`); else about when the plan has another one."""


@dataclass(frozen=True, slots=True)
class Day:
    """The runs of one day, in the viewer's zone."""

    on: date
    runs: tuple[Run, ...]
    """In the order of their times."""
    empty_before: int = 0
    """Days just before it of which no run is known, within the horizon."""
    hours: Counter[int] = field(default_factory=Counter)
    """How many runs begin in each hour."""

    def coincides(self, run: Run, zone: tzinfo | None) -> bool:
        """Whether another one begins within the same hour."""
        return self.hours[run.at.astimezone(zone).hour] > 1

    @property
    def strip(self) -> str:
        """The day's hours, a cell each: `·` nothing, else how many runs, `+` for more than nine."""
        return "".join(_cell(self.hours[hour]) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Agenda:
    """Every org is in it at least once."""

    late: tuple[Run, ...]
    """Due by now, and not in progress."""
    running: tuple[str, ...]
    days: tuple[Day, ...]
    """Those with runs."""
    none: tuple[str, ...]
    """Orgs without any run ahead, late or in progress."""
    until: datetime
    """It holds up to here, unless more is known of an org: then a run is due, or a day begins."""


def next_run(snapshot: Snapshot, now: datetime) -> datetime | None:
    """When Zoho says that the next one is; None: none is awaited."""
    awaited = snapshot.time_to_next_run(now) is not None
    return snapshot.backup.next_run if awaited and snapshot.backup else None


def is_running(snapshot: Snapshot) -> bool:
    return snapshot.backup is not None and snapshot.backup.state is State.INPROGRESS


def runs_after(snapshot: Snapshot, now: datetime) -> tuple[datetime, ...]:
    """About when those come that follow the next one, up to the horizon. Costs more than all the rest."""
    first = next_run(snapshot, now)
    if first is None or snapshot.backup is None or not snapshot.backup.rrule:
        return ()
    # Up to the end of a day: asked again on the same day, it is the same question.
    end = (now + HORIZON).replace(hour=0, minute=0, second=0, microsecond=0)
    return later_runs(snapshot.backup.rrule, first, end)


def make_agenda(
    snapshots: Iterable[tuple[Snapshot, Sequence[datetime] | None]], now: datetime, zone: tzinfo | None
) -> Agenda:
    """Args:
    snapshots: each with what `runs_after` gives; None: not reckoned yet, and until then no day is
        told to be without a run.
    zone: the viewer's; None: the machine's.
    """
    late: list[Run] = []
    running: list[str] = []
    ahead: list[Run] = []
    none: list[str] = []
    today = now.astimezone(zone).date()
    until = _midnight(today + timedelta(days=1), zone)
    is_complete = True
    for snapshot, later in snapshots:
        name, first, here = snapshot.org.name, next_run(snapshot, now), snapshot.zoho_now(now)
        if is_running(snapshot):
            running.append(name)
        elif first is None:
            none.append(name)
        elif first <= here:
            late.append(Run(name, first, exact=True))
        else:
            ahead.append(Run(name, first, exact=True))
            until = min(until, now + (first - here))
        is_complete = is_complete and later is not None
        coming = [at for at in later or () if here < at <= here + HORIZON]
        ahead += [Run(name, at, exact=False) for at in coming]
        until = min([until, *(now + (at - here) for at in coming[:1])])
    last = today + HORIZON if is_complete else today
    return Agenda(
        tuple(sorted(late, key=lambda run: run.at)),
        tuple(running),
        _days(ahead, zone, today, last),
        tuple(none),
        until,
    )


def _midnight(on: date, zone: tzinfo | None) -> datetime:
    begin = datetime.combine(on, time())
    return begin.replace(tzinfo=zone) if zone else begin.astimezone()


def _days(runs: list[Run], zone: tzinfo | None, today: date, last: date) -> tuple[Day, ...]:
    """Up to `last`, each with how many days without a run are before it."""
    days: dict[date, list[Run]] = {}
    for run in sorted(runs, key=lambda one: one.at):
        days.setdefault(run.at.astimezone(zone).date(), []).append(run)
    before, found = today, []
    for on, here in days.items():
        empty = max((on - before).days - 1, 0) if on <= last else 0
        found.append(Day(on, tuple(here), empty, Counter(run.at.astimezone(zone).hour for run in here)))
        before = on
    return tuple(found)


def _cell(runs: int) -> str:
    return "·" if not runs else str(runs) if runs < 10 else "+"
