"""Headlines and hints of verdicts."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    SECOND,
    history_row,
    history_with_one_end,
    make_backup,
    make_history,
    snapshot_of,
    snapshot_of_running_backup,
    snapshot_with_next_run,
)
from zbtui.health.judge import PROBLEM_BADGES, judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemKind
from zbtui.model.verdict import Verdict
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

OVERDUE, LONG_RUN = POLICY.overdue_after, POLICY.long_run_after


def verdict(snapshot: Snapshot) -> Verdict:
    return judge(snapshot, POLICY, NOW)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (
            snapshot_with_next_run(6 * DAY + 3 * HOUR + 12 * MINUTE + 44 * SECOND),
            ["next backup in 6d 03:12:44"],
        ),
        (snapshot_with_next_run(12 * MINUTE, clock_offset=2 * MINUTE), ["00:10:00"]),
        (snapshot_with_next_run(-OVERDUE - 12 * MINUTE), ["overdue", "06:12:00"]),
        (snapshot_with_next_run(-MINUTE), ["due", "00:01:00"]),
        (snapshot_with_next_run(timedelta()), ["due", "00:00:00"]),
        (snapshot_with_next_run(DAY, "FAILED"), ["failed", "1d 00:00:00"]),
        (snapshot_of_running_backup(LONG_RUN + HOUR), ["running", "13h"]),
        (snapshot_of_running_backup(2 * HOUR), ["running", "2h"]),
        (snapshot_of(make_backup("PAYMENT_FAILED")), ["paid"]),
        (snapshot_with_next_run(2 * DAY, links=Links(1, 1, NOW + 26 * HOUR)), ["links expire in 26h"]),
        (snapshot_with_next_run(DAY, history=history_with_one_end("completed", 9 * DAY)), ["9d old"]),
    ],
)
def test_the_headline_shows_the_time_that_matters(snapshot: Snapshot, words: list[str]) -> None:
    headline = verdict(snapshot).headline
    assert all(word in headline for word in words), headline


@pytest.mark.parametrize("history_and_links", [timedelta(), -HOUR])
def test_a_next_run_that_was_due_is_not_announced_after_a_failure(history_and_links: timedelta) -> None:
    assert (
        verdict(snapshot_with_next_run(history_and_links, "FAILED")).headline
        == verdict(snapshot_of(make_backup("FAILED"))).headline
    )


def test_a_backup_that_was_not_paid_for_has_another_cure_than_one_that_failed() -> None:
    assert "payment" in (verdict(snapshot_of(make_backup("PAYMENT_FAILED"))).hint or "")
    assert "payment" not in (verdict(snapshot_of(make_backup("FAILED"))).hint or "")


def test_while_another_run_is_in_progress_the_cure_of_a_failure_is_to_wait() -> None:
    again = make_history(history_row("initiated", NOW - HOUR), history_row("failure", NOW - DAY))
    assert "Wait" in (verdict(snapshot_of_running_backup(HOUR, history=again)).hint or "")
    assert "Wait" not in (verdict(snapshot_with_next_run(DAY, history=again)).hint or "")


@pytest.mark.parametrize(
    ("single", "words"),
    [
        (snapshot_of(make_backup("COMPLETED", rrule=None)), "single"),
        (snapshot_of(make_backup("SCHEDULED", NOW + HOUR, rrule=None)), "01:00:00"),
        (snapshot_of(make_backup("SCHEDULED")), "no next run"),
        (snapshot_of(make_backup("FINISHED", rrule=None)), "run out"),
        (snapshot_with_next_run(DAY, "FINISHED"), "run out"),
    ],
)
def test_why_nothing_will_run_by_itself_is_shown(single: Snapshot, words: str) -> None:
    found = verdict(single)
    assert found.name == "one_off"
    assert words in found.headline


SINGLE = "nothing will run by itself; it was a single backup"
PLANNED = "a single backup; a plan made 265d ago may stand behind it"
MARCH = NOW.replace(month=3, day=3)


@pytest.mark.parametrize(
    ("year", "headline"),
    [
        (history_with_one_end("completed", HOUR), SINGLE),
        (history_with_one_end("completed", DAY), SINGLE),
        (make_history(history_row("scheduled", MARCH)), PLANNED),
        (make_history(history_row("completed", NOW - DAY), history_row("scheduled", MARCH)), PLANNED),
        (make_history(history_row("scheduled", MARCH), history_row("stopped", MARCH - DAY)), PLANNED),
        (make_history(history_row("scheduled", MARCH), history_row("scheduled", MARCH - DAY)), PLANNED),
        (make_history(history_row("stopped", MARCH + DAY), history_row("scheduled", MARCH)), SINGLE),
        (make_history(history_row("stopped"), history_row("scheduled", MARCH)), SINGLE),
        (make_history(history_row("stopped", NOW - DAY)), SINGLE),
        (make_history(history_row("scheduled")), SINGLE),
        (make_history(history_row("scheduled", MARCH, repeat_type="immediate")), SINGLE),
        (
            make_history(
                history_row("scheduled", MARCH + DAY, repeat_type="immediate"),
                history_row("scheduled", MARCH),
            ),
            PLANNED,
        ),
    ],
)
def test_a_single_backup_may_hide_a_plan_that_the_history_shows(year: History, headline: str) -> None:
    found = verdict(snapshot_of(make_backup("COMPLETED", rrule=None), history=year))
    assert (found.name, found.headline) == ("one_off", headline)


def test_a_plan_is_named_by_what_the_details_say_where_they_say_more() -> None:
    year = make_history(history_row("scheduled", MARCH))
    assert verdict(snapshot_of(make_backup("FINISHED", rrule=None), history=year)).headline.startswith(
        "the schedule"
    )
    ahead_of_one = snapshot_of(make_backup("SCHEDULED", NOW + HOUR, rrule=None), history=year)
    assert verdict(ahead_of_one).headline.startswith("nothing repeats")


def test_an_overdue_run_says_what_zoho_still_says() -> None:
    assert "ARCHIVED" in (verdict(snapshot_with_next_run(-DAY, "ARCHIVED")).hint or "")


def test_every_kind_of_problem_has_a_word_of_its_own() -> None:
    assert set(PROBLEM_BADGES) == set(get_args(ProblemKind))
    assert len(set(PROBLEM_BADGES.values())) == len(PROBLEM_BADGES)
