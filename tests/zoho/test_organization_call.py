"""The organization call, which names the company that a token belongs to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fake_clock import START
from tests.zoho.canned_responses import CannedResponse, json_response
from tests.zoho.flow_samples import CAPTIVE_PORTAL_PAGE, problem_of
from zbtui.model.secret import AccessToken, Secret
from zbtui.zoho.client import fetch_company
from zbtui.zoho.http import AsgiApp, HttpClient
from zbtui.zoho_api.organization import Company

ACCESS = AccessToken(Secret("1000.aa11.bb22"), "https://www.zohoapis.eu", START + timedelta(hours=1))
NORDLYS = {
    "company_name": "Nordlys Tools AB",
    "zgid": "20098765432",
    "country": "Sweden",
    "type": "production",
    "license_details": {"paid_type": "enterprise"},
}


async def fetch(app: AsgiApp) -> Company | None:
    async with HttpClient(app) as http:
        return await fetch_company(http, ACCESS, "eu", START)


async def test_it_gets_the_documented_path_with_the_token_in_zohos_own_scheme() -> None:
    app = json_response({"org": [NORDLYS]})
    await fetch(app)
    (asked,) = app.requests
    assert (asked.method, asked.host, asked.path, asked.query) == (
        "GET",
        "www.zohoapis.eu",
        "/crm/v7/org",
        "",
    )
    assert asked.headers["authorization"] == "Zoho-oauthtoken 1000.aa11.bb22"


async def test_it_shows_what_one_org_is_known_from_another_by() -> None:
    assert await fetch(json_response({"org": [NORDLYS]})) == Company(
        "Nordlys Tools AB", "20098765432", "Sweden", "enterprise", "production"
    )


@pytest.mark.parametrize("code", ["OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"])
async def test_a_sign_in_without_the_scope_is_no_more_than_a_name_less(code: str) -> None:
    assert await fetch(json_response({"code": code, "message": "", "status": "error"}, 401)) is None


@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (json_response({"code": "INVALID_TOKEN", "status": "error"}, 401), "auth"),
        (json_response({"code": "AUTHORIZATION_FAILED", "status": "error"}, 400), "permission"),
        (json_response({"org": []}), "contract"),
        (json_response({"org": [5]}), "contract"),
        (json_response({}), "contract"),
        (CannedResponse(200, CAPTIVE_PORTAL_PAGE), "contract"),
        (CannedResponse(503, CAPTIVE_PORTAL_PAGE), "server"),
    ],
    ids=["token", "permission", "no org", "a number", "empty", "a page", "outage"],
)
async def test_everything_else_is_a_problem(app: CannedResponse, kind: str) -> None:
    assert (await problem_of(fetch(app))).kind == kind


async def test_when_to_come_back_is_kept() -> None:
    answer = json_response({"code": "TOO_MANY_REQUESTS", "status": "error"}, 429, retry_after="60")
    assert (await problem_of(fetch(answer))).retry_at == START + timedelta(minutes=1)
