"""Secrets that do not show themselves in a repr, a message, a log line or a traceback."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Never

from zbtui.model.org import Grant

TOKEN_LIFETIME: Final = timedelta(hours=1)
"""Of an access token ("Token limits")."""
RENEWAL_MARGIN: Final = timedelta(minutes=5)
"""How long before its end an access token is no longer used."""
_HEADER_SAFE: Final = re.compile(r"[\x21-\x7e]{1,2048}")


class Secret:
    """Holds one secret text; only `reveal()` gives it out.

    Comparing goes by value; hashing, pickling and copying into text are refused or blank.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself: to be called where it is sent or stored, never to be kept."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    __hash__ = None  # type: ignore[assignment]  # the typing of object.__hash__ leaves no other way

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> Never:
        raise TypeError("a Secret is never pickled")


def is_header_safe(token: str) -> bool:
    """Whether a token may stand in an `Authorization` header: anything else is refused unsent."""
    return _HEADER_SAFE.fullmatch(token) is not None


def fingerprint(*secrets: Secret) -> str:
    """Tells one secret from another without giving it away: 32 hex digits, safe to be written down.

    For long random secrets, as Zoho's are; a word that can be guessed could be found by trying.
    """
    whole = hashlib.sha256(b"zbtui")
    for secret in secrets:
        part = secret.reveal().encode("utf-8", "surrogatepass")
        whole.update(len(part).to_bytes(4, "big") + part)
    return whole.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """A client of Zoho's API console, of whichever type."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class SignInCredentials:
    """What an org signs in with: the keyring's `sign-in` entry."""

    client_secret: Secret
    refresh_token: Secret | None = None
    """None for client credentials."""

    def is_complete_for(self, grant: Grant) -> bool:
        """Whether it holds all that an org of this grant needs."""
        return grant == "client-credentials" or bool(self.refresh_token)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A live access token and where it may be used: the keyring's `access` entry."""

    token: Secret
    api_url: str
    """The token answer's `api_domain`; without a trailing slash."""
    expires_at: datetime

    def is_usable(self, now: datetime) -> bool:
        """Whether it will live long enough to be used."""
        return now < self.expires_at - RENEWAL_MARGIN
