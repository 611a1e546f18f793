"""What Zoho answers: its accounts hosts and its API hosts, as zoho-api.md tells, without a server."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from zbtui.demo.world import InventedOrg, World

_WINDOW: Final = timedelta(minutes=10)
_TOKENS_PER_WINDOW: Final = 10
_LIVE_TOKENS: Final = 10
_LOGGED: Final = 100_000

API_ERRORS: Final[Mapping[str, tuple[int, str]]] = {
    "INVALID_TOKEN": (401, "invalid oauth token"),
    "AUTHENTICATION_FAILURE": (401, "Authentication failed"),
    "INVALID_OAUTHTOKEN": (401, "invalid oauth token"),
    "OAUTH_SCOPE_MISMATCH": (401, "Unauthorized"),
    "INVALID_OAUTHSCOPE": (401, "Unauthorized"),
    "NO_PERMISSION": (403, "Permission denied to read"),
    "NOT_ALLOWED": (403, "not allowed"),
    "AUTHORIZATION_FAILED": (400, "User does not have sufficient privilege"),
    "FEATURE_NOT_SUPPORTED": (403, "feature not supported"),
    "FEATURE_NOT_ENABLED": (400, "feature not enabled"),
    "LICENSE_LIMIT_EXCEEDED": (403, "license limit exceeded"),
    "INVALID_URL_PATTERN": (404, "Please check if the URL trying to access is a correct one"),
    "API_NOT_SUPPORTED": (400, "the API is not supported in this version"),
    "INVALID_REQUEST_METHOD": (400, "The http request method type is not a valid one"),
    "TOO_MANY_REQUESTS": (429, "You have exceeded the API limit"),
    "INTERNAL_ERROR": (500, "Internal Server Error"),
    "INTERNAL_SERVER_ERROR": (500, "Internal Server Error"),
}
TOKEN_ERRORS: Final = frozenset(
    {
        "invalid_client",
        "invalid_client_secret",
        "invalid_code",
        "general_error",
        "invalid_scope",
        "Access Denied",
    }
)
_NOT_OF_BACKUPS: Final = TOKEN_ERRORS | {"KEYRING", "NO_SCOPE"}
_PAGE: Final = b"<!DOCTYPE html><html><body><h1>We'll be back soon</h1></body></html>"
_SCOPE: Final = "ZohoCRM.bulk.backup.READ ZohoCRM.org.READ"


@dataclass(frozen=True, slots=True)
class Request:
    """What reached the simulator, without its body; for tests, and for who wants to see."""

    at: datetime
    method: str
    host: str
    path: str
    query: str
    org: str | None
    status: int
    began: int
    ended: int
    """Serial numbers of begin and end: two requests overlap where these ranges do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers to send."""

    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Token:
    org: str
    expires_at: datetime
    scope: str


class Simulator:
    """Zoho's state: who is signed in with which tokens, and what each org's backup is at."""

    def __init__(
        self,
        world: World,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        token_life: timedelta = timedelta(hours=1),
    ) -> None:
        self.world = world
        self.now = now
        self.token_life = token_life
        self.forced: dict[str, str] = {}
        """Org name to kind: what it answers, whatever its life says."""
        self.requests: deque[Request] = deque(maxlen=_LOGGED)
        self._tokens: dict[str, _Token] = {}
        self._issued: defaultdict[str, deque[datetime]] = defaultdict(deque)
        self._locked: dict[str, datetime] = {}
        self._serial = 0

    def next_serial(self) -> int:
        self._serial += 1
        return self._serial

    def kind(self, org: InventedOrg) -> str:
        """What `org` is at: forced, or by its life."""
        return self.forced.get(org.name) or self.world.at(org, self.now()).kind

    def expire_tokens(self) -> None:
        """End every access token, as a change of password does."""
        self._tokens.clear()

    def issue_token(self, dc: str, api_domain: str, form: Mapping[str, str]) -> tuple[Answer, str | None]:
        """`POST {accounts}/oauth/v2/token`: refresh, or client credentials. With the org's name."""
        org = next((o for o in self.world.orgs.values() if o.client_id == form.get("client_id")), None)
        if org is None or org.data_center != dc:
            return _refused("invalid_client"), org.name if org else None
        if form.get("client_secret") != org.client_secret:
            return _refused("invalid_client_secret"), org.name
        grant = form.get("grant_type")
        if grant == "client_credentials":
            if form.get("soid") != f"ZohoCRM.{org.number:011}":
                return _refused("missing_org_info"), org.name
        elif grant != "refresh_token" or form.get("refresh_token") != org.refresh_token:
            return _refused("invalid_code"), org.name
        kind = self.kind(org)
        if kind == "Access Denied" or self._is_locked(org):
            return _THROTTLED, org.name
        if kind in TOKEN_ERRORS:
            return _refused(kind), org.name
        return self._new_token(org, api_domain), org.name

    def details(self, dc: str, method: str, authorization: str) -> tuple[Answer, str | None]:
        """`GET /crm/bulk/v7/backup`. With the org's name, where the token tells.

        Raises:
            ConnectionResetError: the org is at `RESET`.
        """
        scheme, _, text = authorization.partition(" ")
        if scheme != "Zoho-oauthtoken" or not text:
            return api_error("AUTHENTICATION_FAILURE"), None
        token = self._tokens.get(text)
        org = self.world.orgs.get(token.org) if token else None
        if token is None or org is None or token.expires_at <= self.now() or org.data_center != dc:
            return api_error("INVALID_TOKEN"), token.org if token else None
        if method != "GET":
            return api_error("INVALID_REQUEST_METHOD"), org.name
        if "ZohoCRM.bulk.backup.READ" not in token.scope.split():
            return api_error("OAUTH_SCOPE_MISMATCH"), org.name
        return self._answer(org), org.name

    def _answer(self, org: InventedOrg) -> Answer:
        kind = self.kind(org)
        if kind in API_ERRORS:
            return api_error(kind)
        match kind:
            case "NO_API_ACCESS":
                return api_error("NO_PERMISSION", {"permissions": ["Crm_Implied_Api_Access"]})
            case "NONE":
                return Answer(204)
            case "EMPTY":
                return Answer(200, b"{}")
            case "HTML":
                return Answer(200, _PAGE, "text/html")
            case "OUTAGE":
                return Answer(503, _PAGE, "text/html")
            case "RESET":
                raise ConnectionResetError
        moment = self.world.at(org, self.now())
        if kind in _NOT_OF_BACKUPS:
            moment = replace(moment, kind="SCHEDULED", then="")  # a token outlives its sign-in
        elif org.name in self.forced:
            moment = replace(moment, kind=kind, then="")
        remaining = {"X-API-CREDITS-REMAINING": "1840"} if org.name == "kestrel" else {}
        return _json(200, {"backup": self.world.job(org, moment)}, remaining)

    def _is_locked(self, org: InventedOrg) -> bool:
        """Ten tokens in ten minutes; each further try prolongs the lock-out."""
        now = self.now()
        issued = self._issued[org.refresh_token]
        while issued and now - issued[0] >= _WINDOW:
            issued.popleft()
        if len(issued) >= _TOKENS_PER_WINDOW or now < self._locked.get(org.name, now):
            self._locked[org.name] = now + _WINDOW
            return True
        return False

    def _new_token(self, org: InventedOrg, api_domain: str) -> Answer:
        now = self.now()
        self._issued[org.refresh_token].append(now)
        mine = [text for text, token in self._tokens.items() if token.org == org.name]
        for text in mine[: max(len(mine) - _LIVE_TOKENS + 1, 0)]:
            del self._tokens[text]  # the oldest dies without notice
        text = f"1000.demo-access-{org.number:06}-{self.next_serial():06}"
        scope = "ZohoCRM.org.READ" if self.kind(org) == "NO_SCOPE" else _SCOPE
        self._tokens[text] = _Token(org.name, now + self.token_life, scope)
        return _json(
            200,
            {
                "access_token": text,
                "scope": scope,
                "api_domain": api_domain,
                "token_type": "Bearer",
                "expires_in": int(self.token_life.total_seconds()),
            },
        )


def api_error(code: str, details: Mapping[str, Any] | None = None) -> Answer:
    """Zoho's error envelope (zoho-api 2.1)."""
    status, message = API_ERRORS[code]
    body = {"code": code, "details": details or {}, "message": message, "status": "error"}
    return _json(status, body)


def _refused(error: str) -> Answer:
    return _json(200, {"error": error})


def _json(status: int, body: object, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, json.dumps(body).encode(), headers=headers or {})


_THROTTLED: Final = _json(
    200,
    {
        "error_description": "You have made too many requests continuously. Please try again later.",
        "error": "Access Denied",
        "status": "failure",
    },
)
