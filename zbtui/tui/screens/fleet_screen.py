"""The main screen: fleet bar, status line, banner, one of four views of the orgs, key bar."""

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

from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.presentation.sorting import SORT_CYCLE, SortOrder
from zbtui.store.screen_memory import ScreenState, View
from zbtui.tui.bindings import bindings_of
from zbtui.tui.org_list import OrgList
from zbtui.tui.screens.banner import banner_lines
from zbtui.tui.screens.org_commands import OrgCommands
from zbtui.tui.views.org_list_view import OrgListView
from zbtui.tui.views.panels_view import PanelsView
from zbtui.tui.views.table_view import TableView
from zbtui.tui.widgets.filter_input import FilterInput
from zbtui.tui.widgets.fleet_bar import FleetBar
from zbtui.tui.widgets.key_bar import KeyBar
from zbtui.tui.widgets.status_line import StatusLine
from zbtui.tui.widgets.too_small import NARROW, ROOMY, TooSmall
from zbtui.watch.fleet import Fleet, OrgChanges

if TYPE_CHECKING:
    from zbtui.onboarding import OrgService

_UPDATE_DELAY_SECONDS: Final = 0.2
"""How long new snapshots are collected before one sort; a sort after each is slow and makes rows jump."""


class FleetScreen(OrgCommands, Screen[None]):
    """The main screen: shows all orgs, with live updates."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("fleet")
    HORIZONTAL_BREAKPOINTS = NARROW
    VERTICAL_BREAKPOINTS = ROOMY
    # Only widgets show the focus; Textual's own reactive would repaint the whole screen.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(
        self,
        fleet: Fleet,
        org_service: OrgService,
        list_problems: Callable[[], tuple[Problem | None, ...]],
        label: str | None,
        state: ScreenState,
        save_state: Callable[[ScreenState], None],
    ) -> None:
        """Make the main screen, with the view, sort order and filter of `state`.

        Args:
            list_problems: Returns the problems of zbtui itself; None stands for a part without a problem.
            label: A text that marks the demo, shown at the left of the fleet bar, or None.
            state: The view, sort order and filter with which the screen opens.
            save_state: Called with the new state whenever view, sort order or filter have changed.
        """
        super().__init__()
        self.fleet = fleet
        self.org_service = org_service
        self.org_list = OrgList(fleet.policy, fleet.now(), fleet.verdicts)
        self.org_list.sort_by(state.sort, reverse=state.reverse)
        self.org_list.set_filter(state.find)
        self._list_problems = list_problems
        self._label = label
        self._state = state
        self._view: View = state.view
        self._save_state = save_state
        self._views: dict[View, OrgListView] = {}
        self._bars_are_outdated = True
        """Whether fleet bar, status line or banner do not show the latest changes yet."""
        self._problems: tuple[Problem | None, ...] = ()
        self._org_to_select = ""
        """The name of the org to select as soon as that org appears; empty if there is none."""
        self._selection_before_filter: tuple[str | None, str | None] | None = None
        """The orgs that were selected before and after the last change of the filter, by name."""

    def compose(self) -> ComposeResult:
        yield FleetBar(self._label)
        with Horizontal(id="line"):  # above the orgs, because toasts appear below them
            yield FilterInput()
            yield StatusLine()
        yield Static(id="banner", markup=False)
        yield self._make_view(self._view)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        self.fleet_bar = self.query_one(FleetBar)
        self.status_line = self.query_one(StatusLine)
        self.banner = self.query_one("#banner", Static)
        self.filter_input = self.query_one(FilterInput)
        self.too_small = self.query_one(TooSmall)
        self.org_list.set_orgs(self.fleet.snapshots, self.fleet.policy, self.fleet.now())
        self.view.rebuild()
        self.set_focus(self.view)
        self.call_after_refresh(self._refresh_bars)

    # Views

    @property
    def view(self) -> OrgListView:
        """The view of the orgs that is shown now."""
        return self._views[self._view]

    @property
    def selected_org(self) -> str | None:
        return self.view.selected_org

    def _make_view(self, name: View) -> OrgListView:
        if name == "panels":
            view: OrgListView = PanelsView(self.org_list)
        elif name == "table":
            view = TableView(self.org_list)
        elif name == "agenda":
            from zbtui.tui.views.agenda_view import AgendaView  # imported here to keep startup fast

            view = AgendaView(self.org_list)
        else:
            from zbtui.tui.views.events_view import EventsView

            fleet = self.fleet
            view = EventsView(self.org_list, fleet.recent_events, lambda: fleet.recorded_change_count)
        self._views[name] = view
        return view

    def keys_changed(self) -> None:
        """Show the new keys in all views after the keys in the config have changed."""
        for view in self._views.values():
            view.keys_changed()

    async def action_show(self, name: View) -> None:
        """Switch to the view called `name`, with the cursor on the same org."""
        if name == self._view:
            return
        org, before, is_typing = self.selected_org, self.view, self.focused is self.filter_input
        self._view = name
        if name not in self._views:
            await self.mount(self._make_view(name), after=self.banner)
        before.display = False
        self.view.display = True
        self.org_list.restart_idle_timer()
        self.view.show_from(org)
        if not is_typing:
            self.set_focus(self.view)
        self.refresh_bindings()
        self._refresh_bars()
        self._update_state()

    def go_to_org(self, name: str) -> None:
        """Select the org called `name`; clear the filter if it hides that org."""
        if name not in self.org_list.positions and name in self.org_list.all_orgs:
            self._set_filter("")
            self._update_state()
        self.view.select(name)

    def _update_state(self) -> None:
        """Save view, sort order and filter if one has changed; not called at each key typed as a filter."""
        org_list = self.org_list
        state = ScreenState(self._view, org_list.sort, org_list.reverse, org_list.filter_text)
        if state != self._state:
            self._state = state
            self._save_state(state)

    # Updates

    def update_orgs(self, snapshots: Sequence[Snapshot]) -> None:
        """Show new snapshots of some orgs; bars, banner and order of the orgs follow a moment later."""
        now, update = self.fleet.now(), self.org_list.update
        self.view.repaint([snapshot.org.name for snapshot in snapshots if update(snapshot, now)])
        for snapshot in snapshots:
            self.fleet_bar.update_org(snapshot, now)
        if not self._bars_are_outdated:
            self._bars_are_outdated = True
            self.set_timer(_UPDATE_DELAY_SECONDS, self._show_updates)

    def tick(self, change: OrgChanges) -> None:
        """Update all that the screen shows; called once a second.

        `change` names the orgs that were added and removed since the last call.
        """
        now, org_list = self.fleet.now(), self.org_list
        if change.added or change.removed or self.fleet.policy is not org_list.policy:
            org_list.set_orgs(self.fleet.snapshots, self.fleet.policy, now)
            self.view.rebuild()
            self.fleet_bar.reset()
            self._bars_are_outdated = True
        if self._problems != (problems := self._list_problems()):
            self._problems = problems
            self._bars_are_outdated = True
        org_list.tick(now, self.view.visible_orgs())
        if not self.is_current or self.focused is self.filter_input:
            org_list.extend_idle_timer()
        if org_list.expire_idle_timer():
            self.view.reset_to_top()
        if org_list.refresh_order():
            self.view.rebuild()
        else:
            self.view.tick()
        if self._org_to_select in org_list.all_orgs:
            self.go_to_org(self._org_to_select)
            self._org_to_select = ""
        self._refresh_bars()

    def announce_org(self, snapshot: Snapshot) -> None:
        """Show a toast for an org that was added or signed in again; select the org once it appears."""
        self._org_to_select = snapshot.org.name
        self.notify(f"{self.org_list.display_name(self._org_to_select)} is under watch.", timeout=4)

    def _show_updates(self) -> None:
        if self.org_list.refresh_order():
            self.view.rebuild()
        self._refresh_bars()

    def _refresh_bars(self) -> None:
        org_list, is_open = self.org_list, self.filter_input.display
        self.fleet_bar.update_from(org_list)
        self.status_line.update_from(org_list, self.view.fixed_order, filter_is_open=is_open)
        self.too_small.show(self.org_list.counts)
        if self._bars_are_outdated:
            self._refresh_banner()
        self._bars_are_outdated = False

    def _refresh_banner(self) -> None:
        text = "\n".join(banner_lines(self.org_list, self._list_problems()))
        if text != str(self.banner.content):
            self.banner.update(text)
            self.banner.set_class(bool(text), "-shown")

    # Filter and sort order

    def action_find(self) -> None:
        """Show the filter input with the current filter, and move the focus there."""
        self.filter_input.value = self.org_list.filter_text
        self.filter_input.select_all()
        self.filter_input.display = True
        self.set_focus(self.filter_input)  # `focus` would act after the keys already queued
        self._refresh_bars()

    @on(Input.Changed, "#find")
    def _filter_typed(self, event: Input.Changed) -> None:
        if self.filter_input.display:
            self._set_filter(event.value)

    def action_keep_filter(self) -> None:
        """Close the filter input and keep the filter."""
        # The last Changed messages may still be queued.
        if (typed := self.filter_input.value) != self.org_list.filter_text:
            self._set_filter(typed)
        self._close_filter_input()
        self._update_state()

    def _close_filter_input(self) -> None:
        self.filter_input.display = False
        self.set_focus(self.view)
        self._refresh_bars()

    def on_filter_input_moved(self, event: FilterInput.Moved) -> None:
        self.view.action_move(0, event.rows)

    def action_clear(self) -> None:
        """Close the filter input and clear the filter, so that all orgs are shown again."""
        self._close_filter_input()
        if self.org_list.filter_text:
            self._set_filter("")
            self._update_state()

    def _set_filter(self, text: str) -> None:
        view, before = self.view, self._selection_before_filter
        # Return to the org that the last filter hid, unless the user has moved since.
        org = before[0] if before and before[1] == view.selected_org else view.selected_org
        self.org_list.set_filter(text)
        view.rebuild()
        if self.org_list.is_user_active and org in self.org_list.positions and org != view.selected_org:
            view.select(org)
        self._selection_before_filter = (org, view.selected_org)
        self._refresh_bars()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("sort", "reverse"):  # only in views that use the user's sort order
            return not (self._views and self.view.fixed_order)
        return super().check_action(action, parameters)

    def action_sort(self) -> None:
        """Sort by the next sort order of `SORT_CYCLE`."""
        index = SORT_CYCLE.index(self.org_list.sort) if self.org_list.sort in SORT_CYCLE else -1
        self._sort_by(SORT_CYCLE[(index + 1) % len(SORT_CYCLE)])

    def action_reverse(self) -> None:
        self._sort_by(self.org_list.sort, reverse=not self.org_list.reverse)

    @on(TableView.SortChosen)
    def _sorted_by(self, event: TableView.SortChosen) -> None:
        same = event.sort == self.org_list.sort
        self._sort_by(event.sort, reverse=same and not self.org_list.reverse)

    def _sort_by(self, sort: SortOrder, *, reverse: bool = False) -> None:
        self.org_list.sort_by(sort, reverse=reverse)
        self.view.rebuild()
        self._update_state()
        self._refresh_bars()

    def action_hide_names(self) -> None:
        """Hide names and ids on the screen, or show them again."""
        self.org_list.hide_names(not self.org_list.names_hidden)
        self.filter_input.password = self.org_list.names_hidden  # a filter may contain names
        self._bars_are_outdated = True  # the banner may name orgs and folders
        self.app.clear_notifications()  # toasts name orgs
        self.fleet_bar.reset()
        self.view.rebuild()
        self._refresh_bars()

    def time_zone_changed(self) -> None:
        """Draw all times again after this machine's time zone has changed."""
        self.fleet_bar.reset()
        self.view.rebuild()
        self._refresh_bars()

    def on_org_list_view_opened(self) -> None:
        self.action_open()
