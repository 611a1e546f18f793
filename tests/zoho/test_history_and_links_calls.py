"""The calls for history and links: their requests, page by page, and their results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.fake_clock import START
from tests.zoho.canned_responses import CannedApp, CannedResponse, json_response
from tests.zoho.flow_samples import CAPTIVE_PORTAL_PAGE, problem_of
from zbtui.model.secret import AccessToken, Secret
from zbtui.zoho.client import HISTORY_PATH, LINKS_PATH, fetch_history, fetch_history_and_links, fetch_links
from zbtui.zoho.http import AsgiApp, HttpClient
from zbtui.zoho_api.history import MAX_PAGES, MAX_ROWS
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

ACCESS = AccessToken(Secret("1000.aa11.bb22"), "https://www.zohoapis.eu", START + timedelta(hours=1))
BOTH = pytest.mark.parametrize("fetch", ["history", "links"])


async def history(app: AsgiApp) -> History:
    async with HttpClient(app) as http:
        return await fetch_history(http, ACCESS, "eu", START)


async def links(app: AsgiApp) -> Links:
    async with HttpClient(app) as http:
        return await fetch_links(http, ACCESS, "eu", START)


FETCH: dict[str, Any] = {"history": history, "links": links}


def page(*ids: str, more: bool) -> CannedResponse:
    rows = [
        {"id": each, "state": "completed", "log_time": f"2026-10-{int(each) % 28 + 1:02}T09:30:00+01:00"}
        for each in ids
    ]
    return json_response({"history": rows, "info": {"more_records": more}})


async def test_the_history_is_asked_for_with_the_most_rows_a_page() -> None:
    app = json_response({"history": [], "info": {"more_records": False}})
    assert await history(app) == History()
    (asked,) = app.requests
    assert (asked.method, asked.host, asked.path) == ("GET", "www.zohoapis.eu", HISTORY_PATH)
    assert asked.query == "page=1&per_page=200"
    assert asked.headers["authorization"] == "Zoho-oauthtoken 1000.aa11.bb22"


async def test_pages_are_read_while_there_are_more() -> None:
    app = CannedApp({HISTORY_PATH: [page("20", "19", more=True), page("18", more=False)]})
    assert [entry.id for entry in (await history(app)).entries] == ["20", "19", "18"]
    assert [asked.query for asked in app.requests] == ["page=1&per_page=200", "page=2&per_page=200"]


async def test_a_server_that_always_has_more_is_not_asked_for_ever() -> None:
    app = CannedApp({HISTORY_PATH: [page("20", more=True)]})
    assert len((await history(app)).entries) == 1
    assert len(app.requests) == MAX_PAGES


async def test_a_server_whose_pages_are_too_long_is_not_asked_for_all_of_them() -> None:
    app = CannedApp({HISTORY_PATH: [page(*map(str, range(10, 10 + MAX_ROWS // 2)), more=True)]})
    assert len((await history(app)).entries) == MAX_ROWS // 2
    assert len(app.requests) == 2


async def test_a_history_of_which_a_page_is_missing_is_none() -> None:
    app = CannedApp({HISTORY_PATH: [page("20", more=True), CannedResponse(503, CAPTIVE_PORTAL_PAGE)]})
    assert (await problem_of(history(app))).kind == "server"


async def test_the_links_are_asked_for_at_the_documented_path() -> None:
    urls = {"data_links": ["https://a"], "attachment_links": [], "expiry_date": "2026-11-30T10:14:51+01:00"}
    app = json_response({"urls": urls})
    found = await links(app)
    assert (found.data_parts, found.attachment_parts) == (1, 0)
    (asked,) = app.requests
    assert (asked.method, asked.path, asked.query) == ("GET", LINKS_PATH, "")


async def test_204_is_no_history_and_no_links() -> None:
    assert await history(CannedResponse(204)) == History()
    assert await links(CannedResponse(204)) == Links()


@BOTH
@pytest.mark.parametrize(
    ("app", "kind"),
    [
        (json_response({"code": "OAUTH_SCOPE_MISMATCH", "status": "error"}, 401), "auth"),
        (json_response({"code": "NO_PERMISSION", "status": "error"}, 403), "permission"),
        (json_response({"code": "INVALID_URL_PATTERN", "status": "error"}, 404), "contract"),
        (json_response({"code": "INTERNAL_ERROR", "status": "error"}, 500), "server"),
        (json_response({"code": "INVALID_REQUEST_METHOD", "status": "error"}, 400), "contract"),
        (CannedResponse(200, CAPTIVE_PORTAL_PAGE), "contract"),
        (json_response([]), "contract"),
        (json_response({"history": 5, "urls": 5}), "contract"),
    ],
    ids=["scope", "permission", "url", "internal", "method", "a page", "a list", "a number"],
)
async def test_everything_else_is_a_problem(fetch: str, app: CannedResponse, kind: str) -> None:
    assert (await problem_of(FETCH[fetch](app))).kind == kind


@BOTH
async def test_when_to_come_back_is_kept(fetch: str) -> None:
    answer = json_response({"code": "TOO_MANY_REQUESTS", "status": "error"}, 429, retry_after="60")
    assert (await problem_of(FETCH[fetch](answer))).retry_at == START + timedelta(minutes=1)


NOTHING = CannedResponse(204)
NO_SCOPE = json_response({"code": "OAUTH_SCOPE_MISMATCH", "status": "error"}, 401)
INTERNAL = json_response({"code": "INTERNAL_ERROR", "status": "error"}, 500)


@pytest.mark.parametrize(
    ("answers", "kinds"),
    [
        ((NOTHING, NOTHING), (None, None)),
        ((NO_SCOPE, NOTHING), ("auth", None)),
        ((NOTHING, INTERNAL), (None, "server")),
        ((NO_SCOPE, INTERNAL), ("auth", "server")),
    ],
    ids=["both", "links alone", "history alone", "none"],
)
async def test_of_both_what_can_be_read_is_kept_with_the_problem_of_the_other(
    answers: tuple[CannedResponse, CannedResponse], kinds: tuple[str | None, str | None]
) -> None:
    app = CannedApp(
        {path: [answer] for path, answer in zip((HISTORY_PATH, LINKS_PATH), answers, strict=True)}
    )
    async with HttpClient(app) as http:
        history_and_links = await fetch_history_and_links(http, ACCESS, "eu", START)
    assert (history_and_links.history is not None, history_and_links.links is not None) == tuple(
        one is NOTHING for one in answers
    )
    problems = (history_and_links.problem, history_and_links.links_problem)
    assert tuple(problem and problem.kind for problem in problems) == kinds
