"""Groups config, keyring and journal, and restores the keyring after a failed change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from zbtui.config.config_store import ConfigStore
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, SignInCredentials
from zbtui.store.credentials import FOREIGN_ENTRY, CredentialStore
from zbtui.store.journal import Journal
from zbtui.store.outbox import Outbox


@dataclass(frozen=True, slots=True)
class _KeyringEntries:
    """An org's two entries in the keyring."""

    sign_in: SignInCredentials | None
    access: AccessToken | None


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores of one config: the config itself, the keyring and the journal."""

    config: ConfigStore
    credentials: CredentialStore
    journal: Journal

    @property
    def outbox(self) -> Outbox:
        """The journal's outbox, limited to the alerts of this config."""
        return self.journal.outbox.of_config(self.config.name)

    @asynccontextmanager
    async def swapping_credentials(self, org: Org) -> AsyncIterator[SignInCredentials | None]:
        """Hold an org's lock while the `with` block replaces its credentials, and restore them on an error.

        Yields the present sign-in credentials, None if there are none. The lock keeps other processes from
        refreshing the org's access token meanwhile.
        """
        async with self.credentials.refresh_lock(org):
            before = await self._read_entries(org)
            try:
                yield before.sign_in
            except BaseException:
                await self._restore_entries(org, before)
                raise

    async def write_credentials(
        self, org: Org, sign_in: SignInCredentials, access: AccessToken | None
    ) -> None:
        """Replace both keyring entries of an org. Call this method within `swapping_credentials`."""
        if access is None:
            # An access token must not outlive the sign-in that it came from.
            await self.credentials.delete(org)
        # Otherwise overwrite, without deleting first: if the keyring refuses, nothing is lost.
        await self.credentials.write_sign_in(org, sign_in)
        if access:
            await self.credentials.write_access_token(org, access)

    async def rehearse_write(self, org: Org) -> None:
        """Overwrite an org's sign-in with itself, so that the keyring raises now what it would raise later.

        KeePassXC, for one, asks the user before a program overwrites an entry. An entry that an org of
        another config uses is only read, as writing it would take it over.
        """
        credentials = self.credentials
        async with credentials.refresh_lock(org):
            entries = await self._read_entries(org)
            if entries.sign_in and await credentials.other_config(org) is None:
                await credentials.write_sign_in(org, entries.sign_in)

    async def read_sign_in(self, org: Org) -> SignInCredentials | None:
        """Return an org's sign-in credentials; None if there are none, or zbtui did not write the entry."""
        try:
            return await self.credentials.read_sign_in(org)
        except ProblemError as error:
            if error.problem.code != FOREIGN_ENTRY:
                raise
            return None

    async def known_org_number(self, org: Org) -> str | None:
        """Return an org's number, from the config, the last poll or the stored sign-in; None if unknown."""
        if org.org_number:
            return org.org_number
        snapshot = await self.journal.load_org(org)
        if snapshot and snapshot.zoho.company and snapshot.zoho.company.org_number:
            return snapshot.zoho.company.org_number
        try:
            sign_in = await self.credentials.read_sign_in(org)
        except ProblemError:
            return None
        return sign_in.org_number if sign_in else None

    async def check_is_own(self, org: Org, org_number: str | None = None) -> None:
        """Raise a `ProblemError` if the org's keyring entry belongs to an org of another config.

        The two orgs are allowed to share the entry if both have the same `org_number`.
        """
        other = await self.credentials.other_config(org)
        if other is None:
            return
        sign_in = await self.read_sign_in(org)
        if sign_in is None or org_number is None or sign_in.org_number != org_number:
            raise ProblemError(
                Problem(
                    "config",
                    f"The sign-in of {org.name} belongs to another config, {other}.",
                    "Give the org another name here, or delete that file if it is not used.",
                )
            )

    async def delete_replaced(self, before: Org, after: Org) -> None:
        """Delete the keyring entries that an org used `before` a change, unless it uses them `after` it."""
        if (before.name, before.identity) == (after.name, after.identity):
            return
        # Wait for the lock, so that a token written by a running poll is deleted, too.
        async with self.credentials.refresh_lock(before):
            await self.credentials.delete(before)

    async def _read_entries(self, org: Org) -> _KeyringEntries:
        return _KeyringEntries(await self.read_sign_in(org), await self.credentials.read_access_token(org))

    async def _restore_entries(self, org: Org, before: _KeyringEntries) -> None:
        try:
            if await self._read_entries(org) == before:
                return  # unchanged: a delete before a refused write would lose the entries
            if before.sign_in is None or before.access is None:
                await self.credentials.delete(org)  # deletes the new access token, too
            if before.sign_in:
                await self.credentials.write_sign_in(org, before.sign_in)
            if before.access:
                await self.credentials.write_access_token(org, before.access)
        except ProblemError:
            pass  # report the first problem; a keyring that fails twice cannot be restored
