"""The simulator as a server: hosts and paths, its log, and the guide that it prints."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.clock import START, FakeClock
from tests.support.zoho import Port, make_simulator, on_port
from zbtui.core.org import CUSTOM, Org
from zbtui.core.secret import Secret, SignIn
from zbtui.demo import app as demo_app
from zbtui.demo.server import serve_in_process
from zbtui.demo.zoho import TOKEN_ERRORS, Simulator
from zbtui.zoho.datacenter import DATA_CENTERS, data_center_of
from zbtui.zoho.http import Http, Reply
from zbtui.zoho.oauth import request_access_token


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    with on_port(make_simulator()) as served:
        yield served


async def send(simulator: Simulator, method: str, url: str, **form: str) -> Reply:
    async with Http(serve_in_process(simulator)) as http:
        return await http.send(method, url, form=form or None)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://www.zohoapis.eu/crm/v7/backup"),
        ("GET", "https://www.zohoapis.eu/crm/bulk/v7/backup/5100000000412007"),
        ("GET", "https://www.zohoapis.eu/eu/crm/bulk/v7/backup"),
        ("GET", "https://accounts.zoho.eu/oauth/v2/token"),
        ("POST", "https://accounts.zoho.eu/oauth/v2/tokens"),
        ("GET", "http://127.0.0.1/eu/eu/crm/bulk/v7/backup"),
        ("GET", "http://127.0.0.1/xx/crm/bulk/v7/backup"),
    ],
)
async def test_an_unknown_path_is_an_invalid_url_pattern(method: str, url: str) -> None:
    answer = await send(make_simulator(), method, url)
    assert (answer.status, json.loads(answer.body)["code"]) == (404, "INVALID_URL_PATTERN")


async def test_in_the_process_the_host_tells_the_data_center() -> None:
    simulator = make_simulator()
    org = simulator.world.orgs["nordlys"]
    form = {
        "grant_type": "refresh_token",
        "client_id": org.client_id,
        "client_secret": org.client_secret,
        "refresh_token": org.refresh_token,
    }
    for key, dc in DATA_CENTERS.items():
        answer = json.loads(
            (await send(simulator, "POST", f"{dc.accounts_url}/oauth/v2/token", **form)).body
        )
        expected = {"api_domain": dc.api_url} if key == "eu" else {"error": "invalid_client"}
        assert answer.items() >= expected.items()


async def test_in_the_process_the_date_is_that_of_the_simulated_world(clock: FakeClock) -> None:
    answer = await send(make_simulator(clock), "GET", "https://www.zohoapis.eu/")
    assert answer.date == START


async def test_the_log_tells_who_asked_what_and_never_the_body() -> None:
    simulator = make_simulator()
    org = simulator.world.orgs["nordlys"]
    form = {"client_id": org.client_id, "client_secret": "never-logged", "grant_type": "refresh_token"}
    await send(simulator, "POST", "https://accounts.zoho.eu/oauth/v2/token", **form)
    (request,) = simulator.requests
    assert (request.method, request.host, request.path, request.query, request.org, request.status) == (
        "POST",
        "accounts.zoho.eu",
        "/oauth/v2/token",
        "",
        "nordlys",
        200,
    )
    assert request.began < request.ended
    assert "never-logged" not in repr(request)


async def test_on_a_port_the_first_part_of_the_path_tells_the_data_center(port: Port) -> None:
    org = port.org("nordlys")
    invented = port.simulator.world.orgs["nordlys"]
    sign_in = SignIn(Secret(invented.client_secret), Secret(invented.refresh_token))
    async with Http() as http:
        access = await request_access_token(http, org, data_center_of(org), sign_in, START)
    assert access.api_url == f"{port.url}/eu"


def commands_in(guide: str) -> list[tuple[dict[str, str], list[str]]]:
    """What is piped into `zbtui`, and its arguments, of each command in the guide."""
    found = []
    for command in guide.partition("\n\n")[2].replace("|\n", "| ").splitlines():
        echo, sign_in, pipe, program, *arguments = shlex.split(command)
        assert (echo, pipe, program) == ("echo", "|", "zbtui")
        found.append((json.loads(sign_in), arguments))
    return found


@pytest.mark.parametrize("path", ["", "/", "/eu", "/eu/"])
async def test_the_commands_of_the_guide_put_its_orgs_under_watch(path: str, port: Port) -> None:
    refused = {
        name for name, org in port.simulator.world.orgs.items() if port.simulator.kind(org) in TOKEN_ERRORS
    }
    async with Http() as http:
        guide = (await http.send("GET", port.url + path)).body.decode()
        commands = commands_in(guide)
        assert len(commands) == len(port.simulator.world.orgs)
        for sign_in, (verb, name, *options) in commands:
            given = dict(zip(options[::2], options[1::2], strict=True))
            assert (verb, given["--data-center"]) == ("add", "custom")
            if name in refused:
                continue
            org = Org(
                name,
                CUSTOM,
                given["--client-id"],
                accounts_url=given["--accounts-url"],
                api_url=given["--api-url"],
            )
            kept = SignIn(Secret(sign_in["client_secret"]), Secret(sign_in["refresh_token"]))
            access = await request_access_token(http, org, data_center_of(org), kept, START)
            assert access.api_url == given["--api-url"]


async def test_uvicorn_is_given_the_guide_to_print_when_it_starts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    await demo_app({"type": "lifespan"}, receive, send)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {arguments[1] for _, arguments in commands_in(printed.err)} >= {"nordlys", "plover"}
    assert "http://127.0.0.1:8000/eu" in printed.err
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
