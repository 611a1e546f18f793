"""The scroll bar of a view: it can be clicked and dragged, and leaves the lines their width."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Size
from textual.pilot import Pilot

from tests.tui.test_org_list_view import orgs
from tests.tui.view_app import ViewApp, org_list_of
from zbtui.tui.views.table_view import TableView
from zbtui.tui.widgets.line_scroll_view import thumb_range

WIDTH, HEIGHT = 80, 24
ROOM = HEIGHT - 1
"""The number of lines below the table's head."""


def table_of(count: int) -> ViewApp:
    return ViewApp(TableView(org_list_of(*orgs(count))))


def bar_of(app: ViewApp) -> str:
    """The scroll bar: the last cell of each line."""
    return "".join(app.view.render_line(y).text[-1] for y in range(HEIGHT))


@given(st.integers(-1, 300), st.integers(0, 10**6), st.data())
def test_a_thumb_is_within_the_bar_and_shows_both_ends(room: int, lines: int, data: st.DataObject) -> None:
    most = max(lines - room, 0)
    scrolled = data.draw(st.integers(0, most))
    thumb = thumb_range(room, lines, scrolled)
    if not 0 < room < lines:
        assert not thumb
        return
    assert 0 <= thumb.start < thumb.stop <= room
    assert thumb_range(room, lines, 0).start == 0
    assert thumb_range(room, lines, most).stop == room


async def test_without_a_bar_lines_are_as_wide_as_with_one() -> None:
    app = table_of(3)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        assert bar_of(app).strip() == ""
        width = app.view.line_width
    app = table_of(100)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        assert bar_of(app).startswith(" ▐") and bar_of(app).endswith(" ")
        assert app.view.line_width == width


async def test_with_fewer_lines_nothing_is_scrolled_beyond_their_end() -> None:
    app = table_of(100)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        app.view.scroll_end(animate=False)
        await pilot.pause()
        app.view.org_list.set_filter("org-000")
        app.view.rebuild()
        await pilot.pause()
        assert "org-0000" in app.lines[1]
        assert app.view.scroll_offset.y == app.view.scroll_target_y == 0


async def test_a_change_of_lines_causes_no_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    app = table_of(100)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        laid_out = list[Size | None]()
        monkeypatch.setattr(app.screen, "_refresh_layout", laid_out.append)
        for find in ("org-0001", ""):
            app.view.org_list.set_filter(find)
            app.view.rebuild()
            await pilot.pause()
        assert laid_out == []


async def press_at(pilot: Pilot[None], y: int) -> None:
    await pilot.mouse_down(offset=(WIDTH - 1, y))


async def test_a_click_beside_the_thumb_goes_a_page() -> None:
    app = table_of(100)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        for y, scrolled in ((HEIGHT - 1, ROOM), (HEIGHT - 1, 2 * ROOM), (1, ROOM)):
            await press_at(pilot, y)
            await pilot.mouse_up()
            await pilot.pause()
            assert app.view.scroll_offset.y == scrolled
        assert app.view.selected_org == "org-0000"


async def test_the_thumb_is_dragged_also_from_beside_the_bar() -> None:
    app = table_of(100)
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        await pilot.pause()
        await press_at(pilot, 1)
        await pilot.hover(offset=(WIDTH - 20, HEIGHT - 1))
        await pilot.pause()
        assert app.view.scroll_offset.y == app.view.max_scroll_y == 100 - ROOM
        await pilot.mouse_up(offset=(WIDTH - 20, HEIGHT - 1))
        await pilot.hover(offset=(WIDTH - 1, 1))
        await pilot.pause()
        assert app.view.scroll_offset.y == 100 - ROOM
