"""Publishes the config to its subscribers when its file has changed."""

from __future__ import annotations

from collections.abc import Callable

from zbtui.config.settings import Config
from zbtui.model.problem import Problem, ProblemError


class ConfigWatcher:
    """Checks for a changed config at each tick; the only caller of `load_if_changed` in a process."""

    def __init__(
        self,
        config: Config,
        reload: Callable[[], Config | None] = lambda: None,
        is_settled: Callable[[], bool] = lambda: True,
    ) -> None:
        """Begin with `config`; for `reload` and `is_settled`, see `ConfigStore`."""
        self.current = config
        self.problem: Problem | None = None
        """Why the last change was not applied; `current` is then still the earlier config."""
        self._reload = reload
        self._is_settled = is_settled
        self._held: Config | None = None
        """A config that removes something, held until its file is settled."""
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
        if _removes_something(self.current, config) and not self._is_settled():
            self._held = config
            return
        self.current, self.problem, self._held = config, None, None
        for apply in self._subscribers:
            apply(config)


def _removes_something(before: Config, after: Config) -> bool:
    """Whether `after` lacks an org, an alert channel or a mute of `before`.

    If so, the file may be half written, with its end still missing.
    """
    orgs, was, now = {org.name: org for org in after.orgs}, before.settings.alerts, after.settings.alerts
    return (
        any(org.name not in orgs or (org.mute and not orgs[org.name].mute) for org in before.orgs)
        or bool(was.on_change and not now.on_change)
        or bool(was.webhook and not now.webhook)
        or bool(was.desktop and not now.desktop)
    )
