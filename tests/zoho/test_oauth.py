"""The request for an access token, and how its answers are read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.simulator import make_simulator, sign_in_of
from tests.zoho.canned_responses import CannedResponse, full_error_text, json_response
from zbtui.demo.server import serve_in_process
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import request_access_token
from zbtui.zoho_api.data_centers import data_center_of

ACME = Org("acme", "eu", "1000.ACME")
SELF_CLIENT = Org("acme", "eu", "1000.ACME", "client-credentials", "ZohoCRM.20098765432")
SIGN_IN = SignInCredentials(Secret("the-client-secret"), Secret("1000.the-refresh-token"))
GOOD = {"access_token": "1000.aa.bb", "api_domain": "https://www.zohoapis.eu", "expires_in": 3600}


async def ask(app: CannedResponse, org: Org = ACME, sign_in: SignInCredentials = SIGN_IN) -> AccessToken:
    async with HttpClient(app) as http:
        return await request_access_token(http, org, data_center_of(org), sign_in, START)


async def problem_of(app: CannedResponse, org: Org = ACME) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await ask(app, org)
    shown = full_error_text(caught.value)
    for secret in ("the-client-secret", "1000.the-refresh-token", "1000.aa.bb"):
        assert secret not in shown
    return caught.value.problem


# The request


async def test_a_refresh_token_is_sent_as_a_form_to_the_accounts_host_of_the_data_center() -> None:
    app = json_response(GOOD)
    await ask(app)
    asked = app.requests[0]
    assert (asked.method, asked.host, asked.path) == ("POST", "accounts.zoho.eu", "/oauth/v2/token")
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(parse_qsl(asked.body)) == {
        "grant_type": "refresh_token",
        "client_id": "1000.ACME",
        "client_secret": "the-client-secret",
        "refresh_token": "1000.the-refresh-token",
    }


async def test_client_credentials_name_the_org_and_the_scope_instead() -> None:
    app = json_response(GOOD)
    await ask(app, SELF_CLIENT, SignInCredentials(Secret("the-client-secret")))
    assert dict(parse_qsl(app.requests[0].body)) == {
        "grant_type": "client_credentials",
        "client_id": "1000.ACME",
        "client_secret": "the-client-secret",
        "scope": "ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ",
        "soid": "ZohoCRM.20098765432",
    }


async def test_the_secret_is_in_the_body_and_nowhere_else() -> None:
    app = json_response(GOOD)
    await ask(app)
    asked = app.requests[0]
    assert asked.query == ""
    assert "secret" not in repr(asked.headers) + asked.path
    assert "authorization" not in asked.headers


async def test_characters_that_mean_something_in_a_form_arrive_as_they_are() -> None:
    app, odd = json_response(GOOD), "a&b=c+d %é\U0001f511"
    await ask(app, sign_in=SignInCredentials(Secret(odd), Secret(odd)))
    form = dict(parse_qsl(app.requests[0].body))
    assert (form["client_secret"], form["refresh_token"]) == (odd, odd)


async def test_a_custom_data_center_is_asked_at_its_own_address() -> None:
    app = json_response(GOOD)
    url = "https://portal.example/sign-in"
    await ask(app, Org("acme", "custom", "1000.ACME", accounts_url=url, api_url=url))
    assert (app.requests[0].host, app.requests[0].path) == ("portal.example", "/sign-in/oauth/v2/token")


# Success


@pytest.mark.parametrize(
    ("life", "seconds"),
    [
        ({"expires_in": 3600}, 3600),
        ({"expires_in": 1800.5}, 1800.5),
        ({"expires_in_sec": 3600, "expires_in": 3_600_000}, 3600),
        ({"expires_in_sec": 1200, "expires_in": 3600}, 1200),
        ({"expires_in": 3_600_000}, 3600),
        ({"expires_in": 86_400}, 86_400),
        ({"expires_in": 10**11}, 86_400),
        ({}, 3600),
        ({"expires_in": None}, 3600),
        ({"expires_in": 0}, 3600),
        ({"expires_in": 0.99}, 3600),
        ({"expires_in": 1}, 1),
        ({"expires_in_sec": 0.5, "expires_in": 1800}, 3600),
        ({"expires_in": -5}, 3600),
        ({"expires_in": True}, 3600),
        ({"expires_in": "soon"}, 3600),
        ({"expires_in": 10**400}, 3600),
        ({"expires_in": float("nan")}, 3600),
        ({"expires_in": float("inf")}, 3600),
        ({"expires_in_sec": None, "expires_in": 1800}, 1800),
    ],
    ids=str,
)
async def test_the_life_of_a_token_is_in_seconds_or_in_the_milliseconds_of_an_older_variant(
    life: dict[str, Any], seconds: float
) -> None:
    access = await ask(json_response({"access_token": "1000.aa.bb", **life}))
    assert access.expires_at == START + timedelta(seconds=seconds)


@pytest.mark.parametrize("status", [200, 201, 400, 500])
async def test_an_access_token_is_success_whatever_the_status(status: int) -> None:
    assert await ask(json_response(GOOD, status)) == AccessToken(
        Secret("1000.aa.bb"), "https://www.zohoapis.eu", START + timedelta(hours=1)
    )


@pytest.mark.parametrize(
    "more", [{}, {"scope": "ZohoCRM.org.READ"}, {"token_type": "Zoho-oauthtoken"}, {"error": ""}], ids=str
)
async def test_scope_and_type_of_the_token_may_be_anything_or_missing(more: dict[str, str]) -> None:
    assert (await ask(json_response({"access_token": "1000.aa.bb", **more}))).token == Secret("1000.aa.bb")


@pytest.mark.parametrize(
    ("answered", "expected"),
    [
        ("https://www.zohoapis.com", "https://www.zohoapis.com"),
        ("https://www.zohoapis.eu/", "https://www.zohoapis.eu"),
        ("https://api.zoho.com", "https://www.zohoapis.eu"),
        ("https://evil.example", "https://www.zohoapis.eu"),
        ({"url": "https://evil.example"}, "https://www.zohoapis.eu"),
        (None, "https://www.zohoapis.eu"),
    ],
)
async def test_the_token_goes_to_the_answered_api_domain_only_where_that_is_zohos(
    answered: object, expected: str
) -> None:
    assert (await ask(json_response({**GOOD, "api_domain": answered}))).api_url == expected


# Refusals


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "kind", "final", "named"),
    [
        ("invalid_client", "auth", True, True),
        ("invalid_client_secret", "auth", True, True),
        ("invalid_code", "auth", True, True),
        ("missing_org_info", "auth", True, False),
        ("invalid_scope", "auth", True, False),
        ("invalid_redirect_uri", "auth", True, False),
        ("redirect_uri_mismatch", "auth", True, False),
        ("Access Denied", "throttled", False, False),
        ("general_error", "server", False, False),
        ("a_word_that_nobody_knows", "auth", False, True),
    ],
)
async def test_each_refusal_has_its_kind_with_either_status(
    error: str, kind: str, final: bool, named: bool, status: int
) -> None:
    problem = await problem_of(json_response({"error": error, "status": "failure"}, status))
    assert (problem.kind, problem.code, problem.http_status, problem.final) == (kind, error, status, final)
    assert ("EU" in problem.message + problem.hint) >= named


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    "error", ["Access Denied", "拒绝访问", "アクセスが拒否されました", "Zugriff verweigert"]
)
async def test_the_lock_out_is_known_by_its_shape_in_any_language(error: str, status: int) -> None:
    answer = {"error": error, "error_description": "请求过于频繁", "status": "failure"}
    problem = await problem_of(json_response(answer, status))
    assert problem.forbids_early_retry
    assert (problem.kind, problem.code) == ("throttled", LOCKOUT)


@pytest.mark.parametrize("status", [429, 503])
async def test_a_refusal_that_names_when_to_come_back_is_taken_at_its_word(status: int) -> None:
    problem = await problem_of(json_response({"error": "general_error"}, status, retry_after="120"))
    assert problem.retry_at == START + timedelta(seconds=120)


PAGE = b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", "contract"),
        (200, PAGE, "contract"),
        (200, b"[]", "contract"),
        (200, b'"1000.aa.bb"', "contract"),
        (200, b"null", "contract"),
        (200, b"{}", "contract"),
        (200, b'{"access_token": ""}', "contract"),
        (200, b'{"access_token": null}', "contract"),
        (200, b'{"access_token": 5}', "contract"),
        (200, b'{"access_token": ["1000.aa.bb"]}', "contract"),
        (200, b'{"error": {"code": 5}}', "contract"),
        (200, b'{"access_token": "1000.aa.bb"', "contract"),
        (200, b"\xff\xfe\x00", "contract"),
        (200, b"[" * 100_000, "contract"),
        (200, b'{"expires_in": ' + b"1" * 5000 + b"}", "contract"),
        (204, b"", "contract"),
        (302, b"", "contract"),
        (400, b"", "contract"),
        (401, PAGE, "auth"),
        (403, PAGE, "permission"),
        (429, b"", "throttled"),
        (500, b"", "server"),
        (502, PAGE, "server"),
        (503, b"{}", "server"),
    ],
)
async def test_an_answer_that_is_no_token_and_no_refusal_is_judged_by_its_status(
    status: int, body: bytes, kind: str
) -> None:
    problem = await problem_of(CannedResponse(status, body))
    assert (problem.kind, problem.http_status) == (kind, status)


@pytest.mark.parametrize(
    "token", ["1000.aa\r\nHost: evil.example", "1000.aa\nbb", "1000.aa bb", "1000.aé", "\x00", "a" * 2049]
)
async def test_a_token_that_no_header_can_carry_is_refused(token: str) -> None:
    problem = await problem_of(json_response({**GOOD, "access_token": token}))
    assert problem.kind == "contract"
    assert token not in problem.message + problem.hint


@settings(max_examples=60, deadline=None)
@example(body=b'{"access_token": "0", "expires_in": 5e-324}', status=200)
@given(
    body=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["access_token", "error", "expires_in", "expires_in_sec", "api_domain", "x"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just([]),
    ).map(lambda answer: json.dumps(answer).encode()),
    status=st.sampled_from([200, 204, 302, 400, 401, 500]),
)
async def test_whatever_comes_the_outcome_is_a_token_or_a_problem(body: bytes, status: int) -> None:
    try:
        access = await ask(CannedResponse(status, body))
    except ProblemError as error:
        assert error.problem.message
    else:
        assert access.token.reveal().isascii()
        assert access.api_url.startswith("https://www.zohoapis.")
        assert START < access.expires_at <= START + timedelta(days=1)


# Against the simulated Zoho


async def test_the_simulator_gives_a_token_and_its_log_shows_no_query() -> None:
    simulator = make_simulator()
    invented = simulator.world.orgs["nordlys"]
    org = Org("nordlys", "eu", invented.client_id)
    async with HttpClient(serve_in_process(simulator)) as http:
        access = await request_access_token(http, org, data_center_of(org), sign_in_of(invented), START)
    assert access.token
    assert access.api_url == "https://www.zohoapis.eu"
    assert [(r.method, r.path, r.query, r.status) for r in simulator.request_records] == [
        ("POST", "/oauth/v2/token", "", 200)
    ]


async def test_the_simulator_gives_a_token_for_client_credentials_to_the_right_org_only() -> None:
    simulator = make_simulator()
    invented = simulator.world.orgs["nordlys"]
    sign_in = SignInCredentials(Secret(invented.client_secret))
    right = Org("a", "eu", invented.client_id, "client-credentials", f"ZohoCRM.{invented.number:011}")
    wrong = Org("b", "eu", invented.client_id, "client-credentials", "ZohoCRM.4")
    async with HttpClient(serve_in_process(simulator)) as http:
        assert await request_access_token(http, right, data_center_of(right), sign_in, START)
        with pytest.raises(ProblemError) as caught:
            await request_access_token(http, wrong, data_center_of(wrong), sign_in, START)
    assert caught.value.problem.code == "missing_org_info"
