"""A year of backups: a line for each month, a cell for each day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import make_history
from zbtui.presentation.calendar import COMPLETED, FAILED, LEGEND, NO_RUN, STARTED, STOPPED, year_calendar
from zbtui.zoho_api.history import HistoryEntry, RunOutcome
from zbtui.zoho_api.runs import BackupRun, History

TODAY = date(2026, 11, 26)


def run(on: date, outcome: RunOutcome | None = RunOutcome.COMPLETED) -> BackupRun:
    at = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    return BackupRun(at, at if outcome else None, outcome, None)


def year(*runs: BackupRun) -> dict[str, str]:
    return dict(year_calendar(History(runs=runs), TODAY, UTC))


def test_each_run_stands_on_its_day() -> None:
    months = year(
        run(date(2026, 11, 3)), run(date(2026, 10, 31), RunOutcome.FAILED), run(date(2026, 2, 28), None)
    )
    assert months["Nov 2026"][2] == COMPLETED
    assert months["Oct 2026"][30] == FAILED
    assert months["Feb 2026"][27] == STARTED


def test_a_run_without_a_time_has_no_day() -> None:
    assert year(BackupRun(None, None, RunOutcome.COMPLETED, None)) == year()


def test_days_that_are_ahead_or_were_never_or_are_forgotten_are_blank() -> None:
    months = year()
    assert months["Nov 2026"] == NO_RUN * 26 + " " * 5
    assert months["Feb 2026"] == NO_RUN * 28 + " " * 3
    assert months["Nov 2025"] == " " * 25 + NO_RUN * 5 + " "


def stopped(*on: date) -> tuple[HistoryEntry, ...]:
    """A row for each day on which somebody stopped the plan."""
    moments = (datetime(one.year, one.month, one.day, 12, tzinfo=UTC).isoformat() for one in on)
    return make_history(*({"action": "stopped", "log_time": at} for at in moments)).entries


def test_a_stop_of_the_plan_stands_on_its_day() -> None:
    months = dict(year_calendar(History(stopped(date(2026, 9, 9))), TODAY, UTC))
    assert months["Sep 2026"] == NO_RUN * 8 + STOPPED + NO_RUN * 21 + " "
    assert any(f"{STOPPED} stopped" in line for line in LEGEND)


def test_a_stop_hides_no_failure_and_is_not_hidden_by_a_good_run() -> None:
    good, bad = date(2026, 9, 9), date(2026, 9, 10)
    known = History(stopped(good, bad), (run(good), run(bad, RunOutcome.FAILED)))
    assert dict(year_calendar(known, TODAY, UTC))["Sep 2026"][8:10] == STOPPED + FAILED


def test_a_stop_without_a_time_has_no_day() -> None:
    known = make_history({"action": "stopped"})
    assert dict(year_calendar(known, TODAY, UTC)) == year()


def test_a_failure_hides_no_other_and_is_hidden_by_none() -> None:
    day = date(2026, 9, 9)
    assert year(run(day, RunOutcome.FAILED), run(day))["Sep 2026"][8] == FAILED


@given(st.lists(st.integers(0, 800), max_size=20))
def test_it_is_always_thirteen_lines_of_31_cells(ago: list[int]) -> None:
    months = year_calendar(
        History(runs=tuple(run(TODAY - timedelta(days=days)) for days in ago)), TODAY, UTC
    )
    assert len(months) == 13
    assert all(len(cells) == 31 for _, cells in months)
    marked = sum(cells.count(COMPLETED) for _, cells in months)
    assert marked == len({days for days in ago if days <= 365})
