"""When a poll also asks for history, links and company."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, tzinfo
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    SECOND,
    SIGNED_OUT,
    ZONES,
    backups,
    history_row,
    make_backup,
    make_history,
    reproducible,
    snapshot_of,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.poll_schedule import (
    COMPANY_EVERY,
    HISTORY_AND_LINKS_EVERY,
    company_is_due,
    history_and_links_are_due,
)
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

JOB = make_backup("SCHEDULED", NOW + 6 * DAY)
READ = snapshot_of(JOB, history_tried_at=NOW)
"""A snapshot whose history was read just now."""


def is_asked_again(before: Snapshot, after: timedelta, now_seen: Backup | None = JOB) -> bool:
    return history_and_links_are_due(before, now_seen, NOW + after)


@pytest.mark.parametrize("now_seen", [None, JOB])
def test_the_first_poll_asks_for_everything(now_seen: Backup | None) -> None:
    for nothing_known in (Snapshot(ORG), apply_failure(Snapshot(ORG), OFFLINE, NOW)):
        assert history_and_links_are_due(nothing_known, now_seen, NOW)
        assert company_is_due(nothing_known, NOW)


@pytest.mark.parametrize(
    ("after", "due"),
    [
        (timedelta(), False),
        (5 * MINUTE, False),
        (6 * HOUR - SECOND, False),
        (6 * HOUR, True),
        (6 * HOUR + SECOND, True),
        (9 * DAY, True),
        (-SECOND, True),
        (-9 * DAY, True),
    ],
)
def test_while_nothing_changes_the_history_is_asked_for_every_six_hours(
    after: timedelta, due: bool
) -> None:
    assert HISTORY_AND_LINKS_EVERY == 6 * HOUR
    assert is_asked_again(READ, after) is due


@pytest.mark.parametrize(
    "changed",
    [
        None,
        make_backup("INPROGRESS", NOW + 6 * DAY),
        make_backup("SCHEDULED", NOW + 13 * DAY),
        make_backup("SCHEDULED", NOW + 6 * DAY, id="5100000000999001"),
        make_backup("SCHEDULED", NOW + 6 * DAY, requester=None),
        make_backup("SCHEDULED", NOW + 6 * DAY, rrule=None),
    ],
    ids=["gone", "running", "another date", "another job", "another requester", "no plan"],
)
def test_details_that_changed_ask_for_the_history_at_once(changed: Backup | None) -> None:
    assert is_asked_again(READ, SECOND, changed)
    assert not is_asked_again(snapshot_with(READ, backup=changed), SECOND, changed)


def test_a_poll_that_failed_in_between_does_not_hide_a_change() -> None:
    assert is_asked_again(
        apply_failure(READ, OFFLINE, NOW + MINUTE), 2 * MINUTE, make_backup("INPROGRESS", NOW + 6 * DAY)
    )
    assert not is_asked_again(apply_failure(READ, OFFLINE, NOW + MINUTE), 2 * MINUTE)


@pytest.mark.parametrize(
    ("failures", "pause"),
    [
        (1, MINUTE),
        (2, 2 * MINUTE),
        (3, 4 * MINUTE),
        (4, 8 * MINUTE),
        (8, 128 * MINUTE),
        (9, 256 * MINUTE),
        (10, 6 * HOUR),
        (10_000, 6 * HOUR),
    ],
)
@pytest.mark.parametrize("problem", [OFFLINE, SIGNED_OUT])
def test_a_history_that_could_not_be_read_is_tried_again_after_1_2_4_minutes_up_to_six_hours(
    failures: int, pause: timedelta, problem: Problem
) -> None:
    unread = snapshot_with(READ, history_problem=problem, history_failures=failures)
    assert not is_asked_again(unread, pause - SECOND)
    assert is_asked_again(unread, pause)
    assert is_asked_again(unread, -SECOND)


@pytest.mark.parametrize(
    ("times", "pause"),
    [
        (0, 6 * HOUR),
        (1, MINUTE),
        (2, 2 * MINUTE),
        (3, 4 * MINUTE),
        (9, 256 * MINUTE),
        (10, 6 * HOUR),
        (10_000, 6 * HOUR),
    ],
)
def test_a_history_that_shows_no_end_of_a_run_that_is_over_is_asked_for_after_1_2_4_minutes_up_to_six_hours(
    times: int, pause: timedelta
) -> None:
    unsettled = snapshot_with(READ, unsettled_history_reads=times)
    assert not is_asked_again(unsettled, pause - SECOND)
    assert is_asked_again(unsettled, pause)
    assert is_asked_again(unsettled, -SECOND)


def test_of_a_history_and_links_that_could_not_be_read_the_failures_count() -> None:
    unread = snapshot_with(READ, history_problem=OFFLINE, history_failures=3, unsettled_history_reads=1)
    assert not is_asked_again(unread, 4 * MINUTE - SECOND)
    assert is_asked_again(unread, 4 * MINUTE)


OPEN = make_history(history_row("initiated", NOW - HOUR))
ENDED = make_history(history_row("completed", NOW), history_row("initiated", NOW - HOUR))


def intervals_over(years: Callable[[timedelta], History], span: timedelta) -> list[timedelta]:
    """The times after the start at which the history is read, while the details never change."""
    snapshot, asked, after = Snapshot(ORG), list[timedelta](), timedelta()
    while after < span:
        history_and_links = None
        if history_and_links_are_due(snapshot, JOB, NOW + after):
            asked.append(after)
            history_and_links = HistoryAndLinks(years(after), Links())
        snapshot = apply_observation(
            snapshot, Observation(JOB, history_and_links=history_and_links), NOW + after
        )
        after += MINUTE
    return asked


def test_an_end_that_is_shown_late_is_waited_for_closely_and_then_no_more() -> None:
    asked = intervals_over(lambda after: ENDED if after >= 10 * MINUTE else OPEN, DAY)
    assert asked == [
        timedelta(),
        MINUTE,
        3 * MINUTE,
        7 * MINUTE,
        15 * MINUTE,
        *(15 * MINUTE + number * HISTORY_AND_LINKS_EVERY for number in (1, 2, 3)),
    ]


def test_an_end_that_is_never_shown_costs_no_more_than_a_few_requests() -> None:
    asked = intervals_over(lambda after: OPEN, 3 * DAY)
    pauses = [later - sooner for sooner, later in pairwise(asked)]
    assert pauses[:10] == [*(MINUTE * 2**number for number in range(9)), HISTORY_AND_LINKS_EVERY]
    assert set(pauses[10:]) == {HISTORY_AND_LINKS_EVERY}


@pytest.mark.parametrize("changed", [False, True])
def test_a_history_is_not_asked_for_before_the_moment_that_zoho_named(changed: bool) -> None:
    problem = replace(OFFLINE, retry_at=NOW + 20 * MINUTE)
    unread = snapshot_with(READ, history_problem=problem, history_failures=1)
    now_seen = make_backup("INPROGRESS") if changed else JOB
    assert not is_asked_again(unread, 20 * MINUTE - SECOND, now_seen)
    assert is_asked_again(unread, 20 * MINUTE, now_seen)
    assert is_asked_again(unread, -SECOND, now_seen)


def test_each_try_that_fails_doubles_the_pause_and_one_that_works_ends_it() -> None:
    snapshot, now = Snapshot(ORG), NOW
    tries: list[timedelta] = []
    while len(tries) < 6:
        history_and_links = None
        if history_and_links_are_due(snapshot, JOB, now):
            tries.append(now - NOW)
            history_and_links = HistoryAndLinks(None, None, OFFLINE)
        snapshot = apply_observation(snapshot, Observation(JOB, history_and_links=history_and_links), now)
        now += 30 * SECOND
    assert [later - sooner for sooner, later in pairwise(tries)] == [
        MINUTE,
        2 * MINUTE,
        4 * MINUTE,
        8 * MINUTE,
        16 * MINUTE,
    ]
    read = apply_observation(
        snapshot, Observation(JOB, history_and_links=HistoryAndLinks(ENDED, None)), now
    )
    assert not history_and_links_are_due(read, JOB, now + 6 * HOUR - SECOND)
    assert history_and_links_are_due(read, JOB, now + 6 * HOUR)


def test_over_a_quiet_day_the_history_is_asked_for_four_times() -> None:
    snapshot, asked = Snapshot(ORG), 0
    for number in range(288):
        now = NOW + number * 5 * MINUTE
        due = history_and_links_are_due(snapshot, JOB, now)
        asked += due
        snapshot = apply_observation(
            snapshot, Observation(JOB, history_and_links=HistoryAndLinks(ENDED, None) if due else None), now
        )
    assert asked == 4


def test_what_the_journal_gave_back_is_not_asked_for_again() -> None:
    assert not history_and_links_are_due(snapshot_with(READ, restored=True), JOB, NOW + HOUR)


def test_what_the_journal_gave_back_without_a_history_is_asked_for() -> None:
    assert history_and_links_are_due(
        snapshot_with_next_run(6 * DAY, restored=True), snapshot_with_next_run(6 * DAY).zoho.backup, NOW
    )


@pytest.mark.parametrize(
    ("after", "due"),
    [(timedelta(), False), (DAY - SECOND, False), (DAY, True), (DAY + SECOND, True), (-SECOND, True)],
)
def test_whose_org_it_is_is_asked_once_a_day(after: timedelta, due: bool) -> None:
    assert COMPANY_EVERY == DAY
    assert company_is_due(snapshot_with(READ, company_requested_at=NOW), NOW + after) is due


@reproducible
@given(snapshots(), st.none() | backups(), st.sampled_from(ZONES))
def test_the_zone_of_the_clock_does_not_matter(
    snapshot: Snapshot, now_seen: Backup | None, zone: tzinfo
) -> None:
    here = NOW.astimezone(zone)
    assert history_and_links_are_due(snapshot, now_seen, here) == history_and_links_are_due(
        snapshot, now_seen, NOW
    )
    assert company_is_due(snapshot, here) == company_is_due(snapshot, NOW)


@reproducible
@given(snapshots(), st.none() | backups())
def test_what_was_just_read_is_not_read_again(snapshot: Snapshot, now_seen: Backup | None) -> None:
    read = HistoryAndLinks(ENDED, None)
    observation = Observation(now_seen, history_and_links=read, company_requested=True)
    after = apply_observation(snapshot, observation, NOW)
    assert not history_and_links_are_due(after, now_seen, NOW)
    assert not company_is_due(after, NOW)
