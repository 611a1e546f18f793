"""How many requests the HTTP client has under way at once."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

import pytest

from tests.support.fake_clock import run_until_idle
from tests.support.faulty_server import http_response, refusing_port, run_faulty_server, send_bytes
from tests.zoho.canned_responses import CannedResponse, Message, Receive, Send
from zbtui.model.problem import ProblemError
from zbtui.zoho import http as room
from zbtui.zoho.http import HttpClient


class ConcurrencyCounter:
    """An ASGI app that counts who is inside, and lets nobody out before it is opened."""

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
async def test_8_requests_at_most_are_under_way_at_one_host_and_16_in_all(
    hosts: list[str], most: int
) -> None:
    turnstile = ConcurrencyCounter()
    async with HttpClient(turnstile) as http:
        tasks = [asyncio.create_task(http.send("GET", f"https://{host}/")) for host in hosts * 10]
        await run_until_idle()
        assert turnstile.inside.total() == most
        for host in hosts:
            turnstile.opened[host].set()
        answers = await asyncio.gather(*tasks)
    assert [answer.status for answer in answers] == [200] * len(tasks)
    assert turnstile.most_in_all == most


async def test_a_dead_host_holds_up_nobody_but_itself() -> None:
    turnstile = ConcurrencyCounter()
    turnstile.opened["alive.example"].set()
    async with HttpClient(turnstile) as http:
        stuck = [asyncio.create_task(http.send("GET", "https://dead.example/")) for _ in range(30)]
        await run_until_idle()
        assert turnstile.inside["dead.example"] == 8
        answers = await asyncio.gather(*(http.send("GET", "https://alive.example/") for _ in range(30)))
        assert [answer.status for answer in answers] == [200] * 30
        assert not any(task.done() for task in stuck)
        turnstile.opened["dead.example"].set()
        await asyncio.gather(*stuck)


async def test_a_request_that_failed_gives_its_place_back() -> None:
    with refusing_port() as url:
        async with HttpClient() as http:
            sends = [http.send("GET", url) for _ in range(40)]
            outcomes = await asyncio.gather(*sends, return_exceptions=True)
    assert all(isinstance(outcome, ProblemError) for outcome in outcomes)


async def test_a_pool_that_ran_dry_is_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_faulty_server(send_bytes(http_response(200, b"{}"))) as server, HttpClient() as http:
        with monkeypatch.context() as dry:
            dry.setattr(room, "MAX_REQUESTS", 0)  # from which the size of the pool is made
            dry.setattr(room, "READ_SECONDS", 0.05)
            with pytest.raises(ProblemError) as caught:
                await http.send("GET", server.url)
        assert caught.value.problem.kind == "network"
        assert "pool" in caught.value.problem.message
        assert (await http.send("GET", server.url)).status == 200
