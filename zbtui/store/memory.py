"""The contracts of the places for config and credentials, and ones that forget: for the demo, and tests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Final, Protocol

from zbtui.core.org import Org, rebased
from zbtui.core.secret import AccessToken, SignIn
from zbtui.store.config import Config, check_free, find_org

FOREIGN_ENTRY: Final = "FOREIGN_ENTRY"
"""The code of a trouble with an entry that was read, and is not zbtui's."""


class Credentials(Protocol):
    """Where sign-ins and access tokens are kept. Each call may raise a `TroubleError`.

    None means "there is no entry", never "could not be read".
    """

    async def read_sign_in(self, org_name: str) -> SignIn | None: ...
    async def write_sign_in(self, org_name: str, sign_in: SignIn) -> None: ...
    async def read_access(self, org_name: str) -> AccessToken | None: ...
    async def write_access(self, org_name: str, access: AccessToken) -> None: ...
    async def delete(self, org_name: str) -> None:
        """Both entries; those that do not exist are no error."""

    def refreshing(self, org_name: str) -> AbstractAsyncContextManager[object]:
        """Held while a token is refreshed: by one at a time, of all zbtui processes."""


class ConfigStore(Protocol):
    """Where it is kept which orgs are watched, and how. Each call may raise a `TroubleError`."""

    def load(self) -> Config: ...
    def reload(self) -> Config | None:
        """The config if it has changed since the last call, else None."""

    def add(self, org: Org) -> None: ...
    def remove(self, org_name: str) -> None: ...
    def replace(self, org_name: str, org: Org, opened: Org | None = None) -> None: ...
    def touch(self) -> None:
        """Have whoever watches look at it again."""


class MemoryConfig:
    """A config for as long as the program runs."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._changed = False

    def load(self) -> Config:
        return self._config

    def reload(self) -> Config | None:
        changed, self._changed = self._changed, False
        return self._config if changed else None

    def add(self, org: Org) -> None:
        check_free(self._config, org.name)
        self._set((*self._config.orgs, org))

    def remove(self, org_name: str) -> None:
        gone = find_org(self._config, org_name)
        self._set(tuple(one for one in self._config.orgs if one is not gone))

    def replace(self, org_name: str, org: Org, opened: Org | None = None) -> None:
        before = find_org(self._config, org_name)
        after = rebased(before, opened or before, org)
        if after.name != org_name:
            check_free(self._config, after.name)
        self._set(tuple(after if one is before else one for one in self._config.orgs))

    def touch(self) -> None:
        self._changed = True

    def _set(self, orgs: tuple[Org, ...]) -> None:
        self._config, self._changed = replace(self._config, orgs=orgs), True


class MemoryCredentials:
    """Credentials for as long as the program runs."""

    def __init__(self) -> None:
        self._sign_ins: dict[str, SignIn] = {}
        self._accesses: dict[str, AccessToken] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        return self._sign_ins.get(org_name)

    async def write_sign_in(self, org_name: str, sign_in: SignIn) -> None:
        self._sign_ins[org_name] = sign_in

    async def read_access(self, org_name: str) -> AccessToken | None:
        return self._accesses.get(org_name)

    async def write_access(self, org_name: str, access: AccessToken) -> None:
        self._accesses[org_name] = access

    async def delete(self, org_name: str) -> None:
        self._sign_ins.pop(org_name, None)
        self._accesses.pop(org_name, None)

    def refreshing(self, org_name: str) -> asyncio.Lock:
        return self._locks[org_name]
