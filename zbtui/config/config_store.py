"""Defines the protocol of a config store, and a store in memory for the demo and tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Protocol

from zbtui.config.parsing import check_name_is_free, find_org
from zbtui.config.settings import Config
from zbtui.model.org import Org, merge_edit
from zbtui.model.problem import Problem


class ConfigStore(Protocol):
    """Stores the config. Each method may raise a `ProblemError`.

    If `rehearse` is set, a method changes nothing, but raises the error that the change would raise. This
    is for use before a step that cannot be undone.
    """

    @property
    def name(self) -> str:
        """The name that identifies the config among those of this user.

        It is empty for a config that exists only in this process.
        """

    def is_settled(self, now: datetime) -> bool:
        """Return whether the config is unchanged for some seconds, or was last changed by this process."""

    def distrust(self) -> Problem | None:
        """Return a problem if other users can write the config, whose alert channels are then not used.

        Returns None if only this user can write the config.
        """

    def load(self) -> Config: ...
    def load_if_changed(self) -> Config | None:
        """Return the config if it has changed since the last call, else None."""

    def add(self, org: Org, *, rehearse: bool = False) -> None: ...
    def remove(self, org_name: str, *, rehearse: bool = False) -> None: ...
    def replace(
        self, org_name: str, org: Org, original: Org | None = None, *, rehearse: bool = False
    ) -> None: ...
    def announce_change(self) -> None:
        """Make all zbtui processes with this config reload it."""


class MemoryConfigStore:
    """Stores a config in memory, as long as the process lasts."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._changed = False
        self.name = ""

    def load(self) -> Config:
        return self._config

    def is_settled(self, now: datetime) -> bool:
        return True

    def distrust(self) -> Problem | None:
        return None

    def load_if_changed(self) -> Config | None:
        changed, self._changed = self._changed, False
        return self._config if changed else None

    def add(self, org: Org, *, rehearse: bool = False) -> None:
        check_name_is_free(self._config, org.name)
        self._set((*self._config.orgs, org), rehearse)

    def remove(self, org_name: str, *, rehearse: bool = False) -> None:
        removed = find_org(self._config, org_name)
        self._set(tuple(one for one in self._config.orgs if one is not removed), rehearse)

    def replace(
        self, org_name: str, org: Org, original: Org | None = None, *, rehearse: bool = False
    ) -> None:
        before = find_org(self._config, org_name)
        after = merge_edit(before, original or before, org)
        if after.name != org_name:
            check_name_is_free(self._config, after.name, org_name)
        self._set(tuple(after if one is before else one for one in self._config.orgs), rehearse)

    def announce_change(self) -> None:
        self._changed = True

    def _set(self, orgs: tuple[Org, ...], rehearse: bool) -> None:
        if not rehearse:
            self._config, self._changed = replace(self._config, orgs=orgs), True
