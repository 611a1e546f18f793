"""Target: whatever Zoho answers, and however an org is called: what is then shown, everywhere."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any, Final, TypeVar

from rich.cells import cell_len

from tests.core.build import NOW, ORG
from tests.fuzz.samples import scene
from tests.fuzz.target import Target, check_line, check_text, check_trouble, json_of
from zbtui.alerts.message import alert_as_json, alert_environment
from zbtui.check.json_text import as_json
from zbtui.check.openmetrics import as_openmetrics
from zbtui.check.report import judge_all
from zbtui.check.text import as_text
from zbtui.config.parsing import make_org
from zbtui.core.agenda import make_agenda, runs_after
from zbtui.core.alert import Alert
from zbtui.core.alert_settings import DESKTOPS
from zbtui.core.backup import parse_details
from zbtui.core.company import parse_company
from zbtui.core.event import KINDS, Event, changes, standing_of
from zbtui.core.finding import parse_filter, texts_of
from zbtui.core.history import parse_history
from zbtui.core.judge import judge
from zbtui.core.links import parse_links
from zbtui.core.ordering import SORT_WORDS, sort_key
from zbtui.core.org import Org, Policy
from zbtui.core.poll import poll_of
from zbtui.core.privacy import hide_names
from zbtui.core.runs import summarize
from zbtui.core.snapshot import Looked, Past, Snapshot, failed, succeeded
from zbtui.core.trouble import TroubleError
from zbtui.core.verdict import Verdict
from zbtui.core.zoho_page import crm_page
from zbtui.store.alerts import KeptAlert
from zbtui.store.encoding import decode_history, decode_snapshot, encode_history, encode_snapshot
from zbtui.tui.terminal import notice_sequence
from zbtui.tui.widgets.agenda_lines import draw_day, draw_org, draw_run
from zbtui.tui.widgets.detail import detail_rows
from zbtui.tui.widgets.detail_pages import history_rows, json_rows, look_rows, next_dates
from zbtui.tui.widgets.event_lines import Whose, draw_event
from zbtui.tui.widgets.fleet_bar import bar_content
from zbtui.tui.widgets.labelled_rows import column_of, lay_out
from zbtui.tui.widgets.panel import HEIGHT, SMALLEST_WIDTH, draw_panel
from zbtui.tui.widgets.table_lines import draw_row
from zbtui.tui.widgets.told import one_line

POLICY: Final = Policy()
_LONGEST_AHEAD: Final = 10 * 365 * 86_400
T = TypeVar("T")


def show(data: bytes) -> None:
    given = json_of(data)
    if not isinstance(given, dict):
        return
    given = scene() | given
    now = NOW + timedelta(seconds=_number(given["later"], -_LONGEST_AHEAD, _LONGEST_AHEAD))
    zone = timezone(timedelta(minutes=_number(given.get("zone"), -14 * 60, 14 * 60)))
    snapshot = _look(given, _org(given))
    width = _number(given["width"], 0, 300)
    for one in (snapshot, hide_names(snapshot, "org 1"), _again(snapshot), replace(snapshot, paused=True)):
        _draw(one, now, width, zone)
    _hand_on(snapshot, now, zone)
    _filter(snapshot, now, given["find"])


def _org(given: dict[str, Any]) -> Org:
    table = {"name": given["name"], "data_center": "eu", "client_id": "1000.A", "tags": given["tags"]}
    try:
        return make_org(table)
    except TroubleError as error:
        check_trouble(error.trouble)
        return ORG


def _look(given: dict[str, Any], org: Org) -> Snapshot:
    """What is known after two looks: one that gave all this, and perhaps one that failed."""
    status = _number(given["status"], 200, 599)

    def read(key: str, parse: Callable[[int, bytes, str], T]) -> T | TroubleError:
        try:
            return parse(200, json.dumps(given[key]).encode(), "eu")
        except TroubleError as error:
            check_trouble(error.trouble)
            return error

    def good(found: T | TroubleError) -> T | None:
        return None if isinstance(found, TroubleError) else found

    details = read("details", parse_details)
    page, links = good(read("history", parse_history)), good(read("urls", parse_links))
    past = Past(summarize(page.entries) if page else None, links)
    known = Snapshot(org)
    if isinstance(details, TroubleError):
        known = failed(known, details.trouble, NOW)
    else:
        looked = Looked(details, NOW, 4000, past, good(read("org", parse_company)), company_asked=True)
        known = succeeded(known, looked, NOW)
    if status >= 300:
        try:
            parse_details(status, json.dumps(given["refused"]).encode(), "eu")
        except TroubleError as error:
            check_trouble(error.trouble)
            return failed(known, error.trouble, NOW)
    return replace(known, next_look=NOW + POLICY.every)


def _again(snapshot: Snapshot) -> Snapshot:
    """As it comes back out of the journal."""
    kept = decode_snapshot(snapshot.org, encode_snapshot(snapshot))
    assert kept
    assert (kept.backup, kept.links, kept.company) == (snapshot.backup, snapshot.links, snapshot.company)
    if snapshot.history:
        assert decode_history(encode_history(snapshot.history)) == snapshot.history
    return kept


def _draw(snapshot: Snapshot, now: datetime, width: int, zone: tzinfo) -> None:
    """Each line of each view: so wide as asked, with nothing in it that a terminal obeys."""
    verdict = judge(snapshot, POLICY, now)
    check_text(verdict.word, verdict.headline, verdict.hint)
    wide = max(width, SMALLEST_WIDTH)
    for cursor in (False, True):
        panel = draw_panel(snapshot, verdict, now, wide, cursor=cursor, zone=zone)
        assert len(panel) == HEIGHT
        for line in panel:
            check_line(line, wide)
    check_line(draw_row(snapshot, verdict, now, width, zone), width)
    _draw_agenda(snapshot, verdict, now, width, zone)
    rows = [
        *detail_rows(snapshot, verdict, now, next_dates(snapshot, now, zone), zone),
        *history_rows(snapshot, now, zone),
        *look_rows([poll_of(snapshot, now, 1.5)], now, zone),
        *json_rows(snapshot),
    ]
    check_text(*(text for row in rows for text in row))
    laid_out = lay_out(rows, width)
    assert all(cell_len(line) <= max(width, column_of(rows) + 10) for line in laid_out.plain.split("\n"))
    assert {str(span.style) for span in laid_out.spans} <= {"$text-muted"}, "no text is taken for markup"
    bar = bar_content(Counter({verdict.level: 1}), snapshot, now, width, None)
    check_text(bar.plain)


def _draw_agenda(snapshot: Snapshot, verdict: Verdict, now: datetime, width: int, zone: tzinfo) -> None:
    agenda = make_agenda([(snapshot, runs_after(snapshot, now, zone))], now, zone)
    runs = list(agenda.late)
    for day in agenda.days:
        check_line(draw_day(day, width, now, zone), width)
        runs += day.runs
    for run in runs:
        line = draw_run(run, snapshot, verdict, now, width, coincides=True)
        check_line(line, width)
    check_line(draw_org(snapshot, verdict, verdict.headline, width), width)


def _hand_on(snapshot: Snapshot, now: datetime, zone: tzinfo) -> None:
    """What leaves the program: `check`, `events`, alerts, the clipboard."""
    report = judge_all([snapshot], POLICY, now)
    check_text(*as_text(report).split("\n"))
    assert json.loads(as_json(report))["orgs"][0]["name"] == snapshot.org.name
    check_text(*as_openmetrics(report).split("\n"))
    verdict = judge(snapshot, POLICY, now)
    check_text(one_line(snapshot, verdict, now))
    page = crm_page(snapshot)
    assert page and page.isascii() and page.startswith("https://crm.zoho.eu/crm/")
    standing = standing_of(snapshot, verdict, now)
    for kind, before, after in changes(None, standing) if standing else ():
        assert kind in KINDS
        event = Event(now, snapshot.org.name, kind, before, after, verdict.level.word, verdict.headline)
        for width in (0, 20, 80):
            check_line(draw_event(event, Whose(event.org), width, zone), width)
    name = snapshot.org.name
    alert = Alert(now, "alarm", name, None, verdict.name, verdict.level, verdict.headline, verdict.hint)
    kept = KeptAlert(1, alert)
    check_text(json.dumps(alert_as_json(kept)), *alert_environment(kept).values())
    for desktop in DESKTOPS:
        notice = notice_sequence(desktop, alert.title, alert.headline, tmux=False)
        check_text(notice.removeprefix("\x1b]").removesuffix("\x07"))
        assert desktop != "osc777" or notice.count(";") == 3


def _filter(snapshot: Snapshot, now: datetime, find: object) -> None:
    verdict = judge(snapshot, POLICY, now)
    parse_filter(str(find)).matches(texts_of(snapshot, verdict))
    for sort in SORT_WORDS:
        assert sort_key(sort, snapshot, verdict, now) <= sort_key(sort, snapshot, verdict, now)
    assert judge(hide_names(snapshot, "org 1"), POLICY, now).level is verdict.level


def _number(value: object, least: int, most: int) -> int:
    """A number of the scene's, which may have been spoilt."""
    text = str(value)
    number = int(text) if text.removeprefix("-").isdecimal() and len(text) < 12 else least
    return min(max(number, least), most)


def _scenes() -> list[dict[str, Any]]:
    whole = scene()
    job = whole["details"]["backup"]
    statuses = ("INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "RETICULATED", "")
    changed: list[dict[str, Any]] = [
        {"details": {"backup": job | {"status": status}}} for status in statuses
    ]
    changed += [{"status": status} for status in (304, 401, 403, 429, 500)]
    changed += [{"width": 0}, {"width": 36, "later": 900_000}, {"details": {}}, {"details": {"backup": 1}}]
    return [whole | change for change in changed]


TARGETS: Final[dict[str, Target]] = {
    "shown": Target(show, tuple(json.dumps(one).encode() for one in _scenes())),
}
