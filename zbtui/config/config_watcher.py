"""Publishes the config to whoever goes by it, whenever its file has changed."""

from __future__ import annotations

from collections.abc import Callable

from zbtui.config.settings import Config
from zbtui.model.problem import Problem, ProblemError


class ConfigWatcher:
    """One for each process, polled by its one ticker: the only reader of a config that changes."""

    def __init__(self, config: Config, reload: Callable[[], Config | None] = lambda: None) -> None:
        """Args:
        config: the one to begin with.
        reload: see `ConfigStore.reload`.
        """
        self.current = config
        self.problem: Problem | None = None
        """Why the last change was not applied; `current` is then the config before it."""
        self._reload = reload
        self._subscribers: list[Callable[[Config], None]] = []

    def subscribe(self, apply: Callable[[Config], None]) -> None:
        """Hand each later config to `apply`; also one that is equal, where the file was only touched."""
        self._subscribers.append(apply)

    def check_for_change(self) -> None:
        """Read the config if it has changed. Raises nothing: what is wrong with it is the `problem`."""
        try:
            config = self._reload()
        except ProblemError as error:
            self.problem = error.problem
            return
        if config is not None:
            self.current, self.problem = config, None
            for apply in self._subscribers:
                apply(config)
