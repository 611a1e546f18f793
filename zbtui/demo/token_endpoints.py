"""The simulated accounts hosts: issue, refresh and revoke tokens (Zoho's documentation of OAuth tokens)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from zbtui.demo.accounts import BACKUP_SCOPE, Consent, RegisteredClient, TokenSource, parse_scopes
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import (
    TOKEN_ERRORS,
    RefusedError,
    ResponseAndOrg,
    SimulatedRequest,
    Site,
    json_response,
    text_response,
)
from zbtui.demo.simulator import Simulator
from zbtui.zoho_api.data_centers import DATA_CENTERS

_CLIENT_TYPES: Final[Mapping[str, Collection[str]]] = {
    "refresh_token": ("self", "device", "web"),
    "client_credentials": ("self",),
    "authorization_code": ("self", "web"),
}
"""The types of OAuth clients that are allowed for each grant type."""


def issue_token(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `POST {accounts}/oauth/v2/token`: issue an access token by one of the grant types."""
    grant = call.parameters.get("grant_type", "")
    try:
        client = check_client(simulator, call, _CLIENT_TYPES.get(grant, ("self", "device", "web")))
        if forced := simulator.forced_answer(client.org, "token"):
            return forced, client.org
        if grant not in _GRANT_HANDLERS:
            raise RefusedError("invalid_code", client.org)
        body, org = _GRANT_HANDLERS[grant](simulator, call, client)
    except RefusedError as refused:
        return refused.response(), refused.org_name
    return json_response(200, body), org.name


def check_client(
    simulator: Simulator, call: SimulatedRequest, client_types: Collection[str], *, secret: bool = True
) -> RegisteredClient:
    """Return the OAuth client that sent a request; `secret` says whether the request needs its secret.

    Raises:
        RefusedError: the client is unknown at the called data center, its type is not in
            `client_types`, or its secret is wrong.
    """
    client = simulator.accounts.clients.get(call.parameters.get("client_id", ""))
    here = call.site.data_center
    if client is None or here not in client.data_centers or client.client_type not in client_types:
        raise RefusedError("invalid_client", client.org if client else None)
    if secret and call.parameters.get("client_secret") != client.secret_for(here):
        raise RefusedError("invalid_client_secret", client.org)
    return client


_TokenObjectAndOrg = tuple[dict[str, Any], InventedOrg]
_GrantHandler = Callable[[Simulator, SimulatedRequest, RegisteredClient], _TokenObjectAndOrg]


def _grant_by_refresh_token(
    simulator: Simulator, call: SimulatedRequest, client: RegisteredClient
) -> _TokenObjectAndOrg:
    text = call.parameters.get("refresh_token", "")
    source = simulator.accounts.refresh_tokens.get(text)
    elsewhere = source is None or source.org.data_center != call.site.data_center
    if source is None or elsewhere or source.client_id != client.client_id:
        raise RefusedError("invalid_code", client.org)
    if text == source.org.refresh_token:
        _raise_if_refused(simulator.kind_of(source.org), source.org)
    return _token_object(simulator, source, call.site), source.org


def _grant_by_client_credentials(
    simulator: Simulator, call: SimulatedRequest, client: RegisteredClient
) -> _TokenObjectAndOrg:
    source = simulator.accounts.client_credentials[client.client_id]
    if call.parameters.get("soid") != source.org.soid:
        raise RefusedError("missing_org_info", client.org)
    try:
        scopes = parse_scopes(call.parameters.get("scope") or ",".join(source.scopes))
    except ValueError:
        raise RefusedError("invalid_scope", client.org) from None
    return _token_object(simulator, source, call.site, scopes), source.org


def _grant_by_code(
    simulator: Simulator, call: SimulatedRequest, client: RegisteredClient
) -> _TokenObjectAndOrg:
    given, text = call.parameters, call.parameters.get("code", "")
    code = simulator.accounts.codes.get(text)
    if code is None or code.consent.client_id != client.client_id or simulator.now() >= code.expires_at:
        raise RefusedError("invalid_code", client.org)
    org = code.consent.org
    if org.data_center != call.site.data_center:
        raise RefusedError("invalid_code", org.name)
    if code.redirect_uri is not None and given.get("redirect_uri") != code.redirect_uri:
        raise RefusedError("invalid_redirect_uri", org.name)
    if not code.accepts_verifier(given.get("code_verifier", "")):
        raise RefusedError("invalid_code", org.name)
    body = issue_first_tokens(simulator, code.consent, call.site)
    del simulator.accounts.codes[text]
    return body, org


_GRANT_HANDLERS: Final[Mapping[str, _GrantHandler]] = {
    "refresh_token": _grant_by_refresh_token,
    "client_credentials": _grant_by_client_credentials,
    "authorization_code": _grant_by_code,
}


def issue_first_tokens(simulator: Simulator, consent: Consent, site: Site) -> dict[str, Any]:
    """Return the first tokens of a consent, in Zoho's shape; with a refresh token if the consent grants it.

    Raises:
        RefusedError: the org's forced kind is a token error.
    """
    org = consent.org
    missing = simulator.missing_scopes.get(org.name, set())
    scopes = tuple(scope for scope in consent.scopes if scope not in missing)
    source = TokenSource(consent.client_id, org, scopes)
    body = _token_object(simulator, source, site)
    if consent.is_offline:
        body["refresh_token"] = simulator.accounts.add_refresh_token(source)
    return body


def _token_object(
    simulator: Simulator, source: TokenSource, site: Site, requested_scopes: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """Return the answer that holds a new access token.

    The token is for `requested_scopes`, or if that is None for all scopes of the source.

    Raises:
        RefusedError: there were too many requests, or the org's forced kind is a token error.
    """
    org = source.org
    _raise_if_refused(simulator.forced_kinds.get(org.name, ""), org)
    if source.count_and_check_lockout(simulator.now()):
        raise RefusedError("Access Denied", org.name)
    scopes = source.scopes if requested_scopes is None else requested_scopes
    if simulator.kind_of(org) == "NO_SCOPE":
        scopes = tuple(scope for scope in scopes if scope != BACKUP_SCOPE)
    text = simulator.accounts.issue_access_token(source, scopes, simulator.now(), simulator.token_lifetime)
    return {
        "access_token": text,
        "scope": " ".join(scopes),
        "api_domain": site.api_url(),
        "token_type": "Bearer",
        "expires_in": int(simulator.token_lifetime.total_seconds()),
    }


def _raise_if_refused(kind: str, org: InventedOrg) -> None:
    if kind in TOKEN_ERRORS:
        raise RefusedError(kind, org.name)


def revoke_token(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `POST {accounts}/oauth/v2/token/revoke`: revoke a refresh token of the called data center."""
    text = call.parameters.get("token", "")
    source = simulator.accounts.refresh_tokens.get(text)
    if source is None or source.org.data_center != call.site.data_center:
        return json_response(400, {"error": "invalid_token"}), None
    simulator.accounts.revoke_refresh_token(text)
    return json_response(200, {"status": "success"}), source.org.name


def server_info(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `GET {accounts}/oauth/serverinfo` with the accounts URLs of all data centers."""
    locations = {key: call.site.accounts_url(key) for key in DATA_CENTERS}
    return json_response(200, {"result": "success", "locations": locations}), None


def issue_grant_code(simulator: Simulator, call: SimulatedRequest) -> ResponseAndOrg:
    """Answer `GET …/console/code?org=NAME`, which stands for "Generate Code" in Zoho's API console."""
    name = call.parameters.get("org", "")
    org = simulator.world.all_orgs.get(name)
    if org is None or org.data_center != call.site.data_center:
        return text_response(404, "No such org here.\n"), None
    minutes, scope = call.parameters.get("minutes", "10"), call.parameters.get("scope")
    try:
        code = simulator.issue_grant_code(name, int(minutes), scope)
    except ValueError:
        return text_response(400, "No such scope or minutes.\n"), name
    return text_response(200, f"{code}\n"), name
