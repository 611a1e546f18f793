"""The agenda: every org, in the order of time, with certain and uncertain runs marked."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, snapshot_with
from zbtui.health.snapshot import Snapshot
from zbtui.presentation.agenda import AGENDA_HORIZON, Agenda, build_agenda, later_agenda_runs

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def due(name: str, ahead: timedelta, **keys: Any) -> Snapshot:
    return make_snapshot(name, scheduled_date=(START + ahead).isoformat(), **keys)


def agenda(*snapshots: Snapshot) -> Agenda:
    return build_agenda([(one, later_agenda_runs(one, START, UTC)) for one in snapshots], START, UTC)


def test_the_next_run_is_zohos_word_and_later_ones_are_about() -> None:
    weekly = due("acme", HOUR, rrule="RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU")
    runs = [run for day in agenda(weekly).days for run in day.runs]
    assert [run.is_exact for run in runs] == [True, *[False] * (len(runs) - 1)]
    assert len(runs) in (5, 6)
    assert all(run.at <= START + AGENDA_HORIZON for run in runs)


def test_runs_within_the_same_hour_coincide() -> None:
    rule = {"rrule": None}
    found = agenda(due("acme", HOUR, **rule), due("beta", HOUR, **rule), due("far", 3 * HOUR, **rule))
    (day,) = found.days
    assert [day.shares_hour(run) for run in day.runs] == [True, True, False]
    assert day.hour_cells.count("2") == 1 and day.hour_cells.count("1") == 1 and len(day.hour_cells) == 24


def test_what_is_due_by_now_is_late_unless_it_runs() -> None:
    found = agenda(due("late", -HOUR, rrule=None), due("runs", -HOUR, rrule=None, status="INPROGRESS"))
    assert [run.org_name for run in found.overdue] == ["late"]
    assert found.running == ("runs",)


def test_orgs_without_a_run_ahead_are_named() -> None:
    stopped = due("stopped", HOUR, status="STOPPED")
    never = snapshot_with(make_snapshot("never"), backup=None)
    assert agenda(stopped, never).without_run == ("stopped", "never")


WEEKLY = "RRULE:FREQ=WEEKLY;INTERVAL=1"


def gaps(found: Agenda) -> list[int]:
    return [day.empty_days_before for day in found.days]


def test_days_without_a_known_run_are_counted() -> None:
    found = agenda(due("soon", 2 * DAY, rrule=None), due("later", 5 * DAY, rrule=None))
    assert gaps(found) == [1, 2]
    assert gaps(agenda(due("today", HOUR, rrule=None), due("tomorrow", DAY, rrule=None))) == [0, 0]


def test_no_day_is_said_to_be_without_a_run_before_all_plans_are_reckoned() -> None:
    known, open_ = due("known", 5 * DAY, rrule=None), due("open", 20 * DAY, rrule=WEEKLY)
    found = build_agenda([(known, ()), (open_, None)], START, UTC)
    assert gaps(found) == [0, 0]


def test_no_day_beyond_the_horizon_is_said_to_be_without_a_run() -> None:
    """Beyond the horizon, later runs of other plans are not listed."""
    found = agenda(due("far", 80 * DAY, rrule=None), due("near", DAY, rrule=WEEKLY))
    assert found.days[-1].day == (START + 80 * DAY).date()
    assert gaps(found)[-1] == 0


def test_the_agenda_is_valid_until_a_run_is_due_or_a_day_begins() -> None:
    assert agenda(due("acme", HOUR, rrule=None)).valid_until == START + HOUR
    midnight = START.replace(hour=0, minute=0) + DAY
    assert agenda(due("acme", 3 * DAY, rrule=None)).valid_until == midnight
    assert build_agenda([], START, ZoneInfo("Asia/Tokyo")).valid_until == START.replace(hour=15, minute=0)


def test_what_is_due_goes_by_zohos_clock() -> None:
    fast = snapshot_with(due("acme", HOUR, rrule=None), clock_offset=timedelta(minutes=59))
    assert agenda(fast).valid_until == START + timedelta(minutes=1)
    assert [run.org_name for run in agenda(snapshot_with(fast, clock_offset=2 * HOUR)).overdue] == ["acme"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["SCHEDULED", "COMPLETED", "FAILED", "STOPPED", "INPROGRESS", "ODD"]),
            st.integers(-100, 2000),
        ),
        max_size=8,
    )
)
def test_every_org_is_in_it_and_time_goes_on(orgs: list[tuple[str, int]]) -> None:
    snapshots = [due(f"org-{n}", hours * HOUR, status=status) for n, (status, hours) in enumerate(orgs)]
    found = agenda(*snapshots)
    runs = [run for day in found.days for run in day.runs]
    named = {run.org_name for run in (*runs, *found.overdue)} | {*found.running, *found.without_run}
    assert named == {one.org.name for one in snapshots}
    assert [run.at for run in runs] == sorted(run.at for run in runs)
    on = [day.day for day in found.days]
    assert on == sorted(set(on))
    assert found.valid_until > START
