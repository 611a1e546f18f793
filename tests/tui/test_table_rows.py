"""The table: as many columns as fit, each line exactly as wide as the view."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.fake_clock import START
from tests.support.snapshots import make_company, make_snapshot, snapshot_with
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.text import clean
from zbtui.model.watch_policy import WatchPolicy
from zbtui.presentation.sorting import SORT_CYCLE, SortOrder
from zbtui.tui.views.table_rows import column_at, fit_columns, render_table_header, render_table_row
from zbtui.tui.widgets.styled_line import StyledLine
from zbtui.zoho_api.runs import History

HOSTILE = ["[/b]", "[@click=app.quit]x[/]", "\x1b]0;x\x07", "\u202egnp.exe", "x" * 200, "字" * 60, ""]


def row(snapshot: Snapshot, width: int) -> StyledLine:
    return render_table_row(snapshot, judge(snapshot, WatchPolicy(), START), START, width, UTC)


def text(line: StyledLine) -> str:
    return "".join(piece for piece, _ in line)


@given(st.integers(1, 320), st.sampled_from(HOSTILE), st.sampled_from(["SCHEDULED", "FAILED", "ODD [b]"]))
def test_every_line_is_exactly_as_wide_as_the_view(width: int, name: str, status: str) -> None:
    snapshot = make_snapshot(clean(name) or "x", status=status)
    line = row(snapshot, width)
    assert cell_len(text(line)) == width
    assert not any(ord(character) < 32 for character in text(line))
    assert cell_len(text(render_table_header(width, "worst", reverse=False))) == width


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (36, "STATUS ORG"),
        (60, "STATUS ORG NEXT RUN SEEN"),
        (80, "STATUS ORG NEXT RUN SEEN LAST GOOD DC"),
        (120, "STATUS ORG NEXT RUN SEEN LAST GOOD DC BY WHY"),
    ],
)
def test_the_most_important_columns_get_room_first(width: int, titles: str) -> None:
    assert " ".join(column.title for column, _ in fit_columns(width)) == titles


@given(st.integers(36, 320))
def test_a_wider_table_shows_no_less(width: int) -> None:
    before = {column.title: cells for column, cells in fit_columns(width)}
    after = {column.title for column, _ in fit_columns(width + 1)}
    assert before.keys() <= after


def test_each_order_of_the_key_s_has_a_column() -> None:
    sorts = {column.sort for column, _ in fit_columns(300)}
    assert set(SORT_CYCLE) <= sorts


def test_the_head_marks_the_sorted_column_and_its_direction() -> None:
    assert "NEXT RUN ▲" in text(render_table_header(120, "next", reverse=False))
    assert "ORG ▼" in text(render_table_header(120, "name", reverse=True))


@pytest.mark.parametrize(
    ("width", "ends"), [(36, "+10"), (60, "SEEN +8"), (80, "DC   +6"), (120, "+4 columns when wider")]
)
def test_the_head_says_how_many_columns_there_is_no_room_for(width: int, ends: str) -> None:
    assert text(render_table_header(width, "worst", reverse=False)).endswith(ends)


@given(st.integers(36, 320), st.sampled_from(get_args(SortOrder)), st.booleans())
def test_no_column_is_left_out_without_a_word(width: int, sort: SortOrder, reverse: bool) -> None:
    head = text(render_table_header(width, sort, reverse=reverse))
    shown = [column for column, _ in fit_columns(width)]
    assert all(column.title in head for column in shown)
    hidden = 12 - len(shown)
    assert (re.findall(r"\+(\d+)", head) == [str(hidden)]) if hidden else "+" not in head


def test_a_click_finds_the_column_under_it() -> None:
    head = text(render_table_header(120, "worst", reverse=False))
    for title in ("STATUS", "ORG", "LAST GOOD", "WHY"):
        column = column_at(120, head.index(title))
        assert column and column.title == title
    assert column_at(120, 0) is None


def test_the_why_column_shows_headline_and_hint() -> None:
    problem = Problem("network", "crm.zoho.eu cannot be reached.", "Check the network.")
    line = text(row(snapshot_with(make_snapshot("acme"), problem=problem, failures=9), 200))
    assert "crm.zoho.eu cannot be reached. Check the network." in line


def test_uncertain_values_are_muted() -> None:
    stale = snapshot_with(make_snapshot("acme"), restored=True)
    roles = {piece.strip(): role for piece, role in row(stale, 120)}
    assert next(role for piece, role in roles.items() if piece.startswith("in ")) == "muted"


def test_paused_is_shown_in_its_own_colour() -> None:
    assert ("PAUSED", "warning") in row(snapshot_with(make_snapshot("acme"), paused=True), 120)


def test_an_accent_stands_before_the_line() -> None:
    snapshot = make_snapshot("acme")
    line = row(replace(snapshot, org=replace(snapshot.org, accent="violet")), 80)
    assert line[0] == ("▌", "accent-violet")


def test_company_and_requester_have_columns_where_there_is_room() -> None:
    snapshot = snapshot_with(make_snapshot("acme"), company=make_company("Nordlys Tools AB"))
    line = text(row(snapshot, 300))
    assert "Nordlys Tools AB" in line
    assert "Patricia Boyle" in line


def test_a_run_that_is_late_is_shown() -> None:
    late = make_snapshot("acme", scheduled_date=(START - timedelta(minutes=5)).isoformat())
    assert "due 00:05:00 ago" in text(row(late, 120))


@pytest.mark.parametrize(("width", "age"), [(36, "(stale)"), (59, "old "), (79, "(stale)"), (119, "old ")])
@pytest.mark.parametrize("status", ["SCHEDULED", "INPROGRESS", "COMPLETED"])
def test_a_stale_status_is_shown_in_full(width: int, age: str, status: str) -> None:
    restored = snapshot_with(make_snapshot("acme", status=status), restored=True)
    assert f"{status} {age}" in text(row(restored, width))


@pytest.mark.parametrize("width", [79, 160])
def test_no_good_backup_is_shown_in_full(width: int) -> None:
    assert " none yet " in text(row(snapshot_with(make_snapshot("acme"), history=History()), width))
