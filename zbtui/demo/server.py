"""The simulator as an ASGI app.

Within the process, each data center has its own hosts, as at Zoho. On a real port, a data center is the
first part of the path: `http://127.0.0.1:8000/eu` stands for both hosts of the EU.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from zbtui.demo import pages
from zbtui.demo.consent_page import show_consent_page
from zbtui.demo.device_flow import answer_device_poll, issue_device_code, show_device_page
from zbtui.demo.responses import (
    RequestRecord,
    ResponseAndOrg,
    SimulatedRequest,
    SimulatedResponse,
    Site,
    api_error_response,
    http_date,
    text_response,
)
from zbtui.demo.simulator import Simulator
from zbtui.demo.token_endpoints import issue_grant_code, issue_token, revoke_token, server_info
from zbtui.demo.world import SimulatedWorld
from zbtui.zoho_api.data_centers import DATA_CENTERS

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Simulator, SimulatedRequest], ResponseAndOrg]

_DATA_CENTERS_BY_HOST: Final = {
    urlsplit(url).hostname: dc.key for dc in DATA_CENTERS.values() for url in (dc.accounts_url, dc.api_url)
}
_ANY_METHOD: Final = ()
_ROUTES: Final[Mapping[str, tuple[tuple[str, ...], Handler]]] = {
    "/oauth/v2/token": (("POST",), issue_token),
    "/oauth/v2/token/revoke": (("POST",), revoke_token),
    "/oauth/v2/auth": (("GET", "POST"), show_consent_page),
    "/oauth/v3/device": (("GET", "POST"), show_device_page),
    "/oauth/v3/device/code": (("POST",), issue_device_code),
    "/oauth/v3/device/token": (("POST",), answer_device_poll),
    "/oauth/serverinfo": (("GET",), server_info),
    "/console/code": (("GET",), issue_grant_code),
} | {
    # These have their own error for a wrong method. Both versions give the same answers.
    path.format(version=version): (_ANY_METHOD, handler)
    for version in ("v7", "v8")
    for path, handler in (
        ("/crm/bulk/{version}/backup", Simulator.details_response),
        ("/crm/bulk/{version}/backup/history", Simulator.history_response),
        ("/crm/bulk/{version}/backup/urls", Simulator.links_response),
        ("/crm/{version}/org", Simulator.organization_response),
    )
}
_SECRET_PARAMETERS: Final = ("client_secret", "code", "code_verifier", "refresh_token", "token")
_GRANT_TYPES: Final = (
    "authorization_code",
    "client_credentials",
    "device_request",
    "device_token",
    "refresh_token",
)


def serve_in_process(simulator: Simulator) -> AsgiApp:
    """Return the simulator as an ASGI app for an HTTP client in this process."""
    return partial(_serve, simulator)


def serve_on_port(simulator: Simulator) -> AsgiApp:
    """Return the simulator as an ASGI app for a server on a port.

    Such a server cannot reset a connection, so a simulated reset becomes a 503. Each response has a `Date`
    by the simulator's clock, so the server has to be started without a `Date` of its own.
    """

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _serve_lifespan(simulator, receive, send)
            return
        try:
            await _serve(simulator, scope, receive, send)
        except ConnectionResetError:
            await _send_response(send, SimulatedResponse(503, content_type="text/plain"), simulator.now())

    return serve


async def _serve_lifespan(simulator: Simulator, receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        sys.stderr.write(pages.shell_guide(simulator.world, "http://127.0.0.1:8000"))
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _serve(simulator: Simulator, scope: Scope, receive: Receive, send: Send) -> None:
    began = simulator.next_serial()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, method = headers.get("host", ""), scope["method"]
    site, path = _resolve_site(scope["scheme"], host, scope["path"])
    query = scope["query_string"].decode("latin-1")
    form = dict(parse_qsl((await _read_body(receive)).decode("latin-1")))
    call = SimulatedRequest(site, method, dict(parse_qsl(query)), form, headers.get("authorization", ""))
    answer, org = _route(simulator, path, call)
    at, ended = simulator.now(), simulator.next_serial()
    masked, grant = _mask_secrets(query), _grant_type(path, call)
    record = RequestRecord(at, method, host, scope["path"], masked, org, answer.status, began, ended, grant)
    simulator.request_records.append(record)
    await _send_response(send, answer, simulator.now())


def _resolve_site(scheme: str, host: str, path: str) -> tuple[Site, str]:
    """Return the data center that a request is for, and the URL path within that data center."""
    if host in _DATA_CENTERS_BY_HOST:
        return Site(_DATA_CENTERS_BY_HOST[host]), path
    root = f"{scheme}://{host}"
    _, first, rest = f"{path}//".split("/", 2)
    if first in DATA_CENTERS:
        return Site(first, f"{root}/{first}", root), f"/{rest}".rstrip("/")
    return Site("us", root, root), path


def _route(simulator: Simulator, path: str, call: SimulatedRequest) -> ResponseAndOrg:
    if path in ("", "/"):
        base = call.site.root_url or call.site.accounts_url()
        return text_response(200, pages.shell_guide(simulator.world, base)), None
    methods, handler = _ROUTES.get(path, (_ANY_METHOD, None))
    if handler is None or (methods and call.method not in methods):
        return api_error_response("INVALID_URL_PATTERN"), None
    return handler(simulator, call)


def _mask_secrets(query: str) -> str:
    """Replace the values of secrets in a query by `***`, but keep their keys."""
    pairs, secrets = parse_qsl(query, keep_blank_values=True), _SECRET_PARAMETERS
    if not any(key in secrets for key, _ in pairs):
        return query
    return urlencode([(key, "***" if key in secrets else value) for key, value in pairs], safe="*")


def _grant_type(path: str, call: SimulatedRequest) -> str | None:
    """Return the request's `grant_type` if it is a known one, else None.

    An unknown value may be a secret that was sent by mistake.
    """
    grant = call.parameters.get("grant_type")
    return grant if path.startswith("/oauth/") and grant in _GRANT_TYPES else None


async def _read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send_response(send: Send, answer: SimulatedResponse, date: datetime) -> None:
    headers = {"Date": http_date(date), **answer.headers}
    if answer.status != 204:
        headers["Content-Type"] = answer.content_type
        headers["Content-Length"] = str(len(answer.body))
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})


app = serve_on_port(Simulator(SimulatedWorld(datetime.now(UTC))))
"""The ASGI app that `uvicorn --no-date-header zbtui.demo:app` serves."""
