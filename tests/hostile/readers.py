"""A reader for each kind of input in the corpus: it runs the product's parsers on one input.

A reader yields the results, for checks that hold for all readers, and makes the assertions of its own.
"""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, suppress
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import pytest
from rich.cells import cell_len

from tests.hostile.corpus import ANSWERS
from tests.support.samples import NOW, ORG, snapshot_of
from tests.watch.zoho_environment import InstantClock
from tests.zoho.canned_responses import CannedApp, CannedResponse, json_response
from tests.zoho.flow_samples import CLIENT, DEVICE_CODE_PATH, DEVICE_TOKEN_PATH, TOKEN_ANSWER
from zbtui.ask import ask_number, choose_sign_in_method, confirm, read_secrets
from zbtui.check.json_format import report_as_json
from zbtui.check.openmetrics_format import report_as_openmetrics
from zbtui.check.report import report_on
from zbtui.check.text_format import report_as_text
from zbtui.clock import StopSignal
from zbtui.config.config_file import ConfigFile
from zbtui.config.parsing import org_from_table, org_to_table, parse_config
from zbtui.health.judge import judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.org import SIGN_IN_METHODS
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import is_header_safe
from zbtui.model.sign_in_progress import DeviceCode
from zbtui.model.text import MAX_LENGTH, clean
from zbtui.model.time_format import datetime_texts, format_duration, parse_duration
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.agenda import build_agenda, later_agenda_runs
from zbtui.presentation.custom_keys import InvalidKeymapError, parse_keymap
from zbtui.presentation.filter import parse_filter, searchable_texts
from zbtui.presentation.qr import qr_rows
from zbtui.store import encoding
from zbtui.store.keyring_entries import decode_access_token, decode_sign_in
from zbtui.tui.screens.detail_pages import history_rows, json_rows, next_date_rows
from zbtui.tui.screens.detail_rows import detail_rows
from zbtui.tui.views.agenda_rows import render_day, render_run
from zbtui.tui.views.panel import MIN_PANEL_WIDTH, render_panel
from zbtui.tui.views.table_rows import render_table_row
from zbtui.zoho.http import MAX_BODY, HttpClient, HttpResponse
from zbtui.zoho.loopback import LoopbackServer
from zbtui.zoho.oauth import parse_accounts_response, parse_token_response
from zbtui.zoho.sign_in import check_code_format, resolve_callback, sign_in_by_device
from zbtui.zoho_api import data_centers
from zbtui.zoho_api.backup_details import parse_backup, parse_backup_response, parse_datetime, parse_user
from zbtui.zoho_api.envelope import parse_response_object
from zbtui.zoho_api.errors import api_problem, status_problem
from zbtui.zoho_api.history import HistoryPage, parse_entry, parse_history_response
from zbtui.zoho_api.links import parse_links_response
from zbtui.zoho_api.organization import parse_company, parse_organization_response
from zbtui.zoho_api.recurrence import later_runs, parse_rrule, rrule_text
from zbtui.zoho_api.runs import build_history
from zbtui.zoho_api.sign_in_errors import TokenStep, token_problem

EU: Final = data_centers.DATA_CENTERS["eu"]
POLICY: Final = WatchPolicy()
WIDE: Final = replace(ORG, name="渡辺健" * 12)
"""An org whose name is two cells a character, and longer than any column."""
RESPONSE_PARSERS: Final[tuple[Callable[[int, bytes, str], Any], ...]] = (
    *(parse_backup_response, parse_history_response),
    *(parse_links_response, parse_organization_response),
)
"""The parser of each call's answer, in the order of `ANSWERS`."""
T = TypeVar("T")


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def json_of(data: bytes) -> Any:
    """The JSON of an answer; None if it is invalid."""
    with suppress(ValueError, RecursionError):
        return json.loads(data, parse_int=str, parse_float=str, parse_constant=str)


def tried(parse: Callable[..., T], *args: Any) -> T | Problem:
    """The result of `parse`, or the problem of its `ProblemError`, the only exception allowed."""
    try:
        return parse(*args)
    except ProblemError as error:
        return error.problem


def read_answer(data: bytes) -> Iterator[object]:
    """Read the input as the answer to each call, good or refused."""
    for status in (200, 403, 429):
        yield status_problem(status, data, "custom")
        answer = tried(parse_response_object, status, data, "custom")
        yield answer if isinstance(answer, Problem) else api_problem(status, answer, "custom")
        for parse in RESPONSE_PARSERS:
            yield (found := tried(parse, status, data, "eu"))
            if isinstance(found, HistoryPage):
                yield build_history(found.entries)


def read_rows(data: bytes) -> Iterator[object]:
    """The objects within an answer; each stays the same when it is stored and read again."""
    value = json_of(data)
    yield tried(parse_user, value)
    for parse in (parse_backup, parse_entry, parse_company):
        yield (found := tried(parse, value))
        if found and not isinstance(found, Problem):
            assert parse(json.loads(json.dumps(found.as_dict()))) == found


def read_heads(data: bytes) -> Iterator[object]:
    """The headers of an answer that are evaluated, one a line."""
    lines = (line.partition(":") for line in text_of(data).splitlines())
    reply = HttpResponse(429, {name.lower(): value.strip() for name, _, value in lines}, b"")
    at = reply.retry_at(NOW)
    assert at is None or timedelta() <= at - NOW <= timedelta(days=1, seconds=1)
    assert reply.date is None or reply.date.utcoffset() == timedelta()
    assert reply.credits_remaining is None or 0 <= reply.credits_remaining < 10**12
    with pytest.raises(ProblemError) as raised, reply.adding_retry_after(NOW):
        parse_backup_response(429, b"", "eu")
    yield raised.value.problem


def read_wire(data: bytes) -> Iterator[object]:
    """An answer as httpx gives it: headers, one a line, an empty line, and the body."""
    head, _, body = data.partition(b"\n\n")
    lines = (line.decode("latin-1").partition(":") for line in head.split(b"\n"))
    # HTTP permits no other names.
    headers = {name: value.strip() for name, _, value in lines if re.fullmatch("[A-Za-z0-9-]+", name)}
    app = CannedResponse(200, body, headers)

    async def send() -> HttpResponse:
        async with HttpClient(app) as http:
            return await http.send("GET", "https://www.zohoapis.eu/crm/bulk/v7/backup")

    reply = tried(asyncio.run, send())
    yield reply if isinstance(reply, Problem) else None
    assert isinstance(reply, Problem) or len(reply.body) <= MAX_BODY


def read_text(data: bytes) -> Iterator[object]:
    text = text_of(data)
    for longest in (MAX_LENGTH, 40, 1):
        yield (line := clean(text, longest))
        assert len(line) <= longest and clean(line, longest) == line == line.strip()
    with suppress(ValueError):
        span = parse_duration(text)
        assert timedelta() < span <= timedelta(days=3650) and parse_duration(format_duration(span)) == span
    yield (moment := tried(parse_datetime, text))
    if moment and not isinstance(moment, Problem):
        yield [datetime_texts(moment, timezone(timedelta(hours=hours))) for hours in (0, 14, -12)]
    snapshot = snapshot_of(None)
    parse_filter(text).matches(searchable_texts(snapshot, judge(snapshot, POLICY, NOW)))


def read_rule(data: bytes) -> Iterator[object]:
    """A recurrence rule from an answer, after `clean`."""
    raw = clean(text_of(data))
    yield rrule_text(raw)
    rule = parse_rrule(raw)
    assert rule is None or 1 <= rule.interval <= 52
    for first in (NOW, NOW.replace(year=1970), NOW.replace(year=2999, month=2, day=28)):
        runs = later_runs(raw, first, NOW + timedelta(days=366))
        assert list(runs) == sorted(set(runs)) and len(runs) <= 100


def read_tokens(data: bytes) -> Iterator[object]:
    tokens = tried(
        lambda: parse_token_response(
            parse_accounts_response(HttpResponse(200, {}, data), EU), 200, EU, NOW, "refresh"
        )
    )
    if isinstance(tokens, Problem):
        yield tokens
        return
    check_host(tokens.access.api_url)
    assert is_header_safe(tokens.access.token.reveal())
    assert tokens.refresh_token is None or is_header_safe(tokens.refresh_token.reveal())
    assert NOW < tokens.access.expires_at <= NOW + timedelta(days=1)


def read_device_answers(data: bytes) -> Iterator[object]:
    """The answers to the request for a device code, and to the first poll."""
    both = json_of(data)
    first, second = (both.get(key) if isinstance(both, dict) else both for key in ("code", "polled"))
    app = CannedApp(
        {
            DEVICE_CODE_PATH: [json_response(first)],
            DEVICE_TOKEN_PATH: [json_response(second), json_response(TOKEN_ANSWER)],
        }
    )
    clock = InstantClock()
    shown: list[DeviceCode] = []

    async def flow() -> None:
        async with HttpClient(app) as http:
            granted = await sign_in_by_device(http, CLIENT, EU, clock, StopSignal(clock), shown.append)
        check_host(granted.access.api_url)

    yield tried(asyncio.run, flow())
    yield shown
    for code in shown:
        assert NOW < code.expires_at <= NOW + timedelta(minutes=30)
        for url in filter(None, (code.verification_url, code.verification_url_with_code)):
            check_host(url)
            yield draw_code(url)
    assert all(asked.host.startswith("accounts.zoho") for asked in app.requests)


@lru_cache(maxsize=100)
def draw_code(url: str) -> list[str]:
    """The rows of a QR code; cached, as they take longer than all else here."""
    return list(qr_rows(url))


def read_browser(data: bytes) -> Iterator[object]:
    """A request to the loopback port, and the data center at which its code would be exchanged."""

    async def serve() -> LoopbackServer:
        async with LoopbackServer(0, "the-state", lambda: None) as loopback:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", urlsplit(loopback.redirect_uri).port
            )
            page = b""
            with suppress(ConnectionError):  # the server closes before the end of a long request
                writer.write(data)
                writer.write_eof()
                page = await reader.read()
            writer.close()
        assert page.count(b"<") in (0, 9), "the page is ours, with nothing in it of what came"
        return loopback

    if callback := asyncio.run(serve()).callback:
        yield callback.error
        yield (given := tried(resolve_callback, callback, EU))
        if not isinstance(given, Problem):
            assert is_header_safe(given[0].reveal()) and given[1] in data_centers.DATA_CENTERS.values()


def read_address(data: bytes) -> Iterator[object]:
    """A URL from an answer, the redirect or the config."""
    url = text_of(data)
    check_host(data_centers.trusted_api_url(url, EU))
    assert data_centers.trusted_data_center(url, EU) in (None, *data_centers.DATA_CENTERS.values())
    for check in (data_centers.custom_url_error, data_centers.webhook_url_error):
        yield (wrong := check(url))
        assert wrong or (httpx.URL(url).host and not httpx.URL(url).userinfo)


def check_host(url: str) -> None:
    """Assert that the HTTP client would send requests for this URL to Zoho."""
    parsed = httpx.URL(url + "/crm/bulk/v7/backup")
    assert (parsed.scheme, parsed.port, parsed.userinfo) == ("https", None, b"")
    assert ".zoho" in f".{parsed.host}" and "evil" not in parsed.host, url


def read_code(data: bytes) -> Iterator[object]:
    text = text_of(data)
    yield tried(check_code_format, text)
    if text.strip():
        steps: tuple[TokenStep, ...] = ("refresh", "code", "device")
        yield from (token_problem(text, 200, "custom", step) for step in steps)


def read_entry(data: bytes) -> Iterator[object]:
    """The two entries of an org in the keyring."""
    entry = tried(decode_sign_in, text_of(data), ORG)
    yield entry if isinstance(entry, Problem) else None
    access = decode_access_token(text_of(data), ORG)
    assert access is None or access.expires_at.tzinfo


def read_journal(data: bytes) -> Iterator[object]:
    text = text_of(data)
    if snapshot := encoding.decode_snapshot(ORG, text):
        yield judge(snapshot, POLICY, NOW)
        assert encoding.decode_snapshot(ORG, encoding.encode_snapshot(snapshot)) == snapshot
    if history := encoding.decode_history(text):
        assert encoding.decode_history(encoding.encode_history(history)) == history
    yield encoding.decode_org_state(text)


def read_config(data: bytes) -> Iterator[object]:
    """A config; an edit that is undone leaves the same config."""
    config = tried(parse_config, data.decode("utf-8", "replace"), "config.toml")
    if isinstance(config, Problem):
        yield config
        return
    yield [(org.name, org.client_id, org.soid, org.tags) for org in config.orgs]
    assert all(org_from_table(org_to_table(org)) == org for org in config.orgs)
    path = Path("config.toml").absolute()
    path.write_bytes(data)
    file = ConfigFile(path, path.with_name("lock"))
    for org in config.orgs[:1]:
        if not isinstance(tried(file.replace, org.name, replace(org, mute=not org.mute)), Problem):
            file.replace(org.name, org)
            assert file.load() == config


def read_keys(data: bytes) -> Iterator[object]:
    value = json_of(data)
    table = value if isinstance(value, dict) else {}
    try:
        yield parse_keymap({key: text for key, text in table.items() if isinstance(text, str)})
    except InvalidKeymapError as wrong:
        yield (wrong.message, wrong.hint)


def read_typed(data: bytes) -> Iterator[object]:
    """Text that a person types at each question, up to the end of the input."""
    number, yes_or_no = partial(ask_number, "Number"), partial(confirm, "Sure?", default=False)
    for question in (choose_sign_in_method, number, yes_or_no):
        with pytest.MonkeyPatch.context() as patch, suppress(EOFError), redirect_stderr(io.StringIO()):
            patch.setattr(sys, "stdin", io.StringIO(data.decode("utf-8", "replace")))
            question()
    yield None


def read_piped_in(data: bytes) -> Iterator[object]:
    """The JSON with secrets on stdin."""
    for method in (None, *SIGN_IN_METHODS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", io.StringIO(data.decode("utf-8", "replace")))
            given = tried(read_secrets, method)
        yield given if isinstance(given, Problem) else given[1].client_secret


def show(data: bytes) -> Iterator[object]:
    """An org with these answers of Zoho, drawn by each view, and in each output format."""
    given = json_of(data)
    answers = {call: given.get(call) if isinstance(given, dict) else given for call in ANSWERS}
    found: list[Any] = [
        tried(parse, 200, json.dumps(answer).encode(), "eu")
        for parse, answer in zip(RESPONSE_PARSERS, answers.values(), strict=True)
    ]
    yield found
    details, page, links, company = (None if isinstance(one, Problem) else one for one in found)
    history_and_links = HistoryAndLinks(build_history(page.entries) if page else None, links)
    snapshot = apply_observation(
        Snapshot(WIDE),
        Observation(details, NOW, NOW, 4000, history_and_links, company, company_requested=True),
        NOW,
    )
    if isinstance(found[0], Problem):
        snapshot = apply_failure(snapshot, found[0], NOW)
    kept = encoding.decode_snapshot(WIDE, encoding.encode_snapshot(snapshot))
    assert kept and kept.zoho.backup == snapshot.zoho.backup
    assert (kept.zoho.links, kept.zoho.company) == (links, company)
    now, verdict = NOW + timedelta(minutes=1), judge(snapshot, POLICY, NOW)
    agenda = build_agenda([(snapshot, later_agenda_runs(snapshot, now, UTC))], now, UTC)
    runs = [*agenda.overdue, *(run for day in agenda.days for run in day.runs)]
    for width in (MIN_PANEL_WIDTH, 90):
        lines = [
            *render_panel(snapshot, verdict, now, width, selected=True, zone=UTC),
            render_table_row(snapshot, verdict, now, width, UTC),
            *(render_day(day, width, now, UTC) for day in agenda.days),
            *(render_run(run, snapshot, verdict, now, width, shares_hour=True) for run in runs),
        ]
        for line in lines:
            yield [piece for piece, _ in line]
            assert sum(cell_len(piece) for piece, _ in line) == width
    yield detail_rows(snapshot, verdict, now, next_date_rows(snapshot, now, UTC), UTC)
    yield [*history_rows(snapshot, now, UTC), *json_rows(snapshot)]
    report = report_on([snapshot], POLICY, now)
    yield [*report_as_text(report).split("\n"), *report_as_openmetrics(report).split("\n")]
    yield json.loads(report_as_json(report))


PARSERS: Final[dict[str, Callable[[bytes], Iterable[object]]]] = {
    "answers": read_answer,
    "rows": read_rows,
    "heads": read_heads,
    "wire": read_wire,
    "texts": read_text,
    "rules": read_rule,
    "tokens": read_tokens,
    "device": read_device_answers,
    "browser": read_browser,
    "addresses": read_address,
    "codes": read_code,
    "keyring": read_entry,
    "journal": read_journal,
    "config": read_config,
    "keys": read_keys,
    "typed": read_typed,
    "piped in": read_piped_in,
    "shown": show,
}
