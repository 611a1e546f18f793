"""One org's signed-in conversation with Zoho: the token it needs, and the look itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Final

from zbtui.core.cadence import lockout_pause
from zbtui.core.explain import RETRY_WITH_NEW_TOKEN, explain_token
from zbtui.core.org import Org
from zbtui.core.secret import LIFE, AccessToken
from zbtui.core.snapshot import Looked
from zbtui.core.trouble import LOCKOUT, Trouble, TroubleError
from zbtui.store.journal import Journal, Lockout
from zbtui.store.memory import Credentials
from zbtui.watch.clock import Clock
from zbtui.zoho.client import fetch_details
from zbtui.zoho.datacenter import data_center_of, trusted_api_url
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import request_access_token


class Session:
    """Keeps an access token for its hour, shares it with other zbtui processes, renews it when due."""

    def __init__(
        self, org: Org, http: Http, credentials: Credentials, journal: Journal, clock: Clock
    ) -> None:
        self._org = org
        self._dc = data_center_of(org)
        self._http = http
        self._credentials = credentials
        self._journal = journal
        self._clock = clock
        self._kept: AccessToken | None = None

    async def look(self) -> Looked:
        """The org's latest backup job; a refused token is renewed once and tried once more.

        Raises:
            TroubleError: of every kind.
        """
        access, fresh = await self._access(refused=None)
        while True:
            try:
                return await self._fetch(access)
            except TroubleError as error:
                # One that was made just now is not made anew: ten in ten minutes are all there are.
                if fresh or self._is_young(access) or error.trouble.code not in RETRY_WITH_NEW_TOKEN:
                    raise
            access, fresh = await self._access(refused=access)

    async def _fetch(self, access: AccessToken) -> Looked:
        return await fetch_details(self._http, access, self._org.data_center, self._clock.now())

    def _is_young(self, access: AccessToken) -> bool:
        """Whether another process, or an earlier look, made it a moment ago."""
        age = self._clock.now() - (access.expires_at - LIFE)
        return timedelta() <= age < _YOUNG

    async def _access(self, refused: AccessToken | None) -> tuple[AccessToken, bool]:
        """A token other than the `refused` one, and whether it was made just now."""
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
        lockout = await self._journal.lockout(self._org)
        if lockout and lockout.until > self._clock.now():
            known = explain_token(LOCKOUT, None, self._org.data_center)
            latest = self._clock.now() + lockout_pause(lockout.strikes)
            if lockout.until > latest:  # written while the clock was ahead
                lockout = replace(lockout, until=latest)
                await self._journal.set_lockout(self._org, lockout)
            raise TroubleError(replace(known, retry_at=lockout.until))
        sign_in = await self._credentials.read_sign_in(self._org.name)
        if sign_in is None or (self._org.grant == "refresh-token" and not sign_in.refresh_token):
            raise TroubleError(_NOT_SIGNED_IN)
        now = self._clock.now()
        try:
            access = await request_access_token(self._http, self._org, self._dc, sign_in, now)
        except TroubleError as error:
            if not error.trouble.is_lockout:
                raise
            strikes = lockout.strikes + 1 if lockout else 1
            until = self._clock.now() + lockout_pause(strikes)
            await self._journal.set_lockout(self._org, Lockout(until, strikes))
            raise TroubleError(replace(error.trouble, retry_at=until)) from None
        self._kept = access
        if lockout:
            await self._journal.set_lockout(self._org, None)
        # A cache that cannot be written is told, not passed over: each start would spend a token.
        await self._credentials.write_access(self._org.name, access)
        return access


_YOUNG: Final = timedelta(minutes=2)

_NOT_SIGNED_IN = Trouble(
    "auth",
    "This machine's keyring holds no sign-in for this org.",
    "Put it under watch anew: zbtui remove, then zbtui add.",
    final=True,
)
