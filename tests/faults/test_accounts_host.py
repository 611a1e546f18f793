"""Answers and redirects that lead to a foreign host: no secret goes there, and a problem is shown.

All calls go over TLS to the right host names, through a proxy on a real port that answers for every host.
A foreign host answers as Zoho does, so that a call that is led there succeeds and is recorded.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.faults.intercepting_proxy import InterceptingProxy
from tests.support.certificates import CertificateAuthority
from tests.support.faulty_server import FaultyServer, http_response, run_faulty_server, send_bytes
from tests.support.samples import make_job
from tests.watch.zoho_environment import InstantClock
from tests.zoho.canned_responses import full_error_text
from tests.zoho.flow_samples import (
    CLIENT,
    CODE,
    DEVICE_CODE_ANSWER,
    DEVICE_CODE_PATH,
    DEVICE_TOKEN_PATH,
    SECRETS,
    TOKEN_ANSWER,
    TOKEN_PATH,
)
from zbtui.clock import StopSignal
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.watch.session import Session
from zbtui.zoho.client import (
    DETAILS_PATH,
    HISTORY_PATH,
    LINKS_PATH,
    ORG_PATH,
    SERVER_INFO_PATH,
    fetch_company,
    fetch_details,
    fetch_server_time,
)
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import revoke_refresh_token
from zbtui.zoho.sign_in import ConsentResult, sign_in_by_browser, sign_in_by_code, sign_in_by_device
from zbtui.zoho_api.data_centers import DATA_CENTERS, data_center_of

REVOKE_PATH: Final = "/oauth/v2/token/revoke"
ACCOUNTS, API = "https://accounts.zoho.eu", "https://www.zohoapis.eu"
PORTAL_ACCOUNTS, PORTAL_API = "https://accounts.portal.example", "https://api.portal.example"
ORG: Final = Org("acme", "eu", "1000.ACME")
PORTAL: Final = Org("acme", "custom", "1000.ACME", accounts_url=PORTAL_ACCOUNTS, api_url=PORTAL_API)
NAMES: Final = [
    *(
        urlsplit(url).hostname or ""
        for dc in DATA_CENTERS.values()
        for url in (dc.accounts_url, dc.api_url)
    ),
    *("accounts.portal.example", "api.portal.example", "evil.example", "*.evil.example"),
    *("accounts.zoho.eu.evil.example", "www.zohoapis.eu.evil.example", "zohoapis.eu.evil.example"),
]
"""All hosts that a call could reach: Zoho's, the portal's and foreign ones."""
ACCOUNTS_HOSTS: Final = {urlsplit(dc.accounts_url).hostname for dc in DATA_CENTERS.values()} | {
    urlsplit(PORTAL_ACCOUNTS).hostname
}
REFRESH_TOKEN: Final = Secret(TOKEN_ANSWER["refresh_token"])
FOR_ACCOUNTS: Final = {"the-client-secret", "c0de", "cc33", "0f0f"}
FOR_API: Final = {"aa11"}
"""The secrets that may go to the accounts host, and those that may go to the API host."""
HERE: Final = "http://here"
"""A placeholder for the URL of a server on this machine that is not Zoho's."""


def lookalikes_of(host: str) -> tuple[str, ...]:
    """URLs that resemble one of `host`, and lead to another host or are not encrypted."""
    return (
        "https://evil.example",
        f"http://{host}",
        f"https://{host}@evil.example",
        f"https://{host}:x@evil.example",
        f"https://user@{host}",
        f"https://{host}.",
        f"https://{host}.evil.example",
        f"https://{host.partition('.')[2]}.evil.example",
        f"https://evil.example/{host}",
        f"https://evil.example#{host}",
        f"https://evil.example?{host}",
        f"https://{host}%00.evil.example",
        f"https://{host}%2eevil.example",
        f"https://{host}\\.evil.example",
        f"https://evil.example\\@{host}",
        f"https://{host}\t.evil.example",
        f"https://{host}\r\nHost: evil.example",
        f"https://{host}:8443",
        f"https://{host.replace('o', chr(0x43E))}",  # Cyrillic
        f"https://{host.replace('.', chr(0x3002))}",  # dots of another script
        f"//{host}",
        f"{HERE}/",
        "https://[::1",
        "",
    )


FAR: Final = "https://evil.example/next"
ELSEWHERE: Final = (
    f"{HERE}/next",
    "http://accounts.zoho.eu/next",
    "//evil.example/",
    "https://accounts.zoho.com/",
)
REDIRECTS: Final = (301, 302, 303, 307, 308)


# The flows


@dataclass
class FlowUnderTest:
    """The client and the intercepted hosts of one flow."""

    http: HttpClient
    hosts: InterceptingProxy
    here: FaultyServer
    org: Org
    back: Mapping[str, str]
    """Parameters of the browser's callback besides the state."""
    clock: InstantClock = field(default_factory=InstantClock)
    pages: list[str] = field(default_factory=list)
    """The URLs that a person was shown."""


async def watch(scene: FlowUnderTest) -> None:
    """Make a poll with all its calls, beginning with the refresh token."""
    credentials, journal = MemoryCredentialStore(), open_journal(None)
    await credentials.write_sign_in(scene.org, SignInCredentials(CLIENT.client_secret, REFRESH_TOKEN))
    session = Session(scene.org, scene.http, credentials, journal, scene.clock)
    try:
        observation = await session.poll(Snapshot(scene.org))
    finally:
        await journal.close()
    extras = observation.history_and_links
    if extras and (problem := extras.problem or extras.links_problem):
        raise ProblemError(problem)


async def by_code(scene: FlowUnderTest) -> None:
    dc, now = data_center_of(scene.org), scene.clock.now()
    await _use(scene, await sign_in_by_code(scene.http, CLIENT, dc, CODE, now))


async def by_device(scene: FlowUnderTest) -> None:
    def show(code: object) -> None:
        scene.pages += filter(
            None,
            (getattr(code, "verification_url", None), getattr(code, "verification_url_with_code", None)),
        )

    stop = StopSignal(scene.clock)
    granted = sign_in_by_device(scene.http, CLIENT, data_center_of(scene.org), scene.clock, stop, show)
    await _use(scene, await granted)


async def by_browser(scene: FlowUnderTest) -> None:
    shown: asyncio.Future[ConsentPage] = asyncio.get_running_loop().create_future()
    dc, clock = data_center_of(scene.org), scene.clock
    flow = asyncio.create_task(
        sign_in_by_browser(
            scene.http, CLIENT, dc, BrowserWaitingClock(), StopSignal(clock), shown.set_result, port=0
        )
    )
    page = await shown
    scene.pages.append(page.url)
    state = parse_qs(urlsplit(page.url).query)["state"][0]
    query = urlencode({"state": state, "code": CODE.reveal(), **scene.back})
    async with httpx.AsyncClient(trust_env=False) as browser:
        await browser.get(f"{page.redirect_uri}?{query}")
    await _use(scene, await flow)


async def end(scene: FlowUnderTest) -> None:
    await revoke_refresh_token(scene.http, data_center_of(scene.org), REFRESH_TOKEN)


async def ask_the_time(scene: FlowUnderTest) -> None:
    await fetch_server_time(scene.http, data_center_of(scene.org))


async def _use(scene: FlowUnderTest, granted: ConsentResult) -> None:
    now = scene.clock.now()
    await fetch_details(scene.http, granted.access, "eu", now)
    await fetch_company(scene.http, granted.access, "eu", now)


class BrowserWaitingClock(InstantClock):
    """A clock that waits for the browser."""

    async def wait(self, event: asyncio.Event, seconds: float | None) -> None:
        await event.wait()


# The table


@dataclass(frozen=True)
class HttpAnswer:
    """An answer of a host."""

    body: object = None
    """Sent as JSON; None: an empty body."""
    status: int = 200
    location: str | None = None

    def as_bytes(self, here: str) -> bytes:
        """The answer as bytes, with `here` in place of `HERE`."""
        body = "" if self.body is None else json.dumps(self.body)
        headers = [f"Location: {self.location}".replace(HERE, here)] if self.location else []
        return http_response(self.status, body.replace(HERE, here).encode(), *headers)


@dataclass(frozen=True)
class RedirectCase:
    """A flow, the answers that mislead it, and the expected problem."""

    does: Callable[[FlowUnderTest], Awaitable[None]]
    says: Mapping[str, HttpAnswer] = field(default_factory=dict)
    """The answers by path that replace those of `GOOD`."""
    back: Mapping[str, str] = field(default_factory=dict)
    message: str | None = None
    """A part of the problem's message; None: the flow succeeds, at the right host."""
    org: Org = ORG


GOOD: Final = {
    TOKEN_PATH: HttpAnswer(TOKEN_ANSWER),
    DEVICE_CODE_PATH: HttpAnswer(DEVICE_CODE_ANSWER),
    DEVICE_TOKEN_PATH: HttpAnswer(TOKEN_ANSWER),
    REVOKE_PATH: HttpAnswer({"status": "success"}),
    SERVER_INFO_PATH: HttpAnswer({"result": "success"}),
    DETAILS_PATH: HttpAnswer({"backup": make_job()}),
    HISTORY_PATH: HttpAnswer(status=204),
    LINKS_PATH: HttpAnswer(status=204),
    ORG_PATH: HttpAnswer({"org": [{"company_name": "Nordlys Tools AB"}]}),
}
NOT_FOLLOWED: Final = "it is not followed"
CALLS: Final[dict[str, tuple[Callable[[FlowUnderTest], Awaitable[None]], str | None]]] = {
    TOKEN_PATH: (watch, NOT_FOLLOWED),
    DETAILS_PATH: (watch, NOT_FOLLOWED),
    HISTORY_PATH: (watch, NOT_FOLLOWED),
    LINKS_PATH: (watch, NOT_FOLLOWED),
    ORG_PATH: (by_code, NOT_FOLLOWED),
    DEVICE_CODE_PATH: (by_device, NOT_FOLLOWED),
    # The device flow waits a redirect out, as the code is still valid.
    DEVICE_TOKEN_PATH: (by_device, "nobody entered it in time"),
    REVOKE_PATH: (end, NOT_FOLLOWED),
    SERVER_INFO_PATH: (ask_the_time, NOT_FOLLOWED),
}
"""By path: the flow that makes the call, and the message for a redirect of the call."""


def redirect_cases() -> Iterator[tuple[str, RedirectCase]]:
    for number, url in enumerate(lookalikes_of("www.zohoapis.eu")):
        said = HttpAnswer({**TOKEN_ANSWER, "api_domain": url})
        for flow in (watch, by_code, by_device, by_browser)[: 4 if number < 5 else 1]:
            yield (
                f"{flow.__name__}: api_domain {url!r}",
                RedirectCase(flow, {TOKEN_PATH: said, DEVICE_TOKEN_PATH: said}),
            )
    for url in lookalikes_of("accounts.zoho.eu"):
        page = HttpAnswer({**DEVICE_CODE_ANSWER, "verification_url": url})
        whole = HttpAnswer({**DEVICE_CODE_ANSWER, "verification_uri_complete": url})
        back = {"accounts-server": url}
        yield (
            f"browser: accounts-server {url!r}",
            RedirectCase(by_browser, back=back, message=url and "is not Zoho's"),
        )
        yield (
            f"device: verification_url {url!r}",
            RedirectCase(by_device, {DEVICE_CODE_PATH: page}, message="not Zoho's"),
        )
        yield (
            f"device: verification_uri_complete {url!r}",
            RedirectCase(by_device, {DEVICE_CODE_PATH: whole}),
        )
    for key in ("evil.example", "eu.evil.example", "eu@evil.example", "eu/../..", "eu.", "custom"):
        other = HttpAnswer({"error": "other_dc", "user_location": key})
        yield f"browser: location {key!r}", RedirectCase(by_browser, back={"location": key})
        yield (
            f"device: user_location {key!r}",
            RedirectCase(by_device, {DEVICE_TOKEN_PATH: other}, message="is in another data center"),
        )
    for path, (does, sentence) in CALLS.items():
        for status, url in (*((one, FAR) for one in REDIRECTS), *((307, one) for one in ELSEWHERE)):
            away = {path: HttpAnswer(status=status, location=url)}
            yield f"{status} of {path} to {url}", RedirectCase(does, away, message=sentence)
    # An org with hosts of its own trusts those, and none of Zoho's.
    for url in (*lookalikes_of("api.portal.example"), API):
        said = HttpAnswer({**TOKEN_ANSWER, "api_domain": url})
        yield f"portal: api_domain {url!r}", RedirectCase(watch, {TOKEN_PATH: said}, org=PORTAL)
    for url in (*filter(None, lookalikes_of("accounts.portal.example")), ACCOUNTS):
        back = {"accounts-server": url}
        case = RedirectCase(by_browser, back=back, message="is not Zoho's", org=PORTAL)
        yield f"portal: accounts-server {url!r}", case


REDIRECT_CASES: Final = dict(redirect_cases())


@pytest.fixture(scope="module")
def every_host(authority: CertificateAuthority) -> ssl.SSLContext:
    """TLS for a server that answers for every host."""
    return authority.server_context(*NAMES)


@asynccontextmanager
async def intercepted_flow(
    authority: CertificateAuthority,
    every_host: ssl.SSLContext,
    monkeypatch: pytest.MonkeyPatch,
    case: RedirectCase,
) -> AsyncIterator[FlowUnderTest]:
    """A flow whose calls all go to an `InterceptingProxy`."""
    async with run_faulty_server(send_bytes(HttpAnswer(TOKEN_ANSWER).as_bytes(""))) as here:
        answers = {path: said.as_bytes(here.url) for path, said in {**GOOD, **case.says}.items()}
        async with InterceptingProxy(answers, every_host) as hosts, HttpClient() as http:
            monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
            for name in ("HTTPS_PROXY", "HTTP_PROXY"):
                monkeypatch.setenv(name, hosts.url)
            back = {key: value.replace(HERE, here.url) for key, value in case.back.items()}
            yield FlowUnderTest(http, hosts, here, case.org, back)


@pytest.mark.parametrize("name", REDIRECT_CASES)
async def test_no_secret_goes_to_a_foreign_host_and_a_problem_is_shown(
    name: str, authority: CertificateAuthority, every_host: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = REDIRECT_CASES[name]
    problem: Problem | None = None
    async with intercepted_flow(authority, every_host, monkeypatch, case) as scene:
        try:
            await case.does(scene)
        except ProblemError as error:
            problem = error.problem
            assert not [secret for secret in SECRETS if secret in full_error_text(error)]
    dc = data_center_of(case.org)
    assert scene.here.requests == []
    assert scene.hosts.origins <= {dc.accounts_url, dc.api_url}
    for heard in scene.hosts.requests:
        mine = {dc.accounts_url: FOR_ACCOUNTS, dc.api_url: FOR_API}[heard.origin]
        assert {secret for secret in SECRETS if secret in heard.text} <= mine
        assert not [secret for secret in SECRETS if secret in heard.target]
    assert {urlsplit(page).hostname for page in scene.pages} <= ACCOUNTS_HOSTS
    if case.message:
        assert problem and case.message in problem.message
        assert problem.message.endswith(".") and problem.hint and problem.message.isprintable()
    else:
        assert problem is None
        assert ({*scene.hosts.origins} == {dc.accounts_url, dc.api_url}) or case.does is end


@pytest.mark.parametrize(
    "url", ["https://evil.example", "http://accounts.zoho.eu", "https://accounts.zoho.com"]
)
async def test_a_request_to_a_foreign_host_is_recorded(
    url: str, authority: CertificateAuthority, every_host: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with intercepted_flow(authority, every_host, monkeypatch, RedirectCase(end)) as scene:
        await scene.http.send("POST", url + TOKEN_PATH, form={"client_secret": "the-client-secret"})
        await scene.http.send("POST", scene.here.url, form={"client_secret": "the-client-secret"})
    (heard,) = scene.hosts.requests
    assert heard.origin == url
    assert "the-client-secret" in heard.text
    assert b"the-client-secret" in scene.here.requests[0]
