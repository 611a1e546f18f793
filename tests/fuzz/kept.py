"""Targets: what is kept on this machine and may have been changed there, and what is piped in."""

from __future__ import annotations

import asyncio
import atexit
import io
import json
import shutil
import sqlite3
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from tests.core.build import NOW, OFFLINE, ORG, company, history, job, row, seen
from tests.fuzz.hostile import TEXTS
from tests.fuzz.target import Target, check_line, check_text, json_of, text_of, troubled
from tests.support.clock import FakeClock
from tests.zoho.canned import canned
from zbtui.ask import ask_number, choose_way, confirm, read_secrets
from zbtui.check.events import as_rows
from zbtui.config_rules import CONFIG_RULES
from zbtui.core.backup import parse_job
from zbtui.core.cadence import next_look
from zbtui.core.event import said, standing_of
from zbtui.core.explain_sign_in import explain_token
from zbtui.core.finding import parse_filter
from zbtui.core.judge import judge
from zbtui.core.keymap import WrongKeysError, key_named, read_keymap
from zbtui.core.org import WAYS, Policy
from zbtui.core.snapshot import Snapshot, failed
from zbtui.core.trouble import LOCKOUT, TroubleError
from zbtui.store.config import check_name, make_org, org_table, parse_config
from zbtui.store.config_file import ConfigFile
from zbtui.store.credentials import parse_access, parse_sign_in
from zbtui.store.database import moment_of, stamp
from zbtui.store.encoding import (
    decode_history,
    decode_snapshot,
    decode_standing,
    encode_history,
    encode_snapshot,
    encode_standing,
)
from zbtui.store.journal import Journal, open_journal
from zbtui.store.screen_memory import ScreenMemory, read_state
from zbtui.tokens import TokenDesk
from zbtui.tui.widgets.event_lines import Whose, draw_event
from zbtui.zoho.datacenter import DATA_CENTERS
from zbtui.zoho.http import Http

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


def read_entries(data: bytes) -> None:
    """The keyring's two entries of an org."""
    text = text_of(data)
    with troubled():
        assert isinstance(parse_sign_in(text, "acme").client_secret.reveal(), str)
    access = parse_access(text)
    if access:
        access.is_good(NOW)
        assert access.expires_at.tzinfo


def read_snapshot(data: bytes) -> None:
    snapshot = decode_snapshot(ORG, text_of(data))
    if snapshot:
        verdict = judge(snapshot, Policy(), NOW)
        check_text(verdict.word, verdict.headline, verdict.hint, snapshot.company_name)
        assert decode_snapshot(ORG, encode_snapshot(snapshot)) == snapshot
        standing = standing_of(snapshot, verdict, NOW)
        assert standing is None or decode_standing(encode_standing(standing)) == standing


def read_past(data: bytes) -> None:
    past = decode_history(text_of(data))
    if past:
        assert decode_history(encode_history(past)) == past
    standing = decode_standing(text_of(data))
    if standing:
        check_text(
            standing.status, standing.verdict, standing.schedule, standing.requester, standing.trouble
        )
    with suppress(ValueError):
        moment = moment_of(text_of(data))
        assert datetime.fromisoformat(stamp(moment)) == moment


def read_journal(data: bytes) -> None:
    """Rows of each table, as another program may have left them there: lists of columns, by table."""
    tables = json_of(data)
    if not isinstance(tables, dict):
        return
    journal, connection = _journal()
    for table, columns in _COLUMNS.items():
        connection.execute(f"DELETE FROM {table}")
        rows = tables.get(table)
        for values in rows[:50] if isinstance(rows, list) else ():
            _insert(connection, table, columns, values)
    known = journal.load([ORG]).get(ORG.name)
    if known:
        judge(known, Policy(), NOW)
        next_look(known, Policy(), NOW, 0.5)
        assert decode_snapshot(ORG, encode_snapshot(known))
    asyncio.run(_read(journal, known))
    assert journal.trouble is None


async def _read(journal: Journal, known: Snapshot | None) -> None:
    for event in await journal.events.read(None, None):
        check_text(event.org, *said(event), event.level, event.headline)
        check_text(as_rows([event], UTC), as_rows([event], UTC, coloured=True).replace("\x1b[", ""))
        check_line(draw_event(event, Whose(event.org), 80, UTC), 80)
    for told in (await journal.alerts.ledger()).orgs.values():
        check_text(told.verdict)
    for kept in await journal.alerts.since(0):
        check_text(kept.alert.title, kept.alert.headline, kept.alert.hint)
    looked = failed(known or Snapshot(ORG), OFFLINE, NOW)
    await journal.note(looked, lambda snapshot: judge(snapshot, Policy(), NOW), NOW)
    desk = TokenDesk(Http(canned({"error": LOCKOUT})), journal, FakeClock(NOW))
    with troubled():
        async with desk.guarded("token", DATA_CENTERS["eu"]):
            raise TroubleError(explain_token(LOCKOUT, 200, "eu"))


@cache
def _journal() -> tuple[Journal, sqlite3.Connection]:
    """One of this process, and another way into its file."""
    folder = tempfile.mkdtemp(prefix="zbtui-fuzz-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "journal.db"
    journal = open_journal(path)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    return journal, connection


def _insert(connection: sqlite3.Connection, table: str, columns: int, values: object) -> None:
    if not isinstance(values, list):
        return
    texts = [_number(value) for value in [*values, *[None] * columns][:columns]]
    with suppress(sqlite3.Error, OverflowError, UnicodeError):  # no journal holds such a row
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({','.join('?' * columns)})", texts)


def _number(value: object) -> object:
    """`json_of` leaves numbers as texts; SQLite takes those for numbers where it needs one."""
    return json.dumps(value) if isinstance(value, dict | list) else value


def read_screen(data: bytes) -> None:
    """The file that holds how the screen was left."""
    with _folder() as folder:
        path = folder / "screen.json"
        path.write_bytes(data)
        state = ScreenMemory(path).load()
    check_text(state.find, state.theme)
    parse_filter(state.find)
    assert read_state(json.loads(json.dumps(asdict(state)))) == state


def read_config(data: bytes) -> None:
    with troubled():
        config = parse_config(data.decode("utf-8", "replace"), "config.toml", CONFIG_RULES)
        for org in config.orgs:
            check_text(org.name, org.client_id, org.soid, *org.tags)
            assert check_name(org.name) is None
            assert make_org(org_table(org), CONFIG_RULES) == org


def read_tables(data: bytes) -> None:
    """A config with other values: as JSON, and written as TOML."""
    try:
        text = tomlkit.dumps(json.loads(data))
    except (ValueError, TypeError, AttributeError, RecursionError, TOMLKitError):
        return  # there is no such TOML
    read_config(text.encode("utf-8", "replace"))


def edit_config(data: bytes) -> None:
    """A config of a person's own is edited so that nothing else in it changes, or not at all."""
    with _folder() as folder:
        path = folder / "config.toml"
        path.write_bytes(data)
        file = ConfigFile(path, folder / "lock", CONFIG_RULES)
        with troubled():
            before = file.load()
            for org in before.orgs[:2]:
                other = replace(org, mute=not org.mute, tags=("new",), client_id="1000.NEW")
                with _whole_or_not(path), troubled():
                    file.replace(org.name, other)
                    file.replace(org.name, org)
                    assert file.load() == before
            with _whole_or_not(path), troubled():
                added = replace(ORG, name="another one")
                file.add(added)
                assert file.load().orgs == (*before.orgs, added)
                file.remove(added.name)
                assert file.load() == before
            for org in before.orgs[:1]:
                with _whole_or_not(path), troubled():
                    file.remove(org.name)
                    assert file.load().orgs == before.orgs[1:]


@contextmanager
def _whole_or_not(path: Path) -> Iterator[None]:
    yield
    parse_config(path.read_text("utf-8-sig"), "config.toml", CONFIG_RULES)


def read_keys(data: bytes) -> None:
    value = json_of(data)
    chosen = (
        {key: text for key, text in value.items() if isinstance(text, str)}
        if isinstance(value, dict)
        else {}
    )
    try:
        keymap = read_keymap(chosen)
    except WrongKeysError as wrong:
        check_text(wrong.what, wrong.cure)
    else:
        for _, keys in keymap:
            check_text(keys)
            assert all(key_named(key) for key in keys.split(","))
    key_named(text_of(data))


def read_stdin(data: bytes) -> None:
    """The JSON that is piped in with the secrets."""
    before = sys.stdin
    for way in (None, *WAYS):
        sys.stdin = io.StringIO(data.decode("utf-8", "replace"))
        try:
            with troubled():
                secrets = read_secrets(way)[1]
                assert secrets.client_secret.isprintable()
        finally:
            sys.stdin = before


def read_typed(data: bytes) -> None:
    """What a person types at the questions, to the end of the input."""
    before = sys.stdin
    for question in (choose_way, partial(ask_number, "Number"), partial(confirm, "Sure?", default=False)):
        sys.stdin = io.StringIO(data.decode("utf-8", "replace"))
        try:
            with suppress(EOFError), redirect_stderr(io.StringIO()):
                question()
        finally:
            sys.stdin = before


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="zbtui-fuzz-") as folder:
        yield Path(folder)


_COLUMNS: Final = {
    "snapshot": 4,
    "history": 4,
    "standing": 6,
    "event": 8,
    "told": 5,
    "outage": 4,
    "alert": 9,
    "lockout": 3,
}
_AT: Final = stamp(NOW)
_SEEN: Final = replace(
    seen(parse_job(job())), company=company(), history_at=NOW, history=history(row("failure", NOW))
)
_STANDING: Final = standing_of(_SEEN, judge(_SEEN, Policy(), NOW), NOW)
assert _STANDING and _SEEN.history
_PAST: Final = encode_history(_SEEN.history)
_ROWS: Final[dict[str, list[Any]]] = {
    "snapshot": [[ORG.name, ORG.identity, _AT, encode_snapshot(_SEEN)]],
    "history": [[ORG.name, ORG.identity, _AT, _PAST]],
    "standing": [[ORG.name, ORG.identity, _AT, 2, _AT, encode_standing(_STANDING)]],
    "event": [
        [1, _AT, "acme", "verdict", "scheduled", "failed", "critical", "the last backup failed"],
        [2, _AT, "acme", "schedule", None, "FREQ=WEEKLY", "worse", "x"],
    ],
    "told": [["acme", "failed", 3, _AT, _AT]],
    "outage": [[1, _AT, _AT, None]],
    "alert": [[1, _AT, "alarm", "acme", None, "failed", 3, "failed", None]],
    "lockout": [["token", _AT, -5]],
}
_ENTRIES: Final = (
    {"client_secret": "x", "refresh_token": "1000.aa.bb"},
    {"access_token": "1000.aa", "api_domain": "https://www.zohoapis.eu", "expires_at": _AT},
    {"access_token": "1000.aa", "api_domain": "https://[", "expires_at": "0001-01-01T00:00:00+00:00"},
)
TARGETS: Final[dict[str, Target]] = {
    "keyring": Target(read_entries, tuple(json.dumps(entry).encode() for entry in _ENTRIES)),
    "snapshot": Target(read_snapshot, (encode_snapshot(_SEEN).encode(),)),
    "past": Target(read_past, (_PAST.encode(), encode_standing(_STANDING).encode(), _AT.encode())),
    "journal": Target(read_journal, (json.dumps(_ROWS).encode(),)),
    "screen": Target(
        read_screen,
        (
            b'{"view": "table", "sort": "name", "reverse": true, "find": "dc:eu", "theme": "x"}',
            b"[" * 70_000,
        ),
    ),
    "config": Target(
        read_config,
        (
            CONFIG.encode(),
            b'[keys]\n"\\u001b[2J" = 1',
            b'[keys]\n"\\u001b[2J" = {x = 1}',
            *(f"[keys]\n{json.dumps(text)} = {json.dumps(text)}".encode() for text in TEXTS[:15]),
            *(CONFIG.replace('"acme"', json.dumps(text)).encode("utf-8", "replace") for text in TEXTS[:15]),
            b"[[org]]\n[watch]\nevery = " + b"9" * 5000,
        ),
    ),
    "config-tables": Target(read_tables, (json.dumps(tomllib.loads(CONFIG)).encode(),)),
    "config-edit": Target(edit_config, (CONFIG.encode(), CONFIG.replace("\n", "\r\n").encode())),
    "keys": Target(
        read_keys,
        (
            b'{"fleet.look": "f5,space", "app.help": "?"}',
            *(json.dumps({"fleet.look": text, text: "f9"}).encode() for text in TEXTS),
        ),
    ),
    "typed": Target(read_typed, (b"1\n", b"yes\nbrowser\n", b"9" * 5000 + b"\n")),
    "stdin": Target(
        read_stdin, (b'{"client_secret": "x", "refresh_token": "1000.aa.bb"}', b'{"code": ["x"]}')
    ),
}
