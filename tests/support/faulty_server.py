"""A server on the loopback that misbehaves on demand, as no server library can."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus

Responder = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Answers a request after it was read; then the server closes the connection."""


@dataclass
class FaultyServer:
    """A running server of `run_faulty_server`."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    """Each request as it came: head and body."""


def http_response(status: int = 200, body: bytes = b"", *headers: str) -> bytes:
    """A well-formed answer; a `Content-Length` in `headers` replaces the right one."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", "Connection: close", *headers]
    if not any(header.lower().startswith("content-length") for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def send_bytes(data: bytes) -> Responder:
    """Answers with these bytes."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def drip_bytes(head: bytes, piece: bytes) -> Responder:
    """Answers with `head`, then slowly repeats `piece` while the client listens."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


async def never_answer(writer: asyncio.StreamWriter) -> None:
    """Send nothing."""
    await asyncio.Event().wait()


async def reset_connection(writer: asyncio.StreamWriter) -> None:
    """Reset the connection instead of closing it."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@asynccontextmanager
async def run_faulty_server(
    answer: Responder, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> AsyncIterator[FaultyServer]:
    """Serve `answer` on a free port."""
    tasks: set[asyncio.Task[None] | None] = set()
    served = FaultyServer("")

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError):
                served.requests.append(await read_request(reader))
                await answer(writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, host, 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    name = f"[{host}]" if ":" in host else host
    served.url = f"{'https' if tls else 'http'}://{name}:{port}"
    try:
        yield served
    finally:
        server.close()
        running = [task for task in tasks if task]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close on the next turn of the loop


@contextmanager
def refusing_port() -> Iterator[str]:
    """The URL of a port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@contextmanager
def full_backlog_port() -> Iterator[str]:
    """The URL of a port with a full backlog: new connections wait."""
    with socket.socket() as taken, socket.socket() as first, socket.socket() as second:
        taken.bind(("127.0.0.1", 0))
        taken.listen(0)
        for other in (first, second):
            other.setblocking(False)
            other.connect_ex(taken.getsockname())
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request: head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return head + await reader.readexactly(length)
