"""Targets: the answers of an accounts host, what the browser brings, and the hosts that they name."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import urlencode, urlsplit

import httpx

from tests.core.build import NOW
from tests.fuzz.hostile import BODIES, TEXTS
from tests.fuzz.samples import answers
from tests.fuzz.target import Target, answer_of, check_text, check_trouble, json_of, text_of, troubled
from tests.watch.scene import HastyClock
from tests.zoho.canned import Canned, InTurn, canned
from tests.zoho.flows import CLIENT, DEVICE_CODE_PATH, DEVICE_TOKEN_PATH, GRANTED, TOLD
from zbtui.clock import Stop
from zbtui.core.data_centers import (
    DATA_CENTERS,
    DataCenter,
    check_custom_url,
    check_webhook_url,
    is_loopback,
    is_of_accounts,
    trusted_accounts,
    trusted_api_url,
)
from zbtui.core.explain_sign_in import explain_token, lacks_scope
from zbtui.core.org import CUSTOM
from zbtui.core.progress import DeviceCode
from zbtui.core.qr import qr_lines
from zbtui.core.secret import Secret, fits_header
from zbtui.core.trouble import TroubleError
from zbtui.zoho.client import fetch_zohos_time
from zbtui.zoho.http import Http, Reply
from zbtui.zoho.loopback import Loopback
from zbtui.zoho.oauth import count_of, parse_object, parse_tokens, revoke
from zbtui.zoho.signin import check_code, read_callback, sign_in_by_device

EU: Final = DATA_CENTERS["eu"]
PORTAL: Final = DataCenter(CUSTOM, "https://accounts.portal.example", "https://api.portal.example:8443/crm")
LOCAL: Final = DataCenter(CUSTOM, "http://127.0.0.1:8000/eu", "http://127.0.0.1:8000/eu")
_ACCOUNTS: Final = frozenset(urlsplit(dc.accounts_url).hostname for dc in DATA_CENTERS.values())
_API: Final = frozenset(
    f"{prefix}.{(urlsplit(dc.api_url).hostname or '').removeprefix('www.')}"
    for dc in DATA_CENTERS.values()
    for prefix in ("www", "sandbox", "developer")
)
_STATE: Final = "the-state"
_TAGS: Final = 9
"""Of the page that the browser is given."""


def check_api_url(url: str, dc: DataCenter) -> None:
    """That a token which is sent to it, as the HTTP client reads it, goes to a host that may have it."""
    parsed = httpx.URL(url + "/crm/bulk/v7/backup")
    assert parsed.userinfo == b""
    if dc is EU:
        assert (parsed.scheme, parsed.port, parsed.host in _API) == ("https", None, True), url
    elif dc is PORTAL:
        assert (parsed.scheme, parsed.host, parsed.port) == ("https", "api.portal.example", 8443), url
    else:
        assert is_loopback(str(parsed)), url


def read_tokens(data: bytes) -> None:
    status, body = answer_of(data)
    for dc in (EU, PORTAL, LOCAL):
        with troubled():
            tokens = parse_tokens(parse_object(Reply(status, {}, body), dc), status, dc, NOW, "refresh")
            check_api_url(tokens.access.api_url, dc)
            assert fits_header(tokens.access.token.reveal())
            assert tokens.refresh_token is None or fits_header(tokens.refresh_token.reveal())
            assert NOW < tokens.access.expires_at <= NOW + timedelta(days=1)
            if trouble := lacks_scope(tokens.scopes):
                check_trouble(trouble)


def read_numbers(data: bytes) -> None:
    """A number of an accounts host's, as its JSON is read."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    number = count_of(value)
    assert number is None or timedelta() < timedelta(milliseconds=number) or number < 0.001


@lru_cache(maxsize=100)
def _draw_code(url: str) -> None:
    """Takes longer than all else here."""
    check_text(*qr_lines(url))


def read_device_answers(data: bytes) -> None:
    """The answer to who asks for a code, and that to the first poll, parted by an empty line."""
    first, _, second = data.partition(b"\n\n")
    told, polled = (Canned(*answer_of(part)) for part in (first, second))
    app = InTurn({DEVICE_CODE_PATH: [told], DEVICE_TOKEN_PATH: [polled, canned(GRANTED)]})
    clock = HastyClock()

    def show(code: DeviceCode) -> None:
        check_text(code.user_code, code.url, code.complete_url)
        assert code.user_code
        for url in filter(None, (code.url, code.complete_url)):
            assert httpx.URL(url).host in _ACCOUNTS and httpx.URL(url).scheme == "https"
            _draw_code(url)
        assert NOW < code.expires_at <= NOW + timedelta(minutes=30)

    async def flow() -> None:
        async with Http(app) as http:
            granted = await sign_in_by_device(http, CLIENT, EU, clock, Stop(clock), show)
        check_api_url(granted.access.api_url, EU)

    with troubled():
        asyncio.run(flow())
    assert all(asked.host in _ACCOUNTS for asked in app.asked)
    assert len(app.asked) <= 3


def read_browser(data: bytes) -> None:
    """All that comes to the port of this machine, whole; and where the code would be exchanged."""
    woken: list[bool] = []

    async def serve() -> Loopback:
        loopback = Loopback(0, _STATE, lambda: woken.append(True))
        async with loopback:
            port = urlsplit(loopback.redirect_uri).port
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            page = b""
            with suppress(ConnectionError):  # what is too long is not heard to its end
                writer.write(data)
                writer.write_eof()
                page = await reader.read()
            writer.close()
        assert not page or page.count(b"<") == _TAGS, "the page is ours, with nothing in it of what came"
        return loopback

    callback = asyncio.run(serve()).callback
    assert bool(woken) is (callback is not None)
    if callback is None:
        return
    check_text(callback.error)
    for dc in (EU, PORTAL):
        with troubled():
            code, at = read_callback(callback, dc)
            assert fits_header(code.reveal())
            assert at in DATA_CENTERS.values() if dc is EU else at is PORTAL


def read_revoked(data: bytes) -> None:
    app = Canned(*answer_of(data))

    async def ask() -> None:
        async with Http(app) as http:
            try:
                await revoke(http, EU, Secret("1000.aa.bb"))
            except TroubleError as error:
                check_trouble(error.trouble)
            with troubled():
                await fetch_zohos_time(http, EU)

    asyncio.run(ask())


def read_addresses(data: bytes) -> None:
    """An address from an answer, the redirect or the config."""
    url = text_of(data)
    for dc in (EU, PORTAL, LOCAL):
        check_api_url(trusted_api_url(url, dc), dc)
        at = trusted_accounts(url, dc)
        assert at is None or at is dc or (dc is EU and at in DATA_CENTERS.values())
        if is_of_accounts(url, dc):
            own = httpx.URL(dc.accounts_url)
            parsed = httpx.URL(url)
            assert parsed.userinfo == b""
            assert (parsed.host, parsed.port) == (own.host, own.port) or (
                dc is EU and parsed.host in _ACCOUNTS
            )
    is_loopback(url)
    for check in (check_custom_url, check_webhook_url):
        if wrong := check(url):
            check_text(wrong)
        else:
            parsed = httpx.URL(url)
            assert parsed.userinfo == b"" and parsed.host
            assert parsed.scheme == "https" or is_loopback(url)


def read_codes(data: bytes) -> None:
    with troubled():
        check_code(text_of(data))
    value = json_of(data)
    error = value if isinstance(value, str) else text_of(data)
    for step in ("refresh", "client-credentials", "code", "device", "browser"):
        if error.strip():
            check_trouble(explain_token(error, 200, "custom", step))


def _callback(**query: str) -> bytes:
    target = urlencode({"state": _STATE, **query})
    return f"GET /?{target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _both(told: object, polled: object) -> bytes:
    return b"\n\n".join(b"200\n" + json.dumps(one).encode() for one in (told, polled))


_TOKENS: Final = (
    GRANTED,
    {"error": "invalid_code"},
    {**GRANTED, "expires_in_sec": 3600, "expires_in": 3.6e6},
)
TARGETS: Final[dict[str, Target]] = {
    "tokens": Target(
        read_tokens,
        (
            *answers()["token"],
            *(b"200\n" + json.dumps(one).encode() for one in _TOKENS),
            *(b"400\n" + body for body in BODIES if len(body) < 1000),
        ),
    ),
    "numbers": Target(read_numbers, (b"3600", b"3600000.5", b"1e400", b"true", b"-1")),
    "device": Target(
        read_device_answers,
        (
            _both(TOLD, GRANTED),
            _both(TOLD, {"error": "authorization_pending"}),
            _both(TOLD, {"error": "slow_down"}),
            _both(TOLD, {"error": "other_dc", "user_location": "in"}),
            _both({"error": "invalid_client"}, {}),
        ),
    ),
    "browser": Target(
        read_browser,
        (
            _callback(code="1000.aa.bb", location="eu", **{"accounts-server": "https://accounts.zoho.eu"}),
            _callback(code="1000.aa.bb", **{"accounts-server": "https://accounts.zoho.eu@evil.example"}),
            _callback(error="access_denied"),
            _callback(code="1000.aa.bb", location="\x1b[2J"),
            b"POST / HTTP/1.1\r\n\r\n",
            b"GET //[::1/?state=the-state HTTP/1.1\r\n\r\n",
        ),
    ),
    "revoked": Target(read_revoked, (b'200\n{"status":"success"}', b'400\n{"error":"invalid"}', b"404\n")),
    "addresses": Target(
        read_addresses,
        tuple(
            text.encode("utf-8", "surrogatepass")
            for text in (
                *(url for dc in (EU, PORTAL, LOCAL) for url in (dc.accounts_url, dc.api_url)),
                *(text for text in TEXTS if text.startswith("http")),
                "https://hooks.example/x?y",
            )
        ),
    ),
    "codes": Target(read_codes, (b"1000.aa.bb", b"invalid_code", b"Access Denied", b'"\\u001b[2J"')),
}
