"""The upcoming runs of all orgs on one timeline: by day, with those that coincide."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from operator import attrgetter
from typing import Final, NamedTuple

from zbtui.health.snapshot import Snapshot
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.recurrence import later_runs

AGENDA_HORIZON: Final = timedelta(days=35)
"""How far ahead it goes: every monthly plan has a run in it."""
_at: Final = attrgetter("at")


class AgendaRun(NamedTuple):
    """One upcoming or late run. A tuple, because there are tens of thousands of them."""

    org_name: str
    at: datetime
    """At the offset of Zoho's date."""
    local_time: datetime
    """The same moment in the viewer's zone."""
    is_exact: bool
    """Whether it is Zoho's own date (`scheduled_date`) or computed from the plan."""


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """The runs of one day, in the viewer's zone."""

    day: date
    runs: tuple[AgendaRun, ...]
    """Ordered by time."""
    empty_days_before: int = 0
    """Days just before it without a known run, within the horizon."""
    runs_by_hour: Counter[int] = field(default_factory=Counter)
    """How many runs begin in each hour."""

    def shares_hour(self, run: AgendaRun) -> bool:
        """Whether another run begins within the same hour."""
        return self.runs_by_hour[run.local_time.hour] > 1

    @property
    def hour_cells(self) -> str:
        """One cell per hour: `·` nothing, else how many runs, `+` for more than nine."""
        return "".join(_hour_cell(self.runs_by_hour[hour]) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Agenda:
    """Names every org at least once."""

    overdue: tuple[AgendaRun, ...]
    """Due by now, and not running."""
    running: tuple[str, ...]
    days: tuple[AgendaDay, ...]
    """Days with runs."""
    without_run: tuple[str, ...]
    """Orgs without any run upcoming, late or running."""
    valid_until: datetime
    """When the next run is due or a day begins; until then only a new snapshot changes it."""


def is_running(snapshot: Snapshot) -> bool:
    return snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS


def later_agenda_runs(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> tuple[AgendaRun, ...]:
    """The runs after the next one, computed from the plan's rule, up to the horizon.

    Slow for many orgs: the view computes it in slices, and keeps the result for the day.
    """
    first = snapshot.next_run
    if first is None or snapshot.zoho.backup is None or not snapshot.zoho.backup.rrule:
        return ()
    # Cut to a whole day, so that calls on the same day share a cache entry.
    end = (now + AGENDA_HORIZON).replace(hour=0, minute=0, second=0, microsecond=0)
    name, dates = snapshot.org.name, later_runs(snapshot.zoho.backup.rrule, first, end)
    return tuple(AgendaRun(name, at, at.astimezone(zone), is_exact=False) for at in dates)


def build_agenda(
    snapshots: Iterable[tuple[Snapshot, Sequence[AgendaRun] | None]], now: datetime, zone: tzinfo | None
) -> Agenda:
    """The agenda of all orgs, each with its `later_agenda_runs`, in the viewer's zone.

    Where these are None, they are not computed yet, and until then no day counts as empty.
    """
    late: list[AgendaRun] = []
    running: list[str] = []
    all_upcoming: list[AgendaRun] = []
    without_run: list[str] = []
    today = now.astimezone(zone).date()
    valid_until = _midnight(today + timedelta(days=1), zone)
    is_complete = True
    for snapshot, later in snapshots:
        name, first, zoho_now = snapshot.org.name, snapshot.next_run, snapshot.zoho_now(now)
        upcoming: Sequence[AgendaRun] = _runs_within_horizon(later or (), zoho_now)
        if is_running(snapshot):
            running.append(name)
        elif first is None:
            without_run.append(name)
        elif first <= zoho_now:
            late.append(AgendaRun(name, first, first.astimezone(zone), is_exact=True))
        else:
            upcoming = (AgendaRun(name, first, first.astimezone(zone), is_exact=True), *upcoming)
        is_complete = is_complete and later is not None
        all_upcoming += upcoming
        if upcoming:
            valid_until = min(valid_until, now + (upcoming[0].at - zoho_now))
    last = today + AGENDA_HORIZON if is_complete else today
    return Agenda(
        tuple(sorted(late, key=_run_time_key)),
        tuple(running),
        _days(all_upcoming, today, last),
        tuple(without_run),
        valid_until,
    )


def _run_time_key(run: AgendaRun) -> float:
    return run.at.timestamp()  # compares faster than dates at many offsets


def _runs_within_horizon(later: Sequence[AgendaRun], since: datetime) -> Sequence[AgendaRun]:
    """The runs of `later`, which is sorted, after `since` and up to the horizon."""
    return later[bisect_right(later, since, key=_at) : bisect_right(later, since + AGENDA_HORIZON, key=_at)]


def _midnight(on: date, zone: tzinfo | None) -> datetime:
    begin = datetime.combine(on, time())
    return begin.replace(tzinfo=zone) if zone else begin.astimezone()


def _days(runs: list[AgendaRun], today: date, last: date) -> tuple[AgendaDay, ...]:
    """The days with runs; empty days are counted up to `last`."""
    days: dict[date, list[AgendaRun]] = {}
    for run in sorted(runs, key=_run_time_key):
        days.setdefault(run.local_time.date(), []).append(run)
    before, result = today, []
    for day, day_runs in days.items():
        empty = max((day - before).days - 1, 0) if day <= last else 0
        by_hour = Counter(run.local_time.hour for run in day_runs)
        result.append(AgendaDay(day, tuple(day_runs), empty, by_hour))
        before = day
    return tuple(result)


def _hour_cell(runs: int) -> str:
    return "·" if not runs else str(runs) if runs < 10 else "+"
