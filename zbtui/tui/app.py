"""The Textual app: holds the one ticker, hands snapshots to the screen, ends cleanly."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.css.query import NoMatches
from textual.screen import Screen

from zbtui.core.crash import describe
from zbtui.core.snapshot import Snapshot
from zbtui.tui.alerting import Alerting
from zbtui.tui.messages import SnapshotChanged
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.screens.help_screen import HelpScreen
from zbtui.tui.screens.welcome_screen import WelcomeScreen
from zbtui.tui.ticking import Ticking
from zbtui.watch.fleet import Change, Fleet

if TYPE_CHECKING:
    from zbtui.alerts.desk import AlertDesk
    from zbtui.onboard import Desk

_SCREENS: Final = Path(__file__).parent / "screens"
_LEAVE_SECONDS: Final = 3.0
DEMO: Final = "demo"
"""What the app returns when the demo was asked for."""


class ZbtuiApp(App[str]):
    """Watches a fleet until told to quit, or until its terminal is gone."""

    TITLE = "zbtui"
    # All here, although each belongs to one screen: a screen's own is parsed anew when it is shown.
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        _SCREENS / "fleet_screen.tcss",
        _SCREENS / "welcome_screen.tcss",
        _SCREENS / "boxed_screen.tcss",
        _SCREENS / "form_screens.tcss",
    ]
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "Help", key_display="?", id="app.help", tooltip="This help"),
        Binding("f1", "help", "Help", show=False, id="app.help-f1", tooltip="This help"),
        Binding("q", "quit", "Quit", id="app.quit", tooltip="Leave zbtui"),
    ]

    def __init__(self, fleet: Fleet, desk: Desk, alerts: AlertDesk, label: str | None = None) -> None:
        """Args:
        desk: where orgs come under watch, and go.
        alerts: who is told of what.
        label: said in front of the bar, such as that this is a demo.
        """
        super().__init__()
        self._fleet = fleet
        self._desk = desk
        self._label = label
        self._alerts = alerts
        self._alerting = Alerting(self, fleet, alerts)
        self._fleet_screen: FleetScreen | None = None
        self._ticks = 0
        self._watching = False
        """Whether the panels were shown, and their orgs are looked at since."""

    def on_mount(self) -> None:
        self._fleet.listen(self._hand_over)
        self._watch_terminal()
        self.set_interval(1.0, self.tick)

    def on_panels_shown(self) -> None:
        """What was known shows by now: whatever keyring and network do, it was not delayed by them."""
        self._watching = True
        self._watch(snapshot.org.name for snapshot in self._fleet.snapshots)

    def on_unmount(self) -> None:
        self._alerting.close()

    def get_default_screen(self) -> Screen[None]:
        return self._make_fleet_screen() if self._fleet.snapshots else WelcomeScreen()

    def _hand_over(self, snapshot: Snapshot) -> None:
        self.post_message(SnapshotChanged(snapshot))

    def _make_fleet_screen(self) -> FleetScreen:
        self._fleet_screen = FleetScreen(self._fleet, self._desk, self._alerts, self._label)
        return self._fleet_screen

    def _watch(self, names: Iterable[str]) -> None:
        for name in names:
            self.run_worker(
                self._fleet.run(name),
                name=name,
                group=f"poll:{name}",
                description=f"watches {name}",
                exit_on_error=False,
            )

    @property
    def _mounted_fleet_screen(self) -> FleetScreen | None:
        screen = self._fleet_screen
        return screen if screen and screen.is_mounted else None

    def on_snapshot_changed(self, message: SnapshotChanged) -> None:
        self._alerting.note_change()
        if screen := self._mounted_fleet_screen:
            screen.update_org(message.snapshot)

    def tick(self) -> None:
        """Once a second: the only timer that the watch has."""
        self._ticks += 1
        if self._ticks % 2 == 0 and self._terminal_is_gone():
            self._leave()
            return
        change = self._fleet.tick()
        self._welcome_or_watch(change)
        if screen := self._mounted_fleet_screen:
            screen.tick(change)
            self._alerting.tick(screen.grid.verdicts)
        if isinstance(self.screen, Ticking):
            with suppress(NoMatches):  # it is on its way out, and its widgets have gone
                self.screen.tick()

    def _welcome_or_watch(self, change: Change) -> None:
        """With the first org the welcome goes, and with the last one it comes back."""
        if change.added and self._watching:
            self._watch(change.added)
        if self._fleet.snapshots and isinstance(self.screen, WelcomeScreen):
            if self._fleet_screen is None:
                self.push_screen(self._make_fleet_screen())
            else:
                self.pop_screen()
        elif not self._fleet.snapshots and isinstance(self.screen, FleetScreen):
            self.push_screen(WelcomeScreen())

    # Commands

    def action_help(self) -> None:
        keys: dict[str, list[str]] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.id and active.binding.tooltip:
                keys.setdefault(active.binding.tooltip, []).append(self.get_key_display(active.binding))
        self.push_screen(HelpScreen([(" ".join(each), what) for what, each in keys.items()]))

    def action_add(self) -> None:
        """Put an org under watch; it then appears by itself."""
        from zbtui.tui.screens.sign_in_screen import SignInScreen  # here: no start needs it

        self.push_screen(SignInScreen(self._desk), self._take_up)

    def _take_up(self, known: Snapshot | None) -> None:
        if known is not None:
            self._fleet.renew(known)
            if screen := self._mounted_fleet_screen:
                screen.welcome(known)

    def action_demo(self) -> None:
        self.exit(DEMO)

    async def action_quit(self) -> None:
        self._fleet.stop()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        stock = super().get_system_commands(screen)
        yield from (command for command in stock if command.title in ("Theme", "Quit", "Screenshot"))
        if isinstance(screen, FleetScreen):
            yield SystemCommand("Look at all orgs", "Ask Zoho about every org now", screen.action_look_all)
            yield SystemCommand("Look at this org", "Ask Zoho about it now", screen.action_look)
            yield SystemCommand("Pause or resume this org", "Stop asking, or go on", screen.action_pause)
            yield SystemCommand("Pause or resume all", "Stop asking, or go on", screen.action_pause_all)
            yield SystemCommand("Detail", "All that is known of this org", screen.action_detail)
            yield SystemCommand("Sign in again", "Replace this org's credentials", screen.action_sign_in)
            yield SystemCommand("Edit this org", "Name, data center, intervals", screen.action_edit)
            yield SystemCommand("Take this org off watch", "Delete its credentials", screen.action_remove)
        if isinstance(screen, FleetScreen | WelcomeScreen):
            yield SystemCommand("Add an org", "Put an org under watch", self.action_add)

    # The terminal

    def _watch_terminal(self) -> None:
        """A terminal that goes away (ssh drops, the window closes) ends the program."""
        for name in ("SIGHUP", "SIGTERM"):
            number = getattr(signal, name, None)
            if number is not None and sys.platform != "win32":
                asyncio.get_running_loop().add_signal_handler(number, self._leave)

    def _leave(self) -> None:
        """Quit, and do not wait for ever for a terminal that takes nothing any more."""
        end = threading.Timer(_LEAVE_SECONDS, os._exit, (1,))
        end.daemon = True
        end.start()
        self.exit()

    def _terminal_is_gone(self) -> bool:
        """Where SIGHUP is ignored (nohup), only the terminal itself tells."""
        if self.is_headless or self.is_web or sys.__stdin__ is None:
            return False
        try:
            return not os.isatty(sys.__stdin__.fileno())
        except (OSError, ValueError):
            return True

    # Crashes

    def _handle_exception(self, error: Exception) -> None:
        """Textual's own prints every local variable, and with them whatever a frame holds."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._exit_renderables.append(Text(describe(error)))
        self._close_messages_no_wait()
