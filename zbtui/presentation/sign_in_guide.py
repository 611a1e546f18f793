"""The steps of each sign-in method (Zoho's documentation: "Self client", "Devices", "Web apps")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zbtui.model.org import CUSTOM_DATA_CENTER, SignInMethod
from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.errors import BACKUP_SCOPE, SIGN_IN_SCOPES

DEFAULT_REDIRECT_PORT: Final = 53171
"""The default port of the redirect URI `http://localhost:53171/`, to which Zoho sends the browser back."""


@dataclass(frozen=True, slots=True)
class SignInGuide:
    """The texts that guide through one sign-in method."""

    title: str
    requirement: str
    """One line that says what the sign-in method requires."""
    client_type: str
    """The type of OAuth client, as Zoho's API console names it."""
    steps: tuple[str, ...]
    """The instructions. `sign_in_steps` replaces `{console}`, `{client}`, `{redirect}` and `{scopes}`."""
    pasted_value: str | None = None
    """The name of the value that the user pastes at the end; None if the method has no such value."""


_CLIENT_STEP: Final = "In {console}, signed in as an administrator of the org, add or open: {client}."
_SECRET_STEP: Final = "Copy its client id and client secret."

SIGN_IN_GUIDES: Final[Mapping[SignInMethod, SignInGuide]] = {
    "code": SignInGuide(
        "Self Client and a code",
        "the API console alone; anew for each org",
        "Self Client",
        (
            _CLIENT_STEP,
            _SECRET_STEP,
            "In its tab Generate Code enter the scopes {scopes}, choose 10 minutes, and the right org.",
            "Paste the code here before its minutes are over: it works once.",
        ),
        "code",
    ),
    "device": SignInGuide(
        "Device: a code to enter",
        "any browser, over ssh too; one client for all orgs",
        "Non-browser Applications",
        (_CLIENT_STEP, _SECRET_STEP),
    ),
    "browser": SignInGuide(
        "Browser on this machine",
        "comes back by itself; one client for all orgs",
        "Server-based Applications",
        (_CLIENT_STEP, "Enter {redirect} as its redirect URI, to the letter.", _SECRET_STEP),
    ),
    "refresh-token": SignInGuide(
        "Refresh token that you have",
        "made with the scope " + BACKUP_SCOPE,
        "the client that it was made with",
        ("Have the client id and secret at hand that the token was made with.",),
        "refresh token",
    ),
    "client-credentials": SignInGuide(
        "Client credentials",
        "a Self Client and the org's number, no token",
        "Self Client",
        (
            _CLIENT_STEP,
            _SECRET_STEP,
            "The org's number stands in the address bar of its CRM, after /crm/org.",
        ),
    ),
}


def api_console_url(data_center: str) -> str:
    """Return the URL of a data center's API console; an unknown data center gets the URL of `us`."""
    return "https://" + DATA_CENTERS.get(data_center, DATA_CENTERS["us"]).web_host("api-console")


def sign_in_steps(
    method: SignInMethod, data_center: str, redirect_uri: str, scopes: str = SIGN_IN_SCOPES
) -> list[str]:
    """Return the steps of a sign-in method with all placeholders replaced, `{scopes}` by `scopes`."""
    guide = SIGN_IN_GUIDES[method]
    values = {
        "{console}": api_console_url(data_center)
        if data_center != CUSTOM_DATA_CENTER
        else "the API console of that host",
        "{client}": guide.client_type,
        "{redirect}": redirect_uri,
        "{scopes}": scopes,
    }
    steps = []
    for step in guide.steps:
        for placeholder, text in values.items():
            step = step.replace(placeholder, text)
        steps.append(step)
    return steps
