"""The runs that are ahead, of all orgs, by day."""

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
"""So long the plans' later runs are reckoned at a time: thousands of them would hold up the screen."""
_PAUSE_SECONDS: Final = 0.02
_RUNNING: Final = "running"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class _EmptyDays:
    """So many days before that one are without a run."""

    before: date
    days: int


class _AgendaInputs(NamedTuple):
    """What an org's lines are made from."""

    plan: Hashable
    """What its later runs depend on."""
    is_running: bool
    clock_offset: timedelta


@dataclass(frozen=True, slots=True)
class _LaterRuns:
    """What `runs_after` gave for an org."""

    plan: Hashable
    """What it depends on."""
    on: date
    runs: tuple[AgendaRun, ...]


class AgendaView(OrgListView):
    """A line a run, by day; on top what is late, and the orgs that have none to await."""

    opens_at_top: ClassVar[bool] = True
    fixed_order: ClassVar[str] = "by time of their runs"

    def __init__(self, roster: OrgList) -> None:
        super().__init__(roster)
        self._later: dict[str, _LaterRuns] = {}
        """By org; as far as it was reckoned."""
        self._agenda: Agenda | None = None
        self._made_at: datetime | None = None
        self._days: dict[date, AgendaDay] = {}
        self._inputs: dict[str, _AgendaInputs] = {}
        """What of each org the lines were made from."""
        self._inputs_cache: dict[str, tuple[Snapshot, _AgendaInputs]] = {}
        """What each org stood at when it was last asked for."""
        self._is_computing = False

    def make_items(self) -> Sequence[ViewItem]:
        roster, now = self.org_list, self.org_list.now
        orgs = [roster.all_orgs[name] for name in roster.order]
        if len(self._inputs_cache) > len(roster.all_orgs):  # some have gone
            self._inputs_cache.clear()
        before, self._inputs = self._inputs, {one.org.name: self._inputs_of(one) for one in orgs}
        if self._is_still_valid() and list(before.items()) == list(self._inputs.items()):
            return self._items
        self._later = {
            name: later
            for name, stands in self._inputs.items()
            if (later := self._later.get(name)) and later.plan == stands.plan
        }
        # Yesterday's, until they were reckoned anew: nothing comes and goes meanwhile.
        reckoned = [later.runs if (later := self._later.get(name)) else None for name in self._inputs]
        agenda = build_agenda(zip(orgs, reckoned, strict=True), now, None)
        self._agenda, self._made_at = agenda, now
        self._days = {day.day: day for day in agenda.days}
        tiles: list[ViewItem] = []
        if agenda.overdue:
            tiles += [
                ViewItem("due by now", None),
                *(ViewItem(run, run.org_name) for run in agenda.overdue),
            ]
        if agenda.without_run:
            none = [ViewItem((_NONE, org), org) for org in agenda.without_run]
            tiles += [ViewItem("no run ahead that is known", None), *none]
        if agenda.running:
            tiles += [
                ViewItem("running now", None),
                *(ViewItem((_RUNNING, org), org) for org in agenda.running),
            ]
        for day in agenda.days:
            if day.empty_days_before:
                tiles.append(ViewItem(_EmptyDays(day.day, day.empty_days_before), None))
            tiles += [ViewItem(day.day, None), *(ViewItem(run, run.org_name) for run in day.runs)]
        self._schedule_later_runs()
        return tiles

    def repaint(self, orgs: Iterable[str]) -> None:
        known = [(name, self._inputs[name]) for name in orgs if name in self._inputs]
        if any(stood != self._inputs_of(self.org_list.all_orgs[name]) for name, stood in known):
            self.rebuild()
        else:
            super().repaint(name for name, _ in known)

    def tick(self) -> None:
        if self._is_still_valid():
            super().tick()
        else:
            self.rebuild()

    def _inputs_of(self, snapshot: Snapshot) -> _AgendaInputs:
        name = snapshot.org.name
        known = self._inputs_cache.get(name)
        if known is None or known[0] is not snapshot:
            known = self._inputs_cache[name] = snapshot, _inputs_of(snapshot)
        return known[1]

    def _is_still_valid(self) -> bool:
        """Whether the agenda is still true, unless more is known of an org."""
        if self._agenda is None or self._made_at is None:
            return False
        return (
            self._made_at <= self.org_list.now < self._agenda.valid_until
        )  # not where the clock was set back

    def render_item(self, tile: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        roster, key = self.org_list, tile.key
        if tile.org is None:
            return (self._render_heading(key, width),)
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        if isinstance(key, AgendaRun):
            day = self._days.get(key.local_time.date())
            coincides = day is not None and key in day.runs and day.shares_hour(key)
            return (render_run(key, snapshot, verdict, roster.now, width, shares_hour=coincides),)
        return (render_org_without_run(snapshot, verdict, verdict.headline, width),)

    def _render_heading(self, key: Hashable, width: int) -> StyledLine:
        if isinstance(key, date):
            return render_day(self._days[key], width, self.org_list.now)
        if isinstance(key, _EmptyDays):
            days = "a day" if key.days == 1 else f"{key.days} days"
            return render_heading(f"{days} without a run that is known", width)
        return render_heading(str(key), width)

    # The plans' later runs

    def _orgs_without_later_runs(self) -> list[str]:
        """The orgs whose later runs were not reckoned today."""
        today, later = self.org_list.now.date(), self._later
        return [
            name
            for name in self._inputs
            if (name not in later or later[name].on != today) and name in self.org_list.all_orgs
        ]

    def _schedule_later_runs(self) -> None:
        if not self._is_computing and self._orgs_without_later_runs():
            self._is_computing = True
            self.set_timer(_PAUSE_SECONDS, self._compute_later_runs)

    def _compute_later_runs(self) -> None:
        self._is_computing = False
        if not self.display:
            return  # it begins anew once it is shown
        end, now = perf_counter() + _SLICE_BUDGET_SECONDS, self.org_list.now
        unknown = self._orgs_without_later_runs()
        for name in unknown:
            if perf_counter() > end:
                self._is_computing = True
                self.set_timer(_PAUSE_SECONDS, self._compute_later_runs)
                return
            runs = later_agenda_runs(self.org_list.all_orgs[name], now, None)
            self._later[name] = _LaterRuns(self._inputs[name].plan, now.date(), runs)
        if unknown:
            self._agenda = None
            self.rebuild()


def _inputs_of(snapshot: Snapshot) -> _AgendaInputs:
    backup, first = snapshot.zoho.backup, snapshot.next_run
    # As text: the same moment at another offset is another weekday or time of day.
    plan = backup and backup.rrule, first and first.isoformat()
    return _AgendaInputs(plan, is_running(snapshot), snapshot.zoho.clock_offset)
