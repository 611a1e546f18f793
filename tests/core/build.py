"""What the tests of the core are made of: jobs, backups, snapshots, and the values to try them with."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

from tests.support.clock import START
from zbtui.core.backup import Backup, parse_job
from zbtui.core.org import Org, Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble

NOW: Final = START
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

POLICY: Final = Policy()
ORG: Final = Org("acme", "eu", "1000.ACME")
OFFLINE: Final = Trouble("network", "Zoho cannot be reached.", "Check the network.")
SIGNED_OUT: Final = Trouble(
    "auth", "The sign-in is dead.", "Sign in again.", "invalid_code", 200, final=True
)

ZONES: Final = (UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8)))
"""Fixed offsets: they are the same on every machine."""

# Reproducible, and patient with a busy machine.
tried = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def job(**keys: object) -> dict[str, Any]:
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


def body(**keys: object) -> bytes:
    """The answer that carries `job(**keys)`."""
    return json.dumps({"backup": job(**keys)}).encode()


def backup(status: str | None = "SCHEDULED", next_run: datetime | None = None, **keys: object) -> Backup:
    """A backup as it is read; `next_run` None: none is named."""
    date = next_run.isoformat() if next_run else None
    read = parse_job(job(status=status, scheduled_date=date, **keys))
    assert read is not None
    return read


def seen(what: Backup | None, **known: Any) -> Snapshot:
    """A snapshot whose last look was good, and is as old as `observed_at` says (else: just made)."""
    known = {"observed_at": NOW, "attempted_at": NOW, **known}
    return Snapshot(ORG, backup=what, **known)


def ahead(span: timedelta, status: str = "SCHEDULED", **known: Any) -> Snapshot:
    """A snapshot just made whose next run is `span` ahead (negative: past)."""
    return seen(backup(status, NOW + span), **known)


def running(for_: timedelta | None, **known: object) -> Snapshot:
    """A snapshot of a run in progress that was first seen so long ago; None: it is not known."""
    since = None if for_ is None else NOW - for_
    return seen(backup("INPROGRESS"), running_since=since, **known)


_LONG: Final = timedelta(days=60)
spans = st.timedeltas(-_LONG, _LONG).map(lambda span: timedelta(seconds=int(span.total_seconds())))
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
troubles = st.sampled_from(
    [
        OFFLINE,
        SIGNED_OUT,
        Trouble("throttled", "Too much.", "Wait.", "TOO_MANY_REQUESTS", 429, retry_at=NOW + HOUR),
        Trouble("throttled", "Locked.", "Wait.", "Access Denied", 200, retry_at=NOW + 10 * MINUTE),
        Trouble("server", "Out of order.", "Wait.", None, 503, retry_at=NOW - HOUR),
    ]
)
policies = st.builds(
    Policy,
    every=st.timedeltas(15 * SECOND, DAY),
    near_every=st.timedeltas(SECOND, HOUR),
    overdue_after=st.timedeltas(MINUTE, 3 * DAY),
    long_run_after=st.timedeltas(HOUR, 3 * DAY),
)


@st.composite
def backups(draw: st.DrawFn) -> Backup:
    """Backups of every status, their next run long past to far ahead, or not named."""
    span = draw(st.none() | spans)
    next_run = None if span is None else (NOW + span).astimezone(draw(zones))
    rrule = draw(st.sampled_from([None, "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "something else"]))
    return backup(draw(statuses), next_run, rrule=rrule)


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """Whatever a poller, or the journal, may come to know by NOW."""
    age = draw(st.none() | st.timedeltas(timedelta(), 2 * DAY))
    trouble = draw(st.none() | troubles)
    what = draw(st.none() | backups()) if age is not None else None
    return Snapshot(
        ORG,
        backup=what,
        observed_at=None if age is None else NOW - age,
        trouble=trouble,
        failures=draw(st.integers(1, 40)) if trouble else 0,
        running_since=draw(st.none() | spans.map(lambda span: NOW - abs(span))),
        clock_offset=draw(st.sampled_from([timedelta(), -HOUR, 7 * HOUR])),
        restored=draw(st.booleans()),
    )
