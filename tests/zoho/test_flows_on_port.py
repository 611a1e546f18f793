"""Each sign-in flow over a real port, the browser's with an HTTP client that acts as one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.support.clock import FakeClock
from tests.support.zoho import Browser, Port, client_of, make_simulator, on_port
from tests.watch.scene import HastyClock
from zbtui.clock import Stop
from zbtui.core.data_centers import data_center_of
from zbtui.core.org import Org
from zbtui.core.progress import BrowserPage
from zbtui.core.secret import Client, Secret, SignIn
from zbtui.core.trouble import TroubleError
from zbtui.demo.accounts import DEVICE_CLIENT, WEB_CLIENT
from zbtui.zoho.client import fetch_company, fetch_details
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import request_access_token, revoke
from zbtui.zoho.signin import Granted, sign_in_by_browser, sign_in_by_code, sign_in_by_device


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    with on_port(make_simulator(HastyClock())) as served:
        yield served


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http() as client:
        yield client


async def leads_to(granted: Granted, port: Port, http: Http) -> str | None:
    """The company that the tokens lead to, at this port and nowhere else."""
    now = port.simulator.now()
    assert granted.access.api_url.startswith(port.url)
    assert (await fetch_details(http, granted.access, "custom", now)).backup
    company = await fetch_company(http, granted.access, "custom", now)
    return company.name if company else None


async def begin_in_browser(
    http: Http, port: Port, clock: FakeClock
) -> tuple[asyncio.Task[Granted], BrowserPage]:
    shown: asyncio.Future[BrowserPage] = asyncio.get_running_loop().create_future()
    dc, client, stop = port.data_center("eu"), client_of(WEB_CLIENT), Stop(clock)
    flow = asyncio.create_task(sign_in_by_browser(http, client, dc, clock, stop, shown.set_result, port=0))
    return flow, await shown


async def test_by_code(port: Port, http: Http) -> None:
    org = port.simulator.world.every["heron"]
    client = Client(org.client_id, Secret(org.client_secret))
    code = Secret(port.simulator.grant_code("heron"))
    granted = await sign_in_by_code(http, client, port.data_center("eu"), code, port.simulator.now())
    assert await leads_to(granted, port, http) == "Heron Lake Instruments"


async def test_by_code_as_a_persons_browser_gets_it_from_the_console(port: Port, http: Http) -> None:
    org = port.simulator.world.every["heron"]
    console = await Browser().open(f"{port.url}/eu/console/code?org=heron")
    client, code = Client(org.client_id, Secret(org.client_secret)), Secret(console.text.strip())
    assert await sign_in_by_code(http, client, port.data_center("eu"), code, port.simulator.now())


async def test_by_device(port: Port, http: Http) -> None:
    clock = HastyClock()
    port.simulator.now = clock.now
    port.simulator.device_person = "heron"
    granted = await sign_in_by_device(
        http, client_of(DEVICE_CLIENT), port.data_center("eu"), clock, Stop(clock), lambda code: None
    )
    assert await leads_to(granted, port, http) == "Heron Lake Instruments"


async def test_by_device_a_person_of_another_data_center_is_not_followed_off_the_port(
    port: Port, http: Http
) -> None:
    clock = HastyClock()
    port.simulator.now = clock.now
    port.simulator.device_person = "saffron"
    dc = port.data_center("eu")
    with pytest.raises(TroubleError) as caught:
        await sign_in_by_device(http, client_of(DEVICE_CLIENT), dc, clock, Stop(clock), lambda code: None)
    assert caught.value.trouble.code == "other_dc"


async def test_by_browser(port: Port, http: Http, clock: FakeClock) -> None:
    flow, page = await begin_in_browser(http, port, clock)
    browser = Browser()
    answer = await browser.decide(page.url, "heron")
    assert answer.headers["Location"].startswith(page.redirect_uri)
    came_back = await browser.open(answer.headers["Location"])
    assert "go back to the terminal" in came_back.text
    assert await leads_to(await flow, port, http) == "Heron Lake Instruments"


async def test_by_browser_a_person_who_rejects_it(port: Port, http: Http, clock: FakeClock) -> None:
    flow, page = await begin_in_browser(http, port, clock)
    browser = Browser()
    answer = await browser.decide(page.url, None)
    came_back = await browser.open(answer.headers["Location"])
    assert "refused" in came_back.text
    with pytest.raises(TroubleError) as caught:
        await flow
    assert caught.value.trouble.code == "access_denied"


async def test_by_refresh_token(port: Port, http: Http) -> None:
    invented = port.simulator.world.every["heron"]
    org, now = port.org("heron"), port.simulator.now()
    sign_in = SignIn(Secret(invented.client_secret), Secret(invented.refresh_token))
    access = await request_access_token(http, org, data_center_of(org), sign_in, now)
    assert (await fetch_details(http, access, "custom", now)).backup


async def test_by_client_credentials(port: Port, http: Http) -> None:
    invented, url, now = port.simulator.world.every["heron"], f"{port.url}/eu", port.simulator.now()
    org = Org("heron", "custom", invented.client_id, "client-credentials", invented.soid, url, url)
    sign_in = SignIn(Secret(invented.client_secret))
    access = await request_access_token(http, org, data_center_of(org), sign_in, now)
    assert (await fetch_details(http, access, "custom", now)).backup


async def test_a_token_is_revoked(port: Port, http: Http) -> None:
    token = Secret(port.simulator.world.every["heron"].refresh_token)
    await revoke(http, port.data_center("eu"), token)
    assert token.reveal() not in port.simulator.accounts.refresh_tokens
