"""Faults on the way to a host: certificates, names, proxies, hanging connections, sleep.

Real client, real ports, real certificates; only name resolution is replaced, and the client's time limits
are shortened. The client alone, and its exhausted connection pool, is tested in `tests/zoho/test_http.py`;
quitting during name resolution in `tests/test_end_to_end.py`.
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

from tests.faults.fleet_environment import (
    ALL_ORGS,
    FAILED_POLLS_UNTIL_UNKNOWN,
    FAULTY_ORG,
    HEALTHY_ORGS,
    FleetEnvironment,
    assert_fault_is_survived,
    fleet_environment,
    neighbors_of,
    run_large_simulator_server,
)
from tests.faults.relay import FaultyResponse, Relay, TunnelProxy
from tests.faults.secret_search import PROXY_PASSWORD, SecretSearch
from tests.support.certificates import CertificateAuthority, make_certificate_authority
from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.faulty_server import http_response, never_answer, reset_connection, send_bytes
from tests.support.simulator import SimulatorServer
from zbtui.model.verdict import Level
from zbtui.zoho import http as http_module
from zbtui.zoho import slots

NAME = "zoho.test"
CLOCK = FakeClock()
Fault = Callable[[FleetEnvironment], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def zoho() -> Iterator[SimulatorServer]:
    with run_large_simulator_server(CLOCK) as served:
        yield served


@dataclass
class HostNames:
    """Name resolution that can fail or hang."""

    fail: bool = False
    hang: threading.Event | None = None

    def patched_lookup(self, known: Callable[..., Any]) -> Callable[..., Any]:
        def resolve(host: str | bytes, *args: Any, **options: Any) -> Any:
            if host not in (NAME, NAME.encode()):
                return known(host, *args, **options)
            if self.hang:
                self.hang.wait(30)
            if self.fail:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return known("127.0.0.1", *args, **options)

        return resolve


NAMES = HostNames()


@pytest.fixture(autouse=True)
def host_names(monkeypatch: pytest.MonkeyPatch, authority: CertificateAuthority) -> None:
    """Resolve `NAME` to this machine, and trust the tests' certificate authority."""
    monkeypatch.setattr(socket, "getaddrinfo", NAMES.patched_lookup(socket.getaddrinfo))
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@asynccontextmanager
async def environment_by_name(
    port: SimulatorServer, secret_search: SecretSearch, authority: CertificateAuthority
) -> AsyncIterator[FleetEnvironment]:
    """An environment whose first org is behind a host called `NAME`, with a certificate of that name."""
    tls = authority.server_context(NAME)
    async with fleet_environment(
        port, CLOCK, secret_search, lambda upstream: Relay(upstream, NAME, tls)
    ) as scene:
        yield scene


# Certificates and names


def untrusted(
    prove: Callable[[CertificateAuthority], tuple[CertificateAuthority, str, bool]],
) -> Callable[[CertificateAuthority], Fault]:
    def fault_of(authority: CertificateAuthority) -> Fault:
        @asynccontextmanager
        async def fault(scene: FleetEnvironment) -> AsyncIterator[None]:
            issuer, name, expired = prove(authority)
            await scene.relay.restart_with_certificate(issuer.server_context(name, expired=expired))
            yield
            await scene.relay.restart_with_certificate(None)

        return fault

    return fault_of


def foreign_authority(authority: CertificateAuthority) -> CertificateAuthority:
    folder = authority.folder / "stranger"
    folder.mkdir(exist_ok=True)
    return make_certificate_authority(folder)


CERTIFICATES = {
    "that has expired": untrusted(lambda authority: (authority, NAME, True)),
    "for another name": untrusted(lambda authority: (authority, "other.test", False)),
    "of an issuer that is": untrusted(lambda authority: (foreign_authority(authority), NAME, False)),
}
"""The faults, by the text about the certificate in the panel."""


@pytest.mark.parametrize("certificate", CERTIFICATES)
async def test_a_certificate_that_proves_nothing_is_shown_and_nothing_is_sent(
    zoho: SimulatorServer, secret_search: SecretSearch, authority: CertificateAuthority, certificate: str
) -> None:
    fault = CERTIFICATES[certificate](authority)
    async with environment_by_name(zoho, secret_search, authority) as scene:
        await scene.poll()
        heard = scene.relay.request_count

        @asynccontextmanager
        async def unheard() -> AsyncIterator[None]:
            async with fault(scene):
                before = scene.relay.request_count
                yield
                assert scene.relay.request_count == before > heard

        await assert_fault_is_survived(
            scene, unheard(), "OFFLINE", f"{NAME} shows a certificate {certificate}"
        )


async def test_a_host_that_speaks_no_tls_is_shown(
    zoho: SimulatorServer, secret_search: SecretSearch, authority: CertificateAuthority
) -> None:
    @asynccontextmanager
    async def plain(scene: FleetEnvironment) -> AsyncIterator[None]:
        await scene.relay.stop()
        async with PlainHost(scene.relay.port):
            yield
        await scene.relay.restart_with_certificate(None)

    async with environment_by_name(zoho, secret_search, authority) as scene:
        await assert_fault_is_survived(scene, plain(scene), "OFFLINE", "does not speak TLS")


class PlainHost(Relay):
    """A host that answers at once, and without TLS."""

    def __init__(self, port: int) -> None:
        super().__init__("http://127.0.0.1")
        self.port = port

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(http_response(200, b"{}"))
        writer.close()


@pytest.mark.parametrize(
    ("hangs", "says"),
    [(False, f"{NAME} cannot be reached: no such name"), (True, f"{NAME} does not answer")],
)
async def test_a_name_that_is_unknown_or_not_resolved_is_shown(
    zoho: SimulatorServer,
    secret_search: SecretSearch,
    authority: CertificateAuthority,
    hangs: bool,
    says: str,
) -> None:
    @asynccontextmanager
    async def unknown() -> AsyncIterator[None]:
        asked = threading.Event()
        NAMES.fail, NAMES.hang = True, asked if hangs else None
        yield
        NAMES.fail, NAMES.hang = False, None
        asked.set()

    async with environment_by_name(zoho, secret_search, authority) as scene:
        await assert_fault_is_survived(scene, unknown(), "OFFLINE", says)


# Proxies


@asynccontextmanager
async def behind_proxy(
    port: SimulatorServer,
    secret_search: SecretSearch,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[tuple[FleetEnvironment, TunnelProxy]]:
    async with TunnelProxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{PROXY_PASSWORD}@127.0.0.1:{proxy.port}")
        async with environment_by_name(port, secret_search, authority) as scene:
            yield scene, proxy
        assert proxy.request_count, "nothing went through the proxy"


HTML = b"<html>Sign in to the Wi-Fi</html>"
PROXIES: dict[str, tuple[FaultyResponse | None, str]] = {
    "is gone": (None, "cannot be reached: refused"),
    "refuses": (send_bytes(http_response(403)), "answered 403"),
    "asks for a password": (
        send_bytes(http_response(407, b"", 'Proxy-Authenticate: Basic realm="office"')),
        "answered 407",
    ),
    "is out of order": (send_bytes(http_response(502, b"Bad gateway")), "answered 502"),
    "answers with a page": (send_bytes(http_response(511, HTML)), "answered 511"),
    "says yes and sends a page": (send_bytes(http_response(200, HTML)), "cannot be called securely"),
    "sends to a page": (
        send_bytes(http_response(302, b"", "Location: http://portal.test/")),
        "answered 302",
    ),
    "hangs": (never_answer, "too long to answer"),
    "breaks off": (reset_connection, "broke the connection off"),
    "speaks no HTTP": (send_bytes(b"220 smtp.example ready\r\n\r\n"), "broke the connection off"),
}


@pytest.mark.parametrize("does", PROXIES)
async def test_a_proxy_that_misbehaves_is_shown(
    zoho: SimulatorServer,
    secret_search: SecretSearch,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
    does: str,
) -> None:
    misbehave, says = PROXIES[does]
    async with behind_proxy(zoho, secret_search, authority, monkeypatch) as (scene, proxy):

        @asynccontextmanager
        async def misbehaving() -> AsyncIterator[None]:
            proxy.fault = misbehave
            if not misbehave:
                await proxy.stop()
            yield
            proxy.fault = None
            if not misbehave:
                await proxy.start()

        await assert_fault_is_survived(scene, misbehaving(), "OFFLINE", says, f"127.0.0.1:{proxy.port}")


async def test_a_file_of_certificates_that_is_gone_is_shown(
    zoho: SimulatorServer,
    secret_search: SecretSearch,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The file is read at the first request; later it may be missing."""
    missing = Path(authority.folder / "not there")
    async with environment_by_name(zoho, secret_search, authority) as scene:
        monkeypatch.setenv("SSL_CERT_FILE", str(missing))
        seen = await scene.poll()
        assert "SSL_CERT_FILE" in scene.panel_text(seen[FAULTY_ORG])
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate_file))
        assert all(one.polls.problem is None for one in (await scene.poll()).values())


# Many that hang


async def test_orgs_that_hang_hold_up_no_others_and_recover(
    zoho: SimulatorServer,
    secret_search: SecretSearch,
    authority: CertificateAuthority,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More requests hang than the client makes at once; none times out before the others end."""
    monkeypatch.setattr(http_module, "READ_SECONDS", 60.0)
    monkeypatch.setattr(http_module, "TOTAL_SECONDS", 60.0)
    tls, crowd = authority.server_context(NAME), neighbors_of(zoho)
    assert len(crowd) > slots.MAX_REQUESTS
    async with fleet_environment(
        zoho, CLOCK, secret_search, lambda up: Relay(up, NAME, tls), crowd
    ) as scene:
        await scene.poll(*crowd, *HEALTHY_ORGS)
        for _ in range(FAILED_POLLS_UNTIL_UNKNOWN):
            scene.relay.fault, let_go = hanging()
            poll = asyncio.create_task(scene.poll(*crowd))
            await run_until_idle()
            for _ in range(3):
                seen = await asyncio.wait_for(scene.poll(*HEALTHY_ORGS), 20)
                assert all(one.polls.problem is None for one in seen.values())
            assert not poll.done()
            let_go.set()
            failed = await poll
        assert {scene.verdict(one).badge for one in failed.values()} == {"OFFLINE"}
        assert all("broke the connection off" in scene.panel_text(one) for one in failed.values())
        scene.relay.fault = None
        again = await scene.poll(*crowd, *HEALTHY_ORGS)
        assert all(one.polls.problem is None for one in again.values())
        assert "OFFLINE" not in {scene.verdict(one).badge for one in again.values()}


def hanging() -> tuple[FaultyResponse, asyncio.Event]:
    """A response that hangs until the event is set."""
    let_go = asyncio.Event()

    async def hang(writer: asyncio.StreamWriter) -> None:
        await let_go.wait()

    return hang, let_go


# Sleep


async def test_an_answer_that_came_before_the_machine_slept_is_not_shown_as_new(
    zoho: SimulatorServer, secret_search: SecretSearch
) -> None:
    async with fleet_environment(zoho, CLOCK, secret_search) as scene:
        await scene.poll()
        scene.relay.release = asyncio.Event()
        poll = asyncio.create_task(scene.poll())
        await scene.relay.is_holding.wait()
        CLOCK.jump_wall_clock(timedelta(hours=1))
        scene.zoho.simulator.forced_kinds[FAULTY_ORG] = "FAILED"
        scene.relay.release.set()
        seen = await poll
        assert scene.verdict(seen[FAULTY_ORG]).badge == "FAILED"
        assert "seen just now" in scene.panel_text(seen[FAULTY_ORG])
        assert all(seen[name].polls.problem is None for name in HEALTHY_ORGS)
        scene.zoho.simulator.forced_kinds[FAULTY_ORG] = "COMPLETED"
        after = await scene.poll()
        assert all(after[name].polls.problem is None for name in ALL_ORGS)
        assert scene.verdict(after[FAULTY_ORG]).level is not Level.CRITICAL
