"""The stores that an org is put into, and how that is undone where it does not come to an end."""

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
        """While an org's credentials are exchanged; gives those that were there.

        Held against every refresh of its token. If the block raises, they are there again.
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
        """Both entries, in place of whatever was there. Within `exchanging`."""
        if access is None:
            # An access token of another sign-in must not outlive it.
            await self.credentials.delete(org_name)
        # Else written over: a keyring that refuses this has lost nothing.
        await self.credentials.write_sign_in(org_name, sign_in)
        if access:
            await self.credentials.write_access_token(org_name, access)

    async def read_sign_in(self, org_name: str) -> SignInCredentials | None:
        """What an org signs in with; an entry that is not zbtui's counts as none."""
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
                return  # a keyring that refuses to write must not be made to lose what it has
            if before.sign_in is None or before.access is None:
                await self.credentials.delete(org_name)  # the new sign-in's token with it
            if before.sign_in:
                await self.credentials.write_sign_in(org_name, before.sign_in)
            if before.access:
                await self.credentials.write_access_token(org_name, before.access)
        except ProblemError:
            pass  # the first trouble is the one to tell; a keyring that fails twice cannot be helped
