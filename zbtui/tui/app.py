"""The Textual app: holds the one ticker, hands snapshots to the screen, ends cleanly."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.theme import Theme

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
_GC_FULL_THRESHOLD: Final = 100
"""Collections of the middle generation before one of all that is not frozen."""
_UPDATE_BATCH_SIZE: Final = 100
"""Orgs about which the screen is told at once."""
DEMO_REQUESTED: Final = "demo"
"""What the app returns when the demo was asked for."""


class ZbtuiApp(ThemedApp[str]):
    """Watches a fleet until told to quit, or until its terminal is gone."""

    TITLE = "zbtui"
    # All here, although each belongs to one screen: a screen's own is parsed anew when it is shown.
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
        """Args:
        config: polled with each tick; the keys are taken from it.
        desk: where orgs come under watch, and go.
        alerts: who is told of what.
        label: said in front of the bar, such as that this is a demo.
        memory: of how somebody left the screen; None: of this window only.
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
        """A loop an org."""
        self._pending_updates: dict[str, Snapshot] = {}
        """What the screen was not told yet, by org: of several the last one counts."""
        self._ticks = 0
        self._gc_is_frozen = False
        """Whether all orgs were looked at."""
        self._polling_started = False
        """Whether the orgs were shown, and their orgs are looked at since."""

    def on_mount(self) -> None:
        self._apply_saved_theme()
        self._apply_keys(self._config.current)
        self._config.subscribe(self._apply_keys)
        self._fleet.subscribe(self._queue_update)
        self._handle_signals()
        self.set_interval(1.0, self.tick)

    def on_resize(self) -> None:
        """Paint all anew, also where the size is as before.

        It may have been smaller for less time than it takes to hear of it: the terminal has dropped what
        did not fit, and Textual sees no change.
        """
        if self.screen_stack:
            self.screen.refresh()

    def on_orgs_shown(self) -> None:
        """What was known shows by now: whatever keyring and network do, it was not delayed by them."""
        if self._polling_started:  # another view is shown for the first time
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
        self._fleet_screen = FleetScreen(
            self._fleet,
            self._org_service,
            self._list_problems,
            self._label,
            self._state,
            self._save_screen_state,
        )
        return self._fleet_screen

    def _list_problems(self) -> tuple[Problem | None, ...]:
        """What is wrong with zbtui itself."""
        alerts, memory = self._alert_dispatcher.problems, self._memory.trouble
        return self._config.problem, self._fleet.journal_problem, *alerts, memory

    def _start_polling(self, names: Iterable[str]) -> None:
        # Not as Textual's workers: with each widget that goes, it looks through all of those.
        for name in names:
            task = asyncio.create_task(self._fleet.run_poller(name), name=f"poll:{name}")
            self._poll_tasks.add(task)
            task.add_done_callback(self._poll_tasks.discard)

    @property
    def _mounted_fleet_screen(self) -> FleetScreen | None:
        screen = self._fleet_screen
        return screen if screen and screen.is_mounted else None

    def on_snapshots_changed(self) -> None:
        """Some at a time: where thousands are polled at once, a key waits for no more than these."""
        self._alert_notifier.mark_changed()
        some = [
            self._pending_updates.pop(name)
            for name in list(islice(self._pending_updates, _UPDATE_BATCH_SIZE))
        ]
        if self._pending_updates:
            self.post_message(SnapshotsChanged())
        if screen := self._mounted_fleet_screen:
            screen.update_orgs(some)

    def tick(self) -> None:
        """Once a second: the only timer that the watch has."""
        if not self.screen_stack:
            return  # on the way out the screens go before the timer does
        self._ticks += 1
        if self._ticks % 2 == 0 and self._terminal_is_gone():
            self._exit_with_deadline()
            return
        self._config.check_for_change()
        change = self._fleet.tick()
        self._show_or_hide_welcome(change)
        if not self._gc_is_frozen and all(one.polls.attempted_at for one in self._fleet.snapshots):
            self._gc_is_frozen = True
            # Else each full collection goes through all that is known of thousands of orgs, and a key
            # waits for it. What comes and goes from now on is seldom worth one.
            gc.freeze()
            gc.set_threshold(*gc.get_threshold()[:2], _GC_FULL_THRESHOLD)
        if screen := self._mounted_fleet_screen:
            screen.tick(change)
            self._alert_notifier.tick(screen.org_list.verdicts)
        if isinstance(self.screen, DetailScreen | FormScreen):
            with suppress(NoMatches):  # it is on its way out, and its widgets have gone
                self.screen.tick()

    def _show_or_hide_welcome(self, change: OrgChanges) -> None:
        """With the first org the welcome goes, and with the last one it comes back."""
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
        """Of keys that come all at once, those behind the one that opens the filter are typed into it.

        They were sent to the orgs, which had the focus by then, and would be taken for commands.
        """
        field = self.focused
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
        """All toasts come through here, those of widgets too: their texts are data, and never markup."""
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=False)

    def action_help_quit(self) -> None:
        """Ctrl+C: who means to leave learns how. Textual's own sentence is markup."""
        self.notify(f"Press {key_of(self.screen, 'app.quit') or 'ctrl+q'} to leave zbtui.")

    # Commands

    def action_help(self) -> None:
        self.push_screen(HelpScreen(help_entries(self.screen, dict(self._configured_keys))))

    def action_add(self) -> None:
        """Put an org under watch; it then appears by itself."""
        from zbtui.tui.forms.sign_in_screen import SignInScreen  # here: no start needs it

        self.push_screen(SignInScreen(self._org_service), self._org_added)

    def _org_added(self, known: Snapshot | None) -> None:
        if known is not None:
            self._fleet.restart_with(known)
            if screen := self._mounted_fleet_screen:
                screen.announce_org(known)

    def action_demo(self) -> None:
        self.exit(DEMO_REQUESTED)

    async def action_quit(self) -> None:
        self._fleet.stop()
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        stock = super().get_system_commands(screen)
        yield from (command for command in stock if command.title in ("Theme", "Quit", "Screenshot"))
        if isinstance(screen, FleetScreen):
            yield from fleet_commands(screen)
        elif isinstance(screen, WelcomeScreen):
            yield SystemCommand("Add an org", "Put an org under watch", self.action_add)

    # How somebody left the screen

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
        """The config's, whenever they are others."""
        if config.settings.keys != self._configured_keys:
            self._configured_keys = config.settings.keys
            self.set_keymap(dict(self._configured_keys))
            if screen := self._mounted_fleet_screen:
                screen.keys_changed()

    def _redact_alert(self, alert: Alert) -> Alert:
        """What may be told of it while names are hidden."""
        screen = self._fleet_screen
        if screen is None or not screen.org_list.names_hidden:
            return alert
        org = screen.org_list.called(alert.org) if alert.org else alert.org
        return replace(alert, org=org, headline="Names are hidden.", hint=None)

    # The terminal

    def _handle_signals(self) -> None:
        """A terminal that goes away (ssh drops, the window closes) ends the program."""
        for name in ("SIGHUP", "SIGTERM"):
            number = getattr(signal, name, None)
            if number is not None and sys.platform != "win32":
                asyncio.get_running_loop().add_signal_handler(number, self._exit_with_deadline)

    def _exit_with_deadline(self) -> None:
        """Quit, and do not wait for ever for a terminal that takes nothing any more."""
        end = threading.Timer(_EXIT_TIMEOUT_SECONDS, os._exit, (1,))
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
        self._exit_renderables.append(Text(describe_crash(error)))
        self._close_messages_no_wait()
