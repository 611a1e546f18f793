"""One org's signed-in conversation with Zoho: the token it needs, and the look itself."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from zbtui.clock import Clock
from zbtui.health.poll_schedule import company_is_due, history_and_links_are_due
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.model.secret import TOKEN_LIFETIME, AccessToken
from zbtui.store.credentials import CredentialStore
from zbtui.store.journal import Journal
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho.client import fetch_company, fetch_details, fetch_history_and_links
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.data_centers import data_center_of, trusted_api_url
from zbtui.zoho_api.errors import INVALID_TOKEN_CODES
from zbtui.zoho_api.sign_in_errors import NOT_SIGNED_IN_PROBLEM


class Session:
    """Keeps an access token for its hour, shares it with other zbtui processes, renews it when due."""

    def __init__(
        self, org: Org, http: HttpClient, credentials: CredentialStore, journal: Journal, clock: Clock
    ) -> None:
        self._org = org
        self._dc = data_center_of(org)
        self._http = http
        self._credentials = credentials
        self._tokens = TokenBroker(http, journal, clock)
        self._clock = clock
        self._cached_token: AccessToken | None = None

    async def poll(self, before: Snapshot) -> Observation:
        """`look`, with history and links, and whose org it is, where these are due.

        Args:
            before: what is known so far.

        Raises:
            TroubleError: as `look`; what could not be read beyond the details is told in the answer.
        """
        looked = await self.poll_details()
        access = self._cached_token
        return looked if access is None else await self._fetch_due_extras(access, before, looked)

    async def poll_details(self) -> Observation:
        """The org's latest backup job; a refused token is renewed once and tried once more.

        Raises:
            TroubleError: of every kind.
        """
        access, fresh = await self.get_access_token()
        while True:
            try:
                return await self._fetch_details_with(access)
            except ProblemError as error:
                # One that was made just now is not made anew: ten in ten minutes are all there are.
                if fresh or self._is_just_issued(access) or error.problem.code not in INVALID_TOKEN_CODES:
                    if error.problem.kind in ("auth", "permission"):
                        self._cached_token = None  # somebody may have signed in anew when it is next asked
                    raise
            access, fresh = await self.get_access_token(refused=access)

    async def _fetch_details_with(self, access: AccessToken) -> Observation:
        return await fetch_details(self._http, access, self._org.data_center, self._clock.now())

    async def _fetch_due_extras(
        self, access: AccessToken, before: Snapshot, looked: Observation
    ) -> Observation:
        http, dc, now = self._http, self._org.data_center, self._clock.now()
        if history_and_links_are_due(before, looked.backup, now):
            looked = replace(looked, history_and_links=await fetch_history_and_links(http, access, dc, now))
        if company_is_due(before, now):
            with suppress(ProblemError):  # it is a good look without it
                looked = replace(looked, company=await fetch_company(http, access, dc, now))
            looked = replace(looked, company_requested=True)
        return looked

    def _is_just_issued(self, access: AccessToken) -> bool:
        """Whether another process, or an earlier look, made it a moment ago."""
        age = self._clock.now() - (access.expires_at - TOKEN_LIFETIME)
        return timedelta() <= age < _JUST_ISSUED

    async def get_access_token(self, refused: AccessToken | None = None) -> tuple[AccessToken, bool]:
        """A token other than the `refused` one, and whether it was made just now.

        Raises:
            TroubleError: there is none to be had.
        """
        if self._cached_token and self._is_usable(self._cached_token, refused):
            return self._cached_token, False
        if cached := await self._read_cache(refused):
            return cached, False
        async with self._credentials.refresh_lock(self._org.name):
            # Another process may have renewed it while this one waited for its turn.
            if cached := await self._read_cache(refused):
                return cached, False
            return await self._renew(), True

    def _is_usable(self, access: AccessToken, refused: AccessToken | None) -> bool:
        is_other = refused is None or access.token != refused.token
        return is_other and access.is_usable(self._clock.now())

    async def _read_cache(self, refused: AccessToken | None) -> AccessToken | None:
        cached = await self._credentials.read_access_token(self._org.name)
        if cached is None or not self._is_usable(cached, refused):
            return None
        if trusted_api_url(cached.api_url, self._dc) != cached.api_url:
            return None
        self._cached_token = cached
        return self._cached_token

    async def _renew(self) -> AccessToken:
        sign_in = await self._credentials.read_sign_in(self._org.name)
        if sign_in is None or not sign_in.is_complete_for(self._org.grant):
            raise ProblemError(NOT_SIGNED_IN_PROBLEM)
        access = await self._tokens.request_access_token(self._org, sign_in)
        self._cached_token = access
        # A cache that cannot be written is told, not passed over: each start would spend a token.
        await self._credentials.write_access_token(self._org.name, access)
        return access


_JUST_ISSUED: Final = timedelta(minutes=2)
