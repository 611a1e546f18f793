"""What Zoho does not say, or says of something else, neither cancels a run nor stands for one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    ORG,
    POLICY,
    SECOND,
    history_row,
    make_backup,
    make_company,
    make_history,
)
from zbtui.health.judge import judge
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.links import Links

WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=1"
GOOD = (history_row("completed", NOW - 6 * DAY), history_row("initiated", NOW - 6 * DAY - HOUR))


def plan(next_run: datetime | None, status: str = "SCHEDULED", **keys: Any) -> Backup:
    """A weekly plan since 200 days."""
    keys = {"rrule": WEEKLY, "start_date": (NOW - 200 * DAY).isoformat()} | keys
    return make_backup(status, next_run, **keys)


def poll(
    before: Snapshot,
    at: datetime,
    backup: Backup | None,
    *rows: dict[str, Any],
    links: Links | None = None,
    **keys: Any,
) -> Snapshot:
    extras = HistoryAndLinks(make_history(*rows), links)
    return apply_observation(before, Observation(backup, at, at, history_and_links=extras, **keys), at)


def verdict_at(snapshot: Snapshot, at: datetime) -> str:
    return judge(snapshot, POLICY, at).name


@pytest.mark.parametrize("action", ["purchased", "scheduled", "stopped"])
def test_a_row_of_a_plan_or_a_purchase_is_no_backup_whatever_its_state(action: str) -> None:
    failed = (history_row("failure", NOW - 2 * DAY), history_row("completed", NOW - 9 * DAY))
    row = history_row(action, NOW - HOUR, state="completed", count=2)
    seen = poll(Snapshot(ORG), NOW, plan(NOW + 5 * DAY), row, *failed)
    assert verdict_at(seen, NOW) == "failed"


@pytest.mark.parametrize("date", [None, "soon"])
def test_a_plan_without_a_readable_date_cancels_no_run(date: str | None) -> None:
    due = NOW + HOUR
    seen = poll(Snapshot(ORG), NOW, plan(due), *GOOD)
    seen = poll(seen, NOW + 30 * MINUTE, plan(None, scheduled_date=date), *GOOD)
    later = due + POLICY.overdue_after + HOUR
    seen = poll(seen, later, plan(due + 7 * DAY), *GOOD)
    assert verdict_at(seen, later) == "missed"


def test_a_plan_that_was_made_after_its_hour_of_the_day_has_missed_nothing() -> None:
    first = NOW - 7 * HOUR
    backup = plan(first + 7 * DAY, start_date=first.isoformat())
    seen = poll(Snapshot(ORG), NOW, backup, history_row("scheduled", first + 2 * SECOND))
    assert verdict_at(seen, NOW) == "scheduled"


def test_an_answer_without_an_org_number_neither_clears_another_org_nor_forgets_the_first() -> None:
    seen, verdicts = Snapshot(ORG), []
    for number in ("111", "222", None, "222", "111"):
        company = make_company(org_number=number)
        at = (seen.polls.attempted_at or NOW) + MINUTE
        seen = poll(seen, at, plan(NOW + 5 * DAY), *GOOD, company=company)
        verdicts.append(verdict_at(seen, at))
    assert verdicts == ["scheduled", "wrong_org", "wrong_org", "wrong_org", "scheduled"]


def test_links_that_the_run_in_progress_renews_are_not_worth_a_warning() -> None:
    links = Links(1, 1, NOW + 30 * MINUTE)
    rows = (history_row("initiated", NOW - 5 * MINUTE), history_row("completed", NOW - 6 * DAY))
    seen = poll(Snapshot(ORG), NOW, plan(NOW + 7 * DAY, "INPROGRESS"), *rows, links=links)
    assert verdict_at(seen, NOW) == "running"
