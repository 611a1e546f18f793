"""The notes on a healthy org: its edition's allowance, its links, its licence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    ORG,
    POLICY,
    history_row,
    make_backup,
    make_company,
    make_history,
    snapshot_with_next_run,
)
from tests.support.snapshots import build_snapshot
from zbtui.health.judge import judge
from zbtui.model.verdict import Level
from zbtui.zoho_api.links import Links

WEEKLY = "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"
BIWEEKLY = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
MONTHLY = "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=16"
BEYOND = "the next run is beyond the 2 that Nov includes"


def on(day: str) -> datetime:
    """09:30 on a day of 2026 (such as `11-03`), at the org's offset."""
    return datetime.fromisoformat(f"2026-{day}T09:30:00+01:00")


def run(day: str, word: str = "completed") -> dict[str, Any]:
    return history_row(word, on(day) + 45 * MINUTE)


def notes_before(
    next_run: datetime,
    *rows: dict[str, Any],
    rrule: str = WEEKLY,
    edition: str | None = "enterprise",
    before: timedelta = HOUR,
) -> tuple[str, ...]:
    """The notes at the time `before` the next run."""
    now = next_run - before
    backup = make_backup("SCHEDULED", next_run, rrule=rrule, start_date=None)
    history = make_history(*rows) if rows else make_history(history_row("completed", now - 2 * DAY))
    company = make_company(edition)
    verdict = judge(
        build_snapshot(ORG, backup=backup, observed_at=now, company=company, history=history), POLICY, now
    )
    assert verdict.level is Level.OK
    return verdict.notes


NOVEMBER = [run("11-10"), run("11-03")]


@pytest.mark.parametrize(
    ("rows", "rrule", "edition", "noted"),
    [
        (NOVEMBER, WEEKLY, "enterprise", (BEYOND,)),
        (NOVEMBER, MONTHLY, "enterprise", (BEYOND,)),
        (NOVEMBER, "FREQ=DAILY;COUNT=3", "enterprise", (BEYOND,)),
        (NOVEMBER, WEEKLY, "ultimate", ()),
        (NOVEMBER, WEEKLY, "bigin", ()),  # an edition whose allowance is unknown
        (NOVEMBER, WEEKLY, None, ()),
        (NOVEMBER, BIWEEKLY, "enterprise", ()),  # Zoho recommends it
        (NOVEMBER[:1], WEEKLY, "enterprise", ()),  # the runs after the next one are not counted
        ([run("11-10"), run("11-03", "failure"), run("10-27")], WEEKLY, "enterprise", (BEYOND,)),
        ([history_row("purchased", on("11-02"), count=1), *NOVEMBER], WEEKLY, "enterprise", ()),
        ([history_row("purchased", on("10-31"), count=1), *NOVEMBER], WEEKLY, "enterprise", (BEYOND,)),
        (
            [*NOVEMBER, run("10-27"), run("10-20"), run("10-13")],
            WEEKLY,
            "enterprise",
            (),
        ),  # October had 3: the allowance is higher
        (
            [*NOVEMBER, run("10-27"), run("10-20"), run("10-13", "failure")],
            WEEKLY,
            "enterprise",
            (BEYOND,),
        ),
        (
            [
                *NOVEMBER,
                run("10-27"),
                run("10-20"),
                run("10-13"),
                history_row("purchased", on("10-01"), count=1),
            ],
            WEEKLY,
            "enterprise",
            (BEYOND,),
        ),
    ],
)
def test_a_next_run_beyond_the_allowance_is_noted_unless_the_orgs_own_year_refutes_it(
    rows: list[dict[str, Any]], rrule: str, edition: str | None, noted: tuple[str, ...]
) -> None:
    assert notes_before(on("11-17"), *rows, rrule=rrule, edition=edition) == noted


@pytest.mark.parametrize("offset", ["+05:30", "-08:00", "+00:00"])
@pytest.mark.parametrize(("at", "counts"), [("2026-10-31T23:59:59", False), ("2026-11-01T00:00:00", True)])
def test_a_run_counts_for_the_month_in_which_it_began_at_the_orgs_own_offset(
    at: str, counts: bool, offset: str
) -> None:
    began = datetime.fromisoformat(at + offset)
    rows = [history_row("completed", began + HOUR), history_row("initiated", began)]
    next_run = datetime.fromisoformat(f"2026-11-30T23:59:59{offset}")
    noted = notes_before(next_run, history_row("completed", next_run - DAY), *rows)
    assert noted == ((BEYOND,) if counts else ())


def test_a_run_that_is_due_is_no_longer_the_next_one() -> None:
    assert notes_before(on("11-17"), *NOVEMBER, before=-HOUR) == ()


@pytest.mark.parametrize(
    ("links", "expiry", "ended", "noted"),
    [
        (Links(1, 1, NOW + 5 * DAY), None, 2 * DAY, ()),
        (Links(1, 1, NOW - HOUR), None, 7 * DAY, ("links expired on 23 Nov, no copy kept by zbtui",)),
        (Links(), NOW - HOUR, 7 * DAY, ("links expired on 23 Nov, no copy kept by zbtui",)),
        (Links(), None, 7.5 * DAY, ("links expired by 22 Nov, no copy kept by zbtui",)),
        (Links(), None, 2 * DAY, ("Zoho offers no links for the last backup",)),
        (Links(), NOW - 3 * DAY, 2 * DAY, ("Zoho offers no links for the last backup",)),
        (None, None, 2 * DAY, ()),
    ],
)
def test_files_that_are_gone_are_said_to_be_gone(
    links: Links | None, expiry: datetime | None, ended: timedelta, noted: tuple[str, ...]
) -> None:
    history = make_history(history_row("completed", NOW - ended))
    snapshot = snapshot_with_next_run(HOUR, history=history, links=links, last_links_expiry=expiry)
    assert judge(snapshot, POLICY, NOW).notes == noted


@pytest.mark.parametrize(
    ("left", "noted"),
    [
        (31 * DAY, ()),
        (12 * DAY, ("the licence ends in 12d",)),
        (-DAY, ("the licence has ended",)),
    ],
)
def test_the_end_of_a_licence_is_noted_a_month_before(left: timedelta, noted: tuple[str, ...]) -> None:
    company = make_company("ultimate", licence_expires_at=NOW + left)
    assert judge(snapshot_with_next_run(HOUR, company=company), POLICY, NOW).notes == noted
