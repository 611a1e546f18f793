"""Makes the polls of one org, and gets the access tokens that the polls need."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.clock import Clock
from zbtui.health.poll_schedule import company_is_due, history_and_links_are_due
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.model.secret import TOKEN_LIFETIME, AccessToken, Secret
from zbtui.store.credentials import CredentialStore
from zbtui.store.journal import Journal
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho.client import fetch_company, fetch_details, fetch_history_and_links
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.data_centers import data_center_of, trusted_api_url
from zbtui.zoho_api.errors import INVALID_TOKEN_CODES
from zbtui.zoho_api.sign_in_errors import NOT_SIGNED_IN_PROBLEM

_log = logging.getLogger(__name__)

_JUST_ISSUED: Final = timedelta(minutes=2)
"""An access token younger than this is not renewed when Zoho refuses it, unless Zoho accepted it before."""
_RETRY_PAUSE_SECONDS: Final = 3.0
_UNKNOWN_YET: Final = timedelta(seconds=10)
"""How long it takes at most until Zoho's API knows a new access token."""


class Session:
    """Polls one org, and renews the org's access token when needed.

    The access token is cached, and shared with other zbtui processes through the credential store.
    """

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
        self._accepted: Secret | None = None
        """The last access token that Zoho accepted."""
        self._org_number: str | None = None

    async def poll(self, before: Snapshot) -> Observation:
        """Poll the latest backup job of the org, and its history, links and company as far as they are due.

        `before` is the last snapshot of the org. Raises a `ProblemError` if the latest backup job cannot be
        read; a problem with history, links or company does not raise.
        """
        if before.zoho.company:
            self._org_number = before.zoho.company.org_number
        observation = await self.poll_details(before.zoho.observed_at)
        access = self._cached_token
        return observation if access is None else await self._fetch_due_extras(access, before, observation)

    async def poll_details(self, last_good: datetime | None = None) -> Observation:
        """Poll the latest backup job of the org. Raises a `ProblemError` if it cannot be read.

        An access token that Zoho refuses is renewed, but a token that Zoho may not know yet is used once
        more after a pause. `last_good` is the time of the last good poll by any process; tokens issued
        before that time are taken as accepted.
        """
        access, is_new = await self.get_access_token()
        has_waited = False
        while True:
            try:
                observation = await fetch_details(
                    self._http, access, self._org.data_center, self._clock.now()
                )
            except ProblemError as error:
                is_refused = error.problem.code in INVALID_TOKEN_CODES
                is_unproven = is_new or not self._was_accepted(access, last_good)
                if is_refused and not (is_unproven and self._is_just_issued(access)):
                    access, is_new = await self.get_access_token(refused=access)
                elif is_refused and not has_waited and self._age(access) < _UNKNOWN_YET:
                    has_waited = True
                    await self._clock.wait(asyncio.Event(), _RETRY_PAUSE_SECONDS)
                else:
                    # A new token is not renewed, since Zoho grants only ten tokens in ten minutes.
                    if error.problem.kind in ("auth", "permission"):
                        self._cached_token = None  # by the next poll, the user may have signed in again
                    raise
            else:
                self._accepted = access.token
                return observation

    def _was_accepted(self, access: AccessToken, last_good: datetime | None) -> bool:
        issued = access.expires_at - TOKEN_LIFETIME
        return access.token == self._accepted or (last_good is not None and last_good >= issued)

    async def _fetch_due_extras(
        self, access: AccessToken, before: Snapshot, observation: Observation
    ) -> Observation:
        http, dc, now = self._http, self._org.data_center, self._clock.now()
        if history_and_links_are_due(before, observation.backup, now):
            extras = await fetch_history_and_links(http, access, dc, now)
            observation = replace(observation, history_and_links=extras)
        if company_is_due(before, now):
            with suppress(ProblemError):  # the poll succeeds without the company
                observation = replace(observation, company=await fetch_company(http, access, dc, now))
            observation = replace(observation, company_requested=True)
        return observation

    def _is_just_issued(self, access: AccessToken) -> bool:
        """Return whether the access token was issued, to any process, within the last two minutes."""
        return timedelta() <= self._age(access) < _JUST_ISSUED

    def _age(self, access: AccessToken) -> timedelta:
        return self._clock.now() - (access.expires_at - TOKEN_LIFETIME)

    async def get_access_token(self, refused: AccessToken | None = None) -> tuple[AccessToken, bool]:
        """Return a usable access token other than `refused`, and whether this call requested the token.

        Raises a `ProblemError` if the org is not signed in, or if no token can be requested.
        """
        if self._cached_token and self._is_usable(self._cached_token, refused):
            return self._cached_token, False
        if cached := await self._read_cache(refused):
            return cached, False
        async with self._credentials.refresh_lock(self._org):
            # Another process may have renewed the token while this one waited for the lock.
            if cached := await self._read_cache(refused):
                return cached, False
            return await self._renew(), True

    def _is_usable(self, access: AccessToken, refused: AccessToken | None) -> bool:
        is_different = refused is None or access.token != refused.token
        return is_different and access.is_usable(self._clock.now())

    async def _read_cache(self, refused: AccessToken | None) -> AccessToken | None:
        cached = await self._credentials.read_access_token(self._org)
        if cached is None or not self._is_usable(cached, refused):
            return None
        if trusted_api_url(cached.api_url, self._dc) != cached.api_url:
            return None
        self._cached_token = cached
        return self._cached_token

    async def _renew(self) -> AccessToken:
        sign_in = await self._credentials.read_sign_in(self._org)
        if sign_in is None or not sign_in.is_complete_for(self._org.grant):
            raise ProblemError(NOT_SIGNED_IN_PROBLEM)
        access = await self._tokens.request_access_token(self._org, sign_in)
        self._cached_token = access
        problem = None
        try:
            await self._credentials.write_access_token(self._org, access)
            if self._org_number and sign_in.org_number is None:
                numbered = replace(sign_in, org_number=self._org_number)
                await self._credentials.write_sign_in(self._org, numbered)
        except ProblemError as error:  # this process can still use the token
            problem = error.problem
            _log.warning("%s: the access token is not cached: %s", self._org.name, problem.message)
        self._credentials.cache_problem = problem
        return access
