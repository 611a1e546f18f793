"""Access tokens (zoho-api 3.1: "Refresh access tokens"; 3.3: client credentials).

Success is a non-empty `access_token`; the HTTP status decides nothing, for Zoho sends its refusals
with 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from zbtui.core.explain import BACKUP_SCOPE, bad_answer, explain_status, explain_token
from zbtui.core.org import Org
from zbtui.core.secret import LIFE, AccessToken, Secret, SignIn, fits_header
from zbtui.core.trouble import TroubleError
from zbtui.zoho.datacenter import DataCenter, trusted_api_url
from zbtui.zoho.http import Http, Reply


async def request_access_token(
    http: Http, org: Org, dc: DataCenter, sign_in: SignIn, now: datetime
) -> AccessToken:
    """Ask the accounts host for a new access token. One of the ten in ten minutes.

    Raises:
        TroubleError: every refusal of section 3.1, and whatever `Http.send` raises.
    """
    form = {"client_id": org.client_id, "client_secret": sign_in.client_secret.reveal()}
    if org.grant == "client-credentials":
        form |= {
            "grant_type": "client_credentials",
            "scope": BACKUP_SCOPE,
            "soid": org.soid or "",
        }
    else:
        token = sign_in.refresh_token or Secret("")
        form |= {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token", form=form)
    try:
        return _parse_token(reply, org, dc, now)
    except TroubleError as error:
        raise TroubleError(replace(error.trouble, retry_at=reply.retry_at(now))) from None


def _parse_token(reply: Reply, org: Org, dc: DataCenter, now: datetime) -> AccessToken:
    answer: Any
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, Mapping):
        # Outside of `except`: a JSONDecodeError holds the body, and that may hold a token.
        raise TroubleError(explain_status(reply.status, reply.body, org.data_center))
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        if not fits_header(token):
            raise TroubleError(bad_answer("holds an access token that cannot be used"))
        return AccessToken(
            Secret(token), trusted_api_url(answer.get("api_domain"), dc), now + _life(answer)
        )
    error = answer.get("error")
    if isinstance(error, str) and error:
        raise TroubleError(explain_token(error, reply.status, org.data_center))
    if reply.status >= 300:
        raise TroubleError(explain_status(reply.status, b"", org.data_center))
    raise TroubleError(bad_answer("holds no access token", reply.status))


def _life(answer: Mapping[str, Any]) -> timedelta:
    """`expires_in_sec`, else `expires_in`: seconds, or milliseconds in an older variant."""
    seconds = _count(answer.get("expires_in_sec"))
    if seconds is None:
        seconds = _count(answer.get("expires_in"))
        if seconds is None:
            return LIFE
        if seconds > 86_400:
            seconds /= 1000
    return timedelta(seconds=min(seconds, 86_400.0))


def _count(value: object) -> float | None:
    """A positive number, of JSON's; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None
