"""Turns errors of Zoho's API hosts into problems, each with a message and a hint (status codes, Kaizen 25).

The error code decides, never Zoho's message, which may be in another language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from zbtui.model.org import CUSTOM_DATA_CENTER
from zbtui.model.problem import Problem, ProblemKind
from zbtui.model.text import clean

BACKUP_MENU: Final = "Setup > Data Administration > Data Backup"
"""The menu in Zoho CRM that shows an org's backups ("Requesting data backup")."""
BACKUP_SCOPE: Final = "ZohoCRM.bulk.backup.READ"
SIGN_IN_SCOPES: Final = f"{BACKUP_SCOPE},ZohoCRM.org.READ"
"""The scopes of a sign-in, as pasted into Zoho's API console."""

INVALID_TOKEN_CODES: Final = frozenset({"INVALID_TOKEN", "INVALID_OAUTHTOKEN", "AUTHENTICATION_FAILURE"})
"""Zoho's error codes for an access token that is not valid; a new access token may help."""

MISSING_SCOPE_CODES: Final = frozenset({"OAUTH_SCOPE_MISMATCH", "INVALID_OAUTHSCOPE"})
"""Zoho's error codes for a sign-in that lacks the scope for a request."""

_ErrorRow = tuple[ProblemKind, bool, str, str]
"""The kind of a problem, whether the problem is final, its message and its hint."""


def _permission(message: str, hint: str) -> _ErrorRow:
    return "permission", True, message, hint


def _contract(message: str, hint: str) -> _ErrorRow:
    return "contract", False, message, hint


# Kept short: on the smallest panel a message and its hint share four lines.
_MISSING_SCOPE: Final[_ErrorRow] = (
    "auth",
    True,
    f"The sign-in lacks the scope {BACKUP_SCOPE}.",
    "Sign in again with a token made for that scope (and ZohoCRM.org.READ).",
)
_INTERNAL_ERROR: Final[_ErrorRow] = (
    "server",
    False,
    "Zoho reports an internal error.",
    "If it lasts, Zoho's support can look.",
)
_FRESH_TOKEN_REFUSED: Final[_ErrorRow] = (
    "auth",
    False,
    "Zoho refuses a fresh access token.",
    "Wrong data center (it is set to {dc})? Else it was revoked: sign in again.",
)
_UNKNOWN_ADDRESS: Final = _contract(
    "Zoho does not know the address it was asked at.",
    "Check the data center (it is set to {dc}); for a custom one, api_url.",
)
_TOO_MANY_REQUESTS: Final[_ErrorRow] = (
    "throttled",
    False,
    "Zoho's limit on API calls is reached, for the day or at once.",
    "Setup > Developer Hub > APIs tells who uses them up.",
)
_API_ERRORS: Final[Mapping[str, _ErrorRow]] = {
    **dict.fromkeys(INVALID_TOKEN_CODES, _FRESH_TOKEN_REFUSED),
    **dict.fromkeys(MISSING_SCOPE_CODES, _MISSING_SCOPE),
    "NO_PERMISSION": _permission(
        "Only an administrator may see backups; this user is not one.",
        "Make the user an administrator (Setup > Users), or sign in as one.",
    ),
    "AUTHORIZATION_FAILED": _permission(
        "The user who signed in may not do this.",
        "Sign in as an administrator, or have the profile changed.",
    ),
    "NOT_ALLOWED": _permission(
        "Zoho does not allow this user to see backups.", "Sign in as an administrator of the org."
    ),
    "FEATURE_NOT_SUPPORTED": _permission(
        "This org's edition does not include backups.", f"See {BACKUP_MENU} in Zoho."
    ),
    "FEATURE_NOT_ENABLED": _permission(
        "Backups are not enabled in this org.", f"Enable them: {BACKUP_MENU} in Zoho."
    ),
    "LICENSE_LIMIT_EXCEEDED": _permission(
        "This org's licence limit is exceeded.",
        "Extend it: Setup > General > Company Details > Licenses in Zoho.",
    ),
    **dict.fromkeys(("INVALID_URL_PATTERN", "URL_RULE_NOT_CONFIGURED"), _UNKNOWN_ADDRESS),
    "INVALID_HOST": _contract(
        "Zoho was asked at a host that is not this org's.",
        "Check the data center (it is set to {dc}); for a custom one, api_url.",
    ),
    "FORBIDDEN": _permission(
        "Zoho forbids this call to the user who signed in.",
        "Sign in as an administrator of the org, or have the profile changed.",
    ),
    "API_NOT_SUPPORTED": _contract(
        "Zoho no longer answers this version of the call.", "Look for a newer zbtui."
    ),
    "INVALID_REQUEST_METHOD": _contract(
        "Zoho says that the call was not made with GET.",
        "A proxy may rewrite requests; else look for a newer zbtui.",
    ),
    "TOO_MANY_REQUESTS": _TOO_MANY_REQUESTS,
    "INTERNAL_ERROR": _INTERNAL_ERROR,
    "INTERNAL_SERVER_ERROR": _INTERNAL_ERROR,
}


OLD_ANSWER_PROBLEM: Final = Problem(
    "contract",
    "An old answer came; a cache stands between.",
    "Have the proxy let answers of Zoho's API through as they are. Or is this machine's clock ahead?",
    "OLD_ANSWER",
)
"""The problem with an answer that is an old copy.

Its text leaves out the answer's date: a text that changes with each poll would fill the list of events.
"""


def api_problem(status: int, envelope: Mapping[str, Any], data_center: str) -> Problem:
    """Return the problem for the error object in an API host's answer (`{}` if the host sent none)."""
    code = clean(str(envelope.get("code") or ""), 60).upper()
    row = _API_ERRORS.get(code)
    if row is None:
        return _unknown_code_problem(status, code or None, data_center)
    kind, final, message, hint = row
    if code == "NO_PERMISSION" and "Crm_Implied_Api_Access" in _missing_permissions(envelope):
        message = "The user's profile has no API access."
        hint = "Allow it: Setup > Security Control > Profiles > Developer Permissions."
    return Problem(kind, message, fill_in_data_center(hint, data_center), code, status, final)


def status_problem(status: int, body: bytes, data_center: str) -> Problem:
    """Return the problem with an answer that is not a JSON object, by HTTP status, then by content."""
    if not 200 <= status < 300:
        return _unknown_code_problem(status, None, data_center)
    if b"<" in body[:200]:
        return Problem(
            "contract",
            "A web page came instead of Zoho's answer.",
            "A proxy, a Wi-Fi sign-in page or Zoho's maintenance stands between.",
            http_status=status,
        )
    return contract_problem("is not the JSON that is documented", status)


def contract_problem(what: str, status: int | None = 200) -> Problem:
    """Return the problem with an answer of an undocumented form; `what` completes "Zoho's answer …"."""
    return Problem(
        "contract", f"Zoho's answer {what}.", "If it lasts, look for a newer zbtui.", http_status=status
    )


def data_center_label(data_center: str) -> str:
    """Return a data center's key as people read it, such as `EU` or `custom`."""
    return data_center.upper() if len(data_center) == 2 else data_center


def _unknown_code_problem(status: int, code: str | None, data_center: str) -> Problem:
    suffix, final = f" ({code})" if code else "", False
    check = f"Check the data center (it is set to {data_center_label(data_center)});"
    kind: ProblemKind = "contract"
    if status == 401:
        kind, message, hint = "auth", f"Zoho refuses the sign-in{suffix}.", f"{check} sign in again."
    elif status == 403:
        kind, final = "permission", code is not None
        message = f"Zoho refuses the user who signed in{suffix}."
        hint = "Only an administrator may see backups: see Setup > Users > Profiles."
    elif status == 429:
        kind, final, message, hint = _TOO_MANY_REQUESTS
    elif status >= 500:
        kind, message, hint = "server", f"Zoho is out of order (HTTP {status}){suffix}.", _INTERNAL_ERROR[3]
    elif 300 <= status < 400 and status != 304:
        message = f"The answer sends elsewhere (HTTP {status}); it is not followed."
        hint = "A proxy or a Wi-Fi sign-in page may stand between, or a custom URL is wrong."
    else:
        message = f"Zoho refuses the call (HTTP {status}){suffix}."
        hint = f"{check} else look for a newer zbtui."
    return Problem(kind, message, hint, code, status, final)


def _missing_permissions(envelope: Mapping[str, Any]) -> list[Any]:
    details = envelope.get("details")
    if not isinstance(details, Mapping):
        return []
    permissions = details.get("permissions") or details.get("permissions_needed") or []
    return permissions if isinstance(permissions, list) else [permissions]


def fill_in_data_center(hint: str, data_center: str) -> str:
    """Return `hint` with `{dc}` and `{doubt}` filled in.

    `{dc}` becomes the data center's label, `{doubt}` a question whether the data center is wrong.
    """
    doubt = f"is {data_center_label(data_center)} the wrong data center?"
    if data_center == CUSTOM_DATA_CENTER:  # only its addresses can be wrong
        doubt = "is the custom data center's address wrong?"
    return hint.replace("{doubt}", doubt).replace("{dc}", data_center_label(data_center))
