"""The agenda: the upcoming backup runs of all orgs, grouped by day in the viewer's time zone."""

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
"""How far ahead the agenda shows runs; every monthly plan has a run within this time."""
_at: Final = attrgetter("at")


class AgendaRun(NamedTuple):
    """One upcoming or late backup run. A tuple, because there are tens of thousands of runs."""

    org_name: str
    at: datetime
    """The time at which the run begins, with the UTC offset of Zoho's date."""
    local_time: datetime
    """The time at which the run begins, in the viewer's time zone."""
    is_exact: bool
    """Whether the time is Zoho's own date (`scheduled_date`), not computed from the recurrence rule."""


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """The backup runs of all orgs on one day in the viewer's time zone."""

    day: date
    runs: tuple[AgendaRun, ...]
    """The runs of this day, earliest first."""
    empty_days_before: int = 0
    """The number of days without a known run since the previous day with runs, or since today."""
    runs_by_hour: Counter[int] = field(default_factory=Counter)
    """The number of runs that begin in each hour of this day, by hour (0 to 23)."""

    def shares_hour(self, run: AgendaRun) -> bool:
        """Whether another run of this day begins in the same hour."""
        return self.runs_by_hour[run.local_time.hour] > 1

    @property
    def hour_cells(self) -> str:
        """24 characters, one for each hour: its number of runs, `·` for none, `+` for more than nine."""
        return "".join(_hour_cell(self.runs_by_hour[hour]) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Agenda:
    """All backup runs up to `AGENDA_HORIZON`. Every org appears in at least one of the fields."""

    overdue: tuple[AgendaRun, ...]
    """The runs that are due by now, of orgs without a running backup."""
    running: tuple[str, ...]
    """The names of the orgs with a running backup."""
    days: tuple[AgendaDay, ...]
    """The days with runs, earliest first."""
    without_run: tuple[str, ...]
    """The names of the orgs with no running backup and no known next run."""
    valid_until: datetime
    """The time of the next run or the next midnight, whichever is first.

    Until this time, only a new snapshot changes the agenda.
    """


def is_running(snapshot: Snapshot) -> bool:
    return snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS


def later_agenda_runs(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> tuple[AgendaRun, ...]:
    """Compute an org's runs after its next run, up to `AGENDA_HORIZON`, from the recurrence rule.

    Returns no runs if there is no next run or no rule. For many orgs this takes long, so `AgendaView`
    computes a slice of the orgs at a time, and keeps each result for the day.
    """
    first = snapshot.next_run
    if first is None or snapshot.zoho.backup is None or not snapshot.zoho.backup.rrule:
        return ()
    # Whole days, so that all calls on one day share a cache entry of `later_runs`.
    end = (now + AGENDA_HORIZON).replace(hour=0, minute=0, second=0, microsecond=0)
    name, dates = snapshot.org.name, later_runs(snapshot.zoho.backup.rrule, first, end)
    return tuple(AgendaRun(name, at, at.astimezone(zone), is_exact=False) for at in dates)


def build_agenda(
    snapshots: Iterable[tuple[Snapshot, Sequence[AgendaRun] | None]], now: datetime, zone: tzinfo | None
) -> Agenda:
    """Build the agenda from pairs of an org's snapshot and the result of `later_agenda_runs` for this org.

    None in place of the result means that it is not computed yet; while any result is missing, no day
    counts as empty. `zone` is the viewer's time zone; None stands for the machine's time zone.
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
    return run.at.timestamp()  # numbers compare faster than dates with different UTC offsets


def _runs_within_horizon(later: Sequence[AgendaRun], since: datetime) -> Sequence[AgendaRun]:
    """Return the runs of `later` (sorted by time) from just after `since` to `AGENDA_HORIZON` after it."""
    return later[bisect_right(later, since, key=_at) : bisect_right(later, since + AGENDA_HORIZON, key=_at)]


def _midnight(on: date, zone: tzinfo | None) -> datetime:
    begin = datetime.combine(on, time())
    return begin.replace(tzinfo=zone) if zone else begin.astimezone()


def _days(runs: list[AgendaRun], today: date, last: date) -> tuple[AgendaDay, ...]:
    """Group runs by day. The empty days before a day are counted only if the day is not after `last`."""
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
