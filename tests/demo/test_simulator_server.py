"""The simulator as a server: hosts and paths, its log, and the guide that it prints."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.support.fake_clock import START, FakeClock
from tests.support.simulator import (
    SimulatorServer,
    answer_consent_page,
    answer_consent_page_in_thread,
    client_of,
    make_simulator,
    run_simulator_server,
)
from zbtui.demo import DEVICE_CLIENT, WEB_CLIENT
from zbtui.demo import app as demo_app
from zbtui.demo.demo_session import watched_org
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import TOKEN_ERRORS, Simulator
from zbtui.model.org import CUSTOM_DATA_CENTER, Org
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho.oauth import request_access_token
from zbtui.zoho_api.data_centers import DATA_CENTERS, data_center_of


@pytest.fixture(scope="module")
def port() -> Iterator[SimulatorServer]:
    with run_simulator_server(make_simulator()) as served:
        yield served


async def send(simulator: Simulator, method: str, url: str, **form: str) -> HttpResponse:
    async with HttpClient(serve_in_process(simulator)) as http:
        return await http.send(method, url, form=form or None)


@pytest.mark.parametrize(
    ("method", "url"),
    [
        ("GET", "https://www.zohoapis.eu/crm/v7/backup"),
        ("GET", "https://www.zohoapis.eu/crm/bulk/v7/backup/5100000000412007"),
        ("GET", "https://www.zohoapis.eu/crm/bulk/v7/backup/links"),
        ("GET", "https://www.zohoapis.eu/crm/v7/backup/history"),
        ("GET", "https://www.zohoapis.eu/eu/crm/bulk/v7/backup"),
        ("GET", "https://accounts.zoho.eu/oauth/v2/token"),
        ("POST", "https://accounts.zoho.eu/oauth/v2/tokens"),
        ("DELETE", "https://accounts.zoho.eu/oauth/v2/auth"),
        ("GET", "https://accounts.zoho.eu/oauth/v2/token/revoke"),
        ("POST", "https://accounts.zoho.eu/oauth/v2/token/revoke/"),
        ("GET", "https://accounts.zoho.eu/oauth/v3/device/code"),
        ("GET", "https://accounts.zoho.eu/oauth/v3/device/token"),
        ("POST", "https://accounts.zoho.eu/oauth/serverinfo"),
        ("POST", "https://accounts.zoho.eu/console/code"),
        ("GET", "https://www.zohoapis.eu/crm/v7/orgs"),
        ("GET", "https://www.zohoapis.eu/crm/bulk/v7/org"),
        ("GET", "http://127.0.0.1/eu/eu/crm/bulk/v7/backup"),
        ("GET", "http://127.0.0.1/xx/crm/bulk/v7/backup"),
    ],
)
async def test_an_unknown_path_is_an_invalid_url_pattern(method: str, url: str) -> None:
    answer = await send(make_simulator(), method, url)
    assert (answer.status, json.loads(answer.body)["code"]) == (404, "INVALID_URL_PATTERN")


async def test_in_the_process_the_host_shows_the_data_center() -> None:
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


async def test_on_a_port_too_and_nothing_adds_a_date_of_its_own(port: SimulatorServer) -> None:
    async with HttpClient() as http:
        answer = await http.send("GET", port.url)
    assert answer.date == START


async def test_the_log_shows_who_asked_what_and_never_the_body() -> None:
    simulator = make_simulator()
    org = simulator.world.orgs["nordlys"]
    form = {"client_id": org.client_id, "client_secret": "never-logged", "grant_type": "refresh_token"}
    await send(simulator, "POST", "https://accounts.zoho.eu/oauth/v2/token", **form)
    (request,) = simulator.request_records
    assert (request.method, request.host, request.path) == ("POST", "accounts.zoho.eu", "/oauth/v2/token")
    assert (request.query, request.org, request.status) == ("", "nordlys", 200)
    assert request.began_serial < request.ended_serial
    assert "never-logged" not in repr(request)


async def test_history_and_links_are_found_and_logged_with_their_query(clock: FakeClock) -> None:
    simulator = make_simulator(clock)
    org = simulator.world.orgs["nordlys"]
    url = "https://www.zohoapis.eu/crm/bulk/v7/backup"
    async with HttpClient(serve_in_process(simulator)) as http:
        sign_in = SignInCredentials(Secret(org.client_secret), Secret(org.refresh_token))
        access = await request_access_token(http, watched_org(org), DATA_CENTERS["eu"], sign_in, START)
        headers = {"Authorization": f"Zoho-oauthtoken {access.token.reveal()}"}
        history = await http.send("GET", f"{url}/history?page=1&per_page=10", headers=headers)
        links = await http.send("GET", f"{url}/urls", headers=headers)
        refused = await http.send("POST", f"{url}/urls", headers=headers)
    assert len(json.loads(history.body)["history"]) == 10
    assert (links.status, links.body) == (204, b"")
    assert json.loads(refused.body)["code"] == "INVALID_REQUEST_METHOD"
    logged = [
        (one.path[len("/crm/bulk/v7/backup") :], one.query, one.org) for one in simulator.request_records
    ]
    assert logged[1:] == [
        ("/history", "page=1&per_page=10", "nordlys"),
        ("/urls", "", "nordlys"),
        ("/urls", "", "nordlys"),
    ]


async def test_the_log_shows_which_grant_was_asked_for() -> None:
    simulator = make_simulator()
    accounts = "https://accounts.zoho.eu/oauth"
    await send(simulator, "POST", f"{accounts}/v2/token", grant_type="authorization_code")
    await send(simulator, "POST", f"{accounts}/v3/device/token", grant_type="device_token")
    await send(simulator, "POST", f"{accounts}/v2/token", grant_type="1000.never-logged")
    await send(simulator, "GET", f"{accounts}/serverinfo")
    assert [request.grant_type for request in simulator.request_records] == [
        "authorization_code",
        "device_token",
        None,
        None,
    ]
    assert "never-logged" not in repr(simulator.request_records)


async def test_the_log_shows_that_a_secret_stood_in_the_query_and_not_the_secret() -> None:
    simulator = make_simulator()
    url = "https://accounts.zoho.eu/oauth/v2/token"
    await send(simulator, "POST", f"{url}/revoke?token=never-logged&x=1")
    await send(simulator, "POST", f"{url}?client_secret=never-logged&refresh_token=never-logged&code=")
    await send(simulator, "GET", "https://accounts.zoho.eu/oauth/v3/device?user_code=AB12%20CD34")
    assert [request.query for request in simulator.request_records] == [
        "token=***&x=1",
        "client_secret=***&refresh_token=***&code=***",
        "user_code=AB12%20CD34",
    ]


async def test_in_the_process_zoho_shows_where_all_data_centers_are() -> None:
    reply = await send(make_simulator(), "GET", "https://accounts.zoho.com/oauth/serverinfo")
    assert json.loads(reply.body) == {
        "result": "success",
        "locations": {key: dc.accounts_url for key, dc in DATA_CENTERS.items()},
    }


async def test_on_a_port_all_data_centers_are_at_that_port(port: SimulatorServer) -> None:
    async with HttpClient() as http:
        reply = await http.send("GET", f"{port.url}/eu/oauth/serverinfo")
    assert json.loads(reply.body)["locations"] == {key: f"{port.url}/{key}" for key in DATA_CENTERS}


async def test_on_a_port_a_device_is_sent_to_a_page_at_that_port(port: SimulatorServer) -> None:
    simulator, url = port.simulator, f"{port.url}/in/oauth/v3/device"
    simulator.min_device_poll_interval = timedelta(0)
    client = client_of(DEVICE_CLIENT)
    who = {"client_id": client.client_id, "client_secret": client.client_secret.reveal()}
    asked = {"grant_type": "device_request", "scope": "ZohoCRM.org.READ", "access_type": "offline"}
    async with HttpClient() as http:
        shown = json.loads((await http.send("POST", f"{url}/code", form=who | asked)).body)
        assert shown["verification_url"] == url
        await answer_consent_page(shown["verification_uri_complete"], "saffron")
        poll = who | {"grant_type": "device_token", "code": shown["device_code"]}
        tokens = json.loads((await http.send("POST", f"{url}/token", form=poll)).body)
    assert tokens["api_domain"] == f"{port.url}/in"
    assert "refresh_token" in tokens


async def test_on_a_port_the_consent_page_sends_back_to_the_loopback(port: SimulatorServer) -> None:
    back = f"{port.url}/"  # the simulator's start page, in place of a waiting zbtui
    query = {
        "response_type": "code",
        "client_id": WEB_CLIENT.client_id,
        "scope": "ZohoCRM.org.READ",
        "redirect_uri": back,
    }
    url = f"{port.url}/us/oauth/v2/auth?{urlencode(query)}"
    location = await answer_consent_page(url, "heron", follow=True)
    assert location.startswith(back)
    assert parse_qs(urlsplit(location).query)["accounts-server"] == [f"{port.url}/eu"]
    before = len(port.simulator.request_records)
    answer_consent_page_in_thread(url, None).join()
    followed = [request.path for request in port.simulator.request_records][before:]
    assert followed == ["/us/oauth/v2/auth", "/us/oauth/v2/auth", "/"]


async def test_on_a_port_the_console_gives_codes_that_work(port: SimulatorServer) -> None:
    heron = port.org("heron")
    async with HttpClient() as http:
        reply = await http.send("GET", f"{heron.accounts_url}/console/code?org=heron")
        form = {
            "grant_type": "authorization_code",
            "client_id": heron.client_id,
            "client_secret": port.simulator.world.all_orgs["heron"].client_secret,
            "code": reply.body.decode().strip(),
        }
        tokens = json.loads(
            (await http.send("POST", f"{heron.accounts_url}/oauth/v2/token", form=form)).body
        )
        headers = {"Authorization": f"Zoho-oauthtoken {tokens['access_token']}"}
        org = await http.send("GET", f"{tokens['api_domain']}/crm/v7/org", headers=headers)
    assert json.loads(org.body)["org"][0]["company_name"] == "Heron Lake Instruments"


async def test_on_a_port_the_first_part_of_the_path_shows_the_data_center(port: SimulatorServer) -> None:
    org = port.org("nordlys")
    invented = port.simulator.world.orgs["nordlys"]
    sign_in = SignInCredentials(Secret(invented.client_secret), Secret(invented.refresh_token))
    async with HttpClient() as http:
        access = await request_access_token(http, org, data_center_of(org), sign_in, START)
    assert access.api_url == f"{port.url}/eu"


@dataclass(frozen=True)
class Command:
    """One command of the guide."""

    sign_in: dict[str, str]
    """The JSON that is piped into the command."""
    verb: str
    name: str
    options: dict[str, str]

    @property
    def grant(self) -> str | None:
        return self.options.get("--grant")


def commands_in(guide: str) -> list[Command]:
    """Each command in the guide. In place of a code that the shell would fetch, its URL."""
    found = []
    plain = re.sub(r"'\$\(curl -s '(\S+)'\)'", r"\1", guide).replace("|\n", "| ")
    for line in plain.splitlines():
        if not line.startswith("echo "):
            continue
        echo, sign_in, pipe, program, verb, name, *options = shlex.split(line)
        assert (echo, pipe, program) == ("echo", "|", "zbtui")
        found.append(
            Command(json.loads(sign_in), verb, name, dict(zip(options[::2], options[1::2], strict=True)))
        )
    return found


@pytest.mark.parametrize("path", ["", "/", "/eu", "/eu/"])
async def test_the_commands_of_the_guide_put_its_orgs_under_watch(path: str, port: SimulatorServer) -> None:
    refused = {
        name
        for name, org in port.simulator.world.orgs.items()
        if port.simulator.kind_of(org) in TOKEN_ERRORS
    }
    async with HttpClient() as http:
        guide = (await http.send("GET", port.url + path)).body.decode()
        commands = [command for command in commands_in(guide) if command.grant is None]
        assert len(commands) == len(port.simulator.world.orgs)
        for command in commands:
            assert (command.verb, command.options["--data-center"]) == ("add", "custom")
            if command.name in refused:
                continue
            org = org_of(command)
            kept = SignInCredentials(
                Secret(command.sign_in["client_secret"]), Secret(command.sign_in["refresh_token"])
            )
            access = await request_access_token(http, org, data_center_of(org), kept, START)
            assert access.api_url == org.api_url


def org_of(command: Command) -> Org:
    given = command.options
    return Org(
        command.name,
        CUSTOM_DATA_CENTER,
        given["--client-id"],
        "client-credentials" if command.grant == "client-credentials" else "refresh-token",
        given.get("--soid"),
        given["--accounts-url"],
        given["--api-url"],
    )


async def test_the_guide_shows_each_other_sign_in_method(port: SimulatorServer) -> None:
    async with HttpClient() as http:
        guide = (await http.send("GET", port.url)).body.decode()
        commands = {command.grant: command for command in commands_in(guide) if command.grant}
        assert list(commands) == ["code", "device", "browser", "client-credentials"]
        assert all(command.name in port.simulator.world.unwatched_orgs for command in commands.values())
        code = (await http.send("GET", commands["code"].sign_in["code"])).body.decode()
        assert code.startswith("1000.demo-grant-")
        own = org_of(commands["client-credentials"])
        sign_in = SignInCredentials(Secret(commands["client-credentials"].sign_in["client_secret"]), None)
        access = await request_access_token(http, own, data_center_of(own), sign_in, START)
    assert access.api_url == own.api_url
    for grant, client in (("device", DEVICE_CLIENT), ("browser", WEB_CLIENT)):
        assert commands[grant].options["--client-id"] == client.client_id
        assert commands[grant].sign_in == {"client_secret": client.client_secret}


async def test_uvicorn_prints_the_guide_when_it_starts(capsys: pytest.CaptureFixture[str]) -> None:
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    sent: list[Any] = []

    async def receive() -> dict[str, str]:
        return next(messages)

    async def send(message: object) -> None:
        sent.append(message)

    await demo_app({"type": "lifespan"}, receive, send)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert {command.name for command in commands_in(printed.err)} >= {"nordlys", "plover", "heron"}
    assert "http://127.0.0.1:8000/eu" in printed.err
    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
