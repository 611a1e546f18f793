"""One HTTP client for the whole program: time limits, size limits, no redirects, no leaks.

httpx leaks pool slots when a request is cancelled from outside. So no request is cancelled; all limits
are applied in here. A request that exceeds even these is abandoned, and its client retired.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
import zlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

from zbtui import __version__
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.zoho_api.data_centers import is_loopback

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
AsgiApp = Callable[[_Message, _Receive, _Send], Awaitable[None]]

MAX_BODY: Final = 1 << 20
"""Bytes of a decoded response; Zoho's are a few hundred."""
MAX_REQUESTS: Final = 16
"""Concurrent requests in all; with more, httpx's pool gets slower."""
MAX_REQUESTS_PER_HOST: Final = 8
"""Concurrent; limited so that a dead data center cannot hold up the others."""
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 60.0
"""For a whole response: the read limit alone would let a slow drip go on for ever."""

_TRANSPORT_ERRORS: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    httpx.StreamError,
    zlib.error,
    OSError,
    UnicodeError,  # a header or a form that cannot be encoded; its repr holds the text
)

for _name in ("httpx", "httpcore", "hpack"):
    # At INFO httpx prints URLs, at DEBUG hpack prints the Authorization header.
    logging.getLogger(_name).setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete response, with any status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """Decoded, at most `MAX_BODY` bytes."""

    @property
    def date(self) -> datetime | None:
        """The `Date` header."""
        return _parse_http_date(self.headers.get("date", ""))

    def retry_at(self, now: datetime) -> datetime | None:
        """`Retry-After`, in seconds or as a date; at most a day ahead of `now`."""
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
        """Add this response's `Retry-After`, counted from `now`, to a problem that the block raises."""
        try:
            yield
        except ProblemError as error:
            raise ProblemError(replace(error.problem, retry_at=self.retry_at(now))) from None

    @property
    def credits_remaining(self) -> int | None:
        """`X-API-CREDITS-REMAINING`; None: missing or not a number."""
        text = self.headers.get("x-api-credits-remaining", "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


class HttpClient:
    """The shared client. Use it once, with `async with`."""

    def __init__(self, app: AsgiApp | None = None) -> None:
        """`app` answers all requests in this process (the demo's Zoho); None: the network."""
        self._app = app
        self._clients: dict[bool, _TrackedClient] = {}
        """By whether they bypass the proxies of the environment."""
        self._is_closed = False
        self._opening = asyncio.Lock()
        self._request_slots = asyncio.Semaphore(MAX_REQUESTS)
        self._host_slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_REQUESTS_PER_HOST)
        )

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
        """Send one request and return its response. Secrets go into `form` or `json`, never into the URL.

        Raises a `ProblemError` of kind `network`, `contract` for an unreadable body, or `config`.
        """
        host = urlsplit(url).hostname or ""
        # The host's slot first: waiting for a dead host must not take up a shared slot.
        async with self._host_slots[host], self._request_slots:
            problem: Problem
            client: _TrackedClient | None = None
            try:
                # A secret for this machine must not pass through a proxy of the environment.
                client = await self._open_client(direct=is_loopback(f"//{urlsplit(url).netloc}"))
            except (ImportError, ValueError, OSError) as error:
                problem = _environment_problem(error)
            if client is not None:
                request = _send_request(client.http, method, url, dict(headers or {}), form, json)
                try:
                    return await client.run_request(request)
                except _RequestStuckError:
                    self._retire(client)
                    problem = _network_problem(
                        f"{clean(host, 80)} took too long to answer (over {TOTAL_SECONDS:.0f} s).",
                        _STATUS_PAGE_HINT,
                    )
                except httpx.PoolTimeout:
                    self._retire(client)
                    problem = _network_problem(
                        "The connection pool ran dry and was rebuilt.", _RETRIED_HINT
                    )
                except _TRANSPORT_ERRORS as error:
                    problem = _transport_problem(error, clean(host, 80))
                finally:
                    await client.close_if_done()
            # Raised outside of `except`: httpx's errors hold the request, which holds the token.
            raise ProblemError(problem)

    async def _open_client(self, *, direct: bool) -> _TrackedClient:
        async with self._opening:
            if self._is_closed:  # a request that waited for its turn
                raise OSError("closed")
            if direct not in self._clients:
                self._clients[direct] = _TrackedClient(await self._build_client(direct))
            return self._clients[direct]

    def _retire(self, broken: _TrackedClient) -> None:
        """Send no new requests on this client; those under way run to their end."""
        self._clients = {key: kept for key, kept in self._clients.items() if kept is not broken}
        broken.is_retired = True

    async def _build_client(self, direct: bool) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self._app) if self._app is not None else None
        # Reading the certificates takes some 20 ms, so it is not done on the event loop.
        context = True if transport else await asyncio.to_thread(httpx.create_ssl_context)
        timeout = httpx.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS, write=10.0, pool=READ_SECONDS)
        limits = httpx.Limits(
            max_connections=MAX_REQUESTS * 2, max_keepalive_connections=MAX_REQUESTS, keepalive_expiry=40
        )
        return httpx.AsyncClient(
            transport=transport,
            trust_env=not direct,
            verify=context,
            limits=limits,
            timeout=timeout,
            follow_redirects=False,
            # One client serves all orgs: cookies of one must not be sent with another's token.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": f"zbtui/{__version__}", "Accept-Encoding": "gzip"},
        )


class _RequestStuckError(Exception):
    """A request did not end within its own limits."""


class _TrackedClient:
    """An httpx client and the requests under way on it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.is_retired = False
        self._running: set[asyncio.Task[HttpResponse]] = set()
        self._stuck: set[asyncio.Task[HttpResponse]] = set()

    async def run_request(self, request: Coroutine[None, None, HttpResponse]) -> HttpResponse:
        """Raises `_RequestStuckError` if it is abandoned; it then ends when the client is closed."""
        task = asyncio.create_task(request)
        self._running.add(task)
        task.add_done_callback(self._on_task_done)
        try:
            # A slow drip of headers passes the read limit, so there is a limit here as well.
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
        """Close a retired client when only stuck requests remain; closing ends them."""
        if self.is_retired and self._running <= self._stuck:
            await self.http.aclose()


async def _send_request(
    client: httpx.AsyncClient,
    method: str,
    url: str,
    headers: dict[str, str],
    form: Mapping[str, str] | None,
    json: Mapping[str, object] | None,
) -> HttpResponse:
    async with client.stream(method, url, headers=headers, data=form, json=json) as response:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        body = await _read_body(response, encoding)
        answered = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status_code, answered, body)


async def _read_body(response: httpx.Response, encoding: str) -> bytes:
    """The body, decoded here: httpx would decode a whole chunk before its size can be checked."""
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise ProblemError(_unreadable_body_problem("is packed in a way that was not asked for"))
    unpack = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    body = bytearray()
    deadline = time.monotonic() + TOTAL_SECONDS
    has_begun = False
    async for chunk in response.aiter_raw():
        has_begun = True
        room = MAX_BODY + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk[:room]
        if len(body) > MAX_BODY:
            raise ProblemError(_unreadable_body_problem("is larger than 1 MiB"))
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the whole answer took too long")
    if unpack and has_begun and not unpack.eof:
        raise zlib.error("the packed answer was cut off")
    return bytes(body)


def _parse_http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo and 1970 <= moment.year < 3000 else None


_RETRIED_HINT: Final = "Tried again by itself."
_STATUS_PAGE_HINT: Final = "If it lasts, see status.zoho.com."


def _network_problem(message: str, hint: str) -> Problem:
    return Problem("network", message, hint)


def _unreadable_body_problem(what: str) -> Problem:
    return Problem(
        "contract",
        f"The answer {what}, and was not read.",
        "Something other than Zoho may answer here: a proxy, or a wrong api_url.",
    )


def _environment_problem(error: Exception) -> Problem:
    return _network_problem(
        f"A proxy or certificate that the environment names cannot be used ({type(error).__name__}).",
        "Check HTTPS_PROXY, ALL_PROXY and SSL_CERT_FILE; a SOCKS proxy needs httpx[socks].",
    )


def _transport_problem(error: Exception, host: str) -> Problem:
    """A problem in our own words: httpx's messages may hold a URL or a header."""
    network_hint = "Check this machine's network."
    match error:
        case httpx.ConnectTimeout():
            return _network_problem(f"{host} does not answer: no connection within 10 s.", network_hint)
        case httpx.TimeoutException():
            return _network_problem(
                f"{host} took too long to answer (over {READ_SECONDS:.0f} s).", _STATUS_PAGE_HINT
            )
        case httpx.ConnectError() if _caused_by(error, ssl.SSLError):
            return _network_problem(
                f"The secure connection to {host} could not be trusted.",
                "Does a proxy open it? Set SSL_CERT_FILE to its certificate. Is the clock right?",
            )
        case httpx.ConnectError():
            return _network_problem(f"{host} cannot be reached: no such name, or refused.", network_hint)
        case httpx.ProxyError():
            return _network_problem(
                f"The proxy does not let the call to {host} through.",
                "Check HTTPS_PROXY and NO_PROXY in the environment.",
            )
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | OSError():
            return _network_problem(
                f"{host} broke the connection off before it had answered.", network_hint
            )
        case zlib.error():
            return _unreadable_body_problem("is packed, and broken")
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError() | UnicodeError():
            return Problem(
                "config",
                f"The call to {host} could not be made.",
                "Check api_url and accounts_url in the config, then sign in again.",
                final=True,
            )
        case _:
            return _network_problem(f"The call to {host} failed ({type(error).__name__}).", network_hint)


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
