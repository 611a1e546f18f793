"""The ways to the first tokens, one flow each ("Self client", "Devices", "Web apps"); without a screen.

Each asks for offline access and for consent, and refuses to end without a refresh token. The two
grants that need no flow, a refresh token that exists and client credentials, are
`oauth.request_access_token`.
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

from zbtui.clock import Clock, Stop
from zbtui.core.cadence import DEVICE_FLOOR
from zbtui.core.data_centers import DATA_CENTERS, DataCenter, is_of_accounts, trusted_accounts
from zbtui.core.explain import SCOPES, bad_answer, label
from zbtui.core.explain_sign_in import (
    NO_REFRESH_TOKEN,
    NOT_A_CODE,
    Step,
    explain_token,
)
from zbtui.core.org import CUSTOM
from zbtui.core.progress import BrowserPage, DeviceCode
from zbtui.core.secret import AccessToken, Client, Secret, SignIn, fits_header
from zbtui.core.text import clean
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.zoho.http import Http
from zbtui.zoho.loopback import Callback, Loopback
from zbtui.zoho.oauth import Tokens, count_of, parse_object, parse_tokens, request_tokens

BROWSER_PATIENCE: Final = timedelta(minutes=5)
"""How long the person has to come back from the browser."""
_CODE: Final = re.compile(r"1000\.[0-9A-Za-z-]{1,200}\.[0-9A-Za-z-]{1,200}")
_DEFAULT_LIFE: Final = timedelta(minutes=5)
_LONGEST_LIFE: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Granted:
    """What a person's consent gave."""

    data_center: DataCenter
    """Where the person's org lives: not always the one that was asked first."""
    sign_in: SignIn
    access: AccessToken
    scopes: frozenset[str] | None
    """What the consent covers; None: the answer does not tell."""


# Self client: a code from the API console


def check_code(code: str) -> None:
    """Tells a text that never was a code from one that came too late; nothing is asked.

    Raises:
        TroubleError: it has not the shape of a code.
    """
    if not _CODE.fullmatch(code):
        raise TroubleError(NOT_A_CODE)


async def sign_in_by_code(
    http: Http, client: Client, dc: DataCenter, code: Secret, now: datetime
) -> Granted:
    """Exchange a self client's grant code, at once.

    Raises:
        TroubleError: the code, the client or the consent is of no use.
    """
    check_code(code.reveal())
    return await _exchange(http, client, dc, code, now, "code", {})


async def _exchange(
    http: Http,
    client: Client,
    dc: DataCenter,
    code: Secret,
    now: datetime,
    step: Step,
    more: Mapping[str, str],
) -> Granted:
    form = {
        "grant_type": "authorization_code",
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "code": code.reveal(),
        **more,
    }
    return _granted(await request_tokens(http, dc, form, now, step), client, dc)


def _granted(tokens: Tokens, client: Client, dc: DataCenter) -> Granted:
    if tokens.refresh_token is None:
        raise TroubleError(NO_REFRESH_TOKEN)
    sign_in = SignIn(client.client_secret, tokens.refresh_token)
    return Granted(dc, sign_in, tokens.access, tokens.scopes)


# Non-browser client: a code to enter anywhere


@dataclass(frozen=True, slots=True)
class _Device:
    """The flow's own side of a device code."""

    code: Secret
    dc: DataCenter
    """Where to poll."""
    interval: timedelta


async def sign_in_by_device(
    http: Http,
    client: Client,
    dc: DataCenter,
    clock: Clock,
    stop: Stop,
    tell: Callable[[DeviceCode], None],
    floor: timedelta = DEVICE_FLOOR,
) -> Granted:
    """Ask for a code, have it told, and poll until the person has decided.

    Args:
        tell: called with the code, and again before each poll.
        floor: the shortest pause between two polls.

    Raises:
        TroubleError: refused, run out, or whatever keeps the tokens from being of use.
        StoppedError: by `stop`.
    """
    shown, device = await _request_device_code(http, client.client_id, dc, clock.now(), floor)
    while True:
        pause = device.interval.total_seconds()
        shown = replace(shown, next_poll=clock.now() + device.interval)
        tell(shown)
        await stop.wait(pause)
        if clock.now() >= shown.expires_at + device.interval:
            raise TroubleError(explain_token("expired", None, dc.key, "device"))
        outcome = await _poll_device(http, client, device, clock.now())
        if isinstance(outcome, Granted):
            return outcome
        device, shown = outcome, replace(shown, polls=shown.polls + 1)


async def _request_device_code(
    http: Http, client_id: str, dc: DataCenter, now: datetime, floor: timedelta
) -> tuple[DeviceCode, _Device]:
    form = {
        "client_id": client_id,
        "grant_type": "device_request",
        "scope": SCOPES,
        "access_type": "offline",
        "prompt": "consent",
    }
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v3/device/code", form=form)
    answer = parse_object(reply, dc)
    if isinstance(error := answer.get("error"), str) and error:
        with reply.refusing(now):
            raise TroubleError(explain_token(error, reply.status, dc.key, "device"))
    user_code, code, url = (answer.get(key) for key in ("user_code", "device_code", "verification_url"))
    if not (
        isinstance(user_code, str) and clean(user_code) and isinstance(code, str) and fits_header(code)
    ):
        raise TroubleError(bad_answer("holds no code to enter", reply.status))
    if not (isinstance(url, str) and is_of_accounts(url, dc)):
        raise TroubleError(bad_answer("sends you to a page that is not Zoho's", reply.status))
    complete = answer.get("verification_uri_complete")
    life = _span(answer.get("expires_in")) or _DEFAULT_LIFE
    interval = max(_span(answer.get("interval")) or floor, floor)
    shown = DeviceCode(
        clean(user_code, 40),
        url,
        complete if isinstance(complete, str) and is_of_accounts(complete, dc) else None,
        now + min(life, _LONGEST_LIFE),
        now + interval,
    )
    return shown, _Device(Secret(code), dc, min(interval, _LONGEST_LIFE))


def _span(value: object) -> timedelta | None:
    """Milliseconds by Zoho's documentation; a value that small must be seconds."""
    number = count_of(value)
    if number is None:
        return None
    return timedelta(milliseconds=number) if number > 1000 else timedelta(seconds=number)


async def _poll_device(http: Http, client: Client, device: _Device, now: datetime) -> Granted | _Device:
    """One poll: the tokens, or how to go on."""
    dc = device.dc
    form = {
        "client_id": client.client_id,
        "client_secret": client.client_secret.reveal(),
        "grant_type": "device_token",
        "code": device.code.reveal(),
    }
    try:
        reply = await http.send("POST", f"{dc.accounts_url}/oauth/v3/device/token", form=form)
        answer = parse_object(reply, dc)
        match answer.get("error"):
            case "authorization_pending":
                return device
            case "slow_down":
                return replace(device, interval=device.interval + timedelta(seconds=5))
            case "other_dc":
                return replace(device, dc=_other_data_center(answer, dc))
        return _granted(parse_tokens(answer, reply.status, dc, now, "device"), client, dc)
    except TroubleError as error:
        if error.trouble.kind in ("network", "server", "contract") or error.trouble.http_status == 429:
            return device  # the code is still good, whatever stood between: ask again
        raise


def _other_data_center(answer: Mapping[str, Any], dc: DataCenter) -> DataCenter:
    told = answer.get("user_location") or answer.get("dc")
    key = clean(told, 20).lower() if isinstance(told, str) else ""
    other = DATA_CENTERS.get(key)
    if other is None or dc.key == CUSTOM:
        raise TroubleError(
            Trouble(
                "auth",
                f"This user's org is in another data center ({label(key) or 'not named'}).",
                f"Sign in with that one; it is set to {label(dc.key)}.",
                "other_dc",
                final=True,
            )
        )
    return other


# Server-based client: a page in the browser, and its answer to a port of this machine


async def sign_in_by_browser(
    http: Http,
    client: Client,
    dc: DataCenter,
    clock: Clock,
    stop: Stop,
    tell: Callable[[BrowserPage], None],
    port: int,
) -> Granted:
    """Have the consent page opened, take the browser's answer on the loopback, exchange it at once.

    Args:
        tell: called once, with the page to open.
        port: of this machine's loopback; part of the redirect URI that is registered.

    Raises:
        TroubleError: refused, not answered, or whatever keeps the tokens from being of use.
        StoppedError: by `stop`.
    """
    state, verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
    async with Loopback(port, state, stop.wake) as loopback:
        page = _consent_page(client.client_id, dc, loopback.redirect_uri, state, verifier, clock.now())
        tell(page)
        while loopback.callback is None:
            left = (page.expires_at - clock.now()).total_seconds()
            if left <= 0:
                raise TroubleError(_NOBODY_CAME)
            await stop.wait(left)
    code, at = read_callback(loopback.callback, dc)
    more = {"redirect_uri": page.redirect_uri, "code_verifier": verifier}
    return await _exchange(http, client, at, code, clock.now(), "browser", more)


def _consent_page(
    client_id: str, dc: DataCenter, redirect_uri: str, state: str, verifier: str, now: datetime
) -> BrowserPage:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    query = {
        "response_type": "code",
        "client_id": client_id,
        "scope": SCOPES,
        "redirect_uri": redirect_uri,
        "access_type": "offline",
        "prompt": "consent",
        "state": state,
        # Documented for mobile and desktop clients; one that does not know them passes over them.
        "code_challenge": challenge.decode(),
        "code_challenge_method": "S256",
    }
    # Everybody may begin at the first one, except in China: the answer tells where the person lives.
    first = dc if dc.key in (CUSTOM, "cn") else DATA_CENTERS["us"]
    url = f"{first.accounts_url}/oauth/v2/auth?{urlencode(query)}"
    return BrowserPage(url, redirect_uri, now + BROWSER_PATIENCE)


def read_callback(callback: Callback, dc: DataCenter) -> tuple[Secret, DataCenter]:
    """The code, and the data center that it may be exchanged at.

    Raises:
        TroubleError: a refusal, or a host that no secret may go to.
    """
    if callback.code is None:
        raise TroubleError(explain_token(callback.error or "access_denied", None, dc.key, "browser"))
    named = callback.accounts_server
    if named is None:
        return callback.code, DATA_CENTERS.get(callback.location or "", dc) if dc.key != CUSTOM else dc
    trusted = trusted_accounts(named, dc)
    if trusted is None:
        raise TroubleError(
            Trouble(
                "auth",
                f"The browser's answer names an accounts host that is not Zoho's: {clean(named, 60)}.",
                "The secret was not sent there. Start again; for a custom data center, check accounts_url.",
                final=True,
            )
        )
    return callback.code, trusted


_NOBODY_CAME: Final = Trouble(
    "auth",
    "The browser did not come back within five minutes.",
    "Start again. A browser on another machine cannot come back here: use device or code instead.",
    final=True,
)
