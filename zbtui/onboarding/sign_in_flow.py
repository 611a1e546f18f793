"""One attempt at signing an org in: from what a person typed to an org under watch, or to nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from zbtui.clock import Clock, StoppedError, StopSignal
from zbtui.config.parsing import check_name_is_free, find_org
from zbtui.health.poll_schedule import MIN_DEVICE_POLL_INTERVAL
from zbtui.health.snapshot import Observation, Snapshot, apply_observation
from zbtui.model.org import CUSTOM_DATA_CENTER, Org, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, OAuthClient, Secret, SignInCredentials, is_header_safe
from zbtui.model.sign_in_progress import RequestingFromZoho, SignInProgress
from zbtui.onboarding.stores import Stores
from zbtui.presentation.sign_in_guide import DEFAULT_REDIRECT_PORT
from zbtui.watch.token_broker import TokenBroker, client_lockout_key
from zbtui.zoho.client import fetch_company, fetch_details, fetch_history_and_links
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import revoke_refresh_token
from zbtui.zoho.sign_in import (
    ConsentResult,
    check_code_format,
    sign_in_by_browser,
    sign_in_by_code,
    sign_in_by_device,
)
from zbtui.zoho_api.data_centers import DataCenter, data_center_of
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.sign_in_errors import NO_CLIENT_SECRET_PROBLEM, missing_scope_problem


@dataclass(frozen=True, slots=True)
class SignInPreview:
    """What a sign-in leads to, before anything is kept: is it the right org?"""

    org: Org
    """As it will be watched: its data center may be another one than was asked for."""
    observation: Observation | None
    """The backup, as the watch will see it; None: Zoho was not asked."""
    company: Company | Problem | None
    """None: the sign-in lacks the scope to see whose org it is; a trouble: it could not be asked."""


@dataclass(frozen=True, slots=True)
class _ObtainedTokens:
    """A sign-in of which Zoho gave an access token."""

    org: Org
    sign_in: SignInCredentials
    access: AccessToken | None
    scopes: frozenset[str] | None = None


class SignInFlow:
    """`sign_in`, then `keep`; or `abandon`, at any time. Made by `Desk.begin`."""

    def __init__(
        self,
        household: Stores,
        http: HttpClient,
        clock: Clock,
        org: Org,
        method: SignInMethod,
        original: Org | None,
        *,
        min_device_poll_interval: timedelta = MIN_DEVICE_POLL_INTERVAL,
        port: int = DEFAULT_REDIRECT_PORT,
    ) -> None:
        """Args:
        opened: the org that signs in again, as it was when that began; None: a new one.
        floor: the shortest pause between two polls of the device flow.
        port: that the browser comes back to.
        """
        self._stores = household
        self._http = http
        self._clock = clock
        self._tokens = TokenBroker(http, household.journal, clock)
        self._org = org
        self._method: SignInMethod = method
        self._original = original
        self._min_device_poll_interval = min_device_poll_interval
        self._port = port
        self._stop = StopSignal(clock)
        self._obtained: _ObtainedTokens | None = None
        self._preview: SignInPreview | None = None
        self._committed = False
        self._commit_lock = asyncio.Lock()
        """Held while it is decided whether the sign-in stays."""

    @property
    def is_signed_in(self) -> bool:
        """Whether Zoho has given its tokens: what failed after that can be tried again without them."""
        return self._obtained is not None

    async def sign_in(
        self,
        client_secret: str | None,
        code_or_token: str | None,
        on_progress: Callable[[SignInProgress], None],
        *,
        client_from: str | None = None,
        verify: bool = True,
    ) -> SignInPreview:
        """Get the tokens, then look with them as the watch will. Nothing is kept yet.

        Called again after a failure, it goes on from where it was: a code works only once.

        Args:
            client_secret: as typed; None: that of `client_of`.
            answer: the grant code, or the refresh token, as typed; None where the way needs none.
            tell: what the person is to see or to do, as it goes on.
            client_of: an org under watch whose client secret to use.
            verified: whether Zoho is asked; else what was typed is believed (not where it must be
                exchanged).

        Raises:
            TroubleError: what keeps this sign-in from being of use.
            StoppedError: `abandon` was called meanwhile.
        """
        if self._original is None:
            check_name_is_free(self._stores.config.load(), self._org.name)
        # First of all: no code is spent, and nobody sent to a browser, for a keyring that is locked.
        await self._stores.credentials.read_access_token(self._org.name)
        try:
            if self._obtained is None:
                client = OAuthClient(
                    self._org.client_id, await self._client_secret(client_secret, client_from)
                )
                self._stop.raise_if_requested()
                self._obtained = await self._get_tokens(
                    client, Secret(code_or_token or ""), on_progress, verify
                )
                if self._has_new_refresh_token:
                    await self._tokens.record_first_token(self._obtained.org, self._obtained.sign_in)
            found = await self._preview_org(self._obtained, on_progress)
            self._stop.raise_if_requested()
        except BaseException as error:
            if self._stop.is_requested:
                await self.cancel()  # again: when it was called there was nothing to revoke yet
                if isinstance(error, ProblemError):  # which may come of that: its token is dead
                    raise StoppedError from None
            raise
        self._preview = found
        return found

    async def commit(self) -> Snapshot:
        """Put what was found under watch: the keyring first, the config last.

        Returns:
            What is known of the org.

        Raises:
            TroubleError: config, keyring and journal are as they were.
            StoppedError: `abandon` was called before.
        """
        async with self._commit_lock:
            self._stop.raise_if_requested()
            proof, found = self._obtained, self._preview
            assert proof and found, "sign_in comes first"
            household, org = self._stores, proof.org
            before = await household.journal.load_org(org) if self._original else None
            known = _snapshot_after_sign_in(found, before, self._clock)
            async with household.swapping_credentials(org.name):
                await household.write_credentials(org.name, proof.sign_in, proof.access)
                if self._original is None:
                    household.config.add(org)
                else:
                    household.config.replace(org.name, org, self._original)
                    household.config.announce_change()
            self._committed = True
        if self._original is None or self._original.identity != org.identity:
            await household.journal.forget_org(org.name)  # what is known there is another org's
        await household.journal.save(known)
        return known

    async def cancel(self) -> None:
        """Leave nothing behind: what Zoho granted and is not kept is revoked there, if it can be."""
        self._stop.request()
        async with self._commit_lock:
            proof, self._obtained = self._obtained, None
        if (
            proof is None
            or self._committed
            or not self._has_new_refresh_token
            or proof.sign_in.refresh_token is None
        ):
            return
        # One that stays is one of twenty that Zoho keeps; nobody has it.
        with suppress(ProblemError):
            await revoke_refresh_token(self._http, data_center_of(proof.org), proof.sign_in.refresh_token)

    @property
    def _has_new_refresh_token(self) -> bool:
        """Whether the refresh token is this attempt's own, and not one that was there before."""
        return self._method in ("code", "device", "browser")

    async def _client_secret(self, typed: str | None, client_of: str | None) -> Secret:
        if typed is not None:
            return _checked_secret(typed, "client secret")
        sign_in = None
        if client_of is not None:
            # A secret goes to the host that it was typed for, and to no other.
            other = find_org(self._stores.config.load(), client_of)
            if data_center_of(other) == data_center_of(self._org):
                sign_in = await self._stores.credentials.read_sign_in(client_of)
        if sign_in is None:
            raise ProblemError(NO_CLIENT_SECRET_PROBLEM)
        return sign_in.client_secret

    async def _get_tokens(
        self, client: OAuthClient, answer: Secret, tell: Callable[[SignInProgress], None], verified: bool
    ) -> _ObtainedTokens:
        org, dc = self._org, data_center_of(self._org)
        match self._method:
            case "refresh-token" | "client-credentials":
                given = None
                if self._method == "refresh-token":
                    given = _checked_secret(answer.reveal(), "refresh token")
                sign_in = SignInCredentials(client.client_secret, given)
                if not verified:
                    return _ObtainedTokens(org, sign_in, None)
                tell(RequestingFromZoho("for an access token"))
                return _ObtainedTokens(org, sign_in, await self._tokens.request_access_token(org, sign_in))
            case _:
                granted = await self._get_consent(client, dc, answer, tell)
        return _ObtainedTokens(
            _at_actual_data_center(org, granted), granted.sign_in, granted.access, granted.scopes
        )

    async def _get_consent(
        self, client: OAuthClient, dc: DataCenter, answer: Secret, tell: Callable[[SignInProgress], None]
    ) -> ConsentResult:
        http, clock, stop = self._http, self._clock, self._stop
        async with self._tokens.respecting_lockout(client_lockout_key(client.client_id, dc), dc):
            match self._method:
                case "device":
                    return await sign_in_by_device(
                        http, client, dc, clock, stop, tell, self._min_device_poll_interval
                    )
                case "browser":
                    return await sign_in_by_browser(http, client, dc, clock, stop, tell, self._port)
                case _:
                    return await self._exchange_code(client, dc, answer, tell)

    async def _exchange_code(
        self, client: OAuthClient, dc: DataCenter, code: Secret, tell: Callable[[SignInProgress], None]
    ) -> ConsentResult:
        check_code_format(code.reveal())
        await self._tokens.claim_code(code)
        tell(RequestingFromZoho("to exchange the code"))
        try:
            return await sign_in_by_code(self._http, client, dc, code, self._clock.now())
        except BaseException:
            await self._tokens.release_code(code)
            raise

    async def _preview_org(
        self, proof: _ObtainedTokens, tell: Callable[[SignInProgress], None]
    ) -> SignInPreview:
        org, now = proof.org, self._clock.now()
        if trouble := missing_scope_problem(proof.scopes):
            raise ProblemError(trouble)
        if proof.access is None:
            return SignInPreview(org, None, None)
        self._stop.raise_if_requested()
        tell(RequestingFromZoho("for the backup"))
        looked = await fetch_details(self._http, proof.access, org.data_center, now)
        self._stop.raise_if_requested()
        # With the history: without it nobody can tell whether the org is well.
        past = await fetch_history_and_links(self._http, proof.access, org.data_center, now)
        looked = replace(looked, history_and_links=past)
        self._stop.raise_if_requested()
        tell(RequestingFromZoho("whose org it is"))
        company: Company | Problem | None
        try:
            company = await fetch_company(self._http, proof.access, org.data_center, now)
        except ProblemError as error:
            company = error.problem  # no more than a name less
        return SignInPreview(org, looked, company)


def _at_actual_data_center(org: Org, granted: ConsentResult) -> Org:
    """The org, at the data center where its person turned out to live."""
    dc: DataCenter = granted.data_center
    return org if org.data_center == CUSTOM_DATA_CENTER else replace(org, data_center=dc.key)


def _snapshot_after_sign_in(found: SignInPreview, before: Snapshot | None, clock: Clock) -> Snapshot:
    """Args:
    before: what was known of this very org.
    """
    known = before or Snapshot(found.org)
    if found.observation is None:
        return known
    company = found.company if isinstance(found.company, Company) else None
    looked = replace(
        found.observation, company=company, company_requested=not isinstance(found.company, Problem)
    )
    return apply_observation(known, looked, clock.now())


def _checked_secret(typed: str, what: str) -> Secret:
    if not is_header_safe(typed):
        raise ProblemError(
            Problem(
                "config",
                f"The {what} is missing, or has characters that none has.",
                "Copy it whole, and nothing else with it.",
            )
        )
    return Secret(typed)
