"""The status line: filter, sort order, pauses and problems."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, snapshot_with
from tests.tui.app_driver import drive_app
from tests.tui.view_app import org_list_of
from zbtui.tui.org_list import OrgList
from zbtui.tui.widgets.status_line import (
    is_unusual,
    lay_out_parts,
    status_parts,
    status_parts_beside_filter,
)


def status_text(roster: OrgList, width: int = 1000, lines: int = 3, **how: str) -> str:
    return lay_out_parts(status_parts(roster, **how), width, lines).plain


def three_orgs() -> OrgList:
    return org_list_of(
        make_snapshot("acme", status="FAILED"), make_snapshot("birch"), make_snapshot("cedar")
    )


def test_as_usual_only_their_number_and_order_are_shown() -> None:
    assert status_text(three_orgs()) == "3 orgs · worst first"
    assert (
        status_text(org_list_of(make_snapshot("acme")), fixed_order="newest event first")
        == "1 org · newest event first"
    )
    assert not is_unusual(three_orgs())


def test_a_filter_shows_how_many_it_lets_through_and_what_bad_ones_it_leaves_out() -> None:
    roster = three_orgs()
    roster.set_filter("!acme")
    assert status_text(roster) == "filter !acme · 2 of 3 · left out: ✖ 1 critical · worst first"
    roster.set_filter("acme")
    assert status_text(roster, clear_key="esc") == "filter acme · 1 of 3 · worst first · esc shows all"
    assert is_unusual(roster)


def test_a_pause_is_shown_by_how_many_and_hides_nothing_else() -> None:
    paused = snapshot_with(make_snapshot("birch"), paused=True)
    assert status_text(org_list_of(make_snapshot("acme"), paused)).startswith(
        "‖ PAUSED: 1 of 2 not looked at │ 2 orgs · worst"
    )
    assert status_text(org_list_of(paused)).startswith("‖ PAUSED: ALL")
    assert is_unusual(org_list_of(paused))


def test_an_order_that_is_not_the_usual_one_is_shown_where_the_view_has_it() -> None:
    roster = three_orgs()
    roster.sort_by("name", reverse=True)
    assert status_text(roster) == "3 orgs · sorted by name, reversed"
    assert is_unusual(roster)
    assert status_text(roster, fixed_order="newest event first") == "3 orgs · newest event first"
    assert not is_unusual(roster, "newest event first")


def test_an_order_that_rests_is_not_shown_as_what_it_is_no_longer() -> None:
    roster = three_orgs()
    roster.restart_idle_timer()
    roster.update(make_snapshot("cedar", status="FAILED"), START)
    assert status_text(roster) == "3 orgs · worst first, but for what changed since you moved"
    roster.tick(START + timedelta(seconds=11), [])
    assert roster.refresh_order()
    assert status_text(roster) == "3 orgs · worst first"


def test_while_names_are_hidden_the_filter_is_too_and_that_is_shown_however_little_room_there_is() -> None:
    roster = org_list_of(
        make_snapshot("acme", status="FAILED"), snapshot_with(make_snapshot("birch"), paused=True)
    )
    roster.set_filter("birch")
    roster.hide_names(True)
    assert "birch" not in status_text(roster)
    assert "filter on" in status_text(roster)
    assert "names and ids are hidden" in status_text(roster, width=34, lines=2)


def test_a_filter_is_text_and_not_markup() -> None:
    roster = three_orgs()
    roster.set_filter("[/b]")
    assert "[/b]" in status_text(roster)


@pytest.mark.parametrize("width", [20, 34, 40, 60, 200])
def test_no_line_break_cuts_a_count_in_two(width: int) -> None:
    roster = org_list_of(
        make_snapshot("acme", status="FAILED"),
        make_snapshot("birch", status="WHATEVER"),
        make_snapshot("cedar"),
    )
    roster.set_filter("cedar")
    roster.sort_by("name")
    lines = status_text(roster, width, lines=9, clear_key="esc").split("\n")
    for whole in (
        "filter cedar",
        "1 of 3",
        "✖ 1 critical",
        "▲ 1 warning",
        "esc shows all",
        "sorted by name",
    ):
        assert any(whole in line for line in lines), (whole, lines)
    assert max(map(len, lines)) <= max(width, 22)


def test_what_is_being_typed_is_not_shown_twice_and_what_it_finds_comes_first() -> None:
    roster = org_list_of(
        make_snapshot("acme", status="FAILED"), snapshot_with(make_snapshot("birch"), paused=True)
    )
    roster.set_filter("birch")
    found = lay_out_parts(status_parts_beside_filter(roster), 80, lines=1).plain
    assert found == "1 of 2 · left out: ✖ 1 critical │ ‖ PAUSED: 1 of 2 not looked at · worst first"
    assert (
        lay_out_parts(status_parts_beside_filter(roster), 33, lines=1).plain
        == "1 of 2 · left out: ✖ 1 critical"
    )


async def test_it_is_as_high_as_what_it_shows_however_often_that_changes_between_two_layouts() -> None:
    async with drive_app(["acme"], size=(60, 24)) as scene:
        roster, strip = scene.screen.org_list, scene.screen.status_line

        def update(find: str) -> None:
            roster.set_filter(find)
            strip.update_from(roster, "", filter_is_open=False)

        update("one line")
        await scene.pilot.pause()
        for find, height in [("another", 1), ("x" * 500, 3), ("", 1)]:
            update("y" * 500)
            # As a resize does, while Textual has work left.
            scene.screen.query_one("#line")._clear_arrangement_cache()
            scene.screen._refresh_layout()
            update(find)
            await scene.pilot.pause()
            assert strip.size.height == height
            assert scene.view.region.y == 1 + height
