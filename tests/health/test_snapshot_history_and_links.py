"""How history, links and company, when a poll asked for them, change the snapshot."""

from __future__ import annotations

from datetime import datetime, timedelta

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
    companies,
    histories_and_links,
    history_row,
    history_with_one_end,
    make_backup,
    make_company,
    make_history,
    problems,
    reproducible,
    snapshot_of,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History

LATER = NOW + 5 * MINUTE
JOB = make_backup("SCHEDULED", NOW + 6 * DAY)
GOOD, BAD = history_with_one_end("completed", DAY), history_with_one_end("failure", DAY)
LINKS = Links(2, 1, NOW + 6 * DAY)


def poll_result(
    before: Snapshot, history_and_links: HistoryAndLinks | None, at: datetime = LATER
) -> Snapshot:
    return apply_observation(before, Observation(JOB, history_and_links=history_and_links), at)


def history_poll(after: Snapshot) -> tuple[datetime | None, Problem | None, int]:
    polls = after.polls
    return polls.history_tried_at, polls.history_problem, polls.history_failures


# History and links


def test_what_was_read_is_known_with_the_moment_of_reading() -> None:
    after = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(GOOD, LINKS))
    assert (after.zoho.history, after.zoho.history_read_at) == (GOOD, LATER)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (LINKS, LINKS.expires_at)
    assert history_poll(after) == (LATER, None, 0)
    assert (after.last_completed, after.last_failed) == (NOW - DAY, None)


def test_a_poll_that_did_not_ask_changes_nothing_of_it() -> None:
    before = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(GOOD, LINKS))
    after = poll_result(before, None, LATER + HOUR)
    unchanged = {"observed_at": LATER, "attempted_at": LATER, "due_dates": before.zoho.due_dates}
    assert snapshot_with(after, **unchanged) == before


def test_a_history_that_could_not_be_read_leaves_the_old_one_with_its_age() -> None:
    before = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(GOOD, LINKS), NOW)
    after = poll_result(before, HistoryAndLinks(None, Links(), OFFLINE))
    assert (after.zoho.history, after.zoho.history_read_at) == (GOOD, NOW)
    assert after.zoho.links == Links()
    assert history_poll(after) == (LATER, OFFLINE, 1)


def test_links_that_could_not_be_read_leave_the_old_ones() -> None:
    before = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(BAD, LINKS), NOW)
    after = poll_result(before, HistoryAndLinks(BAD, None, links_problem=OFFLINE))
    assert (after.zoho.history, after.zoho.history_read_at) == (BAD, LATER)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (LINKS, LINKS.expires_at)


def test_what_could_not_be_read_is_counted_until_it_can() -> None:
    snapshot, counts = snapshot_of(JOB, history=None), []
    for problem in (OFFLINE, SIGNED_OUT, OFFLINE, None, OFFLINE):
        found = HistoryAndLinks(None, None, problem) if problem else HistoryAndLinks(GOOD, LINKS)
        snapshot = poll_result(snapshot, found)
        counts.append(snapshot.polls.history_failures)
    assert counts == [1, 2, 3, 0, 1]


def test_a_poll_that_failed_does_not_count_against_the_history() -> None:
    before = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(None, None, OFFLINE), NOW)
    after = apply_failure(before, SIGNED_OUT, LATER)
    assert history_poll(after) == (NOW, OFFLINE, 1)


@pytest.mark.parametrize(
    ("year", "completed", "failure"),
    [
        (None, None, None),
        (History(), None, None),
        (GOOD, NOW - DAY, None),
        (BAD, None, NOW - DAY),
        (make_history(history_row("completed"), history_row("failure", NOW - DAY)), NOW - DAY, NOW - DAY),
        (make_history(history_row("failure", NOW - DAY), history_row("completed")), None, NOW - DAY),
        (
            make_history(history_row("failure", NOW - HOUR), history_row("completed", NOW - DAY)),
            NOW - DAY,
            NOW - HOUR,
        ),
    ],
)
def test_when_a_backup_last_ended_well_and_badly_is_as_the_history_shows(
    year: History | None, completed: datetime | None, failure: datetime | None
) -> None:
    snapshot = snapshot_of(JOB, history=year)
    assert (snapshot.last_completed, snapshot.last_failed) == (completed, failure)


# A history that is behind

CHANGED = make_backup("INPROGRESS", NOW + 6 * DAY)
UNREAD = HistoryAndLinks(None, None, OFFLINE)


def series(
    *polls: tuple[Backup | None, HistoryAndLinks | None], before: Snapshot | None = None
) -> list[Snapshot]:
    """The snapshot after each of these polls, which are a minute apart."""
    found, snapshot = (
        [],
        before or poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(GOOD, LINKS), NOW),
    )
    for number, (what, history_and_links) in enumerate(polls):
        snapshot = apply_observation(
            snapshot, Observation(what, history_and_links=history_and_links), LATER + number * MINUTE
        )
        found.append(snapshot)
    return found


@pytest.mark.parametrize(
    ("polls", "behind"),
    [
        ([(JOB, None), (JOB, UNREAD)], [False, False]),
        ([(CHANGED, UNREAD), (CHANGED, None), (CHANGED, UNREAD)], [True, True, True]),
        ([(CHANGED, UNREAD), (JOB, UNREAD)], [True, True]),  # a run between the two polls may be missing
        ([(CHANGED, None), (CHANGED, HistoryAndLinks(GOOD, LINKS))], [True, False]),
        ([(CHANGED, HistoryAndLinks(GOOD, LINKS)), (CHANGED, UNREAD)], [False, False]),
        (
            [(CHANGED, HistoryAndLinks(GOOD, None, links_problem=OFFLINE))],
            [False],
        ),  # the links could not be read
        ([(CHANGED, HistoryAndLinks(None, LINKS, OFFLINE))], [True]),
        ([(None, UNREAD)], [True]),
    ],
)
def test_a_history_is_behind_from_when_the_details_change_until_it_is_read(
    polls: list[tuple[Backup | None, HistoryAndLinks | None]], behind: list[bool]
) -> None:
    since = [snapshot.zoho.history_behind_since for snapshot in series(*polls)]
    assert [moment is not None for moment in since] == behind


def test_a_poll_that_failed_leaves_a_history_as_far_behind_as_it_was() -> None:
    for history_and_links, behind in ((UNREAD, True), (HistoryAndLinks(GOOD, LINKS), False)):
        (snapshot,) = series((CHANGED, history_and_links))
        assert bool(apply_failure(snapshot, OFFLINE, LATER + HOUR).zoho.history_behind_since) is behind


# A run that has a start and no end

UNENDED = make_history(history_row("initiated", NOW - HOUR), history_row("completed", NOW - DAY))
ENDED = make_history(history_row("failure", NOW - HOUR), history_row("completed", NOW - DAY))
OPEN = HistoryAndLinks(UNENDED, LINKS)


@pytest.mark.parametrize(
    ("polls", "counts"),
    [
        ([(JOB, OPEN), (JOB, OPEN), (JOB, None), (JOB, OPEN)], [1, 2, 2, 3]),
        ([(None, OPEN)], [1]),
        ([(CHANGED, OPEN), (JOB, OPEN), (JOB, HistoryAndLinks(GOOD, LINKS))], [0, 1, 0]),
        ([(JOB, OPEN), (CHANGED, OPEN)], [1, 0]),
        ([(JOB, HistoryAndLinks(ENDED, LINKS))], [0]),
        ([(JOB, OPEN), (JOB, UNREAD)], [1, 0]),
        ([(JOB, HistoryAndLinks(UNENDED, None, links_problem=OFFLINE))], [1]),
        ([(make_backup("COMPLETED", NOW + 6 * DAY), OPEN)], [1]),
        ([(make_backup("FAILED", NOW + 6 * DAY), OPEN)], [1]),
    ],
)
def test_it_is_counted_how_often_the_history_showed_no_end_of_a_run_that_is_over(
    polls: list[tuple[Backup | None, HistoryAndLinks | None]], counts: list[int]
) -> None:
    assert [snapshot.polls.unsettled_history_reads for snapshot in series(*polls)] == counts


# Links that are gone


def test_the_last_expiry_is_remembered_when_the_links_are_gone() -> None:
    before = poll_result(snapshot_of(JOB, history=None), HistoryAndLinks(GOOD, LINKS))
    after = poll_result(before, HistoryAndLinks(GOOD, Links()), LATER + DAY)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (Links(), LINKS.expires_at)
    newer = Links(1, 0, NOW + 20 * DAY)
    assert poll_result(after, HistoryAndLinks(GOOD, newer)).zoho.last_links_expiry == newer.expires_at


@pytest.mark.parametrize(
    ("links", "expired", "completed", "gone"),
    [
        (LINKS, -6 * DAY, DAY, False),
        (Links(1, 1, NOW + SECOND), -SECOND, DAY, False),
        (Links(1, 1, NOW), timedelta(), 7 * DAY, True),
        (Links(1, 1, NOW - SECOND), SECOND, 7 * DAY, True),
        (Links(), -SECOND, 6 * DAY, False),  # removed before they expired
        (Links(), timedelta(), 7 * DAY, True),
        (Links(), DAY, 8 * DAY, True),
        (Links(), DAY, None, True),
        (Links(), DAY, DAY, True),
        (Links(), DAY, DAY - SECOND, False),  # a newer backup, whose files are not there yet
        (Links(), DAY, HOUR, False),
        (Links(), None, HOUR, False),  # no links were ever seen
        (Links(), None, None, False),
        (None, DAY, 8 * DAY, False),  # whether there are links is unknown
        (Links(1, 1, None), DAY, HOUR, False),  # links without an expiry
        (Links(1, 1, NOW - HOUR), HOUR, SECOND, True),
    ],
)
def test_links_are_gone_after_their_expiry_unless_there_is_a_newer_backup(
    links: Links | None, expired: timedelta | None, completed: timedelta | None, gone: bool
) -> None:
    snapshot = snapshot_of(
        JOB,
        links=links,
        last_links_expiry=None if expired is None else NOW - expired,
        history=None if completed is None else history_with_one_end("completed", completed),
    )
    expire = None if expired is None else NOW - expired
    assert snapshot.links_expired_at(NOW) == (expire if gone else None)


@pytest.mark.parametrize(("offset", "gone"), [(-2 * HOUR, False), (timedelta(), False), (2 * HOUR, True)])
def test_links_expire_by_zohos_clock(offset: timedelta, gone: bool) -> None:
    links = Links(1, 1, NOW + HOUR)
    snapshot = snapshot_of(JOB, links=links, last_links_expiry=links.expires_at, clock_offset=offset)
    assert (snapshot.links_expired_at(NOW) is not None) is gone


# Whose org it is


@pytest.mark.parametrize(
    ("before", "answered", "asked", "after"),
    [
        (None, None, False, None),
        (None, make_company(), True, make_company()),
        (make_company(), make_company("ultimate"), True, make_company("ultimate")),
        (make_company(), None, True, make_company()),  # the scope was taken away, or the call failed
        (make_company(), None, False, make_company()),
    ],
)
def test_whose_org_it_is_stays_until_it_is_shown_again(
    before: Company | None, answered: Company | None, asked: bool, after: Company | None
) -> None:
    known = snapshot_of(JOB, company=before)
    found = apply_observation(known, Observation(JOB, company=answered, company_requested=asked), LATER)
    assert found.zoho.company == after
    assert found.zoho.company_requested_at == (LATER if asked else None)


def test_the_name_of_the_company_is_none_where_it_is_not_known() -> None:
    assert Snapshot(ORG).company_name is None
    assert snapshot_of(JOB, company=make_company(name=None)).company_name is None
    assert snapshot_of(JOB, company=make_company()).company_name == "Nordlys Tools AB"


# Since when polls fail


def test_a_problem_is_dated_from_the_first_failed_poll_to_the_next_good_one() -> None:
    first = apply_failure(snapshot_of(JOB, history=None), OFFLINE, NOW)
    second = apply_failure(first, SIGNED_OUT, LATER)
    assert (second.polls.failures, second.polls.failing_since) == (2, NOW)
    good = apply_observation(second, Observation(JOB), LATER)
    assert (good.polls.failures, good.polls.failing_since) == (0, None)
    assert apply_failure(good, OFFLINE, LATER).polls.failing_since == LATER


def test_over_a_restart_a_problem_goes_on_counting() -> None:
    kept = snapshot_with(snapshot_of(JOB, restored=True), failures=2, failing_since=NOW - HOUR)
    after = apply_failure(kept, OFFLINE, NOW)
    assert (after.polls.failures, after.polls.failing_since) == (3, NOW - HOUR)


# Any snapshot


@reproducible
@given(snapshots(), st.none() | histories_and_links(), st.none() | companies)
def test_a_good_poll_ends_the_problem_and_forgets_nothing_that_it_did_not_ask_for(
    before: Snapshot, history_and_links: HistoryAndLinks | None, who: Company | None
) -> None:
    found = Observation(
        JOB, history_and_links=history_and_links, company=who, company_requested=who is not None
    )
    after = apply_observation(before, found, NOW)
    polls = after.polls
    assert (polls.problem, polls.failures, polls.failing_since, polls.restored) == (None, 0, None, False)
    assert after.zoho.observed_at == after.polls.attempted_at == NOW
    assert (after.zoho.history is None) == (
        before.zoho.history is None and (history_and_links is None or history_and_links.history is None)
    )
    assert (after.zoho.links is None) == (
        before.zoho.links is None and (history_and_links is None or history_and_links.links is None)
    )
    assert (after.zoho.last_links_expiry is None) <= (before.zoho.last_links_expiry is None)
    failed = after.polls.history_problem or after.polls.links_problem
    assert (failed is None) == (after.polls.history_failures == 0)
    if (
        not (history_and_links and history_and_links.history)
        and before.zoho.observed_at
        and before.zoho.backup != JOB
    ):
        assert after.zoho.history_behind_since
    assert after.zoho.company == (who or before.zoho.company)


@reproducible
@given(snapshots(), problems)
def test_a_failed_poll_changes_nothing_but_the_problem(before: Snapshot, problem: Problem) -> None:
    after = apply_failure(before, problem, NOW)
    assert after.polls.failures == before.polls.failures + 1
    assert after.polls.failing_since is not None
    assert after == snapshot_with(
        before,
        problem=problem,
        failures=after.polls.failures,
        failing_since=before.polls.failing_since or NOW,
        attempted_at=NOW,
        polling=False,
    )


@reproducible
@given(snapshots())
def test_links_are_gone_at_no_moment_that_is_still_to_come(snapshot: Snapshot) -> None:
    gone = snapshot.links_expired_at(NOW)
    assert gone is None or gone <= snapshot.zoho_now(NOW)


def test_before_a_history_was_read_no_end_is_known() -> None:
    assert snapshot_with_next_run(DAY, history=None).last_completed is None
    assert snapshot_with_next_run(DAY, history=None).links_expired_at(NOW) is None
