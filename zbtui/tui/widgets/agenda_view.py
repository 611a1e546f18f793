"""The runs that are ahead, of all orgs, by day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import ClassVar, Final, NamedTuple

from zbtui.core.agenda import Agenda, Day, Run, is_running, make_agenda, runs_after
from zbtui.core.snapshot import Snapshot
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.agenda_lines import draw_day, draw_org, draw_run
from zbtui.tui.widgets.event_lines import draw_heading
from zbtui.tui.widgets.lines import Line
from zbtui.tui.widgets.tile_view import Tile, TileView

_SLICE_SECONDS: Final = 0.008
"""So long the plans' later runs are reckoned at a time: thousands of them would hold up the screen."""
_PAUSE_SECONDS: Final = 0.02
_RUNNING: Final = "running"
_NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class _Gap:
    """So many days before that one are without a run."""

    before: date
    days: int


class _Standing(NamedTuple):
    """What an org's lines are made from."""

    plan: Hashable
    """What its later runs depend on."""
    is_running: bool
    clock_offset: timedelta


@dataclass(frozen=True, slots=True)
class _Later:
    """What `runs_after` gave for an org."""

    plan: Hashable
    """What it depends on."""
    on: date
    runs: tuple[Run, ...]


class AgendaView(TileView):
    """A line a run, by day; on top what is late, and the orgs that have none to await."""

    opens_on_top: ClassVar[bool] = True
    own_order: ClassVar[str] = "by time of their runs"

    def __init__(self, roster: Roster) -> None:
        super().__init__(roster)
        self._later: dict[str, _Later] = {}
        """By org; as far as it was reckoned."""
        self._agenda: Agenda | None = None
        self._made: datetime | None = None
        self._days: dict[date, Day] = {}
        self._standing: dict[str, _Standing] = {}
        """What of each org the lines were made from."""
        self._stood: dict[str, tuple[Snapshot, _Standing]] = {}
        """What each org stood at when it was last asked for."""
        self._filling = False

    def make_tiles(self) -> Sequence[Tile]:
        roster, now = self.roster, self.roster.now
        orgs = [roster.everyone[name] for name in roster.order]
        if len(self._stood) > len(roster.everyone):  # some have gone
            self._stood.clear()
        before, self._standing = self._standing, {one.org.name: self._stands(one) for one in orgs}
        if self._holds() and list(before.items()) == list(self._standing.items()):
            return self._tiles
        self._later = {
            name: later
            for name, stands in self._standing.items()
            if (later := self._later.get(name)) and later.plan == stands.plan
        }
        # Yesterday's, until they were reckoned anew: nothing comes and goes meanwhile.
        reckoned = [later.runs if (later := self._later.get(name)) else None for name in self._standing]
        agenda = make_agenda(zip(orgs, reckoned, strict=True), now, None)
        self._agenda, self._made = agenda, now
        self._days = {day.on: day for day in agenda.days}
        tiles: list[Tile] = []
        if agenda.late:
            tiles += [Tile("due by now", None), *(Tile(run, run.org) for run in agenda.late)]
        if agenda.none:
            none = [Tile((_NONE, org), org) for org in agenda.none]
            tiles += [Tile("no run ahead that is known", None), *none]
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
        if self._holds():
            super().tick()
        else:
            self.rebuild()

    def _stands(self, snapshot: Snapshot) -> _Standing:
        name = snapshot.org.name
        known = self._stood.get(name)
        if known is None or known[0] is not snapshot:
            known = self._stood[name] = snapshot, _stands(snapshot)
        return known[1]

    def _holds(self) -> bool:
        """Whether the agenda is still true, unless more is known of an org."""
        if self._agenda is None or self._made is None:
            return False
        return self._made <= self.roster.now < self._agenda.until  # not where the clock was set back

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        roster, key = self.roster, tile.key
        if tile.org is None:
            return (self._draw_heading(key, width),)
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        if isinstance(key, Run):
            day = self._days.get(key.here.date())
            coincides = day is not None and key in day.runs and day.coincides(key)
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

    def _unknown(self) -> list[str]:
        """The orgs whose later runs were not reckoned today."""
        today, later = self.roster.now.date(), self._later
        return [
            name
            for name in self._standing
            if (name not in later or later[name].on != today) and name in self.roster.everyone
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
            runs = runs_after(self.roster.everyone[name], now, None)
            self._later[name] = _Later(self._standing[name].plan, now.date(), runs)
        if unknown:
            self._agenda = None
            self.rebuild()


def _stands(snapshot: Snapshot) -> _Standing:
    backup, first = snapshot.zoho.backup, snapshot.next_run
    # As text: the same moment at another offset is another weekday or time of day.
    plan = backup and backup.rrule, first and first.isoformat()
    return _Standing(plan, is_running(snapshot), snapshot.zoho.clock_offset)
