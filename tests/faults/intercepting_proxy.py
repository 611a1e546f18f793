"""A proxy on one real port that answers for every host, and records all requests.

The proxy speaks TLS where a client wants it. All hosts answer alike, foreign ones too, so that a request
to a wrong host succeeds and is recorded.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.faults.relay import FaultInjectingServer
from tests.support.faulty_server import http_response, read_request


@dataclass(frozen=True)
class InterceptedRequest:
    """One request, and the host it was meant for."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query of the request."""
    text: str
    """Head and body of the request."""

    @property
    def origin(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == usual else f":{self.port}")


class InterceptingProxy(FaultInjectingServer):
    """Listens on the loopback; tests set `HTTPS_PROXY` and `HTTP_PROXY` to its `url`."""

    def __init__(self, answers: Mapping[str, bytes], tls: ssl.SSLContext) -> None:
        """Args:
        answers: the answers by path.
        tls: a context with a certificate of every host.
        """
        super().__init__()
        self._answers = answers
        self._tls = tls
        self.requests: list[InterceptedRequest] = []
        """All requests, in order of arrival."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def origins(self) -> set[str]:
        return {one.origin for one in self.requests}

    async def respond(
        self, request: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        method, target, _ = request.decode("latin-1").split(" ", 2)
        with suppress(ssl.SSLError):  # the client trusts no certificate here
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await writer.start_tls(self._tls)
                call = self._record("https", host.strip("[]"), int(port), await read_request(reader))
            else:
                parts = urlsplit(target)
                call = self._record(parts.scheme or "http", parts.hostname or "", parts.port or 80, request)
            writer.write(self._answers.get(call.target.partition("?")[0], http_response(404)))
            await writer.drain()

    def _record(self, scheme: str, host: str, port: int, request: bytes) -> InterceptedRequest:
        text = request.decode("latin-1")
        parts = urlsplit(text.split(" ", 2)[1])
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        call = InterceptedRequest(scheme, host, port, target, text)
        self.requests.append(call)
        return call
