"""How a verdict is said, and what no verdict may ever be."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, tzinfo
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    SECOND,
    ZONES,
    ahead,
    backup,
    policies,
    running,
    seen,
    snapshots,
    tried,
)
from zbtui.core.backup import State
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.text import clean
from zbtui.core.trouble import Kind
from zbtui.core.verdict import KIND_WORDS, PATIENCE, Level, Name, Verdict, judge

OVERDUE, LONG_RUN = POLICY.overdue_after, POLICY.long_run_after


def verdict(snapshot: Snapshot) -> Verdict:
    return judge(snapshot, POLICY, NOW)


# What is said


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


def test_an_overdue_run_says_what_zoho_still_says() -> None:
    assert "ARCHIVED" in (verdict(ahead(-DAY, "ARCHIVED")).hint or "")


def test_every_verdict_has_a_glyph_of_its_own_one_cell_wide() -> None:
    names: tuple[Name, ...] = get_args(Name)
    glyphs = {Verdict(name, Level.OK, "", "").glyph for name in names}
    assert len(glyphs) == len(names)
    assert {cell_len(glyph) for glyph in glyphs} == {1}


def test_every_kind_of_trouble_has_a_word_of_its_own() -> None:
    assert set(KIND_WORDS) == set(get_args(Kind))
    assert len(set(KIND_WORDS.values())) == len(KIND_WORDS)


def test_levels_sort_by_how_bad_they_are() -> None:
    assert [level.word for level in sorted(Level)] == ["ok", "warning", "unknown", "critical"]
    assert len({level.glyph for level in Level}) == len(Level)


# What no verdict may ever be


@tried
@given(snapshots(), policies, st.integers(1, PATIENCE))
def test_nothing_is_ok_that_was_not_seen_lately(snapshot: Snapshot, policy: Policy, patience: int) -> None:
    found = judge(snapshot, policy, NOW, patience)
    if snapshot.observed_at is None or NOW - snapshot.observed_at > PATIENCE * policy.every:
        assert found.level is Level.UNKNOWN


@tried
@given(snapshots(), policies)
def test_nothing_is_ok_without_a_run_ahead_or_just_due_or_in_progress(
    snapshot: Snapshot, policy: Policy
) -> None:
    found = judge(replace(snapshot, trouble=None, failures=0), policy, NOW)
    if found.level is Level.OK:
        assert snapshot.backup is not None
        left = snapshot.time_to_next_run(NOW)
        awaited = left is not None and left >= -policy.overdue_after
        assert awaited or snapshot.backup.state is State.INPROGRESS
        assert snapshot.backup.state in (State.SCHEDULED, State.COMPLETED, State.INPROGRESS)


@tried
@given(snapshots(), policies)
def test_unknown_is_what_cannot_be_seen_and_nothing_else(snapshot: Snapshot, policy: Policy) -> None:
    found = judge(snapshot, policy, NOW)
    assert (found.level is Level.UNKNOWN) == (found.name in ("cannot_look", "waiting"))
    assert (found.name == "cannot_look") <= (snapshot.trouble is not None)


@tried
@given(snapshots(), policies)
def test_what_a_newer_look_could_not_confirm_is_stale(snapshot: Snapshot, policy: Policy) -> None:
    found = judge(snapshot, policy, NOW)
    unconfirmed = snapshot.trouble is not None or snapshot.restored
    assert found.stale == (unconfirmed and found.level is not Level.UNKNOWN)


@tried
@given(snapshots(), policies)
def test_whoever_has_no_patience_is_never_more_at_ease(snapshot: Snapshot, policy: Policy) -> None:
    patient, impatient = judge(snapshot, policy, NOW), judge(snapshot, policy, NOW, patience=1)
    assert impatient.name == patient.name or impatient.level is Level.UNKNOWN
    assert snapshot.trouble is None or impatient.name == "cannot_look"


@tried
@given(snapshots(), policies, st.sampled_from(ZONES))
def test_the_zone_of_the_clock_does_not_matter(snapshot: Snapshot, policy: Policy, zone: tzinfo) -> None:
    assert judge(snapshot, policy, NOW.astimezone(zone)) == judge(snapshot, policy, NOW)


@tried
@given(snapshots(), policies)
def test_every_verdict_is_said_in_one_clean_line_with_a_cure_unless_it_is_ok(
    snapshot: Snapshot, policy: Policy
) -> None:
    found = judge(snapshot, policy, NOW)
    for text in (found.word, found.headline, *([found.hint] if found.hint else [])):
        assert text
        assert clean(text) == text
    assert found.hint or found.level is Level.OK or found.name == "waiting"
