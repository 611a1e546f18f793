"""The screen that is left open: the bar, what needs telling, the orgs in one of four views, the keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, Static

from zbtui.core.ordering import CYCLE, Sort
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.store.screen_memory import ScreenState, View
from zbtui.tui.bindings import bindings_of
from zbtui.tui.roster import Roster
from zbtui.tui.screens.notices import notices
from zbtui.tui.screens.org_commands import OrgCommands
from zbtui.tui.widgets.find_input import FindInput
from zbtui.tui.widgets.fleet_bar import FleetBar
from zbtui.tui.widgets.key_bar import KeyBar
from zbtui.tui.widgets.panels_view import PanelsView
from zbtui.tui.widgets.state_strip import StateStrip
from zbtui.tui.widgets.table_view import TableView
from zbtui.tui.widgets.tile_view import TileView
from zbtui.tui.widgets.too_small import NARROW, ROOMY, TooSmall
from zbtui.watch.fleet import Change, Fleet

if TYPE_CHECKING:
    from zbtui.onboard import Desk

_NEWS_SECONDS: Final = 0.2
"""So long answers are gathered: for each of thousands alone all orgs would be sorted, and jump about."""


class FleetScreen(OrgCommands, Screen[None]):
    """All orgs, live."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("fleet")
    HORIZONTAL_BREAKPOINTS = NARROW
    VERTICAL_BREAKPOINTS = ROOMY
    # Who has the focus is for the widgets to show: Textual's own has all of the screen repainted.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(
        self,
        fleet: Fleet,
        desk: Desk,
        troubles: Callable[[], tuple[Trouble | None, ...]],
        label: str | None,
        state: ScreenState,
        remember: Callable[[ScreenState], None],
    ) -> None:
        """Args:
        troubles: what is wrong with zbtui itself.
        state: as somebody left it.
        remember: told of each change of that.
        """
        super().__init__()
        self.fleet = fleet
        self.desk = desk
        self.roster = Roster(fleet.policy, fleet.now(), fleet.verdicts)
        self.roster.sort_by(state.sort, reverse=state.reverse)
        self.roster.search(state.find)
        self._read_troubles = troubles
        self._label = label
        self._state = state
        self._view: View = state.view
        self._remember = remember
        self._views: dict[View, TileView] = {}
        self._changed = True
        """Whether anything is known anew that the bar and the notices do not show yet."""
        self._troubles: tuple[Trouble | None, ...] = ()
        self._came = ""
        """The org to go to once it is shown."""
        self._kept: tuple[str | None, str | None] | None = None
        """The org under the cursor before a filter hid it, and the one that it is on instead."""

    def compose(self) -> ComposeResult:
        yield FleetBar(self._label)
        with Horizontal(id="line"):  # above the orgs: below them the toasts come
            yield FindInput()
            yield StateStrip()
        yield Static(id="notice", markup=False)
        yield self._make_view(self._view)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        self.bar = self.query_one(FleetBar)
        self.strip = self.query_one(StateStrip)
        self.notice = self.query_one("#notice", Static)
        self.find = self.query_one(FindInput)
        self.too_small = self.query_one(TooSmall)
        self.roster.set_orgs(self.fleet.snapshots, self.fleet.policy, self.fleet.now())
        self.view.rebuild()
        self.set_focus(self.view)
        self.call_after_refresh(self._show_bar)

    # Views

    @property
    def view(self) -> TileView:
        """The one that is shown."""
        return self._views[self._view]

    @property
    def current(self) -> str | None:
        return self.view.current

    def _make_view(self, name: View) -> TileView:
        if name == "panels":
            view: TileView = PanelsView(self.roster)
        elif name == "table":
            view = TableView(self.roster)
        elif name == "agenda":
            from zbtui.tui.widgets.agenda_view import AgendaView  # here: no start needs it

            view = AgendaView(self.roster)
        else:
            from zbtui.tui.widgets.events_view import EventsView

            view = EventsView(self.roster, self.fleet.recent_events, lambda: self.fleet.noted)
        self._views[name] = view
        return view

    def take_up_keys(self) -> None:
        """The user has chosen other keys."""
        for view in self._views.values():
            view.take_up_keys()

    async def action_show(self, name: View) -> None:
        """Another view, with the cursor on the same org."""
        if name == self._view:
            return
        org, before, is_typing = self.current, self.view, self.focused is self.find
        self._view = name
        if name not in self._views:
            await self.mount(self._make_view(name), after=self.notice)
        before.display = False
        self.view.display = True
        self.roster.touch()
        self.view.show(org)
        if not is_typing:
            self.set_focus(self.view)
        self.refresh_bindings()
        self._show_bar()
        self._note_state()

    def go_to(self, name: str) -> None:
        """Move to that org, whatever the filter says."""
        if name not in self.roster.index and name in self.roster.everyone:
            self._search("")
            self._note_state()
        self.view.select(name)

    def _note_state(self) -> None:
        """Have it remembered, where it is another one: the filter once it is typed, not with each key."""
        roster = self.roster
        state = ScreenState(self._view, roster.sort, roster.reverse, roster.find)
        if state != self._state:
            self._state = state
            self._remember(state)

    # What it is told

    def update_orgs(self, snapshots: Sequence[Snapshot]) -> None:
        """Something about these is known anew."""
        now = self.fleet.now()
        self.view.repaint([one.org.name for one in snapshots if self.roster.update(one, now)])
        for one in snapshots:
            self.bar.note(one, now)
        if not self._changed:
            self._changed = True
            self.set_timer(_NEWS_SECONDS, self._show_news)

    def tick(self, change: Change) -> None:
        """A second went by; orgs may have come and gone."""
        now, roster = self.fleet.now(), self.roster
        if change.added or change.removed or self.fleet.policy is not roster.policy:
            roster.set_orgs(self.fleet.snapshots, self.fleet.policy, now)
            self.view.rebuild()
            self.bar.reset()
            self._changed = True
        if self._troubles != (troubles := self._read_troubles()):
            self._troubles = troubles
            self._changed = True
        roster.tick(now, self.view.orgs_in_sight())
        if not self.is_current or self.focused is self.find:
            roster.stay()
        if roster.let_go():
            self.view.let_go()
        if roster.settle():
            self.view.rebuild()
        else:
            self.view.tick()
        if self._came in roster.everyone:
            self.go_to(self._came)
            self._came = ""
        self._show_bar()

    def welcome(self, snapshot: Snapshot) -> None:
        """An org came under watch, or signed in again: go to it, once it is shown."""
        self._came = snapshot.org.name
        self.notify(f"{self.roster.called(self._came)} is under watch.", timeout=4)

    def _show_news(self) -> None:
        if self.roster.settle():
            self.view.rebuild()
        self._show_bar()

    def _show_bar(self) -> None:
        self.bar.show(self.roster)
        self.strip.show(self.roster, self.view.own_order, typing=self.find.display)
        self.too_small.show(self.roster.counts)
        if self._changed:
            self._tell()
        self._changed = False

    def _tell(self) -> None:
        told = "\n".join(notices(self.roster, self._read_troubles()))
        if told != str(self.notice.content):
            self.notice.update(told)
            self.notice.set_class(bool(told), "-shown")

    # Finding and sorting

    def action_find(self) -> None:
        """Type a filter; it works while it is typed."""
        self.find.value = self.roster.find
        self.find.select_all()
        self.find.display = True
        self.set_focus(self.find)  # not `focus`, which waits behind the keys that came already
        self._show_bar()

    @on(Input.Changed, "#find")
    def _typed(self, event: Input.Changed) -> None:
        if self.find.display:
            self._search(event.value)

    def action_keep_filter(self) -> None:
        """Back to the orgs, with what was typed."""
        if self.find.value != self.roster.find:  # the last keys are not told of yet
            self._search(self.find.value)
        self._leave_find()
        self._note_state()

    def _leave_find(self) -> None:
        self.find.display = False
        self.set_focus(self.view)
        self._show_bar()

    def on_find_input_moved(self, event: FindInput.Moved) -> None:
        self.view.action_move(0, event.rows)

    def action_clear(self) -> None:
        """Show all orgs again."""
        self._leave_find()
        if self.roster.find:
            self._search("")
            self._note_state()

    def _search(self, text: str) -> None:
        view, kept = self.view, self._kept
        # Whoever has moved since the filter hid the org under the cursor is elsewhere now.
        org = kept[0] if kept and kept[1] == view.current else view.current
        self.roster.search(text)
        view.rebuild()
        if self.roster.is_touched and org in self.roster.index and org != view.current:
            view.select(org)
        self._kept = (org, view.current)
        self._show_bar()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("sort", "reverse"):  # only where it shows
            return not (self._views and self.view.own_order)
        return super().check_action(action, parameters)

    def action_sort(self) -> None:
        """By the next of four."""
        place = CYCLE.index(self.roster.sort) if self.roster.sort in CYCLE else -1
        self._sort_by(CYCLE[(place + 1) % len(CYCLE)])

    def action_reverse(self) -> None:
        self._sort_by(self.roster.sort, reverse=not self.roster.reverse)

    @on(TableView.SortedBy)
    def _sorted_by(self, event: TableView.SortedBy) -> None:
        same = event.sort == self.roster.sort
        self._sort_by(event.sort, reverse=same and not self.roster.reverse)

    def _sort_by(self, sort: Sort, *, reverse: bool = False) -> None:
        self.roster.sort_by(sort, reverse=reverse)
        self.view.rebuild()
        self._note_state()
        self._show_bar()

    def action_hide_names(self) -> None:
        """Hide names and ids, or show them again."""
        self.roster.hide_names(not self.roster.names_hidden)
        self.find.password = self.roster.names_hidden  # who looks for an org types its name
        self._changed = True  # the notices may name orgs and folders
        self.app.clear_notifications()  # they name orgs
        self.bar.reset()
        self.view.rebuild()
        self._show_bar()

    def on_tile_view_opened(self) -> None:
        self.action_open()
