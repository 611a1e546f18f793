"""Each way that the road to a host is broken: certificates, names, proxies, too many that hang, sleep.

Real client, real ports, real certificates; only name look-ups are answered here, and the client's time
limits are shorter than they are. What the client alone makes of each is in `tests/zoho/test_http.py`; there
a pool that ran dry is rebuilt, too. That quitting waits for no name is in `tests/test_end_to_end.py`.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.canary import PASSWORD, Canaries
from tests.faults.relay import Misbehave, Proxy, Relay
from tests.faults.street import (
    EVERYONE,
    LOOKS,
    OTHERS,
    TROUBLED,
    Street,
    crowd_of,
    goes_through,
    on_street_port,
    street,
)
from tests.support.clock import FakeClock, settle
from tests.support.faulty import hangs, reply, resets, sends
from tests.support.tls import Authority, make_authority
from tests.support.zoho import Port
from zbtui.core.verdict import Level
from zbtui.zoho import http as room

NAME = "zoho.test"
CLOCK = FakeClock()
Fault = Callable[[Street], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with on_street_port(CLOCK) as served:
        yield served


@dataclass
class Names:
    """What a name look-up does."""

    fail: bool = False
    hang: threading.Event | None = None

    def look_up(self, known: Callable[..., Any]) -> Callable[..., Any]:
        def look_up(host: str | bytes, *args: Any, **options: Any) -> Any:
            if host not in (NAME, NAME.encode()):
                return known(host, *args, **options)
            if self.hang:
                self.hang.wait(30)
            if self.fail or self.hang:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return known("127.0.0.1", *args, **options)

        return look_up


NAMES = Names()


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    """One name is this machine, and whoever is called by it has a certificate that is trusted here."""
    monkeypatch.setattr(socket, "getaddrinfo", NAMES.look_up(socket.getaddrinfo))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def by_name(port: Port, canaries: Canaries, authority: Authority) -> AsyncIterator[Street]:
    """The first org is at a host that is found by its name, and proves it."""
    tls = authority.context(NAME)
    async with street(port, CLOCK, canaries, lambda upstream: Relay(upstream, NAME, tls)) as scene:
        yield scene


# Certificates and names


def untrusted(
    prove: Callable[[Authority], tuple[Authority, str, bool]],
) -> Callable[[Authority], Fault]:
    def fault_of(authority: Authority) -> Fault:
        @asynccontextmanager
        async def fault(scene: Street) -> AsyncIterator[None]:
            issuer, name, expired = prove(authority)
            await scene.relay.prove(issuer.context(name, expired=expired))
            yield
            await scene.relay.prove(None)

        return fault

    return fault_of


def stranger(authority: Authority) -> Authority:
    folder = authority.folder / "stranger"
    folder.mkdir(exist_ok=True)
    return make_authority(folder)


CERTIFICATES = {
    "expired": untrusted(lambda authority: (authority, NAME, True)),
    "for another name": untrusted(lambda authority: (authority, "other.test", False)),
    "of an unknown issuer": untrusted(lambda authority: (stranger(authority), NAME, False)),
}


@pytest.mark.parametrize("certificate", CERTIFICATES)
async def test_a_certificate_that_proves_nothing_is_told_and_nothing_is_sent(
    port: Port, canaries: Canaries, authority: Authority, certificate: str
) -> None:
    fault = CERTIFICATES[certificate](authority)
    async with by_name(port, canaries, authority) as scene:
        await scene.look()
        heard = scene.relay.heard

        @asynccontextmanager
        async def unheard() -> AsyncIterator[None]:
            async with fault(scene):
                before = scene.relay.heard
                yield
                assert scene.relay.heard == before > heard

        await goes_through(scene, unheard(), "OFFLINE", f"The secure connection to {NAME} could not be")


async def test_a_host_that_speaks_no_tls_is_told(
    port: Port, canaries: Canaries, authority: Authority
) -> None:
    @asynccontextmanager
    async def plain(scene: Street) -> AsyncIterator[None]:
        await scene.relay.close()
        async with PlainHost(scene.relay.port):
            yield
        await scene.relay.prove(None)

    async with by_name(port, canaries, authority) as scene:
        await goes_through(scene, plain(scene), "OFFLINE", "could not be trusted")


class PlainHost(Relay):
    """Answers at once, and in the clear."""

    def __init__(self, port: int) -> None:
        super().__init__("http://127.0.0.1")
        self.port = port

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(200, b"{}"))
        writer.close()


async def test_a_name_that_is_not_known_is_told(
    port: Port, canaries: Canaries, authority: Authority
) -> None:
    @asynccontextmanager
    async def unknown() -> AsyncIterator[None]:
        NAMES.fail = True
        yield
        NAMES.fail = False

    async with by_name(port, canaries, authority) as scene:
        await goes_through(scene, unknown(), "OFFLINE", f"{NAME} cannot be reached: no such name")


async def test_a_name_that_nobody_looks_up_is_told(
    port: Port, canaries: Canaries, authority: Authority
) -> None:
    @asynccontextmanager
    async def unanswered() -> AsyncIterator[None]:
        NAMES.hang = asked = threading.Event()
        yield
        NAMES.hang = None
        asked.set()

    async with by_name(port, canaries, authority) as scene:
        await goes_through(scene, unanswered(), "OFFLINE", f"{NAME} does not answer")


# Proxies


@asynccontextmanager
async def behind_proxy(
    port: Port, canaries: Canaries, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Street, Proxy]]:
    async with Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{PASSWORD}@127.0.0.1:{proxy.port}")
        async with by_name(port, canaries, authority) as scene:
            yield scene, proxy
        assert proxy.heard, "nothing went through the proxy"


HTML = b"<html>Sign in to the Wi-Fi</html>"
PROXIES: dict[str, tuple[Misbehave, str]] = {
    "refuses": (sends(reply(403)), f"The proxy does not let the call to {NAME} through"),
    "asks for a password": (
        sends(reply(407, b"", 'Proxy-Authenticate: Basic realm="office"')),
        f"The proxy does not let the call to {NAME} through",
    ),
    "is out of order": (sends(reply(502, b"Bad gateway")), "does not let the call"),
    "answers with a page": (sends(reply(511, HTML)), "does not let the call"),
    "says yes and sends a page": (sends(reply(200, HTML)), "could not be trusted"),
    "sends to a page": (sends(reply(302, b"", "Location: http://portal.test/")), "does not let the call"),
    "hangs": (hangs, "too long to answer"),
    "breaks off": (resets, "broke the connection off"),
    "speaks no HTTP": (sends(b"220 smtp.example ready\r\n\r\n"), "broke the connection off"),
}


@pytest.mark.parametrize("does", PROXIES)
async def test_a_proxy_that_misbehaves_is_told(
    port: Port, canaries: Canaries, authority: Authority, monkeypatch: pytest.MonkeyPatch, does: str
) -> None:
    misbehave, says = PROXIES[does]
    async with behind_proxy(port, canaries, authority, monkeypatch) as (scene, proxy):

        @asynccontextmanager
        async def misbehaving() -> AsyncIterator[None]:
            proxy.fault = misbehave
            yield
            proxy.fault = None

        await goes_through(scene, misbehaving(), "OFFLINE", says)


async def test_a_proxy_that_is_gone_is_told(
    port: Port, canaries: Canaries, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with behind_proxy(port, canaries, authority, monkeypatch) as (scene, proxy):

        @asynccontextmanager
        async def gone() -> AsyncIterator[None]:
            await proxy.close()
            yield
            await proxy.open()

        await goes_through(scene, gone(), "OFFLINE", "cannot be reached")


async def test_a_file_of_certificates_that_is_gone_is_told(
    port: Port, canaries: Canaries, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read when the program first asks: from then on it may come and go."""
    missing = Path(authority.folder / "not there")
    async with by_name(port, canaries, authority) as scene:
        monkeypatch.setenv("SSL_CERT_FILE", str(missing))
        seen = await scene.look()
        assert "SSL_CERT_FILE" in scene.panel(seen[TROUBLED])
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
        assert all(one.polls.problem is None for one in (await scene.look()).values())


# Many that hang


async def test_orgs_that_hang_hold_up_no_others_and_find_the_way_back(
    port: Port, canaries: Canaries, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More than the client has places, in all; none is given up before the others are done."""
    monkeypatch.setattr(room, "READ_SECONDS", 60.0)
    monkeypatch.setattr(room, "TOTAL_SECONDS", 60.0)
    tls, crowd = authority.context(NAME), crowd_of(port)
    assert len(crowd) > room.IN_FLIGHT
    async with street(port, CLOCK, canaries, lambda up: Relay(up, NAME, tls), crowd) as scene:
        await scene.look(*crowd, *OTHERS)
        for _ in range(LOOKS):
            scene.relay.fault, let_go = hanging()
            look = asyncio.create_task(scene.look(*crowd))
            await settle()
            for _ in range(3):
                seen = await asyncio.wait_for(scene.look(*OTHERS), 20)
                assert all(one.polls.problem is None for one in seen.values())
            assert not look.done()
            let_go.set()
            tired = await look
        assert {scene.verdict(one).word for one in tired.values()} == {"OFFLINE"}
        assert all("broke the connection off" in scene.panel(one) for one in tired.values())
        scene.relay.fault = None
        again = await scene.look(*crowd, *OTHERS)
        assert all(one.polls.problem is None for one in again.values())
        assert "OFFLINE" not in {scene.verdict(one).word for one in again.values()}


def hanging() -> tuple[Misbehave, asyncio.Event]:
    """Nothing, until it is let go."""
    let_go = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await let_go.wait()

    return hang, let_go


# Sleep


async def test_an_answer_that_came_before_the_machine_slept_is_not_told_as_new(
    port: Port, canaries: Canaries
) -> None:
    async with street(port, CLOCK, canaries) as scene:
        await scene.look()
        scene.relay.gate = asyncio.Event()
        looking = asyncio.create_task(scene.look())
        await scene.relay.held.wait()
        CLOCK.jump(timedelta(hours=1))
        scene.port.simulator.forced[TROUBLED] = "FAILED"
        scene.relay.gate.set()
        seen = await looking
        assert scene.verdict(seen[TROUBLED]).word == "FAILED"
        assert "seen just now" in scene.panel(seen[TROUBLED])
        assert all(seen[name].polls.problem is None for name in OTHERS)
        del scene.port.simulator.forced[TROUBLED]
        after = await scene.look()
        assert all(after[name].polls.problem is None for name in EVERYONE)
        assert scene.verdict(after[TROUBLED]).level is not Level.CRITICAL
