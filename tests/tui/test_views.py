"""The four views of the same orgs, the filter and the sort order, driven by keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual import events

from tests.tui.app_driver import FakeZoho, drive_app
from zbtui.config.settings import Settings
from zbtui.model.problem import Problem
from zbtui.store.screen_memory import ScreenMemory
from zbtui.tui.screens.detail_screen import DetailScreen
from zbtui.tui.views.agenda_view import AgendaView
from zbtui.tui.views.events_view import EventsView
from zbtui.tui.views.table_view import TableView

NAMES = [f"org-{number}" for number in range(6)]
HOSTILE = ["[/b]", "[@click=app.quit]x[/]", "x" * 60, "字" * 30, "a [b] c"]


def zoho_with_a_failure() -> FakeZoho:
    zoho = FakeZoho()
    zoho.set_answer("org-4", status="FAILED")
    return zoho


@pytest.mark.parametrize(("key", "view"), [("2", TableView), ("3", AgendaView), ("4", EventsView)])
async def test_the_same_org_is_under_the_cursor_in_each_view(key: str, view: type[Any]) -> None:
    async with drive_app(NAMES, zoho_with_a_failure()) as driven:
        await driven.press("right", "right")
        before = driven.view.selected_org
        await driven.press(key)
        await driven.advance()
        assert isinstance(driven.view, view)
        assert driven.view.selected_org == before
        await driven.press("1")
        assert driven.view.selected_org == before


async def test_the_table_has_a_line_an_org_worst_first() -> None:
    async with drive_app(NAMES, zoho_with_a_failure()) as driven:
        await driven.press("2")
        lines = driven.screen_text.splitlines()
        assert "6 orgs · worst first" in lines[1]
        assert "STATUS" in lines[2]
        assert "✖ FAILED" in lines[3] and "org-4" in lines[3]


async def test_the_events_view_shows_what_changed() -> None:
    async with drive_app(NAMES, zoho_with_a_failure()) as driven:
        await driven.press("4")
        await driven.advance()
        assert "verdict: – → failed" in driven.screen_text


async def test_the_agenda_names_days_and_every_org() -> None:
    async with drive_app(NAMES, zoho_with_a_failure(), size=(100, 60)) as driven:
        await driven.press("3")
        await driven.advance()
        assert all(name in driven.screen_text for name in NAMES)
        assert "24h" in driven.screen_text


async def test_a_filter_works_while_it_is_typed_and_says_that_it_is_on() -> None:
    async with drive_app(NAMES, zoho_with_a_failure()) as driven:
        await driven.press("slash", *"org-1")
        assert driven.order == ["org-1"]
        typed, summary = driven.screen_text.splitlines()[1].split("1 of 6")
        assert "org-1" in typed and "left out: ✖ 1 critical" in summary
        await driven.press("enter")
        assert "filter org-1 · 1 of 6 · left out: ✖ 1 critical" in driven.screen_text
        await driven.press("escape")
        assert len(driven.order) == 6
        assert "filter" not in driven.screen_text


async def test_an_org_that_recovers_leaves_a_filter_for_problems_at_once() -> None:
    zoho = zoho_with_a_failure()
    async with drive_app(NAMES, zoho) as driven:
        await driven.press("slash", *"!level:ok", "enter")
        assert len(driven.order) == 1
        zoho.set_answer(driven.order[0])
        await driven.press("r")
        await driven.advance(6)  # a key delays reordering
        assert driven.order == []
        assert "✖" not in driven.screen_text


async def test_s_goes_through_four_orders_and_says_which() -> None:
    async with drive_app(NAMES) as driven:
        is_shown = []
        for _ in range(4):
            await driven.press("s")
            is_shown.append("sorted by" in driven.screen_text)
        assert is_shown == [True, True, True, False]


async def test_a_pause_of_all_is_shown_loudly() -> None:
    async with drive_app(NAMES) as driven:
        await driven.press("P")
        await driven.advance()
        assert "PAUSED: ALL not looked at" in driven.screen_text
        await driven.press("r")
        await driven.pilot.pause()
        assert any("paused" in one.message for one in driven.app._notifications)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (200, 60)])
async def test_hostile_names_are_inert_in_every_view(size: tuple[int, int]) -> None:
    async with drive_app(HOSTILE, size=size) as driven:
        for key in ("1", "2", "3", "4", "i", "2", "3", "4"):
            await driven.press(key)
            await driven.advance()
            assert "\x1b" not in driven.screen_text
        await driven.press("escape", "ctrl+p")
        await driven.press(*"click")
        await driven.pilot.pause()
        assert driven.app.is_running


async def test_below_the_smallest_size_the_counts_and_the_sizes_are_shown() -> None:
    async with drive_app(NAMES, zoho_with_a_failure(), size=(30, 8)) as driven:
        assert "✖ 1" in driven.screen_text
        assert "36×10" in driven.screen_text


async def test_keys_that_come_all_at_once_go_into_the_filter() -> None:
    """On a slow line, or with fast typing, no key of the filter is taken for a command."""
    async with drive_app(["dune", "mesa"]) as driven:
        for key in ("slash", "d", "u", "n", "e", "enter", "2", "enter"):
            driven.app.post_message(events.Key(key, key if len(key) == 1 else None))
        await driven.press()
        assert isinstance(driven.app.screen, DetailScreen)
        await driven.press("escape")
        assert "filter dune · 1 of 2" in driven.screen_text
        assert isinstance(driven.view, TableView)


async def test_however_many_views_were_shown_each_org_has_one_loop() -> None:
    async with drive_app(["dune", "mesa"]) as driven:
        await driven.press("2", "3", "4", "1", "2")
        await driven.advance()
        driven.zoho.polled_orgs.clear()
        await driven.press("R")
        await driven.advance(30)
        assert sorted(driven.zoho.polled_orgs) == ["dune", "mesa"]
        assert len(driven.app._poll_tasks) == 2


async def test_the_agenda_begins_with_late_runs_wherever_the_cursor_is() -> None:
    zoho = FakeZoho()
    zoho.set_answer("org-5", scheduled_date="2026-11-20T11:20:00+00:00")
    async with drive_app(NAMES, zoho) as driven:
        await driven.press("right", "3")
        await driven.advance()
        assert "by time of their runs" in driven.screen_text.splitlines()[1]
        assert "due by now" in driven.screen_text.splitlines()[2]


async def test_a_filter_is_shown_with_the_key_that_ends_it() -> None:
    async with drive_app(["dune", "mesa"]) as driven:
        await driven.press("slash", "z", "z", "enter")
        assert "filter zz · 0 of 2" in driven.screen_text
        assert "esc shows all" in driven.screen_text
        await driven.press("escape")
        assert "filter" not in driven.screen_text


async def test_view_sort_and_filter_are_as_they_were_left(tmp_path: Path) -> None:
    path = tmp_path / "screen.json"
    memory = ScreenMemory(path)
    async with drive_app(NAMES, memory=memory) as driven:
        await driven.press("2", "s", "slash", *"org", "enter")
    await memory.close()
    async with drive_app(NAMES, memory=ScreenMemory(path)) as driven:
        assert isinstance(driven.view, TableView)
        assert "filter org" in driven.screen_text
        assert "sorted by next run" in driven.screen_text


@pytest.mark.parametrize("first", ["panels", "table"])
async def test_a_panel_names_the_keys_that_the_user_chose(first: str, tmp_path: Path) -> None:
    zoho = FakeZoho()
    zoho.answers["acme"] = Problem("auth", "The sign-in is dead.", "Sign in again.", final=True)
    kept = tmp_path / "screen.json"
    kept.write_text(json.dumps({"view": first}))
    settings = Settings(keys=(("fleet.detail", "f6"), ("fleet.pause", "f7")))
    async with drive_app(["acme"], zoho, settings=settings, memory=ScreenMemory(kept)) as driven:
        await driven.press("1")
        await driven.advance()
        assert "f6 signs in again" in driven.screen_text
        await driven.press("f7")
        assert "PAUSED, f7 resumes" in driven.screen_text


async def test_a_screen_that_cannot_be_kept_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "screen.json"
    folder.mkdir()
    memory = ScreenMemory(folder)
    async with drive_app(["acme"], memory=memory) as driven:
        await driven.press("s")
        await memory.close()
        await driven.advance()
        assert "How the screen was left cannot be written" in driven.screen_text


@pytest.mark.parametrize(("lines", "shown"), [(10, False), (11, True)])
async def test_the_usual_order_is_shown_where_a_line_can_be_spared(lines: int, shown: bool) -> None:
    """At the smallest size a panel takes all lines between the bar and the keys."""
    async with drive_app(["dune"], size=(80, lines)) as driven:
        assert ("1 org · worst first" in driven.screen_text) is shown
        assert "next look" in driven.screen_text
        await driven.press("s")
        assert "sorted by next run" in driven.screen_text


async def test_the_newest_event_is_in_sight_wherever_the_cursor_is() -> None:
    async with drive_app([f"org-{number:02}" for number in range(40)], size=(100, 20)) as driven:
        await driven.press("end")
        org = driven.view.selected_org
        await driven.press("4")
        await driven.advance()
        await driven.press()
        assert driven.view.scroll_offset.y == 0
        assert driven.view.selected_org == org
        await driven.press("1")
        assert driven.view.selected_org == org
        await driven.press("4", "down")
        assert driven.view._selected_index in driven.view._visible_range()
        assert driven.view.scroll_offset.y == 0


async def test_a_filter_gives_the_cursor_back() -> None:
    async with drive_app(["birch", "dune", "mesa"]) as driven:
        await driven.press("right", "slash", *"zz", "backspace", "backspace")
        assert driven.view.selected_org == "dune"
        await driven.press(*"mesa", "escape")
        assert driven.view.selected_org == "dune"
        await driven.press("slash", *"mesa", "enter", "down", "escape")
        assert driven.view.selected_org == "dune"


async def test_the_cursor_stays_after_a_move_while_a_filter_hid_its_org() -> None:
    async with drive_app(["birch", "dune", "mesa"]) as driven:
        await driven.press("right", "slash", "exclamation_mark", *"dune", "enter", "home", "right")
        assert driven.view.selected_org == "mesa"
        await driven.press("escape")
        assert driven.view.selected_org == "mesa"


async def test_typing_replaces_a_kept_filter() -> None:
    async with drive_app(["dune", "mesa"]) as driven:
        await driven.press("slash", *"dune", "enter", "slash", *"mesa", "enter")
        assert driven.order == ["mesa"]


async def test_a_filter_that_finds_nothing_names_its_fields() -> None:
    async with drive_app(["dune"]) as driven:
        await driven.press("2", "slash", *"foo:bar", "enter")
        assert "No org matches the filter." in driven.screen_text
        assert "dc: " in driven.screen_text


async def test_sorting_does_nothing_in_a_view_with_an_order_of_its_own() -> None:
    async with drive_app(["dune", "mesa"]) as driven:
        await driven.press("3", "s")
        assert "Sort" not in driven.screen_text.splitlines()[-1]
        await driven.press("1")
        assert "2 orgs · worst first" in driven.screen_text
        await driven.press("s")
        assert "sorted by next run" in driven.screen_text
