"""The line that tells what keeps the screen from being as usual."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.build import seen
from tests.tui.views import roster_of
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.state_strip import strip_content, usual_content


def told(roster: Roster) -> str:
    return strip_content(roster).plain


def fleet() -> Roster:
    return roster_of(seen("acme", status="FAILED"), seen("birch"), seen("cedar"))


def test_as_usual_only_their_number_and_order_are_told() -> None:
    assert told(fleet()) == ""
    assert usual_content(fleet()).plain == "3 orgs, worst first"
    assert usual_content(roster_of(seen("acme")), "newest event first").plain == "1 org, newest event first"


def test_an_order_that_the_view_does_not_have_is_not_told() -> None:
    roster = fleet()
    roster.sort_by("name")
    assert strip_content(roster, own_order="newest event first").plain == ""


def test_what_is_being_typed_is_not_told_twice() -> None:
    roster = fleet()
    roster.search("birch")
    assert strip_content(roster, typing=True).plain == "1 of 3 · hidden: ✖ 1 critical"


def test_a_filter_tells_how_many_it_lets_through_and_what_bad_ones_it_hides() -> None:
    roster = fleet()
    roster.search("!acme")
    assert told(roster) == "filter !acme · 2 of 3 · hidden: ✖ 1 critical"
    roster.search("acme")
    assert told(roster) == "filter acme · 1 of 3"


def test_a_pause_is_told_by_how_many() -> None:
    paused = replace(seen("birch"), paused=True)
    assert told(roster_of(seen("acme"), paused)).startswith("‖ PAUSED: 1 of 2")
    assert told(roster_of(paused)).startswith("‖ PAUSED: ALL")


def test_an_order_that_is_not_the_usual_one_is_told() -> None:
    roster = fleet()
    roster.sort_by("name", reverse=True)
    assert told(roster) == "sorted by name, reversed"


def test_while_names_are_hidden_the_filter_is_too() -> None:
    roster = fleet()
    roster.search("acme")
    roster.hide_names(True)
    assert "acme" not in told(roster)
    assert "filter on" in told(roster) and "names and ids are hidden" in told(roster)


def test_a_filter_is_text_and_not_markup() -> None:
    roster = fleet()
    roster.search("[/b]")
    assert "[/b]" in told(roster)


@pytest.mark.parametrize("width", [20, 34, 40, 60, 200])
def test_no_line_break_cuts_a_count_in_two(width: int) -> None:
    roster = roster_of(seen("acme", status="FAILED"), seen("birch", status="WHATEVER"), seen("cedar"))
    roster.search("cedar")
    roster.sort_by("name")
    lines = strip_content(roster, "esc", width).plain.split("\n")
    for whole in (
        "filter cedar",
        "1 of 3",
        "✖ 1 critical",
        "▲ 1 warning",
        "esc shows all",
        "sorted by name",
    ):
        assert any(whole in line for line in lines), (whole, lines)
    assert max(map(len, lines)) <= max(width, 20)
