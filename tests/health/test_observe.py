"""Implausible answers: outdated ones, vanished rows, rows of the future, another org's data."""

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
    SECOND,
    history_row,
    make_backup,
    make_company,
    make_history,
    snapshot_of,
)
from zbtui.health.judge import judge
from zbtui.health.observe import apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.zoho_api.errors import OLD_ANSWER_PROBLEM

JOB = make_backup("SCHEDULED", NOW + 6 * DAY)
LATER = NOW + 5 * MINUTE


def poll(
    before: Snapshot, *rows: dict[str, Any], at: datetime = LATER, status: str = "SCHEDULED", **keys: Any
) -> Snapshot:
    """A poll that also reads the history."""
    extras = HistoryAndLinks(make_history(*rows), None)
    backup = make_backup(status, NOW + 6 * DAY, start_date=None)
    return apply_observation(before, Observation(backup, history_and_links=extras, **keys), at)


def verdict_on(snapshot: Snapshot) -> tuple[str, str]:
    found = judge(snapshot, POLICY, snapshot.polls.attempted_at or NOW)
    return found.name, found.badge


# Old answers


@pytest.mark.parametrize(
    ("date", "sent", "is_old"),
    [
        (timedelta(), 5 * MINUTE, True),  # the clock of the answers stands still
        (-MINUTE, 5 * MINUTE, True),
        (SECOND, 5 * MINUTE, False),
        (timedelta(), SECOND, False),  # perhaps two polls within one second
        (timedelta(), 2 * SECOND, True),
    ],
)
def test_an_answer_is_old_whose_date_stands_still(date: timedelta, sent: timedelta, is_old: bool) -> None:
    before = snapshot_of(JOB, server_time=NOW + HOUR)
    seen = Observation(JOB, server_time=NOW + HOUR + date, requested_at=NOW + sent)
    after = apply_observation(before, seen, NOW + sent + SECOND)
    assert after.polls.problem == (OLD_ANSWER_PROBLEM if is_old else None)
    assert after.zoho.observed_at == (NOW if is_old else NOW + sent + SECOND)


def test_three_old_answers_end_what_was_green() -> None:
    snapshot = snapshot_of(JOB, server_time=NOW)
    for number in range(1, 4):
        at = NOW + number * MINUTE
        snapshot = apply_observation(snapshot, Observation(JOB, NOW, at), at)
    assert verdict_on(snapshot) == ("cannot_tell", "BAD ANSWER")


# Rows that vanish

GOOD, BAD = history_row("completed", NOW - 2 * DAY), history_row("failure", NOW - DAY)
NEWER = history_row("completed", NOW - HOUR)
STARTED = history_row("initiated", NOW - HOUR)
PLANNED, STOPPED = history_row("scheduled", NOW - 3 * DAY), history_row("stopped", NOW - HOUR)
LONG_AGO = history_row("completed", NOW - 362 * DAY)
UNDATED = history_row("failure")


@pytest.mark.parametrize(
    ("had", "has", "known"),
    [
        ([BAD, GOOD], [], ("failed", "FAILED")),
        ([BAD, GOOD], [GOOD], ("failed", "FAILED")),
        ([GOOD], [], ("cannot_tell", "NO HISTORY")),
        ([NEWER, GOOD], [GOOD], ("cannot_tell", "NO HISTORY")),
        ([STOPPED, GOOD], [GOOD], ("cannot_tell", "NO HISTORY")),
        ([PLANNED], [], ("cannot_tell", "NO HISTORY")),
        ([UNDATED], [], ("failed", "FAILED")),
        ([BAD, GOOD], [NEWER], ("scheduled", "SCHEDULED")),  # the row that matters is there
        ([GOOD], [NEWER, GOOD], ("scheduled", "SCHEDULED")),
        ([STARTED, GOOD], [NEWER, GOOD], ("scheduled", "SCHEDULED")),  # the same row, as an end
        (
            [NEWER | {"log_time": None}, GOOD],
            [NEWER, GOOD],
            ("scheduled", "SCHEDULED"),
        ),  # the same row, with a time
        (
            [GOOD, LONG_AGO],
            [GOOD],
            ("scheduled", "SCHEDULED"),
        ),  # the vanished row is older than a year by now
    ],
)
def test_rows_that_vanish_stay_and_leave_the_history_in_doubt(
    had: list[dict[str, Any]], has: list[dict[str, Any]], known: tuple[str, str]
) -> None:
    first = poll(Snapshot(ORG), *had, at=NOW)
    for number in range(1, 3):  # at once, and for as long as the rows are missing
        first = poll(first, *has, at=NOW + number * HOUR)
        assert verdict_on(first) == known
    back = poll(first, *had, *has, at=NOW + 3 * HOUR)
    assert back.polls.history_problem is None


# Rows of the future


@pytest.mark.parametrize("ahead", [6 * MINUTE, 400 * DAY])
@pytest.mark.parametrize("offset", [timedelta(), -3 * DAY])
def test_rows_of_the_future_count_for_nothing(ahead: timedelta, offset: timedelta) -> None:
    zoho_now = NOW + offset
    future = history_row("completed", zoho_now + ahead)
    failure = history_row("failure", zoho_now - HOUR)
    after = poll(Snapshot(ORG), future, failure, at=NOW, server_time=zoho_now)
    assert verdict_on(after) == ("failed", "FAILED")
    soon = history_row("completed", zoho_now + MINUTE)  # the clocks differ a little
    assert verdict_on(poll(Snapshot(ORG), soon, failure, at=NOW, server_time=zoho_now))[0] == "scheduled"


# A history that contradicts the details


@pytest.mark.parametrize(
    ("status", "rows"),
    [
        ("COMPLETED", [PLANNED]),
        ("COMPLETED", []),
        ("SCHEDULED", [STARTED, GOOD]),
        ("COMPLETED", [STARTED, GOOD]),
        ("STARTED", [STARTED, GOOD]),
    ],
)
def test_at_a_first_poll_a_contradiction_is_unknown(status: str, rows: list[dict[str, Any]]) -> None:
    assert verdict_on(poll(Snapshot(ORG), *rows, at=NOW, status=status)) == ("cannot_tell", "NO HISTORY")


def test_a_contradiction_that_was_seen_to_begin_has_ten_minutes() -> None:
    snapshot = poll(Snapshot(ORG), STARTED, GOOD, at=NOW, status="INPROGRESS")
    for minutes, name in ((1, "completed"), (11, "completed"), (12, "cannot_tell")):
        at = NOW + minutes * MINUTE
        snapshot = poll(snapshot, STARTED, GOOD, at=at, status="COMPLETED")
        assert verdict_on(snapshot)[0] == name
    assert (
        verdict_on(poll(snapshot, NEWER, STARTED, GOOD, at=NOW + HOUR, status="COMPLETED"))[0]
        == "completed"
    )


# Another org


def test_another_org_number_under_the_same_sign_in_is_critical_until_the_first_is_back() -> None:
    def seen(before: Snapshot, number: str | None) -> Snapshot:
        company = make_company("ultimate", org_number=number) if number else None
        return poll(before, GOOD, at=NOW, company=company, company_requested=True)

    first = seen(Snapshot(ORG), "2009")
    assert verdict_on(first)[0] == "scheduled"
    other = seen(seen(first, "2010"), None)
    assert verdict_on(other) == ("wrong_org", "WRONG ORG")
    assert other.org_number == "2009"
    assert verdict_on(seen(other, "2009"))[0] == "scheduled"
