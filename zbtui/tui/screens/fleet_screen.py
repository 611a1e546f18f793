"""The screen that is left open: the bar, what needs telling, the grid, the keys."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from zbtui.core.snapshot import CLOCK_TOLERANCE, Snapshot
from zbtui.core.timefmt import countdown, rough
from zbtui.core.trouble import Trouble
from zbtui.tui.screens.detail_screen import SIGN_IN, DetailScreen
from zbtui.tui.widgets.fleet_bar import FleetBar
from zbtui.tui.widgets.fleet_grid import FleetGrid
from zbtui.watch.fleet import Change, Fleet

if TYPE_CHECKING:
    from zbtui.alerts.desk import AlertDesk
    from zbtui.onboard import Desk

_BAR_SECONDS: Final = 0.2


class FleetScreen(Screen[None]):
    """All orgs, live."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Detail", id="fleet.detail", tooltip="All that is known, or sign in"),
        Binding("r", "look", "Look", id="fleet.look", tooltip="Ask Zoho about this org now"),
        Binding("R", "look_all", "All", id="fleet.look-all", tooltip="Ask Zoho about every org now"),
        Binding("p", "pause", "Pause", id="fleet.pause", tooltip="Stop asking about this org, or go on"),
        Binding("a", "app.add", "Add", id="fleet.add", tooltip="Put another org under watch"),
        Binding(
            "e",
            "edit",
            "Edit",
            show=False,
            id="fleet.edit",
            tooltip="Name, data center, intervals of this org",
        ),
        Binding("d", "remove", "Remove", show=False, id="fleet.remove", tooltip="Take this org off watch"),
        Binding(
            "i", "detail", "Detail", show=False, id="fleet.info", tooltip="All that is known of this org"
        ),
    ]

    def __init__(self, fleet: Fleet, desk: Desk, alerts: AlertDesk, label: str | None) -> None:
        super().__init__()
        self._alerts = alerts
        self._fleet = fleet
        self._desk = desk
        self._label = label
        self._changed = True
        """Whether anything is known anew that the bar and the notices do not show yet."""
        self._troubles: tuple[Trouble | None, ...] = ()
        self._came = ""
        """The org to go to once it is shown."""

    def compose(self) -> ComposeResult:
        yield FleetBar(self._label)
        yield Static(id="notice", markup=False)
        yield FleetGrid(self._fleet.policy, self._fleet.now())
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        self.grid = self.query_one(FleetGrid)
        self.bar = self.query_one(FleetBar)
        self.notice = self.query_one("#notice", Static)
        self.grid.set_orgs(self._fleet.snapshots, self._fleet.policy, self._fleet.now())
        self.call_after_refresh(self._show_bar)

    def update_org(self, snapshot: Snapshot) -> None:
        """Something about one org is known anew."""
        now = self._fleet.now()
        self.grid.update_org(snapshot, now)
        self.bar.note(snapshot, now)
        if not self._changed:
            # Once for all answers that come close together.
            self._changed = True
            self.set_timer(_BAR_SECONDS, self._show_bar)

    def tick(self, change: Change) -> None:
        """A second went by; orgs may have come and gone."""
        now = self._fleet.now()
        if change.added or change.removed or self._fleet.policy is not self.grid.policy:
            self.grid.set_orgs(self._fleet.snapshots, self._fleet.policy, now)
            self.bar.reset()
            self._changed = True
        if self._troubles != (troubles := self._kept_troubles()):
            self._troubles = troubles
            self._changed = True
        self.grid.tick(now)
        if not self.is_current:
            self.grid.stay()
        if self._came in self.grid.order:
            self.grid.select(self._came)
            self._came = ""
        self._show_bar()

    def welcome(self, snapshot: Snapshot) -> None:
        """An org came under watch, or signed in again: go to it, once it is shown."""
        self._came = snapshot.org.name
        self.notify(f"{self._came} is under watch.", markup=False, timeout=4)

    def _show_bar(self) -> None:
        snapshots = self._fleet.snapshots
        self.bar.show(snapshots, self.grid.counts, self._fleet.now())
        if self._changed:
            self._tell(snapshots)
        self._changed = False

    def _tell(self, snapshots: list[Snapshot]) -> None:
        notices = "\n".join(self._notices(snapshots))
        if notices != str(self.notice.content):
            self.notice.update(notices)
            self.notice.set_class(bool(notices), "-shown")

    def _kept_troubles(self) -> tuple[Trouble | None, ...]:
        return self._fleet.config_trouble, self._fleet.journal_trouble, *self._alerts.troubles

    def _notices(self, snapshots: list[Snapshot]) -> list[str]:
        notices = [f"{trouble.message} {trouble.hint}" for trouble in self._kept_troubles() if trouble]
        offset = max((one.clock_offset for one in snapshots), key=abs, default=timedelta())
        if abs(offset) > CLOCK_TOLERANCE:
            way = "behind" if offset > timedelta() else "ahead of"
            notices.append(
                f"This machine's clock is {rough(offset)} {way} Zoho's: countdowns go by Zoho's clock."
            )
        troubles = [one.trouble for one in snapshots]
        if len(troubles) > 1 and all(trouble and trouble.kind == "network" for trouble in troubles):
            notices.append("No org can be reached: is this machine online?")
        return notices

    def action_look(self) -> None:
        self.grid.touch()
        if name := self.grid.current:
            self._look(name)

    def action_look_all(self) -> None:
        locked = [name for name in self.grid.order if self._fleet.look_soon(name)]
        if locked:
            self.notify(f"Not before its time, or Zoho locks it: {', '.join(locked[:3])}", markup=False)

    def _look(self, name: str) -> None:
        until = self._fleet.look_soon(name)
        if until is not None:
            left = countdown(until - self._fleet.now())
            self.notify(
                f"{name} is asked again in {left}, not before: that would bring on, or prolong, Zoho's "
                "lock-out.",
                markup=False,
            )

    def action_pause(self) -> None:
        self.grid.touch()
        if name := self.grid.current:
            paused = any(one.paused for one in self._fleet.snapshots if one.org.name == name)
            self._fleet.pause(name, not paused)

    def action_pause_all(self) -> None:
        snapshots = self._fleet.snapshots
        pause = not all(one.paused for one in snapshots)
        for snapshot in snapshots:
            self._fleet.pause(snapshot.org.name, pause)

    def action_open(self) -> None:
        """The cure where the sign-in is dead, else all that is known."""
        snapshot = self._current()
        if snapshot and snapshot.trouble and snapshot.trouble.kind == "auth":
            self.action_sign_in()
        else:
            self.action_detail()

    def action_detail(self) -> None:
        self.grid.touch()
        if snapshot := self._current():
            self.app.push_screen(DetailScreen(self._fleet, snapshot.org.name), self._after_detail)

    def action_sign_in(self) -> None:
        from zbtui.tui.screens.sign_in_screen import SignInScreen  # here: no start needs it

        self.grid.touch()
        if snapshot := self._current():
            self.app.push_screen(SignInScreen(self._desk, snapshot.org), self._after_sign_in)

    def action_edit(self) -> None:
        from zbtui.tui.screens.edit_screen import EditScreen

        self.grid.touch()
        if snapshot := self._current():
            self.app.push_screen(EditScreen(self._desk, snapshot.org, self._fleet.policy))

    def action_remove(self) -> None:
        from zbtui.tui.screens.remove_screen import RemoveScreen

        self.grid.touch()
        if snapshot := self._current():
            self.app.push_screen(RemoveScreen(self._desk, snapshot.org))

    def _current(self) -> Snapshot | None:
        name = self.grid.current
        return next((one for one in self._fleet.snapshots if one.org.name == name), None)

    def _after_detail(self, then: str | None) -> None:
        if then == SIGN_IN:
            self.action_sign_in()

    def _after_sign_in(self, known: Snapshot | None) -> None:
        if known is not None:
            self._fleet.renew(known)
            self.welcome(known)

    def on_fleet_grid_opened(self) -> None:
        self.action_open()
