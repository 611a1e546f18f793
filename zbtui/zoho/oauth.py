"""Access tokens ("Refresh access tokens", "Client credentials flow"), and revoking ("Revoke tokens").

Success is a non-empty `access_token`; the HTTP status decides nothing, for Zoho sends its refusals
with 200.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from zbtui.core.data_centers import DataCenter, trusted_api_url
from zbtui.core.explain import SCOPES, bad_answer, explain_status
from zbtui.core.explain_sign_in import Step, explain_token
from zbtui.core.org import Org
from zbtui.core.secret import LIFE, AccessToken, Secret, SignIn, fits_header
from zbtui.core.trouble import LOCKOUT, Trouble, TroubleError
from zbtui.zoho.http import Http, Reply


@dataclass(frozen=True, slots=True)
class Tokens:
    """A token answer of Zoho's."""

    access: AccessToken
    refresh_token: Secret | None
    """Comes with the first tokens only."""
    scopes: frozenset[str] | None
    """What was granted; None: the answer does not tell."""


async def request_access_token(
    http: Http, org: Org, dc: DataCenter, sign_in: SignIn, now: datetime
) -> AccessToken:
    """Ask the accounts host for a new access token. One of the ten in ten minutes.

    Raises:
        TroubleError: every refusal of "Refresh access tokens", and whatever `Http.send` raises.
    """
    form = {"client_id": org.client_id, "client_secret": sign_in.client_secret.reveal()}
    step: Step = "refresh"
    if org.grant == "client-credentials":
        step = "client-credentials"
        form |= {
            "grant_type": "client_credentials",
            "scope": SCOPES,
            "soid": org.soid or "",
        }
    else:
        token = sign_in.refresh_token or Secret("")
        form |= {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    return (await request_tokens(http, dc, form, now, step)).access


async def request_tokens(
    http: Http, dc: DataCenter, form: Mapping[str, str], now: datetime, step: Step
) -> Tokens:
    """`POST {accounts}/oauth/v2/token` with this form.

    Args:
        now: from which `Retry-After` and the token's life count.
        step: what for; errors are told by it.

    Raises:
        TroubleError: as `request_access_token`.
    """
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token", form=form)
    with reply.refusing(now):
        return parse_tokens(parse_object(reply, dc), reply.status, dc, now, step)


async def revoke(http: Http, dc: DataCenter, refresh_token: Secret) -> None:
    """End a refresh token at Zoho, and with it its access tokens. One that is unknown has ended.

    The token goes in the form: a URL would end up in logs.

    Raises:
        TroubleError: Zoho did not say that it did.
    """
    form = {"token": refresh_token.reveal()}
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token/revoke", form=form)
    answer = parse_object(reply, dc)
    is_unknown = reply.status == 400 and answer.get("error") != LOCKOUT
    if not is_unknown and answer.get("status") != "success":
        raise TroubleError(
            Trouble(
                "auth",
                "Zoho did not revoke the refresh token.",
                "Revoke it by hand in Zoho: Accounts > Sessions > Connected apps.",
                http_status=reply.status,
            )
        )


def parse_object(reply: Reply, dc: DataCenter) -> Mapping[str, Any]:
    """The JSON object of an accounts host's answer, whatever its status.

    Raises:
        TroubleError: it is none.
    """
    answer: Any
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, Mapping):
        # Outside of `except`: a JSONDecodeError holds the body, and that may hold a token.
        raise TroubleError(explain_status(reply.status, reply.body, dc.key))
    return answer


def parse_tokens(
    answer: Mapping[str, Any], status: int, dc: DataCenter, now: datetime, step: Step
) -> Tokens:
    """A token answer.

    Raises:
        TroubleError: it holds an error, or no token that can be used.
    """
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        if not fits_header(token):
            raise TroubleError(bad_answer("holds an access token that cannot be used"))
        access = AccessToken(
            Secret(token), trusted_api_url(answer.get("api_domain"), dc), now + _life(answer)
        )
        refresh, scope = answer.get("refresh_token"), answer.get("scope")
        return Tokens(
            access,
            Secret(refresh) if isinstance(refresh, str) and fits_header(refresh) else None,
            frozenset(scope.replace(",", " ").split()) if isinstance(scope, str) and scope else None,
        )
    error = answer.get("error")
    if isinstance(error, str) and error:
        raise TroubleError(explain_token(error, status, dc.key, step))
    if status >= 300:
        raise TroubleError(explain_status(status, b"", dc.key))
    raise TroubleError(bad_answer("holds no access token", status))


def _life(answer: Mapping[str, Any]) -> timedelta:
    """`expires_in_sec`, else `expires_in`: seconds, or milliseconds in an older variant."""
    seconds = count_of(answer.get("expires_in_sec"))
    if seconds is None:
        seconds = count_of(answer.get("expires_in"))
        if seconds is None:
            return LIFE
        if seconds > 86_400:
            seconds /= 1000
    return timedelta(seconds=min(seconds, 86_400.0))


def count_of(value: object) -> float | None:
    """A positive number, of JSON's; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None
