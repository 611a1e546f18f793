"""The simulator as an ASGI app.

In the process, hosts tell the data centers apart, as at Zoho. On a real port the first part of the
path does: `http://127.0.0.1:8000/eu` stands for both hosts of the EU.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from zbtui.demo.world import World
from zbtui.demo.zoho import Answer, Request, Simulator, api_error
from zbtui.zoho.datacenter import DATA_CENTERS

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_HOSTS: Final = {
    urlsplit(url).hostname: dc.key for dc in DATA_CENTERS.values() for url in (dc.accounts_url, dc.api_url)
}


def serve_in_process(simulator: Simulator) -> Asgi:
    """For an HTTP client inside the process; sends the `Date` header that a server would add."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        await _serve(simulator, scope, receive, send, dated=True)

    return serve


def serve_on_port(simulator: Simulator) -> Asgi:
    """For an ASGI server, which adds `Date` itself, and cannot break a connection off: 503 instead."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(simulator, receive, send)
            return
        try:
            await _serve(simulator, scope, receive, send, dated=False)
        except ConnectionResetError:
            await _send(send, Answer(503, content_type="text/plain"), None)

    return serve


async def _live(simulator: Simulator, receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        sys.stderr.write(_guide(simulator, "http://127.0.0.1:8000"))
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _serve(
    simulator: Simulator, scope: MutableMapping[str, Any], receive: Receive, send: Send, *, dated: bool
) -> None:
    began = simulator.next_serial()
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    host, path = headers.get("host", ""), scope["path"]
    query = scope["query_string"].decode("latin-1")
    dc = _HOSTS.get(host)
    base = f"https://{host}"
    if dc is None:
        _, first, rest = f"{path}//".split("/", 2)
        known = first in DATA_CENTERS
        dc, path = (first, f"/{rest}".rstrip("/")) if known else ("us", path)
        base = f"{scope['scheme']}://{host}" + (f"/{first}" if known else "")
    body = await _body(receive)
    org: str | None = None
    if path == "/oauth/v2/token" and scope["method"] == "POST":
        form = dict(parse_qsl(query)) | dict(parse_qsl(body.decode("latin-1")))
        api_domain = DATA_CENTERS[dc].api_url if host in _HOSTS else base
        answer, org = simulator.issue_token(dc, api_domain, form)
    elif path == "/crm/bulk/v7/backup":
        answer, org = simulator.details(dc, scope["method"], headers.get("authorization", ""))
    elif path in ("", "/"):
        answer = Answer(
            200, _guide(simulator, f"{scope['scheme']}://{host}").encode(), "text/plain;charset=UTF-8"
        )
    else:
        answer = api_error("INVALID_URL_PATTERN")
    simulator.requests.append(
        Request(
            simulator.now(),
            scope["method"],
            host,
            scope["path"],
            query,
            org,
            answer.status,
            began,
            simulator.next_serial(),
        )
    )
    await _send(send, answer, simulator.now() if dated else None)


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def _send(send: Send, answer: Answer, date: datetime | None) -> None:
    headers = dict(answer.headers)
    if answer.status != 204:
        headers["Content-Type"] = answer.content_type
        headers["Content-Length"] = str(len(answer.body))
    if date is not None:
        headers["Date"] = format_datetime(date.astimezone(UTC), usegmt=True)
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": encoded})
    await send({"type": "http.response.body", "body": answer.body})


def _guide(simulator: Simulator, base: str) -> str:
    """How to put these orgs under watch, for a person."""
    lines = [
        "Zoho, simulated; nothing of it is real. To watch its orgs (on another port, see its /):",
        "",
    ]
    for org in list(simulator.world.orgs.values())[:20]:
        url = f"{base}/{org.data_center}"
        lines += [
            f'echo \'{{"client_secret": "{org.client_secret}",'
            f' "refresh_token": "{org.refresh_token}"}}\' |',
            f"  zbtui add {org.name} --data-center custom --client-id {org.client_id}"
            f" --accounts-url {url} --api-url {url}",
        ]
    return "\n".join(lines) + "\n"


app = serve_on_port(Simulator(World(datetime.now(UTC))))
"""For `uvicorn zbtui.demo:app`."""
