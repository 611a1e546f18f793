"""Each sign-in flow against the simulated Zoho, in the process: its good end, and every wrong turn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.support.clock import FakeClock
from tests.support.zoho import Browser, client_of, make_simulator
from tests.watch.scene import HastyClock
from tests.zoho.canned import all_that_it_tells
from zbtui.clock import Stop
from zbtui.core.data_centers import DATA_CENTERS
from zbtui.core.explain import BACKUP_SCOPE, SCOPES
from zbtui.core.progress import BrowserPage, DeviceCode, Progress
from zbtui.core.secret import AccessToken, Client, Secret
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT
from zbtui.demo.server import serve_in_process
from zbtui.demo.zoho import Simulator
from zbtui.zoho.client import fetch_company, fetch_details
from zbtui.zoho.http import Http
from zbtui.zoho.oauth import revoke
from zbtui.zoho.signin import Granted, sign_in_by_browser, sign_in_by_code, sign_in_by_device

Flow = asyncio.Task[Granted]


@dataclass
class Scene:
    """The simulator, and a client of ours that signs in to it."""

    clock: FakeClock
    simulator: Simulator
    http: Http
    shown: list[Progress] = field(default_factory=list)

    @property
    def browser(self) -> Browser:
        return Browser(serve_in_process(self.simulator))

    @property
    def user_code(self) -> str:
        (code, *_) = (one for one in self.shown if isinstance(one, DeviceCode))
        return code.user_code

    def self_client(self, name: str = "heron") -> Client:
        org = self.simulator.world.every[name]
        return Client(org.client_id, Secret(org.client_secret))

    async def by_code(self, code: str, dc: str = "eu", client: Client | None = None) -> Granted:
        client = client or self.self_client()
        return await sign_in_by_code(self.http, client, DATA_CENTERS[dc], Secret(code), self.clock.now())

    async def by_device(self, dc: str = "eu", client: Client | None = None) -> Granted:
        client = client or client_of(DEVICE_CLIENT)
        stop, tell = Stop(self.clock), self.shown.append
        return await sign_in_by_device(self.http, client, DATA_CENTERS[dc], self.clock, stop, tell)

    async def begin_in_browser(self, dc: str = "eu") -> tuple[Flow, str]:
        """A sign-in that waits, and the page that it wants to be opened."""
        shown: asyncio.Future[BrowserPage] = asyncio.get_running_loop().create_future()
        client, stop = client_of(WEB_CLIENT), Stop(self.clock)
        flow = asyncio.create_task(
            sign_in_by_browser(
                self.http, client, DATA_CENTERS[dc], self.clock, stop, shown.set_result, port=0
            )
        )
        return flow, (await shown).url

    async def in_browser(self, org_name: str | None, dc: str = "eu") -> Granted:
        """The whole of it, with a person who accepts for an org, or rejects."""
        flow, page = await self.begin_in_browser(dc)
        answer = await self.browser.decide(page, org_name)
        await self.browser.open(answer.headers["Location"])
        return await flow

    async def company_of(self, granted: Granted) -> str | None:
        """Whose backup and name the tokens lead to."""
        access, dc = granted.access, granted.data_center.key
        assert (await fetch_details(self.http, access, dc, self.clock.now())).backup
        company = await fetch_company(self.http, access, dc, self.clock.now())
        return company.name if company else None


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = HastyClock()
    simulator = make_simulator(clock)
    async with Http(serve_in_process(simulator)) as http:
        yield Scene(clock, simulator, http)


@pytest.fixture
async def slow_scene(clock: FakeClock) -> AsyncIterator[Scene]:
    """Where time stands still until it is moved."""
    simulator = make_simulator(clock)
    async with Http(serve_in_process(simulator)) as http:
        yield Scene(clock, simulator, http)


async def refused(flow: Awaitable[Granted]) -> Trouble:
    with pytest.raises(TroubleError) as caught:
        await flow
    assert "demo-" not in all_that_it_tells(caught.value)
    return caught.value.trouble


# Self client


async def test_a_fresh_code_leads_to_the_org_that_it_was_made_for(scene: Scene) -> None:
    granted = await scene.by_code(scene.simulator.grant_code("heron"))
    assert granted.scopes == frozenset(SCOPES.split(","))
    assert await scene.company_of(granted) == "Heron Lake Instruments"


@pytest.mark.parametrize("minutes", [3, 5, 7, 10])
async def test_a_code_is_good_for_the_minutes_that_were_chosen(scene: Scene, minutes: int) -> None:
    in_time, late = (scene.simulator.grant_code("heron", minutes) for _ in range(2))
    await scene.clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert await scene.by_code(in_time)
    await scene.clock.advance(1)
    assert "too old" in (await refused(scene.by_code(late))).message


async def test_a_code_works_once(scene: Scene) -> None:
    code = scene.simulator.grant_code("heron")
    await scene.by_code(code)
    assert (await refused(scene.by_code(code))).code == "invalid_code"


async def test_a_code_taken_to_another_data_center_says_which_one_was_tried(scene: Scene) -> None:
    trouble = await refused(scene.by_code(scene.simulator.grant_code("heron"), dc="us"))
    assert trouble.code == "invalid_client"
    assert "US" in trouble.hint


async def test_a_code_outlives_a_wrong_secret(scene: Scene) -> None:
    code, wrong = scene.simulator.grant_code("heron"), Secret("a slip of the finger")
    client = replace(scene.self_client(), client_secret=wrong)
    assert (await refused(scene.by_code(code, client=client))).code == "invalid_client_secret"
    assert await scene.by_code(code)


async def test_a_code_made_with_other_scopes_shows_what_it_covers(scene: Scene) -> None:
    granted = await scene.by_code(scene.simulator.grant_code("heron", scope="ZohoCRM.org.READ"))
    assert granted.scopes == frozenset({"ZohoCRM.org.READ"})


async def test_a_client_for_browsers_is_no_self_client(scene: Scene) -> None:
    trouble = await refused(
        scene.by_code(scene.simulator.grant_code("heron"), client=client_of(DEVICE_CLIENT))
    )
    assert (trouble.code, "Self Client" in trouble.message) == ("invalid_client", True)


# Device


async def test_a_person_who_accepts_elsewhere_ends_the_polls(slow_scene: Scene) -> None:
    scene = slow_scene
    flow = asyncio.create_task(scene.by_device())
    await scene.clock.advance(75)
    scene.simulator.decide(scene.user_code, "heron")
    await scene.clock.advance(30)
    assert await scene.company_of(await flow) == "Heron Lake Instruments"
    polls = [one.at for one in scene.simulator.requests if one.grant == "device_token"]
    assert [(at - scene.simulator.world.start).seconds for at in polls] == [30, 60, 90]


async def test_the_page_with_the_code_in_it_is_the_one_that_decides(slow_scene: Scene) -> None:
    scene = slow_scene
    flow = asyncio.create_task(scene.by_device())
    await scene.clock.advance(1)
    code = scene.shown[0]
    assert isinstance(code, DeviceCode)
    assert code.complete_url
    await scene.browser.decide(code.complete_url, "heron")
    await scene.clock.advance(30)
    assert await scene.company_of(await flow) == "Heron Lake Instruments"


async def test_a_person_of_another_data_center_is_followed_there(scene: Scene) -> None:
    scene.simulator.device_person = "saffron"
    granted = await scene.by_device("eu")
    assert granted.data_center == DATA_CENTERS["in"]
    assert await scene.company_of(granted) == "Saffron Route Spices"
    polled = [one.host for one in scene.simulator.requests if one.grant == "device_token"]
    assert polled == ["accounts.zoho.eu", "accounts.zoho.in"]


async def test_a_regional_secret_is_wrong_elsewhere_and_that_is_said(scene: Scene) -> None:
    scene.simulator.device_person = "saffron"
    trouble = await refused(scene.by_device("eu", client_of(REGIONAL_CLIENT, "eu")))
    assert trouble.code == "invalid_client_secret"
    assert "secrets of their own" in trouble.hint
    assert "IN" in trouble.hint


async def test_a_person_who_rejects_it_ends_it(slow_scene: Scene) -> None:
    flow = asyncio.create_task(slow_scene.by_device())
    await slow_scene.clock.advance(5)
    slow_scene.simulator.decide(slow_scene.user_code, None)
    await slow_scene.clock.advance(30)
    assert (await refused(flow)).code == "access_denied"


async def test_a_code_that_nobody_enters_runs_out(scene: Scene) -> None:
    assert (await refused(scene.by_device())).code == "expired"
    assert scene.clock.now() - scene.simulator.world.start <= timedelta(minutes=5, seconds=30)


async def test_it_never_has_to_be_told_to_slow_down(scene: Scene) -> None:
    await refused(scene.by_device())
    scene.simulator.device_floor = timedelta(seconds=40)
    scene.simulator.device_person = "heron"
    scene.simulator.device_person_after = timedelta(minutes=2)
    assert await scene.by_device()
    last = [one.at for one in scene.simulator.requests if one.grant == "device_token"][-3:]
    assert [late - early for early, late in pairwise(last)] == [timedelta(seconds=40)] * 2


async def test_a_self_client_is_none_for_devices(scene: Scene) -> None:
    trouble = await refused(scene.by_device("eu", scene.self_client()))
    assert "Non-browser" in trouble.hint
    assert scene.shown == []


async def test_a_lock_out_is_told_by_the_flow_as_well(scene: Scene) -> None:
    scene.simulator.device_person = "heron"
    scene.simulator.forced["heron"] = "Access Denied"
    assert (await refused(scene.by_device())).is_barred


# Browser


async def test_the_person_accepts_and_the_browser_comes_back_with_it(slow_scene: Scene) -> None:
    granted = await slow_scene.in_browser("heron")
    assert granted.data_center == DATA_CENTERS["eu"]
    assert await slow_scene.company_of(granted) == "Heron Lake Instruments"


async def test_a_person_of_another_data_center_ends_up_there(slow_scene: Scene) -> None:
    granted = await slow_scene.in_browser("saffron", dc="us")
    assert granted.data_center == DATA_CENTERS["in"]
    assert await slow_scene.company_of(granted) == "Saffron Route Spices"


async def test_a_person_in_china_begins_there(slow_scene: Scene) -> None:
    granted = await slow_scene.in_browser("lotus", dc="cn")
    assert granted.data_center == DATA_CENTERS["cn"]


async def test_the_verifier_answers_the_challenge_and_another_one_would_not(slow_scene: Scene) -> None:
    scene = slow_scene
    first, page = await scene.begin_in_browser()
    other, _ = await scene.begin_in_browser()
    answer = await scene.browser.decide(page, "heron")
    ((text, code),) = scene.simulator.accounts.codes.items()
    scene.simulator.accounts.codes[text] = replace(code, challenge="A" * 43)
    await scene.browser.open(answer.headers["Location"])
    assert (await refused(first)).code == "invalid_code"
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def test_a_second_sign_in_with_the_same_client_brings_a_refresh_token_all_the_same(
    slow_scene: Scene,
) -> None:
    first = await slow_scene.in_browser("heron")
    second = await slow_scene.in_browser("heron")
    assert first.sign_in.refresh_token != second.sign_in.refresh_token


async def test_a_person_who_rejects_it_is_believed(slow_scene: Scene) -> None:
    assert (await refused(slow_scene.in_browser(None))).code == "access_denied"


async def test_a_browser_that_dawdled_on_the_way_back_is_too_late(slow_scene: Scene) -> None:
    flow, page = await slow_scene.begin_in_browser()
    answer = await slow_scene.browser.decide(page, "heron")
    await slow_scene.clock.advance(61)
    await slow_scene.browser.open(answer.headers["Location"])
    assert "too late" in (await refused(flow)).message


async def test_a_redirect_address_that_is_not_registered_is_zohos_to_tell(slow_scene: Scene) -> None:
    slow_scene.simulator.loopback_redirects = False
    flow, page = await slow_scene.begin_in_browser()
    answer = await slow_scene.browser.open(page)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    await slow_scene.clock.advance(timedelta(minutes=5))
    assert "did not come back" in (await refused(flow)).message


async def test_no_address_that_was_opened_holds_a_secret(slow_scene: Scene) -> None:
    flow, page = await slow_scene.begin_in_browser()
    browser = slow_scene.browser
    await browser.decide(page, "heron")
    assert "secret" not in "".join(browser.visited)
    flow.cancel()
    await asyncio.gather(flow, return_exceptions=True)


async def test_a_consent_that_covers_less_shows_what_it_covers(slow_scene: Scene) -> None:
    slow_scene.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    assert (await slow_scene.in_browser("heron")).scopes == frozenset({"ZohoCRM.org.READ"})


# What is not needed any more


async def test_a_refresh_token_that_is_revoked_is_dead_and_so_is_what_came_of_it(scene: Scene) -> None:
    granted = await scene.by_code(scene.simulator.grant_code("heron"))
    token, access = granted.sign_in.refresh_token, granted.access
    assert token is not None
    await revoke(scene.http, granted.data_center, token)
    assert token.reveal() not in scene.simulator.accounts.refresh_tokens
    assert await _is_dead(scene, access)


async def test_revoking_what_is_revoked_already_is_no_error(scene: Scene) -> None:
    granted = await scene.by_code(scene.simulator.grant_code("heron"))
    assert granted.sign_in.refresh_token
    for _ in range(2):
        await revoke(scene.http, granted.data_center, granted.sign_in.refresh_token)


async def test_the_simulators_log_shows_no_secret(scene: Scene) -> None:
    granted = await scene.by_code(scene.simulator.grant_code("heron"))
    assert granted.sign_in.refresh_token
    await revoke(scene.http, granted.data_center, granted.sign_in.refresh_token)
    assert {one.query for one in scene.simulator.requests} == {""}


async def _is_dead(scene: Scene, access: AccessToken) -> bool:
    try:
        await fetch_details(scene.http, access, "eu", scene.clock.now())
    except TroubleError as error:
        return error.trouble.code == "INVALID_TOKEN"
    return False
