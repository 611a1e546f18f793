"""Targets: the answers of Zoho's API hosts, their heads, and the words in them."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Final

from tests.core.build import NOW, company, job, row, seen
from tests.fuzz.hostile import BODIES, TEXTS
from tests.fuzz.samples import answers
from tests.fuzz.target import Target, answer_of, check_text, check_trouble, json_of, text_of, troubled
from tests.zoho.canned import Canned
from zbtui.core.backup import parse_details, parse_job, parse_moment, parse_requester
from zbtui.core.company import parse_company, read_company, whose_org
from zbtui.core.envelope import load_answer, open_answer
from zbtui.core.explain import explain_api, explain_status
from zbtui.core.finding import parse_filter, texts_of
from zbtui.core.history import MOST_PAGES, MOST_ROWS, parse_entry, parse_history
from zbtui.core.judge import judge
from zbtui.core.links import parse_links
from zbtui.core.org import Policy
from zbtui.core.recurrence import in_words, later_runs, parse_rrule
from zbtui.core.runs import summarize
from zbtui.core.secret import AccessToken, Secret
from zbtui.core.text import LONGEST, clean
from zbtui.core.timefmt import day, moment_texts, month_of, offset_text, parse_duration, spell_duration
from zbtui.core.trouble import TroubleError
from zbtui.zoho.client import fetch_history
from zbtui.zoho.http import MAX_BODY, Http, Reply

YEAR: Final = timedelta(days=366)
ZONES: Final = tuple(timezone(timedelta(hours=hours)) for hours in (0, 14, -12))


def read_details(data: bytes) -> None:
    with troubled():
        backup = parse_details(*answer_of(data), "eu")
        if backup:
            who = backup.requester
            texts = [backup.id, backup.status, backup.scheduled_date, backup.start_date, backup.rrule]
            check_text(*texts, *((who.id, who.name, who.zuid) if who else ()))
            assert parse_job(json.loads(json.dumps(backup.as_dict()))) == backup


def read_history(data: bytes) -> None:
    with troubled():
        page = parse_history(*answer_of(data), "eu")
        assert len(page.entries) <= MOST_ROWS
        for entry in page.entries:
            check_text(entry.id, entry.action, entry.state, entry.repeat_type, entry.file_name)
            assert parse_entry(json.loads(json.dumps(entry.as_dict()))) == entry
        history = summarize(page.entries)
        assert len(history.entries) <= len(page.entries)
        assert len(history.runs) <= len(history.entries)


def read_links(data: bytes) -> None:
    with troubled():
        links = parse_links(*answer_of(data), "eu")
        assert 0 <= links.data <= MAX_BODY and 0 <= links.attachments <= MAX_BODY


def read_org(data: bytes) -> None:
    with troubled():
        company = parse_company(*answer_of(data), "eu")
        check_text(whose_org(company))
        if company:
            assert read_company(json.loads(json.dumps(company.as_dict()))) == company
            assert company.included in (None, 0, 2, 4)


def read_envelope(data: bytes) -> None:
    """Each answer is opened by all, whichever call it answers."""
    status, body = answer_of(data)
    check_trouble(explain_status(status, body, "custom"))
    with troubled():
        answer = load_answer(status, body, "custom")
        check_trouble(explain_api(status, answer, "custom"))
    for subject in ("backup", "history", "urls", "org"):
        with troubled():
            open_answer(status, body, subject, "eu")


def read_rows(data: bytes) -> None:
    """The objects within an answer, as the journal reads them, too."""
    value = json_of(data)
    with troubled():
        parse_job(value)
    with troubled():
        parse_requester(value, "a backup")
    with troubled():
        parse_entry(value)
    with troubled():
        read_company(value)


def read_pages(data: bytes) -> None:
    """The same page of a history for as long as it says that there are more."""
    status, body = answer_of(data)
    app = Canned(status, body)
    access = AccessToken(Secret("1000.aa.bb"), "https://www.zohoapis.eu", NOW)

    async def fetch() -> None:
        async with Http(app) as http:
            await fetch_history(http, access, "eu", NOW)

    with troubled():
        asyncio.run(fetch())
    assert len(app.asked) <= MOST_PAGES


def read_heads(data: bytes) -> None:
    """The headers of an answer that mean something; a line each."""
    lines = (line.partition(":") for line in text_of(data).splitlines())
    headers = {name.lower(): value.strip() for name, _, value in lines}
    reply = Reply(429, headers, b"")
    for now in (NOW, NOW.astimezone(timezone(timedelta(hours=-11)))):
        at = reply.retry_at(now)
        assert at is None or timedelta() <= at - now <= timedelta(days=1, seconds=1)
        try:
            with reply.refusing(now):
                parse_details(429, b"", "eu")
        except TroubleError as error:
            check_trouble(error.trouble)
    assert reply.date is None or reply.date.utcoffset() == timedelta()
    assert reply.credits_remaining is None or 0 <= reply.credits_remaining < 10**12


def read_wire(data: bytes) -> None:
    """An answer as httpx gives it: the headers, a line each, an empty line, and the body."""
    head, _, body = data.partition(b"\n\n")
    lines = (line.partition(b":") for line in head.split(b"\n"))
    named = {name.decode("latin-1"): value.decode("latin-1").strip() for name, _, value in lines}
    app = Canned(200, body, {name: value for name, value in named.items() if _is_name(name)})

    async def send() -> Reply:
        async with Http(app) as http:
            return await http.send("GET", "https://www.zohoapis.eu/crm/bulk/v7/backup")

    with troubled():
        assert len(asyncio.run(send()).body) <= MAX_BODY


def read_words(data: bytes) -> None:
    text = text_of(data)
    for longest in (LONGEST, 40, 1):
        line = clean(text, longest)
        check_text(line)
        assert len(line) <= longest
        assert line == line.strip() and "  " not in line
        assert clean(line, longest) == line


def read_dates(data: bytes) -> None:
    with troubled():
        moment = parse_moment(text_of(data))
        assert moment and moment.tzinfo
        for zone in ZONES:
            assert moment.astimezone(zone) == moment
            check_text(*moment_texts(moment, zone))
        check_text(offset_text(moment), day(moment, year=True), moment.isoformat())
        begin, end = month_of(moment)
        assert begin <= moment < end
        assert abs(moment - NOW) < timedelta(days=366_000)


def read_spans(data: bytes) -> None:
    try:
        span = parse_duration(text_of(data))
    except ValueError as error:
        check_text(str(error))
    else:
        assert timedelta() < span <= timedelta(days=3650)
        assert parse_duration(spell_duration(span)) == span


def read_rules(data: bytes) -> None:
    """A recurrence rule as it comes in an answer: cleaned."""
    raw = clean(text_of(data))
    rule = parse_rrule(raw)
    check_text(in_words(raw))
    if rule:
        assert 1 <= rule.interval <= 52
        for gap in (rule.usual_gap, rule.documented_gap):
            assert gap is None or timedelta(days=1) <= gap <= timedelta(days=366 * 52)
    for first in (NOW, NOW.replace(year=1970), NOW.replace(year=2999, month=2, day=28)):
        runs = later_runs(raw, first, NOW + YEAR)
        assert list(runs) == sorted(set(runs)) and len(runs) <= 100
        assert all(first < run <= NOW + YEAR for run in runs)


def read_filter(data: bytes) -> None:
    wanted = parse_filter(text_of(data))
    snapshot = seen(parse_job(job()))
    wanted.matches(texts_of(snapshot, judge(snapshot, Policy(), NOW)))


def _is_name(name: str) -> bool:
    """Of a header: another one never gets through HTTP."""
    return bool(name) and name.isascii() and name.replace("-", "").isalnum()


def _texts(*, is_date: bool) -> list[str]:
    """The hostile ones that look like a date, or like a recurrence rule."""
    return [text for text in TEXTS if (text[:1].isdigit() if is_date else "FREQ=" in text)]


def _of(call: str, parse: Callable[[bytes], None], *more: bytes) -> Target:
    """A target for the answer to one call: the simulator's, and what is none."""
    bad = (b"200\n" + body for body in BODIES if len(body) < 1000)
    refused = (
        b"403\n" + json.dumps({"code": code, "message": "x", "status": "error"}).encode() for code in _CODES
    )
    return Target(parse, (*answers()[call], b"204\n", *bad, *refused, *more))


_CODES: Final = ("NO_PERMISSION", "INVALID_TOKEN", "OAUTH_SCOPE_MISMATCH", "TOO_MANY_REQUESTS", "")
_RULES: Final = (
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH,4TH,-1FR;WKST=SU",
    "FREQ=MONTHLY;BYMONTHDAY=15,31",
)
_HEADS: Final = (
    "Date: Mon, 23 Nov 2026 11:20:00 GMT\nRetry-After: 90\nX-API-CREDITS-REMAINING: 4000",
    "Retry-After: Fri, 01 Jan 2100 00:00:00 GMT\nDate: Fri, 01 Jan 2100 00:00:00 -2359",
    "Retry-After: 99999999999999999999\nDate: Mon, 32 Foo 99999 99:99:99 +9999",
    "Retry-After: -5\nX-API-CREDITS-REMAINING: ²",
)
_MANY_ROWS: Final = b'200\n{"history": [' + b'{"state": "failed"},' * 45_000 + b"{}]}"
"""As many as an answer may hold that is read at all."""
_PAGE: Final = json.dumps({"history": [row("completed", NOW)], "info": {"more_records": True}})
TARGETS: Final[dict[str, Target]] = {
    "details": _of("details", read_details),
    "history": _of("history", read_history, _MANY_ROWS),
    "history-pages": Target(read_pages, (b"200\n" + _PAGE.encode(), b"204\n")),
    "links": _of("links", read_links),
    "org": _of("company", read_org),
    "envelope": Target(read_envelope, tuple(one for call in answers().values() for one in call)),
    "rows": Target(
        read_rows,
        tuple(
            json.dumps(value).encode()
            for value in (job(), job()["requester"], row("failure", NOW), company().as_dict())
        ),
    ),
    "heads": Target(read_heads, tuple(head.encode() for head in _HEADS)),
    "wire": Target(
        read_wire,
        (
            b"Content-Type: application/json\n\n{}",
            b"Content-Encoding: gzip\n\n" + gzip.compress(b'{"backup": null}'),
            b"Content-Encoding: gzip\n\n" + gzip.compress(bytes(1 << 21)),
            b"Content-Encoding: br\n\nx",
        ),
    ),
    "text": Target(read_words, tuple(text.encode("utf-8", "surrogatepass") for text in TEXTS)),
    "dates": Target(read_dates, tuple(text.encode() for text in _texts(is_date=True))),
    "spans": Target(read_spans, (b"5m", b"1h30m", b"3650d", b"999999999d")),
    "rules": Target(read_rules, tuple(text.encode() for text in (*_RULES, *_texts(is_date=False)))),
    "filter": Target(read_filter, (b'dc:eu !"old ones" tag:prod', b'!!"', b"by: level:ok")),
}
