"""The backup call: `GET /crm/bulk/v7/backup` ("Get data backup details")."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from zbtui.core.backup import parse_details
from zbtui.core.secret import AccessToken
from zbtui.core.snapshot import Looked
from zbtui.core.trouble import TroubleError
from zbtui.zoho.http import Http

DETAILS_PATH: Final = "/crm/bulk/v7/backup"


async def fetch_details(http: Http, access: AccessToken, data_center: str, now: datetime) -> Looked:
    """The latest backup job of the token's org.

    Args:
        access: decides the host; goes into the `Authorization` header as `Zoho-oauthtoken`.
        data_center: the org's, for sentences that name it.
        now: from which `Retry-After` counts.

    Raises:
        TroubleError: every error of zoho-api 2.2, and whatever `Http.send` raises.
    """
    reply = await http.send(
        "GET",
        access.api_url + DETAILS_PATH,
        headers={"Authorization": f"Zoho-oauthtoken {access.token.reveal()}"},
    )
    try:
        backup = parse_details(reply.status, reply.body, data_center)
    except TroubleError as error:
        raise TroubleError(replace(error.trouble, retry_at=reply.retry_at(now))) from None
    return Looked(backup, reply.date, reply.credits_remaining)
