"""What no verdict may ever be, whatever is known of an org."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from tests.core.build import (
    DAY,
    HOUR,
    NOW,
    OFFLINE,
    POLICY,
    ZONES,
    ahead,
    backup,
    backups,
    entries,
    histories,
    policies,
    ran,
    seen,
    snapshots,
    tried,
)
from tests.support.build import snapshot_with
from zbtui.core.backup import Backup, State
from zbtui.core.history import Entry, Outcome
from zbtui.core.judge import PATIENCE, judge
from zbtui.core.org import Policy
from zbtui.core.runs import History, summarize
from zbtui.core.snapshot import Snapshot
from zbtui.core.text import clean
from zbtui.core.verdict import Level

zones = st.sampled_from([*ZONES, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])
looks = st.one_of(
    snapshots(),
    # As they are after a good look, so that the rules have their say.
    snapshots().map(
        lambda known: snapshot_with(
            known, problem=None, failures=0, failing_since=None, observed_at=NOW, attempted_at=NOW
        )
    ),
)


@tried
@given(looks, policies, st.integers(1, PATIENCE))
def test_nothing_is_ok_that_was_not_seen_lately(snapshot: Snapshot, policy: Policy, patience: int) -> None:
    found = judge(snapshot, policy, NOW, patience)
    if snapshot.zoho.observed_at is None or NOW - snapshot.zoho.observed_at > PATIENCE * policy.every:
        assert found.level is Level.UNKNOWN


@tried
@given(looks, policies)
def test_nothing_is_ok_without_a_run_ahead_or_just_due_or_in_progress(
    snapshot: Snapshot, policy: Policy
) -> None:
    found = judge(snapshot_with(snapshot, problem=None, failures=0), policy, NOW)
    if found.level is Level.OK:
        assert snapshot.zoho.backup is not None
        left = snapshot.time_to_next_run(NOW)
        awaited = left is not None and left >= -policy.overdue_after
        assert awaited or snapshot.zoho.backup.state is State.INPROGRESS
        assert snapshot.zoho.backup.state in (State.SCHEDULED, State.COMPLETED, State.INPROGRESS)


@tried
@given(st.none() | backups(), st.lists(entries, max_size=6))
@example(ahead(DAY).zoho.backup, list(ran("failure", HOUR).entries))
@example(ahead(DAY, "COMPLETED").zoho.backup, list(ran("failure", HOUR).entries))
@example(ahead(-HOUR, "INPROGRESS").zoho.backup, list(ran("failure", HOUR).entries))
def test_nothing_is_ok_after_a_failure_unless_a_newer_run_is_told_completed(
    what: Backup | None, rows: list[Entry]
) -> None:
    year = summarize(rows)
    found = judge(seen(what, history=year, history_read_at=NOW), POLICY, NOW)
    last = next((one for one in year.entries if one.outcome), None)
    if last is None or last.outcome is not Outcome.FAILED:
        return
    newer = year.entries[: [one is last for one in year.entries].index(True)]
    completed = what is not None and what.state is State.COMPLETED
    superseded = completed and any(one.begins_run for one in newer)
    assert superseded or (found.name, found.level) == ("failed", Level.CRITICAL)


@tried
@given(st.none() | backups(), histories, policies, st.timedeltas(timedelta(), 40 * DAY), st.booleans())
@example(ahead(DAY).zoho.backup, ran("completed", DAY), POLICY, 19 * HOUR, False)
@example(ahead(DAY).zoho.backup, ran("completed", DAY), POLICY, 19 * HOUR, True)
def test_nothing_is_ok_while_the_history_cannot_be_read_and_is_old_or_was_never_read(
    what: Backup | None, year: History, policy: Policy, age: timedelta, behind: bool
) -> None:
    never = seen(what, history_problem=OFFLINE, history_failures=1, history_outdated=behind)
    assert judge(never, policy, NOW).level is not Level.OK
    old = snapshot_with(never, history=year, history_read_at=NOW - age)
    assert age <= 18 * HOUR or judge(old, policy, NOW).level is not Level.OK


@tried
@given(st.none() | backups(), histories, policies, st.integers(1, PATIENCE), st.integers(0, 3))
@example(ahead(DAY).zoho.backup, ran("completed", DAY), POLICY, 1, 0)
def test_nothing_is_ok_while_what_changed_cannot_be_read_for_as_long_as_one_is_patient(
    what: Backup | None, year: History, policy: Policy, patience: int, more: int
) -> None:
    behind = seen(
        what,
        history=year,
        history_read_at=NOW,
        history_outdated=True,
        history_problem=OFFLINE,
        history_failures=patience + more,
    )
    assert judge(behind, policy, NOW, patience).level is not Level.OK


@tried
@given(backups(), st.lists(entries, max_size=6))
@example(replace(backup("SCHEDULED", NOW + DAY), first_run=None), [])
def test_no_plan_is_ok_of_which_nothing_tells_that_it_ever_ran_or_since_when_it_should(
    what: Backup, rows: list[Entry]
) -> None:
    year = summarize(rows)
    found = judge(seen(what, history=year, history_read_at=NOW), POLICY, NOW)
    planned = any(one.action == "scheduled" and one.at for one in year.entries)
    if year.last_completed or year.under_way or planned or what.first_run:
        return
    assert found.level is not Level.OK or what.state is State.INPROGRESS


@tried
@given(st.none() | backups(), histories, st.timedeltas(HOUR, 30 * DAY))
def test_nothing_is_ok_whose_last_good_backup_is_older_than_it_may_be(
    what: Backup | None, year: History, limit: timedelta
) -> None:
    policy = Policy(max_age=limit)
    found = judge(seen(what, history=year, history_read_at=NOW), policy, NOW)
    done = year.last_completed
    if done is not None and done.at is not None and NOW - done.at > limit:
        completed = what is not None and what.state is State.COMPLETED and year.under_way is not None
        assert completed or found.level is Level.CRITICAL


@tried
@given(looks, policies)
def test_unknown_is_what_cannot_be_seen_and_nothing_else(snapshot: Snapshot, policy: Policy) -> None:
    found = judge(snapshot, policy, NOW)
    assert (found.level is Level.UNKNOWN) == (found.name in ("cannot_look", "waiting"))
    if found.name == "cannot_look":
        assert snapshot.polls.problem or snapshot.polls.history_problem or found.word == "NO HISTORY"


@tried
@given(looks, policies)
def test_what_a_newer_look_could_not_confirm_is_stale(snapshot: Snapshot, policy: Policy) -> None:
    found = judge(snapshot, policy, NOW)
    unconfirmed = snapshot.polls.problem is not None or snapshot.polls.restored
    unseen = found.name in ("cannot_look", "waiting") and found.word != "NO HISTORY"
    assert found.stale == (unconfirmed and not unseen)


@tried
@given(looks, policies)
def test_whoever_has_no_patience_is_never_more_at_ease(snapshot: Snapshot, policy: Policy) -> None:
    patient, impatient = judge(snapshot, policy, NOW), judge(snapshot, policy, NOW, patience=1)
    assert impatient.name == patient.name or impatient.level is Level.UNKNOWN
    assert snapshot.polls.problem is None or impatient.name == "cannot_look"


@tried
@given(looks, policies, zones)
def test_the_zone_of_the_clock_does_not_matter(snapshot: Snapshot, policy: Policy, zone: tzinfo) -> None:
    assert judge(snapshot, policy, NOW.astimezone(zone)) == judge(snapshot, policy, NOW)


@tried
@given(looks, policies)
def test_a_history_that_is_read_never_makes_a_verdict_green(snapshot: Snapshot, policy: Policy) -> None:
    without = snapshot_with(
        snapshot,
        history=None,
        history_read_at=None,
        history_problem=None,
        history_failures=0,
    )
    if judge(snapshot, policy, NOW).level is Level.OK:
        found = judge(without, policy, NOW)
        assert found.level is Level.OK


@tried
@given(looks, policies)
def test_every_verdict_is_said_in_one_clean_line_with_a_cure_unless_it_is_ok(
    snapshot: Snapshot, policy: Policy
) -> None:
    found = judge(snapshot, policy, NOW)
    for text in (found.word, found.headline, *([found.hint] if found.hint else [])):
        assert text
        assert clean(text) == text
    assert found.hint or found.level is Level.OK or found.name == "waiting"
