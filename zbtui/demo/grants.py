"""The simulated accounts hosts: tokens given, renewed and revoked (accounts pages on tokens)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from zbtui.core.data_centers import DATA_CENTERS
from zbtui.demo.accounts import BACKUP_SCOPE, Client, Consent, Source, read_scopes
from zbtui.demo.answers import TOKEN_ERRORS, Answer, Answered, Call, RefusedError, Site, json_answer
from zbtui.demo.roster import InventedOrg
from zbtui.demo.zoho import Simulator

_KINDS: Final[Mapping[str, Collection[str]]] = {
    "refresh_token": ("self", "device", "web"),
    "client_credentials": ("self",),
    "authorization_code": ("self", "web"),
}
"""Which clients each grant type is meant for."""


def issue_token(simulator: Simulator, call: Call) -> Answered:
    """`POST {accounts}/oauth/v2/token`."""
    grant = call.given.get("grant_type", "")
    try:
        client = check_client(simulator, call, _KINDS.get(grant, ("self", "device", "web")))
        if grant not in _GRANTS:
            raise RefusedError("invalid_code", client.org)
        body, org = _GRANTS[grant](simulator, call, client)
    except RefusedError as refused:
        return refused.answer(), refused.org
    return json_answer(200, body), org.name


def check_client(
    simulator: Simulator, call: Call, kinds: Collection[str], *, secret: bool = True
) -> Client:
    """The client that a call is from.

    Args:
        kinds: the ones that such a call is meant for.
        secret: whether the call has to bring the client's secret.

    Raises:
        RefusedError: it is unknown here, of another kind, or its secret is wrong.
    """
    client = simulator.accounts.clients.get(call.given.get("client_id", ""))
    here = call.site.data_center
    if client is None or here not in client.data_centers or client.kind not in kinds:
        raise RefusedError("invalid_client", client.org if client else None)
    if secret and call.given.get("client_secret") != client.secret_at(here):
        raise RefusedError("invalid_client_secret", client.org)
    return client


_Given = tuple[dict[str, Any], InventedOrg]


def _refresh(simulator: Simulator, call: Call, client: Client) -> _Given:
    text = call.given.get("refresh_token", "")
    source = simulator.accounts.refresh_tokens.get(text)
    elsewhere = source is None or source.org.data_center != call.site.data_center
    if source is None or elsewhere or source.client_id != client.client_id:
        raise RefusedError("invalid_code", client.org)
    if text == source.org.refresh_token:
        _refuse(simulator.kind(source.org), source.org)
    return _token(simulator, source, call.site), source.org


def _own(simulator: Simulator, call: Call, client: Client) -> _Given:
    source = simulator.accounts.credentials[client.client_id]
    if call.given.get("soid") != source.org.soid:
        raise RefusedError("missing_org_info", client.org)
    try:
        scopes = read_scopes(call.given.get("scope") or ",".join(source.scopes))
    except ValueError:
        raise RefusedError("invalid_scope", client.org) from None
    return _token(simulator, source, call.site, scopes), source.org


def _exchange(simulator: Simulator, call: Call, client: Client) -> _Given:
    given, text = call.given, call.given.get("code", "")
    code = simulator.accounts.codes.get(text)
    if code is None or code.consent.client_id != client.client_id or simulator.now() >= code.expires_at:
        raise RefusedError("invalid_code", client.org)
    org = code.consent.org
    if org.data_center != call.site.data_center:
        raise RefusedError("invalid_code", org.name)
    if code.redirect_uri is not None and given.get("redirect_uri") != code.redirect_uri:
        raise RefusedError("invalid_redirect_uri", org.name)
    if not code.is_answered_by(given.get("code_verifier", "")):
        raise RefusedError("invalid_code", org.name)
    body = sign_in(simulator, code.consent, call.site)
    del simulator.accounts.codes[text]
    return body, org


_GRANTS: Final[Mapping[str, Callable[[Simulator, Call, Client], _Given]]] = {
    "refresh_token": _refresh,
    "client_credentials": _own,
    "authorization_code": _exchange,
}


def sign_in(simulator: Simulator, consent: Consent, site: Site) -> dict[str, Any]:
    """The first tokens of a consent: the answer to a refresh, and the refresh token.

    Raises:
        RefusedError: the org is forced to.
    """
    org = consent.org
    missing = simulator.missing_scopes.get(org.name, set())
    scopes = tuple(scope for scope in consent.scopes if scope not in missing)
    source = Source(consent.client_id, org, scopes)
    body = _token(simulator, source, site)
    if consent.lasting:
        body["refresh_token"] = simulator.accounts.keep_refresh_token(source)
    return body


def _token(
    simulator: Simulator, source: Source, site: Site, asked: tuple[str, ...] | None = None
) -> dict[str, Any]:
    """A new access token.

    Args:
        asked: its scopes; None: all that its source has.

    Raises:
        RefusedError: too many were asked for, or the org is forced to.
    """
    org = source.org
    _refuse(simulator.forced.get(org.name, ""), org)
    if source.is_locked(simulator.now()):
        raise RefusedError("Access Denied", org.name)
    scopes = source.scopes if asked is None else asked
    if simulator.kind(org) == "NO_SCOPE":
        scopes = tuple(scope for scope in scopes if scope != BACKUP_SCOPE)
    text = simulator.accounts.issue(source, scopes, simulator.now(), simulator.token_life)
    return {
        "access_token": text,
        "scope": " ".join(scopes),
        "api_domain": site.api_url(),
        "token_type": "Bearer",
        "expires_in": int(simulator.token_life.total_seconds()),
    }


def _refuse(kind: str, org: InventedOrg) -> None:
    if kind in TOKEN_ERRORS:
        raise RefusedError(kind, org.name)


def revoke_token(simulator: Simulator, call: Call) -> Answered:
    """`POST {accounts}/oauth/v2/token/revoke`, of a refresh token of this data center."""
    text = call.given.get("token", "")
    source = simulator.accounts.refresh_tokens.get(text)
    if source is None or source.org.data_center != call.site.data_center:
        return json_answer(400, {"error": "invalid_token"}), None
    simulator.accounts.revoke(text)
    return json_answer(200, {"status": "success"}), source.org.name


def tell_servers(simulator: Simulator, call: Call) -> Answered:
    """`GET {accounts}/oauth/serverinfo`."""
    locations = {key: call.site.accounts_url(key) for key in DATA_CENTERS}
    return json_answer(200, {"result": "success", "locations": locations}), None


def generate_code(simulator: Simulator, call: Call) -> Answered:
    """`GET …/console/code?org=NAME`, which stands for the API console's "Generate Code"."""
    name = call.given.get("org", "")
    org = simulator.world.every.get(name)
    if org is None or org.data_center != call.site.data_center:
        return Answer(404, b"No such org here.\n", "text/plain;charset=UTF-8"), None
    try:
        code = simulator.grant_code(name, int(call.given.get("minutes", "10")), call.given.get("scope"))
    except ValueError:
        return Answer(400, b"No such scope or minutes.\n", "text/plain;charset=UTF-8"), name
    return Answer(200, f"{code}\n".encode(), "text/plain;charset=UTF-8"), name
