"""Browser sign-in: the consent page, the redirect back, and the hosts that may get the code."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from tests.support.fake_clock import START, FakeClock
from tests.support.simulator import FakeBrowser
from tests.zoho.canned_responses import CannedApp, json_response
from tests.zoho.flow_samples import (
    CLIENT,
    EU,
    TOKEN_ANSWER,
    TOKEN_PATH,
    ShownProgress,
    assert_no_secret_in,
    problem_of,
)
from tests.zoho.test_loopback import taken_port
from zbtui.clock import StoppedError, StopSignal
from zbtui.model.org import CUSTOM_DATA_CENTER
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage
from zbtui.zoho.http import HttpClient
from zbtui.zoho.sign_in import ConsentResult, sign_in_by_browser
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter
from zbtui.zoho_api.errors import SIGN_IN_SCOPES

PORTAL = DataCenter(CUSTOM_DATA_CENTER, "https://accounts.portal.example", "https://api.portal.example")
CODE_BACK = {"code": "1000.c0de.x", "location": "eu", "accounts-server": "https://accounts.zoho.eu"}


class BrowserFlow:
    """A sign-in that waits for the browser, with the shown page and the requests to Zoho."""

    def __init__(self, dc: DataCenter, answer: object, port: int) -> None:
        self.clock = FakeClock()
        self.stop = StopSignal(self.clock)
        self.shown = ShownProgress()
        self.app = CannedApp({TOKEN_PATH: [json_response(answer)]})
        self.http = HttpClient(self.app)
        self._dc, self._port = dc, port
        self._begun = asyncio.Event()
        self.running = asyncio.create_task(self._run())
        self.running.add_done_callback(lambda _: self._begun.set())

    @property
    def page(self) -> ConsentPage:
        (page,) = self.shown.progress
        assert isinstance(page, ConsentPage)
        return page

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.page.url).query, strict_parsing=True))

    async def until_shown(self) -> None:
        """Wait until the page is shown, or the sign-in ends without one."""
        await self._begun.wait()

    async def come_back(self, **query: str) -> httpx.Response:
        """Open the redirect address as the browser does, with the state of the page."""
        sent = urlencode({"state": self.query["state"]} | query)
        return await FakeBrowser().open(f"{self.page.redirect_uri}?{sent}")

    async def _run(self) -> ConsentResult:
        return await sign_in_by_browser(
            self.http, CLIENT, self._dc, self.clock, self.stop, self._show, self._port
        )

    def _show(self, page: ConsentPage) -> None:
        self.shown(page)
        self._begun.set()


@asynccontextmanager
async def waiting(
    dc: DataCenter = EU, answer: object = TOKEN_ANSWER, port: int = 0
) -> AsyncIterator[BrowserFlow]:
    flow = BrowserFlow(dc, answer, port)
    async with flow.http:
        await flow.until_shown()
        yield flow
        flow.stop.request()
        await asyncio.gather(flow.running, return_exceptions=True)


# The page


async def test_the_page_asks_for_offline_access_with_a_prompt_a_state_and_pkce() -> None:
    async with waiting() as flow:
        query = flow.query
        assert {key: query[key] for key in sorted(query) if key not in ("state", "code_challenge")} == {
            "access_type": "offline",
            "client_id": "1000.ACME",
            "code_challenge_method": "S256",
            "prompt": "consent",
            "redirect_uri": flow.page.redirect_uri,
            "response_type": "code",
            "scope": SIGN_IN_SCOPES,
        }
        assert len(query["state"]) >= 32
        assert re.fullmatch(r"[\w-]{43}", query["code_challenge"], re.ASCII)
        assert re.fullmatch(r"http://localhost:[0-9]+/", flow.page.redirect_uri)
        assert flow.page.expires_at == START + timedelta(minutes=5)


async def test_state_and_challenge_are_new_each_time() -> None:
    async with waiting() as first, waiting() as second:
        assert first.query["state"] != second.query["state"]
        assert first.query["code_challenge"] != second.query["code_challenge"]


@pytest.mark.parametrize(
    ("dc", "begins"),
    [
        (DATA_CENTERS["us"], "https://accounts.zoho.com"),
        (DATA_CENTERS["eu"], "https://accounts.zoho.com"),
        (DATA_CENTERS["in"], "https://accounts.zoho.com"),
        (DATA_CENTERS["cn"], "https://accounts.zoho.com.cn"),
        (PORTAL, "https://accounts.portal.example"),
    ],
    ids=lambda value: value.key if isinstance(value, DataCenter) else "",
)
async def test_everybody_begins_at_the_first_data_center_but_for_china_and_portals(
    dc: DataCenter, begins: str
) -> None:
    async with waiting(dc) as flow:
        assert flow.page.url.startswith(f"{begins}/oauth/v2/auth?")


# The redirect back


async def test_the_code_is_exchanged_with_the_same_redirect_address_and_the_verifier() -> None:
    async with waiting() as flow:
        await flow.come_back(**CODE_BACK)
        granted = await flow.running
        (asked,) = flow.app.requests
        form = asked.form
        verifier = form.pop("code_verifier")
        assert form == {
            "grant_type": "authorization_code",
            "client_id": "1000.ACME",
            "client_secret": "the-client-secret",
            "code": "1000.c0de.x",
            "redirect_uri": flow.page.redirect_uri,
        }
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        assert flow.query["code_challenge"] == digest.decode().rstrip("=")
        assert re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier)
        assert verifier not in repr(flow.shown.progress)
    assert (asked.method, asked.host, asked.query) == ("POST", "accounts.zoho.eu", "")
    assert granted.sign_in == SignInCredentials(Secret("the-client-secret"), Secret("1000.cc33.dd44"))
    assert granted.data_center == EU
    assert_no_secret_in(repr(granted))


async def test_the_port_is_closed_before_the_code_is_exchanged() -> None:
    async with waiting() as flow:
        port = httpx.URL(flow.page.redirect_uri).port
        refusals: list[bool] = []

        async def knock() -> None:
            try:
                await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                refusals.append(True)

        flow.app.during_request[TOKEN_PATH] = knock
        await flow.come_back(**CODE_BACK)
        await flow.running
    assert refusals == [True]


@pytest.mark.parametrize("key", sorted(DATA_CENTERS))
async def test_the_code_goes_to_where_the_person_lives_wherever_the_org_was_thought_to_be(key: str) -> None:
    dc = DATA_CENTERS[key]
    async with waiting(DATA_CENTERS["us"]) as flow:
        await flow.come_back(**CODE_BACK | {"location": key, "accounts-server": dc.accounts_url})
        granted = await flow.running
    assert granted.data_center == dc
    assert {f"https://{asked.host}" for asked in flow.app.requests} == {dc.accounts_url}


@pytest.mark.parametrize(
    ("location", "host"),
    [("in", "accounts.zoho.in"), ("atlantis", "accounts.zoho.eu"), ("", "accounts.zoho.eu")],
)
async def test_without_an_accounts_server_the_location_shows_or_else_what_the_org_is_set_to(
    location: str, host: str
) -> None:
    async with waiting() as flow:
        await flow.come_back(code="1000.c0de.x", **({"location": location} if location else {}))
        await flow.running
    assert [asked.host for asked in flow.app.requests] == [host]


@pytest.mark.parametrize(
    ("dc", "server"),
    [
        (EU, "https://accounts.evil.example"),
        (EU, "https://accounts.zoho.eu.evil.example"),
        (EU, "https://accounts.zoho.eu@evil.example"),
        (EU, "http://accounts.zoho.eu"),
        (EU, "https://accounts.zoho.eu:8443"),
        (EU, "https://accounts.zoho.eu/elsewhere"),
        (EU, "//accounts.zoho.eu"),
        (EU, "https://accounts.zoho.eu\x1b]52;c;"),
        (EU, "a" * 5000),
        (PORTAL, "https://accounts.zoho.eu"),
        (PORTAL, "https://accounts.portal.example.evil.example"),
    ],
    ids=str,
)
async def test_the_secret_is_never_sent_to_a_stranger_that_the_answer_names(
    dc: DataCenter, server: str
) -> None:
    async with waiting(dc) as flow:
        await flow.come_back(**CODE_BACK | {"accounts-server": server})
        problem = await problem_of(flow.running)
        assert flow.app.requests == []
    assert (problem.kind, problem.final) == ("auth", True)
    assert "not sent" in problem.hint
    assert (problem.message + problem.hint).isprintable()


async def test_an_org_with_urls_of_its_own_signs_in_at_them() -> None:
    async with waiting(PORTAL) as flow:
        await flow.come_back(code="1000.c0de.x", **{"accounts-server": "https://accounts.portal.example/"})
        granted = await flow.running
    assert granted.data_center == PORTAL
    assert [asked.host for asked in flow.app.requests] == ["accounts.portal.example"]


async def test_what_is_not_the_answer_does_not_end_the_sign_in() -> None:
    async with waiting() as flow:
        assert (await flow.come_back(state="guessed", code="1000.a.b")).status_code == 404
        assert (await flow.come_back(state="guessed", error="access_denied")).status_code == 404
        assert (await FakeBrowser().open(f"{flow.page.redirect_uri}favicon.ico")).status_code == 404
        assert not flow.running.done()
        await flow.come_back(**CODE_BACK)
        assert await flow.running
        assert [asked.form["code"] for asked in flow.app.requests] == ["1000.c0de.x"]


# Failures


@pytest.mark.parametrize(
    ("error", "says"),
    [
        ("access_denied", "refused in the browser"),
        ("invalid_scope", "scope"),
        ("invalid_client", "server-based"),
        ("something_new", "something_new"),
    ],
)
async def test_a_refusal_in_the_browser_is_shown_and_nothing_is_asked(error: str, says: str) -> None:
    async with waiting() as flow:
        await flow.come_back(error=error)
        problem = await problem_of(flow.running)
        assert flow.app.requests == []
    assert (problem.kind, problem.code) == ("auth", error)
    assert says in problem.message


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        ({"error": "invalid_code"}, "invalid_code", "too late"),
        ({"error": "invalid_client"}, "invalid_client", "server-based"),
        ({"error": "invalid_client_secret"}, "invalid_client_secret", "secret is wrong"),
        ({"error": "invalid_redirect_uri"}, "invalid_redirect_uri", "redirect"),
        ({"error": "redirect_uri_mismatch"}, "redirect_uri_mismatch", "redirect"),
        ({"error": "Access Denied"}, "Access Denied", "too many"),
        ({"access_token": "1000.aa11.bb22"}, "NO_REFRESH_TOKEN", "no refresh token"),
    ],
    ids=str,
)
async def test_each_refusal_of_the_exchange_says_what_is_wrong(
    answer: dict[str, str], code: str, says: str
) -> None:
    async with waiting(answer=answer) as flow:
        await flow.come_back(**CODE_BACK)
        problem = await problem_of(flow.running)
    assert problem.code == code
    assert says in problem.message


async def test_a_browser_that_does_not_come_back_within_five_minutes_is_shown() -> None:
    async with waiting() as flow:
        await flow.clock.advance(timedelta(minutes=4, seconds=59))
        assert not flow.running.done()
        await flow.clock.advance(2)
        problem = await problem_of(flow.running)
    assert "five minutes" in problem.message
    assert "another machine" in problem.hint


async def test_a_port_that_is_taken_is_reported_before_any_page_is_shown() -> None:
    with taken_port() as port:
        async with waiting(port=port) as flow:
            problem = await problem_of(flow.running)
    assert problem.kind == "config"
    assert flow.shown.progress == []


async def test_one_that_is_stopped_closes_the_port_and_asks_nothing() -> None:
    async with waiting() as flow:
        port = httpx.URL(flow.page.redirect_uri).port
        flow.stop.request()
        with pytest.raises(StoppedError):
            await flow.running
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    assert flow.app.requests == []
