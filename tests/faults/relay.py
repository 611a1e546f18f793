"""A relay between one org and its Zoho, and a proxy, on real ports, with faults on demand."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

from tests.support.faulty_server import read_request

FaultyResponse = Callable[[asyncio.StreamWriter], Awaitable[None]]


class FaultInjectingServer:
    """A server that listens while it is open; while `fault` is set, `fault` answers each request."""

    def __init__(self) -> None:
        self.fault: FaultyResponse | None = None
        self.request_count = 0
        """The number of all requests, also of those that `fault` answered."""
        self.port = 0
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen, on the same port as before."""
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse new connections and end the open ones."""
        assert self._server
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close on the next turn of the loop

    async def respond(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer a request while no fault is set."""
        raise NotImplementedError

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                request = await read_request(reader)
                self.request_count += 1
                if self.fault:
                    await self.fault(writer)
                else:
                    await self.respond(request, reader, writer)
        finally:
            self._running.discard(task)
            writer.close()


class Relay(FaultInjectingServer):
    """Forwards requests to `upstream`."""

    def __init__(self, upstream: str, name: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> None:
        """Args:
        name: the host name of the relay.
        tls: a context with a certificate of that host; None: plain HTTP.
        """
        super().__init__()
        self._upstream = urlsplit(upstream)
        self._name = name
        self._tls = tls
        self.release: asyncio.Event | None = None
        """If set, answers from upstream wait for this event."""
        self.is_holding = asyncio.Event()
        """Set while an answer waits for `release`."""

    @property
    def url(self) -> str:
        scheme = "https" if self._tls else "http"
        return f"{scheme}://{self._name}:{self.port}{self._upstream.path}"

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        await super().start(tls or self._tls)

    async def restart_with_certificate(self, tls: ssl.SSLContext | None) -> None:
        """Restart with another certificate; None: with the relay's own."""
        await self.stop()
        await self.start(tls)

    async def respond(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        far, to = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        to.write(request.replace(b"Connection: keep-alive", b"Connection: close"))
        answer = await far.read()
        to.close()
        if self.release:
            self.is_holding.set()
            await self.release.wait()
        writer.write(answer)
        await writer.drain()


class TunnelProxy(FaultInjectingServer):
    """A proxy that opens tunnels (CONNECT); every host name leads to this machine."""

    async def respond(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, _ = request.split(b" ", 2)
        assert method == b"CONNECT"
        far, to = await asyncio.open_connection("127.0.0.1", int(target.rpartition(b":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_pump(reader, to), _pump(far, writer))
        finally:
            to.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await source.read(1 << 16):
            sink.write(piece)
            await sink.drain()
        if sink.can_write_eof():
            sink.write_eof()
