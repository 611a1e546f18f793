"""Hostile texts, good inputs of each parser, and how the texts get into the inputs."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from tests.support.samples import NOW, ORG, history_row, make_company, make_history, make_job, snapshot_of
from tests.support.snapshots import snapshot_with
from tests.zoho.flow_samples import DEVICE_CODE_ANSWER, TOKEN_ANSWER
from zbtui.health.events import org_state_from
from zbtui.health.judge import judge
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.encoding import encode_history, encode_org_state, encode_snapshot
from zbtui.zoho_api.backup_details import parse_backup

_BELONGING: Final = {
    "client_id": ORG.client_id,
    "accounts_url": "https://accounts.zoho.eu",
    "api_url": "https://www.zohoapis.eu",
}

TEXTS: Final = (
    # Of the terminal, and hidden
    *("", " ", "\x1b[2J\x1b]0;PWNED\x07", "\x1b]52;c;cm0gLXJmIC8=\x07", "\x9b31m\x90q\x9c"),
    *("\x00\x07\x08\x0b\x0c\r\n\x7f", "\u202eevil\u2066\u2069\u200f", "\u2028two\u2029lines\x85"),
    *("\u200b\u200d\u200c\u00ad\ufeff\u2060", "\U000e0041\U000e007f", "\ud800", "\udfff\ud800"),
    # Of markup and format strings
    *("[/]", "[/b]", "[@click=app.quit]x[/]", "[$primary]", "$text", "{0.__class__}%s%n"),
    *("<script>alert(1)</script>", "../../etc/passwd"),
    # Wide, long and combined
    *("渡辺健" * 30, "👩\u200d👩\u200d👧\u200d👦🏳️\u200d🌈", "a" + "\u0301" * 300),
    *("\u0e33\u0e33\u1100\u1161\u11a8", "x" * 5000, "İẞŉ", "٣٠", "eu\u0000"),
    # Moments
    *("1970-01-01T00:00:00+14:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59-23:59"),
    *("2026-11-24T09:30:00+23:59:59.999999", "2026-11-24T09:30:00", "2999-12-31T23:59:59-14:00"),
    *("20261124T093000Z", "2026-W48-2T09:30:00+05:30", "2026-11-24T09:30:00.123456789Z"),
    # Recurrence rules
    "RRULE:FREQ=MONTHLY;INTERVAL=999999999;COUNT=999999999",
    "RRULE:FREQ=SECONDLY;COUNT=2147483647;BYHOUR=25",
    *("RRULE:FREQ=MONTHLY;BYDAY=5MO;BYMONTHDAY=1", "RRULE:FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=31"),
    *("RRULE:FREQ=WEEKLY;BYDAY=" + ",".join(["MO"] * 60), "FREQ=WEEKLY;FREQ=MONTHLY;" + ";" * 150),
    # Addresses
    *("https://accounts.zoho.eu@evil.example", "https://accounts.zoho.eu.", "https://[::1"),
    *("http://127.0.0.1:1/x", "https://www.zohoapis.eu:99999"),
    # Zoho's words
    *("SCHEDULED\u0301", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "true"),
)
"""Hostile texts, tried in each place that has a text."""
RAW: Final = (
    *("9" * 5000, "-" + "9" * 5000, "1" + "0" * 400 + ".5", "1e400", "18446744073709551616"),
    *("-0", "0", "-1", "NaN", "Infinity", "-Infinity", "true", "null", "[]", "{}"),
    *("[" * 400 + "]" * 400, '{"a":' * 400 + "1" + "}" * 400),
    *('{"id": "1", "id": null, "id": ["x"]}', '"\\ud800\\u0000\\u001b[2J"'),
)
"""Pieces of JSON text, some of which encode no value."""
BODIES: Final = (
    *(b"", b" ", b"{}", b"[]", b"null", b"NaN"),
    *(b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"\x00" * 64, b'"\xed\xa0\x80"'),
    *(b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b'"' + b"x" * 100_000 + b'"'),
    b"<html>Sign in to the Wi-Fi</html>",
    b'{"code": "\\u001b[2J", "message": "\\u202e", "status": "error", "details": {"permissions": 1}}',
)
"""Bodies of whole answers."""
ANSWERS: Final[dict[str, Any]] = {
    "details": {"backup": make_job()},
    "history": {
        "history": [
            history_row("completed", NOW, file_name="Data_001.zip"),
            history_row("purchased", None, count=2),
            history_row("stopped", NOW),
        ],
        "info": {"more_records": False},
    },
    "links": {
        "urls": {
            "data_links": ["https://download.example/1"],
            "attachment_links": [],
            "expiry_date": "2026-11-25T09:30:00+01:00",
        }
    },
    "org": {"org": [make_company().as_dict()]},
}
"""Zoho's good answers, by call."""
CONFIG: Final = """# ours
[watch]
every = "10m"  # slowly
[alerts]
least = "critical"
on_change = ["notify-send", "zbtui"]
webhook = "https://hooks.example/x"
[journal]
most_events = 5000
[keys]
"fleet.look" = "f5,space"

# the first one
[[org]]
name = "acme"
data_center = "eu"
client_id = "1000.ABC"
tags = ["prod"]
accent = "blue"
max_age = "40d"

[[org]]
name = "portal"
data_center = "custom"
client_id = "1000.DEF"
grant = "client-credentials"
soid = "ZohoCRM.20098765432"
accounts_url = "https://accounts.portal.example"
api_url = "https://api.portal.example"
"""
_SNAPSHOT: Final = snapshot_with(
    snapshot_of(parse_backup(make_job())),
    company=make_company(),
    history_read_at=NOW,
    history=make_history(history_row("failure", NOW)),
)
_ORG_STATE: Final = org_state_from(_SNAPSHOT, judge(_SNAPSHOT, WatchPolicy(), NOW), NOW)
assert _SNAPSHOT.zoho.history and _ORG_STATE


def _bytes(*values: Any) -> tuple[bytes, ...]:
    """Texts as they are, anything else as JSON."""
    return tuple(
        (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "surrogatepass")
        for value in values
    )


def _callback(**query: str) -> bytes:
    return f"GET /?{urlencode({'state': 'the-state', **query})} HTTP/1.1\r\n\r\n".encode()


GOOD: Final[dict[str, tuple[bytes, ...]]] = {
    "answers": (
        *_bytes(*ANSWERS.values()),
        *_bytes(
            *(
                {"code": code, "message": "x", "details": {}}
                for code in ("NO_PERMISSION", "INVALID_TOKEN", "")
            )
        ),
        # The largest number of rows that is still read.
        b'{"history": [' + b'{"state": "failed"},' * 45_000 + b"{}]}",
    ),
    "rows": _bytes(
        make_job(), make_job()["requester"], history_row("failure", NOW), make_company().as_dict()
    ),
    "heads": _bytes(
        "Date: Mon, 23 Nov 2026 11:20:00 GMT\nRetry-After: 90\nX-API-CREDITS-REMAINING: 4000",
        "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\nDate: Fri, 01 Jan 2100 00:00:00 -2359",
        "Retry-After: 99999999999999999999\nDate: Mon, 32 Foo 99999 99:99:99 +9999",
        "Retry-After: -5\nX-API-CREDITS-REMAINING: ²",
    ),
    "wire": (
        b"Content-Type: application/json\n\n{}",
        b"Content-Encoding: gzip\n\n" + gzip.compress(b'{"backup": null}'),
        b"Content-Encoding: gzip\n\n" + gzip.compress(bytes(1 << 21)),
        b"Content-Encoding: br\n\nx",
    ),
    "texts": _bytes(
        "2026-11-24T09:30:00+01:00", "1h30m", "3650d", "999999999d", 'dc:eu !"old ones" tag:prod'
    ),
    "rules": _bytes("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH,4TH,-1FR;WKST=SU", "FREQ=MONTHLY;BYMONTHDAY=15,31"),
    "tokens": _bytes(
        TOKEN_ANSWER,
        {"error": "invalid_code"},
        {**TOKEN_ANSWER, "expires_in_sec": 3600, "expires_in": 3.6e6},
        *({**TOKEN_ANSWER, "expires_in": text} for text in ("3600000.5", "1e400", "-1")),
    ),
    "device": _bytes(
        *(
            {"code": DEVICE_CODE_ANSWER, "polled": polled}
            for polled in (TOKEN_ANSWER, {"error": "slow_down"})
        ),
        {"code": DEVICE_CODE_ANSWER, "polled": {"error": "other_dc", "user_location": "in"}},
        {"code": {"error": "invalid_client"}, "polled": {}},
    ),
    "browser": (
        _callback(code="1000.aa.bb", location="eu", **{"accounts-server": "https://accounts.zoho.eu"}),
        _callback(code="1000.aa.bb", **{"accounts-server": "https://accounts.zoho.eu@evil.example"}),
        _callback(error="access_denied"),
        _callback(code="1000.aa.bb", location="\x1b[2J"),
        b"POST / HTTP/1.1\r\n\r\n",
        b"GET //[::1/?state=the-state HTTP/1.1\r\n\r\n",
    ),
    "addresses": _bytes(
        "https://accounts.zoho.eu",
        "https://www.zohoapis.eu",
        "https://x@www.zohoapis.eu",
        "https://hooks.example/x?y",
    ),
    "codes": _bytes("1000.aa.bb", "invalid_code", "Access Denied", "\x1b[2J"),
    "keyring": _bytes(
        {"client_secret": "x", "refresh_token": "1000.aa.bb", **_BELONGING},
        {
            "access_token": "1000.aa",
            "api_domain": "https://www.zohoapis.eu",
            "expires_at": NOW.isoformat(),
            **_BELONGING,
        },
        {
            "access_token": "1000.aa",
            "api_domain": "https://[",
            "expires_at": "0001-01-01T00:00:00+00:00",
            **_BELONGING,
        },
    ),
    "journal": _bytes(
        encode_snapshot(_SNAPSHOT), encode_history(_SNAPSHOT.zoho.history), encode_org_state(_ORG_STATE)
    ),
    "config": (
        *_bytes(CONFIG, CONFIG.replace("\n", "\r\n"), "[[org]]\n[watch]\nevery = " + "9" * 5000),
        *_bytes(*(CONFIG.replace('"acme"', json.dumps(text)) for text in TEXTS[:15])),
        *_bytes(*(f"[keys]\n{json.dumps(text)} = {{x = 1}}" for text in TEXTS[:15])),
    ),
    "keys": _bytes({"fleet.look": "f5,space"}, *({"fleet.look": text, text: "f9"} for text in TEXTS)),
    "typed": _bytes("1\n", "yes\nbrowser\n", "9" * 5000 + "\n"),
    "piped in": _bytes({"client_secret": "x", "refresh_token": "1000.aa.bb"}, {"code": ["x"]}),
    "shown": _bytes(
        ANSWERS,
        *(ANSWERS | {"details": {"backup": make_job(status=text)}} for text in ("FAILED", "STOPPED")),
    ),
}
"""Good inputs of each parser, and inputs that once broke it."""
MOST: Final = 300
"""The number of spoilt inputs per parser."""


def spoilt(goods: tuple[bytes, ...]) -> Iterator[bytes]:
    """Good JSON with one hostile value; other inputs with a hostile text at an end or within.

    A random sample, the same in each run.
    """
    every: list[tuple[bytes, Any, str]] = []
    for good in (one for one in goods if len(one) < 10_000):
        try:
            value = json.loads(good)
        except ValueError:
            every += [(good, at, text) for at in (0, len(good) // 2, len(good)) for text in (*TEXTS, *RAW)]
            continue
        opened = [json.dumps(_changed(value, path, "@raw@")).encode() for path in _places(value)]
        every += [(one, None, raw) for one in opened for raw in (*map(json.dumps, TEXTS), *RAW)]
    for good, at, text in random.Random(0).sample(every, min(MOST, len(every))):
        hostile = text.encode("utf-8", "surrogatepass")
        yield good.replace(b'"@raw@"', hostile) if at is None else good[:at] + hostile + good[at:]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of each value within a JSON value, beginning with that of the whole."""
    yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from _places(child, (*path, key))


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """A copy of a JSON value, with `new` at `path`."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _changed(copy[path[0]], path[1:], new)
    return copy
