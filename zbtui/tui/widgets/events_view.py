"""What has changed, over all orgs, the newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import ClassVar, Final

from zbtui.core.event import Event
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.event_lines import Whose, day_words, draw_event, draw_heading, draw_quiet
from zbtui.tui.widgets.lines import Line
from zbtui.tui.widgets.tile_view import Tile, TileView, org_tile

MOST: Final = 1000
"""Events that are shown."""
_READ_EVERY: Final = 10
"""Ticks after which it is read again for what other zbtui processes have noted."""


class EventsView(TileView):
    """A line an event, by day; at the end the orgs of which nothing was noted."""

    opens_on_top: ClassVar[bool] = True
    own_order: ClassVar[str] = "newest event first"

    def __init__(
        self,
        roster: Roster,
        read: Callable[[int], Awaitable[list[Event]]],
        noted: Callable[[], int],
    ) -> None:
        """Args:
        read: the newest so many events, oldest first.
        noted: another number than before, once there are new ones.
        """
        super().__init__(roster)
        self._read = read
        self._noted = noted
        self._events: list[Event] = []
        """Newest first."""
        self._seen: int | None = None
        """What `noted` was when they were read; None: they never were."""
        self._ticks = 0
        self._today = self._date()
        self._reading = False

    def show(self, org: str | None) -> None:
        super().show(org)
        self._read_soon(org)

    def tick(self) -> None:
        """Nothing in a line changes with time, but what "today" is."""
        self._ticks += 1
        if self._today != (today := self._date()):
            self._today = today
            super().tick()
        if self._seen != self._noted() or self._ticks % _READ_EVERY == 0:
            self._read_soon()

    def on_mount(self) -> None:
        self._read_soon()

    def _read_soon(self, org: str | None = None) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(
                self._read_now(org), group="events", description="reads the events", exit_on_error=False
            )

    async def _read_now(self, org: str | None) -> None:
        try:
            noted, read = self._noted(), await self._read(MOST)
        finally:
            self._reading = False
        first, self._seen = self._seen is None, noted
        events = list(dict.fromkeys(reversed(read)))  # two processes may have noted the same one
        if events != self._events:
            self._events = events
            self.rebuild()
            if first and org is not None:
                super().show(org)

    def make_tiles(self) -> Sequence[Tile]:
        shown, everyone = self.roster.index, self.roster.everyone
        tiles: list[Tile] = []
        quiet = set(shown)
        on = None
        for event in self._events:
            if event.org in everyone and event.org not in shown:
                continue  # the filter hides it
            quiet.discard(event.org)
            if on != (day := event.at.astimezone().date()):
                on = day
                tiles.append(Tile(day, None))
            tiles.append(Tile(event, event.org if event.org in shown else None))
        if len(self._events) == MOST:
            tiles.append(Tile("Older ones: zbtui events", None))
        if quiet:
            tiles.append(Tile("nothing noted yet", None))
            tiles += [org_tile(name) for name in self.roster.order if name in quiet]
        return tiles

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        key = tile.key
        if isinstance(key, Event):
            return (draw_event(key, self._whose(key.org), width),)
        if tile.org is not None:
            return (draw_quiet(self._whose(tile.org), width),)
        text = day_words(key, self._date()) if isinstance(key, date) else str(key)
        return (draw_heading(text, width),)

    def _date(self) -> date:
        return self.roster.now.astimezone().date()

    def _whose(self, name: str) -> Whose:
        called, hidden = self.roster.called(name), self.roster.names_hidden
        if name not in self.roster.everyone:
            return Whose(called, watched=False, names_hidden=hidden)
        return Whose(called, self.roster.everyone[name].org.accent, names_hidden=hidden)
