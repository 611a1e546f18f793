"""Shows alerts in this terminal window: as toast, bell, window title and desktop notification."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal

from textual.app import App
from textual.worker import WorkType

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
"""The largest number of simultaneous alerts that get a toast each; more alerts share one toast."""
_TOAST_SECONDS: Final = 6.0


class AlertNotifier:
    """Has the alert dispatcher evaluate the snapshots of all orgs, and shows the new alerts."""

    def __init__(
        self, app: App[Any], fleet: Fleet, dispatcher: AlertDispatcher, redact: Callable[[Alert], Alert]
    ) -> None:
        """`redact` returns the alert unchanged, or without names while names are hidden on the screen."""
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
        """Note that a snapshot has changed, so that the alerts are evaluated again."""
        self._evaluation_schedule.mark_changed()

    def tick(self, verdicts: Mapping[str, Verdict]) -> None:
        """Update the window title, and evaluate the alerts if that is due. Called once a second.

        `verdicts` are the verdicts that the screen shows, by org name.
        """
        self._update_title(verdicts)
        if self._evaluation_schedule.take_if_due(len(verdicts)):
            self._run_exclusively("evaluate", self._evaluate)

    def _run_exclusively(self, step: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` as a Textual worker, unless a worker for the same `step` is still running.

        If such a worker is still running, `work` is dropped, and the alerts are evaluated again soon.
        """
        if step in self._running_steps:
            self._evaluation_schedule.mark_changed()
            return
        self._running_steps.add(step)

        async def run() -> None:
            try:
                await work()
            finally:
                self._running_steps.discard(step)

        # Pass the function, not a coroutine: the app may end before the worker starts to await it.
        step_work: WorkType[None] = run
        self._app.run_worker(step_work, group=f"alerts:{step}", description=step, exit_on_error=False)

    async def _evaluate(self) -> None:
        if not self._has_started:
            await self._dispatcher.new_alerts()  # skip alerts from before this window opened
            self._has_started = True
        await self._dispatcher.evaluate(self._fleet.snapshots, self._fleet.policy, self._fleet.verdicts)
        # Alerts that another zbtui process has stored are new in this window, too.
        if new_alerts := await self._dispatcher.new_alerts():
            self._show_alerts(new_alerts)
        # A step of its own: a slow alert command must not delay the next evaluation.
        self._run_exclusively("deliver", self._deliver)

    async def _deliver(self) -> None:
        desktop = {"desktop": self._notify_desktop} if self.settings.desktop else {}
        await self._dispatcher.deliver(desktop)

    def _show_alerts(self, new_alerts: Sequence[StoredAlert]) -> None:
        alerts = [self._redact(stored.alert) for stored in new_alerts]
        if len(alerts) <= _MAX_TOASTS:
            for alert in alerts:
                self._toast(alert.title, alert.headline, _severity([alert]))
        else:
            worst = sorted(alerts, key=lambda alert: -alert.level)
            titles = ", ".join(alert.title for alert in worst[:_MAX_TOASTS])
            self._toast(f"{len(alerts)} changes", f"{titles} …", _severity(alerts))
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
        min_level = max(self.settings.least, Level.WARNING)
        muted = {snapshot.org.name for snapshot in self._fleet.snapshots if snapshot.org.mute}
        problem_count = sum(
            verdict.level >= min_level and verdict.name != "waiting" and name not in muted
            for name, verdict in verdicts.items()
        )
        title = f"({problem_count}) zbtui" if problem_count else "zbtui"
        if title != self._title:
            self._write(("" if self._title else SAVE_TITLE) + title_sequence(title))
            self._title = title

    def close(self) -> None:
        """Restore the window title that zbtui has replaced; called on exit."""
        if self._title:
            self._write(RESTORE_TITLE)

    def _write(self, sequence: str) -> None:
        # Textual has no public method that writes a sequence to the terminal; its own bell uses the driver.
        if (driver := self._app._driver) is not None and not self._app.is_headless:
            driver.write(sequence)
            driver.flush()


Severity = Literal["information", "warning", "error"]


def _severity(alerts: Sequence[Alert]) -> Severity:
    worst = max(alert.level for alert in alerts)
    if worst is Level.OK:
        return "information"
    return "error" if worst is Level.CRITICAL else "warning"
