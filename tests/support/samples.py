"""Sample jobs, backups and snapshots, and Hypothesis strategies for them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.snapshots import build_snapshot
from zbtui.health.due_dates import DueDate
from zbtui.health.snapshot import HistoryAndLinks, Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.backup_details import Backup, parse_backup
from zbtui.zoho_api.history import HistoryEntry, parse_entry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History, build_history

NOW: Final = START
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

POLICY: Final = WatchPolicy()
ORG: Final = Org("acme", "eu", "1000.ACME")
OFFLINE: Final = Problem("network", "Zoho cannot be reached.", "Check the network.")
SIGNED_OUT: Final = Problem(
    "auth", "The sign-in is dead.", "Sign in again.", "invalid_code", 200, final=True
)

ZONES: Final = (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))
"""Fixed offsets: they are the same on every machine."""

# Reproducible, and patient with a busy machine.
reproducible = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def make_job(**keys: object) -> dict[str, Any]:
    """The object under `backup`, of a healthy weekly schedule, with these keys replaced."""
    return {
        "id": "5100000000412007",
        "status": "SCHEDULED",
        "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU",
        "start_date": "2026-03-03T09:30:00+01:00",
        "scheduled_date": "2026-11-24T09:30:00+01:00",
        "requester": {"id": "5100000000031009", "name": "Mara Lindqvist", "zuid": "20071234567"},
        **keys,
    }


def make_answer(**keys: object) -> bytes:
    """The answer with `make_job(**keys)`."""
    return json.dumps({"backup": make_job(**keys)}).encode()


def make_backup(
    status: str | None = "SCHEDULED", next_run: datetime | None = None, **keys: object
) -> Backup:
    """A parsed backup; `next_run` None: it has none."""
    date = next_run.isoformat() if next_run else None
    read = parse_backup(make_job(**{"status": status, "scheduled_date": date, **keys}))
    assert read is not None
    return read


def snapshot_of(what: Backup | None, **known: Any) -> Snapshot:
    """A snapshot whose last poll succeeded, at `observed_at` (by default just now)."""
    known = {"observed_at": NOW, "attempted_at": NOW, **known}
    return build_snapshot(ORG, backup=what, **known)


def snapshot_with_next_run(span: timedelta, status: str = "SCHEDULED", **known: Any) -> Snapshot:
    """A snapshot just made whose next run is `span` ahead (negative: ago)."""
    return snapshot_of(make_backup(status, NOW + span), **known)


def snapshot_of_running_backup(for_: timedelta | None, **known: object) -> Snapshot:
    """A snapshot of a run in progress, first seen `for_` ago; None: unknown."""
    since = None if for_ is None else NOW - for_
    return snapshot_of(make_backup("INPROGRESS"), running_since=since, **known)


def history_row(word: str | None, at: datetime | None = None, **keys: object) -> dict[str, Any]:
    """A row of the history: `word` is its state if it is a documented end, else its action."""
    ended = word in ("completed", "failure")
    return {
        "id": None,
        "action": None if ended else word,
        "state": word if ended else None,
        "repeat_type": "weekly",
        "file_name": None,
        "count": 0,
        "log_time": at and at.isoformat(),
        "done_by": {"id": "5100000000031009", "name": "Mara Lindqvist", "zuid": "20071234567"},
        **keys,
    }


def make_history(*rows: dict[str, Any]) -> History:
    """The history of these rows, in the server's order."""
    return build_history(parse_entry(one) for one in rows)


def history_with_one_end(word: str, ago: timedelta, **keys: object) -> History:
    """A history with a single row, of a run's end `ago`."""
    return make_history(history_row(word, NOW - ago, **keys))


def make_company(edition: str | None = "enterprise", **keys: Any) -> Company:
    """An org's company."""
    given: dict[str, Any] = {
        "name": "Nordlys Tools AB",
        "org_number": "20098765432",
        "country": "Sweden",
        "org_type": "production",
    }
    return Company(**(given | {"edition": edition} | keys))


_LONG: Final = timedelta(days=60)
timedeltas = st.timedeltas(-_LONG, _LONG).map(lambda span: timedelta(seconds=int(span.total_seconds())))
zones = st.sampled_from(ZONES)
statuses = st.sampled_from(
    [
        "SCHEDULED",
        "In Progress",
        "INPROGRESS",
        "COMPLETED",
        "FAILED",
        "PAYMENT_FAILED",
        "STOPPED",
        "FINISHED",
        "ARCHIVED",
        None,
    ]
)
problems = st.sampled_from(
    [
        OFFLINE,
        SIGNED_OUT,
        Problem("throttled", "Too much.", "Wait.", "TOO_MANY_REQUESTS", 429, retry_at=NOW + HOUR),
        Problem("throttled", "Locked.", "Wait.", "Access Denied", 200, retry_at=NOW + 10 * MINUTE),
        Problem("server", "Out of order.", "Wait.", None, 503, retry_at=NOW - HOUR),
    ]
)
policies = st.builds(
    WatchPolicy,
    every=st.timedeltas(15 * SECOND, DAY),
    near_every=st.timedeltas(SECOND, HOUR),
    overdue_after=st.timedeltas(MINUTE, 3 * DAY),
    long_run_after=st.timedeltas(HOUR, 3 * DAY),
    max_age=st.none() | st.timedeltas(HOUR, 60 * DAY),
)


@st.composite
def backups(draw: st.DrawFn) -> Backup:
    """Backups of every status, their next run long ago to far ahead, or missing."""
    span = draw(st.none() | timedeltas)
    next_run = None if span is None else (NOW + span).astimezone(draw(zones))
    rrule = draw(st.sampled_from([None, "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "something else"]))
    first_run = draw(st.sampled_from([None, "2026-03-03T09:30:00+01:00"]))
    return make_backup(draw(statuses), next_run, rrule=rrule, start_date=first_run)


history_words = st.none() | st.sampled_from(
    ["scheduled", "stopped", "purchased", "initiated", "completed", "failure", "failed", "reticulated"]
)
past_moments = st.timedeltas(timedelta(), 400 * DAY).map(
    lambda ago: NOW - timedelta(seconds=int(ago.total_seconds()))
)
entries: st.SearchStrategy[HistoryEntry] = st.builds(
    HistoryEntry,
    id=st.none() | st.integers(1, 30).map(str),
    action=history_words,
    state=history_words,
    repeat_type=st.sampled_from([None, "immediate", "weekly"]),
    file_name=st.none(),
    count=st.integers(0, 3),
    logged_at=st.none() | past_moments,
    done_by=st.none(),
)
"""Rows of every kind, with a time or without."""
histories = st.lists(entries, max_size=12).map(build_history)
links = st.builds(
    Links,
    data_parts=st.integers(0, 2),
    attachment_parts=st.integers(0, 2),
    expires_at=st.none() | timedeltas.map(lambda span: NOW + span),
)
companies = st.builds(
    make_company, st.sampled_from([None, "free", "zohooneenterprise", "Ultimate", "bigin"])
)


@st.composite
def histories_and_links(draw: st.DrawFn) -> HistoryAndLinks:
    """History, links or both; with a problem, unless both are there."""
    found, urls = draw(st.none() | histories), draw(st.none() | links)
    return HistoryAndLinks(found, urls, None if found and urls else draw(problems))


due_dates = st.lists(
    st.builds(DueDate, timedeltas.map(lambda span: NOW - span), st.just(NOW - 9 * DAY), st.booleans()),
    max_size=3,
).map(lambda dates: tuple(sorted(dates, key=lambda due: due.at)))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Any snapshot that a poller or the journal may have at NOW."""
    age = draw(st.none() | st.timedeltas(timedelta(), 2 * DAY))
    problem = draw(st.none() | problems)
    what = draw(st.none() | backups()) if age is not None else None
    extras = draw(st.none() | histories_and_links()) if age is not None else None
    read_at = NOW - draw(st.timedeltas(timedelta(), 2 * DAY))
    return build_snapshot(
        ORG,
        backup=what,
        observed_at=None if age is None else NOW - age,
        attempted_at=NOW if problem else None if age is None else NOW - age,
        problem=problem,
        failures=draw(st.integers(1, 40)) if problem else 0,
        failing_since=NOW - draw(st.timedeltas(timedelta(), DAY)) if problem else None,
        running_since=draw(st.none() | timedeltas.map(lambda span: NOW - abs(span))),
        previous_run_failed=draw(st.booleans()),
        clock_offset=draw(st.sampled_from([timedelta(), -HOUR, 7 * HOUR])),
        restored=draw(st.booleans()),
        company=draw(st.none() | companies) if extras else None,
        history=extras.history if extras else None,
        history_read_at=read_at if extras and extras.history else None,
        links=extras.links if extras else None,
        last_links_expiry=extras.links.expires_at if extras and extras.links else None,
        history_tried_at=NOW - age if extras and age is not None else None,
        history_problem=extras.problem if extras else None,
        history_failures=draw(st.integers(1, 40)) if extras and extras.problem else 0,
        history_behind_since=draw(st.none() | timedeltas.map(lambda span: NOW - abs(span))),
        due_dates=draw(due_dates),
        other_org_number=draw(st.none() | st.just("2009")),
    )
