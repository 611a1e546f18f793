"""Publishes the config to its subscribers when its file has changed."""

from __future__ import annotations

from collections.abc import Callable

from zbtui.config.settings import Config
from zbtui.model.problem import Problem, ProblemError


class ConfigWatcher:
    """Checks for a changed config at each tick; one per process, and its only reader of changes."""

    def __init__(self, config: Config, reload: Callable[[], Config | None] = lambda: None) -> None:
        """Begin with `config`; for `reload`, see `ConfigStore.load_if_changed`."""
        self.current = config
        self.problem: Problem | None = None
        """Why the last change was not applied; `current` is then still the config before."""
        self._reload = reload
        self._subscribers: list[Callable[[Config], None]] = []

    def subscribe(self, apply: Callable[[Config], None]) -> None:
        """Call `apply` with each later config, even an equal one if the file was only touched."""
        self._subscribers.append(apply)

    def check_for_change(self) -> None:
        """Read and publish the config if it has changed. Raises nothing, but sets `problem`."""
        try:
            config = self._reload()
        except ProblemError as error:
            self.problem = error.problem
            return
        if config is not None:
            self.current, self.problem = config, None
            for apply in self._subscribers:
                apply(config)
