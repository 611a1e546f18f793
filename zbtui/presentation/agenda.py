"""The runs that are ahead, of all orgs, on one line of time: by day, with what coincides."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from operator import attrgetter
from typing import Final, NamedTuple

from zbtui.health.snapshot import Snapshot
from zbtui.zoho_api.backup import BackupState
from zbtui.zoho_api.recurrence import later_runs

AGENDA_HORIZON: Final = timedelta(days=35)
"""How far ahead it looks: every monthly plan has a run in it."""
_at: Final = attrgetter("at")


class AgendaRun(NamedTuple):
    """One run that is ahead, or late. A tuple, because there are tens of thousands of them."""

    org_name: str
    at: datetime
    """In the offset of Zoho's date."""
    local_time: datetime
    """The same moment in the viewer's zone."""
    is_exact: bool
    """Zoho's own date (`scheduled_date`); else about when the plan has another one."""


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """The runs of one day, in the viewer's zone."""

    day: date
    runs: tuple[AgendaRun, ...]
    """In the order of their times."""
    empty_days_before: int = 0
    """Days just before it of which no run is known, within the horizon."""
    runs_by_hour: Counter[int] = field(default_factory=Counter)
    """How many runs begin in each hour."""

    def shares_hour(self, run: AgendaRun) -> bool:
        """Whether another one begins within the same hour."""
        return self.runs_by_hour[run.local_time.hour] > 1

    @property
    def hour_cells(self) -> str:
        """The day's hours, a cell each: `·` nothing, else how many runs, `+` for more than nine."""
        return "".join(_hour_cell(self.runs_by_hour[hour]) for hour in range(24))


@dataclass(frozen=True, slots=True)
class Agenda:
    """Every org is in it at least once."""

    overdue: tuple[AgendaRun, ...]
    """Due by now, and not in progress."""
    running: tuple[str, ...]
    days: tuple[AgendaDay, ...]
    """Those with runs."""
    without_run: tuple[str, ...]
    """Orgs without any run ahead, late or in progress."""
    valid_until: datetime
    """It holds up to here, unless more is known of an org: then a run is due, or a day begins."""


def is_running(snapshot: Snapshot) -> bool:
    return snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS


def later_agenda_runs(snapshot: Snapshot, now: datetime, zone: tzinfo | None) -> tuple[AgendaRun, ...]:
    """About those that follow the next one, up to the horizon. Costs more than all the rest.

    Args:
        zone: the viewer's; None: the machine's.
    """
    first = snapshot.next_run
    if first is None or snapshot.zoho.backup is None or not snapshot.zoho.backup.rrule:
        return ()
    # Up to the end of a day: asked again on the same day, it is the same question.
    end = (now + AGENDA_HORIZON).replace(hour=0, minute=0, second=0, microsecond=0)
    name, dates = snapshot.org.name, later_runs(snapshot.zoho.backup.rrule, first, end)
    return tuple(AgendaRun(name, at, at.astimezone(zone), is_exact=False) for at in dates)


def build_agenda(
    snapshots: Iterable[tuple[Snapshot, Sequence[AgendaRun] | None]], now: datetime, zone: tzinfo | None
) -> Agenda:
    """Args:
    snapshots: each with what `runs_after` gives; None: not reckoned yet, and until then no day is
        told to be without a run.
    zone: the viewer's; None: the machine's.
    """
    late: list[AgendaRun] = []
    running: list[str] = []
    ahead: list[AgendaRun] = []
    none: list[str] = []
    today = now.astimezone(zone).date()
    until = _midnight(today + timedelta(days=1), zone)
    is_complete = True
    for snapshot, later in snapshots:
        name, first, by_zoho = snapshot.org.name, snapshot.next_run, snapshot.zoho_now(now)
        coming: Sequence[AgendaRun] = _runs_within_horizon(later or (), by_zoho)
        if is_running(snapshot):
            running.append(name)
        elif first is None:
            none.append(name)
        elif first <= by_zoho:
            late.append(AgendaRun(name, first, first.astimezone(zone), is_exact=True))
        else:
            coming = (AgendaRun(name, first, first.astimezone(zone), is_exact=True), *coming)
        is_complete = is_complete and later is not None
        ahead += coming
        if coming:
            until = min(until, now + (coming[0].at - by_zoho))
    last = today + AGENDA_HORIZON if is_complete else today
    return Agenda(
        tuple(sorted(late, key=_run_time_key)),
        tuple(running),
        _days(ahead, today, last),
        tuple(none),
        until,
    )


def _run_time_key(run: AgendaRun) -> float:
    return run.at.timestamp()  # compared faster than dates of many offsets


def _runs_within_horizon(later: Sequence[AgendaRun], since: datetime) -> Sequence[AgendaRun]:
    """Those of `later`, which is in order, after that moment and up to the horizon."""
    return later[bisect_right(later, since, key=_at) : bisect_right(later, since + AGENDA_HORIZON, key=_at)]


def _midnight(on: date, zone: tzinfo | None) -> datetime:
    begin = datetime.combine(on, time())
    return begin.replace(tzinfo=zone) if zone else begin.astimezone()


def _days(runs: list[AgendaRun], today: date, last: date) -> tuple[AgendaDay, ...]:
    """Up to `last`, each with how many days without a run are before it."""
    days: dict[date, list[AgendaRun]] = {}
    for run in sorted(runs, key=_run_time_key):
        days.setdefault(run.local_time.date(), []).append(run)
    before, found = today, []
    for on, here in days.items():
        empty = max((on - before).days - 1, 0) if on <= last else 0
        found.append(AgendaDay(on, tuple(here), empty, Counter(run.local_time.hour for run in here)))
        before = on
    return tuple(found)


def _hour_cell(runs: int) -> str:
    return "·" if not runs else str(runs) if runs < 10 else "+"
