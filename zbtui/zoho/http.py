"""One HTTP client for the whole program: time limits, size limits, no redirects, no leaks.

httpx leaks pool slots when a request is cancelled from outside, so nobody does: every limit is kept
in here. A request that its own limits do not end is left behind with its client, and closed with it.
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

AsgiApp = Callable[
    [
        MutableMapping[str, Any],
        Callable[[], Awaitable[MutableMapping[str, Any]]],
        Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ],
    Awaitable[None],
]

MAX_BODY: Final = 1 << 20
"""Bytes of an answer, decoded; Zoho's are a few hundred."""
MAX_REQUESTS: Final = 16
"""Requests at once, in all: httpx's pool grows slower with more."""
MAX_REQUESTS_PER_HOST: Final = 8
"""So that a dead data center cannot hold up the others."""
CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 20.0
TOTAL_SECONDS: Final = 60.0
"""For one answer as a whole: each byte of a slow drip is within the read limit."""

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
    """An answer that came whole, whatever its status."""

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
        """A trouble that is found in this answer is told with its `Retry-After`, counted from `now`."""
        try:
            yield
        except ProblemError as error:
            raise ProblemError(replace(error.problem, retry_at=self.retry_at(now))) from None

    @property
    def credits_remaining(self) -> int | None:
        """`X-API-CREDITS-REMAINING`, where it came."""
        text = self.headers.get("x-api-credits-remaining", "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None


class HttpClient:
    """The shared client. `async with` it; a second entry is an error."""

    def __init__(self, app: AsgiApp | None = None) -> None:
        """Args:
        app: answers every request inside the process (the demo's Zoho); None: the network.
        """
        self._app = app
        self._clients: dict[bool, _TrackedClient] = {}
        """By whether the proxies of the environment are gone around."""
        self._opening = asyncio.Lock()
        self._request_slots = asyncio.Semaphore(MAX_REQUESTS)
        self._host_slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(MAX_REQUESTS_PER_HOST)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        clients, self._clients = self._clients, {}
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
        """One request, one answer.

        Args:
            form: sent as the body; secrets go nowhere else.
            json: sent as the body, where there is no form.

        Raises:
            TroubleError: of kind `network`, or `contract` for an answer beyond the limits.
        """
        host = urlsplit(url).hostname or ""
        # The host's turn first: who waits for a dead host must not hold a place of all.
        async with self._host_slots[host], self._request_slots:
            trouble: Problem
            client: _TrackedClient | None = None
            try:
                # A secret for this machine itself must not pass through a proxy of the environment.
                client = await self._open_client(direct=is_loopback(f"//{urlsplit(url).netloc}"))
            except (ImportError, ValueError, OSError) as error:
                trouble = _environment_problem(error)
            if client is not None:
                exchange = _send_request(client.http, method, url, dict(headers or {}), form, json)
                try:
                    return await client.run_request(exchange)
                except _RequestStuckError:
                    self._retire(client)
                    trouble = _network_problem(
                        f"{clean(host, 80)} took too long to answer (over {TOTAL_SECONDS:.0f} s).",
                        _STATUS_PAGE_HINT,
                    )
                except httpx.PoolTimeout:
                    self._retire(client)
                    trouble = _network_problem(
                        "The connection pool ran dry and was rebuilt.", _RETRIED_HINT
                    )
                except _TRANSPORT_ERRORS as error:
                    trouble = _transport_problem(error, clean(host, 80))
                finally:
                    await client.close_if_done()
            # Raised outside of `except`: httpx's errors hold the request, and that the token.
            raise ProblemError(trouble)

    async def _open_client(self, *, direct: bool) -> _TrackedClient:
        async with self._opening:
            if direct not in self._clients:
                self._clients[direct] = _TrackedClient(await self._build_client(direct))
            return self._clients[direct]

    def _retire(self, broken: _TrackedClient) -> None:
        """No request goes out on it any more; those under way come to their end."""
        self._clients = {key: kept for key, kept in self._clients.items() if kept is not broken}
        broken.is_retired = True

    async def _build_client(self, direct: bool) -> httpx.AsyncClient:
        transport: httpx.AsyncBaseTransport | None = None
        context: ssl.SSLContext | bool = True
        limits = httpx.Limits(
            max_connections=MAX_REQUESTS * 2, max_keepalive_connections=MAX_REQUESTS, keepalive_expiry=40
        )
        if self._app is not None:
            transport = httpx.ASGITransport(app=self._app)
        else:
            # Reading the certificates takes some 20 ms: not on the event loop.
            context = await asyncio.to_thread(httpx.create_ssl_context)
        return httpx.AsyncClient(
            transport=transport,
            trust_env=not direct,
            verify=context,
            limits=limits,
            timeout=httpx.Timeout(
                connect=CONNECT_SECONDS, read=READ_SECONDS, write=10.0, pool=READ_SECONDS
            ),
            follow_redirects=False,
            # One client serves all orgs: what one is given must not go out with the next one's token.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            headers={"User-Agent": f"zbtui/{__version__}", "Accept-Encoding": "gzip"},
        )


class _RequestStuckError(Exception):
    """A request that none of its own limits ended."""


class _TrackedClient:
    """An httpx client, and what is under way on it."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.is_retired = False
        self._running: set[asyncio.Task[HttpResponse]] = set()
        self._stuck: set[asyncio.Task[HttpResponse]] = set()

    async def run_request(self, exchange: Coroutine[None, None, HttpResponse]) -> HttpResponse:
        """Raises:
        _StuckError: it is left behind, to end when the client is closed.
        """
        task = asyncio.create_task(exchange)
        self._running.add(task)
        task.add_done_callback(self._on_task_done)
        try:
            # Its head may drip for as long as each byte comes in time.
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
            task.exception()  # taken note of, for nobody may wait for it any more

    async def close_if_done(self) -> None:
        """A retired one goes with the last request that is not stuck; the stuck ones end by it."""
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
    """The body, decoded here, because httpx decodes a whole chunk before it can be measured."""
    if encoding not in ("identity", "gzip", "x-gzip", ""):
        raise ProblemError(_unreadable_body_problem("is packed in a way that was not asked for"))
    unpack = zlib.decompressobj(31) if encoding.endswith("gzip") else None
    body = bytearray()
    deadline = time.monotonic() + TOTAL_SECONDS
    begun = False
    async for chunk in response.aiter_raw():
        begun = True
        room = MAX_BODY + 1 - len(body)
        body += unpack.decompress(chunk, room) if unpack else chunk[:room]
        if len(body) > MAX_BODY:
            raise ProblemError(_unreadable_body_problem("is larger than 1 MiB"))
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the whole answer took too long")
    if unpack and begun and not unpack.eof:
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
    """A sentence of our own: httpx's texts may hold a URL or a header."""
    line = "Check this machine's network."
    match error:
        case httpx.ConnectTimeout():
            return _network_problem(f"{host} does not answer: no connection within 10 s.", line)
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
            return _network_problem(f"{host} cannot be reached: no such name, or refused.", line)
        case httpx.ProxyError():
            return _network_problem(
                f"The proxy does not let the call to {host} through.",
                "Check HTTPS_PROXY and NO_PROXY in the environment.",
            )
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError() | OSError():
            return _network_problem(f"{host} broke the connection off before it had answered.", line)
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
            return _network_problem(f"The call to {host} failed ({type(error).__name__}).", line)


def _caused_by(error: BaseException, kind: type[BaseException]) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, kind):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
