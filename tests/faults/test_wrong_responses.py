"""Wrong answers of a host: what the panel shows, that other orgs go on, and that all recovers by itself.

Real client, real ports; only the client's time limits are shortened. Faults on the way to the host are in
`test_connectivity`, those of this machine in `test_local_machine` and `test_whole_program`.
"""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.faults.fleet_environment import (
    HEALTHY_ORGS,
    FleetEnvironment,
    assert_fault_is_survived,
    fleet_environment,
    run_large_simulator_server,
)
from tests.faults.relay import FaultyResponse
from tests.faults.secret_search import SecretSearch
from tests.support.fake_clock import FakeClock
from tests.support.faulty_server import (
    drip_bytes,
    http_response,
    never_answer,
    reset_connection,
    run_faulty_server,
    send_bytes,
)
from tests.support.simulator import SimulatorServer

MOST_MEMORY = 24 << 20
"""Bytes of memory: far less than any large answer takes unpacked."""
CLOCK = FakeClock()


@pytest.fixture(scope="module")
def zoho() -> Iterator[SimulatorServer]:
    with run_large_simulator_server(CLOCK) as served:
        yield served


@asynccontextmanager
async def fault_on_relay(scene: FleetEnvironment, misbehave: FaultyResponse) -> AsyncIterator[None]:
    scene.relay.fault = misbehave
    yield
    scene.relay.fault = None


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "")).encode()


JSON = b'{"backup": null}'
BROKE_OFF, TOO_LARGE, WRONG = "broke the connection off", "larger than 1 MiB", "BAD ANSWER"


def reply(status: int, body: bytes = b"", *headers: str) -> FaultyResponse:
    return send_bytes(http_response(status, body, *headers))


FAULTS: dict[str, tuple[FaultyResponse, str, str]] = {
    "reset before the head": (reset_connection, "OFFLINE", BROKE_OFF),
    "closed before the head": (send_bytes(b""), "OFFLINE", BROKE_OFF),
    "closed within the head": (send_bytes(head("Content-Type: app")[:-9]), "OFFLINE", BROKE_OFF),
    "closed after the head": (send_bytes(head("Content-Length: 9", "")), "OFFLINE", BROKE_OFF),
    "no answer": (never_answer, "OFFLINE", "took too long"),
    "a head without an end": (
        drip_bytes(head(), b"X-More: and more\r\n" * 400),
        "OFFLINE",
        "broke the connection",
    ),
    "a head that drips": (drip_bytes(head(), b"X"), "OFFLINE", "took too long"),
    "a body that drips": (drip_bytes(head("Content-Length: 999", ""), b" "), "OFFLINE", "took too long"),
    "half a body": (send_bytes(head("Content-Length: 99", "") + JSON), "OFFLINE", BROKE_OFF),
    "a length that is none": (
        send_bytes(head("Content-Length: x", "") + JSON),
        "OFFLINE",
        "broke the connection",
    ),
    "a length that is too short": (send_bytes(head("Content-Length: 5", "") + JSON), WRONG, "not the JSON"),
    "no HTTP": (send_bytes(b"220 smtp.example ready\r\n\r\n"), "OFFLINE", BROKE_OFF),
    "a body without an end": (
        drip_bytes(head("Transfer-Encoding: chunked", ""), b"80000\r\n" + b" " * 0x80000 + b"\r\n"),
        WRONG,
        TOO_LARGE,
    ),
    "a gigabyte": (drip_bytes(head("Content-Length: 1073741824", ""), b" " * 0x80000), WRONG, TOO_LARGE),
    "a packed bomb": (
        reply(200, gzip.compress(bytes(64 << 20)), "Content-Encoding: gzip"),
        WRONG,
        TOO_LARGE,
    ),
    "packed and broken": (
        reply(200, b"\x1f\x8b-no", "Content-Encoding: gzip"),
        WRONG,
        "is packed, and broken",
    ),
    "a wrong charset": (
        reply(200, '{"backup": "é"}'.encode("latin-1"), "Content-Type: application/json"),
        WRONG,
        "not the JSON",
    ),
    "a captive portal": (
        reply(200, b"<html>Sign in to the Wi-Fi</html>", "Content-Type: text/html"),
        WRONG,
        "A web page came",
    ),
    "a page of maintenance": (
        reply(503, b"<html>Back soon</html>"),
        "ZOHO ERROR",
        "out of order (HTTP 503)",
    ),
    "to another host": (
        reply(302, b"", "Location: http://127.0.0.1:9/stolen"),
        WRONG,
        "it is not followed",
    ),
    "to itself": (reply(301, b"", "Location: /crm/bulk/v7/backup"), WRONG, "it is not followed"),
    "400": (reply(400), WRONG, "HTTP 400"),
    "403": (reply(403), "NO ACCESS", "refuses the user"),
    "404": (reply(404), WRONG, "refuses the call (HTTP 404)"),
    "500": (reply(500), "ZOHO ERROR", "out of order (HTTP 500)"),
    "500 with a body": (
        reply(500, b'{"code": "INTERNAL_ERROR", "message": "x", "status": "error"}'),
        "ZOHO ERROR",
        "internal error",
    ),
    "502": (reply(502, b"Bad gateway"), "ZOHO ERROR", "out of order (HTTP 502)"),
    "429": (reply(429), "THROTTLED", "limit on API calls"),
    "429 for so many seconds": (reply(429, b"", "Retry-After: 90"), "THROTTLED", "limit on API calls"),
    "429 until a date": (
        reply(429, b"", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT"),
        "THROTTLED",
        "limit on API calls",
    ),
}
"""By fault: the host's answer, and the badge and a text of the org's panel."""
LARGE = ("a gigabyte", "a packed bomb", "a body without an end", "a head without an end")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_host_that_misbehaves_is_shown_and_harms_nobody_else(
    zoho: SimulatorServer, fault: str, secret_search: SecretSearch
) -> None:
    misbehave, word, says = FAULTS[fault]
    async with fleet_environment(zoho, CLOCK, secret_search) as scene:
        await assert_fault_is_survived(scene, fault_on_relay(scene, misbehave), word, says)


async def test_a_host_that_refuses_is_shown_and_harms_nobody_else(
    zoho: SimulatorServer, secret_search: SecretSearch
) -> None:
    @asynccontextmanager
    async def refusing(scene: FleetEnvironment) -> AsyncIterator[None]:
        await scene.relay.stop()
        yield
        await scene.relay.start()

    async with fleet_environment(zoho, CLOCK, secret_search) as scene:
        await assert_fault_is_survived(scene, refusing(scene), "OFFLINE", "cannot be reached")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("place", ["another host", "a loop"])
async def test_a_redirect_is_shown_and_not_followed(
    zoho: SimulatorServer, status: int, place: str, secret_search: SecretSearch
) -> None:
    async with (
        fleet_environment(zoho, CLOCK, secret_search) as scene,
        run_faulty_server(reply(200, JSON)) as other,
    ):
        to = other.url if place == "another host" else scene.relay.url
        await scene.poll()
        heard = scene.relay.request_count
        async with fault_on_relay(scene, reply(status, b"", f"Location: {to}/crm/bulk/v7/backup")):
            seen = await scene.poll()
        assert "it is not followed" in scene.panel_text(seen["nordlys"])
        assert scene.relay.request_count == heard + 1
        assert other.requests == []


@pytest.mark.parametrize("form", ["in seconds", "as a date"])
async def test_there_is_no_poll_before_the_time_in_retry_after(
    zoho: SimulatorServer, form: str, secret_search: SecretSearch
) -> None:
    async with fleet_environment(zoho, CLOCK, secret_search) as scene:
        await scene.poll()
        until = CLOCK.now() + timedelta(hours=2, minutes=1)  # the poll is a minute later
        value = "7200" if form == "in seconds" else format_datetime(until, usegmt=True)
        async with fault_on_relay(scene, reply(429, b"", f"Retry-After: {value}")):
            seen = await scene.poll()
        assert seen["nordlys"].activity.next_poll is not None
        assert seen["nordlys"].activity.next_poll >= until
        assert "next look in 2h" in scene.panel_text(seen["nordlys"])
        assert all(seen[name].polls.problem is None for name in HEALTHY_ORGS)


@pytest.mark.parametrize("fault", LARGE)
async def test_a_large_answer_takes_little_memory(
    zoho: SimulatorServer, fault: str, secret_search: SecretSearch
) -> None:
    async with fleet_environment(zoho, CLOCK, secret_search) as scene:
        await scene.poll()
        async with fault_on_relay(scene, FAULTS[fault][0]):
            tracemalloc.start()
            try:
                await scene.poll()
                assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
            finally:
                tracemalloc.stop()
