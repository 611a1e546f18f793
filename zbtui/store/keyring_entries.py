"""Names, encodes and decodes an org's two keyring entries, for its sign-in credentials and access token.

The JSON text of an entry contains the org's OAuth client and hosts as well as the secrets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret, SignInCredentials, is_header_safe
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.store.database import decode_datetime
from zbtui.zoho_api.data_centers import data_center_of


def org_key(org: Org) -> str:
    """Return a hash of an org's name and `Org.identity` (data center, client, hosts), for its entry names.

    The hash distinguishes orgs of the same name in different configs, and orgs whose names differ only in
    case, which some systems treat as equal.
    """
    return hashlib.sha256(f"{org.name}\n{org.identity}".encode()).hexdigest()[:12]


def sign_in_entry(org: Org) -> tuple[str, str]:
    """Return the service and the user name of the keyring entry with an org's sign-in credentials.

    The service contains the org's name, since Windows mixes up several users of one service.
    """
    return f"zbtui:{org.name}:{org_key(org)}", "sign-in"


def access_entry(org: Org) -> tuple[str, str]:
    """Return the service and the user name of the keyring entry with an org's access token."""
    return f"zbtui-access:{org.name}:{org_key(org)}", "access"


def encode_sign_in(org: Org, sign_in: SignInCredentials, configs: Sequence[str]) -> str:
    """Encode an org's sign-in credentials as JSON; `configs` are the config files that use them."""
    entry: dict[str, Any] = {"client_secret": sign_in.client_secret.reveal()}
    if sign_in.refresh_token:
        entry["refresh_token"] = sign_in.refresh_token.reveal()
    entry |= _owner_fields(org)
    if sign_in.org_number:
        entry.setdefault("org_number", sign_in.org_number)
    return json.dumps(entry | ({"configs": configs} if configs else {}))


def decode_sign_in(text: str, org: Org) -> SignInCredentials:
    """Decode sign-in credentials from the JSON of `encode_sign_in`.

    Raises a `ProblemError` if the JSON is invalid, or was not written by zbtui for this org.
    """
    entry = _decode_object(text)
    secret, token = entry.get("client_secret"), entry.get("refresh_token")
    number = entry.get("org_number")
    if not (
        isinstance(secret, str)
        and isinstance(token, str | None)
        and isinstance(number, str | None)
        and _belongs_to(org, entry)
    ):
        raise ProblemError(_foreign_entry_problem(org))
    return SignInCredentials(Secret(secret), Secret(token) if token else None, number)


def configs_of(text: str) -> list[str]:
    """Return the config files that the JSON of a sign-in entry names; empty if that JSON is invalid."""
    configs = _decode_object(text).get("configs")
    return [name for name in configs if isinstance(name, str)] if isinstance(configs, list) else []


def encode_access_token(org: Org, access: AccessToken) -> str:
    entry = {
        "access_token": access.token.reveal(),
        "api_domain": access.api_url,
        "expires_at": access.expires_at.isoformat(),
    }
    return json.dumps(entry | _owner_fields(org))


def decode_access_token(text: str, org: Org) -> AccessToken | None:
    """Decode an access token from the JSON of `encode_access_token`.

    Returns None if the JSON is invalid, or was not written by zbtui for this org.
    """
    entry = _decode_object(text)
    token, api_url, expires = (entry.get(key) for key in ("access_token", "api_domain", "expires_at"))
    if not (isinstance(token, str) and isinstance(api_url, str) and isinstance(expires, str)):
        return None
    if not (_belongs_to(org, entry) and is_header_safe(token)):
        return None
    try:
        return AccessToken(Secret(token), api_url, decode_datetime(expires))
    except ValueError:
        return None


def _owner_fields(org: Org) -> dict[str, str]:
    dc = data_center_of(org)
    known = {"client_id": org.client_id, "accounts_url": dc.accounts_url, "api_url": dc.api_url}
    return known | ({"org_number": org.org_number} if org.org_number else {})


def _belongs_to(org: Org, entry: Mapping[str, object]) -> bool:
    return all(entry.get(key) == value for key, value in _owner_fields(org).items())


def _decode_object(text: str) -> Mapping[str, object]:
    """Parse a text as a JSON object; return an empty mapping if it is invalid."""
    entry: object = None
    with suppress(ValueError, RecursionError):  # the error holds the text, which holds secrets
        entry = json.loads(text)
    return entry if isinstance(entry, dict) else {}


def _foreign_entry_problem(org: Org) -> Problem:
    return Problem(
        "keyring",
        f"The keyring entry of {org.name} is not one that zbtui wrote for this org.",
        "Sign in again: that replaces it.",
        code=FOREIGN_ENTRY,
    )
