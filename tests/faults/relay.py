"""A host between one org and its Zoho, on a real port, that misbehaves for as long as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from tests.support.faulty import read_request

Misbehave = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Relay:
    """Hands requests on to `upstream`, but while `fault` is set answers them by that."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._running: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self.fault: Misbehave | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}{self._upstream.path}"

    async def open(self) -> None:
        """Listen; on the same port as before."""
        self._server = await asyncio.start_server(self._handle, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse whoever comes; who is connected is thrown out."""
        assert self._server
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close on the next turn of the loop

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                request = await read_request(reader)
                if self.fault:
                    await self.fault(writer)
                else:
                    await self._hand_on(request, writer)
        finally:
            self._running.discard(task)
            writer.close()

    async def _hand_on(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        far, to = await asyncio.open_connection(self._upstream.hostname, self._upstream.port)
        to.write(request.replace(b"Connection: keep-alive", b"Connection: close"))
        writer.write(await far.read())
        await writer.drain()
        to.close()


@asynccontextmanager
async def relay_to(upstream: str) -> AsyncIterator[Relay]:
    relay = Relay(upstream)
    await relay.open()
    try:
        yield relay
    finally:
        await relay.close()
