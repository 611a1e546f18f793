"""Defines the interface of a credential store, and a store in memory for the demo and tests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.secret import AccessToken, SignInCredentials

FOREIGN_ENTRY: Final = "FOREIGN_ENTRY"
"""The `code` of the problem that a keyring entry was not written by zbtui for this org."""


class CredentialStore(Protocol):
    """Keeps the sign-in credentials and the access token of each org. Each call may raise a `ProblemError`.

    An org's entry is found by its name and its `Org.identity` (data center, OAuth client and hosts), so
    another org of the same name never reads the entry. A read returns None if there is no entry.
    """

    cache_problem: Problem | None
    """The reason why the last access token could not be stored, or None if the token was stored."""

    async def read_sign_in(self, org: Org) -> SignInCredentials | None: ...
    async def write_sign_in(self, org: Org, sign_in: SignInCredentials) -> None: ...
    async def read_access_token(self, org: Org) -> AccessToken | None: ...
    async def write_access_token(self, org: Org, access: AccessToken) -> None: ...
    async def delete(self, org: Org) -> None:
        """Delete an org's access token, and its sign-in credentials unless another config uses them."""

    async def other_config(self, org: Org) -> str | None:
        """Return a config file, other than this process's, whose org uses the same sign-in credentials.

        The result is the path, or None if there is no such file.
        """

    def refresh_lock(self, org: Org) -> AbstractAsyncContextManager[object]:
        """Return the lock to hold while refreshing the org's access token; all zbtui processes share it."""


class MemoryCredentialStore:
    """Keeps sign-in credentials and access tokens in memory only, for the demo and tests."""

    def __init__(self) -> None:
        self.cache_problem: Problem | None = None
        self._sign_ins: dict[tuple[str, str], SignInCredentials] = {}
        self._access_tokens: dict[tuple[str, str], AccessToken] = {}
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_sign_in(self, org: Org) -> SignInCredentials | None:
        return self._sign_ins.get(credentials_key(org))

    async def write_sign_in(self, org: Org, sign_in: SignInCredentials) -> None:
        self._sign_ins[credentials_key(org)] = sign_in

    async def read_access_token(self, org: Org) -> AccessToken | None:
        return self._access_tokens.get(credentials_key(org))

    async def write_access_token(self, org: Org, access: AccessToken) -> None:
        self._access_tokens[credentials_key(org)] = access

    async def delete(self, org: Org) -> None:
        self._sign_ins.pop(credentials_key(org), None)
        self._access_tokens.pop(credentials_key(org), None)

    async def other_config(self, org: Org) -> str | None:
        return None

    def refresh_lock(self, org: Org) -> asyncio.Lock:
        return self._locks[credentials_key(org)]


def credentials_key(org: Org) -> tuple[str, str]:
    """Return the name and the `Org.identity` of an org, the key under which its credentials are stored.

    The name alone is not enough, since two configs may have different orgs of the same name.
    """
    return org.name, org.identity
