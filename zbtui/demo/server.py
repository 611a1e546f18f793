"""The simulator as an ASGI app.

In the process, hosts tell the data centers apart, as at Zoho. On a real port the first part of the
path does: `http://127.0.0.1:8000/eu` stands for both hosts of the EU.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from zbtui.core.data_centers import DATA_CENTERS
from zbtui.demo import pages
from zbtui.demo.answers import Answer, Answered, Call, Request, Site, api_error
from zbtui.demo.consent import show_consent_page
from zbtui.demo.device import give_device_code, give_device_token, show_device_page
from zbtui.demo.grants import generate_code, issue_token, revoke_token, tell_servers
from zbtui.demo.world import World
from zbtui.demo.zoho import Simulator

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]
Handler = Callable[[Simulator, Call], Answered]

_HOSTS: Final = {
    urlsplit(url).hostname: dc.key for dc in DATA_CENTERS.values() for url in (dc.accounts_url, dc.api_url)
}
_ANY: Final = ()
_ROUTES: Final[Mapping[str, tuple[tuple[str, ...], Handler]]] = {
    "/oauth/v2/token": (("POST",), issue_token),
    "/oauth/v2/token/revoke": (("POST",), revoke_token),
    "/oauth/v2/auth": (("GET", "POST"), show_consent_page),
    "/oauth/v3/device": (("GET", "POST"), show_device_page),
    "/oauth/v3/device/code": (("POST",), give_device_code),
    "/oauth/v3/device/token": (("POST",), give_device_token),
    "/oauth/serverinfo": (("GET",), tell_servers),
    "/console/code": (("GET",), generate_code),
    # These tell a wrong method from a wrong path.
    "/crm/bulk/v7/backup": (_ANY, Simulator.details),
    "/crm/bulk/v7/backup/history": (_ANY, Simulator.history),
    "/crm/bulk/v7/backup/urls": (_ANY, Simulator.links),
    "/crm/v7/org": (_ANY, Simulator.company),
}
_SECRETS: Final = ("client_secret", "code", "code_verifier", "refresh_token", "token")
_GRANTS: Final = (
    "authorization_code",
    "client_credentials",
    "device_request",
    "device_token",
    "refresh_token",
)


def serve_in_process(simulator: Simulator) -> Asgi:
    """For an HTTP client inside the process."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        await _serve(simulator, scope, receive, send)

    return serve


def serve_on_port(simulator: Simulator) -> Asgi:
    """For an ASGI server, which cannot break a connection off: 503 instead.

    Each answer bears a `Date`, by the simulator's clock: the server is to add none of its own.
    """

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(simulator, receive, send)
            return
        try:
            await _serve(simulator, scope, receive, send)
        except ConnectionResetError:
            await _send(send, Answer(503, content_type="text/plain"), simulator.now())

    return serve


async def _live(simulator: Simulator, receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        sys.stderr.write(pages.guide(simulator.world, "http://127.0.0.1:8000"))
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _serve(
    simulator: Simulator, scope: MutableMapping[str, Any], receive: Receive, send: Send
) -> None:
    began = simulator.next_serial()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, method = headers.get("host", ""), scope["method"]
    site, path = _locate(scope["scheme"], host, scope["path"])
    query = scope["query_string"].decode("latin-1")
    form = dict(parse_qsl((await _body(receive)).decode("latin-1")))
    call = Call(site, method, dict(parse_qsl(query)), form, headers.get("authorization", ""))
    answer, org = _answer(simulator, path, call)
    simulator.requests.append(
        Request(
            simulator.now(),
            method,
            host,
            scope["path"],
            _mask(query),
            org,
            answer.status,
            began,
            simulator.next_serial(),
            _grant(path, call),
        )
    )
    await _send(send, answer, simulator.now())


def _locate(scheme: str, host: str, path: str) -> tuple[Site, str]:
    """The data center that is meant, and the path there."""
    if host in _HOSTS:
        return Site(_HOSTS[host]), path
    root = f"{scheme}://{host}"
    _, first, rest = f"{path}//".split("/", 2)
    if first in DATA_CENTERS:
        return Site(first, f"{root}/{first}", root), f"/{rest}".rstrip("/")
    return Site("us", root, root), path


def _answer(simulator: Simulator, path: str, call: Call) -> Answered:
    if path in ("", "/"):
        base = call.site.root or call.site.accounts_url()
        return Answer(200, pages.guide(simulator.world, base).encode(), "text/plain;charset=UTF-8"), None
    methods, handler = _ROUTES.get(path, (_ANY, None))
    if handler is None or (methods and call.method not in methods):
        return api_error("INVALID_URL_PATTERN"), None
    return handler(simulator, call)


def _mask(query: str) -> str:
    """The query without the values of secrets: who sends one there is to be seen, but not the secret."""
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(key in _SECRETS for key, _ in pairs):
        return query
    return urlencode([(key, "***" if key in _SECRETS else value) for key, value in pairs], safe="*")


def _grant(path: str, call: Call) -> str | None:
    """Only what is a grant type: a secret may have been sent in its place."""
    grant = call.given.get("grant_type")
    return grant if path.startswith("/oauth/") and grant in _GRANTS else None


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(send: Send, answer: Answer, date: datetime) -> None:
    headers = {**answer.headers, "Date": format_datetime(date.astimezone(UTC), usegmt=True)}
    if answer.status != 204:
        headers["Content-Type"] = answer.content_type
        headers["Content-Length"] = str(len(answer.body))
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})


app = serve_on_port(Simulator(World(datetime.now(UTC))))
"""For `uvicorn --no-date-header zbtui.demo:app`."""
