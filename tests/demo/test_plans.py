"""The plans of the invented orgs: rules that Zoho documents, and runs that follow them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.demo.plans import move_onto_plan, repeat_type_of, rrule_for, runs_before
from zbtui.zoho_api.recurrence import later_runs, parse_rrule

PLANS = ("weekly", "biweekly", "monthly", "monthly-ordinal")
moments = st.datetimes(
    datetime(2024, 1, 1),
    datetime(2034, 1, 1),
    timezones=st.sampled_from([timezone(timedelta(hours=hours)) for hours in (-7, 0, 5.5, 11)]),
)


@pytest.mark.parametrize(
    ("plan", "words", "word"),
    [
        ("weekly", "every week on Thursday", "weekly"),
        ("biweekly", "every 2 weeks on Thursday", "biweekly"),
        ("monthly", "every month on the 26th", "monthly"),
        ("monthly-ordinal", "every month on the fourth Thursday", "monthly"),
    ],
)
def test_a_plan_is_a_rule_and_a_word_of_zohos(plan: str, words: str, word: str) -> None:
    rule = parse_rrule(rrule_for(plan, datetime(2026, 11, 26, 9, 30)))
    assert rule is not None
    assert (rule.text, repeat_type_of(plan)) == (words, word)


@reproducible
@given(st.sampled_from(PLANS), moments)
def test_the_runs_before_are_almost_a_year_of_what_the_rule_says(plan: str, moment: datetime) -> None:
    run = move_onto_plan(plan, moment)
    runs = runs_before(plan, run)
    first = runs[0]
    assert timedelta(weeks=50) >= run - first > timedelta(weeks=40)
    assert all(one < other for one, other in pairwise((*runs, run)))
    assert runs[1:] == later_runs(rrule_for(plan, run), first, run - timedelta(seconds=1))
    assert {each.utcoffset() for each in runs} == {run.utcoffset()}


@reproducible
@given(st.sampled_from(PLANS), moments)
def test_a_time_that_is_not_on_the_plan_is_moved_by_a_week_at_most(plan: str, moment: datetime) -> None:
    run = move_onto_plan(plan, moment)
    assert run - moment in (timedelta(), timedelta(weeks=1))
    rule = parse_rrule(rrule_for(plan, run))
    assert rule is not None
    assert {nth for nth, _ in rule.weekdays} <= {"", "1", "2", "3", "4"}, "each month has these"


def test_one_moment_in_two_zones_has_the_runs_of_either_zone() -> None:
    here = datetime(2026, 11, 1, 3, tzinfo=timezone(timedelta(hours=11)))
    there = here.astimezone(timezone(timedelta(hours=-7)))
    assert [run.day for run in runs_before("monthly", here)[-2:]] == [1, 1]
    assert [run.day for run in runs_before("monthly", there)[-2:]] == [31, 31]
