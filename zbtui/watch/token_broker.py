"""Requests access tokens within Zoho's limits, so that Zoho does not lock the sign-in.

Zoho grants ten access tokens in ten minutes per refresh token, and locks the sign-in at the next
request ("Token limits"). Each request is first recorded in the journal, which all processes share.
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
"""One less than Zoho grants: another program may request a token, too."""
REQUEST_WINDOW: Final = timedelta(minutes=11)
"""Zoho's ten minutes, and one more, as requests take time to arrive."""
_CODE_MEMORY: Final = timedelta(minutes=30)
"""How long used codes are remembered; a code is valid for ten minutes at most."""


class TokenBroker:
    """The only place that exchanges a refresh token or client credentials for an access token."""

    def __init__(self, http: HttpClient, journal: Journal, clock: Clock) -> None:
        self._http = http
        self._tokens = journal.tokens
        self._clock = clock

    async def request_access_token(
        self, org: Org, sign_in: SignInCredentials, dc: DataCenter | None = None
    ) -> AccessToken:
        """Request a new access token at `dc` (None: the org's data center).

        Raises a `ProblemError` if Zoho refuses, a lock-out lasts, or our own limit is reached.
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
        """Raise a `ProblemError` during a lock-out; record a lock-out that the block raises.

        `key` names what Zoho locks: see `client_lockout_key` and `_token_budget_key`.
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
        """Count the access token that came with a new refresh token."""
        token = _token_budget_key(org, sign_in, data_center_of(org))
        await self._tokens.acquire(token, self._clock.now(), MAX_TOKENS_PER_WINDOW, REQUEST_WINDOW)

    async def claim_code(self, code: Secret) -> None:
        """Record that a grant code is about to be exchanged.

        Raises a `ProblemError` if the code was used before: it works only once.
        """
        if await self._tokens.acquire(_code_key(code), self._clock.now(), 1, _CODE_MEMORY):
            raise ProblemError(USED_CODE_PROBLEM)

    async def release_code(self, code: Secret) -> None:
        """Allow a refused code to be used again: it may work with another client secret."""
        await self._tokens.release(_code_key(code))

    async def _record_lockout(
        self, key: str, before: Lockout | None, retry_at: datetime | None
    ) -> datetime:
        """Record one more "Access Denied"; return the end of the lock-out."""
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
    """The lock-out key before a refresh token exists: the client at one data center."""
    return f"{dc.accounts_url}|{client_id}"


def _code_key(code: Secret) -> str:
    return f"code|{fingerprint(code)}"


def _token_budget_key(org: Org, sign_in: SignInCredentials, dc: DataCenter) -> str:
    """What Zoho counts requests by: the refresh token, else client and org; at one data center."""
    secret = sign_in.refresh_token
    if org.grant == "client-credentials" or secret is None:
        secret = Secret(f"{org.client_id}|{org.soid}|{sign_in.client_secret.reveal()}")
    return f"{dc.accounts_url}|{fingerprint(secret)}"
