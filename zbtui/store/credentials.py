"""The interface of a credential store, and a store in memory for the demo and tests."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from zbtui.model.secret import AccessToken, SignInCredentials

FOREIGN_ENTRY: Final = "FOREIGN_ENTRY"
"""The code of the problem with an entry that zbtui did not write."""


class CredentialStore(Protocol):
    """Keeps sign-in credentials and access tokens. Each call may raise a `ProblemError`.

    None means that there is no entry; a failed read raises.
    """

    async def read_sign_in(self, org_name: str) -> SignInCredentials | None: ...
    async def write_sign_in(self, org_name: str, sign_in: SignInCredentials) -> None: ...
    async def read_access_token(self, org_name: str) -> AccessToken | None: ...
    async def write_access_token(self, org_name: str, access: AccessToken) -> None: ...
    async def delete(self, org_name: str) -> None:
        """Delete both entries of an org, if they exist."""

    def refresh_lock(self, org_name: str) -> AbstractAsyncContextManager[object]:
        """The lock to hold while refreshing a token, shared by all zbtui processes."""


class MemoryCredentialStore:
    """Keeps credentials in memory only."""

    def __init__(self) -> None:
        self._sign_ins: dict[str, SignInCredentials] = {}
        self._access_tokens: dict[str, AccessToken] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read_sign_in(self, org_name: str) -> SignInCredentials | None:
        return self._sign_ins.get(org_name)

    async def write_sign_in(self, org_name: str, sign_in: SignInCredentials) -> None:
        self._sign_ins[org_name] = sign_in

    async def read_access_token(self, org_name: str) -> AccessToken | None:
        return self._access_tokens.get(org_name)

    async def write_access_token(self, org_name: str, access: AccessToken) -> None:
        self._access_tokens[org_name] = access

    async def delete(self, org_name: str) -> None:
        self._sign_ins.pop(org_name, None)
        self._access_tokens.pop(org_name, None)

    def refresh_lock(self, org_name: str) -> asyncio.Lock:
        return self._locks[org_name]
