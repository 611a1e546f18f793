"""The request for a device code, and which answers to it are accepted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fake_clock import START
from tests.zoho.canned_responses import CannedResponse, json_response
from tests.zoho.flow_samples import (
    CAPTIVE_PORTAL_PAGE,
    DEVICE_CODE_PATH,
    DeviceFlow,
    device_code_answer,
    problem_of,
)
from zbtui.zoho_api.errors import SIGN_IN_SCOPES


async def test_a_code_is_asked_for_with_offline_access_a_consent_prompt_and_no_secret() -> None:
    flow = DeviceFlow()
    await flow.run()
    (asked,) = flow.app.requests_to(DEVICE_CODE_PATH)
    assert (asked.method, asked.host, asked.query) == ("POST", "accounts.zoho.eu", "")
    assert asked.form == {
        "client_id": "1000.ACME",
        "grant_type": "device_request",
        "scope": SIGN_IN_SCOPES,
        "access_type": "offline",
        "prompt": "consent",
    }


# Lifetime


@pytest.mark.parametrize(
    ("expires", "seconds"),
    [
        (300_000, 300),
        (300, 300),
        (1001, 1.001),
        (1000, 1000),
        (90.5, 90.5),
        (10**11, 1800),
        (10**400, 300),
        (None, 300),
        ("300000", 300),
        (0, 300),
        (-1, 300),
        (True, 300),
        ([300], 300),
    ],
    ids=str,
)
async def test_a_code_lives_for_milliseconds_or_seconds_by_how_large_the_number_is(
    expires: object, seconds: float
) -> None:
    flow = DeviceFlow(code_answer=device_code_answer(expires_in=expires))
    await flow.run()
    assert flow.codes[0].expires_at == START + timedelta(seconds=seconds)


# Refused answers


@pytest.mark.parametrize(("error", "says"), [("invalid_client", "devices"), ("invalid_scope", "scope")])
async def test_a_code_that_is_not_given_is_reported_before_anything_is_shown(error: str, says: str) -> None:
    flow = DeviceFlow(code_answer={"error": error})
    problem = await problem_of(flow.run())
    assert (problem.kind, problem.code) == ("auth", error)
    assert says in problem.message
    assert flow.shown.progress == []
    assert flow.poll_times == []


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.zoho.evil.example/device",
        "https://accounts.zoho.eu.evil.example/device",
        "https://accounts.zoho.eu@evil.example/device",
        "https://someone@accounts.zoho.eu/device",
        "https://accounts.zoho.eu:8443/device",
        "https://accounts.zoho.eu\\@evil.example/",
        "http://accounts.zoho.eu/oauth/v3/device",
        "javascript:alert(1)//accounts.zoho.eu",
        "file:///etc/passwd",
        "accounts.zoho.eu/oauth/v3/device",
        "https://accounts.zoho.eu/\x1b]52;c;",
        "https://accounts.zoho.eu/ device",
        "https://accounts.zoho.eu/" + "a" * 500,
        "https://[::1",
        "",
        5,
        None,
    ],
)
async def test_a_person_is_sent_to_no_page_that_is_not_on_an_accounts_host(url: object) -> None:
    flow = DeviceFlow(code_answer=device_code_answer(verification_url=url))
    problem = await problem_of(flow.run())
    assert problem.kind == "contract"
    assert flow.shown.progress == []


@pytest.mark.parametrize("complete", ["https://evil.example/?user_code=QW12ER34", "", 5, None, ["x"]])
async def test_a_complete_address_elsewhere_is_left_out(complete: object) -> None:
    flow = DeviceFlow(code_answer=device_code_answer(verification_uri_complete=complete))
    await flow.run()
    assert flow.codes[0].verification_url_with_code is None


@pytest.mark.parametrize(
    "changed",
    [
        {"user_code": None},
        {"user_code": 12},
        {"user_code": ""},
        {"user_code": "\x1b\x07"},
        {"device_code": None},
        {"device_code": ""},
        {"device_code": ["1004.0f0f"]},
        {"device_code": "line\nbreak"},
    ],
    ids=str,
)
async def test_an_answer_without_a_code_to_enter_or_to_poll_with_is_refused(
    changed: dict[str, object],
) -> None:
    flow = DeviceFlow(code_answer=device_code_answer(**changed))
    assert (await problem_of(flow.run())).kind == "contract"
    assert flow.poll_times == []


async def test_a_code_to_enter_is_shown_without_what_a_terminal_would_obey() -> None:
    flow = DeviceFlow(code_answer=device_code_answer(user_code="QW12\x1b]52;c;ER34" + "A" * 100))
    await flow.run()
    code = flow.codes[0].user_code
    assert code.isprintable()
    assert len(code) <= 40


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", "contract"),
        (200, CAPTIVE_PORTAL_PAGE, "contract"),
        (200, b"{}", "contract"),
        (200, b"[]", "contract"),
        (403, CAPTIVE_PORTAL_PAGE, "permission"),
        (429, b"", "throttled"),
        (503, CAPTIVE_PORTAL_PAGE, "server"),
    ],
)
async def test_what_is_no_answer_to_the_first_question_is_judged_by_its_status(
    status: int, body: bytes, kind: str
) -> None:
    flow = DeviceFlow()
    flow.app.answers[DEVICE_CODE_PATH] = [CannedResponse(status, body)]
    assert (await problem_of(flow.run())).kind == kind


async def test_when_to_come_back_for_a_code_is_kept() -> None:
    flow = DeviceFlow()
    flow.app.answers[DEVICE_CODE_PATH] = [json_response({"error": "Access Denied"}, 400, retry_after="60")]
    assert (await problem_of(flow.run())).retry_at == START + timedelta(minutes=1)
