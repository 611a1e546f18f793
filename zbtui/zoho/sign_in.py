"""The sign-in flows that get an org's first tokens (Zoho's pages "Self client", "Devices", "Web apps").

The device and browser flows request offline access and consent. Each flow fails if Zoho sends no refresh
token. The sign-in methods refresh token and client credentials need no flow: their first access token
comes from `oauth.request_access_token`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from zbtui.clock import Clock, StopSignal
from zbtui.health.poll_schedule import MIN_DEVICE_POLL_INTERVAL
from zbtui.model.org import CUSTOM_DATA_CENTER
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, OAuthClient, Secret, SignInCredentials, is_header_safe
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode
from zbtui.model.text import clean
from zbtui.zoho.http import HttpClient
from zbtui.zoho.loopback import LoopbackServer, OAuthCallback
from zbtui.zoho.oauth import (
    TokenResponse,
    parse_accounts_response,
    parse_token_response,
    positive_number,
    post_token_form,
)
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter, is_accounts_url, trusted_data_center
from zbtui.zoho_api.errors import SIGN_IN_SCOPES, contract_problem, data_center_label
from zbtui.zoho_api.sign_in_errors import (
    MALFORMED_CODE_PROBLEM,
    NO_REFRESH_TOKEN_PROBLEM,
    TokenStep,
    token_problem,
)

BROWSER_TIMEOUT: Final = timedelta(minutes=5)
"""The time that the user has for the consent in the browser."""
_CODE_FORMAT: Final = re.compile(r"1000\.[0-9A-Za-z-]{1,200}\.[0-9A-Za-z-]{1,200}")
_DEFAULT_CODE_LIFETIME: Final = timedelta(minutes=5)
_MAX_CODE_LIFETIME: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class ConsentResult:
    """The tokens that Zoho issued after the user's consent."""

    data_center: DataCenter
    """The user's data center, which may differ from the data center at which the flow began."""
    sign_in: SignInCredentials
    access: AccessToken
    scopes: frozenset[str] | None
    """The granted scopes; None if Zoho's response does not name them."""


# Self client: a code from the API console


def check_code_format(code: str) -> None:
    """Raise a `ProblemError` if the text does not have the form of a grant code. No request is sent."""
    if not _CODE_FORMAT.fullmatch(code):
        raise ProblemError(MALFORMED_CODE_PROBLEM)


async def sign_in_by_code(
    http: HttpClient, client: OAuthClient, dc: DataCenter, code: Secret, now: datetime
) -> ConsentResult:
    """Exchange a self client's grant code for tokens. Raises a `ProblemError` if that fails."""
    check_code_format(code.reveal())
    return await _exchange_code(http, client, dc, code, now, "code", {})


async def _exchange_code(
    http: HttpClient,
    client: OAuthClient,
    dc: DataCenter,
    code: Secret,
    now: datetime,
    step: TokenStep,
    extra_fields: Mapping[str, str],
) -> ConsentResult:
    form = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "code": code.reveal(),
        **extra_fields,
    }
    return _consent_result(await post_token_form(http, dc, form, now, step), client, dc)


def _consent_result(tokens: TokenResponse, client: OAuthClient, dc: DataCenter) -> ConsentResult:
    if tokens.refresh_token is None:
        raise ProblemError(NO_REFRESH_TOKEN_PROBLEM)
    sign_in = SignInCredentials(client.client_secret, tokens.refresh_token)
    return ConsentResult(dc, sign_in, tokens.access, tokens.scopes)


# Non-browser client: the user enters a code on any device


@dataclass(frozen=True, slots=True)
class _DevicePolling:
    """The device code to poll for, the data center to poll, and the interval between polls."""

    code: Secret
    dc: DataCenter
    """The data center to poll."""
    interval: timedelta


async def sign_in_by_device(
    http: HttpClient,
    client: OAuthClient,
    dc: DataCenter,
    clock: Clock,
    stop: StopSignal,
    on_progress: Callable[[DeviceCode], None],
    min_interval: timedelta = MIN_DEVICE_POLL_INTERVAL,
) -> ConsentResult:
    """Request a device code, and poll Zoho until the user has entered the code and accepted or refused.

    `on_progress` shows the code; it is called before each pause, and a poll follows each pause. Raises a
    `ProblemError` if the user refuses, the code expires or the tokens are unusable, and a `StoppedError`
    once `stop` is requested.
    """
    shown, device = await _request_device_code(http, client.client_id, dc, clock.now(), min_interval)
    while True:
        pause = device.interval.total_seconds()
        shown = replace(shown, next_poll=clock.now() + device.interval)
        on_progress(shown)
        await stop.wait(pause)
        if clock.now() >= shown.expires_at + device.interval:
            raise ProblemError(token_problem("expired", None, dc.key, "device"))
        outcome = await _poll_device(http, client, device, clock.now())
        if isinstance(outcome, ConsentResult):
            return outcome
        device, shown = outcome, replace(shown, poll_count=shown.poll_count + 1)


async def _request_device_code(
    http: HttpClient, client_id: str, dc: DataCenter, now: datetime, min_interval: timedelta
) -> tuple[DeviceCode, _DevicePolling]:
    form = {
        "client_id": client_id,
        "grant_type": "device_request",
        "scope": SIGN_IN_SCOPES,
        "access_type": "offline",
        "prompt": "consent",
    }
    response = await http.send("POST", f"{dc.accounts_url}/oauth/v3/device/code", form=form)
    answer = parse_accounts_response(response, dc)
    if isinstance(error := answer.get("error"), str) and error:
        with response.adding_retry_after(now):
            raise ProblemError(token_problem(error, response.status, dc.key, "device"))
    user_code, code, url = (answer.get(key) for key in ("user_code", "device_code", "verification_url"))
    if not (
        isinstance(user_code, str) and clean(user_code) and isinstance(code, str) and is_header_safe(code)
    ):
        raise ProblemError(contract_problem("holds no code to enter", response.status))
    if not (isinstance(url, str) and is_accounts_url(url, dc)):
        raise ProblemError(contract_problem("sends you to a page that is not Zoho's", response.status))
    complete = answer.get("verification_uri_complete")
    lifetime = _parse_interval(answer.get("expires_in")) or _DEFAULT_CODE_LIFETIME
    interval = max(_parse_interval(answer.get("interval")) or min_interval, min_interval)
    shown = DeviceCode(
        clean(user_code, 40),
        url,
        complete if isinstance(complete, str) and is_accounts_url(complete, dc) else None,
        now + min(lifetime, _MAX_CODE_LIFETIME),
        now + interval,
    )
    return shown, _DevicePolling(Secret(code), dc, min(interval, _MAX_CODE_LIFETIME))


def _parse_interval(value: object) -> timedelta | None:
    """Parse a duration in Zoho's response with the device code; None if it is not a positive number.

    Zoho documents milliseconds, but a value up to 1000 is taken as seconds.
    """
    number = positive_number(value)
    if number is None:
        return None
    return timedelta(milliseconds=number) if number > 1000 else timedelta(seconds=number)


async def _poll_device(
    http: HttpClient, client: OAuthClient, device: _DevicePolling, now: datetime
) -> ConsentResult | _DevicePolling:
    """Poll Zoho once. Return the tokens, or the code, data center and interval of the next poll."""
    dc = device.dc
    form = {
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "grant_type": "device_token",
        "code": device.code.reveal(),
    }
    try:
        response = await http.send("POST", f"{dc.accounts_url}/oauth/v3/device/token", form=form)
        answer = parse_accounts_response(response, dc)
        match answer.get("error"):
            case "authorization_pending":
                return device
            case "slow_down":
                return replace(device, interval=device.interval + timedelta(seconds=5))
            case "other_dc":
                return replace(device, dc=_other_data_center(answer, dc))
        return _consent_result(parse_token_response(answer, response.status, dc, now, "device"), client, dc)
    except ProblemError as error:
        if error.problem.kind in ("network", "server", "contract") or error.problem.http_status == 429:
            return device  # the code is still valid: poll again
        raise


def _other_data_center(answer: Mapping[str, Any], dc: DataCenter) -> DataCenter:
    location = answer.get("user_location") or answer.get("dc")
    key = clean(location, 20).lower() if isinstance(location, str) else ""
    other = DATA_CENTERS.get(key)
    if other is None or dc.key == CUSTOM_DATA_CENTER:
        message = f"This user's org is in another data center ({data_center_label(key) or 'not named'})."
        hint = f"Sign in with that one; it is set to {data_center_label(dc.key)}."
        raise ProblemError(Problem("auth", message, hint, "other_dc", final=True))
    return other


# Server-based client: a page in the browser, and its callback to a local port


async def sign_in_by_browser(
    http: HttpClient,
    client: OAuthClient,
    dc: DataCenter,
    clock: Clock,
    stop: StopSignal,
    on_progress: Callable[[ConsentPage], None],
    port: int,
) -> ConsentResult:
    """Let `on_progress` open the consent page, wait for Zoho's redirect to this machine, exchange the code.

    `port` is the local port in the redirect URI that is registered for the OAuth client. Raises a
    `ProblemError` if the user refuses or takes too long, or the tokens are unusable, and a `StoppedError`
    once `stop` is requested.
    """
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    async with LoopbackServer(port, state, stop.wake) as loopback:
        page = _build_consent_page(
            client.client_id, dc, loopback.redirect_uri, state, verifier, clock.now()
        )
        on_progress(page)
        while loopback.callback is None:
            remaining = (page.expires_at - clock.now()).total_seconds()
            if remaining <= 0:
                raise ProblemError(_BROWSER_TIMED_OUT)
            await stop.wait(remaining)
    code, at = resolve_callback(loopback.callback, dc)
    extra_fields = {"redirect_uri": page.redirect_uri, "code_verifier": verifier}
    return await _exchange_code(http, client, at, code, clock.now(), "browser", extra_fields)


def _build_consent_page(
    client_id: str, dc: DataCenter, redirect_uri: str, state: str, verifier: str, now: datetime
) -> ConsentPage:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    query = {
        "response_type": "code",
        "client_id": client_id,
        "scope": SIGN_IN_SCOPES,
        "redirect_uri": redirect_uri,
        "access_type": "offline",
        "prompt": "consent",
        "state": state,
        # PKCE: documented for mobile and desktop clients; Zoho ignores it for others.
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    # Users of all data centers except China's can begin at the US one; the callback names their own.
    first = dc if dc.key in (CUSTOM_DATA_CENTER, "cn") else DATA_CENTERS["us"]
    url = f"{first.accounts_url}/oauth/v2/auth?{urlencode(query)}"
    return ConsentPage(url, redirect_uri, now + BROWSER_TIMEOUT)


def resolve_callback(callback: OAuthCallback, dc: DataCenter) -> tuple[Secret, DataCenter]:
    """Return the grant code in the callback, and the data center at which to exchange the code.

    Raises a `ProblemError` if the user refused, or the callback names a host that is not trusted.
    """
    if callback.code is None:
        raise ProblemError(token_problem(callback.error or "access_denied", None, dc.key, "browser"))
    named = callback.accounts_server
    if named is None:
        known = DATA_CENTERS.get(callback.location or "", dc)
        return callback.code, dc if dc.key == CUSTOM_DATA_CENTER else known
    trusted = trusted_data_center(named, dc)
    if trusted is None:
        message = f"The browser's answer names an accounts host that is not Zoho's: {clean(named, 60)}."
        hint = "The secret was not sent there. Start again; for a custom data center, check accounts_url."
        raise ProblemError(Problem("auth", message, hint, final=True))
    return callback.code, trusted


_BROWSER_TIMED_OUT: Final = Problem(
    "auth",
    "The browser did not come back within five minutes.",
    "Start again. A browser on another machine cannot come back here: use device or code instead.",
    final=True,
)
