"""Device sign-in: polls until the person has decided on another device."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import START, FakeClock
from tests.zoho.canned_responses import CannedResponse, json_response
from tests.zoho.flow_samples import (
    CAPTIVE_PORTAL_PAGE,
    CONNECTION_RESET,
    DEVICE_CODE_PATH,
    DEVICE_TOKEN_PATH,
    EU,
    PENDING_RESPONSE,
    TOKEN_ANSWER,
    TOKEN_RESPONSE,
    DeviceFlow,
    device_code_answer,
    problem_of,
)
from zbtui.clock import StoppedError, StopSignal
from zbtui.model.org import CUSTOM_DATA_CENTER
from zbtui.model.problem import ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter


async def test_a_poll_carries_the_code_and_the_secret_in_its_form() -> None:
    flow = DeviceFlow()
    await flow.run()
    (asked,) = flow.app.requests_to(DEVICE_TOKEN_PATH)
    assert (asked.method, asked.host, asked.query) == ("POST", "accounts.zoho.eu", "")
    assert asked.form == {
        "client_id": "1000.ACME",
        "client_secret": "the-client-secret",
        "grant_type": "device_token",
        "code": "1004.0f0f.9a9a",
    }


# Success


async def test_once_the_person_has_decided_the_next_poll_brings_the_tokens() -> None:
    granted = await DeviceFlow(PENDING_RESPONSE, PENDING_RESPONSE, TOKEN_RESPONSE).run()
    assert granted.sign_in == SignInCredentials(Secret("the-client-secret"), Secret("1000.cc33.dd44"))
    assert granted.access.token == Secret("1000.aa11.bb22")
    assert granted.data_center == EU


async def test_the_life_of_the_token_is_in_seconds_and_counts_from_the_last_poll() -> None:
    granted = await DeviceFlow(PENDING_RESPONSE, TOKEN_RESPONSE).run()
    assert granted.access.expires_at == START + timedelta(seconds=60, hours=1)


@pytest.mark.parametrize("status", [200, 400])
async def test_pending_is_shown_by_the_body_whatever_the_status(status: int) -> None:
    assert await DeviceFlow(json_response({"error": "authorization_pending"}, status), TOKEN_RESPONSE).run()


async def test_the_code_is_shown_before_the_first_poll_and_again_before_each() -> None:
    flow = DeviceFlow(PENDING_RESPONSE, PENDING_RESPONSE, TOKEN_RESPONSE)
    await flow.run()
    assert [(code.poll_count, code.next_poll - START) for code in flow.codes] == [
        (0, timedelta(seconds=30)),
        (1, timedelta(seconds=60)),
        (2, timedelta(seconds=90)),
    ]
    first = flow.codes[0]
    assert (first.user_code, first.verification_url) == (
        "QW12ER34",
        "https://accounts.zoho.eu/oauth/v3/device",
    )
    assert first.verification_url_with_code == "https://accounts.zoho.eu/oauth/v3/device?user_code=QW12ER34"
    assert first.expires_at == START + timedelta(minutes=5)


# The pause between two polls


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        (30_000, 30),
        (30, 30),
        (45_000, 45),
        (45, 45),
        (5_000, 30),
        (5, 30),
        (0, 30),
        (-60, 30),
        (None, 30),
        ("60", 30),
        (False, 30),
    ],
    ids=str,
)
async def test_a_poll_comes_after_the_interval_but_never_sooner_than_half_a_minute(
    interval: object, seconds: float
) -> None:
    flow = DeviceFlow(PENDING_RESPONSE, TOKEN_RESPONSE, code_answer=device_code_answer(interval=interval))
    await flow.run()
    assert flow.poll_times == [START + timedelta(seconds=seconds * count) for count in (1, 2)]


async def test_slow_down_makes_the_pause_longer_for_good() -> None:
    slow = json_response({"error": "slow_down"})
    flow = DeviceFlow(slow, slow, PENDING_RESPONSE, TOKEN_RESPONSE)
    await flow.run()
    pauses = [late - early for early, late in pairwise([START, *flow.poll_times])]
    assert [pause.total_seconds() for pause in pauses] == [30, 35, 40, 40]


TIMES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
POLLS = st.sampled_from(
    [
        PENDING_RESPONSE,
        CONNECTION_RESET,
        CannedResponse(503, CAPTIVE_PORTAL_PAGE),
        json_response({"error": "slow_down"}),
        json_response({"error": "slow_down", "interval": 1}, 400),
        json_response({"error": "other_dc", "user_location": "us"}),
        json_response({"error": "other_dc", "user_location": "eu"}),
        json_response({"error": "general_error"}, 500),
        json_response({"error": "access_denied"}),
        CannedResponse(200, b"{}"),
        TOKEN_RESPONSE,
    ]
)


@settings(max_examples=60, deadline=None)
@given(interval=TIMES, expires=TIMES, polls=st.lists(POLLS, min_size=1, max_size=12))
async def test_whatever_is_answered_no_two_polls_are_within_half_a_minute_and_it_ends(
    interval: Any, expires: Any, polls: list[CannedResponse | OSError]
) -> None:
    flow = DeviceFlow(*polls, code_answer=device_code_answer(interval=interval, expires_in=expires))
    try:
        await flow.run()
    except ProblemError as error:
        assert error.problem.message
    moments = [START, *flow.poll_times]
    assert all(late - early >= timedelta(seconds=30) for early, late in pairwise(moments))
    # The longest lifetime of a code, and two of the longest pauses after slow answers.
    assert flow.clock.now() - START <= timedelta(minutes=95)


# Another data center


@pytest.mark.parametrize("key", ["user_location", "dc"])
@pytest.mark.parametrize("named", ["in", "IN", " in "])
async def test_a_person_of_another_data_center_is_polled_for_there_only_with_the_same_code(
    key: str, named: str
) -> None:
    flow = DeviceFlow(
        PENDING_RESPONSE, json_response({"error": "other_dc", key: named}), PENDING_RESPONSE, TOKEN_RESPONSE
    )
    granted = await flow.run()
    assert granted.data_center == DATA_CENTERS["in"]
    assert flow.hosts == ["accounts.zoho.eu"] * 2 + ["accounts.zoho.in"] * 2
    assert {asked.form["code"] for asked in flow.app.requests_to(DEVICE_TOKEN_PATH)} == {"1004.0f0f.9a9a"}
    assert len(flow.app.requests_to(DEVICE_CODE_PATH)) == 1


async def test_the_other_data_center_is_not_polled_sooner_than_the_first_would_be() -> None:
    flow = DeviceFlow(json_response({"error": "other_dc", "user_location": "us"}), TOKEN_RESPONSE)
    await flow.run()
    assert [moment - START for moment in flow.poll_times] == [timedelta(seconds=30), timedelta(seconds=60)]


@pytest.mark.parametrize(
    "more",
    [{}, {"user_location": "atlantis"}, {"user_location": 5}, {"dc": "https://accounts.evil.example"}],
    ids=str,
)
async def test_a_data_center_that_is_none_ends_the_sign_in_and_gets_no_secret(
    more: dict[str, object],
) -> None:
    flow = DeviceFlow(json_response({"error": "other_dc", **more}))
    problem = await problem_of(flow.run())
    assert (problem.code, problem.final) == ("other_dc", True)
    assert set(flow.hosts) == {"accounts.zoho.eu"}


async def test_an_org_with_urls_of_its_own_is_never_followed_elsewhere() -> None:
    portal = DataCenter(CUSTOM_DATA_CENTER, "https://accounts.portal.example", "https://api.portal.example")
    here = device_code_answer(verification_url="https://accounts.portal.example/device")
    flow = DeviceFlow(
        json_response({"error": "other_dc", "user_location": "us"}), code_answer=here, dc=portal
    )
    assert (await problem_of(flow.run())).code == "other_dc"
    assert set(flow.hosts) == {"accounts.portal.example"}


async def test_data_centers_that_send_one_back_and_forth_do_so_until_the_code_has_run_out() -> None:
    there, back = (json_response({"error": "other_dc", "user_location": key}) for key in ("us", "eu"))
    flow = DeviceFlow(*[there, back] * 10)
    assert (await problem_of(flow.run())).code == "expired"
    assert flow.clock.now() - START <= timedelta(minutes=6)


# Failures


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        ("access_denied", "access_denied", "refused"),
        ("expired", "expired", "run out"),
        ("expired_token", "expired_token", "run out"),
        ("invalid_code", "invalid_code", "run out"),
        ("invalid_client", "invalid_client", "devices"),
        ("invalid_client_secret", "invalid_client_secret", "secret is wrong"),
        ("something_new", "something_new", "something_new"),
    ],
)
async def test_a_poll_that_is_refused_is_the_last_one(error: str, code: str, says: str) -> None:
    flow = DeviceFlow(PENDING_RESPONSE, json_response({"error": error}))
    problem = await problem_of(flow.run())
    assert (problem.kind, problem.code) == ("auth", code)
    assert says in problem.message
    assert len(flow.poll_times) == 2


async def test_the_regional_secret_is_what_a_wrong_one_may_be() -> None:
    problem = await problem_of(DeviceFlow(json_response({"error": "invalid_client_secret"})).run())
    assert "EU" in problem.hint


@pytest.mark.parametrize("error", ["Access Denied", "拒绝访问"])
async def test_a_lock_out_ends_it_and_is_shown_as_one(error: str) -> None:
    flow = DeviceFlow(json_response({"error": error, "status": "failure"}, 400))
    assert (await problem_of(flow.run())).forbids_early_retry
    assert len(flow.poll_times) == 1


async def test_a_consent_without_offline_access_is_refused() -> None:
    answer = {key: value for key, value in TOKEN_ANSWER.items() if key != "refresh_token"}
    assert (await problem_of(DeviceFlow(json_response(answer)).run())).code == "NO_REFRESH_TOKEN"


# Passing problems


@pytest.mark.parametrize(
    "failure",
    [
        CONNECTION_RESET,
        CannedResponse(503, CAPTIVE_PORTAL_PAGE),
        CannedResponse(500, b""),
        json_response({}, 502),
        json_response({"error": "general_error"}),
        json_response({"error": "general_error"}, 500),
    ],
    ids=["broken connection", "503", "500", "502 in JSON", "general_error", "general_error with 500"],
)
async def test_a_problem_of_network_or_server_in_the_middle_is_waited_out(
    failure: CannedResponse | OSError,
) -> None:
    flow = DeviceFlow(PENDING_RESPONSE, failure, failure, TOKEN_RESPONSE)
    assert await flow.run()
    assert len(flow.poll_times) == 4


@pytest.mark.parametrize(
    "answer",
    [CannedResponse(200, CAPTIVE_PORTAL_PAGE), json_response({}), CannedResponse(429, b"")],
    ids=["a page", "an empty answer", "429"],
)
async def test_an_unexpected_answer_is_waited_out(answer: CannedResponse) -> None:
    flow = DeviceFlow(PENDING_RESPONSE, answer, TOKEN_RESPONSE)
    assert await flow.run()
    assert len(flow.poll_times) == 3


async def test_a_code_that_nobody_enters_runs_out_a_poll_after_its_time() -> None:
    flow = DeviceFlow(PENDING_RESPONSE)
    problem = await problem_of(flow.run())
    assert (problem.code, problem.final) == ("expired", True)
    assert "Start again" in problem.hint
    assert flow.poll_times[-1] - START == timedelta(minutes=5)
    assert flow.clock.now() - START <= timedelta(minutes=5, seconds=30)


async def test_a_network_that_stays_broken_does_not_keep_it_waiting_for_ever() -> None:
    flow = DeviceFlow(CONNECTION_RESET)
    assert (await problem_of(flow.run())).code == "expired"


# Stopped


async def test_it_is_stopped_in_the_middle_of_a_pause_and_asks_no_more() -> None:
    flow = DeviceFlow(PENDING_RESPONSE)
    clock = flow.clock = FakeClock()
    flow.stop = StopSignal(clock)
    running = asyncio.create_task(flow.run())
    await clock.advance(timedelta(seconds=45))
    flow.stop.request()
    with pytest.raises(StoppedError):
        await running
    assert len(flow.poll_times) == 1


async def test_one_that_was_stopped_before_polls_never() -> None:
    flow = DeviceFlow(PENDING_RESPONSE)
    flow.stop.request()
    with pytest.raises(StoppedError):
        await flow.run()
    assert flow.poll_times == []
