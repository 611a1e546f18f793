"""The polls of one org, with the access token that they need."""

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

_JUST_ISSUED: Final = timedelta(minutes=2)


class Session:
    """Polls one org; caches its access token, shares it with other zbtui processes, renews it when due."""

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
        """Poll the details, and history, links and company where these are due.

        Raises as `poll_details`; failures beyond the details raise nothing.
        """
        observation = await self.poll_details()
        access = self._cached_token
        return observation if access is None else await self._fetch_due_extras(access, before, observation)

    async def poll_details(self) -> Observation:
        """Poll the latest backup job. If Zoho refuses the token, renew it and retry once."""
        access, is_new = await self.get_access_token()
        while True:
            try:
                return await fetch_details(self._http, access, self._org.data_center, self._clock.now())
            except ProblemError as error:
                # A new token is not renewed again: Zoho grants ten in ten minutes.
                if is_new or self._is_just_issued(access) or error.problem.code not in INVALID_TOKEN_CODES:
                    if error.problem.kind in ("auth", "permission"):
                        self._cached_token = None  # the next poll may find a new sign-in
                    raise
            access, is_new = await self.get_access_token(refused=access)

    async def _fetch_due_extras(
        self, access: AccessToken, before: Snapshot, observation: Observation
    ) -> Observation:
        http, dc, now = self._http, self._org.data_center, self._clock.now()
        if history_and_links_are_due(before, observation.backup, now):
            extras = await fetch_history_and_links(http, access, dc, now)
            observation = replace(observation, history_and_links=extras)
        if company_is_due(before, now):
            with suppress(ProblemError):  # the poll succeeds without it
                observation = replace(observation, company=await fetch_company(http, access, dc, now))
            observation = replace(observation, company_requested=True)
        return observation

    def _is_just_issued(self, access: AccessToken) -> bool:
        """Whether the token was issued within the last two minutes, by any process."""
        age = self._clock.now() - (access.expires_at - TOKEN_LIFETIME)
        return timedelta() <= age < _JUST_ISSUED

    async def get_access_token(self, refused: AccessToken | None = None) -> tuple[AccessToken, bool]:
        """A token other than the `refused` one, and whether it is new. Raises `ProblemError`."""
        if self._cached_token and self._is_usable(self._cached_token, refused):
            return self._cached_token, False
        if cached := await self._read_cache(refused):
            return cached, False
        async with self._credentials.refresh_lock(self._org.name):
            # Another process may have renewed it while this one waited for the lock.
            if cached := await self._read_cache(refused):
                return cached, False
            return await self._renew(), True

    def _is_usable(self, access: AccessToken, refused: AccessToken | None) -> bool:
        is_different = refused is None or access.token != refused.token
        return is_different and access.is_usable(self._clock.now())

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
        # A failed write is raised: without the cache, each start would use up a token.
        await self._credentials.write_access_token(self._org.name, access)
        return access
