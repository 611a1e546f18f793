"""Sample orgs at each level, with a history, for the tests of `check`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, make_unpolled_snapshot, snapshot_with, with_problem_of
from zbtui.check import Report, report_on
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import build_history

DAY: Final = timedelta(days=1)
SAMPLE_BACKUP: Final = {
    "id": "4876876000001593003",
    "scheduled_date": "2022-07-26T09:58:45+05:30",
    "start_date": "2022-07-12T12:30:00+05:30",
    "rrule": "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
    "requester": {"id": "4876876000000327001", "name": "Patricia Boyle", "zuid": "7534658674"},
    "status": "SCHEDULED",
}
"""The `backup` object of the documentation page's sample answer."""

OK: Final = make_snapshot("ok")
WARNING: Final = make_snapshot(
    "warning", rrule=None, scheduled_date=None, start_date=None, status="COMPLETED"
)
CRITICAL: Final = make_snapshot("critical", status="FAILED")
UNKNOWN: Final = with_problem_of(
    make_snapshot("unknown"),
    make_unpolled_snapshot("network", "The host cannot be reached.", "Check the network."),
)

NORDLYS: Final = Company("Nordlys Tools AB", "20098765432", "SE", "enterprise", "production")


def report_of(*snapshots: Snapshot, now: datetime = START) -> Report:
    return report_on(snapshots, WatchPolicy(), now)


def history_row(
    state: str | None, at: datetime | None, action: str | None = None, count: int = 0
) -> dict[str, object]:
    """One row of Zoho's history."""
    return {
        "id": None,
        "action": action,
        "state": state,
        "repeat_type": "weekly",
        "file_name": None,
        "count": count,
        "log_time": at and at.isoformat(),
        "done_by": None,
    }


def with_history_and_links(
    snapshot: Snapshot, *rows: dict[str, object], expire: datetime | None = None, links: int = 2
) -> Snapshot:
    """The org, with a history of these rows, newest first, and with download links."""
    return snapshot_with(
        snapshot,
        history=build_history(map(parse_entry, rows)),
        history_read_at=START,
        links=Links(links, 0, expire if links else None),
        last_links_expiry=expire,
        history_tried_at=START,
    )
