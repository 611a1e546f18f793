"""Requests access tokens within Zoho's limits, so that Zoho does not lock the sign-in.

Zoho grants ten access tokens in ten minutes per refresh token, and locks the sign-in at the eleventh
request (Zoho's documentation, "Token limits"). Each request is first recorded in the journal, which all
zbtui processes share.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.clock import Clock
from zbtui.health.poll_schedule import MAX_LOCKOUT, lockout_duration
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials, fingerprint
from zbtui.store.journal import Journal
from zbtui.store.token_budget import Lockout
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import request_access_token
from zbtui.zoho_api.data_centers import DataCenter, data_center_of
from zbtui.zoho_api.sign_in_errors import USED_CODE_PROBLEM, token_budget_problem, token_problem

MAX_TOKENS_PER_WINDOW: Final = 9
"""How many access tokens zbtui requests at most within `REQUEST_WINDOW`.

This is one less than Zoho grants, since another program may request a token, too.
"""
REQUEST_WINDOW: Final = timedelta(minutes=11)
"""The time in which token requests are counted.

This is one minute more than Zoho's ten minutes, since requests take time to arrive.
"""
_CODE_MEMORY: Final = timedelta(minutes=30)
"""How long used grant codes are remembered; Zoho accepts a grant code for ten minutes at most."""


class TokenBroker:
    """Exchanges refresh tokens or client credentials for access tokens, within Zoho's limits.

    No other class of zbtui requests access tokens in this way.
    """

    def __init__(self, http: HttpClient, journal: Journal, clock: Clock) -> None:
        self._http = http
        self._tokens = journal.tokens
        self._clock = clock

    async def request_access_token(
        self, org: Org, sign_in: SignInCredentials, dc: DataCenter | None = None
    ) -> AccessToken:
        """Request a new access token at the data center `dc`, or at the org's own if `dc` is None.

        Raises a `ProblemError` if Zoho refuses, during a lock-out, or if zbtui's own limit is reached.
        """
        dc = dc or data_center_of(org)
        token = _token_budget_key(org, sign_in, dc)
        async with self.respecting_lockout(token, dc):
            if until := await self._tokens.acquire(
                token, self._clock.now(), MAX_TOKENS_PER_WINDOW, REQUEST_WINDOW
            ):
                raise ProblemError(token_budget_problem(until))
            return await request_access_token(self._http, org, dc, sign_in, self._clock.now())

    @asynccontextmanager
    async def respecting_lockout(self, key: str, dc: DataCenter) -> AsyncIterator[None]:
        """Run the `with` block unless Zoho has locked out `key`; during a lock-out, raise a `ProblemError`.

        A lock-out that the block raises is recorded. `key` stands for what Zoho locks, a refresh token or
        an OAuth client at one data center.
        """
        lockout = await self._current_lockout(key)
        now = self._clock.now()
        if lockout and lockout.until > now:
            raise ProblemError(replace(token_problem(LOCKOUT, None, dc.key), retry_at=lockout.until))
        try:
            yield
        except ProblemError as error:
            if error.problem.code != LOCKOUT:
                raise
            until = await self._record_lockout(key, lockout, error.problem.retry_at)
            raise ProblemError(replace(error.problem, retry_at=until)) from None
        if lockout:
            await self._tokens.set_lockout(key, None)

    async def record_first_token(self, org: Org, sign_in: SignInCredentials) -> None:
        """Count the access token that Zoho granted together with a new refresh token."""
        token = _token_budget_key(org, sign_in, data_center_of(org))
        await self._tokens.acquire(token, self._clock.now(), MAX_TOKENS_PER_WINDOW, REQUEST_WINDOW)

    async def claim_code(self, code: Secret) -> None:
        """Record that a grant code is about to be exchanged for tokens.

        Raises a `ProblemError` if the code was used before, since Zoho accepts it only once.
        """
        if await self._tokens.acquire(_code_key(code), self._clock.now(), 1, _CODE_MEMORY):
            raise ProblemError(USED_CODE_PROBLEM)

    async def release_code(self, code: Secret) -> None:
        """Allow a refused grant code to be used again, since it may work with another client secret."""
        await self._tokens.release(_code_key(code))

    async def _record_lockout(
        self, key: str, before: Lockout | None, retry_at: datetime | None
    ) -> datetime:
        """Record one more lock-out of `key` after the lock-out `before`; return the end of the new one.

        `retry_at` is the end that Zoho's answer gives, if any.
        """
        now, consecutive = self._clock.now(), before.consecutive + 1 if before else 1
        until = max(now + lockout_duration(consecutive), min(retry_at or now, now + MAX_LOCKOUT))
        await self._tokens.set_lockout(key, Lockout(until, consecutive))
        return until

    async def _current_lockout(self, token: str) -> Lockout | None:
        lockout = await self._tokens.find_lockout(token)
        if lockout is None:
            return None
        latest = self._clock.now() + MAX_LOCKOUT
        if lockout.until > latest:  # written while the clock was ahead
            lockout = replace(lockout, until=latest)
            await self._tokens.set_lockout(token, lockout)
        return lockout


def client_lockout_key(client_id: str, dc: DataCenter) -> str:
    """Return the key for lock-outs of an OAuth client at one data center.

    It is used while no refresh token exists yet.
    """
    return f"{dc.accounts_url}|{client_id}"


def _code_key(code: Secret) -> str:
    return f"code|{fingerprint(code)}"


def _token_budget_key(org: Org, sign_in: SignInCredentials, dc: DataCenter) -> str:
    """Return the key by which token requests are counted, as Zoho counts them.

    The key stands for a data center and the refresh token, or with client credentials, the client and org.
    """
    secret = sign_in.refresh_token
    if org.grant == "client-credentials" or secret is None:
        secret = Secret(f"{org.client_id}|{org.soid}|{sign_in.client_secret.reveal()}")
    return f"{dc.accounts_url}|{fingerprint(secret)}"
