"""Each sign-in flow against the simulated Zoho inside the process: success and failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.support.fake_clock import FakeClock
from tests.support.simulator import FakeBrowser, client_of, make_simulator
from tests.watch.zoho_environment import InstantClock
from tests.zoho.canned_responses import full_error_text
from zbtui.clock import StopSignal
from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT
from zbtui.demo.responses import RequestRecord
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, OAuthClient, Secret
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, SignInProgress
from zbtui.zoho.client import fetch_company, fetch_details
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import revoke_refresh_token
from zbtui.zoho.sign_in import ConsentResult, sign_in_by_browser, sign_in_by_code, sign_in_by_device
from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.errors import BACKUP_SCOPE, SIGN_IN_SCOPES

Flow = asyncio.Task[ConsentResult]


@dataclass
class SimulatedSignIn:
    """The simulator, and an HTTP client that signs in to it."""

    clock: FakeClock
    simulator: Simulator
    http: HttpClient
    shown: list[SignInProgress] = field(default_factory=list)

    @property
    def browser(self) -> FakeBrowser:
        return FakeBrowser(serve_in_process(self.simulator))

    @property
    def user_code(self) -> str:
        (code, *_) = (one for one in self.shown if isinstance(one, DeviceCode))
        return code.user_code

    def grant_code(self, minutes: int = 10, scope: str | None = None) -> str:
        """A grant code for the self client of "heron"."""
        return self.simulator.issue_grant_code("heron", minutes, scope)

    def poll_records(self) -> list[RequestRecord]:
        """The requests that poll for a device's token."""
        return [one for one in self.simulator.request_records if one.grant_type == "device_token"]

    def self_client(self, name: str = "heron") -> OAuthClient:
        org = self.simulator.world.all_orgs[name]
        return OAuthClient(org.client_id, Secret(org.client_secret))

    async def by_code(self, code: str, dc: str = "eu", client: OAuthClient | None = None) -> ConsentResult:
        client = client or self.self_client()
        return await sign_in_by_code(self.http, client, DATA_CENTERS[dc], Secret(code), self.clock.now())

    async def by_device(self, dc: str = "eu", client: OAuthClient | None = None) -> ConsentResult:
        client = client or client_of(DEVICE_CLIENT)
        stop, show = StopSignal(self.clock), self.shown.append
        return await sign_in_by_device(self.http, client, DATA_CENTERS[dc], self.clock, stop, show)

    async def begin_in_browser(self, dc: str = "eu") -> tuple[Flow, str]:
        """Begin a browser sign-in; return its task and the URL of the consent page."""
        shown: asyncio.Future[ConsentPage] = asyncio.get_running_loop().create_future()
        client, stop = client_of(WEB_CLIENT), StopSignal(self.clock)
        flow = sign_in_by_browser(
            self.http, client, DATA_CENTERS[dc], self.clock, stop, shown.set_result, 0
        )
        return asyncio.create_task(flow), (await shown).url

    async def in_browser(self, org_name: str | None, dc: str = "eu") -> ConsentResult:
        """Complete a browser sign-in: the person accepts for `org_name`, or rejects if it is None."""
        flow, page = await self.begin_in_browser(dc)
        answer = await self.browser.answer_consent(page, org_name)
        await self.browser.open(answer.headers["Location"])
        return await flow

    async def company_of(self, granted: ConsentResult) -> str | None:
        """The name of the company that the tokens lead to."""
        access, dc = granted.access, granted.data_center.key
        assert (await fetch_details(self.http, access, dc, self.clock.now())).backup
        company = await fetch_company(self.http, access, dc, self.clock.now())
        return company.name if company else None


@pytest.fixture
async def simulated() -> AsyncIterator[SimulatedSignIn]:
    clock = InstantClock()
    simulator = make_simulator(clock)
    async with HttpClient(serve_in_process(simulator)) as http:
        yield SimulatedSignIn(clock, simulator, http)


@pytest.fixture
async def slow_simulated(clock: FakeClock) -> AsyncIterator[SimulatedSignIn]:
    """A sign-in whose clock moves only when the test moves it."""
    simulator = make_simulator(clock)
    async with HttpClient(serve_in_process(simulator)) as http:
        yield SimulatedSignIn(clock, simulator, http)


async def problem_of(flow: Awaitable[ConsentResult]) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await flow
    assert "demo-" not in full_error_text(caught.value)
    return caught.value.problem


# Self client


async def test_a_fresh_code_leads_to_the_org_that_it_was_made_for(simulated: SimulatedSignIn) -> None:
    granted = await simulated.by_code(simulated.grant_code())
    assert granted.scopes == frozenset(SIGN_IN_SCOPES.split(","))
    assert await simulated.company_of(granted) == "Heron Lake Instruments"


@pytest.mark.parametrize("minutes", [3, 5, 7, 10])
async def test_a_code_is_good_for_the_minutes_that_were_chosen(
    simulated: SimulatedSignIn, minutes: int
) -> None:
    in_time, late = (simulated.grant_code(minutes) for _ in range(2))
    await simulated.clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert await simulated.by_code(in_time)
    await simulated.clock.advance(1)
    assert "too old" in (await problem_of(simulated.by_code(late))).message


async def test_a_code_works_once(simulated: SimulatedSignIn) -> None:
    code = simulated.grant_code()
    await simulated.by_code(code)
    assert (await problem_of(simulated.by_code(code))).code == "invalid_code"


async def test_a_code_taken_to_another_data_center_says_which_one_was_tried(
    simulated: SimulatedSignIn,
) -> None:
    problem = await problem_of(simulated.by_code(simulated.grant_code(), dc="us"))
    assert problem.code == "invalid_client"
    assert "US" in problem.hint


async def test_a_code_outlives_a_wrong_secret(simulated: SimulatedSignIn) -> None:
    code, wrong = simulated.grant_code(), Secret("a slip of the finger")
    client = replace(simulated.self_client(), client_secret=wrong)
    assert (await problem_of(simulated.by_code(code, client=client))).code == "invalid_client_secret"
    assert await simulated.by_code(code)


async def test_a_code_made_with_other_scopes_shows_what_it_covers(simulated: SimulatedSignIn) -> None:
    granted = await simulated.by_code(simulated.grant_code(scope="ZohoCRM.org.READ"))
    assert granted.scopes == frozenset({"ZohoCRM.org.READ"})


async def test_a_client_for_browsers_is_no_self_client(simulated: SimulatedSignIn) -> None:
    problem = await problem_of(simulated.by_code(simulated.grant_code(), client=client_of(DEVICE_CLIENT)))
    assert (problem.code, "Self Client" in problem.message) == ("invalid_client", True)


# Device


async def test_a_person_who_accepts_elsewhere_ends_the_polls(slow_simulated: SimulatedSignIn) -> None:
    flow = asyncio.create_task(slow_simulated.by_device())
    await slow_simulated.clock.advance(75)
    slow_simulated.simulator.decide_by_user_code(slow_simulated.user_code, "heron")
    await slow_simulated.clock.advance(30)
    assert await slow_simulated.company_of(await flow) == "Heron Lake Instruments"
    polls = [one.at for one in slow_simulated.poll_records()]
    assert [(at - slow_simulated.simulator.world.start).seconds for at in polls] == [30, 60, 90]


async def test_the_page_with_the_code_in_it_is_the_one_that_decides(
    slow_simulated: SimulatedSignIn,
) -> None:
    flow = asyncio.create_task(slow_simulated.by_device())
    await slow_simulated.clock.advance(1)
    code = slow_simulated.shown[0]
    assert isinstance(code, DeviceCode)
    assert code.verification_url_with_code
    await slow_simulated.browser.answer_consent(code.verification_url_with_code, "heron")
    await slow_simulated.clock.advance(30)
    assert await slow_simulated.company_of(await flow) == "Heron Lake Instruments"


async def test_a_person_of_another_data_center_is_followed_there(simulated: SimulatedSignIn) -> None:
    simulated.simulator.auto_accept_org = "saffron"
    granted = await simulated.by_device("eu")
    assert granted.data_center == DATA_CENTERS["in"]
    assert await simulated.company_of(granted) == "Saffron Route Spices"
    polled = [one.host for one in simulated.poll_records()]
    assert polled == ["accounts.zoho.eu", "accounts.zoho.in"]


async def test_a_regional_secret_is_wrong_elsewhere_and_that_is_said(simulated: SimulatedSignIn) -> None:
    simulated.simulator.auto_accept_org = "saffron"
    problem = await problem_of(simulated.by_device("eu", client_of(REGIONAL_CLIENT, "eu")))
    assert problem.code == "invalid_client_secret"
    assert "secrets of their own" in problem.hint
    assert "IN" in problem.hint


async def test_a_person_who_rejects_it_ends_it(slow_simulated: SimulatedSignIn) -> None:
    flow = asyncio.create_task(slow_simulated.by_device())
    await slow_simulated.clock.advance(5)
    slow_simulated.simulator.decide_by_user_code(slow_simulated.user_code, None)
    await slow_simulated.clock.advance(30)
    assert (await problem_of(flow)).code == "access_denied"


async def test_a_code_that_nobody_enters_runs_out(simulated: SimulatedSignIn) -> None:
    assert (await problem_of(simulated.by_device())).code == "expired"
    assert simulated.clock.now() - simulated.simulator.world.start <= timedelta(minutes=5, seconds=30)


async def test_it_never_has_to_be_asked_to_slow_down(simulated: SimulatedSignIn) -> None:
    await problem_of(simulated.by_device())
    simulated.simulator.min_device_poll_interval = timedelta(seconds=40)
    simulated.simulator.auto_accept_org = "heron"
    simulated.simulator.auto_accept_after = timedelta(minutes=2)
    assert await simulated.by_device()
    last = [one.at for one in simulated.poll_records()][-3:]
    assert [late - early for early, late in pairwise(last)] == [timedelta(seconds=40)] * 2


async def test_a_self_client_is_none_for_devices(simulated: SimulatedSignIn) -> None:
    problem = await problem_of(simulated.by_device("eu", simulated.self_client()))
    assert "Non-browser" in problem.hint
    assert simulated.shown == []


async def test_a_lock_out_is_shown_by_the_flow_as_well(simulated: SimulatedSignIn) -> None:
    simulated.simulator.auto_accept_org = "heron"
    simulated.simulator.forced_kinds["heron"] = "Access Denied"
    assert (await problem_of(simulated.by_device())).forbids_early_retry


# Browser


async def test_the_person_accepts_and_the_browser_comes_back_with_it(
    slow_simulated: SimulatedSignIn,
) -> None:
    granted = await slow_simulated.in_browser("heron")
    assert granted.data_center == DATA_CENTERS["eu"]
    assert await slow_simulated.company_of(granted) == "Heron Lake Instruments"


async def test_a_person_of_another_data_center_ends_up_there(slow_simulated: SimulatedSignIn) -> None:
    granted = await slow_simulated.in_browser("saffron", dc="us")
    assert granted.data_center == DATA_CENTERS["in"]
    assert await slow_simulated.company_of(granted) == "Saffron Route Spices"


async def test_a_person_in_china_begins_there(slow_simulated: SimulatedSignIn) -> None:
    granted = await slow_simulated.in_browser("lotus", dc="cn")
    assert granted.data_center == DATA_CENTERS["cn"]


async def test_the_verifier_answers_the_challenge_and_another_one_would_not(
    slow_simulated: SimulatedSignIn,
) -> None:
    first, page = await slow_simulated.begin_in_browser()
    other, _ = await slow_simulated.begin_in_browser()
    answer = await slow_simulated.browser.answer_consent(page, "heron")
    ((text, code),) = slow_simulated.simulator.accounts.codes.items()
    slow_simulated.simulator.accounts.codes[text] = replace(code, challenge="A" * 43)
    await slow_simulated.browser.open(answer.headers["Location"])
    assert (await problem_of(first)).code == "invalid_code"
    other.cancel()
    await asyncio.gather(other, return_exceptions=True)


async def test_a_second_sign_in_with_the_same_client_brings_a_refresh_token_all_the_same(
    slow_simulated: SimulatedSignIn,
) -> None:
    first = await slow_simulated.in_browser("heron")
    second = await slow_simulated.in_browser("heron")
    assert first.sign_in.refresh_token != second.sign_in.refresh_token


async def test_a_person_who_rejects_it_is_believed(slow_simulated: SimulatedSignIn) -> None:
    assert (await problem_of(slow_simulated.in_browser(None))).code == "access_denied"


async def test_a_browser_that_is_redirected_late_is_too_late(slow_simulated: SimulatedSignIn) -> None:
    flow, page = await slow_simulated.begin_in_browser()
    answer = await slow_simulated.browser.answer_consent(page, "heron")
    await slow_simulated.clock.advance(61)
    await slow_simulated.browser.open(answer.headers["Location"])
    assert "too late" in (await problem_of(flow)).message


async def test_a_redirect_address_that_is_not_registered_is_zohos_to_show(
    slow_simulated: SimulatedSignIn,
) -> None:
    slow_simulated.simulator.allow_any_loopback_port = False
    flow, page = await slow_simulated.begin_in_browser()
    answer = await slow_simulated.browser.open(page)
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    await slow_simulated.clock.advance(timedelta(minutes=5))
    assert "did not come back" in (await problem_of(flow)).message


async def test_no_address_that_was_opened_holds_a_secret(slow_simulated: SimulatedSignIn) -> None:
    flow, page = await slow_simulated.begin_in_browser()
    browser = slow_simulated.browser
    await browser.answer_consent(page, "heron")
    assert "secret" not in "".join(browser.opened_urls)
    flow.cancel()
    await asyncio.gather(flow, return_exceptions=True)


async def test_a_consent_that_covers_less_shows_what_it_covers(slow_simulated: SimulatedSignIn) -> None:
    slow_simulated.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    assert (await slow_simulated.in_browser("heron")).scopes == frozenset({"ZohoCRM.org.READ"})


# Revoking


async def test_a_refresh_token_that_is_revoked_is_dead_and_so_is_what_came_of_it(
    simulated: SimulatedSignIn,
) -> None:
    granted = await simulated.by_code(simulated.grant_code())
    token, access = granted.sign_in.refresh_token, granted.access
    assert token is not None
    await revoke_refresh_token(simulated.http, granted.data_center, token)
    assert token.reveal() not in simulated.simulator.accounts.refresh_tokens
    assert await _is_dead(simulated, access)


async def test_revoking_what_is_revoked_already_is_no_error(simulated: SimulatedSignIn) -> None:
    granted = await simulated.by_code(simulated.grant_code())
    assert granted.sign_in.refresh_token
    for _ in range(2):
        await revoke_refresh_token(simulated.http, granted.data_center, granted.sign_in.refresh_token)


async def test_the_simulators_log_shows_no_secret(simulated: SimulatedSignIn) -> None:
    granted = await simulated.by_code(simulated.grant_code())
    assert granted.sign_in.refresh_token
    await revoke_refresh_token(simulated.http, granted.data_center, granted.sign_in.refresh_token)
    assert {one.query for one in simulated.simulator.request_records} == {""}


async def _is_dead(simulated: SimulatedSignIn, access: AccessToken) -> bool:
    try:
        await fetch_details(simulated.http, access, "eu", simulated.clock.now())
    except ProblemError as error:
        return error.problem.code == "INVALID_TOKEN"
    return False
