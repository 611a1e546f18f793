"""Requests to the simulator, and its responses in Zoho's shapes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from zbtui.zoho_api.data_centers import DATA_CENTERS

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
    "URL_RULE_NOT_CONFIGURED": (401, "URL rule is not configured"),
    "INVALID_HOST": (400, "the host is not valid for this org"),
    "FORBIDDEN": (403, "forbidden"),
    "API_NOT_SUPPORTED": (400, "the API is not supported in this version"),
    "INVALID_REQUEST_METHOD": (400, "The http request method type is not a valid one"),
    "TOO_MANY_REQUESTS": (429, "You have exceeded the API limit"),
    "INTERNAL_ERROR": (500, "Internal Server Error"),
    "INTERNAL_SERVER_ERROR": (500, "Internal Server Error"),
}
UNCODED_ERRORS: Final[Mapping[str, tuple[int, Mapping[str, Any]]]] = {
    "ERROR_IN_BACKUP": (
        403,
        {"backup": {"code": "NO_PERMISSION", "details": {}, "message": "…", "status": "error"}},
    ),
    "ERROR_WORD": (403, {"error": "NO_PERMISSION", "error_description": "…", "status": "failure"}),
    "ERROR_LIST": (403, {"errors": [{"code": "NO_PERMISSION", "message": "…"}]}),
    "ERROR_IN_RESPONSE": (200, {"response": {"error": {"code": 4834, "message": "Invalid id"}}}),
    "ERROR_NUMBER": (403, {"code": 57, "message": "…"}),
}
"""Status and body of errors whose word is not under `code`."""
_LOCKOUTS: Final[Mapping[str, tuple[int, str]]] = {
    "Access Denied": (
        200,
        "You have made too many requests continuously. Please try again later.",
    ),
    "拒绝访问": (400, "您已连续发出过多请求。请稍后再试。"),
}
"""Status and description of a lock-out by its word, which depends on the language."""
TOKEN_ERRORS: Final = frozenset(
    ("invalid_client", "invalid_client_secret", "invalid_code", "general_error", "invalid_scope")
) | set(_LOCKOUTS)
_MAX_ROWS: Final = 200
"""Rows of a page, at most and by default ("Backup history")."""


@dataclass(frozen=True, slots=True)
class Site:
    """The data center that got a call, and the URLs of all others."""

    data_center: str
    own_url: str | None = None
    """On a real port: the URL for both hosts of the data center. None: each has its own host."""
    root_url: str = ""
    """On a real port: the base URL for the data centers' keys."""

    def accounts_url(self, key: str | None = None) -> str:
        """The accounts URL of a data center; None: of this one."""
        key = key or self.data_center
        if self.own_url is None:
            return DATA_CENTERS[key].accounts_url
        return self.own_url if key == self.data_center else f"{self.root_url}/{key}"

    def api_url(self) -> str:
        """The API URL of this data center, as in `api_domain`."""
        return DATA_CENTERS[self.data_center].api_url if self.own_url is None else self.own_url

    def download_url(self) -> str:
        """The host of this data center's download links."""
        return self.accounts_url().replace("//accounts.", "//download-accl.")


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """A parsed request."""

    site: Site
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of query and form: Zoho accepts both."""
        return {**self.query, **self.form}


@dataclass(frozen=True, slots=True)
class SimulatedResponse:
    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


ResponseAndOrg = tuple[SimulatedResponse, str | None]
"""A response and the name of its org, if known."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that the simulator got, without its body; for tests and inspection."""

    at: datetime
    method: str
    host: str
    path: str
    query: str
    """As sent, with secrets replaced by `***`."""
    org: str | None
    status: int
    began_serial: int
    ended_serial: int
    """Serial numbers of begin and end: two requests overlap if these ranges do."""
    grant_type: str | None = None
    """The `grant_type` sent to an accounts host."""


class RefusedError(Exception):
    """A refusal of an accounts host: `word` is Zoho's `error`, `more` holds further keys."""

    def __init__(self, word: str, org: str | None = None, more: Mapping[str, str] | None = None) -> None:
        super().__init__(word)
        self.error = word
        self.org_name = org
        self.extra = more or {}

    def response(self) -> SimulatedResponse:
        """The response, with status 200 as at Zoho; a lock-out may have 400."""
        if self.error in _LOCKOUTS:
            status, text = _LOCKOUTS[self.error]
            body = {"error_description": text, "error": self.error, "status": "failure"}
            return json_response(status, body)
        return json_response(200, {"error": self.error, **self.extra})


def api_error_response(code: str, details: Mapping[str, Any] | None = None) -> SimulatedResponse:
    """Zoho's error envelope ("Status codes")."""
    status, message = API_ERRORS[code]
    body = {"code": code, "details": details or {}, "message": message, "status": "error"}
    return json_response(status, body)


def json_response(status: int, body: object, headers: Mapping[str, str] | None = None) -> SimulatedResponse:
    return SimulatedResponse(status, json.dumps(body).encode(), headers=headers or {})


def http_date(moment: datetime) -> str:
    """Format a time as in the `Date` header."""
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def text_response(status: int, text: str) -> SimulatedResponse:
    return SimulatedResponse(status, text.encode(), "text/plain;charset=UTF-8")


def history_page_response(rows: Sequence[object], call: SimulatedRequest) -> SimulatedResponse:
    """The page of a history selected by `page` and `per_page`; 204 if it is empty."""
    page = page_of(call)
    size = min(_int_parameter(call, "per_page", _MAX_ROWS), _MAX_ROWS)
    shown = rows[(page - 1) * size : page * size]
    if not shown:
        return SimulatedResponse(204)
    info = {"page": page, "per_page": size, "count": len(shown), "more_records": page * size < len(rows)}
    return json_response(200, {"history": shown, "info": info})


def page_of(call: SimulatedRequest) -> int:
    """The requested page; 1 by default."""
    return _int_parameter(call, "page", 1)


def _int_parameter(call: SimulatedRequest, key: str, default: int) -> int:
    text = call.query.get(key, "")
    return int(text) or default if text.isascii() and text.isdigit() and len(text) < 7 else default
