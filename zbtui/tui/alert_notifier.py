"""Alerts, as one window shows them: toast, bell, title, and a notice on the desktop."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from textual.app import App

from zbtui.alerts.evaluation_schedule import EvaluationSchedule
from zbtui.health.alert_policy import Alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.verdict import Level, Verdict
from zbtui.tui.terminal_sequences import RESTORE_TITLE, SAVE_TITLE, notification_sequence, title_sequence
from zbtui.watch.fleet import Fleet

if TYPE_CHECKING:
    from zbtui.alerts.dispatcher import AlertDispatcher
    from zbtui.store.outbox import StoredAlert

_MAX_TOASTS: Final = 3
"""Alerts that come at once are told one by one up to so many, and beyond that as one."""
_TOAST_SECONDS: Final = 6.0


class AlertNotifier:
    """Has the desk consider what is known, and shows what it tells."""

    def __init__(
        self, app: App[Any], fleet: Fleet, dispatcher: AlertDispatcher, redact: Callable[[Alert], Alert]
    ) -> None:
        """Args:
        as_shown: an alert as it may stand on the screen.
        """
        self._app = app
        self._fleet = fleet
        self._dispatcher = dispatcher
        self._redact = redact
        self._has_started = False
        self._evaluation_schedule = EvaluationSchedule()
        self._running_steps: set[str] = set()
        self._title = ""

    @property
    def settings(self) -> AlertSettings:
        return self._dispatcher.settings

    def mark_changed(self) -> None:
        """Something about an org is known anew."""
        self._evaluation_schedule.mark_changed()

    def tick(self, verdicts: Mapping[str, Verdict]) -> None:
        """A second went by.

        Args:
            verdicts: by org, as the screen shows them.
        """
        self._update_title(verdicts)
        if self._evaluation_schedule.take_if_due(len(verdicts)):
            self._run_exclusively("consider", self._evaluate)

    def _run_exclusively(self, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Unless the one before is still at it."""
        if what in self._running_steps:
            self._evaluation_schedule.mark_changed()
            return
        self._running_steps.add(what)

        async def run() -> None:
            try:
                await work()
            finally:
                self._running_steps.discard(what)

        self._app.run_worker(run(), group=f"alerts:{what}", description=what, exit_on_error=False)

    async def _evaluate(self) -> None:
        if not self._has_started:
            await self._dispatcher.new_alerts()  # what was told before this window opened is none here
            self._has_started = True
        await self._dispatcher.evaluate(self._fleet.snapshots, self._fleet.policy, self._fleet.verdicts)
        # Those that another zbtui process found are news in this window, too.
        if news := await self._dispatcher.new_alerts():
            self._show_alerts(news)
        # Apart: a command takes its time, and the next change does not wait for it.
        self._run_exclusively("deliver", self._deliver)

    async def _deliver(self) -> None:
        desktop = {"desktop": self._notify_desktop} if self.settings.desktop else {}
        await self._dispatcher.deliver(desktop)

    def _show_alerts(self, news: Sequence[StoredAlert]) -> None:
        alerts = [self._redact(kept.alert) for kept in news]
        if len(alerts) <= _MAX_TOASTS:
            for alert in alerts:
                self._toast(alert.title, alert.headline, _severity([alert]))
        else:
            worst = sorted(alerts, key=lambda alert: -alert.level)
            said = ", ".join(alert.title for alert in worst[:_MAX_TOASTS])
            self._toast(f"{len(alerts)} changes", f"{said} …", _severity(alerts))
        if self.settings.bell and any(alert.level is not Level.OK for alert in alerts):
            self._app.bell()

    def _toast(self, title: str, text: str, severity: Severity) -> None:
        self._app.notify(text, title=title, severity=severity, timeout=_TOAST_SECONDS)

    # The terminal

    def _notify_desktop(self, alert: Alert) -> None:
        alert = self._redact(alert)
        if desktop := self.settings.desktop:
            tmux = "TMUX" in os.environ
            self._write(notification_sequence(desktop, f"zbtui · {alert.title}", alert.headline, tmux=tmux))

    def _update_title(self, verdicts: Mapping[str, Verdict]) -> None:
        least = max(self.settings.least, Level.WARNING)
        mute = {one.org.name for one in self._fleet.snapshots if one.org.mute}
        amiss = sum(
            verdict.level >= least and verdict.name != "waiting" and name not in mute
            for name, verdict in verdicts.items()
        )
        title = f"({amiss}) zbtui" if amiss else "zbtui"
        if title != self._title:
            self._write(("" if self._title else SAVE_TITLE) + title_sequence(title))
            self._title = title

    def close(self) -> None:
        """The window is about to go: its title is as it was before."""
        if self._title:
            self._write(RESTORE_TITLE)

    def _write(self, sequence: str) -> None:
        # Textual has no public way to say this to the terminal; its own bell goes this way.
        if (driver := self._app._driver) is not None and not self._app.is_headless:
            driver.write(sequence)
            driver.flush()


Severity = Literal["information", "warning", "error"]


def _severity(alerts: Sequence[Alert]) -> Severity:
    worst = max(alert.level for alert in alerts)
    if worst is Level.OK:
        return "information"
    return "error" if worst is Level.CRITICAL else "warning"
