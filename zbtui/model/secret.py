"""Secrets that never appear in a repr, a message, a log line or a traceback."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Never

from zbtui.model.org import Grant

TOKEN_LIFETIME: Final = timedelta(hours=1)
"""The time for which Zoho's access tokens are valid ("Token limits")."""
RENEWAL_MARGIN: Final = timedelta(minutes=5)
"""The time before its expiry from which an access token is no longer used."""
_MAX_LENGTH: Final = 2048
_HEADER_SAFE: Final = re.compile(rf"[\x21-\x7e]{{1,{_MAX_LENGTH}}}")


class Secret:
    """Holds one secret text, which only `reveal()` returns.

    Two secrets are equal if their texts are. Hashing and pickling raise `TypeError`; `str` and `repr` are
    masked.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret text. Call this only to send or store the text, and keep no copy."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    __hash__ = None  # type: ignore[assignment]  # typed as a method in object

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce__(self) -> Never:
        raise TypeError("a Secret is never pickled")


def is_header_safe(token: str) -> bool:
    """Whether a token is safe in an `Authorization` header; any other token is never sent."""
    return _HEADER_SAFE.fullmatch(token) is not None


def wrong_secret_text(what: str, typed: str) -> str | None:
    """Return what is wrong with a typed secret, in a sentence without the secret; None if nothing is.

    `what` names the kind of secret in that sentence.
    """
    if not typed:
        return f"The {what} is missing."
    if len(typed) > _MAX_LENGTH:
        return f"The {what} is longer than any."
    return None if is_header_safe(typed) else f"The {what} has characters that none has."


def fingerprint(*secrets: Secret) -> str:
    """Return 32 hex digits that identify secrets without revealing them, and are safe to store.

    Use this only for long random secrets such as Zoho's: a guessable secret could be found by trial.
    """
    digest = hashlib.sha256(b"zbtui")
    for secret in secrets:
        part = secret.reveal().encode("utf-8", "surrogatepass")
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """An OAuth client from Zoho's API console, of any type."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class SignInCredentials:
    """The credentials of an org's sign-in, stored in the keyring as the `sign-in` entry."""

    client_secret: Secret
    refresh_token: Secret | None = None
    """The refresh token; None for the grant `client-credentials`."""
    org_number: str | None = field(default=None, compare=False)
    """The number of the org that the credentials are for, once known; left out of comparisons."""

    def is_complete_for(self, grant: Grant) -> bool:
        """Whether the credentials hold everything that `grant` needs."""
        return grant == "client-credentials" or bool(self.refresh_token)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """An access token and the API host that accepts it, stored in the keyring as the `access` entry."""

    token: Secret
    api_url: str
    """The URL of the API host: `api_domain` in Zoho's token answer, without a trailing slash."""
    expires_at: datetime

    def is_usable(self, now: datetime) -> bool:
        """Whether the token is valid for more than `RENEWAL_MARGIN` after `now`."""
        return now < self.expires_at - RENEWAL_MARGIN
