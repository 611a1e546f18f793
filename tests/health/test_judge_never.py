"""Properties that hold for the verdict on any snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    OFFLINE,
    POLICY,
    ZONES,
    backups,
    entries,
    histories,
    history_with_one_end,
    make_backup,
    policies,
    reproducible,
    snapshot_of,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.text import clean
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.backup_details import Backup, BackupState
from zbtui.zoho_api.history import HistoryEntry, RunOutcome
from zbtui.zoho_api.runs import History, build_history

zones = st.sampled_from([*ZONES, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])
polled_snapshots = st.one_of(
    snapshots(),
    # Snapshots after a good poll, so that the rules about its content apply.
    snapshots().map(
        lambda known: snapshot_with(
            known, problem=None, failures=0, failing_since=None, observed_at=NOW, attempted_at=NOW
        )
    ),
)


@reproducible
@given(polled_snapshots, policies, st.integers(1, ALLOWED_FAILURES))
def test_nothing_is_ok_that_was_not_seen_lately(
    snapshot: Snapshot, policy: WatchPolicy, patience: int
) -> None:
    found = judge(snapshot, policy, NOW, patience)
    if (
        snapshot.zoho.observed_at is None
        or NOW - snapshot.zoho.observed_at > ALLOWED_FAILURES * policy.every
    ):
        assert found.level is Level.UNKNOWN or (found.level is Level.CRITICAL and found.stale)


@reproducible
@given(polled_snapshots, policies)
def test_nothing_is_ok_without_a_run_ahead_or_just_due_or_in_progress(
    snapshot: Snapshot, policy: WatchPolicy
) -> None:
    found = judge(snapshot_with(snapshot, problem=None, failures=0), policy, NOW)
    if found.level is Level.OK:
        assert snapshot.zoho.backup is not None
        if snapshot.zoho.backup.state is BackupState.UNKNOWN or policy.max_age is not None:
            return  # another scheduler may order the backups
        left = snapshot.time_to_next_run(NOW)
        awaited = left is not None and left >= -policy.overdue_after
        assert awaited or snapshot.zoho.backup.state is BackupState.INPROGRESS
        assert snapshot.zoho.backup.state in (
            BackupState.SCHEDULED,
            BackupState.COMPLETED,
            BackupState.INPROGRESS,
        )


@reproducible
@given(st.none() | backups(), st.lists(entries, max_size=6))
@example(snapshot_with_next_run(DAY).zoho.backup, list(history_with_one_end("failure", HOUR).entries))
@example(
    snapshot_with_next_run(DAY, "COMPLETED").zoho.backup,
    list(history_with_one_end("failure", HOUR).entries),
)
@example(
    snapshot_with_next_run(-HOUR, "INPROGRESS").zoho.backup,
    list(history_with_one_end("failure", HOUR).entries),
)
def test_nothing_is_ok_after_a_failure_unless_a_newer_run_is_shown_completed(
    what: Backup | None, rows: list[HistoryEntry]
) -> None:
    year = build_history(rows)
    found = judge(snapshot_of(what, history=year, history_read_at=NOW), POLICY, NOW)
    last = next((one for one in year.entries if one.outcome), None)
    if last is None or last.outcome is not RunOutcome.FAILED:
        return
    newer = year.entries[: [one is last for one in year.entries].index(True)]
    completed = what is not None and what.state is BackupState.COMPLETED
    superseded = completed and any(one.starts_run for one in newer)
    assert superseded or (found.name, found.level) == ("failed", Level.CRITICAL)


@reproducible
@given(st.none() | backups(), histories, policies, st.timedeltas(timedelta(), 40 * DAY), st.booleans())
@example(
    snapshot_with_next_run(DAY).zoho.backup,
    history_with_one_end("completed", DAY),
    POLICY,
    19 * HOUR,
    False,
)
@example(
    snapshot_with_next_run(DAY).zoho.backup, history_with_one_end("completed", DAY), POLICY, 19 * HOUR, True
)
def test_nothing_is_ok_while_the_history_cannot_be_read_and_is_old_or_was_never_read(
    what: Backup | None, year: History, policy: WatchPolicy, age: timedelta, behind: bool
) -> None:
    since = NOW - HOUR if behind else None
    never = snapshot_of(
        what, history=None, history_problem=OFFLINE, history_failures=1, history_behind_since=since
    )
    assert judge(never, policy, NOW).level is not Level.OK
    old = snapshot_with(never, history=year, history_read_at=NOW - age)
    assert age <= 18 * HOUR or judge(old, policy, NOW).level is not Level.OK


@reproducible
@given(st.none() | backups(), histories, policies, st.integers(1, ALLOWED_FAILURES), st.integers(0, 3))
@example(snapshot_with_next_run(DAY).zoho.backup, history_with_one_end("completed", DAY), POLICY, 1, 0)
def test_nothing_is_ok_while_what_changed_cannot_be_read_for_as_long_as_one_is_patient(
    what: Backup | None, year: History, policy: WatchPolicy, patience: int, more: int
) -> None:
    behind = snapshot_of(
        what,
        history=year,
        history_read_at=NOW,
        history_behind_since=NOW,
        history_problem=OFFLINE,
        history_failures=patience + more,
    )
    assert judge(behind, policy, NOW, patience).level is not Level.OK


@reproducible
@given(backups(), st.lists(entries, max_size=6))
@example(replace(make_backup("SCHEDULED", NOW + DAY), first_run=None), [])
def test_no_plan_is_ok_of_which_nothing_shows_that_it_ever_ran_or_since_when_it_should(
    what: Backup, rows: list[HistoryEntry]
) -> None:
    year = build_history(rows)
    found = judge(snapshot_of(what, history=year, history_read_at=NOW), POLICY, NOW)
    planned = any(one.action == "scheduled" and one.logged_at for one in year.entries)
    if year.last_completed or year.unfinished_start or planned or what.first_run:
        return
    assert found.level is not Level.OK or what.state is BackupState.INPROGRESS


@reproducible
@given(st.none() | backups(), histories, st.timedeltas(HOUR, 30 * DAY))
def test_nothing_is_ok_whose_last_good_backup_is_older_than_it_may_be(
    what: Backup | None, year: History, limit: timedelta
) -> None:
    policy = WatchPolicy(max_age=limit)
    found = judge(snapshot_of(what, history=year, history_read_at=NOW), policy, NOW)
    done = year.last_completed_at
    if done is not None and NOW - done > limit:
        completed = (
            what is not None and what.state is BackupState.COMPLETED and year.unfinished_start is not None
        )
        assert completed or found.level is Level.CRITICAL


@reproducible
@given(polled_snapshots, policies)
def test_unknown_is_what_cannot_be_seen_and_nothing_else(snapshot: Snapshot, policy: WatchPolicy) -> None:
    found = judge(snapshot, policy, NOW)
    assert (found.level is Level.UNKNOWN) == (found.name in ("cannot_tell", "waiting"))
    if found.name == "cannot_tell":
        assert snapshot.polls.problem or found.badge in ("NO HISTORY", "NO DATE")


@reproducible
@given(polled_snapshots, policies)
def test_what_a_newer_poll_could_not_confirm_is_stale(snapshot: Snapshot, policy: WatchPolicy) -> None:
    found = judge(snapshot, policy, NOW)
    unconfirmed = snapshot.polls.problem is not None or snapshot.polls.restored
    if found.level is not Level.UNKNOWN:
        assert found.stale == unconfirmed or (found.stale and found.level is Level.CRITICAL)


@reproducible
@given(polled_snapshots, policies)
def test_fewer_allowed_failures_never_give_a_better_level(snapshot: Snapshot, policy: WatchPolicy) -> None:
    patient, impatient = judge(snapshot, policy, NOW), judge(snapshot, policy, NOW, allowed_failures=1)
    assert impatient.name == patient.name or impatient.level >= Level.UNKNOWN
    assert snapshot.polls.problem is None or impatient.level >= Level.UNKNOWN


@reproducible
@given(polled_snapshots, policies, zones)
def test_the_zone_of_the_clock_does_not_matter(
    snapshot: Snapshot, policy: WatchPolicy, zone: tzinfo
) -> None:
    assert judge(snapshot, policy, NOW.astimezone(zone)) == judge(snapshot, policy, NOW)


@reproducible
@given(polled_snapshots, policies)
def test_nothing_is_green_without_a_history(snapshot: Snapshot, policy: WatchPolicy) -> None:
    without = snapshot_with(
        snapshot, history=None, history_read_at=None, history_problem=None, history_failures=0
    )
    assert judge(without, policy, NOW).level >= Level.UNKNOWN


@reproducible
@given(polled_snapshots, policies)
def test_every_verdict_is_said_in_one_clean_line_with_a_cure_unless_it_is_ok(
    snapshot: Snapshot, policy: WatchPolicy
) -> None:
    found = judge(snapshot, policy, NOW)
    for text in (found.badge, found.headline, *([found.hint] if found.hint else [])):
        assert text
        assert clean(text) == text
    assert found.hint or found.level is Level.OK or found.name == "waiting"
