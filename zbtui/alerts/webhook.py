"""Posts an alert as JSON to a webhook. The webhook's URL is a secret, so messages name only its host."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from zbtui.alerts.payload import alert_payload
from zbtui.model.problem import Problem, ProblemError, ProblemKind
from zbtui.model.text import clean
from zbtui.store.outbox import StoredAlert
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho_api.data_centers import webhook_url_error

_ADDRESS_HINT: Final = "Correct webhook in the [alerts] table of the config."
_SHORTEST_SECRET: Final = 6
"""The length, in characters, from which a part of the URL is taken as secret.

A shorter part is taken as a word such as `hooks`.
"""
_LONGEST_LINE: Final = 200
_HINTS: Final[dict[ProblemKind, str]] = {
    "network": "It is tried again by itself; if it lasts, check the network, the proxy and the webhook.",
    "server": "It is tried again by itself; if it lasts, ask who runs the webhook.",
    "throttled": "It is tried again by itself, once the webhook allows it.",
    "contract": "Check that webhook in the [alerts] table of the config is right, and takes JSON.",
    "config": _ADDRESS_HINT,
}


async def post_alert(http: HttpClient, url: str, stored: StoredAlert, now: datetime) -> str:
    """Post one alert to the webhook at `url`; any 2xx answer means that the alert was accepted.

    Returns a text with the webhook's host, the HTTP status, and the first line of the answer. Raises a
    `ProblemError` if the alert was not accepted: of kind `contract` if the webhook refused only this
    alert, of another kind if the next alert would fail, too.
    """
    if wrong := webhook_url_error(url):
        raise ProblemError(Problem("config", f"The address of the webhook {wrong}.", _ADDRESS_HINT))
    try:
        reply = await http.send("POST", url, json=alert_payload(stored))
    except ProblemError as error:
        message = f"The webhook was not told of an alert: {error.problem.message}"
        hint = _HINTS.get(error.problem.kind, _ADDRESS_HINT)
        raise ProblemError(replace(error.problem, message=message, hint=hint)) from None
    host = clean(urlsplit(url).hostname or "", 80)
    if not 200 <= reply.status < 300:
        raise ProblemError(_refusal_problem(host, reply, now))
    said = _first_line(reply, url)
    return f"{host} answered HTTP {reply.status}{': ' if said else ''}{said}"


def _first_line(reply: HttpResponse, url: str) -> str:
    """Return the answer's first line; empty if the answer is empty, or repeats a secret part of `url`."""
    text = reply.body.decode(errors="replace").strip()
    parts = urlsplit(url)
    secrets = filter(None, (*parts.path.split("/"), *parts.query.replace("=", "&").split("&")))
    if any(secret in text for secret in secrets if len(secret) >= _SHORTEST_SECRET):
        return ""
    return clean(next(iter(text.splitlines()), ""), _LONGEST_LINE)


def _refusal_problem(host: str, reply: HttpResponse, now: datetime) -> Problem:
    message = f"The webhook at {host} did not take an alert: HTTP {reply.status}"
    kind: ProblemKind
    match reply.status:
        case 408 | 429:
            kind = "throttled"
        case status if status >= 500:
            kind = "server"
        case status if status >= 400:
            kind = "contract"
        case _:
            # A redirect could send the alerts anywhere, and in plain text.
            kind, message = "config", f"{message}, which leads elsewhere and is not followed"
    return Problem(
        kind, f"{message}.", _HINTS[kind], http_status=reply.status, retry_at=reply.retry_at(now)
    )
