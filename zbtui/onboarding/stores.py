"""The stores that an org is written to, and how a failed write is undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zbtui.config.config_store import ConfigStore
from zbtui.model.problem import ProblemError
from zbtui.model.secret import AccessToken, SignInCredentials
from zbtui.store.credentials import FOREIGN_ENTRY, CredentialStore
from zbtui.store.journal import Journal


@dataclass(frozen=True, slots=True)
class _KeyringEntries:
    """An org's two entries in the keyring."""

    sign_in: SignInCredentials | None
    access: AccessToken | None


@dataclass(frozen=True, slots=True)
class Stores:
    """Config, keyring and journal."""

    config: ConfigStore
    credentials: CredentialStore
    journal: Journal

    @asynccontextmanager
    async def swapping_credentials(self, org_name: str) -> AsyncIterator[SignInCredentials | None]:
        """Yield an org's credentials while the block replaces them; restore them if it raises.

        The lock keeps other processes from refreshing the token meanwhile.
        """
        async with self.credentials.refresh_lock(org_name):
            before = await self._read_entries(org_name)
            try:
                yield before.sign_in
            except BaseException:
                await self._restore_entries(org_name, before)
                raise

    async def write_credentials(
        self, org_name: str, sign_in: SignInCredentials, access: AccessToken | None
    ) -> None:
        """Replace both entries. Call it within `swapping_credentials`."""
        if access is None:
            # An access token must not outlive the sign-in that it came from.
            await self.credentials.delete(org_name)
        # Otherwise overwrite, without deleting first: a keyring that refuses has lost nothing.
        await self.credentials.write_sign_in(org_name, sign_in)
        if access:
            await self.credentials.write_access_token(org_name, access)

    async def read_sign_in(self, org_name: str) -> SignInCredentials | None:
        """An org's sign-in credentials; an entry that zbtui did not write counts as none."""
        try:
            return await self.credentials.read_sign_in(org_name)
        except ProblemError as error:
            if error.problem.code != FOREIGN_ENTRY:
                raise
            return None

    async def _read_entries(self, org_name: str) -> _KeyringEntries:
        return _KeyringEntries(
            await self.read_sign_in(org_name), await self.credentials.read_access_token(org_name)
        )

    async def _restore_entries(self, org_name: str, before: _KeyringEntries) -> None:
        try:
            if await self._read_entries(org_name) == before:
                return  # unchanged: a keyring that refuses to write must not lose it
            if before.sign_in is None or before.access is None:
                await self.credentials.delete(org_name)  # and with it the new access token
            if before.sign_in:
                await self.credentials.write_sign_in(org_name, before.sign_in)
            if before.access:
                await self.credentials.write_access_token(org_name, before.access)
        except ProblemError:
            pass  # report the first problem; a keyring that fails twice cannot be restored
