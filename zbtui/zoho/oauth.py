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

from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, Problem, ProblemError
from zbtui.model.secret import TOKEN_LIFETIME, AccessToken, Secret, SignInCredentials, is_header_safe
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho_api.data_centers import DataCenter, trusted_api_url
from zbtui.zoho_api.errors import SIGN_IN_SCOPES, contract_problem, status_problem
from zbtui.zoho_api.sign_in_errors import TokenStep, token_problem


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token answer of Zoho's."""

    access: AccessToken
    refresh_token: Secret | None
    """Comes with the first tokens only."""
    scopes: frozenset[str] | None
    """What was granted; None: the answer does not tell."""


async def request_access_token(
    http: HttpClient, org: Org, dc: DataCenter, sign_in: SignInCredentials, now: datetime
) -> AccessToken:
    """Ask the accounts host for a new access token. One of the ten in ten minutes.

    Raises:
        TroubleError: every refusal of "Refresh access tokens", and whatever `Http.send` raises.
    """
    form = {"client_id": org.client_id, "client_secret": sign_in.client_secret.reveal()}
    step: TokenStep = "refresh"
    if org.grant == "client-credentials":
        step = "client-credentials"
        form |= {
            "grant_type": "client_credentials",
            "scope": SIGN_IN_SCOPES,
            "soid": org.soid or "",
        }
    else:
        token = sign_in.refresh_token or Secret("")
        form |= {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    return (await post_token_form(http, dc, form, now, step)).access


async def post_token_form(
    http: HttpClient, dc: DataCenter, form: Mapping[str, str], now: datetime, step: TokenStep
) -> TokenResponse:
    """`POST {accounts}/oauth/v2/token` with this form.

    Args:
        now: from which `Retry-After` and the token's life count.
        step: what for; errors are told by it.

    Raises:
        TroubleError: as `request_access_token`.
    """
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token", form=form)
    with reply.adding_retry_after(now):
        return parse_token_response(parse_accounts_response(reply, dc), reply.status, dc, now, step)


async def revoke_refresh_token(http: HttpClient, dc: DataCenter, refresh_token: Secret) -> None:
    """End a refresh token at Zoho, and with it its access tokens. One that is unknown has ended.

    The token goes in the form: a URL would end up in logs.

    Raises:
        TroubleError: Zoho did not say that it did.
    """
    form = {"token": refresh_token.reveal()}
    reply = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token/revoke", form=form)
    answer = parse_accounts_response(reply, dc)
    is_unknown = reply.status == 400 and answer.get("error") != LOCKOUT
    if not is_unknown and answer.get("status") != "success":
        raise ProblemError(
            Problem(
                "auth",
                "Zoho did not revoke the refresh token.",
                "Revoke it by hand in Zoho: Accounts > Sessions > Connected apps.",
                http_status=reply.status,
            )
        )


def parse_accounts_response(reply: HttpResponse, dc: DataCenter) -> Mapping[str, Any]:
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
        raise ProblemError(status_problem(reply.status, reply.body, dc.key))
    return answer


def parse_token_response(
    answer: Mapping[str, Any], status: int, dc: DataCenter, now: datetime, step: TokenStep
) -> TokenResponse:
    """A token answer.

    Raises:
        TroubleError: it holds an error, or no token that can be used.
    """
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        if not is_header_safe(token):
            raise ProblemError(contract_problem("holds an access token that cannot be used"))
        access = AccessToken(
            Secret(token), trusted_api_url(answer.get("api_domain"), dc), now + _token_lifetime(answer)
        )
        refresh, scope = answer.get("refresh_token"), answer.get("scope")
        return TokenResponse(
            access,
            Secret(refresh) if isinstance(refresh, str) and is_header_safe(refresh) else None,
            frozenset(scope.replace(",", " ").split()) if isinstance(scope, str) and scope else None,
        )
    error = answer.get("error")
    if isinstance(error, str) and error:
        raise ProblemError(token_problem(error, status, dc.key, step))
    if status >= 300:
        raise ProblemError(status_problem(status, b"", dc.key))
    raise ProblemError(contract_problem("holds no access token", status))


def _token_lifetime(answer: Mapping[str, Any]) -> timedelta:
    """`expires_in_sec`, else `expires_in`: seconds, or milliseconds in an older variant."""
    seconds = positive_number(answer.get("expires_in_sec"))
    if seconds is None:
        seconds = positive_number(answer.get("expires_in"))
        if seconds is None:
            return TOKEN_LIFETIME
        if seconds > 86_400:
            seconds /= 1000
    return timedelta(seconds=min(seconds, 86_400.0))


def positive_number(value: object) -> float | None:
    """A positive number, of JSON's; else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None
