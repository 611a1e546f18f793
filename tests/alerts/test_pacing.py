"""How often orgs are evaluated: less often with thousands of orgs, or while nothing changes."""

from __future__ import annotations

import pytest

from zbtui.alerts.evaluation_schedule import EvaluationSchedule


def due_at(orgs: int, *, changing: bool) -> list[int]:
    """The seconds of the first four minutes at which an evaluation is due."""
    pace, found = EvaluationSchedule(), []
    for second in range(1, 241):
        if changing:
            pace.mark_changed()
        if pace.take_if_due(orgs):
            found.append(second)
    return found


@pytest.mark.parametrize(("orgs", "every"), [(1, 1), (199, 1), (200, 2), (2000, 11), (7900, 40)])
def test_while_something_always_changes_thousands_are_considered_seldom(orgs: int, every: int) -> None:
    assert due_at(orgs, changing=True) == list(range(every, 241, every))


@pytest.mark.parametrize(("orgs", "first", "every"), [(1, 1, 30), (2000, 11, 30), (7900, 40, 40)])
def test_while_nothing_changes_they_are_considered_now_and_then(orgs: int, first: int, every: int) -> None:
    assert due_at(orgs, changing=False) == list(range(first, 241, every))


def test_a_change_is_considered_at_once_where_the_last_time_is_long_ago() -> None:
    pace = EvaluationSchedule()
    assert [pace.take_if_due(2000) for _ in range(11)][-1]
    assert not any(pace.take_if_due(2000) for _ in range(15))
    pace.mark_changed()
    assert pace.take_if_due(2000)
