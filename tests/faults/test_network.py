"""Each way that a network or a host misbehaves: what the org's panel says, that the others go on, and that
all is well again by itself.

Real client, real ports; only the client's time limits are shorter than they are.
"""

from __future__ import annotations

import gzip
import logging
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.faults.relay import Misbehave, Relay, relay_to
from tests.support.clock import FakeClock
from tests.support.faulty import drips, hangs, reply, resets, sends
from tests.support.notebook import Notebook
from tests.support.zoho import Port, make_simulator, on_port, sign_in_of
from zbtui.core.judge import judge
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Verdict
from zbtui.store.config import Config
from zbtui.store.memory import MemoryCredentials
from zbtui.tui.widgets.panel import draw_panel
from zbtui.watch.fleet import Fleet
from zbtui.watch.opening import make_fleet
from zbtui.zoho import http as room
from zbtui.zoho.http import Http

TROUBLED, OTHERS = "nordlys", ("fjord", "tamarind")
EVERYONE = (TROUBLED, *OTHERS)
LOOKS = 3
"""That fail before an org counts as one that cannot be looked at."""
MOST_MEMORY = 24 << 20
"""Bytes at once, far less than any of the large answers unpacked."""


CLOCK = FakeClock()


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with on_port(make_simulator(CLOCK)) as served:
        yield served


@dataclass
class Street:
    """Three orgs under watch; between the first one and its Zoho is the relay."""

    fleet: Fleet
    relay: Relay

    async def look(self) -> dict[str, Snapshot]:
        """One look at each, at the same time, a while after the one before."""
        CLOCK.jump(timedelta(minutes=1))
        return {one.org.name: one for one in await self.fleet.look_once(EVERYONE)}

    def verdict(self, snapshot: Snapshot) -> Verdict:
        return judge(snapshot, self.fleet.policy, CLOCK.now())

    def panel(self, snapshot: Snapshot) -> str:
        """The words of its panel, as a person reads them."""
        lines = draw_panel(snapshot, self.verdict(snapshot), CLOCK.now(), 76)
        rows = ["".join(piece for piece, _ in line).strip("│╭╮╰╯─ ") for line in lines]
        return " ".join(" ".join(rows).split())


@asynccontextmanager
async def street(port: Port) -> AsyncIterator[Street]:
    credentials = MemoryCredentials()
    invented = port.org(TROUBLED)
    async with relay_to(invented.api_url or "") as relay, Http() as http:
        troubled = replace(invented, accounts_url=relay.url, api_url=relay.url)
        orgs = (troubled, *(port.org(name) for name in OTHERS))
        for org in orgs:
            await credentials.write_sign_in(org.name, sign_in_of(port.simulator.world.every[org.name]))
        fleet = make_fleet(Config(Policy(), orgs), http, credentials, Notebook(), CLOCK)
        yield Street(fleet, relay)


def head(*lines: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *lines, "")).encode()


JSON = b'{"backup": null}'
FAULTS: dict[str, tuple[Misbehave, str, str]] = {
    "reset before the head": (resets, "OFFLINE", "broke the connection off"),
    "closed before the head": (sends(b""), "OFFLINE", "broke the connection off"),
    "closed within the head": (
        sends(head("Content-Type: app")[:-9]),
        "OFFLINE",
        "broke the connection off",
    ),
    "closed after the head": (
        sends(head("Content-Length: 9", "")),
        "OFFLINE",
        "broke the connection off",
    ),
    "no answer": (hangs, "OFFLINE", "took too long"),
    "a head without an end": (
        drips(head(), b"X-More: and more\r\n" * 400),
        "OFFLINE",
        "broke the connection",
    ),
    "a head that drips": (drips(head(), b"X"), "OFFLINE", "took too long"),
    "a body that drips": (drips(head("Content-Length: 999", ""), b" "), "OFFLINE", "took too long"),
    "half a body": (sends(head("Content-Length: 99", "") + JSON), "OFFLINE", "broke the connection off"),
    "a length that is none": (
        sends(head("Content-Length: x", "") + JSON),
        "OFFLINE",
        "broke the connection",
    ),
    "a length that is too short": (
        sends(head("Content-Length: 5", "") + JSON),
        "BAD ANSWER",
        "not the JSON",
    ),
    "no HTTP": (sends(b"220 smtp.example ready\r\n\r\n"), "OFFLINE", "broke the connection off"),
    "a body without an end": (
        drips(head("Transfer-Encoding: chunked", ""), b"10000\r\n" + b" " * 0x10000 + b"\r\n"),
        "BAD ANSWER",
        "larger than 1 MiB",
    ),
    "a packed bomb": (
        sends(reply(200, gzip.compress(bytes(64 << 20)), "Content-Encoding: gzip")),
        "BAD ANSWER",
        "larger than 1 MiB",
    ),
    "packed and broken": (
        sends(reply(200, b"\x1f\x8b-no", "Content-Encoding: gzip")),
        "BAD ANSWER",
        "is packed, and broken",
    ),
    "a wrong charset": (
        sends(reply(200, '{"backup": "é"}'.encode("latin-1"), "Content-Type: application/json")),
        "BAD ANSWER",
        "not the JSON",
    ),
    "a captive portal": (
        sends(reply(200, b"<html>Sign in to the Wi-Fi</html>", "Content-Type: text/html")),
        "BAD ANSWER",
        "A web page came",
    ),
    "a page of maintenance": (
        sends(reply(503, b"<html>Back soon</html>")),
        "ZOHO ERROR",
        "out of order (HTTP 503)",
    ),
    "to another host": (
        sends(reply(302, b"", "Location: http://127.0.0.1:9/stolen")),
        "BAD ANSWER",
        "it is not followed",
    ),
    "to the same place": (
        sends(reply(301, b"", "Location: /crm/bulk/v7/backup")),
        "BAD ANSWER",
        "it is not followed",
    ),
    "400": (sends(reply(400)), "BAD ANSWER", "HTTP 400"),
    "403": (sends(reply(403)), "NO ACCESS", "refuses the user"),
    "404": (sends(reply(404)), "BAD ANSWER", "refuses the call (HTTP 404)"),
    "500": (sends(reply(500)), "ZOHO ERROR", "out of order (HTTP 500)"),
    "500 with a body": (
        sends(reply(500, b'{"code": "INTERNAL_ERROR", "message": "x", "status": "error"}')),
        "ZOHO ERROR",
        "internal error",
    ),
    "502": (sends(reply(502, b"Bad gateway")), "ZOHO ERROR", "out of order (HTTP 502)"),
    "429": (sends(reply(429)), "THROTTLED", "limit on API calls"),
    "429 for so many seconds": (
        sends(reply(429, b"", "Retry-After: 90")),
        "THROTTLED",
        "limit on API calls",
    ),
    "429 until a date": (
        sends(reply(429, b"", "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT")),
        "THROTTLED",
        "limit on API calls",
    ),
}
"""What the host does, and the badge and some words that the org's panel then has."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(room, "READ_SECONDS", 0.3)
    monkeypatch.setattr(room, "TOTAL_SECONDS", 0.3)


@pytest.fixture
def written(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Nothing that is logged, at any level, or printed tells a secret."""
    caplog.set_level(logging.DEBUG)
    yield
    told = "".join([caplog.text, *(repr(record.args) for record in caplog.records), *capfd.readouterr()])
    for org in make_simulator().world.every.values():
        assert org.client_secret not in told
        assert org.refresh_token not in told
    assert "access-" not in told


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_host_that_misbehaves_is_told_and_harms_nobody_else(port: Port, fault: str) -> None:
    misbehave, word, says = FAULTS[fault]
    async with street(port) as scene:
        before = (await scene.look())[TROUBLED]
        assert scene.verdict(before).level is Level.OK
        scene.relay.fault = misbehave
        for look in range(LOOKS):
            seen = await scene.look()
            verdict = scene.verdict(seen[TROUBLED])
            assert verdict.stale or verdict.level is Level.UNKNOWN, f"green after look {look}"
            assert seen[TROUBLED].backup == before.backup
            assert all(seen[name].trouble is None for name in OTHERS)
        assert verdict.word == word
        assert says in scene.panel(seen[TROUBLED])
        scene.relay.fault = None
        after = (await scene.look())[TROUBLED]
        assert after.trouble is None
        assert scene.verdict(after).level is Level.OK


@pytest.mark.usefixtures("written")
async def test_a_host_that_refuses_is_told_and_harms_nobody_else(port: Port) -> None:
    async with street(port) as scene:
        await scene.look()
        await scene.relay.close()
        for _ in range(LOOKS):
            seen = await scene.look()
        assert scene.verdict(seen[TROUBLED]).word == "OFFLINE"
        assert "cannot be reached" in scene.panel(seen[TROUBLED])
        assert all(seen[name].trouble is None for name in OTHERS)
        await scene.relay.open()
        assert scene.verdict((await scene.look())[TROUBLED]).level is Level.OK


@pytest.mark.parametrize("fault", ["a packed bomb", "a body without an end", "a head without an end"])
async def test_a_large_answer_takes_no_such_memory(port: Port, fault: str) -> None:
    async with street(port) as scene:
        await scene.look()
        scene.relay.fault = FAULTS[fault][0]
        tracemalloc.start()
        try:
            await scene.look()
            assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
        finally:
            tracemalloc.stop()
