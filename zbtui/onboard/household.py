"""The stores that an org is put into, and how that is undone where it does not come to an end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zbtui.config.config_store import ConfigStore
from zbtui.core.secret import AccessToken, SignIn
from zbtui.core.trouble import TroubleError
from zbtui.store.journal import Journal
from zbtui.store.memory import FOREIGN_ENTRY, Credentials


@dataclass(frozen=True, slots=True)
class _Entries:
    """An org's two entries in the keyring."""

    sign_in: SignIn | None
    access: AccessToken | None


@dataclass(frozen=True, slots=True)
class Household:
    """Config, keyring and journal."""

    config: ConfigStore
    credentials: Credentials
    journal: Journal

    @asynccontextmanager
    async def exchanging(self, org_name: str) -> AsyncIterator[SignIn | None]:
        """While an org's credentials are exchanged; gives those that were there.

        Held against every refresh of its token. If the block raises, they are there again.
        """
        async with self.credentials.refreshing(org_name):
            before = await self._read(org_name)
            try:
                yield before.sign_in
            except BaseException:
                await self._restore(org_name, before)
                raise

    async def put_credentials(self, org_name: str, sign_in: SignIn, access: AccessToken | None) -> None:
        """Both entries, in place of whatever was there. Within `exchanging`."""
        if access is None:
            # An access token of another sign-in must not outlive it.
            await self.credentials.delete(org_name)
        # Else written over: a keyring that refuses this has lost nothing.
        await self.credentials.write_sign_in(org_name, sign_in)
        if access:
            await self.credentials.write_access(org_name, access)

    async def read_sign_in(self, org_name: str) -> SignIn | None:
        """What an org signs in with; an entry that is not zbtui's counts as none."""
        try:
            return await self.credentials.read_sign_in(org_name)
        except TroubleError as error:
            if error.trouble.code != FOREIGN_ENTRY:
                raise
            return None

    async def _read(self, org_name: str) -> _Entries:
        return _Entries(await self.read_sign_in(org_name), await self.credentials.read_access(org_name))

    async def _restore(self, org_name: str, before: _Entries) -> None:
        try:
            if await self._read(org_name) == before:
                return  # a keyring that refuses to write must not be made to lose what it has
            if before.sign_in is None or before.access is None:
                await self.credentials.delete(org_name)  # the new sign-in's token with it
            if before.sign_in:
                await self.credentials.write_sign_in(org_name, before.sign_in)
            if before.access:
                await self.credentials.write_access(org_name, before.access)
        except TroubleError:
            pass  # the first trouble is the one to tell; a keyring that fails twice cannot be helped
