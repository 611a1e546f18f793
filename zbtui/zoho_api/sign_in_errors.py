"""Turns errors of token requests into problems, each with a message and a hint (accounts pages on tokens).

The same code means different things at different steps: `invalid_code` means a dead refresh token when an
access token is renewed, and an expired code during a sign-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, Problem, ProblemKind
from zbtui.model.text import clean
from zbtui.zoho_api.errors import BACKUP_SCOPE, SIGN_IN_SCOPES, data_center_label, fill_in_data_center

TokenStep = Literal["refresh", "client-credentials", "code", "device", "browser"]
"""The kind of token request that failed.

`refresh` and `client-credentials` request an access token, the others the first tokens of a sign-in.
"""

_ErrorRow = tuple[ProblemKind, bool, str, str]
"""The kind of a problem, whether the problem is final, its message and its hint."""


def _auth(message: str, hint: str) -> _ErrorRow:
    return "auth", True, message, hint


_NO_SELF_CLIENT: Final = _auth(
    "Zoho does not know this client id as a Self Client.",
    "Check it in the API console, and the data center (it is set to {dc}).",
)
_ERRORS: Final[Mapping[str, _ErrorRow]] = {
    "invalid_client": _auth(
        "Zoho does not know this client id.",
        "Check it in the API console, and the data center (it is set to {dc}).",
    ),
    "invalid_client_secret": _auth(
        "The client secret is wrong.",
        "Data centers may have secrets of their own (it is set to {dc}): copy it anew, sign in again.",
    ),
    "invalid_code": _auth(
        "The refresh token is dead: revoked, or pushed out by newer ones.", "Sign in again. Or {doubt}"
    ),
    "missing_org_info": _auth(
        "Zoho knows no such org for this client.",
        "Check the org's number: it stands in its CRM's address, after /crm/org (soid is ZohoCRM. and it).",
    ),
    "invalid_scope": _auth(
        "Zoho does not grant this client the scope for backups.",
        f"Make the client with the scopes {SIGN_IN_SCOPES}.",
    ),
    "invalid_redirect_uri": _auth(
        "The client's redirect address does not match.",
        "Set the same one in Zoho's API console, to the letter.",
    ),
    "access_denied": _auth(
        "The sign-in was refused in the browser.", "Start again, and press Accept there."
    ),
    "expired": _auth(
        "The code has run out: nobody entered it in time.", "Start again; a code is good for five minutes."
    ),
    LOCKOUT: (
        "throttled",
        False,
        "Zoho locked this sign-in for a while: too many tokens were asked.",
        "Nothing is asked until then. Does another program use this token?",
    ),
    "general_error": (
        "server",
        False,
        "Zoho's sign-in service is out of order.",
        "If it lasts, see status.zoho.com.",
    ),
}
_ERRORS_AT_STEP: Final[Mapping[tuple[TokenStep, str], _ErrorRow]] = {
    ("code", "invalid_client"): _NO_SELF_CLIENT,
    ("code", "invalid_code"): _auth(
        "The code is too old, or was used already.",
        "It works once, within the minutes chosen for it: generate a new one. If it is new, {doubt}",
    ),
    ("device", "invalid_client"): _auth(
        "Zoho does not know this client id as one for devices.",
        "Add a Non-browser Application in the API console, and check the data center (it is set to {dc}).",
    ),
    ("device", "invalid_code"): _auth(
        "The code has run out, or was used already.", "Start again; a code is good for five minutes."
    ),
    ("browser", "invalid_client"): _auth(
        "Zoho does not know this client id as a server-based application.",
        "Add one in the API console, or check the id and the data center (it is set to {dc}).",
    ),
    ("browser", "invalid_code"): _auth(
        "The browser's answer came too late, or was used already.", "Start again; it is good for a minute."
    ),
    ("client-credentials", "invalid_client"): _NO_SELF_CLIENT,
}
_ERROR_WORD: Final = re.compile(r"[a-z0-9_]+")
"""The form of all error codes of Zoho's accounts hosts except the code of a lock-out."""
_ALIASES: Final = {"redirect_uri_mismatch": "invalid_redirect_uri", "expired_token": "expired"}


def token_problem(error: str, status: int | None, data_center: str, step: TokenStep = "refresh") -> Problem:
    """Return the problem for `error`, a code from an accounts host.

    `status` is the answer's HTTP status; None if the code came without an answer.
    """
    code = clean(error, 60)
    word = _ALIASES.get(code, code)
    row = _ERRORS_AT_STEP.get((step, word)) or _ERRORS.get(word)
    if row is None:
        return Problem(
            "auth",
            f"Zoho's sign-in service refuses: {code}.",
            f"Check client and data center (it is set to {data_center_label(data_center)}), "
            "then sign in again.",
            code,
            status,
        )
    kind, final, message, hint = row
    return Problem(kind, message, fill_in_data_center(hint, data_center), code, status, final)


def with_lockout_code(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an accounts host's answer, with `LOCKOUT` as its code if it reports a lock-out in any
    language.

    Zoho translates only this code ("拒绝访问"). A lock-out is recognized by the `status` `failure`, and an
    `error` that is not a code word.
    """
    error = answer.get("error")
    if not isinstance(error, str) or not error or answer.get("status") != "failure":
        return answer
    return answer if _ERROR_WORD.fullmatch(error) else {**answer, "error": LOCKOUT}


def already_watched_problem(org_number: str, org_name: str) -> Problem:
    """Return the problem that a sign-in is for an org that zbtui watches by another name."""
    return Problem(
        "auth",
        f"This sign-in is for org number {clean(org_number, 40)}, which is already watched as {org_name}.",
        f"Choose the other org on Zoho's page; or take {org_name} off watch first.",
        "ALREADY_WATCHED",
        final=True,
    )


def other_org_problem(org_name: str, known: str, org_number: str) -> Problem:
    """Return the problem that a sign-in is for another org than the one known by `org_name`."""
    return Problem(
        "auth",
        f"This sign-in is for org number {clean(org_number, 40)}, but {org_name} is {clean(known, 40)}.",
        "Choose that one on Zoho's page; or put this one under watch under a name of its own.",
        "OTHER_ORG",
        final=True,
    )


def token_budget_problem(until: datetime) -> Problem:
    """Return the problem that no token is requested until `until`, as Zoho would lock the sign-in."""
    return Problem(
        "throttled",
        "Many tokens were asked for lately: zbtui waits, or Zoho would lock this sign-in.",
        "Is something starting zbtui again and again?",
        TOKEN_BUDGET_EXHAUSTED,
        retry_at=until,
    )


NO_REFRESH_TOKEN_PROBLEM: Final = Problem(
    "auth",
    "Zoho gave no refresh token, and without one the watch would end within the hour.",
    "Zoho gives it on a first consent only: remove zbtui's client under Accounts > Sessions > Connected "
    "apps, then start again.",
    "NO_REFRESH_TOKEN",
    final=True,
)

NOT_SIGNED_IN_PROBLEM: Final = Problem(
    "auth", "This machine's keyring holds no sign-in for this org.", "Sign in again.", final=True
)

NO_CLIENT_SECRET_PROBLEM: Final = Problem(
    "auth",
    "This machine's keyring holds no client secret to use again.",
    "Type in the client's id and secret.",
    "NO_CLIENT_SECRET",
)

MALFORMED_CODE_PROBLEM: Final = Problem(
    "config",
    "This is not a code of Zoho's: those begin with 1000. and have two dots.",
    "Copy it whole from the tab Generate Code of the Self Client.",
)

USED_CODE_PROBLEM: Final = Problem(
    "auth",
    "This code was used already, and a code works once.",
    "Generate a new one in the API console.",
    "USED_CODE",
    final=True,
)


def missing_scope_problem(granted: frozenset[str] | None) -> Problem | None:
    """Return the problem with a consent that does not cover backups; None if there is no problem.

    `granted` are the consent's scopes; None means that Zoho names no scopes, which is no problem.
    """
    if granted is None or granted & {BACKUP_SCOPE, BACKUP_SCOPE.replace(".READ", ".ALL")}:
        return None
    scopes = clean(", ".join(sorted(granted)), 80) or "none at all"
    return Problem(
        "auth",
        f"The consent does not cover backups, only: {scopes}.",
        f"Ask for the scopes {SIGN_IN_SCOPES}.",
        "OAUTH_SCOPE_MISMATCH",
        final=True,
    )
