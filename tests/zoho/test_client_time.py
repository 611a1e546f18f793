"""Asking an accounts host for Zoho's time, without a token."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.zoho.canned_responses import CannedResponse, json_response
from zbtui.model.problem import ProblemError, ProblemKind
from zbtui.zoho.client import fetch_server_time
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.data_centers import DATA_CENTERS

EU = DATA_CENTERS["eu"]
DATE = "Mon, 23 Nov 2026 11:20:00 GMT"


async def test_it_is_the_date_header_and_nothing_is_sent_along() -> None:
    app = json_response({"result": "success", "locations": {}}, date=DATE)
    async with HttpClient(app) as http:
        assert await fetch_server_time(http, EU) == datetime(2026, 11, 23, 11, 20, tzinfo=UTC)
    (asked,) = app.requests
    assert (asked.method, asked.host, asked.path) == ("GET", "accounts.zoho.eu", "/oauth/serverinfo")
    assert (asked.query, asked.body, asked.headers.get("authorization")) == ("", "", None)


async def test_a_host_without_that_page_shows_its_time_all_the_same() -> None:
    async with HttpClient(CannedResponse(404, b"Not here", {"Date": DATE})) as http:
        assert await fetch_server_time(http, EU) is not None


async def test_without_the_header_the_host_is_reached_and_its_time_not_known() -> None:
    async with HttpClient(json_response({})) as http:
        assert await fetch_server_time(http, EU) is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(200, b"<html>", "contract"), (302, b"", "contract"), (503, b"<html>", "server")],
)
async def test_what_answers_in_its_place_is_not_it(status: int, body: bytes, kind: ProblemKind) -> None:
    async with HttpClient(CannedResponse(status, body, {"Date": DATE})) as http:
        with pytest.raises(ProblemError) as caught:
            await fetch_server_time(http, EU)
    assert caught.value.problem.kind == kind
