"""How a person gets from Zoho's API console to a sign-in ("Self client", "Devices", "Web apps")."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from zbtui.core.data_centers import DATA_CENTERS
from zbtui.core.explain import BACKUP_SCOPE, SCOPES
from zbtui.core.org import CUSTOM, Way

REDIRECT_PORT: Final = 53171
"""Where the browser comes back to, if nothing else is chosen: `http://localhost:53171/`."""


@dataclass(frozen=True, slots=True)
class Guide:
    """One way to sign in."""

    title: str
    needs: str
    """One line: what it takes."""
    client: str
    """The type of client, as the API console names it."""
    steps: tuple[str, ...]
    """What to do there; `{console}`, `{redirect}` and `{scopes}` stand for what is to be filled in."""
    answer: str | None = None
    """What is to be pasted in the end; None: nothing."""


_CLIENT: Final = "In {console}, signed in as an administrator of the org, add or open: {client}."
_SECRET: Final = "Copy its client id and client secret."

GUIDES: Final[Mapping[Way, Guide]] = {
    "code": Guide(
        "Self Client and a code",
        "the API console alone; anew for each org",
        "Self Client",
        (
            _CLIENT,
            _SECRET,
            "In its tab Generate Code enter the scopes {scopes}, choose 10 minutes, and the right org.",
            "Paste the code here before its minutes are over: it works once.",
        ),
        "code",
    ),
    "device": Guide(
        "Device: a code to enter",
        "any browser, over ssh too; one client for all orgs",
        "Non-browser Applications",
        (_CLIENT, _SECRET),
    ),
    "browser": Guide(
        "Browser on this machine",
        "comes back by itself; one client for all orgs",
        "Server-based Applications",
        (
            _CLIENT,
            "Enter {redirect} as its redirect URI, to the letter.",
            _SECRET,
        ),
    ),
    "refresh-token": Guide(
        "Refresh token that you have",
        "made with the scope " + BACKUP_SCOPE,
        "the client that it was made with",
        ("Have the client id and secret at hand that the token was made with.",),
        "refresh token",
    ),
    "client-credentials": Guide(
        "Client credentials",
        "a Self Client and the org's number, no token",
        "Self Client",
        (
            _CLIENT,
            _SECRET,
            "The org's number stands in the address bar of its CRM, after /crm/org.",
        ),
    ),
}


def console_url(data_center: str) -> str:
    """Zoho's API console of a data center, for a person to open."""
    return "https://" + DATA_CENTERS.get(data_center, DATA_CENTERS["us"]).web_host("api-console")


def steps_of(way: Way, data_center: str, redirect_uri: str, scopes: str = SCOPES) -> list[str]:
    """The steps of a way, filled in.

    Args:
        scopes: how the scopes are named in them.
    """
    guide = GUIDES[way]
    filled = {
        "{console}": console_url(data_center) if data_center != CUSTOM else "the API console of that host",
        "{client}": guide.client,
        "{redirect}": redirect_uri,
        "{scopes}": scopes,
    }
    steps = []
    for step in guide.steps:
        for mark, text in filled.items():
            step = step.replace(mark, text)
        steps.append(step)
    return steps
