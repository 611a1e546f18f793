"""The HTTP client of the whole program. It limits time and size of responses, and follows no redirects.

httpx leaks slots of its connection pool when a request is cancelled from outside. So no request is
cancelled: this module applies all limits itself. A request that exceeds even the limit for a whole request
is abandoned, and its httpx client gets no new requests.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from zbtui import __version__
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.zoho.proxies import Proxy, ProxyEnvironment
from zbtui.zoho.server_clock import ServerClock
from zbtui.zoho.slots import MAX_REQUESTS, MAX_SLOW, RequestSlots
from zbtui.zoho.transport_problems import (
    RETRIED_HINT,
    STATUS_PAGE_HINT,
    TRANSPORT_ERRORS,
    Route,
    environment_problem,
    network_problem,
    transport_problem,
    unreadable_body_problem,
    url_problem,
)
from zbtui.zoho.trust import make_tls_context

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
AsgiApp = Callable[[_Message, _Receive, _Send], Awaitable[None]]

MAX_BODY: Final = 1 << 20
"""The maximum size of a decoded response body, in bytes; Zoho's bodies have a few hundred bytes."""
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 60.0
"""The maximum time for a whole response body; a slow drip of bytes would never exceed `READ_SECONDS`."""

_SETUP_SECONDS: Final = 20.0
"""The maximum time for reading the certificates, which may be on a network drive that hangs."""

for _name in ("httpx", "httpcore", "hpack"):
    # At INFO httpx prints URLs, at DEBUG hpack prints the Authorization header.
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete HTTP response with any status."""

    status: int
    headers: Mapping[str, str]
    """The values of the headers, by header name in lower case."""
    body: bytes
    """The decoded body, at most `MAX_BODY` bytes long."""

    @property
    def date(self) -> datetime | None:
        """The time in the `Date` header, in UTC; None if the header is missing or invalid."""
        return _parse_http_date(self.headers.get("date", ""))

    @property
    def age(self) -> timedelta:
        """How long caches kept this response, from the `Age` header; zero if it is missing or invalid."""
        text = self.headers.get("age", "").strip()
        return timedelta(seconds=int(text[:9])) if text.isascii() and text.isdigit() else timedelta()

    @property
    def is_marked_stale(self) -> bool:
        """Whether a cache's `Warning` header marks the response: 110 (stale) or 111 (not revalidated)."""
        texts = self.headers.get("warning", "").split(",")
        return any(text.strip().startswith(("110 ", "111 ")) for text in texts)

    def retry_at(self, now: datetime) -> datetime | None:
        """Return the time from which a retry is allowed, at most a day after `now`.

        The `Retry-After` header gives this time, in seconds or as a date. Returns None if the header is
        missing or invalid.
        """
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            seconds = min(int(text[:9]), 86400)
            return datetime.fromtimestamp(now.timestamp() + seconds, UTC)
        moment = _parse_http_date(text)
        if moment is None:
            return None
        ahead = (moment - (self.date or now)).total_seconds()
        return datetime.fromtimestamp(now.timestamp() + min(max(ahead, 0), 86400), UTC)

    @contextmanager
    def adding_retry_after(self, now: datetime) -> Iterator[None]:
        """Add the time that `retry_at(now)` returns to a `ProblemError` that the `with` block raises."""
        try:
            yield
        except ProblemError as error:
            raise ProblemError(replace(error.problem, retry_at=self.retry_at(now))) from None

    @property
    def credits_remaining(self) -> int | None:
        """The number in the `X-API-CREDITS-REMAINING` header; None if it is missing or not a number."""
        text = self.headers.get("x-api-credits-remaining", "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


class HttpClient:
    """The HTTP client that all orgs share. Use each instance in one `async with` block."""

    def __init__(self, app: AsgiApp | None = None) -> None:
        """Send all requests to `app` in this process, such as the demo's Zoho; None uses the network."""
        self._app = app
        self._clients: dict[str | None, _TrackedClient] = {}
        """The httpx clients, by the URL of their proxy; the key None stands for no proxy."""
        self._is_closed = False
        self._opening = asyncio.Lock()
        self._slots = RequestSlots()
        self.server_clock = ServerClock()
        """How far this machine's clock is ahead of Zoho's, learned from the responses for all orgs."""
        self._proxies: ProxyEnvironment | None = None
        """The proxies that the environment names; None until a request first needs them."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        clients, self._clients, self._is_closed = self._clients, {}, True
        for client in clients.values():
            await client.http.aclose()

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> HttpResponse:
        """Send one request and return its response. Secrets belong in `form` or `json`, never in the URL.

        Raises a `ProblemError` of kind `network`, of kind `contract` if the response body is unusable, or
        of kind `config` if the URL is wrong.
        """
        if (host := _host_of(url)) is None:
            raise ProblemError(url_problem("Zoho"))
        async with self._slots.hold(host):
            problem: Problem
            client: _TrackedClient | None = None
            route = Route(clean(host, 80))
            try:
                route.proxy = self.proxy_for(url)
                client = await self._open_client(route.proxy)
            except (ImportError, ValueError, OSError, RuntimeError) as error:
                problem = environment_problem(error, route.proxy)
            if client is not None:
                request = _send_request(client.http, route, method, url, dict(headers or {}), form, json)
                try:
                    return await client.run_request(request)
                except _RequestStuckError:
                    self._retire(client)
                    problem = network_problem(
                        f"{route.far_end} took too long to answer (over {TOTAL_SECONDS:.0f} s).",
                        STATUS_PAGE_HINT,
                    )
                except httpx.PoolTimeout:
                    self._retire(client)
                    problem = network_problem("The connection pool ran dry and was rebuilt.", RETRIED_HINT)
                except TRANSPORT_ERRORS as error:
                    problem = transport_problem(error, route, READ_SECONDS)
                finally:
                    await client.close_if_done()
            # Raised outside of `except`: httpx's errors hold the request, and that holds the token.
            raise ProblemError(problem)

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy for requests to this URL, or None if they need no proxy.

        Raises a `ProblemError` if the proxy's address is invalid.
        """
        if self._proxies is None:
            self._proxies = ProxyEnvironment({} if self._app else None)
        return self._proxies.proxy_for(url)

    async def _open_client(self, proxy: Proxy | None) -> _TrackedClient:
        key = proxy.url if proxy else None
        async with self._opening:
            if self._is_closed:  # the client was closed while this request waited
                raise ProblemError(Problem("network", "zbtui is ending.", "Start it again."))
            if key not in self._clients:
                self._clients[key] = _TrackedClient(await self._build_client(proxy))
            return self._clients[key]

    def _retire(self, broken: _TrackedClient) -> None:
        """Send no new requests with this httpx client; the requests that have begun go on."""
        self._clients = {key: kept for key, kept in self._clients.items() if kept is not broken}
        broken.is_retired = True

    async def _build_client(self, proxy: Proxy | None) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self._app) if self._app is not None else None
        context, through = None, None
        if transport is None:
            # In a thread, as reading the certificates takes time; abandoned if it exceeds the limit.
            reading = asyncio.to_thread(make_tls_context)
            context = await asyncio.wait_for(reading, _SETUP_SECONDS)
        if proxy:
            through = httpx.Proxy(proxy.url, ssl_context=context if proxy.speaks_tls else None)
        timeout = httpx.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, write=10.0, pool=READ_SECONDS)
        limits = httpx.Limits(
            max_connections=MAX_REQUESTS + MAX_SLOW,
            max_keepalive_connections=MAX_REQUESTS,
            keepalive_expiry=40,
        )
        return httpx.AsyncClient(
            transport=transport,
            trust_env=False,  # zbtui chooses proxies and certificates itself
            proxy=through,
            verify=context or True,
            limits=limits,
            timeout=timeout,
            follow_redirects=False,
            # One client serves all orgs: cookies of one org must not go out with another org's token.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={
                "User-Agent": f"zbtui/{__version__}",
                "Accept-Encoding": "gzip",
                "Accept-Language": "en",
                "Cache-Control": "no-cache",
            },
        )


class _RequestStuckError(Exception):
    """Raised when a whole request, from connecting to the last byte, takes longer than 70 s."""


class _TrackedClient:
    """An httpx client and the requests that it is sending now."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.is_retired = False
        self._running: set[asyncio.Task[HttpResponse]] = set()
        self._stuck: set[asyncio.Task[HttpResponse]] = set()

    async def run_request(self, request: Coroutine[None, None, HttpResponse]) -> HttpResponse:
        """Run a request and return its response. Raises `_RequestStuckError` after 70 s.

        A stuck request goes on until its httpx client is closed.
        """
        task = asyncio.create_task(request)
        self._running.add(task)
        task.add_done_callback(self._on_task_done)
        try:
            # A slow drip of headers never exceeds `READ_SECONDS`, so the whole request has a limit, too.
            await asyncio.wait({task}, timeout=CONNECT_SECONDS + TOTAL_SECONDS)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        self._stuck.add(task)
        raise _RequestStuckError

    def _on_task_done(self, task: asyncio.Task[HttpResponse]) -> None:
        self._running.discard(task)
        self._stuck.discard(task)
        if not task.cancelled():
            task.exception()  # retrieved, so that asyncio does not warn about an abandoned task

    async def close_if_done(self) -> None:
        """Close a retired client once only stuck requests remain; this ends the stuck requests."""
        if self.is_retired and self._running <= self._stuck:
            await self.http.aclose()


async def _send_request(
    client: httpx.AsyncClient,
    route: Route,
    method: str,
    url: str,
    headers: dict[str, str],
    form: Mapping[str, str] | None,
    json: Mapping[str, object] | None,
) -> HttpResponse:
    extensions = {"trace": route.trace} if route.proxy else None
    async with client.stream(
        method, url, headers=headers, data=form, json=json, extensions=extensions
    ) as response:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        body = await _read_body(response, encoding)
        answered = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status_code, answered, body)


async def _read_body(response: httpx.Response, encoding: str) -> bytes:
    """Read and decode the body of a response, at most `MAX_BODY` bytes.

    httpx does not decode the body, because it would decode a whole chunk before checking the size.
    """
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise ProblemError(unreadable_body_problem("is packed in a way that was not asked for"))
    unpack = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    body = bytearray()
    deadline = time.monotonic() + TOTAL_SECONDS
    has_begun = False
    async for chunk in response.aiter_raw():
        has_begun = True
        room = MAX_BODY + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk[:room]
        if len(body) > MAX_BODY:
            raise ProblemError(unreadable_body_problem("is larger than 1 MiB"))
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the whole answer took too long")
    if unpack and has_begun and not unpack.eof:
        raise zlib.error("the packed answer was cut off")
    return bytes(body)


def _host_of(url: str) -> str | None:
    """Return the host of a URL; empty if the URL has no host, None if the text is not a URL."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return None


def _parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo and 1970 <= moment.year < 3000 else None
