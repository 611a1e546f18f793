"""The agenda's lines: each exactly as wide as the view; uncertain dates are marked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, make_unpolled_snapshot, snapshot_with, with_problem_of
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.text import clean
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.agenda import AgendaDay, AgendaRun
from zbtui.tui.views.agenda_rows import render_day, render_org_without_run, render_run
from zbtui.tui.widgets.styled_line import StyledLine

HOUR = timedelta(hours=1)
NAMES = ["acme", "[/b]", "[@click=app.quit]x[/]", "\x1b]0;x\x07", "\u202egnp.exe", "x" * 200, "字" * 60]


def text(line: StyledLine) -> str:
    return "".join(piece for piece, _ in line)


def run(
    snapshot: Snapshot, at: datetime, width: int = 100, *, exact: bool = True, meets: bool = False
) -> str:
    verdict = judge(snapshot, WatchPolicy(), START)
    one = AgendaRun(snapshot.org.name, at, at.astimezone(UTC), exact)
    return text(render_run(one, snapshot, verdict, START, width, shares_hour=meets))


@given(st.integers(1, 320), st.sampled_from(NAMES), st.booleans(), st.integers(-900, 900))
def test_every_line_is_exactly_as_wide_as_the_view(width: int, name: str, exact: bool, hours: int) -> None:
    snapshot = make_snapshot(clean(name))
    line = run(snapshot, START + hours * HOUR, width, exact=exact)
    org = text(render_org_without_run(snapshot, judge(snapshot, WatchPolicy(), START), "because", width))
    day = text(render_day(AgendaDay(START.date(), ()), width, START, UTC))
    assert cell_len(line) == cell_len(org) == cell_len(day) == width
    assert not any(ord(character) < 32 for character in line + org)


@pytest.mark.parametrize(
    ("ahead", "says"),
    [(HOUR, "in 01:00:00"), (timedelta(), "late by 00:00:00"), (-HOUR, "late by 01:00:00")],
)
def test_zohos_own_date_counts_down_and_then_is_late(ahead: timedelta, says: str) -> None:
    assert says in run(make_snapshot("acme", rrule=None), START + ahead)


def test_a_date_by_the_plan_is_about() -> None:
    line = run(make_snapshot("acme"), START + HOUR, exact=False)
    assert line.startswith(" ~12:20") and "about, by its plan" in line and "in 01" not in line


def test_an_org_that_nobody_can_poll_is_never_late() -> None:
    old = with_problem_of(make_snapshot("acme", START - HOUR), make_unpolled_snapshot("auth", final=True))
    line = run(old, START - HOUR)
    assert "due 1h ago" in line and "SIGN IN, as of 1h ago" in line and "late" not in line


def test_runs_within_the_same_hour_are_marked() -> None:
    assert "≡" in run(make_snapshot("acme"), START + HOUR, meets=True)
    assert "≡" not in run(make_snapshot("acme"), START + HOUR)


def test_the_orgs_own_time_stands_beside_it() -> None:
    at = datetime.fromisoformat("2026-11-23T18:00:00+05:30")
    line = run(make_snapshot("acme"), at, 160)
    assert line.startswith("  12:30") and "there 18:00 +05:30" in line


def test_a_badge_is_no_wider_than_its_words() -> None:
    stopped = make_snapshot("acme", status="STOPPED")
    verdict = judge(stopped, WatchPolicy(), START)
    pieces = [
        piece for piece, role in render_org_without_run(stopped, verdict, "why", 100) if "STOPPED" in piece
    ]
    assert pieces == ["■ STOPPED"]


def test_a_day_shows_its_hours_where_there_is_room() -> None:
    day = AgendaDay(START.date() + timedelta(days=1), (AgendaRun("a", START, START, is_exact=True),))
    assert "tomorrow Tue 24 Nov · 1 run · 0h" in text(render_day(day, 80, START, UTC))
    assert "0h" not in text(render_day(day, 40, START, UTC))


def test_nothing_is_said_of_a_plan_that_there_is_not() -> None:
    none = snapshot_with(make_snapshot("acme"), backup=None)
    assert "None" not in run(none, START + HOUR)
