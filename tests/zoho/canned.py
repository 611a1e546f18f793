"""Answers made by hand, inside the process, and what must be in no error."""

from __future__ import annotations

import json
import traceback
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

Message = MutableMapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """One request that came."""

    method: str
    host: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: str


@dataclass
class Canned:
    """An ASGI app that gives everybody the same answer, and keeps what it was asked."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    async def __call__(
        self,
        scope: Message,
        receive: Callable[[], Awaitable[Message]],
        send: Callable[[Message], Awaitable[None]],
    ) -> None:
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = (await receive()).get("body", b"").decode()
        query = scope["query_string"].decode()
        self.asked.append(Asked(scope["method"], headers["host"], scope["path"], query, headers, body))
        answered = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": answered})
        await send({"type": "http.response.body", "body": self.body})


def canned(answer: object, status: int = 200, **headers: str) -> Canned:
    """`answer` as JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Canned(status, json.dumps(answer).encode(), named)


def all_that_it_tells(error: BaseException) -> str:
    """Everything that a log or a terminal can show of an error, and of the errors behind it."""
    told = traceback.format_exception(error)
    behind: BaseException | None = error
    while behind is not None:
        told += [str(behind), repr(behind), repr(behind.args), repr(vars(behind))]
        behind = behind.__cause__ or behind.__context__
    return "\n".join(told)
