"""Each sign-in flow over a real port; an HTTP client acts as the browser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.fake_clock import FakeClock
from tests.support.simulator import (
    FakeBrowser,
    SimulatorServer,
    client_of,
    make_simulator,
    run_simulator_server,
)
from tests.watch.zoho_environment import InstantClock
from zbtui.clock import StopSignal
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.model.org import Org
from zbtui.model.problem import ProblemError
from zbtui.model.secret import OAuthClient, Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage
from zbtui.zoho.client import fetch_company, fetch_details
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import request_access_token, revoke_refresh_token
from zbtui.zoho.sign_in import ConsentResult, sign_in_by_browser, sign_in_by_code, sign_in_by_device
from zbtui.zoho_api.data_centers import data_center_of


@pytest.fixture
async def server() -> AsyncIterator[SimulatorServer]:
    with run_simulator_server(make_simulator(InstantClock())) as served:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    async with HttpClient() as client:
        yield client


async def org_of_grant(granted: ConsentResult, port: SimulatorServer, http: HttpClient) -> str | None:
    """The company that the tokens lead to; check that all calls go to this port."""
    now = port.simulator.now()
    assert granted.access.api_url.startswith(port.url)
    assert (await fetch_details(http, granted.access, "custom", now)).backup
    company = await fetch_company(http, granted.access, "custom", now)
    return company.name if company else None


async def begin_in_browser(
    http: HttpClient, port: SimulatorServer, clock: FakeClock
) -> tuple[asyncio.Task[ConsentResult], ConsentPage]:
    shown: asyncio.Future[ConsentPage] = asyncio.get_running_loop().create_future()
    dc, client, stop = port.data_center("eu"), client_of(WEB_CLIENT), StopSignal(clock)
    flow = asyncio.create_task(sign_in_by_browser(http, client, dc, clock, stop, shown.set_result, port=0))
    return flow, await shown


async def test_by_code(server: SimulatorServer, http: HttpClient) -> None:
    org = server.simulator.world.all_orgs["heron"]
    client = OAuthClient(org.client_id, Secret(org.client_secret))
    code = Secret(server.simulator.issue_grant_code("heron"))
    granted = await sign_in_by_code(http, client, server.data_center("eu"), code, server.simulator.now())
    assert await org_of_grant(granted, server, http) == "Heron Lake Instruments"


async def test_by_code_as_a_persons_browser_gets_it_from_the_console(
    server: SimulatorServer, http: HttpClient
) -> None:
    org = server.simulator.world.all_orgs["heron"]
    console = await FakeBrowser().open(f"{server.url}/eu/console/code?org=heron")
    client, code = OAuthClient(org.client_id, Secret(org.client_secret)), Secret(console.text.strip())
    assert await sign_in_by_code(http, client, server.data_center("eu"), code, server.simulator.now())


async def test_by_device(server: SimulatorServer, http: HttpClient) -> None:
    clock = InstantClock()
    server.simulator.now = clock.now
    server.simulator.auto_accept_org = "heron"
    dc = server.data_center("eu")
    granted = await sign_in_by_device(
        http, client_of(DEVICE_CLIENT), dc, clock, StopSignal(clock), lambda code: None
    )
    assert await org_of_grant(granted, server, http) == "Heron Lake Instruments"


async def test_by_device_a_person_of_another_data_center_is_not_followed_off_the_port(
    server: SimulatorServer, http: HttpClient
) -> None:
    clock = InstantClock()
    server.simulator.now = clock.now
    server.simulator.auto_accept_org = "saffron"
    dc = server.data_center("eu")
    with pytest.raises(ProblemError) as caught:
        await sign_in_by_device(
            http, client_of(DEVICE_CLIENT), dc, clock, StopSignal(clock), lambda code: None
        )
    assert caught.value.problem.code == "other_dc"


async def test_by_browser(server: SimulatorServer, http: HttpClient, clock: FakeClock) -> None:
    flow, page = await begin_in_browser(http, server, clock)
    browser = FakeBrowser()
    answer = await browser.answer_consent(page.url, "heron")
    assert answer.headers["Location"].startswith(page.redirect_uri)
    came_back = await browser.open(answer.headers["Location"])
    assert "go back to the terminal" in came_back.text
    assert await org_of_grant(await flow, server, http) == "Heron Lake Instruments"


async def test_by_browser_a_person_who_rejects_it(
    server: SimulatorServer, http: HttpClient, clock: FakeClock
) -> None:
    flow, page = await begin_in_browser(http, server, clock)
    browser = FakeBrowser()
    answer = await browser.answer_consent(page.url, None)
    came_back = await browser.open(answer.headers["Location"])
    assert "refused" in came_back.text
    with pytest.raises(ProblemError) as caught:
        await flow
    assert caught.value.problem.code == "access_denied"


async def test_by_refresh_token(server: SimulatorServer, http: HttpClient) -> None:
    invented = server.simulator.world.all_orgs["heron"]
    org, now = server.org("heron"), server.simulator.now()
    sign_in = SignInCredentials(Secret(invented.client_secret), Secret(invented.refresh_token))
    access = await request_access_token(http, org, data_center_of(org), sign_in, now)
    assert (await fetch_details(http, access, "custom", now)).backup


async def test_by_client_credentials(server: SimulatorServer, http: HttpClient) -> None:
    invented = server.simulator.world.all_orgs["heron"]
    url, now = f"{server.url}/eu", server.simulator.now()
    org = Org("heron", "custom", invented.client_id, "client-credentials", invented.soid, url, url)
    sign_in = SignInCredentials(Secret(invented.client_secret))
    access = await request_access_token(http, org, data_center_of(org), sign_in, now)
    assert (await fetch_details(http, access, "custom", now)).backup


async def test_a_token_is_revoked(server: SimulatorServer, http: HttpClient) -> None:
    token = Secret(server.simulator.world.all_orgs["heron"].refresh_token)
    await revoke_refresh_token(http, server.data_center("eu"), token)
    assert token.reveal() not in server.simulator.accounts.refresh_tokens
