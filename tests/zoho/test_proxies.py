"""Which proxy a call uses, and problems with proxies; no setting ends in a traceback."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.faults.relay import TunnelProxy
from tests.support.certificates import make_certificate_authority
from tests.support.faulty_server import (
    Responder,
    full_backlog_port,
    http_response,
    never_answer,
    refusing_port,
    run_faulty_server,
    send_bytes,
)
from tests.zoho.canned_responses import full_error_text
from zbtui.model.problem import Problem, ProblemError
from zbtui.zoho import http as http_module
from zbtui.zoho.http import HttpClient
from zbtui.zoho.proxies import ProxyEnvironment

API = "https://www.zohoapis.eu/crm"
PASSWORD = "p4ssw0rd-of-the-proxy"


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def label_for(url: str, **proxies: str) -> str | None:
    proxy = ProxyEnvironment(proxies).proxy_for(url)
    return proxy.label if proxy else None


@pytest.mark.parametrize(
    ("proxies", "label"),
    [
        ({}, None),
        ({"https": ""}, None),
        ({"http": "http://a:1"}, None),
        ({"https": "http://a:1"}, "a:1"),
        ({"https": "a:1"}, "a:1"),
        ({"https": "http://a"}, "a:80"),
        ({"https": "https://a"}, "a:443"),
        ({"https": "https://[2001:db8::1]:3"}, "[2001:db8::1]:3"),
        ({"https": f"http://somebody:{PASSWORD}@a:1"}, "a:1"),
        ({"all": "socks5://a"}, "a:1080"),
        ({"all": "http://a:1", "https": "http://b:2"}, "b:2"),
    ],
)
def test_the_proxy_is_that_of_the_scheme_else_of_all(proxies: dict[str, str], label: str | None) -> None:
    assert label_for(API, **proxies) == label


@pytest.mark.parametrize(
    ("exceptions", "goes_straight"),
    [
        ("", False),
        ("*", True),
        ("fe80::/10", False),
        ("fe80::/10,*", True),
        ("www.zohoapis.eu", True),
        ("zohoapis.eu", True),
        (".zohoapis.eu", True),
        ("*.zohoapis.eu", True),
        ("ZohoApis.EU", True),
        ("example.com zohoapis.eu", True),
        ("zohoapis.eu:443", True),
        ("zohoapis.eu:8443", False),
        ("https://zohoapis.eu", True),
        ("http://zohoapis.eu", False),
        ("apis.eu", False),
        ("10.0.0.0/8", False),
        (",,  ,", False),
        ("::::,[,]:x,://,%%,*.,.,\x00", False),
        ("999.0.0.0/99", False),
    ],
)
def test_no_proxy_excepts_hosts_domains_and_networks_and_what_it_cannot_mean_is_left_out(
    exceptions: str, goes_straight: bool
) -> None:
    assert (label_for(API, https="http://a:1", no=exceptions) is None) is goes_straight


@pytest.mark.parametrize(
    ("url", "exceptions"),
    [
        ("https://10.1.2.3/crm", "10.0.0.0/8"),
        ("https://10.1.2.3:8443/crm", "10.1.2.3:8443"),
        ("https://[fe80::1]/crm", "fe80::/10"),
        ("https://[2001:db8::1]/crm", "2001:db8::1"),
        ("https://[2001:db8::1]:8443/crm", "[2001:db8::1]:8443"),
    ],
)
def test_an_address_is_excepted_by_its_network(url: str, exceptions: str) -> None:
    assert label_for(url, https="http://a:1", no=exceptions) is None


@pytest.mark.parametrize("url", ["https://127.0.0.1:1/", "http://localhost/", "https://[::1]/"])
def test_this_machine_is_never_called_through_a_proxy(url: str) -> None:
    assert label_for(url, all="nonsense") is None


@pytest.mark.parametrize(
    "address",
    [
        "nonsense://a:1",
        f"http://somebody:{PASSWORD}@a:port",
        f"http://somebody:{PASSWORD}@[a",
        "http://a:99999",
        "http://",
        f"http://{PASSWORD}\x01",
        "http://:8080",
        f"http://{PASSWORD} b",
    ],
)
def test_an_address_that_is_none_is_named_by_its_variable_and_not_shown(address: str) -> None:
    with pytest.raises(ProblemError) as caught:
        label_for(API, https=address)
    assert caught.value.problem.message.startswith("HTTPS_PROXY is not the address of a proxy")
    assert PASSWORD not in full_error_text(caught.value)


# Calls that fail at a proxy


async def problem_through(proxy: str, monkeypatch: pytest.MonkeyPatch, url: str = API) -> Problem:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    async with HttpClient() as http:
        with pytest.raises(ProblemError) as caught:
            await http.send("GET", url)
    assert PASSWORD not in full_error_text(caught.value)
    assert caught.value.problem.kind == "network"
    return caught.value.problem


async def test_a_call_that_no_proxy_could_parse_is_made_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "fe80::/10")
    async with run_faulty_server(send_bytes(http_response(200))) as server, HttpClient() as http:
        assert (await http.send("GET", server.url)).status == 200


async def test_a_dead_proxy_is_blamed_and_not_zoho(monkeypatch: pytest.MonkeyPatch) -> None:
    with refusing_port() as url:
        problem = await problem_through(url, monkeypatch)
        assert problem.message == f"The proxy {url.removeprefix('http://')} cannot be reached: refused."
    assert "HTTPS_PROXY" in problem.hint
    problem = await problem_through("http://no-such-proxy.invalid:3128", monkeypatch)
    assert problem.message.startswith("The proxy no-such-proxy.invalid:3128 cannot be reached: no")


async def test_a_proxy_that_hangs_is_blamed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_module, "READ_SECONDS", 0.05)
    async with run_faulty_server(never_answer) as proxy:
        problem = await problem_through(proxy.url, monkeypatch)
        assert problem.message.startswith(f"The proxy {proxy.url.removeprefix('http://')} took too long")
    monkeypatch.setattr(http_module, "CONNECT_SECONDS", 0.05)
    with full_backlog_port() as url:
        problem = await problem_through(url, monkeypatch)
    assert problem.message.startswith("The proxy 127.0.0.1:")
    assert "no connection" in problem.message


async def test_https_to_a_proxy_that_speaks_plain_http_is_reported_as_such(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Most such proxies answer the TLS handshake with an error; others wait for more data."""
    cure = "If it speaks plain HTTP, HTTPS_PROXY has to begin with http:// instead of https://."

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http_response(400))
        writer.close()

    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        label = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        problem = await problem_through(f"https://{label}", monkeypatch)
    assert problem.message == f"The proxy {label} cannot be called securely: it does not speak TLS."
    assert problem.hint == cure
    monkeypatch.setattr(http_module, "CONNECT_SECONDS", 0.2)
    async with TunnelProxy() as proxy:
        problem = await problem_through(f"https://127.0.0.1:{proxy.port}", monkeypatch)
    assert problem.hint == cure


@pytest.mark.parametrize(
    ("answer", "user", "says", "cure"),
    [
        (send_bytes(http_response(407)), "", "it answered 407", "Put user and password into HTTPS_PROXY"),
        (send_bytes(http_response(407)), f"u:{PASSWORD}@", "it answered 407", "Correct user and password"),
        (send_bytes(http_response(403)), "", "it answered 403", "Check HTTPS_PROXY"),
        (send_bytes(http_response(503)), "", "it answered 503", "its operator"),
    ],
)
async def test_what_a_proxy_answered_is_reported(
    answer: Responder, user: str, says: str, cure: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with run_faulty_server(answer) as proxy:
        problem = await problem_through(proxy.url.replace("//", f"//{user}"), monkeypatch)
    label = proxy.url.removeprefix("http://")
    assert problem.message == (
        f"The proxy {label} does not let the call to www.zohoapis.eu through: {says}."
    )
    assert problem.hint.startswith(cure) or cure in problem.hint


async def test_what_fails_behind_a_proxy_names_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test proxy connects to this machine whatever the name."""
    tls = make_certificate_authority(tmp_path).server_context("zoho.test")
    async with TunnelProxy() as proxy, run_faulty_server(never_answer, tls=tls) as server:
        port = server.url.rpartition(":")[2]
        problem = await problem_through(
            f"http://127.0.0.1:{proxy.port}", monkeypatch, f"https://zoho.test:{port}/"
        )
    assert problem.message == (
        f"zoho.test (by the proxy 127.0.0.1:{proxy.port}) shows a certificate of an issuer "
        "that is not trusted here."
    )


async def test_a_proxy_may_have_a_certificate_of_an_authority_that_is_trusted_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_certificate_authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    async with run_faulty_server(
        send_bytes(http_response(403)), tls=authority.server_context("localhost")
    ) as proxy:
        url = proxy.url.replace("127.0.0.1", "localhost")
        assert "answered 403" in (await problem_through(url, monkeypatch)).message


async def test_a_socks_proxy_without_its_library_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = await problem_through("socks5://127.0.0.1:1080", monkeypatch)
    assert problem.message.startswith("HTTPS_PROXY names a SOCKS proxy")
    assert "httpx[socks]" in problem.hint


def test_a_client_for_a_proxy_gives_no_password_away() -> None:
    proxy = ProxyEnvironment({"https": f"http://somebody:{PASSWORD}@a:1"}).proxy_for(API)
    assert PASSWORD not in repr(proxy)
