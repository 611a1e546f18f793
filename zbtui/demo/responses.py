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
"""The HTTP status and the body of errors whose code is not under the key `code`, by kind of phase."""
_LOCKOUTS: Final[Mapping[str, tuple[int, str]]] = {
    "Access Denied": (
        200,
        "You have made too many requests continuously. Please try again later.",
    ),
    "拒绝访问": (400, "您已连续发出过多请求。请稍后再试。"),
}
"""The HTTP status and the description of a lock-out, by Zoho's word for it, in English and Chinese."""
TOKEN_ERRORS: Final = frozenset(
    ("invalid_client", "invalid_client_secret", "invalid_code", "general_error", "invalid_scope")
) | set(_LOCKOUTS)
_MAX_ROWS: Final = 200
"""The most rows of a page of the history, and the default (Zoho's documentation: "Backup history")."""


@dataclass(frozen=True, slots=True)
class Site:
    """The data center that a request was sent to, and the URLs of all data centers."""

    data_center: str
    own_url: str | None = None
    """If the simulator is on a real port, the URL that stands for both hosts of the data center; None if
    each host has its own URL."""
    root_url: str = ""
    """If the simulator is on a real port, the URL to which a data center's key is appended; else empty."""

    def accounts_url(self, key: str | None = None) -> str:
        """Return the accounts URL of the data center `key`, or of the called one if `key` is None."""
        key = key or self.data_center
        if self.own_url is None:
            return DATA_CENTERS[key].accounts_url
        return self.own_url if key == self.data_center else f"{self.root_url}/{key}"

    def api_url(self) -> str:
        """Return the API URL of the called data center, which is the `api_domain` of token answers."""
        return DATA_CENTERS[self.data_center].api_url if self.own_url is None else self.own_url

    def download_url(self) -> str:
        """Return the base URL of the download links of the called data center."""
        return self.accounts_url().replace("//accounts.", "//download-accl.")


@dataclass(frozen=True, slots=True)
class SimulatedRequest:
    """A parsed request to the simulator."""

    site: Site
    method: str = "GET"
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    authorization: str = field(default="", repr=False)

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of query and form together, because Zoho accepts both."""
        return {**self.query, **self.form}


@dataclass(frozen=True, slots=True)
class SimulatedResponse:
    status: int
    body: bytes = b""
    content_type: str = "application/json;charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict)


ResponseAndOrg = tuple[SimulatedResponse, str | None]
"""A response, and the name of the org that it concerns; the name is None if the org is unknown."""


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """A request that the simulator got, without its body; for tests and inspection."""

    at: datetime
    method: str
    host: str
    path: str
    query: str
    """The query as sent, with secrets replaced by `***`."""
    org: str | None
    status: int
    began_serial: int
    ended_serial: int
    """The serial numbers of the request's begin and end: two requests overlap if the ranges between these
    numbers do."""
    grant_type: str | None = None
    """The `grant_type` sent to an accounts host; None if there was none, or an unknown one."""


class RefusedError(Exception):
    """A refusal by an accounts host.

    `word` is the value of `error` in Zoho's answer, `org` is the org's name, and `more` holds further keys
    of the answer.
    """

    def __init__(self, word: str, org: str | None = None, more: Mapping[str, str] | None = None) -> None:
        super().__init__(word)
        self.error = word
        self.org_name = org
        self.extra = more or {}

    def response(self) -> SimulatedResponse:
        """Return the refusal as a response: its status is 200 as at Zoho, for some lock-outs 400."""
        if self.error in _LOCKOUTS:
            status, text = _LOCKOUTS[self.error]
            body = {"error_description": text, "error": self.error, "status": "failure"}
            return json_response(status, body)
        return json_response(200, {"error": self.error, **self.extra})


def api_error_response(code: str, details: Mapping[str, Any] | None = None) -> SimulatedResponse:
    """Build an error response of an API host, in Zoho's shape (Zoho's documentation: "Status codes")."""
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
    """Return the page of these rows that `page` and `per_page` in the request select; 204 if empty."""
    page = page_of(call)
    size = min(_int_parameter(call, "per_page", _MAX_ROWS), _MAX_ROWS)
    shown = rows[(page - 1) * size : page * size]
    if not shown:
        return SimulatedResponse(204)
    info = {"page": page, "per_page": size, "count": len(shown), "more_records": page * size < len(rows)}
    return json_response(200, {"history": shown, "info": info})


def page_of(call: SimulatedRequest) -> int:
    """Return the page that a request asks for; 1 by default."""
    return _int_parameter(call, "page", 1)


def _int_parameter(call: SimulatedRequest, key: str, default: int) -> int:
    text = call.query.get(key, "")
    return int(text) or default if text.isascii() and text.isdigit() and len(text) < 7 else default
