"""Requests access tokens and revokes refresh tokens.

Zoho's pages are "Refresh access tokens", "Client credentials flow" and "Revoke tokens". A response with a
non-empty `access_token` is a success, and any other a failure: Zoho sends refusals with status 200, too.
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
from zbtui.zoho_api.sign_in_errors import TokenStep, token_problem, with_lockout_code


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """Zoho's response to a token request."""

    access: AccessToken
    refresh_token: Secret | None
    """The refresh token, which Zoho sends only with the first tokens of a sign-in; otherwise None."""
    scopes: frozenset[str] | None
    """The granted scopes; None if the response does not name them."""


async def request_access_token(
    http: HttpClient, org: Org, dc: DataCenter, sign_in: SignInCredentials, now: datetime
) -> AccessToken:
    """Request a new access token. Each request counts towards Zoho's limit of ten in ten minutes.

    Raises the errors of `HttpClient.send`, and a `ProblemError` for each error in Zoho's "Refresh access
    tokens".
    """
    form = {"client_id": org.client_id, "client_secret": sign_in.client_secret.reveal()}
    step: TokenStep = "refresh"
    if org.grant == "client-credentials":
        step = "client-credentials"
        form |= {"grant_type": "client_credentials", "scope": SIGN_IN_SCOPES, "soid": org.soid or ""}
    else:
        token = sign_in.refresh_token or Secret("")
        form |= {"grant_type": "refresh_token", "refresh_token": token.reveal()}
    return (await post_token_form(http, dc, form, now, step)).access


async def post_token_form(
    http: HttpClient, dc: DataCenter, form: Mapping[str, str], now: datetime, step: TokenStep
) -> TokenResponse:
    """Send the form with `POST {accounts URL}/oauth/v2/token`, and return the tokens.

    A `Retry-After` in seconds and the token's lifetime count from `now`; `step` selects the error messages.
    Raises the errors of `request_access_token`.
    """
    response = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token", form=form)
    with response.adding_retry_after(now):
        return parse_token_response(parse_accounts_response(response, dc), response.status, dc, now, step)


async def revoke_refresh_token(http: HttpClient, dc: DataCenter, refresh_token: Secret) -> None:
    """Revoke a refresh token and its access tokens.

    Raises a `ProblemError` unless Zoho confirms the revocation; a token unknown to Zoho counts as revoked.
    The token is sent in the form, not in the URL, since URLs end up in logs.
    """
    form = {"token": refresh_token.reveal()}
    response = await http.send("POST", f"{dc.accounts_url}/oauth/v2/token/revoke", form=form)
    answer = parse_accounts_response(response, dc)
    is_unknown = response.status == 400 and answer.get("error") != LOCKOUT
    if not is_unknown and answer.get("status") != "success":
        message = "Zoho did not revoke the refresh token."
        hint = "Revoke it by hand in Zoho: Accounts > Sessions > Connected apps."
        raise ProblemError(Problem("auth", message, hint, http_status=response.status))


def parse_accounts_response(reply: HttpResponse, dc: DataCenter) -> Mapping[str, Any]:
    """Parse the JSON object in a response of the accounts host, whatever the response's status.

    Raises a `ProblemError` if the body is not a JSON object.
    """
    answer: Any
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, Mapping):
        # Outside of `except`: a JSONDecodeError holds the body, which may hold a token.
        raise ProblemError(status_problem(reply.status, reply.body, dc.key))
    return with_lockout_code(answer)


def parse_token_response(
    answer: Mapping[str, Any], status: int, dc: DataCenter, now: datetime, step: TokenStep
) -> TokenResponse:
    """Parse the response to a token request. Raises a `ProblemError` if it holds no usable token."""
    token = answer.get("access_token")
    if isinstance(token, str) and token:
        if not is_header_safe(token):
            raise ProblemError(contract_problem("holds an access token that cannot be used"))
        api_url = trusted_api_url(answer.get("api_domain"), dc)
        access = AccessToken(Secret(token), api_url, now + _token_lifetime(answer))
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
    """Return the access token's lifetime: the seconds in `expires_in_sec`, else those in `expires_in`.

    An `expires_in` above 86,400 is taken as milliseconds. A missing lifetime, or one below a second,
    becomes `TOKEN_LIFETIME`; the maximum is a day.
    """
    seconds = positive_number(answer.get("expires_in_sec"))
    if seconds is None:
        seconds = positive_number(answer.get("expires_in"))
        if seconds is None:
            return TOKEN_LIFETIME
        if seconds > 86_400:
            seconds /= 1000
    return timedelta(seconds=min(seconds, 86_400.0)) if seconds >= 1 else TOKEN_LIFETIME


def positive_number(value: object) -> float | None:
    """Return a JSON value as a float if it is a positive number below 1e12, otherwise None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < value < 1e12 else None
