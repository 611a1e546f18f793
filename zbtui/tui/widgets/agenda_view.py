"""The runs that are ahead, of all orgs, by day."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from datetime import date, datetime, timedelta
from time import perf_counter
from typing import Final

from zbtui.core.agenda import Day, Run, make_agenda, next_run, runs_after
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


class AgendaView(TileView):
    """A line a run; at its end the orgs that have none to await."""

    def __init__(self, roster: Roster) -> None:
        super().__init__(roster)
        self._later: dict[Hashable, tuple[datetime, ...]] = {}
        """What `runs_after` gave, by what it depends on."""
        self._days: dict[Run, Day] = {}
        self._standing: dict[str, Hashable] = {}
        """What of each org the lines were made from."""
        self._filling = False

    def make_tiles(self) -> Sequence[Tile]:
        roster, now = self.roster, self.roster.now
        orgs = [roster.everyone[name] for name in roster.order]
        self._standing = {one.org.name: self._stands(one) for one in orgs}
        agenda = make_agenda(((one, self._later.get(self._question(one), ())) for one in orgs), now, None)
        self._days = {run: day for day in agenda.days for run in day.runs}
        tiles: list[Tile] = []
        if agenda.late:
            tiles += [Tile("due by now", None), *(Tile(run, run.org) for run in agenda.late)]
        if agenda.running:
            tiles += [Tile("running now", None), *(Tile((_RUNNING, org), org) for org in agenda.running)]
        before = now.astimezone().date()
        for day in agenda.days:
            if (gap := (day.on - before).days - 1) > 0:
                tiles.append(Tile((before, gap), None))
            tiles += [Tile(day.on, None), *(Tile(run, run.org) for run in day.runs)]
            before = day.on
        if agenda.none:
            tiles += [Tile("no run ahead", None), *(Tile((_NONE, org), org) for org in agenda.none)]
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
        if any(run.exact and run.at <= now < run.at + timedelta(seconds=2) for run in self._days):
            self.rebuild()  # it is due by now
        else:
            super().tick()

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        roster, key = self.roster, tile.key
        if tile.org is None:
            return (self._draw_heading(key, width),)
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        if isinstance(key, Run):
            day = self._days.get(key)
            coincides = day is not None and day.coincides(key, None)
            return (draw_run(key, snapshot, verdict, roster.now, width, coincides=coincides),)
        return (draw_org(snapshot, verdict, verdict.headline, width),)

    def _draw_heading(self, key: Hashable, width: int) -> Line:
        if isinstance(key, date):
            day = next(day for day in self._days.values() if day.on == key)
            return draw_day(day, width, self.roster.now)
        if isinstance(key, tuple):
            days = int(key[1])
            return draw_heading(f"no run for {days} days" if days > 1 else "no run for a day", width)
        return draw_heading(str(key), width)

    # The plans' later runs

    def _stands(self, snapshot: Snapshot) -> Hashable:
        backup = snapshot.backup
        return self._question(snapshot), backup and backup.state

    def _question(self, snapshot: Snapshot) -> Hashable:
        now, backup = self.roster.now, snapshot.backup
        return backup and backup.rrule, next_run(snapshot, now), now.date()

    def _fill_soon(self) -> None:
        questions = (self._question(self.roster.everyone[name]) for name in self._standing)
        if not self._filling and any(question not in self._later for question in questions):
            self._filling = True
            self.set_timer(_PAUSE_SECONDS, self._fill)

    def _fill(self) -> None:
        self._filling = False
        end, found = perf_counter() + _SLICE_SECONDS, False
        for name in self._standing:
            snapshot = self.roster.everyone.get(name)
            question = snapshot and self._question(snapshot)
            if snapshot is None or question in self._later:
                continue
            if perf_counter() > end:
                self._filling = True
                self.set_timer(_PAUSE_SECONDS, self._fill)
                return
            self._later[question] = runs_after(snapshot, self.roster.now)
            found = True
        if found and self.display:
            self.rebuild()
