"""The local HTTP server to which Zoho redirects the browser after consent (RFC 8252, section 7.3)."""

from __future__ import annotations

import asyncio
import errno
import hmac
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qs, urlsplit

import h11

from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, is_header_safe
from zbtui.model.text import clean

_REQUEST_TIMEOUT_SECONDS: Final = 5.0
_MAX_HEAD_BYTES: Final = 16 << 10
_DONE_TEXT: Final = "zbtui has the answer. You can close this page and go back to the terminal."
_REFUSED_TEXT: Final = "zbtui was told that the sign-in was refused. You can close this page."
_NOT_HERE_TEXT: Final = "zbtui waits here for another answer."


@dataclass(frozen=True, slots=True)
class OAuthCallback:
    """The parameters of the redirect that ends the consent; exactly one of `code` and `error` is set."""

    code: Secret | None
    error: str | None
    location: str | None
    """The key of the user's data center, such as `eu`."""
    accounts_server: str | None
    """The URL of the accounts host at which to exchange the code; not checked yet."""


class LoopbackServer:
    """Listens on 127.0.0.1 and ::1 until the browser sends a request with this sign-in's `state`.

    All other requests are refused, so that no other page can end the sign-in.
    """

    def __init__(self, port: int, state: str, wake: Callable[[], None]) -> None:
        """Take the port to listen on; 0 stands for any free port.

        `state` is the secret of this sign-in that the callback has to contain. `wake` is called once the
        browser's callback has been answered.
        """
        self._port = port
        self._state = state
        self._on_callback = wake
        self._servers: list[asyncio.Server] = []
        self._open_writers: set[asyncio.StreamWriter] = set()
        self.callback: OAuthCallback | None = None

    @property
    def redirect_uri(self) -> str:
        """The redirect URI; its host is `localhost`, as in the redirect URI that is registered at Zoho."""
        return f"http://localhost:{self._port}/"

    async def __aenter__(self) -> Self:
        """Start to listen. Raises a `ProblemError` if the port cannot be used."""
        sockets: list[socket.socket] = []
        try:
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                if bound := _bind(family, host, self._port):
                    sockets.append(bound)
                    self._port = bound.getsockname()[1]
        except OSError as error:
            for bound in sockets:
                bound.close()
            raise ProblemError(_port_problem(self._port, error)) from None
        for bound in sockets:
            self._servers.append(await asyncio.start_server(self._serve, sock=bound, limit=_MAX_HEAD_BYTES))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.close()
        for writer in self._open_writers:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open_writers.add(writer)
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_SECONDS):
                target = await _read_target(reader)
                status, text = self._handle_target(target) if target is not None else (400, _NOT_HERE_TEXT)
                writer.write(_html_response(status, text))
                await writer.drain()
        except (TimeoutError, OSError):
            pass
        finally:
            self._open_writers.discard(writer)
            writer.close()
            with suppress(OSError):  # also TimeoutError: the browser reads nothing
                async with asyncio.timeout(_REQUEST_TIMEOUT_SECONDS):
                    await writer.wait_closed()
            if self.callback is not None:
                self._on_callback()  # after the page was sent

    def _handle_target(self, target: str) -> tuple[int, str]:
        """Return a request's HTTP status and page text; store the callback if its `state` is right."""
        try:
            parts = urlsplit(target)
        except ValueError:
            return 404, _NOT_HERE_TEXT
        query = {key: values[0] for key, values in parse_qs(parts.query).items() if len(values) == 1}
        is_state_right = hmac.compare_digest(query.get("state", "").encode(), self._state.encode())
        if parts.path != "/" or not is_state_right or self.callback is not None:
            return 404, _NOT_HERE_TEXT
        code, error = query.get("code", ""), query.get("error")
        is_usable = error is None and is_header_safe(code)
        self.callback = OAuthCallback(
            Secret(code) if is_usable else None,
            None if is_usable else clean(error or "the answer holds no code", 60),
            query.get("location"),
            query.get("accounts-server"),
        )
        return (200, _DONE_TEXT) if is_usable else (200, _REFUSED_TEXT)


def _bind(family: socket.AddressFamily, host: str, port: int) -> socket.socket | None:
    """Return a socket that is bound to the host and port.

    None if this machine does not have the address, as without IPv6. Raises an `OSError` if binding fails.
    """
    try:
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        return None
    try:
        if sys.platform == "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # Allows reuse of a port right after it was closed.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        bound.setblocking(False)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return bound


async def _read_target(reader: asyncio.StreamReader) -> str | None:
    """Read the target (path and query) of a GET request; None if the browser sent something else."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_MAX_HEAD_BYTES)
    try:
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                return event.target.decode("ascii") if event.method == b"GET" else None
            if event is not h11.NEED_DATA:
                return None
            connection.receive_data(await reader.read(4096))
    except h11.RemoteProtocolError:
        return None


def _html_response(status: int, text: str) -> bytes:
    """Return a complete HTTP response with a short page, which repeats nothing from the request."""
    body = f"<!DOCTYPE html><html><title>zbtui</title><body><p>{text}</p></body></html>".encode()
    head = (
        f"HTTP/1.1 {status} {'OK' if status == 200 else 'Not here'}\r\n"
        "Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n"
        "Cache-Control: no-store\r\nReferrer-Policy: no-referrer\r\n"
        "Content-Security-Policy: default-src 'none'\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


def _port_problem(port: int, error: OSError) -> Problem:
    if error.errno == errno.EADDRINUSE:
        message = f"Port {port} of this machine is taken, and the browser could not come back to it."
    else:
        message = f"Port {port} of this machine cannot be listened on ({error.strerror})."
    return Problem(
        "config",
        message,
        "End the other program; or register another port with the client, and name it: zbtui add --port N.",
    )
