"""All that can be done to the list of orgs, for the command line and the screen alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from zbtui.clock import Clock
from zbtui.config.parsing import check_name_is_free, find_org, org_from_table, org_to_table
from zbtui.health.poll_schedule import MIN_DEVICE_POLL_INTERVAL
from zbtui.model.org import Org, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.onboarding.stores import Stores
from zbtui.presentation.sign_in_guide import DEFAULT_REDIRECT_PORT
from zbtui.store.browser import open_in_browser
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
    """Takes orgs in, has them sign in again, changes them, and takes them off."""

    stores: Stores
    http: HttpClient
    clock: Clock
    min_device_poll_interval: timedelta = MIN_DEVICE_POLL_INTERVAL
    """The shortest pause between two polls of the device flow."""
    form_examples: Callable[[SignInMethod | None, str | None], Mapping[str, str]] = lambda way, org_name: {}
    """What a form may be filled in with, by key, for a way (None: before it is chosen) and an org that
    signs in again (None: a new one): in the demo, what leads to an invented org."""
    open_in_browser: Callable[[str], Awaitable[bool]] = open_in_browser
    """Has a page opened in the browser of this machine; False: there is none."""
    form_notice: str = ""
    """What each form for credentials says, such as that this is a demo; empty: nothing."""

    _tasks: set[asyncio.Task[None]] = field(default_factory=set, compare=False, repr=False)

    def start_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done to its end, whoever still watches: no request is cancelled from outside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def finish_tasks(self) -> None:
        """Wait for what was started; for so long, at most, that nobody thinks that the program hangs."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_FINISH_TIMEOUT_SECONDS)

    def now(self) -> datetime:
        return self.clock.now()

    def orgs(self) -> tuple[Org, ...]:
        """Those under watch.

        Raises:
            TroubleError: of kind `config`.
        """
        return self.stores.config.load().orgs

    def reusable_clients(self, org: Org) -> list[Org]:
        """Orgs whose client `org` may sign in with: one for each client that lives where it does.

        Another accounts host is never given their secret. Of several orgs with one client, `org` itself
        stands for it where it is one of them.
        """
        try:
            there = [one for one in self.orgs() if data_center_of(one) == data_center_of(org)]
        except ProblemError:
            return []  # the config is told on the screen
        there.sort(key=lambda one: one.name == org.name)
        return list({one.client_id: one for one in there}.values())

    def table_of(self, org: Org) -> dict[str, Any]:
        """The org's keys, as `check` takes them."""
        return org_to_table(org)

    def parse_org(self, table: Mapping[str, Any], *, edited_name: str | None = None) -> Org:
        """The org of these keys, as an `[[org]]` table has them.

        Args:
            besides: the org that is being changed, whose name is therefore free.

        Raises:
            TroubleError: of kind `config`: a key is wrong, or the name is taken.
        """
        org = org_from_table(table)
        if org.name != edited_name:
            check_name_is_free(self.stores.config.load(), org.name)
        return org

    def begin_sign_in(
        self,
        org: Org,
        method: SignInMethod,
        *,
        existing: Org | None = None,
        port: int = DEFAULT_REDIRECT_PORT,
    ) -> SignInFlow:
        """A sign-in of `org`, this way.

        Args:
            again: the org under watch that signs in again, as it was when that began: what it signed
                in with is replaced.
            port: of this machine, for the browser to come back to.
        """
        from zbtui.onboarding.sign_in_flow import SignInFlow  # here: no start needs it

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
        """Change an org's name, data center or policy. With another data center, Zoho is asked first.

        Args:
            opened: what `org` was made from; what others have changed since then stays. None: as it is.

        Raises:
            TroubleError: all is as it was; or only the old name's entries could not be deleted.
        """
        household = self.stores
        config = household.config.load()
        before = find_org(config, org_name)
        moves = org.name != org_name
        if moves:
            check_name_is_free(config, org.name)
        same_place = org.identity == before.identity
        fresh = None if same_place else await self._request_and_check_access(org_name, org)
        if moves:
            await self._copy_credentials(org_name, org, fresh, original)
        elif fresh:
            async with household.swapping_credentials(org_name):
                await household.credentials.write_access_token(org_name, fresh)
                household.config.replace(org_name, org, original)
        else:
            household.config.replace(org_name, org, original)
        if not same_place:
            await household.journal.forget_org(org_name)
        elif moves:
            await household.journal.rename_org(org_name, org.name)
        if moves:
            await self._delete_old_credentials(org_name)

    async def remove(self, org_name: str, *, revoke: bool = False) -> bool:
        """Delete the credentials, the config's entry and what the journal keeps.

        Args:
            revoking: whether the refresh token is ended at Zoho first.

        Returns:
            Whether there was a refresh token, and it was ended.

        Raises:
            TroubleError: config, keyring and journal are as they were.
        """
        household = self.stores
        org = find_org(household.config.load(), org_name)
        revoked = revoke and await self._revoke_token(org)
        async with household.swapping_credentials(org_name):
            await household.credentials.delete(org_name)
            household.config.remove(org_name)
        await household.journal.forget_org(org_name)
        return revoked

    async def _revoke_token(self, org: Org) -> bool:
        household = self.stores
        sign_in = await household.read_sign_in(org.name)
        if sign_in is None or sign_in.refresh_token is None:
            return False
        for other in self.orgs():
            if other.name == org.name or other.client_id != org.client_id:
                continue
            shared = await household.read_sign_in(other.name)
            if shared and shared.refresh_token == sign_in.refresh_token:
                raise ProblemError(
                    Problem(
                        "config",
                        f"{other.name} signs in with the same refresh token, and would go blind.",
                        f"Take {org.name} off without revoking it.",
                    )
                )
        await revoke_refresh_token(self.http, data_center_of(org), sign_in.refresh_token)
        return True

    async def _copy_credentials(
        self, org_name: str, org: Org, fresh: AccessToken | None, opened: Org | None
    ) -> None:
        """Write the entries under the new name; those of the old one stay where they are for now."""
        household = self.stores
        # Only held: nothing of the old name's is touched, so that there is nothing to put back.
        async with household.credentials.refresh_lock(org_name):
            sign_in = await household.read_sign_in(org_name)
            access = fresh or await household.credentials.read_access_token(org_name)
            async with household.swapping_credentials(org.name):
                if sign_in is None:
                    # What was left over under that name is not this org's.
                    await household.credentials.delete(org.name)
                else:
                    await household.write_credentials(org.name, sign_in, access)
                household.config.replace(org_name, org, opened)

    async def _delete_old_credentials(self, org_name: str) -> None:
        credentials = self.stores.credentials
        try:
            # A look that waited for its turn meanwhile writes its token first, and that goes too.
            async with credentials.refresh_lock(org_name):
                await credentials.delete(org_name)
        except ProblemError as error:
            raise ProblemError(
                Problem(
                    "keyring",
                    f"It is renamed, but what {org_name} signed in with stays in the keyring, too: "
                    f"{error.problem.message}",
                    f"Delete the entries zbtui:{org_name} and zbtui-access:{org_name} there.",
                )
            ) from None

    async def _request_and_check_access(self, org_name: str, org: Org) -> AccessToken:
        """That the org can be seen with the sign-in it has, where it is said to live now."""
        sign_in = await self.stores.credentials.read_sign_in(org_name)
        if sign_in is None:
            raise ProblemError(NOT_SIGNED_IN_PROBLEM)
        tokens = TokenBroker(self.http, self.stores.journal, self.clock)
        access = await tokens.request_access_token(org, sign_in)
        await fetch_details(self.http, access, org.data_center, self.clock.now())
        return access
