"""Answers from a cache make a poll fail; a wrong clock on this machine does not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.support.fake_clock import START
from tests.support.samples import make_job
from tests.zoho.canned_responses import CannedApp, CannedResponse
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret
from zbtui.zoho.client import (
    DETAILS_PATH,
    HISTORY_PATH,
    LINKS_PATH,
    ORG_PATH,
    SERVER_INFO_PATH,
    fetch_company,
    fetch_details,
    fetch_history,
    fetch_links,
    fetch_server_time,
)
from zbtui.zoho.http import HttpClient
from zbtui.zoho_api.data_centers import DATA_CENTERS

ACCESS = AccessToken(Secret("1000.aa.bb"), "https://www.zohoapis.eu", START + timedelta(hours=1))
MINUTE = timedelta(minutes=1)
YEARS = timedelta(days=1500)
CALLS: dict[str, Callable[[HttpClient, AccessToken, str, datetime], Awaitable[object]]] = {
    DETAILS_PATH: fetch_details,
    HISTORY_PATH: fetch_history,
    LINKS_PATH: fetch_links,
    ORG_PATH: fetch_company,
}


def dated(answer: object, moment: datetime | None, **headers: str) -> CannedResponse:
    if moment:
        headers["Date"] = format_datetime(moment, usegmt=True)
    return CannedResponse(200, json.dumps(answer).encode(), headers)


def zoho(
    *dates: datetime | None, accounts: CannedResponse | OSError | None = None, **headers: str
) -> CannedApp:
    """An app whose details have these dates in turn; its accounts host gives `accounts`, or fails."""
    details = [dated({"backup": make_job()}, moment, **headers) for moment in dates]
    return CannedApp({DETAILS_PATH: details, SERVER_INFO_PATH: [accounts or ConnectionResetError()]})


async def problem_of(http: HttpClient, now: datetime = START, data_center: str = "eu") -> Problem | None:
    try:
        await fetch_details(http, ACCESS, data_center, now)
    except ProblemError as error:
        return error.problem
    return None


@pytest.mark.parametrize("path", CALLS)
async def test_every_request_bypasses_caches_and_asks_for_english(path: str) -> None:
    app = CannedApp({path: [CannedResponse(204)]})
    async with HttpClient(app) as http:
        with suppress(ProblemError):  # not every call may have an empty answer
            await CALLS[path](http, ACCESS, "eu", START)
    (asked,) = app.requests
    assert asked.headers["cache-control"] == "no-cache"
    assert asked.headers["accept-language"] == "en"


@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Age", "301"),
        ("Age", "86400"),
        ("Age", " 999999999999 "),
        ("Warning", '110 squid "Response is Stale"'),
        ("Warning", '199 - "odd", 111 proxy:3128 "Revalidation Failed"'),
    ],
)
async def test_an_answer_that_is_old_by_its_head_is_none(path: str, header: str, value: str) -> None:
    app = CannedApp({path: [CannedResponse(204, headers={header: value})]})
    async with HttpClient(app) as http:
        with pytest.raises(ProblemError) as caught:
            await CALLS[path](http, ACCESS, "eu", START)
    problem = caught.value.problem
    assert (problem.kind, problem.code, problem.final) == ("contract", "OLD_ANSWER", False)
    assert problem.message == "An old answer came; a cache stands between."


@pytest.mark.parametrize(
    "headers",
    [*({"Age": age} for age in ("0", "300", "", "-5", "soon")), {"Warning": '199 - "110 "'}],
    ids=repr,
)
async def test_an_answer_of_an_age_that_is_small_or_no_number_counts(headers: dict[str, str]) -> None:
    async with HttpClient(zoho(START, accounts=None, **headers)) as http:
        assert await problem_of(http) is None


ACCOUNTS_NOW = dated({"result": "success"}, START)
NO_WITNESS = {
    "cannot be reached": ConnectionResetError(),
    "has no date": dated({}, None),
    "is cached as well": dated({}, START - YEARS, Age="3600"),
}


@pytest.mark.parametrize("behind", [6 * MINUTE, timedelta(days=1), YEARS])
async def test_a_date_behind_the_accounts_hosts_and_this_machines_is_old(behind: timedelta) -> None:
    async with HttpClient(zoho(START - behind, accounts=ACCOUNTS_NOW)) as http:
        problem = await problem_of(http)
        assert problem and problem.code == "OLD_ANSWER"
        assert await problem_of(http) == problem


@pytest.mark.parametrize("witness", NO_WITNESS.values(), ids=NO_WITNESS)
async def test_without_another_clock_this_machines_counts(witness: CannedResponse | OSError) -> None:
    async with HttpClient(zoho(START - timedelta(hours=1), accounts=witness)) as http:
        problem = await problem_of(http)
    assert problem and problem.code == "OLD_ANSWER"


@pytest.mark.parametrize("behind", [-YEARS, -MINUTE, timedelta(), 5 * MINUTE])
async def test_a_date_that_is_not_behind_this_machines_asks_nobody_else(behind: timedelta) -> None:
    app = zoho(START - behind)
    async with HttpClient(app) as http:
        assert await problem_of(http) is None
    assert app.requests_to(SERVER_INFO_PATH) == []


async def test_a_machine_whose_clock_is_years_ahead_works_and_asks_once() -> None:
    app = zoho(*(START + number * MINUTE for number in range(9)), accounts=ACCOUNTS_NOW)
    async with HttpClient(app) as http:
        ahead = START + YEARS
        problems = [await problem_of(http, ahead + number * MINUTE) for number in range(9)]
    assert problems == [None] * 9
    assert len(app.requests_to(SERVER_INFO_PATH)) == 1


async def test_orgs_that_are_asked_at_once_ask_the_accounts_host_once() -> None:
    app = zoho(START, accounts=ACCOUNTS_NOW)
    async with HttpClient(app) as http:
        problems = await asyncio.gather(*(problem_of(http, START + YEARS) for _ in range(8)))
    assert problems == [None] * 8
    assert len(app.requests_to(SERVER_INFO_PATH)) == 1


async def test_on_a_machine_whose_clock_is_ahead_an_answer_that_stands_still_is_old() -> None:
    later = dated({}, START + timedelta(hours=1))
    app = zoho(START, accounts=ACCOUNTS_NOW)
    async with HttpClient(app) as http:
        assert await problem_of(http, START + YEARS) is None
        app.answers[SERVER_INFO_PATH] = [later]
        problem = await problem_of(http, START + YEARS + timedelta(hours=1))
    assert problem and problem.code == "OLD_ANSWER"


async def test_once_the_clock_is_right_again_what_it_was_excuses_nothing() -> None:
    app = zoho(START, START, START - timedelta(days=2), accounts=ACCOUNTS_NOW)
    async with HttpClient(app) as http:
        assert await problem_of(http, START + timedelta(days=2)) is None
        assert await problem_of(http, START) is None
        problem = await problem_of(http, START)
    assert problem and problem.code == "OLD_ANSWER"


async def test_the_time_of_a_custom_data_center_comes_from_its_api_host() -> None:
    app = zoho(START, accounts=CannedResponse(404, headers={"Date": format_datetime(START, usegmt=True)}))
    async with HttpClient(app) as http:
        assert await problem_of(http, START + YEARS, "custom") is None
    assert [asked.host for asked in app.requests] == ["www.zohoapis.eu"] * 2


async def test_an_answer_without_a_date_counts() -> None:
    async with HttpClient(zoho(None)) as http:
        assert await problem_of(http) is None


async def test_an_old_refusal_is_reported_as_a_refusal() -> None:
    """The page of a proxy may have any date."""
    refusal = CannedResponse(502, b"<html>", {"Date": format_datetime(START - YEARS, usegmt=True)})
    async with HttpClient(CannedApp({DETAILS_PATH: [refusal]})) as http:
        problem = await problem_of(http)
    assert problem and problem.kind == "server"


async def test_the_time_in_an_old_answer_is_not_zohos() -> None:
    app = CannedApp({SERVER_INFO_PATH: [dated({}, START, Age="3600")]})
    async with HttpClient(app) as http:
        assert await fetch_server_time(http, DATA_CENTERS["eu"]) is None
