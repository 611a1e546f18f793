"""The use cases that change the list of orgs, for the command line and the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from zbtui.clock import Clock
from zbtui.config.parsing import check_name_is_free, find_org, org_from_table, org_to_table
from zbtui.health.poll_schedule import MIN_DEVICE_POLL_INTERVAL
from zbtui.model.org import Org, SignInMethod, grant_for, merge_edit
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, SignInCredentials
from zbtui.onboarding.stores import Stores
from zbtui.presentation.sign_in_guide import DEFAULT_REDIRECT_PORT
from zbtui.store.browser import open_in_browser
from zbtui.store.keyring_entries import access_entry, sign_in_entry
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho.client import fetch_details
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import revoke_refresh_token
from zbtui.zoho_api.data_centers import data_center_of
from zbtui.zoho_api.sign_in_errors import NOT_SIGNED_IN_PROBLEM

if TYPE_CHECKING:
    from zbtui.onboarding.sign_in_flow import SignInFlow


_FINISH_TIMEOUT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class OrgService:
    """Adds orgs, signs them in again, edits and removes them."""

    stores: Stores
    http: HttpClient
    clock: Clock
    min_device_poll_interval: timedelta = MIN_DEVICE_POLL_INTERVAL
    """The shortest pause between two polls for the tokens of a sign-in by device."""
    form_examples: Callable[[SignInMethod | None, str | None], Mapping[str, str]] = (
        lambda method, org_name: {}
    )
    """Returns example values for the fields of a sign-in form, by key; the demo's are of an invented org.

    Takes the sign-in method, None if it is not chosen yet, and the name of the org that signs in again,
    None for a new org.
    """
    open_in_browser: Callable[[str], Awaitable[bool]] = open_in_browser
    """Opens a URL in this machine's browser; returns False if there is no browser."""
    form_notice: str = ""
    """A notice that the sign-in form shows, such as that this is a demo; empty for no notice."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set, compare=False, repr=False)

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the background to its end, even if the form that started it closes.

        A request that `work` sends is thus never cancelled.
        """
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish_tasks(self) -> None:
        """Wait until all started tasks have ended, for at most 10 s: a longer wait would seem a hang."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FINISH_TIMEOUT_SECONDS)

    def now(self) -> datetime:
        return self.clock.now()

    def orgs(self) -> tuple[Org, ...]:
        """Return the orgs under watch. Raises a `ProblemError` if the config cannot be used."""
        return self.stores.config.load().orgs

    def reusable_clients(self, org: Org) -> list[Org]:
        """Return orgs whose OAuth client `org` can reuse: one org for each client at the same data center.

        Clients at other data centers are left out, as their secrets would go to another accounts host. If
        several orgs share a client and `org` is one of them, the result has `org` for this client.
        """
        try:
            candidates = [one for one in self.orgs() if data_center_of(one) == data_center_of(org)]
        except ProblemError:
            return []  # the screen shows the problem of the config
        candidates.sort(key=lambda one: one.name == org.name)
        return list({one.client_id: one for one in candidates}.values())

    def table_of(self, org: Org) -> dict[str, Any]:
        """Return the keys and values of an org's `[[org]]` table, in the form that `parse_org` takes."""
        return org_to_table(org)

    def parse_org(self, table: Mapping[str, Any], *, edited_name: str | None = None) -> Org:
        """Parse an org from the keys and values of an `[[org]]` table of the config.

        Raises a `ProblemError` of kind `config` if a value is invalid, or if another org has the name;
        `edited_name` is the present name of the org being edited, None for a new org.
        """
        org = org_from_table(table)
        if org.name != edited_name:
            check_name_is_free(self.stores.config.load(), org.name, edited_name)
        return org

    def begin_sign_in(
        self,
        org: Org,
        method: SignInMethod,
        *,
        existing: Org | None = None,
        port: int = DEFAULT_REDIRECT_PORT,
    ) -> SignInFlow:
        """Return a `SignInFlow` that signs `org` in by this method.

        `existing` is the org as it is in the config, whose credentials are replaced; None for a new org.
        """
        from zbtui.onboarding.sign_in_flow import SignInFlow  # imported here, as only a sign-in needs it

        grant = grant_for(method)
        org = replace(org, grant=grant, soid=org.soid if grant == "client-credentials" else None)
        return SignInFlow(
            self.stores,
            self.http,
            self.clock,
            org,
            method,
            existing,
            min_device_poll_interval=self.min_device_poll_interval,
            port=port,
        )

    async def edit(self, org_name: str, org: Org, original: Org | None = None) -> None:
        """Change an org's name, data center or policy. A new data center is checked with Zoho first.

        `org` is the edited form of `original`, or without `original`, of the org in the config. Changes
        that others have made to the config since `original` was read are kept. A `ProblemError` means that
        nothing is changed, or that only the keyring entries of the old name could not be deleted.
        """
        stores = self.stores
        config = stores.config.load()
        before = find_org(config, org_name)
        after = merge_edit(before, original or before, org)
        if after.name != org_name:
            check_name_is_free(config, after.name, org_name)
        if (after.name, after.identity) == (before.name, before.identity):
            stores.config.replace(org_name, org, original)
            return
        is_same_identity = after.identity == before.identity
        new_token = None if is_same_identity else await self._request_and_check_access(before, after)
        await stores.check_is_own(after)
        if after.name != org_name:
            await stores.outbox.note_removal(org_name, self.clock.now())
        await self._copy_credentials(
            before, after, new_token, lambda: stores.config.replace(org_name, org, original)
        )
        await stores.journal.rename_org(before, after)
        await stores.outbox.rename_org(before, after)
        await self._delete_old_credentials(before, after)

    async def remove(self, org_name: str, *, revoke: bool = False) -> bool:
        """Delete an org's credentials, config entry and journal data.

        With `revoke`, its refresh token is revoked at Zoho first. Returns whether a token was revoked.
        After a `ProblemError`, config, keyring and journal are unchanged. Sign-in credentials and journal
        data are kept if an org of another config uses the same sign-in.
        """
        stores = self.stores
        org = find_org(stores.config.load(), org_name)
        other_config = await stores.credentials.other_config(org)
        if revoke and other_config:
            message = f"{org_name} in another config, {other_config}, signs in with the same refresh token."
            raise ProblemError(Problem("config", message, f"Take {org_name} off without revoking it."))
        stores.config.remove(org_name, rehearse=True)  # first, as a revocation cannot be undone
        revoked = revoke and await self._revoke_token(org)
        async with stores.swapping_credentials(org):
            await stores.credentials.delete(org)
            await stores.outbox.note_removal(org_name, self.clock.now())
            stores.config.remove(org_name)
        await stores.outbox.forget_org(org)
        if other_config is None:
            await stores.journal.forget_org(org)
        return revoked

    async def _revoke_token(self, org: Org) -> bool:
        stores = self.stores
        sign_in = await stores.read_sign_in(org)
        if sign_in is None or sign_in.refresh_token is None:
            return False
        for other in self.orgs():
            if other.name == org.name or other.client_id != org.client_id:
                continue
            shared = await stores.read_sign_in(other)
            if shared and shared.refresh_token == sign_in.refresh_token:
                message = f"{other.name} signs in with the same refresh token, and would go blind."
                hint = f"Take {org.name} off without revoking it."
                raise ProblemError(Problem("config", message, hint))
        await revoke_refresh_token(self.http, data_center_of(org), sign_in.refresh_token)
        return True

    async def _copy_credentials(
        self, before: Org, after: Org, new_token: AccessToken | None, replace_in_config: Callable[[], None]
    ) -> None:
        """Write the changed org's keyring entries and config; the entries of `before` are not deleted."""
        stores = self.stores
        # The lock is enough: the old entries are not changed, so there is nothing to restore.
        async with stores.credentials.refresh_lock(before):
            sign_in = await self._sign_in_for_edit(before, after)
            access = new_token or await stores.credentials.read_access_token(before)
            async with stores.swapping_credentials(after):
                if sign_in is None:
                    # An entry under the new name or identity is a leftover of another org.
                    await stores.credentials.delete(after)
                else:
                    await stores.write_credentials(after, sign_in, access)
                replace_in_config()

    async def _sign_in_for_edit(self, before: Org, after: Org) -> SignInCredentials | None:
        """Return the sign-in credentials of `before`; if there are none, those of `after`.

        `after` has credentials if this edit undoes a change that the user made in the config file by hand.
        """
        sign_in = await self.stores.read_sign_in(before)
        if sign_in is None and after.name == before.name:
            sign_in = await self.stores.read_sign_in(after)
        return sign_in

    async def _delete_old_credentials(self, before: Org, after: Org) -> None:
        try:
            await self.stores.delete_replaced(before, after)
        except ProblemError as error:
            message = f"It is changed, but what {before.name} signed in with stays in the keyring, too:"
            services = " and ".join(service for service, _ in (sign_in_entry(before), access_entry(before)))
            hint = f"Delete the entries {services} there."
            raise ProblemError(Problem("keyring", f"{message} {error.problem.message}", hint)) from None

    async def _request_and_check_access(self, before: Org, after: Org) -> AccessToken:
        """Request an access token at the org's new data center, and check that it can read the backup."""
        sign_in = await self._sign_in_for_edit(before, after)
        if sign_in is None:
            raise ProblemError(NOT_SIGNED_IN_PROBLEM)
        tokens = TokenBroker(self.http, self.stores.journal, self.clock)
        access = await tokens.request_access_token(after, sign_in)
        await fetch_details(self.http, access, after.data_center, self.clock.now())
        return access
