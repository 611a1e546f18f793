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


def status_text(org_list: OrgList, width: int = 1000, lines: int = 3, **how: str) -> str:
    return lay_out_parts(status_parts(org_list, **how), width, lines).plain


def three_orgs() -> OrgList:
    return org_list_of(
        make_snapshot("acme", status="FAILED"), make_snapshot("birch"), make_snapshot("cedar")
    )


def test_by_default_only_the_number_of_orgs_and_the_order_are_shown() -> None:
    assert status_text(three_orgs()) == "3 orgs · worst first"
    assert (
        status_text(org_list_of(make_snapshot("acme")), fixed_order="newest event first")
        == "1 org · newest event first"
    )
    assert not is_unusual(three_orgs())


def test_a_filter_shows_the_number_of_matches_and_the_bad_orgs_left_out() -> None:
    org_list = three_orgs()
    org_list.set_filter("!acme")
    assert status_text(org_list) == "filter !acme · 2 of 3 · left out: ✖ 1 critical · worst first"
    org_list.set_filter("acme")
    assert status_text(org_list, clear_key="esc") == "filter acme · 1 of 3 · worst first · esc shows all"
    assert is_unusual(org_list)


def test_a_pause_is_shown_with_the_number_of_paused_orgs_and_hides_nothing() -> None:
    paused = snapshot_with(make_snapshot("birch"), paused=True)
    assert status_text(org_list_of(make_snapshot("acme"), paused)).startswith(
        "‖ PAUSED: 1 of 2 not looked at │ 2 orgs · worst"
    )
    assert status_text(org_list_of(paused)).startswith("‖ PAUSED: ALL")
    assert is_unusual(org_list_of(paused))


def test_another_sort_order_is_shown_in_views_that_use_it() -> None:
    org_list = three_orgs()
    org_list.sort_by("name", reverse=True)
    assert status_text(org_list) == "3 orgs · sorted by name, reversed"
    assert is_unusual(org_list)
    assert status_text(org_list, fixed_order="newest event first") == "3 orgs · newest event first"
    assert not is_unusual(org_list, "newest event first")


def test_a_delayed_order_is_shown_with_its_exception() -> None:
    org_list = three_orgs()
    org_list.restart_idle_timer()
    org_list.update(make_snapshot("cedar", status="FAILED"), START)
    assert status_text(org_list) == "3 orgs · worst first, but for what changed since you moved"
    org_list.tick(START + timedelta(seconds=11), [])
    assert org_list.refresh_order()
    assert status_text(org_list) == "3 orgs · worst first"


def test_while_names_are_hidden_the_filter_is_too_and_that_is_shown_however_little_room_there_is() -> None:
    org_list = org_list_of(
        make_snapshot("acme", status="FAILED"), snapshot_with(make_snapshot("birch"), paused=True)
    )
    org_list.set_filter("birch")
    org_list.hide_names(True)
    assert "birch" not in status_text(org_list)
    assert "filter on" in status_text(org_list)
    assert "names and ids are hidden" in status_text(org_list, width=34, lines=2)


def test_a_filter_is_text_and_not_markup() -> None:
    org_list = three_orgs()
    org_list.set_filter("[/b]")
    assert "[/b]" in status_text(org_list)


@pytest.mark.parametrize("width", [20, 34, 40, 60, 200])
def test_no_line_break_cuts_a_count_in_two(width: int) -> None:
    org_list = org_list_of(
        make_snapshot("acme", status="FAILED"),
        make_snapshot("birch", status="WHATEVER"),
        make_snapshot("cedar"),
    )
    org_list.set_filter("cedar")
    org_list.sort_by("name")
    lines = status_text(org_list, width, lines=9, clear_key="esc").split("\n")
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


def test_an_open_filter_is_not_repeated_and_its_matches_come_first() -> None:
    org_list = org_list_of(
        make_snapshot("acme", status="FAILED"), snapshot_with(make_snapshot("birch"), paused=True)
    )
    org_list.set_filter("birch")
    found = lay_out_parts(status_parts_beside_filter(org_list), 80, lines=1).plain
    assert found == "1 of 2 · left out: ✖ 1 critical │ ‖ PAUSED: 1 of 2 not looked at · worst first"
    assert (
        lay_out_parts(status_parts_beside_filter(org_list), 33, lines=1).plain
        == "1 of 2 · left out: ✖ 1 critical"
    )


async def test_its_height_follows_its_text_through_several_changes_before_a_layout() -> None:
    async with drive_app(["acme"], size=(60, 24)) as scene:
        org_list, status_line = scene.screen.org_list, scene.screen.status_line

        def update(find: str) -> None:
            org_list.set_filter(find)
            status_line.update_from(org_list, "", filter_is_open=False)

        update("one line")
        await scene.pilot.pause()
        for find, height in [("another", 1), ("x" * 500, 3), ("", 1)]:
            update("y" * 500)
            # As a resize does, while Textual has work left.
            scene.screen.query_one("#line")._clear_arrangement_cache()
            scene.screen._refresh_layout()
            update(find)
            await scene.pilot.pause()
            assert status_line.size.height == height
            assert scene.view.region.y == 1 + height
