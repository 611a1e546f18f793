"""Whether the plan needs more runs in a calendar month than the edition includes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    ORG,
    POLICY,
    history_row,
    make_backup,
    make_company,
    make_history,
    reproducible,
)
from tests.support.snapshots import build_snapshot
from zbtui.health.judge import judge
from zbtui.model.verdict import Level, Verdict
from zbtui.zoho_api.runs import History

WEEKLY = "FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"
BIWEEKLY = "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"
TWICE = "FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH,4TH"
MONTHLY = "FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=16"
# 2026: November has 4 Tuesdays (3, 10, 17, 24), December 5 (1, 8, 15, 22, 29).


def on(day: str) -> datetime:
    """The morning of that day of 2026, as `11-03`, at the org's offset."""
    return datetime.fromisoformat(f"2026-{day}T09:30:00+01:00")


def run(day: str, word: str = "completed") -> dict[str, Any]:
    return history_row(word, on(day) + 45 * MINUTE)


def judged(
    rrule: str | None,
    next_run: datetime,
    edition: str | None = "enterprise",
    year: History | None = None,
    before: timedelta = HOUR,
    status: str = "SCHEDULED",
) -> Verdict:
    """The verdict so long before the next run."""
    now = next_run - before
    return judge(
        build_snapshot(
            ORG,
            backup=make_backup(status, next_run, rrule=rrule, start_date=None),
            observed_at=now,
            attempted_at=now,
            company=make_company(edition),
            history=year,
        ),
        POLICY,
        now,
    )


@pytest.mark.parametrize(
    ("edition", "rrule", "day", "needs"),
    [
        ("enterprise", WEEKLY, "11-03", 4),
        ("enterprise", WEEKLY, "12-01", 5),
        ("enterprise", BIWEEKLY, "11-03", 0),
        ("enterprise", BIWEEKLY, "12-01", 3),
        ("enterprise", BIWEEKLY, "12-08", 0),
        ("enterprise", TWICE, "11-05", 0),
        ("enterprise", MONTHLY, "11-16", 0),
        ("standard", WEEKLY, "11-03", 4),
        ("professional", WEEKLY, "11-10", 3),
        ("zohooneenterprise", WEEKLY, "11-17", 0),
        ("crmplus", WEEKLY, "11-10", 3),
        ("ultimate", WEEKLY, "11-03", 0),
        ("ultimate", WEEKLY, "12-01", 5),
        ("ultimate", WEEKLY, "12-08", 0),
        ("ultimate", "FREQ=WEEKLY;BYDAY=TU,FR", "11-03", 8),
        ("free", MONTHLY, "11-16", 1),
        ("free", WEEKLY, "12-01", 5),
        ("bigin", WEEKLY, "12-01", 0),
        (None, WEEKLY, "12-01", 0),
    ],
)
def test_a_plan_is_at_risk_where_its_month_has_more_runs_than_the_edition_includes(
    edition: str | None, rrule: str, day: str, needs: int
) -> None:
    found = judged(rrule, on(day), edition)
    assert found.name == ("quota_risk" if needs else "scheduled")
    if needs:
        included = {"free": 0, "ultimate": 4}.get(edition or "", 2)
        month = {"11": "Nov", "12": "Dec"}[day[:2]]
        runs = "1 run" if needs == 1 else f"{needs} runs"
        assert found.headline == f"{month} needs {runs}; {included} are included"
        assert (found.level, found.badge) == (Level.WARNING, "SCHEDULED")


@pytest.mark.parametrize(
    ("rows", "ran"),
    [
        ([], 0),
        ([run("11-10")], 1),
        ([run("11-10"), run("11-03")], 2),
        ([run("11-10", "failure"), run("11-03", "failure")], 2),
        ([history_row("initiated", on("11-10")), run("11-03")], 2),
        ([run("11-03"), history_row("initiated", on("11-03"))], 1),
        ([run("10-27"), run("10-20")], 0),
        ([history_row("completed"), history_row("initiated")], 0),
        ([history_row("scheduled", on("11-03")), history_row("stopped", on("11-02"))], 0),
        ([history_row("completed", on("11-01"), repeat_type="immediate")], 1),
    ],
)
def test_what_ran_already_in_that_month_counts_whatever_became_of_it(
    rows: list[dict[str, Any]], ran: int
) -> None:
    year = make_history(run("11-17"), *rows)
    assert (
        judged(BIWEEKLY, on("11-24"), "free", year).headline == f"Nov needs {ran + 2} runs; 0 are included"
    )
    assert judged(BIWEEKLY, on("11-24"), "enterprise", year).name == ("quota_risk" if ran else "scheduled")


@pytest.mark.parametrize(
    ("bought", "day", "risk"),
    [
        (0, "11-02", True),
        (1, "11-02", True),
        (2, "11-02", False),
        (3, "11-02", False),
        (9, "10-31", True),
        (9, "12-01", True),
    ],
)
def test_extra_backups_that_were_bought_in_that_month_are_included(
    bought: int, day: str, risk: bool
) -> None:
    year = make_history(history_row("purchased", on(day), count=bought), run("10-27"))
    found = judged(WEEKLY, on("11-03"), year=year)
    assert found.name == ("quota_risk" if risk else "scheduled")


def test_what_is_included_is_said_with_what_was_bought() -> None:
    year = make_history(history_row("purchased", on("12-01"), count=1), run("11-24"))
    assert judged(WEEKLY, on("12-01"), year=year).headline == "Dec needs 5 runs; 3 are included"


# Which month


@pytest.mark.parametrize("offset", ["+05:30", "-08:00", "+00:00", "+13:00"])
@pytest.mark.parametrize(
    ("next_run", "month"),
    [("2026-12-01T00:00:00", "Dec"), ("2026-11-30T23:59:59", "Nov"), ("2026-12-31T23:59:59", "Dec")],
)
def test_the_month_is_that_of_the_orgs_own_offset(next_run: str, month: str, offset: str) -> None:
    daily = "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU"
    moment = datetime.fromisoformat(next_run + offset)
    risk = judged(daily, moment, "free", before=3 * HOUR)
    runs = {"2026-12-01": "31 runs", "2026-11-30": "1 run", "2026-12-31": "1 run"}[next_run[:10]]
    assert risk.headline == f"{month} needs {runs}; 0 are included"


@pytest.mark.parametrize("offset", ["+05:30", "-08:00", "+00:00"])
@pytest.mark.parametrize(
    ("at", "counts"),
    [
        ("2026-10-31T23:59:59", False),
        ("2026-11-01T00:00:00", True),
        ("2026-11-15T12:00:00", True),
        ("2026-11-30T23:59:59", True),
        ("2026-12-01T00:00:00", False),
    ],
)
def test_a_run_counts_for_the_month_in_which_it_began_at_the_orgs_own_offset(
    at: str, counts: bool, offset: str
) -> None:
    began = datetime.fromisoformat(at + offset)
    year = make_history(history_row("completed", began + HOUR), history_row("initiated", began))
    next_run = datetime.fromisoformat(f"2026-11-30T23:59:59{offset}")
    found = judged(MONTHLY, next_run, "free", year)
    assert found.headline == f"Nov needs {'2 runs' if counts else '1 run'}; 0 are included"


def test_in_december_the_year_ends() -> None:
    year = make_history(history_row("completed", datetime.fromisoformat("2027-01-01T00:30:00+01:00")))
    assert judged(WEEKLY, on("12-29"), "free", year).headline == "Dec needs 1 run; 0 are included"


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("2026-10-06T00:30:00+02:00", "Oct needs 4 runs"),
        ("2026-11-03T00:30:00+01:00", "Nov needs 4 runs"),
        ("2026-03-03T00:30:00+01:00", "Mar needs 5 runs"),
        ("2026-04-07T00:30:00+02:00", "Apr needs 4 runs"),
    ],
)
def test_a_month_in_which_the_clocks_change_has_all_its_runs(first: str, said: str) -> None:
    found = judged(WEEKLY, datetime.fromisoformat(first), "free")
    assert found.headline == f"{said}; 0 are included"


# Where nothing can be said


def test_a_plan_without_a_known_edition_or_a_next_run_or_a_rule_is_at_no_such_risk() -> None:
    assert judged(WEEKLY, on("12-01"), before=timedelta()).name == "scheduled"  # it is due
    assert judged(WEEKLY, on("12-01"), before=-HOUR).name == "scheduled"
    assert judged(None, on("12-01"), "free").name == "one_off"
    now = on("12-01")
    unknown = build_snapshot(
        ORG, backup=make_backup("SCHEDULED", now + DAY), observed_at=now, attempted_at=now
    )
    assert judge(unknown, POLICY, now).name == "scheduled"


def test_of_a_rule_that_is_not_understood_only_the_next_run_is_known() -> None:
    assert judged("FREQ=DAILY;COUNT=3", on("12-01")).name == "scheduled"
    assert judged("FREQ=DAILY;COUNT=3", on("12-01"), "free").headline.startswith("Dec needs 1 run")


def test_the_risk_is_seen_while_a_run_is_in_progress_too() -> None:
    found = judged(WEEKLY, on("12-01"), status="INPROGRESS")
    assert (found.name, found.badge) == ("quota_risk", "INPROGRESS")


@reproducible
@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)),
    st.sampled_from([WEEKLY, BIWEEKLY, TWICE, MONTHLY]),
    st.sampled_from(["free", "enterprise", "ultimate"]),
)
def test_who_has_more_included_is_never_at_more_risk(moment: datetime, rrule: str, edition: str) -> None:
    next_run = moment.replace(microsecond=0).astimezone(on("11-03").tzinfo)
    if judged(rrule, next_run, edition).name == "scheduled":
        for more in {"free": ["enterprise", "ultimate"], "enterprise": ["ultimate"]}.get(edition, []):
            assert judged(rrule, next_run, more).name == "scheduled"
