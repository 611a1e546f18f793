"""The HTTP client: its limits, its problems when a connection fails, and secrets that it never shows."""

from __future__ import annotations

import asyncio
import gzip
import logging
import socket
import threading
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.support.certificates import make_certificate_authority
from tests.support.faulty_server import (
    Responder,
    drip_bytes,
    full_backlog_port,
    http_response,
    never_answer,
    refusing_port,
    reset_connection,
    run_faulty_server,
    send_bytes,
)
from tests.zoho.canned_responses import CannedResponse, Message, Receive, Send, full_error_text
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.worker import run_event_loop
from zbtui.zoho import http as http_module
from zbtui.zoho.http import MAX_BODY, HttpClient, HttpResponse

TOKEN = "1000.a-token-nobody-may-see"
SECRET = "a-secret-nobody-may-see"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset the developer's own proxy exceptions and certificates."""
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


async def send_secrets(http: HttpClient, url: str) -> HttpResponse:
    """Send a request with a token in its header and a secret in its body."""
    headers = {"Authorization": f"Zoho-oauthtoken {TOKEN}"}
    return await http.send("POST", url, headers=headers, form={"client_secret": SECRET})


async def problem_of(url: str, through: HttpClient | None = None) -> Problem:
    """The problem of `send_secrets`; check that its error shows neither token nor secret."""
    async with through or HttpClient() as http:
        with pytest.raises(ProblemError) as caught:
            await send_secrets(http, url)
    shown = full_error_text(caught.value)
    assert TOKEN not in shown
    assert SECRET not in shown
    # An httpx error as its context would hold the request, and so the token.
    assert caught.value.__context__ is None
    return caught.value.problem


async def problem_with(answer: Responder) -> Problem:
    async with run_faulty_server(answer) as server:
        return await problem_of(f"{server.url}/crm")


async def answer_of(responder: Responder) -> HttpResponse:
    async with run_faulty_server(responder) as server, HttpClient() as http:
        return await http.send("GET", server.url)


def packed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


# Limits


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "https://[::1]:9"])
async def test_every_step_of_a_request_has_a_time_limit_and_no_step_follows_a_redirect(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[httpx.AsyncClient] = []

    class Seen(httpx.AsyncClient):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append(self)

    monkeypatch.setattr(httpx, "AsyncClient", Seen)
    async with HttpClient() as http:
        with pytest.raises(ProblemError):
            await http.send("GET", url)
    assert made
    for client in made:
        assert client.timeout.as_dict() == {"connect": 10, "read": 20, "write": 10, "pool": 20}
        assert not client.follow_redirects


async def test_an_answer_may_be_as_long_as_1_mib() -> None:
    body = b"x" * MAX_BODY
    for answer in (http_response(200, body), http_response(200, packed(body), "Content-Encoding: gzip")):
        assert (await answer_of(send_bytes(answer))).body == body


TOO_LONG = {
    "plain": send_bytes(http_response(200, b"x" * (MAX_BODY + 1))),
    "packed": send_bytes(http_response(200, packed(b"x" * (MAX_BODY + 1)), "Content-Encoding: gzip")),
    "of an error": send_bytes(http_response(500, b"x" * (MAX_BODY + 1))),
    "without an end": drip_bytes(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * (MAX_BODY // 4)),
}


@pytest.mark.parametrize("answer", TOO_LONG.values(), ids=TOO_LONG)
async def test_a_longer_answer_is_not_read_to_its_end(answer: Responder) -> None:
    problem = await problem_with(answer)
    assert problem.kind == "contract"
    assert "1 MiB" in problem.message


async def test_a_small_packed_answer_that_unpacks_to_64_mib_takes_no_such_memory() -> None:
    bomb = packed(b"\0" * (64 << 20))
    answer = send_bytes(http_response(200, bomb, "Content-Encoding: gzip"))
    async with run_faulty_server(answer) as server, HttpClient() as http:
        tracemalloc.start()
        try:
            with pytest.raises(ProblemError, match="1 MiB"):
                await http.send("GET", server.url)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 16 << 20


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (http_response(200, packed(b'{"backup":{}}')[:-9], "Content-Encoding: gzip"), "broken"),
        (http_response(200, packed(b'{"backup":{}}')[:-4], "Content-Encoding: gzip"), "broken"),
        (http_response(200, packed(b'{"backup":{}}')[:10], "Content-Encoding: gzip"), "broken"),
        (http_response(200, b"{}", "Content-Encoding: gzip"), "broken"),
        (http_response(200, b"{}", "Content-Encoding: br"), "packed"),
        (http_response(200, b"{}", "Content-Encoding: gzip, gzip"), "packed"),
    ],
    ids=["cut in the data", "cut in the check sum", "cut after its head", "not packed", "br", "twice"],
)
async def test_a_packed_answer_that_cannot_be_unpacked_is_no_answer(answer: bytes, word: str) -> None:
    problem = await problem_with(send_bytes(answer))
    assert problem.kind == "contract"
    assert word in problem.message


@pytest.mark.parametrize("headers", [[], ["Content-Encoding: gzip"]])
async def test_an_answer_without_a_body_may_say_that_it_is_packed(headers: list[str]) -> None:
    answer = await answer_of(send_bytes(http_response(204, b"", *headers)))
    assert (answer.status, answer.body) == (204, b"")


# Connections that fail


async def test_each_failure_of_a_connection_has_a_sentence_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with refusing_port() as url:
        refused = await problem_of(url)
    with monkeypatch.context() as short:  # only here: on a busy machine the other cases may take longer
        short.setattr(http_module, "READ_SECONDS", 0.05)
        silent = await problem_with(never_answer)
        short.setattr(http_module, "CONNECT_SECONDS", 0.05)
        with full_backlog_port() as url:
            unanswered = await problem_of(url)
    broken_off = await problem_with(reset_connection)
    async with run_faulty_server(
        never_answer, tls=make_certificate_authority(tmp_path).server_context("a host")
    ) as server:
        untrusted = await problem_of(server.url)
    async with run_faulty_server(send_bytes(http_response(403))) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        barred = await problem_of("https://crm.example")
    words = {
        "cannot be reached: refused": refused,
        "no connection": unanswered,
        "too long": silent,
        "broke": broken_off,
        "issuer": untrusted,
        "proxy": barred,
    }
    for word, problem in words.items():
        assert (problem.kind, problem.final) == ("network", False)
        assert word in problem.message
        assert ("crm.example" if problem is barred else "127.0.0.1") in problem.message
    assert len({problem.message for problem in words.values()}) == len(words)


@pytest.mark.parametrize("error", [httpx.CloseError, httpx.TooManyRedirects, httpx.StreamError])
async def test_what_has_no_sentence_of_its_own_is_shown_by_its_name_alone(
    error: Callable[[str], Exception],
) -> None:
    async def fails(scope: Message, receive: Receive, send: Send) -> None:
        raise error(f"the call with {TOKEN} failed")

    problem = await problem_of("https://crm.example/", HttpClient(fails))
    assert problem.kind == "network"
    assert problem.message == f"The call to crm.example failed ({error.__name__})."


@pytest.mark.parametrize(
    "answer",
    [
        send_bytes(b""),
        send_bytes(b"HTTP/1.1 200 OK\r\nContent-Le"),
        send_bytes(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        send_bytes(http_response(200, b"{}", "Content-Length: 200")),
        send_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
        send_bytes(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n"),
    ],
    ids=["nothing", "half a head", "no HTTP", "too short", "half a chunk", "no chunk"],
)
async def test_an_answer_that_is_not_whole_is_no_answer(answer: Responder) -> None:
    problem = await problem_with(answer)
    assert problem.kind == "network"
    assert "broke" in problem.message


async def test_a_request_that_nobody_waits_for_any_more_ends_at_once() -> None:
    heard, left = asyncio.Event(), asyncio.Event()

    async def goes_on(writer: asyncio.StreamWriter) -> None:
        heard.set()
        try:
            await drip_bytes(b"HTTP/1.1 200 OK\r\n\r\n", b" ")(writer)
        finally:
            left.set()

    async with run_faulty_server(goes_on) as server, HttpClient() as http:
        asking = asyncio.create_task(http.send("GET", server.url))
        await heard.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await left.wait()


@pytest.mark.parametrize(("between", "is_given_up"), [(15, False), (61, True)])
async def test_an_answer_that_drips_is_given_up_although_each_drop_comes_in_time(
    between: int, is_given_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock moves by `between` seconds with each byte; the answer arrives complete in the end."""
    readings = count(step=between)
    monkeypatch.setattr(http_module, "time", SimpleNamespace(monotonic=lambda: next(readings)))
    dripping = drip_bytes(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n", b" ")
    if is_given_up:
        problem = await problem_with(dripping)
        assert problem.kind == "network"
        assert "too long" in problem.message
    else:
        assert (await answer_of(dripping)).body == b"   "


@pytest.mark.parametrize(
    "url",
    ["ftp://127.0.0.1/", "127.0.0.1:80", "http://127.0.0.1:port/", "http://a\x00/", "http://[::1", ""],
)
async def test_a_url_that_cannot_be_called_is_a_problem_of_the_config(url: str) -> None:
    problem = await problem_of(url)
    assert (problem.kind, problem.final) == ("config", True)


@pytest.mark.parametrize("text", ["é", "\r\nX-Other: 1", "\n", "\x00", "\udcff"])
@pytest.mark.parametrize("place", ["header", "form"])
async def test_what_cannot_be_sent_is_a_problem_that_does_not_show_it(place: str, text: str) -> None:
    """The text is either sent safely encoded or refused; no error shows it."""
    heard = SECRET + text
    async with run_faulty_server(send_bytes(http_response(200))) as server, HttpClient() as http:
        try:
            if place == "header":
                await http.send("GET", server.url, headers={"Authorization": heard})
            else:
                await http.send("POST", server.url, form={"client_secret": heard})
        except Exception as error:
            assert isinstance(error, ProblemError)
            assert SECRET not in full_error_text(error)
    assert not any(b"X-Other: 1" in request for request in server.requests)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/no/such/file.pem"),
        ("ALL_PROXY", "socks5://127.0.0.1:1080"),
        ("HTTPS_PROXY", "nonsense://127.0.0.1:1"),
    ],
)
async def test_an_environment_that_no_client_can_be_made_of_is_a_problem(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    problem = await problem_of("https://127.0.0.1:9")
    assert problem.kind in ("network", "config")


@pytest.mark.parametrize("allowed", [0, 1], ids=["for the certificates", "for the name"])
def test_where_no_thread_can_be_started_a_call_fails_and_says_so(
    allowed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, started = threading.Thread.start, list[threading.Thread]()

    def start_or_refuse(thread: threading.Thread) -> None:
        if len(started) == allowed:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start_or_refuse)
        problem = run_event_loop(problem_of("https://crm.example"))
    assert problem.kind == "network"
    assert "his machine starts no more threads" in problem.message
    assert "ulimit -u" in problem.hint


# Redirects, proxies, logs


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_shown_and_not_followed(status: int) -> None:
    async with run_faulty_server(send_bytes(http_response(200))) as other:
        away = http_response(status, b"", f"Location: {other.url}/oauth/v2/token")
        async with run_faulty_server(send_bytes(away)) as server, HttpClient() as http:
            answer = await send_secrets(http, server.url)
    assert answer.status == status
    assert other.requests == []
    assert SECRET.encode() in server.requests[0]


async def test_what_an_answer_to_one_org_sets_as_a_cookie_never_goes_out_with_another_orgs_token() -> None:
    """One client serves all orgs, so it must keep no cookies: not even for the same path or org."""
    sets = http_response(
        200, b"{}", "Set-Cookie: session=of-acme; Path=/; Max-Age=86400", "Set-Cookie: x=1"
    )
    async with run_faulty_server(send_bytes(sets)) as server, HttpClient() as http:
        for path, token in (("/crm", "acme"), ("/crm", "b"), ("/crm/x", "b"), ("/crm", "acme")):
            headers = {"Authorization": f"Zoho-oauthtoken {token}"}
            answer = await http.send("GET", server.url + path, headers=headers)
            assert "session=of-acme" in answer.headers["set-cookie"]
    assert len(server.requests) == 4
    assert not any(b"cookie" in request.lower() for request in server.requests)


def is_here(host: str) -> bool:
    """Whether this machine has the address; some have no IPv6, or only one address of 127/8."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as probe:
            probe.bind((host, 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize(
    "host",
    [host for host in ["127.0.0.1", "localhost", "127.0.0.2", "::1", "0:0:0:0:0:0:0:1"] if is_here(host)],
)
async def test_a_call_to_this_machine_goes_around_the_proxy(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        run_faulty_server(send_bytes(http_response(502))) as proxy,
        run_faulty_server(send_bytes(http_response(200)), host) as server,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        async with HttpClient() as http:
            answer = await http.send("POST", server.url, form={"client_secret": SECRET})
    assert proxy.requests == []
    assert answer.status == 200


async def test_a_call_to_the_world_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_faulty_server(send_bytes(http_response(200))) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with HttpClient() as http:
            await http.send("GET", "http://crm.example/backup")
    assert proxy.requests[0].startswith(b"GET http://crm.example/backup ")


async def test_no_log_at_any_level_holds_a_token_a_secret_or_an_address(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    nonsense = send_bytes(b"nonsense\r\n\r\n")
    for answer in (send_bytes(http_response(200, b"{}")), nonsense, reset_connection):
        async with run_faulty_server(answer) as server, HttpClient() as http:
            with suppress(ProblemError):
                await send_secrets(http, f"{server.url}/an-address")
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    for word in (TOKEN, SECRET, "an-address"):
        assert word not in logged


async def test_it_asks_for_gzip_only_and_says_who_it_is() -> None:
    app = CannedResponse()
    async with HttpClient(app) as http:
        await http.send("GET", "https://www.zohoapis.eu/crm")
    headers = app.requests[0].headers
    assert headers["accept-encoding"] == "gzip"
    assert headers["user-agent"].startswith("zbtui/")


async def test_the_names_of_headers_come_in_lower_case() -> None:
    answer = await answer_of(send_bytes(http_response(200, b"", "X-Api-CREDITS-Remaining: 7")))
    assert answer.credits_remaining == 7
