"""How many requests the HTTP client makes at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

import pytest

from tests.support.fake_clock import run_until_idle
from tests.support.faulty_server import http_response, refusing_port, run_faulty_server, send_bytes
from tests.zoho.canned_responses import CannedResponse, Message, Receive, Send
from zbtui.model.problem import ProblemError
from zbtui.zoho import http as http_module
from zbtui.zoho import slots
from zbtui.zoho.http import HttpClient


class ConcurrencyCounter:
    """An ASGI app that counts open requests, and answers those of a host once the host is opened."""

    def __init__(self) -> None:
        self.inside: Counter[str] = Counter()
        self.most_in_all = 0
        self.opened: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        host = dict(scope["headers"])[b"host"].decode()
        self.inside[host] += 1
        self.most_in_all = max(self.most_in_all, self.inside.total())
        await self.opened[host].wait()
        self.inside[host] -= 1
        await CannedResponse().send_to(send)


@pytest.mark.parametrize(
    ("hosts", "most"),
    [(["one.example"], 8), (["one.example", "two.example", "three.example", "four.example"], 16)],
)
async def test_8_requests_at_most_are_open_at_one_host_and_16_in_all(hosts: list[str], most: int) -> None:
    app = ConcurrencyCounter()
    async with HttpClient(app) as http:
        tasks = [asyncio.create_task(http.send("GET", f"https://{host}/")) for host in hosts * 10]
        await run_until_idle()
        assert app.inside.total() == most
        for host in hosts:
            app.opened[host].set()
        answers = await asyncio.gather(*tasks)
    assert [answer.status for answer in answers] == [200] * len(tasks)
    assert app.most_in_all == most


async def test_a_dead_host_holds_up_nobody_but_itself() -> None:
    app = ConcurrencyCounter()
    app.opened["alive.example"].set()
    async with HttpClient(app) as http:
        stuck = [asyncio.create_task(http.send("GET", "https://dead.example/")) for _ in range(30)]
        await run_until_idle()
        assert app.inside["dead.example"] == 8
        answers = await asyncio.gather(*(http.send("GET", "https://alive.example/") for _ in range(30)))
        assert [answer.status for answer in answers] == [200] * 30
        assert not any(task.done() for task in stuck)
        app.opened["dead.example"].set()
        await asyncio.gather(*stuck)


async def test_slow_orgs_hold_up_no_others_of_their_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow requests hold all slots of the host, and then release them."""
    monkeypatch.setattr(slots, "SLOW_SECONDS", 0)
    app = SlowPaths()
    async with HttpClient(app) as http:
        slow = [asyncio.create_task(http.send("GET", "https://one.example/slow")) for _ in range(8)]
        await run_until_idle()
        others = (http.send("GET", "https://one.example/") for _ in range(30))
        answers = await asyncio.gather(*others)
        assert [answer.status for answer in answers] == [200] * 30
        assert not any(task.done() for task in slow)
        app.let_go.set()
        await asyncio.gather(*slow)


async def test_no_more_slow_requests_than_there_is_room_for_give_their_places_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slots, "SLOW_SECONDS", 0)
    monkeypatch.setattr(slots, "MAX_SLOW_PER_HOST", 4)
    app = SlowPaths()
    async with HttpClient(app) as http:
        slow = [asyncio.create_task(http.send("GET", "https://one.example/slow")) for _ in range(30)]
        await run_until_idle()
        assert app.inside == 12
        app.let_go.set()
        await asyncio.gather(*slow)
        assert (await http.send("GET", "https://one.example/slow")).status == 200


class SlowPaths:
    """An ASGI app that answers /slow only once `let_go` is set."""

    def __init__(self) -> None:
        self.inside = 0
        self.let_go = asyncio.Event()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            self.inside += 1
            await self.let_go.wait()
            self.inside -= 1
        await CannedResponse().send_to(send)


async def test_a_request_that_failed_gives_its_place_back() -> None:
    with refusing_port() as url:
        async with HttpClient() as http:
            sends = [http.send("GET", url) for _ in range(40)]
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert all(isinstance(outcome, ProblemError) for outcome in outcomes)


async def test_a_pool_that_ran_dry_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_faulty_server(send_bytes(http_response(200, b"{}"))) as server, HttpClient() as http:
        with monkeypatch.context() as dry:
            for size in ("MAX_REQUESTS", "MAX_SLOW"):  # the size of the pool is their sum
                dry.setattr(http_module, size, 0)
            dry.setattr(http_module, "READ_SECONDS", 0.05)
            with pytest.raises(ProblemError) as caught:
                await http.send("GET", server.url)
        assert caught.value.problem.kind == "network"
        assert "pool" in caught.value.problem.message
        assert (await http.send("GET", server.url)).status == 200
