"""Values that break programs, and how they get into what was a good answer."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, Final

TEXTS: Final = (
    "",
    " ",
    "\x1b[2J\x1b]0;PWNED\x07",
    "\x1b]52;c;cm0gLXJmIC8=\x07",
    "\x9b31m\x90q\x9c",
    "\x00\x07\x08\x0b\x0c\r\n\x7f",
    "\u202eevil\u2066\u2069\u200f",
    "\u2028two\u2029lines\x85",
    "\u200b\u200d\u200c\u00ad\ufeff\u2060",
    "\U000e0041\U000e007f",
    "\ud800",
    "\udfff\ud800",
    "[/]",
    "[/b]",
    "[@click=app.quit]x[/]",
    "[$primary]",
    "$text",
    "{0.__class__}%s%n",
    "<script>alert(1)</script>",
    "渡辺健" * 30,
    "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈",
    "a" + "\u0301" * 300,
    "\u0e33\u0e33\u1100\u1161\u11a8",
    "x" * 5000,
    "İẞŉ",
    "../../etc/passwd",
    "1970-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00+00:00",
    "9999-12-31T23:59:59-23:59",
    "2026-11-24T09:30:00+23:59:59.999999",
    "2026-11-24T09:30:00",
    "2999-12-31T23:59:59-14:00",
    "20261124T093000Z",
    "2026-W48-2T09:30:00+05:30",
    "2026-11-24T09:30:00.123456789Z",
    "RRULE:FREQ=MONTHLY;INTERVAL=999999999;COUNT=999999999",
    "RRULE:FREQ=SECONDLY;COUNT=2147483647;BYHOUR=25",
    "RRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1",
    "RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31",
    "RRULE:FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 60),
    "FREQ=WEEKLY;FREQ=MONTHLY;" + ";" * 150,
    "https://accounts.zoho.eu@evil.example",
    "https://accounts.zoho.eu.",
    "https://[::1",
    "http://127.0.0.1:1/x",
    "https://www.zohoapis.eu:99999",
    "eu\u0000",
    "٣٠",
    "SCHEDULED\u0301",
    "INPROGRESS",
    "COMPLETED",
    "FAILED",
    "STOPPED",
    "true",
)
"""For every place of a text."""
RAW: Final = (
    "9" * 5000,
    "-" + "9" * 5000,
    "1" + "0" * 400 + ".5",
    "1e400",
    "-0",
    "NaN",
    "Infinity",
    "-Infinity",
    "18446744073709551616",
    "[" * 400 + "]" * 400,
    '{"a":' * 400 + "1" + "}" * 400,
    '{"id": "1", "id": null, "id": ["x"]}',
    '"\\ud800\\u0000\\u001b[2J"',
    "true",
    "null",
    "[]",
    "{}",
    "0",
    "-1",
)
"""Pieces of JSON, as they stand in a text: some that no value gives."""
BODIES: Final = (
    b"",
    b" ",
    b"{}",
    b"[]",
    b"null",
    b"NaN",
    b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}",
    b"\x00" * 64,
    b"<html>Sign in to the Wi-Fi</html>",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 100_000,
    b'"' + b"x" * 100_000 + b'"',
    b'"\xed\xa0\x80"',
    b'{"code": "\\u001b[2J", "message": "\\u202e", "status": "error", "details": {"permissions": 1}}',
)
"""Whole answers."""
_MARK: Final = "@raw@"


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value in a JSON value, its own first."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from places_in(child, (*path, key))


def changed_at(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy with another value at one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed_at(copy[path[0]], path[1:], new)
    return copy


def spoil(value: Any, luck: random.Random) -> str:
    """A JSON text that was `value`, with something hostile in a place or two."""
    raw = ""
    new: Any
    for _ in range(luck.choice((1, 1, 2, 4))):
        path = luck.choice(list(places_in(value)))
        match luck.randrange(8):
            case 0:
                raw, new = luck.choice(RAW), _MARK
            case 1:
                new = _at(value, luck.choice(list(places_in(value))))  # out of place
            case 2 if isinstance(found := _at(value, path), list) and found:
                new = found * luck.choice((2, 40))
            case 3 if isinstance(found := _at(value, path), dict) and found:
                new = {key: one for key, one in found.items() if luck.random() < 0.7}
            case 4 if isinstance(found := _at(value, path), str):
                cut = luck.randrange(len(found) + 1)
                new = found[:cut] + luck.choice(TEXTS) + found[cut:]
            case _:
                new = luck.choice(TEXTS)
        value = changed_at(value, path, new)
    return json.dumps(value).replace(json.dumps(_MARK), raw or "null")


def mutate(data: bytes, luck: random.Random) -> bytes:
    """What `spoil` makes of the JSON in it, which may follow a first line; else `splice`."""
    head, line, body = data.partition(b"\n")
    if not line or not head.isdigit():
        head, line, body = b"", b"", data
    try:
        value = json.loads(body)
        if luck.random() < 0.8:
            return head + line + spoil(value, luck).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        pass
    return splice(data, luck)


def splice(data: bytes, luck: random.Random) -> bytes:
    """With a part of it left out, or said twice, and something hostile in its place or behind it."""
    start = luck.randrange(len(data) + 1)
    end = min(start + luck.choice((0, 0, 1, 5, 40)), len(data))
    texts = (luck.choice(TEXTS), luck.choice(RAW), luck.choice("\x00\t\n\r \"'\\,;:=[]{}#%&?@./-+0"))
    new = luck.choice(texts).encode("utf-8", "surrogatepass")
    return data[: luck.choice((start, end))] + new + data[luck.choice((start, end)) :]


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value
