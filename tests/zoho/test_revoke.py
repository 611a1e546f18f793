"""Ending a refresh token at Zoho."""

from __future__ import annotations

import pytest

from tests.zoho.canned import Canned, canned
from tests.zoho.flows import EU, PAGE, refused
from zbtui.core.secret import Secret
from zbtui.zoho.http import AsgiApp, Http
from zbtui.zoho.oauth import revoke

TOKEN = Secret("1000.cc33.dd44")


async def end(app: AsgiApp) -> None:
    async with Http(app) as http:
        await revoke(http, EU, TOKEN)


async def test_the_token_goes_in_the_form_and_not_in_the_address() -> None:
    app = canned({"status": "success"})
    await end(app)
    (asked,) = app.asked
    assert (asked.method, asked.host, asked.path, asked.query) == (
        "POST",
        "accounts.zoho.eu",
        "/oauth/v2/token/revoke",
        "",
    )
    assert asked.form == {"token": "1000.cc33.dd44"}


@pytest.mark.parametrize("answer", [{"error": "invalid_token"}, {"error": "invalid_code"}, {}], ids=str)
async def test_one_that_zoho_does_not_know_has_ended(answer: dict[str, str]) -> None:
    await end(canned(answer, 400))


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (200, {}),
        (200, {"status": "failure"}),
        (200, {"error": "general_error"}),
        (200, {"error": "Access Denied", "status": "failure"}),
        (400, {"error": "Access Denied", "status": "failure"}),
        (500, {"error": "general_error"}),
    ],
    ids=str,
)
async def test_whatever_else_is_said_the_token_lives_on_and_that_is_told(
    status: int, answer: dict[str, str]
) -> None:
    trouble = await refused(end(canned(answer, status)))
    assert (trouble.kind, trouble.http_status) == ("auth", status)
    assert "by hand" in trouble.hint


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"", "contract"),
        (200, PAGE, "contract"),
        (200, b"[]", "contract"),
        (400, PAGE, "contract"),
        (503, PAGE, "server"),
    ],
)
async def test_what_is_not_zohos_answer_is_not_taken_for_one(status: int, body: bytes, kind: str) -> None:
    assert (await refused(end(Canned(status, body)))).kind == kind


async def test_a_broken_connection_is_trouble_of_the_network() -> None:
    async def broken(scope: object, receive: object, send: object) -> None:
        raise ConnectionResetError

    assert (await refused(end(broken))).kind == "network"
