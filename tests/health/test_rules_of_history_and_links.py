"""Verdicts that need history or links: failures, stopped plans, old backups, expiring links."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
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
from tests.support.snapshots import snapshot_with
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, Verdict, VerdictName
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

GOOD, BAD = history_with_one_end("completed", DAY), history_with_one_end("failure", 3 * HOUR)
RUNS_AGAIN = make_history(history_row("initiated", NOW - HOUR), history_row("failure", NOW - 3 * HOUR))
"""A history with a failed run and a newer one in progress."""
UNDATED = make_history(history_row("failure"))
FAILED_SOMETIME = make_history(history_row("failure"), history_row("completed", NOW - DAY))
FAILED_LONG_AGO = make_history(history_row("stopped", NOW), history_row("failure", NOW - 200 * DAY))
LONG_AGO = history_with_one_end("completed", 300 * DAY)


def verdict(snapshot: Snapshot, policy: WatchPolicy = POLICY) -> Verdict:
    return judge(snapshot, policy, NOW)


# Failed


@pytest.mark.parametrize(
    ("snapshot", "word"),
    [
        (snapshot_with_next_run(6 * DAY, history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "COMPLETED", history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "ARCHIVED", history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "STOPPED", history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "FINISHED", history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "FAILED", history=BAD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "FAILED", history=GOOD), "FAILED"),
        (snapshot_with_next_run(6 * DAY, "PAYMENT_FAILED", history=GOOD), "PAYMENT_FAILED"),
        (snapshot_of(make_backup("COMPLETED", rrule=None), history=BAD), "FAILED"),
        (snapshot_of(None, history=BAD), "FAILED"),
        (snapshot_with_next_run(-DAY, "INPROGRESS", history=BAD), "INPROGRESS"),
        (snapshot_with_next_run(-DAY, "INPROGRESS", history=RUNS_AGAIN), "INPROGRESS"),
        (snapshot_with_next_run(-DAY, "INPROGRESS", history=GOOD, previous_run_failed=True), "INPROGRESS"),
        (snapshot_with_next_run(6 * DAY, history=RUNS_AGAIN), "FAILED"),
        (snapshot_with_next_run(6 * DAY, history=FAILED_SOMETIME), "FAILED"),
        (snapshot_with_next_run(6 * DAY, history=FAILED_LONG_AGO), "FAILED"),
    ],
)
def test_a_failure_counts_whether_details_or_history_show_it(snapshot: Snapshot, word: str) -> None:
    found = verdict(snapshot)
    assert (found.name, found.level, found.badge) == ("failed", Level.CRITICAL, word)


@pytest.mark.parametrize(
    "year",
    [
        GOOD,
        make_history(history_row("completed", NOW - HOUR), history_row("failure", NOW - 2 * HOUR)),
        make_history(history_row("failure", NOW - 2 * HOUR), history_row("completed", NOW - HOUR)),
        make_history(history_row("completed"), history_row("failure", NOW - 2 * HOUR)),
    ],
)
def test_a_failure_is_over_once_a_newer_backup_completed(year: History) -> None:
    assert verdict(snapshot_with_next_run(6 * DAY, history=year)).name == "scheduled"
    assert verdict(snapshot_with_next_run(6 * DAY, "COMPLETED", history=year)).name == "completed"
    assert verdict(snapshot_with_next_run(6 * DAY, "INPROGRESS", history=year)).name == "running"


@pytest.mark.parametrize(
    ("began", "name"),
    [(HOUR, "completed"), (8 * DAY, "completed"), (8 * DAY + SECOND, "too_old"), (None, "completed")],
)
def test_completed_is_the_end_of_a_newer_run_that_the_history_does_not_show_yet(
    began: timedelta | None, name: VerdictName
) -> None:
    start = history_row("initiated", None if began is None else NOW - began)
    for older in (history_row("failure", NOW - 9 * DAY), history_row("completed", NOW - 9 * DAY)):
        year = make_history(start, older)
        assert verdict(snapshot_with_next_run(6 * DAY, "COMPLETED", history=year)).name == name
    found = verdict(snapshot_with_next_run(6 * DAY, "COMPLETED", history=make_history(start)))
    assert found.name == name
    assert name == "completed" or found.headline == "the last good backup is 8d old"


@pytest.mark.parametrize("status", ["SCHEDULED", "STOPPED", "ARCHIVED", "FINISHED", "INPROGRESS"])
def test_no_other_status_shows_how_a_newer_run_ended(status: str) -> None:
    assert verdict(snapshot_with_next_run(6 * DAY, status, history=RUNS_AGAIN)).name == "failed"


def test_a_failure_before_a_run_counts_while_that_run_is_in_progress_only() -> None:
    assert verdict(snapshot_of_running_backup(HOUR, previous_run_failed=True)).name == "failed"
    assert verdict(snapshot_with_next_run(6 * DAY, previous_run_failed=True)).name == "scheduled"


def test_completed_without_a_newer_run_is_no_end_of_a_failure() -> None:
    older = make_history(history_row("failure", NOW - 3 * HOUR), history_row("initiated", NOW - 4 * HOUR))
    assert verdict(snapshot_with_next_run(6 * DAY, "COMPLETED", history=older)).name == "failed"


@pytest.mark.parametrize(
    ("snapshot", "failed", "then"),
    [
        (snapshot_with_next_run(6 * DAY, history=BAD), "failed 3h ago", "; next try in 6d 00:00:00"),
        (snapshot_with_next_run(6 * DAY, "FAILED"), "failed", "; next try in 6d 00:00:00"),
        (snapshot_with_next_run(6 * DAY, "FAILED", history=GOOD), "failed", "; next try in 6d 00:00:00"),
        (snapshot_with_next_run(6 * DAY, history=UNDATED), "failed", "; next try in 6d 00:00:00"),
        (
            snapshot_with_next_run(6 * DAY, "STOPPED", history=BAD),
            "failed 3h ago",
            "; the schedule is stopped",
        ),
        (snapshot_of(None, history=BAD), "failed 3h ago", "; none is set up"),
        (snapshot_of_running_backup(HOUR, history=RUNS_AGAIN), "failed 3h ago", "; another is running"),
        (snapshot_of_running_backup(HOUR, previous_run_failed=True), "failed", "; another is running"),
        (snapshot_with_next_run(-HOUR, history=BAD), "failed 3h ago", ""),
    ],
)
def test_a_failure_says_when_and_what_comes_next(snapshot: Snapshot, failed: str, then: str) -> None:
    assert verdict(snapshot).headline == f"the last backup {failed}{then}"


def test_a_payment_failure_says_so_and_what_comes_next() -> None:
    unpaid = snapshot_with_next_run(6 * DAY, "PAYMENT_FAILED", history=BAD)
    assert verdict(unpaid).headline == "the backup was not paid for; next try in 6d 00:00:00"


# Stopped


@pytest.mark.parametrize(
    ("rows", "headline"),
    [
        ([], "stopped; no backup will run"),
        ([history_row("completed", NOW - DAY)], "stopped; no backup will run"),
        ([history_row("stopped", NOW - 2 * DAY)], "stopped by Mara Lindqvist 2d ago; no backup will run"),
        ([history_row("stopped", NOW, done_by=None)], "stopped just now; no backup will run"),
        ([history_row("stopped", done_by={"id": "1"})], "stopped; no backup will run"),
        ([history_row("stopped")], "stopped by Mara Lindqvist; no backup will run"),
    ],
)
def test_who_stopped_a_plan_and_when_is_shown_where_it_is_known(
    rows: list[dict[str, object]], headline: str
) -> None:
    found = verdict(snapshot_with_next_run(DAY, "STOPPED", history=make_history(*rows)))
    assert (found.name, found.level) == ("stopped", Level.CRITICAL)
    assert found.headline == headline


@pytest.mark.parametrize("offset", [-12, 0, 14])
def test_when_a_plan_was_stopped_reads_the_same_wherever_the_org_is(offset: int) -> None:
    """The date of the stop at the org may be tomorrow's date here."""
    at = (NOW - DAY).astimezone(timezone(timedelta(hours=offset)))
    stopped = make_history(history_row("stopped", at, done_by=None))
    found = verdict(snapshot_with_next_run(DAY, "STOPPED", history=stopped))
    assert found.headline == "stopped 24h ago; no backup will run"


def test_a_plan_that_was_stopped_once_and_made_again_is_not_stopped() -> None:
    year = make_history(history_row("completed", NOW - DAY), history_row("stopped", NOW - 30 * DAY))
    assert verdict(snapshot_with_next_run(DAY, history=year)).name == "scheduled"


# Too old


@pytest.mark.parametrize(
    ("snapshot", "headline"),
    [
        (snapshot_with_next_run(DAY, history=LONG_AGO), "the last good backup is 300d old"),
        (
            snapshot_of_running_backup(HOUR, history=LONG_AGO),
            "the last good backup is 300d old; one is running",
        ),
        (snapshot_with_next_run(DAY, history=History()), "no backup has completed; the plan is 265d old"),
        (snapshot_of_running_backup(HOUR, history=History()), "no backup has completed; one is running"),
    ],
)
def test_a_backup_too_old_says_how_old_and_whether_one_is_running(
    snapshot: Snapshot, headline: str
) -> None:
    found = verdict(snapshot)
    assert (found.name, found.level, found.badge) == ("too_old", Level.CRITICAL, "TOO OLD")
    assert found.headline == headline


@pytest.mark.parametrize(
    ("rrule", "limit"),
    [
        ("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", 8 * DAY),
        ("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU;BYHOUR=9;BYMINUTE=30;BYSECOND=0", 8 * DAY),
        ("FREQ=WEEKLY;BYDAY=TU;WKST=SU", 8 * DAY),
        ("FREQ=DAILY;COUNT=3", 33 * DAY),
        ("FREQ=DAILY", 33 * DAY),
        ("FREQ=WEEKLY;BYDAY=TU;COUNT=3", 33 * DAY),
        ("FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=20", 33 * DAY),
        ("every now and then", 33 * DAY),
    ],
)
def test_a_plan_that_is_not_understood_counts_as_one_for_each_month(rrule: str, limit: timedelta) -> None:
    plan = make_backup("SCHEDULED", NOW + DAY, rrule=rrule)
    for age, name in ((limit, "scheduled"), (limit + SECOND, "too_old")):
        assert verdict(snapshot_of(plan, history=history_with_one_end("completed", age))).name == name
    own = WatchPolicy(max_age=40 * DAY)
    for age, name in ((40 * DAY, "scheduled"), (40 * DAY + SECOND, "too_old")):
        assert verdict(snapshot_of(plan, history=history_with_one_end("completed", age)), own).name == name


@pytest.mark.parametrize("what", [None, make_backup("COMPLETED", rrule=None)], ids=["none", "a single one"])
def test_without_a_plan_no_backup_is_too_old(what: Backup | None) -> None:
    assert verdict(snapshot_of(what, history=LONG_AGO)).name in ("none", "one_off")


@pytest.mark.parametrize("rrule", [None, "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"])
def test_a_max_age_holds_whether_or_not_there_is_a_plan(rrule: str | None) -> None:
    what = make_backup("COMPLETED", rrule=rrule)
    for backup, days, name in ((what, 41, "too_old"), (None, 41, "too_old"), (None, 39, "none")):
        known = snapshot_of(backup, history=history_with_one_end("completed", days * DAY))
        assert verdict(known, WatchPolicy(max_age=40 * DAY)).name == name


@pytest.mark.parametrize(
    ("start", "made", "name"),
    [
        (9 * DAY, None, "too_old"),
        (7 * DAY, None, "scheduled"),
        (None, 9 * DAY, "too_old"),
        (None, 7 * DAY, "scheduled"),
        (300 * DAY, 7 * DAY, "scheduled"),  # the plan was made again
        (7 * DAY, 300 * DAY, "too_old"),
        (-DAY, 9 * DAY, "scheduled"),  # the first run is still to come
        (None, None, "cannot_tell"),  # since when the first run is due is unknown
    ],
)
def test_where_none_ever_completed_the_wait_counts_from_the_first_run_or_the_plan(
    start: timedelta | None, made: timedelta | None, name: VerdictName
) -> None:
    what = make_backup(
        "SCHEDULED", NOW + DAY, start_date=None if start is None else (NOW - start).isoformat()
    )
    year = make_history(*([] if made is None else [history_row("scheduled", NOW - made)]))
    assert verdict(snapshot_of(what, history=year)).name == name


def test_what_is_not_known_is_not_too_old() -> None:
    for unknown in (None, make_history(history_row("completed"))):
        found = verdict(snapshot_with_next_run(DAY, history=unknown))
        assert (found.name, found.badge) == ("cannot_tell", "NO HISTORY")


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        ([history_row("completed"), history_row("initiated", NOW - 9 * DAY)], "too_old"),
        ([history_row("completed"), history_row("initiated", NOW - 7 * DAY)], "scheduled"),
        ([history_row("scheduled", NOW - DAY), history_row("completed")], "cannot_tell"),
        (
            [
                history_row("scheduled", NOW - DAY),
                history_row("completed"),
                history_row("completed", NOW - 9 * DAY),
            ],
            "too_old",
        ),
    ],
)
def test_a_good_backup_without_a_time_is_as_old_as_the_next_older_row(
    rows: list[dict[str, Any]], name: VerdictName
) -> None:
    assert verdict(snapshot_with_next_run(DAY, history=make_history(*rows))).name == name


# Links that expire


@pytest.mark.parametrize(
    ("left", "name"),
    [
        (7 * DAY, "scheduled"),
        (48 * HOUR + SECOND, "scheduled"),
        (48 * HOUR, "links_expiring"),
        (SECOND, "links_expiring"),
        (timedelta(), "scheduled"),
        (-DAY, "scheduled"),
    ],
)
@pytest.mark.parametrize("offset", [timedelta(), -7 * HOUR, 7 * HOUR])
def test_links_are_worth_a_warning_for_their_last_48_hours_by_zohos_clock(
    left: timedelta, name: VerdictName, offset: timedelta
) -> None:
    links = Links(1, 1, NOW + offset + left)
    known = snapshot_with_next_run(
        8 * DAY + offset, links=links, last_links_expiry=links.expires_at, clock_offset=offset
    )
    assert verdict(known).name == name
    assert verdict(replace(known, org=replace(ORG, links_warn="never"))).name == "scheduled"
    gone = "links_expiring" if left <= timedelta() else name
    assert verdict(replace(known, org=replace(ORG, links_warn="expired"))).name == gone


def test_links_that_a_newer_backup_renews_in_time_are_not_worth_one() -> None:
    links = Links(1, 1, NOW + HOUR)
    for ahead, name in ((59 * MINUTE, "scheduled"), (HOUR, "links_expiring")):
        assert verdict(snapshot_with_next_run(ahead, links=links)).name == name
    single = snapshot_of(make_backup("INPROGRESS", NOW + MINUTE, rrule=None), links=links)
    assert verdict(single).name == "links_expiring"


@pytest.mark.parametrize("links", [None, Links(), Links(1, 1, None)])
def test_links_without_an_end_are_not_worth_one(links: Links | None) -> None:
    assert (
        verdict(snapshot_with_next_run(DAY, links=links, last_links_expiry=NOW + HOUR)).name == "scheduled"
    )


def test_links_that_could_not_be_read_again_still_end() -> None:
    links = Links(1, 1, NOW + HOUR)
    known = snapshot_with_next_run(
        DAY, links=links, last_links_expiry=links.expires_at, history=GOOD, history_read_at=NOW
    )
    assert (
        verdict(snapshot_with(known, history_problem=OFFLINE, history_failures=1)).name == "links_expiring"
    )


# Running


@pytest.mark.parametrize(
    ("first_seen", "started_ago", "name", "says"),
    [
        (13 * HOUR, None, "running_long", "running for 13h"),
        (HOUR, 13 * HOUR, "running_long", "running for 13h"),
        (13 * HOUR, HOUR, "running_long", "running for 13h"),
        (None, 13 * HOUR, "running_long", "running for 13h"),
        (HOUR, 2 * HOUR, "running", "seen running for 2h"),
        (None, None, "running", "a backup is running"),
        (HOUR, -HOUR, "running", "seen running for 1h"),
        (None, 7 * DAY, "running_long", "running for 7d"),
        (HOUR, 7.6 * DAY, "running_long", "running for 7d"),
    ],
)
def test_a_run_lasts_since_it_was_first_seen_or_since_the_history_shows_it(
    first_seen: timedelta | None, started_ago: timedelta | None, name: VerdictName, says: str
) -> None:
    rows = [history_row("completed", NOW - 7.9 * DAY)]
    if started_ago is not None:
        rows.insert(0, history_row("initiated", NOW - started_ago))
    found = verdict(snapshot_of_running_backup(first_seen, history=make_history(*rows)))
    assert found.name == name
    assert says in found.headline


@pytest.mark.parametrize("back", [SECOND, 9 * DAY])
def test_after_the_clock_was_set_back_a_run_lasts_since_the_history_shows_it(back: timedelta) -> None:
    assert verdict(snapshot_of_running_backup(-back)).headline == "a backup is running"
    history = make_history(
        history_row("initiated", NOW - 13 * HOUR), history_row("completed", NOW - 2 * DAY)
    )
    assert verdict(snapshot_of_running_backup(-back, history=history)).name == "running_long"


def test_a_start_without_a_time_shows_nothing_of_how_long_a_run_lasts() -> None:
    year = make_history(history_row("initiated"), history_row("completed", NOW - 2 * DAY))
    assert verdict(snapshot_of_running_backup(13 * HOUR, history=year)).name == "running_long"
    assert verdict(snapshot_of_running_backup(None, history=year)).headline == "a backup is running"


def test_a_start_before_the_newest_end_is_not_this_runs() -> None:
    year = make_history(history_row("completed", NOW - 2 * DAY), history_row("initiated", NOW - 3 * DAY))
    assert verdict(snapshot_of_running_backup(HOUR, history=year)).name == "running"
