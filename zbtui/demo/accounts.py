"""The state of the simulated accounts hosts: OAuth clients, codes, tokens, and their limits."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Final, Literal

from zbtui.demo.invented_orgs import InventedOrg
from zbtui.zoho_api.data_centers import DATA_CENTERS

ZOHO_TOKEN_WINDOW: Final = timedelta(minutes=10)
ZOHO_TOKENS_PER_WINDOW: Final = 10
MAX_LIVE_TOKENS: Final = 10
MAX_REFRESH_TOKENS: Final = 20
"""The most refresh tokens that one user can have for one OAuth client."""
CODE_MINUTES: Final = (3, 5, 7, 10)
"""The lifetimes, in minutes, that Zoho's API console offers for a self client's code."""
BROWSER_CODE_LIFETIME: Final = timedelta(minutes=1)
DEVICE_CODE_LIFETIME: Final = timedelta(minutes=5)
BACKUP_SCOPE: Final = "ZohoCRM.bulk.backup.READ"
ORG_SCOPE: Final = "ZohoCRM.org.READ"
DEFAULT_SCOPES: Final = (BACKUP_SCOPE, ORG_SCOPE)

_SCOPE_PREFIXES: Final = (
    *("ZohoCRM.bulk", "ZohoCRM.bulk.backup", "ZohoCRM.modules", "ZohoCRM.org", "ZohoCRM.settings"),
    *("ZohoCRM.users", "ZohoFiles.files"),
)
_RIGHTS: Final = ("ALL", "READ", "CREATE", "UPDATE", "DELETE")
_SCOPES: Final = frozenset(f"{prefix}.{right}" for prefix in _SCOPE_PREFIXES for right in _RIGHTS)
_USER_CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A simulated OAuth client, as a person would register it in Zoho's API console."""

    client_id: str
    client_secret: str = field(repr=False)
    client_type: Literal["self", "device", "web"]
    data_centers: tuple[str, ...]
    """The data centers that know the client."""
    redirect_uris: tuple[str, ...] = ()
    """The redirect URIs of a web client; a request has to name one of them exactly."""
    name: str = ""
    """The client's name on the consent page."""
    org: str | None = None
    """The name of the one org of a self client; None for another type of client."""
    regional_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The client secrets by data center, for a client without "same credentials for all data centers";
    empty for other clients."""

    def secret_for(self, data_center: str) -> str:
        return self.regional_secrets.get(data_center, self.client_secret)


DEVICE_CLIENT: Final = RegisteredClient(
    "1000.DEMODEVICE", "demo-client-secret-700001", "device", tuple(DATA_CENTERS), name="Demo for devices"
)
WEB_CLIENT: Final = RegisteredClient(
    "1000.DEMOWEB",
    "demo-client-secret-700002",
    "web",
    tuple(DATA_CENTERS),
    ("http://localhost:53171/",),
    "Demo for browsers",
)
REGIONAL_CLIENT: Final = RegisteredClient(
    "1000.DEMOREGIONAL",
    "demo-client-secret-700100",
    "device",
    tuple(DATA_CENTERS),
    name="Demo with secrets of its own for each data center",
    regional_secrets={key: f"demo-client-secret-{n}" for n, key in enumerate(DATA_CENTERS, start=700101)},
)


def self_client(org: InventedOrg) -> RegisteredClient:
    """Build the self client of an org, which only the org's data center knows."""
    name = f"Self Client of {org.company}"
    return RegisteredClient(
        org.client_id, org.client_secret, "self", (org.data_center,), name=name, org=org.name
    )


@dataclass(frozen=True, slots=True)
class Consent:
    """A user's consent to give a client access to one org."""

    client_id: str
    org: InventedOrg
    scopes: tuple[str, ...]
    is_offline: bool
    """Whether the consent grants a refresh token."""


@dataclass(frozen=True, slots=True)
class GrantCode:
    """A code that a client can exchange for tokens once."""

    consent: Consent
    expires_at: datetime
    redirect_uri: str | None = None
    """The redirect URI in the request for the code; None for a self client's code."""
    challenge: str | None = None
    """The PKCE challenge (S256) in the request for the code; None if there was none."""

    def accepts_verifier(self, verifier: str) -> bool:
        """Return whether the PKCE verifier matches the challenge, or there is no challenge."""
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
        return self.challenge is None or self.challenge == digest.decode()


@dataclass(slots=True)
class DeviceAuthorization:
    """A device code of the device flow, with its user code and its state."""

    user_code: str
    client_id: str
    data_center: str
    """The data center that issued the device code."""
    request: Mapping[str, str]
    requested_at: datetime
    polled_at: datetime | None = None
    consent: Consent | None = None
    is_denied: bool = False

    @property
    def expires_at(self) -> datetime:
        return self.requested_at + DEVICE_CODE_LIFETIME

    @property
    def home_data_center(self) -> str:
        """The data center of the org; before the consent, the data center that issued the device code."""
        return self.consent.org.data_center if self.consent else self.data_center

    def is_pending(self, now: datetime) -> bool:
        """Return whether the user can still accept or reject the device at `now`."""
        return self.consent is None and not self.is_denied and now < self.expires_at


@dataclass(slots=True)
class TokenSource:
    """A source of access tokens: a refresh token, or a self client's credentials."""

    client_id: str
    org: InventedOrg
    scopes: tuple[str, ...]
    issued_at: deque[datetime] = field(default_factory=deque)
    locked_until: datetime | None = None
    live_tokens: deque[str] = field(default_factory=deque, repr=False)

    def count_and_check_lockout(self, now: datetime) -> bool:
        """Return whether the source is locked out, which happens after ten access tokens in ten minutes.

        Each call during a lock-out makes it last for another ten minutes.
        """
        while self.issued_at and now - self.issued_at[0] >= ZOHO_TOKEN_WINDOW:
            self.issued_at.popleft()
        locked = self.locked_until is not None and now < self.locked_until
        if locked or len(self.issued_at) >= ZOHO_TOKENS_PER_WINDOW:
            self.locked_until = now + ZOHO_TOKEN_WINDOW
            return True
        return False


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """The org, scopes and expiry of an access token."""

    org: InventedOrg
    scopes: tuple[str, ...]
    expires_at: datetime

    def has_scope(self, scope: str) -> bool:
        """Whether the token has the scope, or the `.ALL` scope that includes it."""
        return scope in self.scopes or f"{scope.rpartition('.')[0]}.ALL" in self.scopes


class SimulatedAccounts:
    """The accounts hosts of all data centers, with all valid codes and tokens.

    Each org has a self client and a refresh token from the start.
    """

    def __init__(self, orgs: Iterable[InventedOrg]) -> None:
        self.clients = {one.client_id: one for one in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT)}
        self.refresh_tokens: dict[str, TokenSource] = {}
        """The token source of each refresh token, by the token's text, oldest first."""
        self.client_credentials: dict[str, TokenSource] = {}
        """The token sources for client credentials, which have no refresh token, by client id."""
        self.access_tokens: dict[str, IssuedToken] = {}
        self.codes: dict[str, GrantCode] = {}
        self.device_authorizations: dict[str, DeviceAuthorization] = {}
        self._consented: set[tuple[str, str]] = set()
        self._serial = count(1)
        for org in orgs:
            self.clients[org.client_id] = self_client(org)
            self.refresh_tokens[org.refresh_token] = TokenSource(org.client_id, org, DEFAULT_SCOPES)
            self.client_credentials[org.client_id] = TokenSource(org.client_id, org, DEFAULT_SCOPES)

    def give_consent(self, client_id: str, org: InventedOrg, asked: Mapping[str, str]) -> Consent:
        """Give a client consent to access an org, as a user does on the consent page.

        `asked` holds the `scope`, `access_type` and `prompt` of the client's request.
        """
        consented_before = (org.name, client_id) in self._consented
        self._consented.add((org.name, client_id))
        # Without `prompt`, only the first consent grants a refresh token.
        is_offline = asked.get("access_type") == "offline" and (
            asked.get("prompt") == "consent" or not consented_before
        )
        return Consent(client_id, org, parse_scopes(asked.get("scope", "")), is_offline)

    def add_code(self, code: GrantCode) -> str:
        """Make a code valid; returns the text of the code, with two dots as at Zoho."""
        text = f"1000.demo-grant-{code.consent.org.number:06}.{next(self._serial):06}"
        self.codes[text] = code
        return text

    def add_device(
        self, client_id: str, data_center: str, asked: Mapping[str, str], now: datetime
    ) -> tuple[str, DeviceAuthorization]:
        """Issue a device code to a client; returns the text of the code and its state."""
        number = next(self._serial)
        device = DeviceAuthorization(make_user_code(number), client_id, data_center, asked, now)
        text = f"1000.demo-device-{number:06}"
        self.device_authorizations[text] = device
        return text, device

    def find_device(self, user_code: str) -> DeviceAuthorization | None:
        """Find the device code that belongs to a user code; None if the user code is unknown.

        The user code is as typed: in any case, with or without blanks and hyphens.
        """
        typed = re.sub(r"[\s-]", "", user_code).upper()
        return next((one for one in self.device_authorizations.values() if one.user_code == typed), None)

    def add_refresh_token(self, source: TokenSource) -> str:
        """Issue a refresh token for a source; returns the token.

        If the user then has more than twenty for this client, the oldest one is deleted.
        """
        owner = source.org.name, source.client_id
        tokens = self.refresh_tokens.items()
        existing = [text for text, other in tokens if (other.org.name, other.client_id) == owner]
        for text in existing[: max(len(existing) - MAX_REFRESH_TOKENS + 1, 0)]:
            del self.refresh_tokens[text]
        text = f"1000.demo-refresh-token-{source.org.number:06}{next(self._serial):06}"
        self.refresh_tokens[text] = source
        return text

    def issue_access_token(
        self, source: TokenSource, scopes: tuple[str, ...], now: datetime, life: timedelta
    ) -> str:
        """Issue an access token that expires after `life`; returns the token.

        If the source then has more than ten tokens, the oldest one is deleted.
        """
        source.issued_at.append(now)
        while len(source.live_tokens) >= MAX_LIVE_TOKENS:
            self.access_tokens.pop(source.live_tokens.popleft(), None)
        text = f"1000.demo-access-{source.org.number:06}-{next(self._serial):06}"
        source.live_tokens.append(text)
        self.access_tokens[text] = IssuedToken(source.org, scopes, now + life)
        return text

    def revoke_refresh_token(self, refresh_token: str) -> None:
        """Delete a refresh token and its access tokens. Raises KeyError if there is no such token."""
        for text in self.refresh_tokens.pop(refresh_token).live_tokens:
            self.access_tokens.pop(text, None)


def parse_scopes(text: str) -> tuple[str, ...]:
    """Parse scopes, separated by commas. Raises ValueError if there is no scope, or an unknown one."""
    scopes = tuple(dict.fromkeys(text.replace(",", " ").split()))
    if not scopes or not _SCOPES.issuperset(scopes):
        raise ValueError("invalid_scope")
    return scopes


def make_user_code(number: int) -> str:
    """Make a user code: eight letters and digits as in `QW12ER34`, unique for each number below 160,000."""
    # 7919 is coprime to 20**4: neighbors differ widely, and no two codes are equal.
    mixed = number * 7919 % 20**4
    one, two, three, four = (_USER_CODE_LETTERS[mixed // 20**power % 20] for power in range(4))
    digits = f"{number * 4871 % 10_000:04}"
    return f"{one}{two}{digits[:2]}{three}{four}{digits[2:]}"
