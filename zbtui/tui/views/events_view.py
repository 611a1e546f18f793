"""What has changed, over all orgs, the newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import ClassVar, Final

from zbtui.health.events import Event
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.event_rows import (
    EventOrg,
    relative_day_text,
    render_event,
    render_heading,
    render_org_without_events,
)
from zbtui.tui.views.org_list_view import OrgListView, ViewItem, org_item
from zbtui.tui.widgets.styled_line import StyledLine

MAX_EVENTS: Final = 1000
"""Events that are shown."""
_READ_EVERY_TICKS: Final = 10
"""Ticks after which it is read again for what other zbtui processes have noted."""


class EventsView(OrgListView):
    """A line an event, by day; at the end the orgs of which nothing was noted."""

    opens_at_top: ClassVar[bool] = True
    fixed_order: ClassVar[str] = "newest event first"

    def __init__(
        self,
        roster: OrgList,
        read_events: Callable[[int], Awaitable[list[Event]]],
        event_version: Callable[[], int],
    ) -> None:
        """Args:
        read: the newest so many events, oldest first.
        noted: another number than before, once there are new ones.
        """
        super().__init__(roster)
        self._read = read_events
        self._event_version = event_version
        self._events: list[Event] = []
        """Newest first."""
        self._read_version: int | None = None
        """What `noted` was when they were read; None: they never were."""
        self._ticks = 0
        self._today = self._date()
        self._reading = False

    def show_from(self, org: str | None) -> None:
        super().show_from(org)
        self._start_reading(org)

    def tick(self) -> None:
        """Nothing in a line changes with time, but what "today" is."""
        self._ticks += 1
        if self._today != (today := self._date()):
            self._today = today
            super().tick()
        if self._read_version != self._event_version() or self._ticks % _READ_EVERY_TICKS == 0:
            self._start_reading()

    def on_mount(self) -> None:
        self._start_reading()

    def _start_reading(self, org: str | None = None) -> None:
        if not self._reading:
            self._reading = True
            self.run_worker(
                self._read_and_show(org),
                group="events",
                description="reads the events",
                exit_on_error=False,
            )

    async def _read_and_show(self, org: str | None) -> None:
        try:
            noted, read = self._event_version(), await self._read(MAX_EVENTS)
        finally:
            self._reading = False
        first, self._read_version = self._read_version is None, noted
        events = list(dict.fromkeys(reversed(read)))  # two processes may have noted the same one
        if events != self._events:
            self._events = events
            self.rebuild()
            if first and org is not None:
                super().show_from(org)

    def make_items(self) -> Sequence[ViewItem]:
        shown, everyone = self.org_list.positions, self.org_list.all_orgs
        tiles: list[ViewItem] = []
        quiet = set(shown)
        on = None
        for event in self._events:
            if event.org in everyone and event.org not in shown:
                continue  # the filter hides it
            quiet.discard(event.org)
            if on != (day := event.at.astimezone().date()):
                on = day
                tiles.append(ViewItem(day, None))
            tiles.append(ViewItem(event, event.org if event.org in shown else None))
        if len(self._events) == MAX_EVENTS:
            tiles.append(ViewItem("Older ones: zbtui events", None))
        if quiet:
            tiles.append(ViewItem("nothing noted yet", None))
            tiles += [org_item(name) for name in self.org_list.order if name in quiet]
        return tiles

    def render_item(self, tile: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        key = tile.key
        if isinstance(key, Event):
            return (render_event(key, self._event_org(key.org), width),)
        if tile.org is not None:
            return (render_org_without_events(self._event_org(tile.org), width),)
        text = relative_day_text(key, self._date()) if isinstance(key, date) else str(key)
        return (render_heading(text, width),)

    def _date(self) -> date:
        return self.org_list.now.astimezone().date()

    def _event_org(self, name: str) -> EventOrg:
        called, hidden = self.org_list.called(name), self.org_list.names_hidden
        if name not in self.org_list.all_orgs:
            return EventOrg(called, is_watched=False, names_hidden=hidden)
        return EventOrg(called, self.org_list.all_orgs[name].org.accent, names_hidden=hidden)
