"""Canned answers served inside the process, and the full text of errors."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


@dataclass(frozen=True)
class RecordedRequest:
    """A request as the app received it."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body, keep_blank_values=True))


@dataclass
class CannedResponse:
    """An ASGI app that always gives the same answer, and records requests."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    requests: list[RecordedRequest] = field(default_factory=list)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        self.requests.append(await _read_asked(scope, receive))
        await self.send_to(send)

    async def send_to(self, send: Send) -> None:
        answered = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": answered})
        await send({"type": "http.response.body", "body": self.body})


def json_response(answer: object, status: int = 200, **headers: str) -> CannedResponse:
    """A response with `answer` as JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return CannedResponse(status, json.dumps(answer).encode(), named)


class CannedApp:
    """An ASGI app with answers for each path, given in turn; the last one repeats.

    An `OSError` among the answers breaks the connection off. A request to a path without answers fails.
    """

    def __init__(self, answers: Mapping[str, Sequence[CannedResponse | OSError]]) -> None:
        self.answers = {path: list(queue) for path, queue in answers.items()}
        self.requests: list[RecordedRequest] = []
        self.during_request: dict[str, Callable[[], Awaitable[object]]] = {}
        """By path: what is awaited during each request to this path."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.requests.append(await _read_asked(scope, receive))
        if path in self.during_request:
            await self.during_request[path]()
        queue = self.answers[path]
        answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if isinstance(answer, OSError):
            raise answer
        await answer.send_to(send)

    def requests_to(self, path: str) -> list[RecordedRequest]:
        return [asked for asked in self.requests if asked.path == path]


async def _read_asked(scope: Message, receive: Receive) -> RecordedRequest:
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = (await receive()).get("body", b"").decode()
    query = scope["query_string"].decode()
    return RecordedRequest(scope["method"], headers["host"], scope["path"], query, headers, body)


def full_error_text(error: BaseException) -> str:
    """All text that a log or a terminal can show of an error and of the errors that led to it."""
    lines = traceback.format_exception(error)
    current: BaseException | None = error
    while current is not None:
        lines += [str(current), repr(current), repr(current.args), repr(vars(current))]
        current = current.__cause__ or current.__context__
    return "\n".join(lines)
