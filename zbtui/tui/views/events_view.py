"""The events view: the recorded events of all orgs, newest first."""

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
"""The largest number of events that the view shows."""
_READ_EVERY_TICKS: Final = 10
"""The number of ticks (one a second) between two reads of the events of other zbtui processes."""


class EventsView(OrgListView):
    """Shows one line for each event, newest first, grouped by day; orgs without events come last."""

    opens_at_top: ClassVar[bool] = True
    fixed_order: ClassVar[str] = "newest event first"

    def __init__(
        self,
        org_list: OrgList,
        read_events: Callable[[int], Awaitable[list[Event]]],
        event_version: Callable[[], int],
    ) -> None:
        """Make the view, which starts reading events when it is mounted.

        Args:
            read_events: Called with a number n, reads the newest n events and returns them oldest first.
            event_version: Returns a number that changes whenever a poll of this process adds events.
        """
        super().__init__(org_list)
        self._read = read_events
        self._event_version = event_version
        self._events: list[Event] = []
        """The events that were last read, newest first."""
        self._read_version: int | None = None
        """The result of `event_version()` at the last read, or None before the first read."""
        self._ticks = 0
        self._today = self._date()
        self._reading = False

    def show_from(self, org: str | None) -> None:
        super().show_from(org)
        self._start_reading(org)

    def tick(self) -> None:
        """Repaint at midnight, when "today" changes, and start reading events if a read is due."""
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
            work = self._read_and_show(org)
            self.run_worker(work, group="events", description="reads the events", exit_on_error=False)

    async def _read_and_show(self, org: str | None) -> None:
        try:
            version, read = self._event_version(), await self._read(MAX_EVENTS)
        finally:
            self._reading = False
        is_first, self._read_version = self._read_version is None, version
        events = list(dict.fromkeys(reversed(read)))  # two processes may record the same event
        if events != self._events:
            self._events = events
            self.rebuild()
            if is_first and org is not None:
                super().show_from(org)

    def make_items(self) -> Sequence[ViewItem]:
        shown, all_orgs = self.org_list.positions, self.org_list.all_orgs
        items: list[ViewItem] = []
        without_events = set(shown)
        current_day = None
        for event in self._events:
            if event.org in all_orgs and event.org not in shown:
                continue  # the filter hides it
            without_events.discard(event.org)
            if current_day != (day := event.at.astimezone().date()):
                current_day = day
                items.append(ViewItem(day, None))
            items.append(ViewItem(event, event.org if event.org in shown else None))
        if len(self._events) == MAX_EVENTS:
            items.append(ViewItem("Older ones: zbtui events", None))
        if without_events:
            items.append(ViewItem("nothing noted yet", None))
            items += [org_item(name) for name in self.org_list.order if name in without_events]
        return items

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        key = item.key
        if isinstance(key, Event):
            return (render_event(key, self._event_org(key.org), width),)
        if item.org is not None:
            return (render_org_without_events(self._event_org(item.org), width),)
        text = relative_day_text(key, self._date()) if isinstance(key, date) else str(key)
        return (render_heading(text, width),)

    def _date(self) -> date:
        return self.org_list.now.astimezone().date()

    def _event_org(self, name: str) -> EventOrg:
        shown_name, hidden = self.org_list.display_name(name), self.org_list.names_hidden
        if name not in self.org_list.all_orgs:
            return EventOrg(shown_name, is_watched=False, names_hidden=hidden)
        return EventOrg(shown_name, self.org_list.all_orgs[name].org.accent, names_hidden=hidden)
