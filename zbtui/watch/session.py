"""One org's signed-in conversation with Zoho: the token it needs, and the look itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from zbtui.clock import Clock
from zbtui.core.cadence import company_is_due, past_is_due
from zbtui.core.data_centers import data_center_of, trusted_api_url
from zbtui.core.explain import RETRY_WITH_NEW_TOKEN
from zbtui.core.explain_sign_in import NOT_SIGNED_IN
from zbtui.core.org import Org
from zbtui.core.secret import LIFE, AccessToken
from zbtui.core.snapshot import Looked, Snapshot
from zbtui.core.trouble import TroubleError
from zbtui.store.journal import Journal
from zbtui.store.memory import Credentials
from zbtui.tokens import TokenDesk
from zbtui.zoho.client import fetch_company, fetch_details, fetch_past
from zbtui.zoho.http import Http


class Session:
    """Keeps an access token for its hour, shares it with other zbtui processes, renews it when due."""

    def __init__(
        self, org: Org, http: Http, credentials: Credentials, journal: Journal, clock: Clock
    ) -> None:
        self._org = org
        self._dc = data_center_of(org)
        self._http = http
        self._credentials = credentials
        self._tokens = TokenDesk(http, journal, clock)
        self._clock = clock
        self._kept: AccessToken | None = None

    async def look_further(self, before: Snapshot) -> Looked:
        """`look`, with history and links, and whose org it is, where these are due.

        Args:
            before: what is known so far.

        Raises:
            TroubleError: as `look`; what could not be read beyond the details is told in the answer.
        """
        looked = await self.look()
        access = self._kept
        return looked if access is None else await self._fetch_due(access, before, looked)

    async def look(self) -> Looked:
        """The org's latest backup job; a refused token is renewed once and tried once more.

        Raises:
            TroubleError: of every kind.
        """
        access, fresh = await self.access()
        while True:
            try:
                return await self._fetch(access)
            except TroubleError as error:
                # One that was made just now is not made anew: ten in ten minutes are all there are.
                if fresh or self._is_young(access) or error.trouble.code not in RETRY_WITH_NEW_TOKEN:
                    if error.trouble.kind in ("auth", "permission"):
                        self._kept = None  # somebody may have signed in anew when it is next asked
                    raise
            access, fresh = await self.access(refused=access)

    async def _fetch(self, access: AccessToken) -> Looked:
        return await fetch_details(self._http, access, self._org.data_center, self._clock.now())

    async def _fetch_due(self, access: AccessToken, before: Snapshot, looked: Looked) -> Looked:
        http, dc, now = self._http, self._org.data_center, self._clock.now()
        if past_is_due(before, looked.backup, now):
            looked = replace(looked, past=await fetch_past(http, access, dc, now))
        if company_is_due(before, now):
            with suppress(TroubleError):  # it is a good look without it
                looked = replace(looked, company=await fetch_company(http, access, dc, now))
            looked = replace(looked, company_asked=True)
        return looked

    def _is_young(self, access: AccessToken) -> bool:
        """Whether another process, or an earlier look, made it a moment ago."""
        age = self._clock.now() - (access.expires_at - LIFE)
        return timedelta() <= age < _YOUNG

    async def access(self, refused: AccessToken | None = None) -> tuple[AccessToken, bool]:
        """A token other than the `refused` one, and whether it was made just now.

        Raises:
            TroubleError: there is none to be had.
        """
        if self._kept and self._usable(self._kept, refused):
            return self._kept, False
        if cached := await self._read_cache(refused):
            return cached, False
        async with self._credentials.refreshing(self._org.name):
            # Another process may have renewed it while this one waited for its turn.
            if cached := await self._read_cache(refused):
                return cached, False
            return await self._renew(), True

    def _usable(self, access: AccessToken, refused: AccessToken | None) -> bool:
        is_other = refused is None or access.token != refused.token
        return is_other and access.is_good(self._clock.now())

    async def _read_cache(self, refused: AccessToken | None) -> AccessToken | None:
        cached = await self._credentials.read_access(self._org.name)
        if cached is None or not self._usable(cached, refused):
            return None
        if trusted_api_url(cached.api_url, self._dc) != cached.api_url:
            return None
        self._kept = cached
        return self._kept

    async def _renew(self) -> AccessToken:
        sign_in = await self._credentials.read_sign_in(self._org.name)
        if sign_in is None or not sign_in.serves(self._org.grant):
            raise TroubleError(NOT_SIGNED_IN)
        access = await self._tokens.request(self._org, sign_in)
        self._kept = access
        # A cache that cannot be written is told, not passed over: each start would spend a token.
        await self._credentials.write_access(self._org.name, access)
        return access


_YOUNG: Final = timedelta(minutes=2)
