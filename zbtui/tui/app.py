"""The Textual app: runs the one-second tick, passes snapshots to the screen, exits cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath
from shutil import get_terminal_size
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.geometry import Size
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme
from textual.widgets import Input

from zbtui.clock import follow_time_zone
from zbtui.config.config_watcher import ConfigWatcher
from zbtui.config.settings import Config
from zbtui.health.alert_policy import Alert
from zbtui.health.snapshot import Snapshot
from zbtui.model.crash import describe_crash
from zbtui.model.problem import Problem
from zbtui.store.screen_memory import ScreenMemory, ScreenState
from zbtui.tui.alert_notifier import AlertNotifier
from zbtui.tui.bindings import bindings_of, help_entries, key_of
from zbtui.tui.command_palette import OrgProvider, fleet_commands
from zbtui.tui.forms.form_screen import FormScreen
from zbtui.tui.messages import SnapshotsChanged
from zbtui.tui.screens.detail_screen import DetailScreen
from zbtui.tui.screens.fleet_screen import FleetScreen
from zbtui.tui.screens.help_screen import HelpScreen
from zbtui.tui.screens.welcome_screen import WelcomeScreen
from zbtui.tui.themes import ThemedApp
from zbtui.tui.widgets.filter_input import FilterInput
from zbtui.watch.fleet import Fleet, OrgChanges

if TYPE_CHECKING:
    from zbtui.alerts.dispatcher import AlertDispatcher
    from zbtui.onboarding import OrgService

_HERE: Final = Path(__file__).parent
_SCREENS: Final = _HERE / "screens"
_EXIT_TIMEOUT_SECONDS: Final = 3.0
_TERMINAL_CHECK_SECONDS: Final = 2.0
_GC_FULL_THRESHOLD: Final = 100
"""The number of middle-generation garbage collections after which Python makes a full one."""
_UPDATE_BATCH_SIZE: Final = 100
"""The largest number of snapshots that are passed to the screen in one batch."""
DEMO_REQUESTED: Final = "demo"
"""The app's return value if the user asks for the demo."""


class ZbtuiApp(ThemedApp[str]):
    """The app: watches all orgs until the user quits or the terminal goes away."""

    TITLE = "zbtui"
    # All style sheets are listed here: Textual parses a screen's own CSS again when the screen is shown.
    CSS_PATH: ClassVar[list[str | PurePath]] = [
        _SCREENS / "fleet_screen.tcss",
        _HERE / "views" / "org_list_view.tcss",
        _HERE / "toasts.tcss",
        _SCREENS / "welcome_screen.tcss",
        _SCREENS / "boxed_screen.tcss",
        _SCREENS / "detail_screen.tcss",
        _HERE / "forms" / "form_screens.tcss",
    ]
    ENABLE_COMMAND_PALETTE = True
    COMMANDS = App.COMMANDS | {OrgProvider}
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("app")

    def __init__(
        self,
        config: ConfigWatcher,
        fleet: Fleet,
        org_service: OrgService,
        alert_dispatcher: AlertDispatcher,
        label: str | None = None,
        memory: ScreenMemory | None = None,
    ) -> None:
        """Make the app, which starts polling only once the orgs have been painted.

        Args:
            config: The watcher of the config file; the app has it check for changes at each tick.
            label: A text that marks the demo, shown at the left of the fleet bar; None shows no text.
            memory: Stores view, sort order, filter and theme for the next start; None stores nothing.
        """
        super().__init__()
        self._config = config
        self._fleet = fleet
        self._org_service = org_service
        self._label = label
        self._alert_dispatcher = alert_dispatcher
        self._alert_notifier = AlertNotifier(self, fleet, alert_dispatcher, self._redact_alert)
        self._memory = memory or ScreenMemory(None)
        self._state = self._memory.load()
        self._configured_keys: tuple[tuple[str, str], ...] = ()
        self._fleet_screen: FleetScreen | None = None
        self._poll_tasks: set[asyncio.Task[None]] = set()
        """The tasks that poll the orgs, one for each org."""
        self._pending_updates: dict[str, Snapshot] = {}
        """The latest snapshot of each org that the screen has not received yet."""
        self._gc_is_frozen = False
        """Whether `gc.freeze` has been called, which happens once every org has been polled."""
        self._polling_started = False
        """Whether polling has begun, which happens as soon as the orgs have been painted."""

    def on_mount(self) -> None:
        self._apply_saved_theme()
        self._apply_keys(self._config.current)
        self._config.subscribe(self._apply_keys)
        self._fleet.subscribe(self._queue_update)
        self._handle_signals()
        if not (self.is_headless or self.is_web or sys.__stdin__ is None):
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._watch_terminal, args=(loop,), daemon=True).start()
        self.set_interval(1.0, self.tick)

    def on_resize(self) -> None:
        """Repaint the whole screen, even if its size is unchanged.

        If the terminal was smaller only for a moment, Textual sees no change of size, but the terminal has
        dropped the text that did not fit.
        """
        if self.screen_stack:
            self.screen.refresh()

    def on_orgs_shown(self) -> None:
        """Start polling the orgs after their first paint, so that keyring and network cannot delay it."""
        if self._polling_started:  # called again for another view's first paint
            return
        self._polling_started = True
        self._start_polling(snapshot.org.name for snapshot in self._fleet.snapshots)

    async def on_unmount(self) -> None:
        self._alert_notifier.close()
        for task in self._poll_tasks:
            task.cancel()
        await asyncio.gather(*self._poll_tasks, return_exceptions=True)

    def get_default_screen(self) -> Screen[None]:
        return self._make_fleet_screen() if self._fleet.snapshots else WelcomeScreen()

    def _queue_update(self, snapshot: Snapshot) -> None:
        if not self._pending_updates:
            self.post_message(SnapshotsChanged())
        self._pending_updates[snapshot.org.name] = snapshot

    def _make_fleet_screen(self) -> FleetScreen:
        saved = self._state, self._save_screen_state
        screen = FleetScreen(self._fleet, self._org_service, self._list_problems, self._label, *saved)
        self._fleet_screen = screen
        return screen

    def _list_problems(self) -> tuple[Problem | None, ...]:
        """Return the problems of zbtui itself, for the banner; None stands for a part without a problem."""
        alerts, memory = self._alert_dispatcher.problems, self._memory.trouble
        cache = self._org_service.stores.credentials.cache_problem
        return self._config.problem, self._fleet.journal_problem, cache, *alerts, memory

    def _start_polling(self, names: Iterable[str]) -> None:
        # Not as Textual workers: Textual searches all its workers whenever a widget is removed.
        for name in names:
            task = asyncio.create_task(self._fleet.run_poller(name), name=f"poll:{name}")
            self._poll_tasks.add(task)
            task.add_done_callback(self._poll_tasks.discard)

    @property
    def _mounted_fleet_screen(self) -> FleetScreen | None:
        screen = self._fleet_screen
        return screen if screen and screen.is_mounted else None

    def on_snapshots_changed(self) -> None:
        """Pass one batch of new snapshots to the screen.

        The batches are small, so that no key press has to wait for thousands of snapshots.
        """
        self._alert_notifier.mark_changed()
        names = list(islice(self._pending_updates, _UPDATE_BATCH_SIZE))
        batch = [self._pending_updates.pop(name) for name in names]
        if self._pending_updates:
            self.post_message(SnapshotsChanged())
        if screen := self._mounted_fleet_screen:
            screen.update_orgs(batch)

    def tick(self) -> None:
        """Update config, orgs, screen and alerts; called once a second by the app's only timer."""
        if not self.screen_stack:
            return  # on exit the screens are removed before the timer
        self._correct_size()
        self._config.check_for_change()
        change = self._fleet.tick()
        self._show_or_hide_welcome(change)
        if not self._gc_is_frozen and all(org.polls.attempted_at for org in self._fleet.snapshots):
            self._gc_is_frozen = True
            # Without `freeze`, each full collection scans thousands of orgs while a key press waits.
            # Objects created from now on rarely need a full collection.
            gc.freeze()
            gc.set_threshold(*gc.get_threshold()[:2], _GC_FULL_THRESHOLD)
        if screen := self._mounted_fleet_screen:
            if follow_time_zone():
                screen.time_zone_changed()
            screen.tick(change)
        # Called even if no org is left, because an alert is due when orgs have left the config.
        self._alert_notifier.tick(screen.org_list.verdicts if screen else {})
        if isinstance(self.screen, DetailScreen | FormScreen):
            with suppress(NoMatches):  # the screen is closing, and its widgets are gone
                self.screen.tick()

    def _correct_size(self) -> None:
        """Send a resize event to the app or its screen if its size is not the terminal's.

        Of several resizes in quick succession, Textual may handle an older one last.
        """
        size = self.size if self.is_headless else Size(*get_terminal_size())
        for pump, has_size in ((self, self.size), (self.screen, self.screen.outer_size)):
            if has_size != size:
                pump.post_message(events.Resize(size, size))

    def _show_or_hide_welcome(self, change: OrgChanges) -> None:
        """Show the welcome screen while no org is under watch, and start polling orgs that were added."""
        if change.added and self._polling_started:
            self._start_polling(change.added)
        if self._fleet.snapshots and isinstance(self.screen, WelcomeScreen):
            if self._fleet_screen is None:
                self.push_screen(self._make_fleet_screen())
            else:
                self.pop_screen()
        elif not self._fleet.snapshots and isinstance(self.screen, FleetScreen):
            self.push_screen(WelcomeScreen())

    def on_key(self, event: events.Key) -> None:
        """Handle ctrl+c in modal screens, and keys typed right after the key that opens the filter.

        Textual sends keys typed so early to the org list, which still had the focus. They belong in the
        filter, so this method inserts them there.
        """
        field = self.focused
        copies = isinstance(field, Input) and field.selected_text
        if event.key == "ctrl+c" and self.screen.is_modal and not copies:
            self.action_help_quit()  # the app's own keys are not active in modal screens
        if isinstance(field, FilterInput) and event.is_printable and event.character:
            event.prevent_default()
            field.replace(event.character, *field.selection)

    # Toasts

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show `message` as a toast in plain text, never as markup; also used for toasts of widgets."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def action_help_quit(self) -> None:
        """Show a toast that says which key quits, on ctrl+c. Textual's own message uses markup."""
        self.notify(f"Press {key_of(self.screen, 'app.quit') or 'ctrl+q'} to leave zbtui.")

    def on_delivery_complete(self, event: events.DeliveryComplete) -> None:
        """Show a toast that says where a screenshot was saved. Textual's own message uses markup."""
        event.prevent_default()
        self.notify(f"The screenshot is in {event.path}." if event.path else "The screenshot is saved.")

    def on_delivery_failed(self, event: events.DeliveryFailed) -> None:
        event.prevent_default()
        self.notify("The screenshot could not be saved.", severity="error")

    # Commands

    def action_help(self) -> None:
        self.push_screen(HelpScreen(help_entries(self.screen, dict(self._configured_keys))))

    def action_add(self) -> None:
        """Open the form that adds an org."""
        from zbtui.tui.forms.sign_in_screen import SignInScreen  # imported here to keep startup fast

        self.push_screen(SignInScreen(self._org_service), self._org_added)

    def _org_added(self, snapshot: Snapshot | None) -> None:
        if snapshot is not None:
            self._fleet.restart_with(snapshot)
            if screen := self._mounted_fleet_screen:
                screen.announce_org(snapshot)

    def action_demo(self) -> None:
        self.exit(DEMO_REQUESTED)

    async def action_quit(self) -> None:
        self._fleet.stop()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        defaults = super().get_system_commands(screen)
        yield from (command for command in defaults if command.title in ("Theme", "Quit", "Screenshot"))
        if isinstance(screen, FleetScreen):
            yield from fleet_commands(screen)
        elif isinstance(screen, WelcomeScreen):
            yield SystemCommand("Add an org", "Put an org under watch", self.action_add)

    # Saved screen state

    def _apply_saved_theme(self) -> None:
        self.apply_theme(self._state.theme or os.environ.get("TEXTUAL_THEME"))
        self.theme_changed_signal.subscribe(self, self._save_theme)

    def _save_theme(self, theme: Theme) -> None:
        if self.chosen_theme != self._state.theme:
            self._save_screen_state(self._state)

    def _save_screen_state(self, state: ScreenState) -> None:
        self._state = replace(state, theme=self.chosen_theme)
        self._memory.save(self._state)

    def _apply_keys(self, config: Config) -> None:
        """Apply the keys that the config defines for actions, if these keys have changed."""
        if config.settings.keys != self._configured_keys:
            self._configured_keys = config.settings.keys
            self.set_keymap(dict(self._configured_keys))
            if screen := self._mounted_fleet_screen:
                screen.keys_changed()

    def _redact_alert(self, alert: Alert) -> Alert:
        """Return the alert; while names are hidden, a copy without names."""
        screen = self._fleet_screen
        if screen is None or not screen.org_list.names_hidden:
            return alert
        org = screen.org_list.display_name(alert.org) if alert.org else alert.org
        return replace(alert, org=org, headline="Names are hidden.", hint=None)

    # The terminal

    def _handle_signals(self) -> None:
        """Have the app exit on SIGHUP and SIGTERM, such as when ssh drops or the window closes."""
        for name in ("SIGHUP", "SIGTERM"):
            number = getattr(signal, name, None)
            if number is not None and sys.platform != "win32":
                asyncio.get_running_loop().add_signal_handler(number, self._exit_with_deadline)

    def _exit_with_deadline(self) -> None:
        """Exit the app, but kill the process if the terminal accepts no more output and blocks the exit."""
        _exit_within_deadline()
        self.exit()

    def _watch_terminal(self, loop: asyncio.AbstractEventLoop) -> None:
        """Exit the app once its terminal is gone.

        The terminal is checked regularly, because under nohup no SIGHUP arrives. This runs in a thread,
        because the event loop may wait for ever for a terminal that accepts no more output.
        """
        while not _terminal_is_gone():
            time.sleep(_TERMINAL_CHECK_SECONDS)
        _exit_within_deadline()
        with suppress(RuntimeError):  # the loop has just ended
            loop.call_soon_threadsafe(self.exit)

    # Crashes

    def _handle_exception(self, error: Exception) -> None:
        """Exit with a short crash report; Textual's own includes every local variable, secrets too."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._exit_renderables.append(Text(describe_crash(error)))
        self._close_messages_no_wait()


def _exit_within_deadline() -> None:
    """Start a timer that kills the process if it has not exited within `_EXIT_TIMEOUT_SECONDS`."""
    deadline = threading.Timer(_EXIT_TIMEOUT_SECONDS, os._exit, (1,))
    deadline.daemon = True
    deadline.start()


def _terminal_is_gone() -> bool:
    try:
        return sys.__stdin__ is None or not os.isatty(sys.__stdin__.fileno())
    except (OSError, ValueError):
        return True
