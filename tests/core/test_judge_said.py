"""How a verdict is said: the time that matters, the reason, the cure."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    SECOND,
    ahead,
    backup,
    history,
    ran,
    row,
    running,
    seen,
)
from zbtui.core.judge import KIND_WORDS, judge
from zbtui.core.links import Links
from zbtui.core.runs import History
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Kind
from zbtui.core.verdict import Verdict

OVERDUE, LONG_RUN = POLICY.overdue_after, POLICY.long_run_after


def verdict(snapshot: Snapshot) -> Verdict:
    return judge(snapshot, POLICY, NOW)


@pytest.mark.parametrize(
    ("snapshot", "words"),
    [
        (ahead(6 * DAY + 3 * HOUR + 12 * MINUTE + 44 * SECOND), ["next backup in 6d 03:12:44"]),
        (ahead(12 * MINUTE, clock_offset=2 * MINUTE), ["00:10:00"]),
        (ahead(-OVERDUE - 12 * MINUTE), ["overdue", "06:12:00"]),
        (ahead(-MINUTE), ["due", "00:01:00"]),
        (ahead(timedelta()), ["due", "00:00:00"]),
        (ahead(DAY, "FAILED"), ["failed", "1d 00:00:00"]),
        (running(LONG_RUN + HOUR), ["running", "13h"]),
        (running(2 * HOUR), ["running", "2h"]),
        (seen(backup("PAYMENT_FAILED")), ["paid"]),
        (ahead(DAY, links=Links(1, 1, NOW + 26 * HOUR)), ["links expire in 26h"]),
        (ahead(DAY, history=ran("completed", 9 * DAY)), ["9d old"]),
    ],
)
def test_the_headline_tells_the_time_that_matters(snapshot: Snapshot, words: list[str]) -> None:
    headline = verdict(snapshot).headline
    assert all(word in headline for word in words), headline


@pytest.mark.parametrize("past", [timedelta(), -HOUR])
def test_a_try_that_is_past_is_not_announced_after_a_failure(past: timedelta) -> None:
    assert verdict(ahead(past, "FAILED")).headline == verdict(seen(backup("FAILED"))).headline


def test_a_backup_that_was_not_paid_for_has_another_cure_than_one_that_failed() -> None:
    assert "payment" in (verdict(seen(backup("PAYMENT_FAILED"))).hint or "")
    assert "payment" not in (verdict(seen(backup("FAILED"))).hint or "")


def test_while_another_run_is_in_progress_the_cure_of_a_failure_is_to_wait() -> None:
    again = history(row("initiated", NOW - HOUR), row("failure", NOW - DAY))
    assert "Wait" in (verdict(running(HOUR, history=again)).hint or "")
    assert "Wait" not in (verdict(ahead(DAY, history=again)).hint or "")


@pytest.mark.parametrize(
    ("single", "words"),
    [
        (seen(backup("COMPLETED", rrule=None)), "single"),
        (seen(backup("SCHEDULED", NOW + HOUR, rrule=None)), "01:00:00"),
        (seen(backup("SCHEDULED")), "no next run"),
        (seen(backup("FINISHED", rrule=None)), "run out"),
        (ahead(DAY, "FINISHED"), "run out"),
    ],
)
def test_why_nothing_will_run_by_itself_is_told(single: Snapshot, words: str) -> None:
    found = verdict(single)
    assert found.name == "one_off"
    assert words in found.headline


SINGLE = "nothing will run by itself; it was a single backup"
PLANNED = "a single backup; a plan made 265d ago may stand behind it"
MARCH = NOW.replace(month=3, day=3)


@pytest.mark.parametrize(
    ("year", "headline"),
    [
        (None, SINGLE),
        (History(), SINGLE),
        (ran("completed", DAY), SINGLE),
        (history(row("scheduled", MARCH)), PLANNED),
        (history(row("completed", NOW - DAY), row("scheduled", MARCH)), PLANNED),
        (history(row("scheduled", MARCH), row("stopped", MARCH - DAY)), PLANNED),
        (history(row("scheduled", MARCH), row("scheduled", MARCH - DAY)), PLANNED),
        (history(row("stopped", MARCH + DAY), row("scheduled", MARCH)), SINGLE),
        (history(row("stopped"), row("scheduled", MARCH)), SINGLE),
        (history(row("stopped", NOW - DAY)), SINGLE),
        (history(row("scheduled")), SINGLE),
        (history(row("scheduled", MARCH, repeat_type="immediate")), SINGLE),
        (history(row("scheduled", MARCH + DAY, repeat_type="immediate"), row("scheduled", MARCH)), PLANNED),
    ],
)
def test_a_single_backup_may_hide_a_plan_that_the_history_tells(
    year: History | None, headline: str
) -> None:
    found = verdict(seen(backup("COMPLETED", rrule=None), history=year))
    assert (found.name, found.headline) == ("one_off", headline)


def test_a_plan_is_named_by_what_the_details_say_where_they_say_more() -> None:
    year = history(row("scheduled", MARCH))
    assert verdict(seen(backup("FINISHED", rrule=None), history=year)).headline.startswith("the schedule")
    ahead_of_one = seen(backup("SCHEDULED", NOW + HOUR, rrule=None), history=year)
    assert verdict(ahead_of_one).headline.startswith("nothing repeats")


def test_an_overdue_run_says_what_zoho_still_says() -> None:
    assert "ARCHIVED" in (verdict(ahead(-DAY, "ARCHIVED")).hint or "")


def test_every_kind_of_trouble_has_a_word_of_its_own() -> None:
    assert set(KIND_WORDS) == set(get_args(Kind))
    assert len(set(KIND_WORDS.values())) == len(KIND_WORDS)
