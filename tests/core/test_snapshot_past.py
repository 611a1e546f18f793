"""How history, links and company that were asked for with a look change what is known of an org."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    SECOND,
    SIGNED_OUT,
    ahead,
    backup,
    companies,
    company,
    history,
    pasts,
    ran,
    row,
    seen,
    snapshots,
    tried,
    troubles,
)
from tests.support.build import snapshot_with
from zbtui.core.backup import Backup
from zbtui.core.company import Company
from zbtui.core.links import Links
from zbtui.core.runs import History
from zbtui.core.snapshot import Looked, Past, Snapshot, failed, succeeded
from zbtui.core.trouble import Trouble

LATER = NOW + 5 * MINUTE
JOB = backup("SCHEDULED", NOW + 6 * DAY)
GOOD, BAD = ran("completed", DAY), ran("failure", DAY)
LINKS = Links(2, 1, NOW + 6 * DAY)


def look(before: Snapshot, past: Past | None, at: datetime = LATER) -> Snapshot:
    return succeeded(before, Looked(JOB, past=past), at)


# History and links


def test_what_was_read_is_known_with_the_moment_of_reading() -> None:
    after = look(seen(JOB), Past(GOOD, LINKS))
    assert (after.zoho.history, after.zoho.history_read_at) == (GOOD, LATER)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (LINKS, LINKS.expire)
    assert (
        after.polls.history_tried_at,
        after.polls.history_problem,
        after.polls.history_failures,
    ) == (LATER, None, 0)
    assert (after.last_completed, after.last_failed) == (NOW - DAY, None)


def test_a_look_that_did_not_ask_changes_nothing_of_it() -> None:
    before = look(seen(JOB), Past(GOOD, LINKS))
    assert snapshot_with(look(before, None, LATER + HOUR), observed_at=LATER, attempted_at=LATER) == before


def test_a_history_that_could_not_be_read_leaves_the_old_one_with_its_age() -> None:
    before = look(seen(JOB), Past(GOOD, LINKS), NOW)
    after = look(before, Past(None, Links(), OFFLINE))
    assert (after.zoho.history, after.zoho.history_read_at) == (GOOD, NOW)
    assert after.zoho.links == Links()
    assert (
        after.polls.history_tried_at,
        after.polls.history_problem,
        after.polls.history_failures,
    ) == (LATER, OFFLINE, 1)


def test_links_that_could_not_be_read_leave_the_old_ones() -> None:
    before = look(seen(JOB), Past(GOOD, LINKS), NOW)
    after = look(before, Past(BAD, None, OFFLINE))
    assert (after.zoho.history, after.zoho.history_read_at) == (BAD, LATER)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (LINKS, LINKS.expire)


def test_what_could_not_be_read_is_counted_until_it_can() -> None:
    snapshot, counts = seen(JOB), []
    for trouble in (OFFLINE, SIGNED_OUT, OFFLINE, None, OFFLINE):
        snapshot = look(snapshot, Past(None if trouble else GOOD, None if trouble else LINKS, trouble))
        counts.append(snapshot.polls.history_failures)
    assert counts == [1, 2, 3, 0, 1]


def test_a_look_that_failed_does_not_count_against_the_history() -> None:
    before = look(seen(JOB), Past(None, None, OFFLINE), NOW)
    after = failed(before, SIGNED_OUT, LATER)
    assert (
        after.polls.history_tried_at,
        after.polls.history_problem,
        after.polls.history_failures,
    ) == (NOW, OFFLINE, 1)


@pytest.mark.parametrize(
    ("year", "completed", "failure"),
    [
        (None, None, None),
        (History(), None, None),
        (GOOD, NOW - DAY, None),
        (BAD, None, NOW - DAY),
        (history(row("completed"), row("failure", NOW - DAY)), None, NOW - DAY),
        (history(row("failure", NOW - HOUR), row("completed", NOW - DAY)), NOW - DAY, NOW - HOUR),
    ],
)
def test_when_a_backup_last_ended_well_and_badly_is_as_the_history_tells(
    year: History | None, completed: datetime | None, failure: datetime | None
) -> None:
    snapshot = seen(JOB, history=year)
    assert (snapshot.last_completed, snapshot.last_failed) == (completed, failure)


# A history that is behind

CHANGED = backup("INPROGRESS", NOW + 6 * DAY)
UNREAD = Past(None, None, OFFLINE)


def series(*looks: tuple[Backup | None, Past | None], before: Snapshot | None = None) -> list[Snapshot]:
    """An org after each of these looks, a minute apart."""
    found, snapshot = [], before or look(seen(JOB), Past(GOOD, LINKS), NOW)
    for number, (what, past) in enumerate(looks):
        snapshot = succeeded(snapshot, Looked(what, past=past), LATER + number * MINUTE)
        found.append(snapshot)
    return found


@pytest.mark.parametrize(
    ("looks", "behind"),
    [
        ([(JOB, None), (JOB, UNREAD)], [False, False]),
        ([(CHANGED, UNREAD), (CHANGED, None), (CHANGED, UNREAD)], [True, True, True]),
        ([(CHANGED, UNREAD), (JOB, UNREAD)], [True, True]),  # whatever happened in between is not told
        ([(CHANGED, None), (CHANGED, Past(GOOD, LINKS))], [True, False]),
        ([(CHANGED, Past(GOOD, LINKS)), (CHANGED, UNREAD)], [False, False]),
        ([(CHANGED, Past(GOOD, None, OFFLINE))], [False]),  # the links could not be read
        ([(CHANGED, Past(None, LINKS, OFFLINE))], [True]),
        ([(None, UNREAD)], [True]),
    ],
)
def test_a_history_is_behind_from_when_the_details_change_until_it_is_read(
    looks: list[tuple[Backup | None, Past | None]], behind: list[bool]
) -> None:
    assert [snapshot.zoho.history_outdated for snapshot in series(*looks)] == behind


def test_a_look_that_failed_leaves_a_history_as_far_behind_as_it_was() -> None:
    for past, behind in ((UNREAD, True), (Past(GOOD, LINKS), False)):
        (snapshot,) = series((CHANGED, past))
        assert failed(snapshot, OFFLINE, LATER + HOUR).zoho.history_outdated is behind


# A run that has a start and no end

UNENDED = history(row("initiated", NOW - HOUR), row("completed", NOW - 7 * DAY))
OPEN = Past(UNENDED, LINKS)


@pytest.mark.parametrize(
    ("looks", "counts"),
    [
        ([(JOB, OPEN), (JOB, OPEN), (JOB, None), (JOB, OPEN)], [1, 2, 2, 3]),
        ([(None, OPEN)], [1]),
        ([(CHANGED, OPEN), (JOB, OPEN), (JOB, Past(GOOD, LINKS))], [0, 1, 0]),
        ([(JOB, OPEN), (CHANGED, OPEN)], [1, 0]),
        ([(JOB, Past(BAD, LINKS))], [0]),
        ([(JOB, Past(History(), LINKS))], [0]),
        ([(JOB, OPEN), (JOB, UNREAD)], [1, 0]),
        ([(JOB, Past(UNENDED, None, OFFLINE))], [1]),
        ([(backup("COMPLETED", NOW + 6 * DAY), OPEN)], [1]),
        ([(backup("FAILED", NOW + 6 * DAY), OPEN)], [1]),
    ],
)
def test_it_is_counted_how_often_the_history_told_no_end_of_a_run_that_is_over(
    looks: list[tuple[Backup | None, Past | None]], counts: list[int]
) -> None:
    assert [snapshot.polls.unfinished_history_reads for snapshot in series(*looks)] == counts


# Links that are gone


def test_the_last_expiry_is_remembered_when_the_links_are_gone() -> None:
    before = look(seen(JOB), Past(GOOD, LINKS))
    after = look(before, Past(GOOD, Links()), LATER + DAY)
    assert (after.zoho.links, after.zoho.last_links_expiry) == (Links(), LINKS.expire)
    newer = Links(1, 0, NOW + 20 * DAY)
    assert look(after, Past(GOOD, newer)).zoho.last_links_expiry == newer.expire


@pytest.mark.parametrize(
    ("links", "expired", "completed", "gone"),
    [
        (LINKS, -6 * DAY, DAY, False),
        (Links(1, 1, NOW + SECOND), -SECOND, DAY, False),
        (Links(1, 1, NOW), timedelta(), 7 * DAY, True),
        (Links(1, 1, NOW - SECOND), SECOND, 7 * DAY, True),
        (Links(), -SECOND, 6 * DAY, False),  # taken away early, and not expired
        (Links(), timedelta(), 7 * DAY, True),
        (Links(), DAY, 8 * DAY, True),
        (Links(), DAY, None, True),
        (Links(), DAY, DAY, True),
        (Links(), DAY, DAY - SECOND, False),  # a newer backup, whose files are still to come
        (Links(), DAY, HOUR, False),
        (Links(), None, HOUR, False),  # none was ever seen
        (Links(), None, None, False),
        (None, DAY, 8 * DAY, False),  # it is not known whether there are any
        (Links(1, 1, None), DAY, HOUR, False),  # there are some, and no end is told
        (Links(1, 1, NOW - HOUR), HOUR, SECOND, True),
    ],
)
def test_links_are_gone_once_their_expiry_is_past_unless_there_is_a_newer_backup(
    links: Links | None, expired: timedelta | None, completed: timedelta | None, gone: bool
) -> None:
    snapshot = seen(
        JOB,
        links=links,
        last_links_expiry=None if expired is None else NOW - expired,
        history=None if completed is None else ran("completed", completed),
    )
    expire = None if expired is None else NOW - expired
    assert snapshot.links_are_gone(NOW) == (expire if gone else None)


@pytest.mark.parametrize(("offset", "gone"), [(-2 * HOUR, False), (timedelta(), False), (2 * HOUR, True)])
def test_links_expire_by_zohos_clock(offset: timedelta, gone: bool) -> None:
    links = Links(1, 1, NOW + HOUR)
    snapshot = seen(JOB, links=links, last_links_expiry=links.expire, clock_offset=offset)
    assert (snapshot.links_are_gone(NOW) is not None) is gone


# Whose org it is


@pytest.mark.parametrize(
    ("before", "looked", "asked", "after"),
    [
        (None, None, False, None),
        (None, company(), True, company()),
        (company(), company("ultimate"), True, company("ultimate")),
        (company(), None, True, company()),  # the scope was taken away, or the call failed
        (company(), None, False, company()),
    ],
)
def test_whose_org_it_is_stays_until_it_is_told_anew(
    before: Company | None, looked: Company | None, asked: bool, after: Company | None
) -> None:
    known = seen(JOB, company=before)
    found = succeeded(known, Looked(JOB, company=looked, company_asked=asked), LATER)
    assert found.zoho.company == after
    assert found.zoho.company_requested_at == (LATER if asked else None)


def test_the_name_of_the_company_is_none_where_it_is_not_known() -> None:
    assert Snapshot(ORG).company_name is None
    assert seen(JOB, company=company(name=None)).company_name is None
    assert seen(JOB, company=company()).company_name == "Nordlys Tools AB"


# Since when it fails


def test_trouble_is_dated_from_the_first_failed_look_to_the_next_good_one() -> None:
    first = failed(seen(JOB), OFFLINE, NOW)
    second = failed(first, SIGNED_OUT, LATER)
    assert (second.polls.failures, second.polls.failing_since) == (2, NOW)
    good = succeeded(second, Looked(JOB), LATER)
    assert (good.polls.failures, good.polls.failing_since) == (0, None)
    assert failed(good, OFFLINE, LATER).polls.failing_since == LATER


def test_over_a_restart_trouble_goes_on_counting() -> None:
    kept = snapshot_with(seen(JOB, restored=True), failures=2, failing_since=NOW - HOUR)
    after = failed(kept, OFFLINE, NOW)
    assert (after.polls.failures, after.polls.failing_since) == (3, NOW - HOUR)


# Whatever is known


@tried
@given(snapshots(), st.none() | pasts(), st.none() | companies)
def test_a_good_look_ends_the_trouble_and_forgets_nothing_that_it_did_not_ask_for(
    before: Snapshot, past: Past | None, who: Company | None
) -> None:
    after = succeeded(before, Looked(JOB, past=past, company=who, company_asked=who is not None), NOW)
    assert (after.polls.problem, after.polls.failures, after.polls.failing_since, after.polls.restored) == (
        None,
        0,
        None,
        False,
    )
    assert after.zoho.observed_at == after.polls.attempted_at == NOW
    assert (after.zoho.history is None) == (
        before.zoho.history is None and (past is None or past.history is None)
    )
    assert (after.zoho.links is None) == (
        before.zoho.links is None and (past is None or past.links is None)
    )
    assert (after.zoho.last_links_expiry is None) <= (before.zoho.last_links_expiry is None)
    assert (after.polls.history_problem is None) == (after.polls.history_failures == 0)
    if past and past.history:
        assert not after.zoho.history_outdated
    else:
        assert after.zoho.history_outdated == (before.zoho.history_outdated or before.zoho.backup != JOB)
    assert after.zoho.company == (who or before.zoho.company)


@tried
@given(snapshots(), troubles)
def test_a_failed_look_changes_nothing_but_the_trouble(before: Snapshot, trouble: Trouble) -> None:
    after = failed(before, trouble, NOW)
    assert after.polls.failures == before.polls.failures + 1
    assert after.polls.failing_since is not None
    assert after == snapshot_with(
        before,
        problem=trouble,
        failures=after.polls.failures,
        failing_since=before.polls.failing_since or NOW,
        attempted_at=NOW,
        polling=False,
    )


@tried
@given(snapshots())
def test_links_are_gone_at_no_moment_that_is_still_to_come(snapshot: Snapshot) -> None:
    gone = snapshot.links_are_gone(NOW)
    assert gone is None or gone <= snapshot.zoho_now(NOW)


def test_what_is_ahead_is_known_before_any_history_is() -> None:
    assert ahead(DAY).last_completed is None
    assert ahead(DAY).links_are_gone(NOW) is None
