"""Every host there is, on one real port: a proxy that all calls out of this machine go through.

It takes the place of whatever host is called by name, over TLS where that is asked for, and keeps what
each was sent. All hosts answer alike, foreign ones too: what is led astray goes on there, and is seen.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.faulty import read_request, reply


@dataclass(frozen=True)
class Heard:
    """One request, and whom it was meant for."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query."""
    text: str
    """Head and body."""

    @property
    def origin(self) -> str:
        usual = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{self.host}" + ("" if self.port == usual else f":{self.port}")


@dataclass
class Crossroads:
    """What it answers, by path, and what it heard."""

    answers: Mapping[str, bytes]
    tls: ssl.SSLContext
    url: str = ""
    heard: list[Heard] = field(default_factory=list)

    @property
    def origins(self) -> set[str]:
        return {one.origin for one in self.heard}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, OSError):
            request = await read_request(reader)
            method, target, _ = request.decode("latin-1").split(" ", 2)
            if method == "CONNECT":
                host, _, port = target.rpartition(":")
                writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
                await writer.start_tls(self.tls)
                request = await read_request(reader)
                heard = self._hear("https", host.strip("[]"), int(port), request)
            else:
                parts = urlsplit(target)
                heard = self._hear(parts.scheme or "http", parts.hostname or "", parts.port or 80, request)
            writer.write(self.answers.get(heard.target.partition("?")[0], reply(404)))
            await writer.drain()
        writer.close()

    def _hear(self, scheme: str, host: str, port: int, request: bytes) -> Heard:
        text = request.decode("latin-1")
        parts = urlsplit(text.split(" ", 2)[1])
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        heard = Heard(scheme, host, port, target, text)
        self.heard.append(heard)
        return heard


@asynccontextmanager
async def crossroads(answers: Mapping[str, bytes], tls: ssl.SSLContext) -> AsyncIterator[Crossroads]:
    """Listen on a free port of the loopback; `HTTPS_PROXY` and `HTTP_PROXY` are to name its `url`."""
    here = Crossroads(answers, tls)
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        await here.handle(reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    here.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield here
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # the transports close on the next turn of the loop


def certificate_for(names: list[str], folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS that may be any of these hosts, and the file to trust it by."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crossroads")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    trusted, own = folder / "trusted.pem", folder / "own.pem"
    trusted.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    own.write_bytes(
        trusted.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    return context, trusted
