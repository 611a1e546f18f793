"""The loopback server of the browser sign-in: accepted requests, refused ones, and the port."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from tests.support.fake_clock import run_until_idle
from tests.support.simulator import FakeBrowser
from tests.zoho.flow_samples import problem_of
from zbtui.model.secret import Secret
from zbtui.zoho import loopback
from zbtui.zoho.loopback import LoopbackServer

STATE = "the-state"


class LoopbackUnderTest:
    """An open loopback server, and how often it woke the sign-in."""

    def __init__(self) -> None:
        self.woken = 0
        self.loopback = LoopbackServer(0, STATE, self._wake)

    @property
    def url(self) -> str:
        return self.loopback.redirect_uri

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 0

    async def come(self, query: str, path: str = "") -> httpx.Response:
        return await FakeBrowser().open(f"{self.url}{path}?{query}")

    async def say(self, raw: bytes, *, end: bool = True) -> bytes:
        """Send raw bytes, closing the sending side if `end`; return the answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(raw)
        if end:
            writer.write_eof()
        answered = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answered

    def _wake(self) -> None:
        self.woken += 1


@pytest.fixture
async def loopback_under_test() -> AsyncIterator[LoopbackUnderTest]:
    made = LoopbackUnderTest()
    async with made.loopback:
        yield made


@contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


# Accepted requests


async def test_the_address_is_the_one_to_register_by_name_and_with_a_slash(
    loopback_under_test: LoopbackUnderTest,
) -> None:
    assert loopback_under_test.url == f"http://localhost:{loopback_under_test.port}/"
    assert loopback_under_test.port > 0


async def test_the_answer_with_the_right_state_is_kept_and_wakes_who_waits(
    loopback_under_test: LoopbackUnderTest,
) -> None:
    answer = await loopback_under_test.come(
        f"state={STATE}&code=1000.c0de.x&location=eu&accounts-server=https%3A%2F%2Faccounts.zoho.eu"
    )
    assert answer.status_code == 200
    assert "go back to the terminal" in answer.text
    callback = loopback_under_test.loopback.callback
    assert callback is not None
    assert callback.code == Secret("1000.c0de.x")
    assert (callback.error, callback.location) == (None, "eu")
    assert callback.accounts_server == "https://accounts.zoho.eu"
    assert loopback_under_test.woken == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_it_is_there_at_both_addresses_that_localhost_may_mean(
    loopback_under_test: LoopbackUnderTest, host: str
) -> None:
    if host == "[::1]" and not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        answer = await client.get(f"http://{host}:{loopback_under_test.port}/?state={STATE}&code=1000.a.b")
    assert answer.status_code == 200


async def test_no_other_machine_can_reach_it(loopback_under_test: LoopbackUnderTest) -> None:
    bound = [
        one.getsockname()[0] for server in loopback_under_test.loopback._servers for one in server.sockets
    ]
    assert set(bound) <= {"127.0.0.1", "::1"}


async def test_a_refusal_is_an_answer_too(loopback_under_test: LoopbackUnderTest) -> None:
    answer = await loopback_under_test.come(f"state={STATE}&error=access_denied")
    assert "refused" in answer.text
    callback = loopback_under_test.loopback.callback
    assert callback is not None
    assert (callback.code, callback.error) == (None, "access_denied")


@pytest.mark.parametrize(
    "query",
    ["", "&code=", "&code=a%0Ab", "&code=%00", "&code=a&code=b", "&code=" + "a" * 2049, "&code=%C3%A9"],
)
async def test_an_answer_without_a_code_that_can_be_used_is_a_refusal(
    loopback_under_test: LoopbackUnderTest, query: str
) -> None:
    await loopback_under_test.come(f"state={STATE}{query}")
    callback = loopback_under_test.loopback.callback
    assert callback is not None
    assert callback.code is None
    assert callback.error == "the answer holds no code"


async def test_a_code_beside_an_error_is_not_used(loopback_under_test: LoopbackUnderTest) -> None:
    await loopback_under_test.come(f"state={STATE}&code=1000.a.b&error=access_denied")
    assert loopback_under_test.loopback.callback is not None
    assert loopback_under_test.loopback.callback.code is None


async def test_an_error_is_one_clean_line_however_it_came(loopback_under_test: LoopbackUnderTest) -> None:
    await loopback_under_test.come(f"state={STATE}&error=%1B%5D52%3Bc%0A" + "a" * 500)
    callback = loopback_under_test.loopback.callback
    assert callback is not None
    assert callback.error is not None
    assert callback.error.isprintable()
    assert len(callback.error) <= 60


async def test_the_code_shows_in_nothing_that_is_printed(loopback_under_test: LoopbackUnderTest) -> None:
    await loopback_under_test.come(f"state={STATE}&code=1000.c0de.x")
    assert "c0de" not in repr(loopback_under_test.loopback.callback)


# Refused requests


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("", "code=1000.a.b"),
        ("", "state=&code=1000.a.b"),
        ("", "state=the-stat&code=1000.a.b"),
        ("", "state=THE-STATE&code=1000.a.b"),
        ("", "state=the-state&state=the-state&code=1000.a.b"),
        ("", "state=th%C3%A9&code=1000.a.b"),
        ("", "error=access_denied"),
        ("", "state=guessed&error=access_denied"),
        ("favicon.ico", f"state={STATE}&code=1000.a.b"),
        ("callback", f"state={STATE}&code=1000.a.b"),
    ],
)
async def test_without_the_state_or_at_another_path_nothing_is_taken(
    loopback_under_test: LoopbackUnderTest, path: str, query: str
) -> None:
    answer = await loopback_under_test.come(query, path)
    assert answer.status_code == 404
    assert (loopback_under_test.loopback.callback, loopback_under_test.woken) == (None, 0)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\n",
        b"GET /?state=the-state&code=1000.a.b HTTP/1.1\r\nHost: localhost\r\n",
        b"GET /?state=the-state&code=1000.a.b\r\n\r\n",
        b"GET //[?state=the-state&code=1000.a.b HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /?state=the-state&code=\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /?state=the-state&code=1000.a.b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
        b"HEAD /?state=the-state&code=1000.a.b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        b"CONNECT evil.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /?state=the-state HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000,
        b"\x00" * 20_000,
    ],
    ids=lambda raw: repr(raw[:60]),
)
async def test_what_is_no_whole_request_of_a_browser_does_not_end_the_wait(
    loopback_under_test: LoopbackUnderTest, raw: bytes
) -> None:
    answered = await loopback_under_test.say(raw)
    assert answered.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 "))
    assert (loopback_under_test.loopback.callback, loopback_under_test.woken) == (None, 0)
    assert (await loopback_under_test.come(f"state={STATE}&code=1000.a.b")).status_code == 200


async def test_somebody_who_never_ends_their_request_keeps_nobody_else_out(
    loopback_under_test: LoopbackUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "_REQUEST_TIMEOUT_SECONDS", 0.05)
    slow = asyncio.create_task(loopback_under_test.say(b"GET / HTTP/1.1\r\n", end=False))
    assert (await loopback_under_test.come(f"state={STATE}&code=1000.a.b")).status_code == 200
    assert await slow == b""


async def test_one_answer_is_taken_and_a_second_one_changes_nothing(
    loopback_under_test: LoopbackUnderTest,
) -> None:
    await loopback_under_test.come(f"state={STATE}&code=1000.first.b")
    answer = await loopback_under_test.come(f"state={STATE}&code=1000.second.b")
    assert answer.status_code == 404
    assert loopback_under_test.loopback.callback is not None
    assert loopback_under_test.loopback.callback.code == Secret("1000.first.b")


async def test_the_page_says_nothing_of_what_came_and_lets_nothing_in(
    loopback_under_test: LoopbackUnderTest,
) -> None:
    answer = await loopback_under_test.come(
        f"state={STATE}&code=1000.c0de.x&error=<script>alert(1)</script>"
    )
    assert "<script" not in answer.text
    assert "c0de" not in answer.text
    assert answer.headers["content-security-policy"] == "default-src 'none'"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["connection"] == "close"


# The port


async def test_it_closes_with_the_sign_in() -> None:
    door = LoopbackUnderTest()
    async with door.loopback:
        port = door.port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_was_left_a_moment_ago_can_be_used_again() -> None:
    door = LoopbackUnderTest()
    async with door.loopback:
        await door.come(f"state={STATE}&code=1000.a.b")
        port = door.port
    async with LoopbackServer(port, STATE, door._wake) as again:
        assert again.redirect_uri == door.url


async def test_a_port_that_is_taken_is_shown_in_one_sentence() -> None:
    with taken_port() as port:
        problem = await problem_of(LoopbackServer(port, STATE, lambda: None).__aenter__())
    assert problem.kind == "config"
    assert (
        problem.message
        == f"Port {port} of this machine is taken, and the browser could not come back to it."
    )
    assert "another port" in problem.hint


async def test_a_port_that_is_taken_at_one_of_the_addresses_is_not_half_opened() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with socket.socket(socket.AF_INET6) as other:
        other.bind(("::1", 0))
        other.listen()
        port = other.getsockname()[1]
        await problem_of(LoopbackServer(port, STATE, lambda: None).__aenter__())
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_that_the_system_refuses_is_shown_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(family: object, host: str, port: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loopback, "_bind", deny)
    problem = await problem_of(LoopbackServer(80, STATE, lambda: None).__aenter__())
    assert "Permission denied" in problem.message


class NoIpv6(socket.socket):
    def __init__(self, family: int, kind: int) -> None:
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, kind)


class NoSuchAddress(socket.socket):
    def bind(self, address: Any) -> None:
        if self.family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        super().bind(address)


@pytest.mark.parametrize("kind", [NoIpv6, NoSuchAddress])
async def test_without_ipv6_the_other_address_is_enough(
    kind: type[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loopback, "socket", SimpleNamespace(**{**vars(socket), "socket": kind}))
    door = LoopbackUnderTest()
    async with door.loopback:
        await door.come(f"state={STATE}&code=1000.a.b")
    assert door.woken == 1


async def test_who_is_still_connected_when_it_closes_is_hung_up_on() -> None:
    door = LoopbackUnderTest()
    async with door.loopback:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        await run_until_idle()
    assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
