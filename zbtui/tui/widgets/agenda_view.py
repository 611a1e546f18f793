"""The runs that are ahead, of all orgs, by day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Final

from zbtui.core.agenda import Agenda, Day, Run, is_running, make_agenda, next_run, runs_after
from zbtui.core.snapshot import Snapshot
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.agenda_lines import draw_day, draw_org, draw_run
from zbtui.tui.widgets.event_lines import draw_heading
from zbtui.tui.widgets.lines import Line
from zbtui.tui.widgets.tile_view import Tile, TileView

_SLICE_SECONDS: Final = 0.008
"""So long the plans' later runs are reckoned at a time: thousands of them would hold up the screen."""
_PAUSE_SECONDS: Final = 0.02
_NOT_YET: Final = (None, None)
_RUNNING: Final = "running"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class _Gap:
    """So many days before that one are without a run."""

    before: date
    days: int


@dataclass(frozen=True, slots=True)
class _Standing:
    """What an org's lines are made from."""

    plan: Hashable
    """What its later runs depend on."""
    is_running: bool
    clock_offset: timedelta


class AgendaView(TileView):
    """A line a run, by day; on top what is late, and the orgs that have none to await."""

    def __init__(self, roster: Roster) -> None:
        super().__init__(roster)
        self._later: dict[Hashable, tuple[date | None, tuple[datetime, ...] | None]] = {}
        """On which day `runs_after` gave what, by what it depends on."""
        self._agenda: Agenda | None = None
        self._made: datetime | None = None
        self._days: dict[date, Day] = {}
        self._standing: dict[str, _Standing] = {}
        """What of each org the lines were made from."""
        self._filling = False

    def make_tiles(self) -> Sequence[Tile]:
        roster, now = self.roster, self.roster.now
        orgs = [roster.everyone[name] for name in roster.order]
        self._standing = {one.org.name: self._stands(one) for one in orgs}
        plans = [stands.plan for stands in self._standing.values()]
        self._later = {plan: self._later[plan] for plan in plans if plan in self._later}
        # Yesterday's, until they were reckoned anew: nothing comes and goes meanwhile.
        later = [self._later.get(plan, _NOT_YET)[1] for plan in plans]
        agenda = make_agenda(zip(orgs, later, strict=True), now, None)
        self._agenda, self._made = agenda, now
        self._days = {day.on: day for day in agenda.days}
        tiles: list[Tile] = []
        if agenda.late:
            tiles += [Tile("due by now", None), *(Tile(run, run.org) for run in agenda.late)]
        if agenda.none:
            tiles += [Tile("no run ahead", None), *(Tile((_NONE, org), org) for org in agenda.none)]
        if agenda.running:
            tiles += [Tile("running now", None), *(Tile((_RUNNING, org), org) for org in agenda.running)]
        for day in agenda.days:
            if day.empty_before:
                tiles.append(Tile(_Gap(day.on, day.empty_before), None))
            tiles += [Tile(day.on, None), *(Tile(run, run.org) for run in day.runs)]
        self._fill_soon()
        return tiles

    def repaint(self, orgs: Iterable[str]) -> None:
        known = [(name, self._standing[name]) for name in orgs if name in self._standing]
        if any(stood != self._stands(self.roster.everyone[name]) for name, stood in known):
            self.rebuild()
        else:
            super().repaint(name for name, _ in known)

    def tick(self) -> None:
        now = self.roster.now
        # Also where the clock was set back.
        if self._agenda is None or self._made is None or not self._made <= now < self._agenda.until:
            self.rebuild()
        else:
            super().tick()

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        roster, key = self.roster, tile.key
        if tile.org is None:
            return (self._draw_heading(key, width),)
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        if isinstance(key, Run):
            day = self._days.get(key.at.astimezone().date())
            coincides = day is not None and key in day.runs and day.coincides(key, None)
            return (draw_run(key, snapshot, verdict, roster.now, width, coincides=coincides),)
        return (draw_org(snapshot, verdict, verdict.headline, width),)

    def _draw_heading(self, key: Hashable, width: int) -> Line:
        if isinstance(key, date):
            return draw_day(self._days[key], width, self.roster.now)
        if isinstance(key, _Gap):
            days = "a day" if key.days == 1 else f"{key.days} days"
            return draw_heading(f"{days} without a run that is known", width)
        return draw_heading(str(key), width)

    # The plans' later runs

    def _stands(self, snapshot: Snapshot) -> _Standing:
        backup, first = snapshot.backup, next_run(snapshot, self.roster.now)
        # As text: the same moment at another offset is another weekday or time of day.
        plan = backup and backup.rrule, first and first.isoformat()
        return _Standing(plan, is_running(snapshot), snapshot.clock_offset)

    def _unknown(self) -> list[str]:
        """The orgs whose later runs were not reckoned today."""
        today, later = self.roster.now.date(), self._later
        return [
            name
            for name, stands in self._standing.items()
            if later.get(stands.plan, _NOT_YET)[0] != today and name in self.roster.everyone
        ]

    def _fill_soon(self) -> None:
        if not self._filling and self._unknown():
            self._filling = True
            self.set_timer(_PAUSE_SECONDS, self._fill)

    def _fill(self) -> None:
        self._filling = False
        if not self.display:
            return  # it begins anew once it is shown
        end, now = perf_counter() + _SLICE_SECONDS, self.roster.now
        unknown = self._unknown()
        for name in unknown:
            if perf_counter() > end:
                self._filling = True
                self.set_timer(_PAUSE_SECONDS, self._fill)
                return
            self._later[self._standing[name].plan] = now.date(), runs_after(self.roster.everyone[name], now)
        if unknown:
            self.rebuild()
