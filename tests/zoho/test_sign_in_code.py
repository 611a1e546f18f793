"""Sign-in with a self client's grant code from the API console."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.zoho.canned_responses import CannedResponse, json_response
from tests.zoho.flow_samples import (
    CAPTIVE_PORTAL_PAGE,
    CLIENT,
    CODE,
    EU,
    TOKEN_ANSWER,
    assert_no_secret_in,
    problem_of,
)
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.zoho.http import AsgiApp, HttpClient
from zbtui.zoho.sign_in import ConsentResult, check_code_format, sign_in_by_code
from zbtui.zoho_api.errors import SIGN_IN_SCOPES


async def exchange(app: AsgiApp, code: Secret = CODE) -> ConsentResult:
    async with HttpClient(app) as http:
        return await sign_in_by_code(http, CLIENT, EU, code, START)


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in TOKEN_ANSWER.items() if name != key}


# The request


async def test_the_code_goes_as_a_form_to_the_accounts_host_with_no_redirect_address() -> None:
    app = json_response(TOKEN_ANSWER)
    await exchange(app)
    (asked,) = app.requests
    assert (asked.method, asked.host, asked.path, asked.query) == (
        "POST",
        "accounts.zoho.eu",
        "/oauth/v2/token",
        "",
    )
    assert asked.form == {
        "grant_type": "authorization_code",
        "client_id": "1000.ACME",
        "client_secret": "the-client-secret",
        "code": "1000.c0de.00grant00",
    }


async def test_no_secret_is_in_the_address_or_the_headers() -> None:
    app = json_response(TOKEN_ANSWER)
    await exchange(app)
    (asked,) = app.requests
    assert_no_secret_in(f"{asked.host}{asked.path}{asked.query}{asked.headers}")


# Success


async def test_a_code_gives_both_tokens_and_says_what_they_cover() -> None:
    granted = await exchange(json_response(TOKEN_ANSWER))
    assert granted.sign_in == SignInCredentials(Secret("the-client-secret"), Secret("1000.cc33.dd44"))
    assert granted.access.token == Secret("1000.aa11.bb22")
    assert granted.access.api_url == "https://www.zohoapis.eu"
    assert granted.access.expires_at == START + timedelta(hours=1)
    assert granted.data_center == EU
    assert granted.scopes == frozenset(SIGN_IN_SCOPES.split(","))


async def test_nothing_secret_shows_in_what_was_granted() -> None:
    assert_no_secret_in(repr(await exchange(json_response(TOKEN_ANSWER))))


@pytest.mark.parametrize("status", [200, 201, 400])
async def test_tokens_are_success_whatever_the_status(status: int) -> None:
    assert (await exchange(json_response(TOKEN_ANSWER, status))).sign_in.refresh_token


@pytest.mark.parametrize(
    ("answered", "scopes"),
    [
        ("ZohoCRM.bulk.backup.READ", {"ZohoCRM.bulk.backup.READ"}),
        ("ZohoCRM.bulk.backup.READ,ZohoCRM.org.READ", {"ZohoCRM.bulk.backup.READ", "ZohoCRM.org.READ"}),
        ("", None),
        (None, None),
        (["ZohoCRM.org.READ"], None),
    ],
)
async def test_the_scopes_may_come_with_commas_or_spaces_or_not_at_all(
    answered: object, scopes: set[str] | None
) -> None:
    granted = await exchange(json_response({**TOKEN_ANSWER, "scope": answered}))
    assert granted.scopes == (None if scopes is None else frozenset(scopes))


# Failures


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1000.abc",
        "1000..def",
        "1000.abc.",
        "1001.abc.def",
        "1000.abc.def.ghi",
        "1000.abc.def ",
        "1000.abc.def\n",
        "1000.äbc.def",
        "https://api-console.zoho.eu/",
        "1000." + "a" * 201 + ".b",
    ],
)
async def test_a_text_that_never_was_a_code_is_shown_without_asking_zoho(text: str) -> None:
    app = json_response(TOKEN_ANSWER)
    problem = await problem_of(exchange(app, Secret(text)))
    assert problem.kind == "config"
    assert "1000." in problem.message
    assert app.requests == []


@given(text=st.text(max_size=60))
def test_whatever_is_pasted_a_code_is_known_by_its_shape_alone(text: str) -> None:
    parts = text.split(".")
    shaped = (
        len(parts) == 3
        and parts[0] == "1000"
        and all(part and part.isascii() and part.replace("-", "a").isalnum() for part in parts[1:])
    )
    try:
        check_code_format(text)
    except ProblemError:
        assert not shaped
    else:
        assert shaped


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("error", "kind", "final", "says"),
    [
        ("invalid_code", "auth", True, "too old, or was used"),
        ("invalid_client", "auth", True, "Self Client"),
        ("invalid_client_secret", "auth", True, "client secret is wrong"),
        ("invalid_scope", "auth", True, "scope"),
        ("invalid_redirect_uri", "auth", True, "redirect"),
        ("Access Denied", "throttled", False, "too many"),
        ("general_error", "server", False, "out of order"),
        ("a_word_that_nobody_knows", "auth", False, "a_word_that_nobody_knows"),
    ],
)
async def test_each_refusal_of_a_code_says_what_is_wrong(
    error: str, kind: str, final: bool, says: str, status: int
) -> None:
    problem = await problem_of(exchange(json_response({"error": error}, status)))
    assert (problem.kind, problem.code, problem.final) == (kind, error, final)
    assert says in problem.message


@pytest.mark.parametrize("error", ["invalid_code", "invalid_client", "invalid_client_secret"])
async def test_what_another_data_center_may_be_the_cause_of_names_the_one_that_is_set(error: str) -> None:
    problem = await problem_of(exchange(json_response({"error": error})))
    assert "EU" in problem.hint


async def test_a_late_code_is_not_mistaken_for_a_dead_refresh_token() -> None:
    problem = await problem_of(exchange(json_response({"error": "invalid_code"})))
    assert "refresh token" not in problem.message + problem.hint


async def test_a_lock_out_names_when_to_come_back_where_zoho_does() -> None:
    problem = await problem_of(exchange(json_response({"error": "Access Denied"}, 400, retry_after="600")))
    assert problem.forbids_early_retry
    assert problem.retry_at == START + timedelta(minutes=10)


@pytest.mark.parametrize("refresh", [None, "", 5, "with a space", "line\nbreak", "\u00e9", "a" * 2049])
async def test_it_refuses_to_end_without_a_refresh_token_and_says_why_none_came(refresh: object) -> None:
    problem = await problem_of(exchange(json_response({**TOKEN_ANSWER, "refresh_token": refresh})))
    assert (problem.kind, problem.code, problem.final) == ("auth", "NO_REFRESH_TOKEN", True)
    assert "first consent" in problem.hint


async def test_an_answer_without_the_key_has_no_refresh_token_either() -> None:
    assert (await problem_of(exchange(json_response(without("refresh_token"))))).code == "NO_REFRESH_TOKEN"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", "contract"),
        (200, CAPTIVE_PORTAL_PAGE, "contract"),
        (200, b"[]", "contract"),
        (200, b"{}", "contract"),
        (200, b'{"refresh_token": "1000.cc33.dd44"}', "contract"),
        (200, b'{"access_token": "1000.aa11.bb22"', "contract"),
        (403, CAPTIVE_PORTAL_PAGE, "permission"),
        (429, b"", "throttled"),
        (500, b"", "server"),
        (503, CAPTIVE_PORTAL_PAGE, "server"),
    ],
)
async def test_what_is_no_answer_of_zohos_is_judged_by_its_status(
    status: int, body: bytes, kind: str
) -> None:
    problem = await problem_of(exchange(CannedResponse(status, body)))
    assert (problem.kind, problem.http_status) == (kind, status)


async def test_a_code_for_another_app_domain_never_moves_the_token_to_a_stranger() -> None:
    granted = await exchange(
        json_response({**TOKEN_ANSWER, "api_domain": "https://www.zohoapis.evil.example"})
    )
    assert granted.access.api_url == "https://www.zohoapis.eu"


async def test_a_broken_connection_is_a_problem_of_the_network() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ConnectionResetError

    problem: Problem = await problem_of(exchange(broken))
    assert problem.kind == "network"
