"""Revoking a refresh token."""

from __future__ import annotations

import pytest

from tests.zoho.canned_responses import CannedResponse, json_response
from tests.zoho.flow_samples import CAPTIVE_PORTAL_PAGE, EU, problem_of
from zbtui.model.secret import Secret
from zbtui.zoho.http import AsgiApp, HttpClient
from zbtui.zoho.oauth import revoke_refresh_token

TOKEN = Secret("1000.cc33.dd44")


async def revoke_token(app: AsgiApp) -> None:
    async with HttpClient(app) as http:
        await revoke_refresh_token(http, EU, TOKEN)


async def test_the_token_goes_in_the_form_and_not_in_the_address() -> None:
    app = json_response({"status": "success"})
    await revoke_token(app)
    (asked,) = app.requests
    assert (asked.method, asked.host, asked.path, asked.query) == (
        "POST",
        "accounts.zoho.eu",
        "/oauth/v2/token/revoke",
        "",
    )
    assert asked.form == {"token": "1000.cc33.dd44"}


@pytest.mark.parametrize("answer", [{"error": "invalid_token"}, {"error": "invalid_code"}, {}], ids=str)
async def test_one_that_zoho_does_not_know_has_ended(answer: dict[str, str]) -> None:
    await revoke_token(json_response(answer, 400))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {}),
        (200, {"status": "failure"}),
        (200, {"error": "general_error"}),
        (200, {"error": "Access Denied", "status": "failure"}),
        (400, {"error": "Access Denied", "status": "failure"}),
        (400, {"error": "拒绝访问", "status": "failure"}),
        (500, {"error": "general_error"}),
    ],
    ids=str,
)
async def test_whatever_else_is_said_the_token_lives_on_and_that_is_shown(
    status: int, answer: dict[str, str]
) -> None:
    problem = await problem_of(revoke_token(json_response(answer, status)))
    assert (problem.kind, problem.http_status) == ("auth", status)
    assert "by hand" in problem.hint


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", "contract"),
        (200, CAPTIVE_PORTAL_PAGE, "contract"),
        (200, b"[]", "contract"),
        (400, CAPTIVE_PORTAL_PAGE, "contract"),
        (503, CAPTIVE_PORTAL_PAGE, "server"),
    ],
)
async def test_what_is_not_zohos_answer_is_not_taken_for_one(status: int, body: bytes, kind: str) -> None:
    assert (await problem_of(revoke_token(CannedResponse(status, body)))).kind == kind


async def test_a_broken_connection_is_a_problem_of_the_network() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ConnectionResetError

    assert (await problem_of(revoke_token(broken))).kind == "network"
