"""The calls to the API host: the backup ("Get data backup details") and whose org it is; and the time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from zbtui.health.snapshot import HistoryAndLinks, Observation
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho_api.backup import parse_backup_response
from zbtui.zoho_api.data_centers import DataCenter
from zbtui.zoho_api.envelope import parse_response_object
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
    """`GET /crm/bulk/v7/backup`: the latest backup job of the token's org.

    Args:
        access: decides the host; goes into the `Authorization` header as `Zoho-oauthtoken`.
        data_center: the org's, for sentences that name it.
        now: from which `Retry-After` counts.

    Raises:
        TroubleError: every error of "Status codes", and whatever `Http.send` raises.
    """
    reply = await _get(http, access, DETAILS_PATH)
    with reply.adding_retry_after(now):
        backup = parse_backup_response(reply.status, reply.body, data_center)
    return Observation(backup, reply.date, reply.credits_remaining)


async def fetch_history(http: HttpClient, access: AccessToken, data_center: str, now: datetime) -> History:
    """`GET /crm/bulk/v7/backup/history`: what happened in the past year, page after page.

    Raises:
        TroubleError: as `fetch_details`; a part of a history would tell something else than the whole.
    """
    entries: list[HistoryEntry] = []
    for page in range(1, MAX_PAGES + 1):
        reply = await _get(http, access, f"{HISTORY_PATH}?page={page}&per_page={PER_PAGE}")
        with reply.adding_retry_after(now):
            read = parse_history_response(reply.status, reply.body, data_center)
        entries += read.entries
        if not read.has_more or len(entries) >= MAX_ROWS:
            break
    return build_history(entries)


async def fetch_links(http: HttpClient, access: AccessToken, data_center: str, now: datetime) -> Links:
    """`GET /crm/bulk/v7/backup/urls`: whether the files of the latest backup can be downloaded.

    Raises:
        TroubleError: as `fetch_details`.
    """
    reply = await _get(http, access, LINKS_PATH)
    with reply.adding_retry_after(now):
        return parse_links_response(reply.status, reply.body, data_center)


async def fetch_history_and_links(
    http: HttpClient, access: AccessToken, data_center: str, now: datetime
) -> HistoryAndLinks:
    """History and links. Raises nothing: what could not be read is told in the answer."""
    history: History | None = None
    links: Links | None = None
    trouble: Problem | None = None
    try:
        history = await fetch_history(http, access, data_center, now)
    except ProblemError as error:
        trouble = error.problem
    try:
        links = await fetch_links(http, access, data_center, now)
    except ProblemError as error:
        trouble = trouble or error.problem
    return HistoryAndLinks(history, links, trouble)


async def fetch_company(
    http: HttpClient, access: AccessToken, data_center: str, now: datetime
) -> Company | None:
    """`GET /crm/v7/org` ("Get organization data"): whose org the token is for.

    Returns:
        None where the sign-in lacks the scope `ZohoCRM.org.READ`, which is no more than a name less.

    Raises:
        TroubleError: as `fetch_details`.
    """
    reply = await _get(http, access, ORG_PATH)
    with reply.adding_retry_after(now):
        return parse_organization_response(reply.status, reply.body, data_center)


async def fetch_server_time(http: HttpClient, dc: DataCenter) -> datetime | None:
    """`GET {accounts}/oauth/serverinfo`, without a token: that the accounts host can be reached.

    Returns:
        The `Date` header, by which one clock can be set against the other.

    Raises:
        TroubleError: it cannot, or something else answers in its place.
    """
    reply = await http.send("GET", dc.accounts_url + SERVER_INFO_PATH)
    # An accounts host of one's own may know no such page, and says so.
    if reply.status != 404:
        parse_response_object(reply.status, reply.body, dc.key)
    return reply.date


async def _get(http: HttpClient, access: AccessToken, path: str) -> HttpResponse:
    headers = {"Authorization": f"Zoho-oauthtoken {access.token.reveal()}"}
    return await http.send("GET", access.api_url + path, headers=headers)
