"""All that can be done to the list of orgs, for the command line and the screen alike."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from zbtui.clock import Clock
from zbtui.config.parsing import check_free, find_org, make_org, org_table
from zbtui.core.cadence import DEVICE_FLOOR
from zbtui.core.data_centers import data_center_of
from zbtui.core.explain_sign_in import NOT_SIGNED_IN
from zbtui.core.guide import REDIRECT_PORT
from zbtui.core.org import Org, Way, grant_of
from zbtui.core.secret import AccessToken
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.onboard.household import Household
from zbtui.store.browser import open_page
from zbtui.tokens import TokenDesk
from zbtui.zoho.client import fetch_details
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import revoke

if TYPE_CHECKING:
    from zbtui.onboard.attempt import Attempt


_FINISH_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Desk:
    """Takes orgs in, has them sign in again, changes them, and takes them off."""

    household: Household
    http: Http
    clock: Clock
    floor: timedelta = DEVICE_FLOOR
    """The shortest pause between two polls of the device flow."""
    examples: Callable[[Way | None, str | None], Mapping[str, str]] = lambda way, org_name: {}
    """What a form may be filled in with, by key, for a way (None: before it is chosen) and an org that
    signs in again (None: a new one): in the demo, what leads to an invented org."""
    open_page: Callable[[str], Awaitable[bool]] = open_page
    """Has a page opened in the browser of this machine; False: there is none."""
    notice: str = ""
    """What each form for credentials says, such as that this is a demo; empty: nothing."""

    _begun: set[asyncio.Task[None]] = field(default_factory=set, compare=False, repr=False)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Have something done to its end, whoever still watches: no request is cancelled from outside."""
        task = asyncio.get_running_loop().create_task(work)
        self._begun.add(task)
        task.add_done_callback(self._begun.discard)

    async def finish(self) -> None:
        """Wait for what was started; for so long, at most, that nobody thinks that the program hangs."""
        if self._begun:
            await asyncio.wait(self._begun, timeout=_FINISH_SECONDS)

    def now(self) -> datetime:
        return self.clock.now()

    def orgs(self) -> tuple[Org, ...]:
        """Those under watch.

        Raises:
            TroubleError: of kind `config`.
        """
        return self.household.config.load().orgs

    def clients(self, org: Org) -> list[Org]:
        """Orgs whose client `org` may sign in with: one for each client that lives where it does.

        Another accounts host is never given their secret. Of several orgs with one client, `org` itself
        stands for it where it is one of them.
        """
        try:
            there = [one for one in self.orgs() if data_center_of(one) == data_center_of(org)]
        except TroubleError:
            return []  # the config is told on the screen
        there.sort(key=lambda one: one.name == org.name)
        return list({one.client_id: one for one in there}.values())

    def table_of(self, org: Org) -> dict[str, Any]:
        """The org's keys, as `check` takes them."""
        return org_table(org)

    def check(self, table: Mapping[str, Any], *, besides: str | None = None) -> Org:
        """The org of these keys, as an `[[org]]` table has them.

        Args:
            besides: the org that is being changed, whose name is therefore free.

        Raises:
            TroubleError: of kind `config`: a key is wrong, or the name is taken.
        """
        org = make_org(table)
        if org.name != besides:
            check_free(self.household.config.load(), org.name)
        return org

    def begin(self, org: Org, way: Way, *, again: Org | None = None, port: int = REDIRECT_PORT) -> Attempt:
        """A sign-in of `org`, this way.

        Args:
            again: the org under watch that signs in again, as it was when that began: what it signed
                in with is replaced.
            port: of this machine, for the browser to come back to.
        """
        from zbtui.onboard.attempt import Attempt  # here: no start needs it

        grant = grant_of(way)
        org = replace(org, grant=grant, soid=org.soid if grant == "client-credentials" else None)
        return Attempt(self.household, self.http, self.clock, org, way, again, floor=self.floor, port=port)

    async def edit(self, org_name: str, org: Org, opened: Org | None = None) -> None:
        """Change an org's name, data center or policy. With another data center, Zoho is asked first.

        Args:
            opened: what `org` was made from; what others have changed since then stays. None: as it is.

        Raises:
            TroubleError: all is as it was; or only the old name's entries could not be deleted.
        """
        household = self.household
        config = household.config.load()
        before = find_org(config, org_name)
        moves = org.name != org_name
        if moves:
            check_free(config, org.name)
        same_place = org.identity == before.identity
        fresh = None if same_place else await self._verify(org_name, org)
        if moves:
            await self._move(org_name, org, fresh, opened)
        elif fresh:
            async with household.exchanging(org_name):
                await household.credentials.write_access(org_name, fresh)
                household.config.replace(org_name, org, opened)
        else:
            household.config.replace(org_name, org, opened)
        if not same_place:
            await household.journal.forget(org_name)
        elif moves:
            await household.journal.rename(org_name, org.name)
        if moves:
            await self._delete_old(org_name)

    async def remove(self, org_name: str, *, revoking: bool = False) -> bool:
        """Delete the credentials, the config's entry and what the journal keeps.

        Args:
            revoking: whether the refresh token is ended at Zoho first.

        Returns:
            Whether there was a refresh token, and it was ended.

        Raises:
            TroubleError: config, keyring and journal are as they were.
        """
        household = self.household
        org = find_org(household.config.load(), org_name)
        revoked = revoking and await self._revoke(org)
        async with household.exchanging(org_name):
            await household.credentials.delete(org_name)
            household.config.remove(org_name)
        await household.journal.forget(org_name)
        return revoked

    async def _revoke(self, org: Org) -> bool:
        household = self.household
        sign_in = await household.read_sign_in(org.name)
        if sign_in is None or sign_in.refresh_token is None:
            return False
        for other in self.orgs():
            if other.name == org.name or other.client_id != org.client_id:
                continue
            shared = await household.read_sign_in(other.name)
            if shared and shared.refresh_token == sign_in.refresh_token:
                raise TroubleError(
                    Trouble(
                        "config",
                        f"{other.name} signs in with the same refresh token, and would go blind.",
                        f"Take {org.name} off without revoking it.",
                    )
                )
        await revoke(self.http, data_center_of(org), sign_in.refresh_token)
        return True

    async def _move(self, org_name: str, org: Org, fresh: AccessToken | None, opened: Org | None) -> None:
        """Write the entries under the new name; those of the old one stay where they are for now."""
        household = self.household
        # Only held: nothing of the old name's is touched, so that there is nothing to put back.
        async with household.credentials.refreshing(org_name):
            sign_in = await household.read_sign_in(org_name)
            access = fresh or await household.credentials.read_access(org_name)
            async with household.exchanging(org.name):
                if sign_in is None:
                    # What was left over under that name is not this org's.
                    await household.credentials.delete(org.name)
                else:
                    await household.put_credentials(org.name, sign_in, access)
                household.config.replace(org_name, org, opened)

    async def _delete_old(self, org_name: str) -> None:
        credentials = self.household.credentials
        try:
            # A look that waited for its turn meanwhile writes its token first, and that goes too.
            async with credentials.refreshing(org_name):
                await credentials.delete(org_name)
        except TroubleError as error:
            raise TroubleError(
                Trouble(
                    "keyring",
                    f"It is renamed, but what {org_name} signed in with stays in the keyring, too: "
                    f"{error.trouble.message}",
                    f"Delete the entries zbtui:{org_name} and zbtui-access:{org_name} there.",
                )
            ) from None

    async def _verify(self, org_name: str, org: Org) -> AccessToken:
        """That the org can be seen with the sign-in it has, where it is said to live now."""
        sign_in = await self.household.credentials.read_sign_in(org_name)
        if sign_in is None:
            raise TroubleError(NOT_SIGNED_IN)
        tokens = TokenDesk(self.http, self.household.journal, self.clock)
        access = await tokens.request(org, sign_in)
        await fetch_details(self.http, access, org.data_center, self.clock.now())
        return access
