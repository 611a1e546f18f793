"""The agenda view: the upcoming backup runs of all orgs, grouped by day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import ClassVar, Final, NamedTuple

from zbtui.health.snapshot import Snapshot
from zbtui.presentation.agenda import (
    Agenda,
    AgendaDay,
    AgendaRun,
    build_agenda,
    is_running,
    later_agenda_runs,
)
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.agenda_rows import render_day, render_org_without_run, render_run
from zbtui.tui.views.event_rows import render_heading
from zbtui.tui.views.org_list_view import OrgListView, ViewItem
from zbtui.tui.widgets.styled_line import StyledLine

_SLICE_BUDGET_SECONDS: Final = 0.008
"""The longest time for computing runs without a pause; all of thousands at once would block the screen."""
_PAUSE_SECONDS: Final = 0.02
_RUNNING: Final = "running"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class _EmptyDays:
    """A gap of `days` days without a backup run, which ends before the day `before`."""

    before: date
    days: int


class _AgendaInputs(NamedTuple):
    """The data of one org from which its agenda lines are made; if the data change, they are made again."""

    plan: Hashable
    """The org's recurrence rule and next run, from which the runs after the next one are computed."""
    is_running: bool
    clock_offset: timedelta


@dataclass(frozen=True, slots=True)
class _LaterRuns:
    """The backup runs of one org after its next run, as `later_agenda_runs` computed them."""

    plan: Hashable
    """The recurrence rule and next run (see `_AgendaInputs`) from which the runs were computed."""
    on: date
    """The day on which the runs were computed."""
    runs: tuple[AgendaRun, ...]


class AgendaView(OrgListView):
    """Shows one line for each upcoming backup run, grouped by day.

    Overdue runs, orgs without a known run and running backups come before the days.
    """

    opens_at_top: ClassVar[bool] = True
    fixed_order: ClassVar[str] = "by time of their runs"

    def __init__(self, org_list: OrgList) -> None:
        super().__init__(org_list)
        self._later: dict[str, _LaterRuns] = {}
        """The later runs by org name; an org is missing until its later runs have been computed."""
        self._agenda: Agenda | None = None
        self._made_at: datetime | None = None
        self._made_at_offset: timedelta | None = None
        """This machine's UTC offset at `_made_at`; if the offset changes, the time zone has changed."""
        self._days: dict[date, AgendaDay] = {}
        self._inputs: dict[str, _AgendaInputs] = {}
        """The data from which the current lines were made, by org name."""
        self._inputs_cache: dict[str, tuple[Snapshot, _AgendaInputs]] = {}
        """By org name: the snapshot last read, and the agenda inputs that were read from it."""
        self._is_computing = False

    def make_items(self) -> Sequence[ViewItem]:
        org_list, now = self.org_list, self.org_list.now
        orgs = [org_list.all_orgs[name] for name in org_list.order]
        if len(self._inputs_cache) > len(org_list.all_orgs):  # orgs were removed
            self._inputs_cache.clear()
        before, self._inputs = self._inputs, {org.org.name: self._inputs_of(org) for org in orgs}
        if self._is_still_valid() and list(before.items()) == list(self._inputs.items()):
            return self._items
        if self._made_at and self._made_at.astimezone().utcoffset() != self._made_at_offset:
            self._later.clear()
        self._later = {
            name: later
            for name, inputs in self._inputs.items()
            if (later := self._later.get(name)) and later.plan == inputs.plan
        }
        # Runs computed yesterday stay until today's are ready, so that no lines flicker.
        later_runs = [later.runs if (later := self._later.get(name)) else None for name in self._inputs]
        agenda = build_agenda(zip(orgs, later_runs, strict=True), now, None)
        self._agenda, self._made_at, self._made_at_offset = agenda, now, now.astimezone().utcoffset()
        self._days = {day.day: day for day in agenda.days}
        items: list[ViewItem] = []
        for heading, group in (
            ("due by now", [ViewItem(run, run.org_name) for run in agenda.overdue]),
            ("no run ahead that is known", [ViewItem((_NONE, org), org) for org in agenda.without_run]),
            ("running now", [ViewItem((_RUNNING, org), org) for org in agenda.running]),
        ):
            if group:
                items += [ViewItem(heading, None), *group]
        for day in agenda.days:
            if day.empty_days_before:
                items.append(ViewItem(_EmptyDays(day.day, day.empty_days_before), None))
            items += [ViewItem(day.day, None), *(ViewItem(run, run.org_name) for run in day.runs)]
        self._schedule_later_runs()
        return items

    def repaint(self, orgs: Iterable[str]) -> None:
        listed = [(name, self._inputs[name]) for name in orgs if name in self._inputs]
        if any(inputs != self._inputs_of(self.org_list.all_orgs[name]) for name, inputs in listed):
            self.rebuild()
        else:
            super().repaint(name for name, _ in listed)

    def tick(self) -> None:
        if self._is_still_valid():
            super().tick()
        else:
            self.rebuild()

    def _inputs_of(self, snapshot: Snapshot) -> _AgendaInputs:
        name = snapshot.org.name
        cached = self._inputs_cache.get(name)
        if cached is None or cached[0] is not snapshot:
            cached = self._inputs_cache[name] = snapshot, _inputs_of(snapshot)
        return cached[1]

    def _is_still_valid(self) -> bool:
        """Whether the agenda still holds now and in this time zone; changes of orgs are not checked."""
        if self._agenda is None or self._made_at is None:
            return False
        if self._made_at.astimezone().utcoffset() != self._made_at_offset:
            return False
        # The lower bound fails if the clock was set back.
        return self._made_at <= self.org_list.now < self._agenda.valid_until

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        org_list, key = self.org_list, item.key
        if item.org is None:
            return (self._render_heading(key, width),)
        snapshot, verdict = org_list.snapshot(item.org), org_list.verdict(item.org)
        if isinstance(key, AgendaRun):
            day = self._days.get(key.local_time.date())
            shares_hour = day is not None and key in day.runs and day.shares_hour(key)
            return (render_run(key, snapshot, verdict, org_list.now, width, shares_hour=shares_hour),)
        return (render_org_without_run(snapshot, verdict, verdict.headline, width),)

    def _render_heading(self, key: Hashable, width: int) -> StyledLine:
        if isinstance(key, date):
            return render_day(self._days[key], width, self.org_list.now)
        if isinstance(key, _EmptyDays):
            days = "a day" if key.days == 1 else f"{key.days} days"
            return render_heading(f"{days} without a run that is known", width)
        return render_heading(str(key), width)

    # Later runs, computed in slices

    def _orgs_without_later_runs(self) -> list[str]:
        """Return the names of the orgs whose later runs have not been computed today."""
        today, later = self.org_list.now.date(), self._later
        names = [name for name in self._inputs if name in self.org_list.all_orgs]
        return [name for name in names if name not in later or later[name].on != today]

    def _schedule_later_runs(self) -> None:
        if not self._is_computing and self._orgs_without_later_runs():
            self._is_computing = True
            self.set_timer(_PAUSE_SECONDS, self._compute_later_runs)

    def _compute_later_runs(self) -> None:
        self._is_computing = False
        if not self.display:
            return  # hidden: the next rebuild schedules this method again
        end, now = perf_counter() + _SLICE_BUDGET_SECONDS, self.org_list.now
        missing = self._orgs_without_later_runs()
        for name in missing:
            if perf_counter() > end:
                self._is_computing = True
                self.set_timer(_PAUSE_SECONDS, self._compute_later_runs)
                return
            runs = later_agenda_runs(self.org_list.all_orgs[name], now, None)
            self._later[name] = _LaterRuns(self._inputs[name].plan, now.date(), runs)
        if missing:
            self._agenda = None
            self.rebuild()


def _inputs_of(snapshot: Snapshot) -> _AgendaInputs:
    backup, next_run = snapshot.zoho.backup, snapshot.next_run
    # The next run as text: equal moments with different UTC offsets may differ in weekday or time of day.
    plan = backup and backup.rrule, next_run and next_run.isoformat()
    return _AgendaInputs(plan, is_running(snapshot), snapshot.zoho.clock_offset)
