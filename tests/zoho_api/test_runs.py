"""Building runs from history rows: which rows belong to one run, and how the last runs ended."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import DAY, HOUR, MINUTE, NOW, entries, history_row, make_history, reproducible
from tests.zoho_api.test_history import SAMPLE
from zbtui.zoho_api.history import HistoryEntry, RunOutcome
from zbtui.zoho_api.runs import BackupRun, History, build_history

Row = dict[str, Any]
GOOD, BAD = RunOutcome.COMPLETED, RunOutcome.FAILED


def rows(*words: tuple[str | None, float | None]) -> History:
    """A history of rows: each a word and the hours since, None: without a time."""
    return make_history(
        *(history_row(word, None if ago is None else NOW - ago * HOUR) for word, ago in words)
    )


def spans(year: History) -> list[tuple[float | None, float | None, RunOutcome | None]]:
    """The runs of a history: hours since start and end, and outcome."""

    def hours(at: datetime | None) -> float | None:
        return (NOW - at) / HOUR if at else None

    return [(hours(run.started_at), hours(run.ended_at), run.outcome) for run in year.runs]


# The documented samples


def test_the_two_rows_of_a_run_are_one_run() -> None:
    year = make_history(*SAMPLE["history"])
    cet = timezone(HOUR)
    assert year.runs == (
        BackupRun(
            datetime(2026, 3, 3, 9, 30, 4, tzinfo=cet),
            datetime(2026, 3, 3, 10, 14, 51, tzinfo=cet),
            GOOD,
            "biweekly",
        ),
    )
    assert year.last_completed is year.last_finished is year.entries[0]
    assert (year.last_failed, year.unfinished_start) == (None, None)


def test_zohos_own_page_shows_a_single_backup_beside_a_schedule_that_was_stopped() -> None:
    year = make_history(
        history_row("stopped", NOW - HOUR, repeat_type="biweekly"),
        history_row("scheduled", NOW - 2 * HOUR, repeat_type="biweekly"),
        history_row("completed", NOW - 3 * HOUR, repeat_type="immediate"),
        history_row("initiated", NOW - 3 * HOUR - timedelta(seconds=12), repeat_type="immediate"),
    )
    (run,) = year.runs
    assert run.started_at
    assert run.ended_at
    assert (run.ended_at - run.started_at, run.repeat_type) == (timedelta(seconds=12), "immediate")
    assert year.newest_with_action("stopped") is year.entries[0]
    assert year.newest_with_action("scheduled") is year.entries[1]


@pytest.mark.parametrize("year", [make_history(), build_history(iter(())), History()])
def test_of_an_empty_year_nothing_is_known(year: History) -> None:
    assert year == History()
    assert year.newest_with_action("stopped") is None
    assert year.count_runs(NOW - 400 * DAY, NOW) == 0


# The last runs


@pytest.mark.parametrize(
    ("words", "finished", "completed", "failed", "unfinished"),
    [
        ([("completed", 1)], 0, 0, None, None),
        ([("failure", 1)], 0, None, 0, None),
        ([("failure", 1), ("completed", 2)], 0, 1, 0, None),
        ([("completed", 1), ("failure", 2)], 0, 0, 1, None),
        ([("completed", 1), ("completed", 2), ("failure", 3)], 0, 0, 2, None),
        ([("initiated", 1)], None, None, None, 0),
        ([(None, 1)], None, None, None, 0),
        ([("initiated", 1), ("completed", 2), ("initiated", 3)], 1, 1, None, 0),
        ([("initiated", 1), (None, 2), ("failure", 3)], 2, None, 2, 0),
        ([("completed", 1), ("initiated", 2), ("initiated", 99)], 0, 0, None, None),
        ([("stopped", 1), ("initiated", 2), ("completed", 3)], 2, 2, None, 1),
        ([("purchased", 1), ("scheduled", 2), ("reticulated", 3)], None, None, None, None),
        ([("completed", None), ("failure", 2)], 0, 0, 1, None),
        ([("failure", 2), ("completed", None)], 0, 1, 0, None),
        ([("completed", 5), ("failure", 2)], 0, 1, 0, None),
    ],
)
def test_the_newest_of_each_kind_of_row_is_known(
    words: list[tuple[str | None, float | None]],
    finished: int | None,
    completed: int | None,
    failed: int | None,
    unfinished: int | None,
) -> None:
    year = rows(*words)

    def entry(place: int | None) -> HistoryEntry | None:
        return None if place is None else year.entries[place]

    assert year.last_finished is entry(finished)
    assert year.last_completed is entry(completed)
    assert year.last_failed is entry(failed)
    assert year.unfinished_start is entry(unfinished)


def test_who_stopped_it_last_is_known() -> None:
    year = make_history(
        history_row("stopped", NOW - 9 * DAY, done_by={"name": "Ada"}),
        history_row("stopped", NOW - 2 * DAY, done_by={"name": "Ben"}),
    )
    stopped = year.newest_with_action("stopped")
    assert stopped is not None
    assert stopped.done_by is not None
    assert stopped.done_by.name == "Ben"
    assert year.newest_with_action("purchased") is None


@pytest.mark.parametrize(
    ("words", "place", "hours"),
    [
        ([("completed", 5)], 0, 5),
        ([("scheduled", 3), ("completed", 5)], 1, 5),
        ([("completed", None), ("scheduled", 3)], 0, 3),
        ([("completed", None), ("stopped", None), ("scheduled", 3)], 0, 3),
        ([("scheduled", 3), ("completed", None)], 1, None),
        ([("completed", None)], 0, None),
    ],
)
def test_a_row_without_a_time_may_be_as_old_as_the_next_older_row(
    words: list[tuple[str | None, float | None]], place: int, hours: float | None
) -> None:
    year = rows(*words)
    earliest = year.earliest_possible_time(year.entries[place])
    assert earliest == (None if hours is None else NOW - hours * HOUR)


# Which rows are of one run


@pytest.mark.parametrize(
    ("words", "runs"),
    [
        ([("completed", 1), ("initiated", 2)], [(2, 1, GOOD)]),
        ([("failure", 1), ("initiated", 2)], [(2, 1, BAD)]),
        ([("completed", 1)], [(None, 1, GOOD)]),
        ([("initiated", 2)], [(2, None, None)]),
        ([("initiated", 1), ("failure", 2), ("initiated", 3)], [(1, None, None), (3, 2, BAD)]),
        (  # the older run has no end in the history
            [("completed", 1), ("initiated", 2), ("initiated", 30)],
            [(2, 1, GOOD), (30, None, None)],
        ),
        (  # the newer run has no start in the history
            [("completed", 1), ("completed", 30), ("initiated", 31)],
            [(None, 1, GOOD), (31, 30, GOOD)],
        ),
        ([("completed", 1), ("initiated", 1 + 7 * 24)], [(1 + 7 * 24, 1, GOOD)]),
        (
            [("completed", 1), ("initiated", 1 + 7 * 24 + 0.01)],
            [(None, 1, GOOD), (1 + 7 * 24 + 0.01, None, None)],
        ),
        ([("completed", None), ("initiated", 2)], [(2, None, GOOD)]),
        ([("completed", 1), ("initiated", None)], [(None, 1, GOOD)]),
        ([("completed", 1), ("stopped", 2), ("initiated", 3)], [(3, 1, GOOD)]),
        ([("initiated", 3), ("completed", 1)], [(3, 1, GOOD)]),
    ],
)
def test_an_end_belongs_to_the_last_start_before_it(
    words: list[tuple[str | None, float | None]],
    runs: list[tuple[float | None, float | None, RunOutcome | None]],
) -> None:
    assert spans(rows(*words)) == [
        tuple(pytest.approx(part) if isinstance(part, float) else part for part in run) for run in runs
    ]


def test_a_single_backup_within_a_scheduled_one_is_a_run_of_its_own() -> None:
    year = make_history(
        history_row("completed", NOW - 1 * HOUR, repeat_type="weekly"),
        history_row("completed", NOW - 2 * HOUR, repeat_type="immediate"),
        history_row("initiated", NOW - 3 * HOUR, repeat_type="immediate"),
        history_row("initiated", NOW - 4 * HOUR, repeat_type="weekly"),
    )
    assert spans(year) == [(3, 2, GOOD), (4, 1, GOOD)]
    assert [run.repeat_type for run in year.runs] == ["immediate", "weekly"]


def test_an_end_is_not_that_of_a_run_of_another_kind() -> None:
    year = make_history(
        history_row("completed", NOW - 2 * HOUR, repeat_type="weekly"),
        history_row("initiated", NOW - 3 * HOUR, repeat_type="immediate"),
        history_row("initiated", NOW - 4 * HOUR, repeat_type="weekly"),
    )
    assert spans(year) == [(3, None, None), (4, 2, GOOD)]
    assert year.unfinished_start is None


@pytest.mark.parametrize(("start", "end"), [(None, "weekly"), ("weekly", None)])
def test_a_row_that_does_not_say_its_kind_goes_with_any(start: str | None, end: str | None) -> None:
    year = make_history(
        history_row("completed", NOW - HOUR, repeat_type=end),
        history_row("initiated", NOW - 2 * HOUR, repeat_type=start),
    )
    assert [run.repeat_type for run in year.runs] == ["weekly"]


# Counting runs


def test_runs_are_counted_by_when_they_began_whatever_became_of_them() -> None:
    year = rows(
        ("initiated", 1),  # still running
        ("failure", 9),
        ("initiated", 10),
        ("completed", 19),
        ("initiated", 21),  # began before, ended within
        ("completed", 30),  # its start is not in the history
    )

    def count(begin: float, end: float) -> int:
        return year.count_runs(NOW - begin * HOUR, NOW - end * HOUR)

    assert count(20, 0) == 2
    assert count(21, 0) == 3
    assert count(400, 0) == 4
    assert count(400, 21) == 1
    assert count(10, 1) == 1
    assert count(10, 1 - 0.001) == 2


def test_a_run_without_any_time_is_not_counted() -> None:
    assert rows(("completed", None), ("initiated", None)).count_runs(NOW - 400 * DAY, NOW) == 0


def test_what_was_bought_is_counted_by_when() -> None:
    year = make_history(
        history_row("purchased", NOW - HOUR, count=2),
        history_row("purchased", NOW - 2 * HOUR, count=1),
        history_row("purchased", NOW - 40 * DAY, count=9),
        history_row("purchased", None, count=7),
        history_row("scheduled", NOW - HOUR, count=5),
    )
    assert year.count_bought(NOW - DAY, NOW) == 3
    assert year.count_bought(NOW - HOUR, NOW) == 2
    assert year.count_bought(NOW - 2 * HOUR, NOW - HOUR) == 1
    assert make_history().count_bought(NOW - DAY, NOW) == 0


# Any rows


@reproducible
@given(st.lists(entries, max_size=20))
def test_every_end_is_that_of_one_run_and_every_run_has_an_end_or_a_start(rows: list[HistoryEntry]) -> None:
    year = build_history(rows)
    ends = Counter((one.logged_at, one.outcome) for one in year.entries if one.outcome)
    assert Counter((run.ended_at, run.outcome) for run in year.runs if run.outcome) == ends
    starts = [one.logged_at for one in year.entries if one.starts_run]
    without_end = [run.started_at for run in year.runs if run.outcome is None]
    assert not Counter(without_end) - Counter(starts)
    assert max(len(starts), ends.total()) <= len(year.runs) <= len(starts) + ends.total()


@reproducible
@given(st.lists(entries, max_size=20))
def test_no_run_ends_before_it_began_nor_later_than_a_week_after(rows: list[HistoryEntry]) -> None:
    for run in build_history(rows).runs:
        if run.started_at and run.ended_at:
            assert timedelta() <= run.ended_at - run.started_at <= 7 * DAY


@reproducible
@given(st.lists(entries.filter(lambda one: one.logged_at is not None), max_size=20))
def test_runs_stand_in_the_order_in_which_they_began(rows: list[HistoryEntry]) -> None:
    began = [run.started_at or run.ended_at for run in build_history(rows).runs]
    assert all(newer and older and newer >= older for newer, older in pairwise(began))


@st.composite
def shuffled(draw: st.DrawFn) -> tuple[list[HistoryEntry], list[HistoryEntry]]:
    """The same rows in two orders; no two rows have the same time, and none has an id."""
    found = draw(
        st.lists(
            entries.filter(lambda one: one.logged_at is not None and one.id is None),
            max_size=15,
            unique_by=lambda one: one.logged_at,
        )
    )
    return found, draw(st.permutations(found))


@reproducible
@given(shuffled())
def test_where_all_rows_have_their_times_the_servers_order_does_not_matter(
    both: tuple[list[HistoryEntry], list[HistoryEntry]],
) -> None:
    assert build_history(both[0]) == build_history(both[1])


@reproducible
@given(st.lists(entries, max_size=20))
def test_the_last_ones_are_rows_of_the_year_and_agree_with_each_other(rows: list[HistoryEntry]) -> None:
    year = build_history(rows)
    last = year.last_finished
    known = (year.last_completed, year.last_failed)
    assert last in known or (last and last.outcome is RunOutcome.UNKNOWN)
    assert last is not None or known == (None, None)
    if last is not None:
        newer = year.entries[: [one is last for one in year.entries].index(True)]
        assert not any(one.outcome for one in newer)
        assert year.unfinished_start is next((one for one in newer if one.starts_run), None)
    assert build_history(year.entries) == year, "what is kept amounts to the same"


def test_a_year_of_the_most_rows_is_read_at_once() -> None:
    pages = [
        history_row("completed" if number % 2 else "initiated", NOW - number * MINUTE, id=str(number))
        for number in range(2000)
    ]
    year = make_history(*pages, *pages[:200])
    assert len(year.entries) == 2000
    assert len(year.runs) == 1001
