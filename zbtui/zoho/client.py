"""Requests backup, history, links and company from Zoho's API host, and the time from the accounts host."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from zbtui.health.snapshot import HistoryAndLinks, Observation
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho.server_clock import MAX_LAG
from zbtui.zoho_api.backup_details import parse_backup_response
from zbtui.zoho_api.data_centers import DATA_CENTERS, DataCenter
from zbtui.zoho_api.envelope import parse_response_object
from zbtui.zoho_api.errors import OLD_ANSWER_PROBLEM
from zbtui.zoho_api.history import MAX_PAGES, MAX_ROWS, PER_PAGE, HistoryEntry, parse_history_response
from zbtui.zoho_api.links import Links, parse_links_response
from zbtui.zoho_api.organization import Company, parse_organization_response
from zbtui.zoho_api.runs import History, build_history

DETAILS_PATH: Final = "/crm/bulk/v7/backup"
HISTORY_PATH: Final = "/crm/bulk/v7/backup/history"
LINKS_PATH: Final = "/crm/bulk/v7/backup/urls"
ORG_PATH: Final = "/crm/v7/org"
SERVER_INFO_PATH: Final = "/oauth/serverinfo"


async def fetch_details(
    http: HttpClient, access: AccessToken, data_center: str, now: datetime
) -> Observation:
    """Get the latest backup job with `GET /crm/bulk/v7/backup` ("Get data backup details").

    Raises the errors of `HttpClient.send`, and a `ProblemError` for each error in the section "Status
    codes" of Zoho's page. A `Retry-After` header in seconds counts from `now`.
    """
    response = await _get(http, access, DETAILS_PATH, data_center, now)
    with response.adding_retry_after(now):
        backup = parse_backup_response(response.status, response.body, data_center)
    return Observation(backup, response.date, now, response.credits_remaining)


async def fetch_history(http: HttpClient, access: AccessToken, data_center: str, now: datetime) -> History:
    """Get the backup log of the last year, page by page, with `GET /crm/bulk/v7/backup/history`.

    Raises the errors of `fetch_details` if any page fails, since an incomplete history would mislead.
    """
    entries: list[HistoryEntry] = []
    for page in range(1, MAX_PAGES + 1):
        path = f"{HISTORY_PATH}?page={page}&per_page={PER_PAGE}"
        response = await _get(http, access, path, data_center, now)
        with response.adding_retry_after(now):
            history_page = parse_history_response(response.status, response.body, data_center)
        entries += history_page.entries
        if not history_page.has_more or len(entries) >= MAX_ROWS:
            break
    return build_history(entries)


async def fetch_links(http: HttpClient, access: AccessToken, data_center: str, now: datetime) -> Links:
    """Get the download links of the latest backup's files with `GET /crm/bulk/v7/backup/urls`.

    Raises the errors of `fetch_details`.
    """
    response = await _get(http, access, LINKS_PATH, data_center, now)
    with response.adding_retry_after(now):
        return parse_links_response(response.status, response.body, data_center)


async def fetch_history_and_links(
    http: HttpClient, access: AccessToken, data_center: str, now: datetime
) -> HistoryAndLinks:
    """Get an org's history and links. Problems are returned in the result, not raised."""
    history: History | None = None
    links: Links | None = None
    problem: Problem | None = None
    links_problem: Problem | None = None
    try:
        history = await fetch_history(http, access, data_center, now)
    except ProblemError as error:
        problem = error.problem
    try:
        links = await fetch_links(http, access, data_center, now)
    except ProblemError as error:
        links_problem = error.problem
    return HistoryAndLinks(history, links, problem, links_problem)


async def fetch_company(
    http: HttpClient, access: AccessToken, data_center: str, now: datetime
) -> Company | None:
    """Get the company that the access token belongs to, with `GET /crm/v7/org` ("Get organization data").

    Returns None if the sign-in lacks the scope `ZohoCRM.org.READ`. Raises the errors of `fetch_details`.
    """
    response = await _get(http, access, ORG_PATH, data_center, now)
    with response.adding_retry_after(now):
        return parse_organization_response(response.status, response.body, data_center)


async def fetch_server_time(http: HttpClient, dc: DataCenter) -> datetime | None:
    """Get Zoho's time from the `Date` header of `GET {accounts URL}/oauth/serverinfo`, without a token.

    Returns None if the header is missing, or the response is an old one from a cache. Raises a
    `ProblemError` if the accounts host cannot be reached, or something other than Zoho answers.
    """
    response = await http.send("GET", dc.accounts_url + SERVER_INFO_PATH)
    # 404: a custom accounts host may lack this page.
    if response.status != 404:
        parse_response_object(response.status, response.body, dc.key)
    return None if response.age > MAX_LAG or response.is_marked_stale else response.date


async def _get(
    http: HttpClient, access: AccessToken, path: str, data_center: str, now: datetime
) -> HttpResponse:
    """Send a GET request to the API host, and return the response.

    Raises a `ProblemError` if the response is a success, but an old one from a cache.
    """
    headers = {"Authorization": f"Zoho-oauthtoken {access.token.reveal()}"}
    response = await http.send("GET", access.api_url + path, headers=headers)
    if response.status < 300:
        fetch_time = partial(_fetch_time_or_none, http, access, data_center)
        date, is_old = response.date, response.age > MAX_LAG or response.is_marked_stale
        if is_old or (date and await http.server_clock.is_behind(date, now, fetch_time)):
            raise ProblemError(OLD_ANSWER_PROBLEM)
    return response


async def _fetch_time_or_none(http: HttpClient, access: AccessToken, data_center: str) -> datetime | None:
    """Return the time of the accounts host, or None if it is unknown.

    For a custom data center, the request for the time goes to the data center's API host.
    """
    dc = DATA_CENTERS.get(data_center) or DataCenter(data_center, access.api_url, access.api_url)
    try:
        return await fetch_server_time(http, dc)
    except ProblemError:
        return None
