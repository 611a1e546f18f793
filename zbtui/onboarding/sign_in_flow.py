"""One attempt to sign an org in, from the typed secrets to an org under watch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from zbtui.clock import Clock, StoppedError, StopSignal
from zbtui.config.parsing import find_org
from zbtui.health.observe import apply_observation
from zbtui.health.poll_schedule import MIN_DEVICE_POLL_INTERVAL
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import CUSTOM_DATA_CENTER, Org, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, OAuthClient, Secret, SignInCredentials, wrong_secret_text
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
from zbtui.zoho_api.sign_in_errors import (
    NO_CLIENT_SECRET_PROBLEM,
    already_watched_problem,
    missing_scope_problem,
    other_org_problem,
)


@dataclass(frozen=True, slots=True)
class SignInPreview:
    """The result of a sign-in, which the user confirms to be the right org before anything is stored."""

    org: Org
    """The org to watch; its data center may differ from the requested one."""
    observation: Observation | None
    """The result of the first poll; None if Zoho was not polled, as the sign-in is not verified."""
    company: Company | Problem | None
    """The org's company, or the problem if the request for it failed.

    None if the company was not requested, or the sign-in lacks the scope for it.
    """


@dataclass(frozen=True, slots=True)
class _ObtainedTokens:
    """The credentials of a sign-in, and the access token if one was requested."""

    org: Org
    sign_in: SignInCredentials
    access: AccessToken | None
    scopes: frozenset[str] | None = None


class SignInFlow:
    """One attempt to sign an org in: call `sign_in`, then `commit`; or `cancel` at any time.

    Instances are made by `OrgService.begin_sign_in`.
    """

    def __init__(
        self,
        stores: Stores,
        http: HttpClient,
        clock: Clock,
        org: Org,
        method: SignInMethod,
        original: Org | None,
        *,
        min_device_poll_interval: timedelta = MIN_DEVICE_POLL_INTERVAL,
        port: int = DEFAULT_REDIRECT_PORT,
    ) -> None:
        """Take `original`, the org as it is in the config before it signs in again; None for a new org."""
        self._stores = stores
        self._http = http
        self._clock = clock
        self._tokens = TokenBroker(http, stores.journal, clock)
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
        """The lock that is held while the sign-in is committed or cancelled."""

    @property
    def is_signed_in(self) -> bool:
        """Whether this attempt has its tokens; a retry of `sign_in` then needs no new code or token."""
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
        """Get the tokens, and poll the org with them. Nothing is stored in config or keyring yet.

        A call after a failure reuses tokens that were obtained before, since a code works only once.

        Args:
            client_secret: the client secret as typed; None to use the secret of the org `client_from`.
            code_or_token: the grant code or refresh token, as typed; None if the method needs none.
            client_from: the name of an org under watch with the same OAuth client.
            verify: whether to poll Zoho with the tokens. If False, a typed refresh token is not checked,
                while a code is still exchanged.

        Raises:
            ProblemError: the sign-in failed or cannot read the backup.
            StoppedError: `cancel` was called meanwhile.
        """
        # First, before a code or a consent is used up: raise if config or keyring cannot be written.
        if self._original is None:
            self._stores.config.add(self._org, rehearse=True)
        else:
            self._stores.config.replace(self._org.name, self._org, self._original, rehearse=True)
        await self._stores.rehearse_write(self._org)
        try:
            if self._obtained is None:
                secret = await self._client_secret(client_secret, client_from)
                client, typed = OAuthClient(self._org.client_id, secret), Secret(code_or_token or "")
                self._stop.raise_if_requested()
                self._obtained = await self._get_tokens(client, typed, on_progress, verify)
                if self._has_new_refresh_token:
                    await self._tokens.record_first_token(self._obtained.org, self._obtained.sign_in)
            preview = await self._preview_org(self._obtained, on_progress)
            await self._check_org(preview)
            self._stop.raise_if_requested()
        except BaseException as error:
            if self._stop.is_requested:
                await self.cancel()  # again: the first call had no token to revoke yet
                if isinstance(error, ProblemError):  # perhaps caused by the revocation
                    raise StoppedError from None
            raise
        self._preview = preview
        return preview

    async def commit(self) -> Snapshot:
        """Put the org under watch, and return its first snapshot. The keyring is written before the config.

        After a `ProblemError`, config, keyring and journal are unchanged. Raises a `StoppedError` if
        `cancel` was called before.
        """
        async with self._commit_lock:
            self._stop.raise_if_requested()
            obtained, preview = self._obtained, self._preview
            assert obtained and preview, "sign_in comes first"
            stores, org = self._stores, obtained.org
            before = await stores.journal.load_org(org) if self._original else None
            snapshot = _snapshot_after_sign_in(preview, before, self._clock)
            sign_in = replace(obtained.sign_in, org_number=_org_number(preview))
            async with stores.swapping_credentials(org):
                await stores.write_credentials(org, sign_in, obtained.access)
                if self._original is None:
                    stores.config.add(org)
                else:
                    stores.config.replace(org.name, org, self._original)
                    stores.config.announce_change()
            self._committed = True
        if self._original is None:
            await stores.journal.forget_org(org)  # data of an earlier watch
            await stores.outbox.forget_org(org)
        else:
            await stores.journal.rename_org(self._original, org)
            await stores.outbox.rename_org(self._original, org)
            with suppress(ProblemError):  # the org is signed in; old entries in the keyring do no harm
                await stores.delete_replaced(self._original, org)
        await stores.journal.save(snapshot)
        return snapshot

    async def cancel(self) -> None:
        """End the attempt, and try to revoke a new refresh token that was not stored."""
        self._stop.request()
        async with self._commit_lock:
            obtained, self._obtained = self._obtained, None
        if obtained and not self._committed:
            await self._revoke(obtained)

    async def _revoke(self, obtained: _ObtainedTokens) -> None:
        """Try to revoke the refresh token, if Zoho issued it in this attempt and it is not stored."""
        token = obtained.sign_in.refresh_token
        if token and self._has_new_refresh_token:
            # A failure leaves an unused token at Zoho, one of the twenty that it keeps.
            with suppress(ProblemError):
                await revoke_refresh_token(self._http, data_center_of(obtained.org), token)

    async def _check_org(self, preview: SignInPreview) -> None:
        """Raise a `ProblemError` if the org number or the keyring entry shows that this is the wrong org.

        The tokens are then discarded, so that a retry needs another consent.
        """
        org, number = preview.org, _org_number(preview)
        try:
            await self._stores.check_is_own(org, number)
            if number is not None:
                await self._check_org_number(org, number)
        except ProblemError:
            obtained, self._obtained = self._obtained, None
            if obtained:
                await self._revoke(obtained)
            raise

    async def _check_org_number(self, org: Org, number: str) -> None:
        stores, own_name = self._stores, self._original.name if self._original else None
        for other in stores.config.load().orgs:
            if other.name != own_name and await stores.known_org_number(other) == number:
                raise ProblemError(already_watched_problem(number, other.name))
        if self._original is None or org.org_number == number:
            return  # a new org, or the one whose number is in its config
        before = await stores.known_org_number(self._original)
        if before is not None and before != number:
            raise ProblemError(other_org_problem(org.name, before, number))

    @property
    def _has_new_refresh_token(self) -> bool:
        """Whether Zoho issues a new refresh token in a sign-in by this method."""
        return self._method in ("code", "device", "browser")

    async def _client_secret(self, typed: str | None, client_from: str | None) -> Secret:
        if typed is not None:
            return _checked_secret(typed, "client secret")
        sign_in = None
        if client_from is not None:
            # A secret must only go to the host that it was typed for.
            other = find_org(self._stores.config.load(), client_from)
            if data_center_of(other) == data_center_of(self._org):
                sign_in = await self._stores.credentials.read_sign_in(other)
        if sign_in is None:
            raise ProblemError(NO_CLIENT_SECRET_PROBLEM)
        return sign_in.client_secret

    async def _get_tokens(
        self,
        client: OAuthClient,
        code_or_token: Secret,
        on_progress: Callable[[SignInProgress], None],
        verify: bool,
    ) -> _ObtainedTokens:
        org, dc = self._org, data_center_of(self._org)
        if self._has_new_refresh_token:
            consent = await self._get_consent(client, dc, code_or_token, on_progress)
            if org.data_center != CUSTOM_DATA_CENTER:  # the data center that Zoho reported
                org = replace(org, data_center=consent.data_center.key)
            return _ObtainedTokens(org, consent.sign_in, consent.access, consent.scopes)
        refresh_token = None
        if self._method == "refresh-token":
            refresh_token = _checked_secret(code_or_token.reveal(), "refresh token")
        sign_in = SignInCredentials(client.client_secret, refresh_token)
        if not verify:
            return _ObtainedTokens(org, sign_in, None)
        on_progress(RequestingFromZoho("for an access token"))
        return _ObtainedTokens(org, sign_in, await self._tokens.request_access_token(org, sign_in))

    async def _get_consent(
        self,
        client: OAuthClient,
        dc: DataCenter,
        code_or_token: Secret,
        on_progress: Callable[[SignInProgress], None],
    ) -> ConsentResult:
        http, clock, stop = self._http, self._clock, self._stop
        async with self._tokens.respecting_lockout(client_lockout_key(client.client_id, dc), dc):
            match self._method:
                case "device":
                    return await sign_in_by_device(
                        http, client, dc, clock, stop, on_progress, self._min_device_poll_interval
                    )
                case "browser":
                    return await sign_in_by_browser(http, client, dc, clock, stop, on_progress, self._port)
                case _:
                    return await self._exchange_code(client, dc, code_or_token, on_progress)

    async def _exchange_code(
        self,
        client: OAuthClient,
        dc: DataCenter,
        code: Secret,
        on_progress: Callable[[SignInProgress], None],
    ) -> ConsentResult:
        check_code_format(code.reveal())
        await self._tokens.claim_code(code)
        on_progress(RequestingFromZoho("to exchange the code"))
        try:
            return await sign_in_by_code(self._http, client, dc, code, self._clock.now())
        except BaseException:
            await self._tokens.release_code(code)
            raise

    async def _preview_org(
        self, obtained: _ObtainedTokens, on_progress: Callable[[SignInProgress], None]
    ) -> SignInPreview:
        org, now = obtained.org, self._clock.now()
        if problem := missing_scope_problem(obtained.scopes):
            raise ProblemError(problem)
        if obtained.access is None:
            return SignInPreview(org, None, None)
        self._stop.raise_if_requested()
        on_progress(RequestingFromZoho("for the backup"))
        observation = await fetch_details(self._http, obtained.access, org.data_center, now)
        self._stop.raise_if_requested()
        # Without the history, the verdict on the org would be incomplete.
        extras = await fetch_history_and_links(self._http, obtained.access, org.data_center, now)
        observation = replace(observation, history_and_links=extras)
        self._stop.raise_if_requested()
        on_progress(RequestingFromZoho("whose org it is"))
        company: Company | Problem | None
        try:
            company = await fetch_company(self._http, obtained.access, org.data_center, now)
        except ProblemError as error:
            company = error.problem  # only the company's name is missing then
        return SignInPreview(org, observation, company)


def _snapshot_after_sign_in(preview: SignInPreview, before: Snapshot | None, clock: Clock) -> Snapshot:
    """Return the org's snapshot with the result of the sign-in added.

    `before` is the earlier snapshot of the same org; None if there is none.
    """
    known = before or Snapshot(preview.org)
    if preview.observation is None:
        return known
    company = preview.company if isinstance(preview.company, Company) else None
    observation = replace(
        preview.observation, company=company, company_requested=not isinstance(preview.company, Problem)
    )
    return apply_observation(known, observation, clock.now())


def _org_number(preview: SignInPreview) -> str | None:
    """Return the org number that the sign-in found, or else the one in the config; None if unknown."""
    known = preview.company.org_number if isinstance(preview.company, Company) else None
    return known or preview.org.org_number


def _checked_secret(typed: str, what: str) -> Secret:
    if wrong := wrong_secret_text(what, typed):
        raise ProblemError(Problem("config", wrong, "Copy it whole, and nothing else with it."))
    return Secret(typed)
