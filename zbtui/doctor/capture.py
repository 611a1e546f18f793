"""Captures: files of Zoho's answers for one org, without what identifies the org, to replay in the demo."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from zbtui.clock import Clock
from zbtui.doctor.disguise import Disguise
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.text import clean
from zbtui.store.credentials import CredentialStore
from zbtui.store.journal import Journal
from zbtui.watch.session import Session
from zbtui.zoho.client import (
    DETAILS_PATH,
    HISTORY_PATH,
    LINKS_PATH,
    ORG_PATH,
    SERVER_INFO_PATH,
    fetch_company,
    fetch_history_and_links,
    fetch_server_time,
)
from zbtui.zoho.http import HttpClient, HttpResponse
from zbtui.zoho_api.data_centers import data_center_of

_SCHEMA: Final = 1
_CALLS: Final = {
    "/oauth/v2/token": "token",
    SERVER_INFO_PATH: "server-info",
    DETAILS_PATH: "details",
    HISTORY_PATH: "history",
    LINKS_PATH: "links",
    ORG_PATH: "org",
}
"""The name of each call to Zoho, by the end of its URL's path."""
_DATE_HEADERS: Final = ("date", "expires", "last-modified")
_WORD_HEADERS: Final[Mapping[str, tuple[str, ...]]] = {
    "cache-control": (
        *("no-cache", "no-store", "private", "public", "must-revalidate", "max-age", "s-maxage"),
        *("no-transform", "immutable"),
    ),
    "content-type": ("application/json", "text/html", "text/plain", "charset", "utf-8", "iso-8859-1"),
}
"""The known words of a header's value, by header name. A header with any other word is left out."""
_LARGEST_AGE: Final = 10**7
_WEB_PAGE: Final = "<!DOCTYPE html><html></html>"


@dataclass(frozen=True, slots=True)
class CapturedAnswer:
    """Zoho's answer to one call."""

    call: str
    """The name of the call: `token`, `server-info`, `details`, `history`, `links` or `org`."""
    page: int
    """The page of the history that was requested; 1 for other calls."""
    status: int | None
    """The HTTP status; None if no complete answer came."""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The HTTP headers, with their names in lower case."""
    body: bytes = field(default=b"", repr=False)

    @property
    def date(self) -> datetime | None:
        """The time in the `Date` header, in UTC; None if the header is missing or invalid."""
        try:
            return parsedate_to_datetime(self.headers.get("date", "")).astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Capture:
    """Zoho's answers for one org, in the order in which they came."""

    data_center: str
    answers: tuple[CapturedAnswer, ...]
    unknown_words: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
    """Texts with a word that zbtui does not know, and their stand-ins; the user can put the texts back into
    the capture's file by hand. The file does not contain this mapping."""

    def to_json(self) -> str:
        """Return the capture as JSON, the text to write to its file."""
        answers = [_answer_object(answer) for answer in self.answers]
        body = {"zbtui_capture": _SCHEMA, "data_center": self.data_center, "answers": answers}
        return json.dumps(body, indent=1, ensure_ascii=False) + "\n"


class RecordingHttpClient(HttpClient):
    """An HTTP client that also records Zoho's answers to the calls of the watch."""

    def __init__(self, app: Any = None) -> None:
        super().__init__(app)
        self.answers: list[CapturedAnswer] = []

    async def send(self, method: str, url: str, **kwargs: Any) -> HttpResponse:
        parts = urlsplit(url)
        call = next((name for path, name in _CALLS.items() if parts.path.endswith(path)), None)
        page = int(dict(parse_qsl(parts.query)).get("page", "1"))
        try:
            response = await super().send(method, url, **kwargs)
        except ProblemError:
            if call is not None:
                self.answers.append(CapturedAnswer(call, page, None))
            raise
        if call is not None:
            answer = CapturedAnswer(call, page, response.status, response.headers, response.body)
            self.answers.append(answer)
        return response


async def capture_answers(
    org: Org,
    http: RecordingHttpClient,
    credentials: CredentialStore,
    journal: Journal,
    clock: Clock,
    shift: timedelta,
) -> Capture:
    """Make each call of the watch to Zoho once, and return the answers without what identifies the org.

    All dates move by `shift`. Raises a `ProblemError` only if no request could be sent, not even for a
    token.
    """
    session = Session(org, http, credentials, journal, clock)
    with suppress(ProblemError):
        await fetch_server_time(http, data_center_of(org))
    try:
        access, _ = await session.get_access_token()
    except ProblemError:
        if not any(answer.call == "token" for answer in http.answers):
            raise
    else:
        with suppress(ProblemError):
            await session.poll_details()
            access, _ = await session.get_access_token()  # a new token, if the first was refused
        await fetch_history_and_links(http, access, org.data_center, clock.now())
        with suppress(ProblemError):
            await fetch_company(http, access, org.data_center, clock.now())
    return disguise_answers(org.data_center, http.answers, shift)


def disguise_answers(data_center: str, answers: Sequence[CapturedAnswer], shift: timedelta) -> Capture:
    """Return a capture of these answers without what identifies the org; all dates move by `shift`."""
    bodies = [answer.body.decode("utf-8", "replace") for answer in answers]
    # The parsed texts, too: in the JSON, their characters may be escaped.
    texts = [text for body in bodies for text in (body, *_texts_in(_parse(body)))]
    disguise = Disguise(texts, shift)
    disguised = tuple(
        CapturedAnswer(
            answer.call,
            answer.page,
            answer.status,
            dict(_kept_headers(answer.headers, disguise)),
            _disguised_body(answer, body, disguise),
        )
        for answer, body in zip(answers, bodies, strict=True)
    )
    return Capture(data_center, disguised, disguise.unknown_words)


def _disguised_body(answer: CapturedAnswer, body: str, disguise: Disguise) -> bytes:
    """Return the body to keep: JSON with disguised values; only a stand-in for a web page or other text."""
    if not body.strip():
        return b""
    parsed = _parse(body)
    if parsed is not None:
        with suppress(RecursionError):
            return json.dumps(disguise.value(parsed), ensure_ascii=False).encode()
    return _WEB_PAGE.encode() if b"<" in answer.body[:200] else b"?"


def _parse(body: str) -> Any:
    """Parse a text as JSON; None if it is not valid JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _texts_in(value: Any) -> Iterable[str]:
    """Yield all texts, numbers and keys of a JSON value, as texts."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            pending += [*one, *one.values()]
        elif isinstance(one, list):
            pending += one
        else:
            yield str(one)


def _kept_headers(headers: Mapping[str, str], disguise: Disguise) -> Iterable[tuple[str, str]]:
    """Yield the headers that matter to the watch, if their values are known words, dates or numbers.

    Dates and credits are disguised.
    """
    for name in _DATE_HEADERS:
        if moved := disguise.http_date(headers.get(name, "")):
            yield name, moved
    for name in ("age", "retry-after"):
        text = headers.get(name, "").strip()
        if text.isascii() and text.isdigit() and int(text[:9]) < _LARGEST_AGE and len(text) < 9:
            yield name, text
        elif moved := disguise.http_date(text):
            yield name, moved
    credits_left = headers.get("x-api-credits-remaining", "").strip()
    if credits_left.isascii() and credits_left.isdigit() and len(credits_left) < 12:
        yield "x-api-credits-remaining", disguise.text(credits_left)
    for name, known in _WORD_HEADERS.items():
        words = [word.strip() for word in headers.get(name, "").lower().replace("=", ";").split(";")]
        directives = [part.strip() for word in words for part in word.split(",")]
        if any(directives) and all(one in known or (one.isdigit() and len(one) < 9) for one in directives):
            yield name, headers[name]


def _answer_object(answer: CapturedAnswer) -> dict[str, Any]:
    fields: dict[str, Any] = {"call": answer.call}
    if answer.page != 1:
        fields["page"] = answer.page
    fields |= {"status": answer.status, "headers": dict(answer.headers)}
    if answer.body:
        text = answer.body.decode()
        parsed = _parse(text)
        fields |= {"text": text} if parsed is None else {"json": parsed}
    return fields


# The file


def check_is_new(path: Path) -> None:
    """Raise a `ProblemError` if the file exists, or if its folder does not exist."""
    if path.exists() or path.is_symlink():
        message = f"{clean(str(path))} is there already, and is not overwritten."
        raise ProblemError(Problem("config", message, "Give another name."))
    if not path.parent.is_dir():
        message = f"There is no folder {clean(str(path.parent))}."
        raise ProblemError(Problem("config", message, "Make it, or give a file in another one."))


def write_capture(capture: Capture, path: Path) -> str:
    """Write a capture to a new file; returns the text of the file.

    Raises a `ProblemError` if the file exists or cannot be written.
    """
    check_is_new(path)
    text = capture.to_json()
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        message = f"{clean(str(path))} cannot be written: {error.strerror}."
        raise ProblemError(Problem("config", message, "Give a file in a folder of yours.")) from None
    return text


def read_capture(path: Path) -> Capture:
    """Read the capture in a file. Raises a `ProblemError` if the file is unreadable or holds no capture."""
    try:
        return parse_capture(path.read_text("utf-8"))
    except OSError as error:
        message = f"{clean(str(path))} cannot be read: {error.strerror}."
        raise ProblemError(Problem("config", message, "Check the file's name.")) from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        message = f"{clean(str(path))} is no capture of zbtui's."
        hint = "One is written by: zbtui doctor NAME --capture FILE"
        raise ProblemError(Problem("config", message, hint)) from None


def parse_capture(text: str) -> Capture:
    """Parse the text of a capture's file.

    Raises ValueError, TypeError, KeyError or AttributeError if the text is no capture.
    """
    body = json.loads(text)
    if body["zbtui_capture"] != _SCHEMA:
        raise ValueError("another version")
    return Capture(str(body["data_center"]), tuple(map(_parse_answer, body["answers"])))


def _parse_answer(found: Mapping[str, Any]) -> CapturedAnswer:
    status, page = found["status"], found.get("page", 1)
    if found["call"] not in _CALLS.values():
        raise ValueError("another call")
    if not isinstance(page, int) or not (status is None or isinstance(status, int)):
        raise TypeError("a status or page that is no number")
    text = json.dumps(found["json"], ensure_ascii=False) if "json" in found else found.get("text", "")
    headers = {str(name): str(value) for name, value in found["headers"].items()}
    return CapturedAnswer(found["call"], page, status, headers, text.encode())
