"""Publishes the config to its subscribers when its file has changed."""

from __future__ import annotations

from collections.abc import Callable

from zbtui.config.settings import Config
from zbtui.model.problem import Problem, ProblemError


class ConfigWatcher:
    """Checks for a changed config at each tick; one per process, and its only reader of changes."""

    def __init__(
        self,
        config: Config,
        reload: Callable[[], Config | None] = lambda: None,
        is_settled: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin with `config`; for `reload` and `is_settled`, see `ConfigStore`."""
        self.current = config
        self.problem: Problem | None = None
        """Why the last change was not applied; `current` is then still the config before."""
        self._reload = reload
        self._is_settled = is_settled
        self._held: Config | None = None
        """A config that takes something away, until its file has stood still."""
        self._subscribers: list[Callable[[Config], None]] = []

    def subscribe(self, apply: Callable[[Config], None]) -> None:
        """Call `apply` with each later config, even an equal one if the file was only touched."""
        self._subscribers.append(apply)

    def check_for_change(self) -> None:
        """Read and publish the config if it has changed. Raises nothing, but sets `problem`."""
        try:
            config = self._reload()
        except ProblemError as error:
            self.problem, self._held = error.problem, None
            return
        config = config or self._held
        if config is None:
            return
        if _takes_away(self.current, config) and not self._is_settled():
            self._held = config
            return
        self.current, self.problem, self._held = config, None, None
        for apply in self._subscribers:
            apply(config)


def _takes_away(before: Config, after: Config) -> bool:
    """Whether `after` lacks what the end of a file may hold that is not written yet.

    An org, a channel of alerts, or that an org is muted.
    """
    orgs, was, now = {org.name: org for org in after.orgs}, before.settings.alerts, after.settings.alerts
    return (
        any(org.name not in orgs or (org.mute and not orgs[org.name].mute) for org in before.orgs)
        or bool(was.on_change and not now.on_change)
        or bool(was.webhook and not now.webhook)
        or bool(was.desktop and not now.desktop)
    )
