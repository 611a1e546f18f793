"""Passes the config on to its subscribers each time the config file has changed."""

from __future__ import annotations

from collections.abc import Callable

from zbtui.config.settings import Config
from zbtui.model.problem import Problem, ProblemError


class ConfigWatcher:
    """Reads the config again when it has changed, and passes it on to its subscribers.

    A process has one watcher, the only caller of `ConfigStore.load_if_changed`, and calls
    `check_for_change` regularly.
    """

    def __init__(
        self,
        config: Config,
        reload: Callable[[], Config | None] = lambda: None,
        is_settled: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin with `config`. `reload` returns the config if it has changed, else None.

        `is_settled` returns whether the config file is complete, since it has not changed for some seconds.
        """
        self.current = config
        self.problem: Problem | None = None
        """The reason why the last change of the file was not applied, or None.

        If it was not applied, `current` is still the earlier config.
        """
        self._reload = reload
        self._is_settled = is_settled
        self._held: Config | None = None
        """A new config that lacks something of `current`, held back until its file is settled."""
        self._subscribers: list[Callable[[Config], None]] = []

    def subscribe(self, apply: Callable[[Config], None]) -> None:
        """Call `apply` with each new config from now on.

        If the file was only touched, `apply` is called with an equal config.
        """
        self._subscribers.append(apply)

    def check_for_change(self) -> None:
        """Read the config if it has changed, and pass it on to the subscribers.

        An invalid or unreadable config raises nothing, but sets `problem`.
        """
        try:
            config = self._reload()
        except ProblemError as error:
            self.problem, self._held = error.problem, None
            return
        config = config or self._held
        if config is None:
            return
        if _removes_something(self.current, config) and not self._is_settled():
            self._held = config
            return
        self.current, self.problem, self._held = config, None, None
        for apply in self._subscribers:
            apply(config)


def _removes_something(before: Config, after: Config) -> bool:
    """Return whether the config `after` lacks an org, an alert channel or a mute that `before` has.

    A config that lacks something may come from a file that is half written, with its end still missing.
    """
    orgs, was, now = {org.name: org for org in after.orgs}, before.settings.alerts, after.settings.alerts
    return (
        any(org.name not in orgs or (org.mute and not orgs[org.name].mute) for org in before.orgs)
        or bool(was.on_change and not now.on_change)
        or bool(was.webhook and not now.webhook)
        or bool(was.desktop and not now.desktop)
    )
