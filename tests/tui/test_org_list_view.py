"""A view repaints no more than what changed, and costs the same with thousands of orgs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, snapshot_with
from tests.tui.view_app import ViewApp, org_list_of
from zbtui.health.snapshot import Snapshot
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.org_list_view import OrgListView, ViewItem
from zbtui.tui.views.panels_view import PanelsView
from zbtui.tui.views.table_view import TableView
from zbtui.tui.widgets.styled_line import StyledLine, fit


def orgs(count: int) -> list[Snapshot]:
    return [make_snapshot(f"org-{number:04}") for number in range(count)]


class HeaderedView(OrgListView):
    """A view with two headings, the second one over the second half of the orgs."""

    def make_items(self) -> Sequence[ViewItem]:
        names = self.org_list.order
        half = len(names) // 2
        tiles = [ViewItem(name, name) for name in names]
        return [ViewItem("first", None), *tiles[:half], ViewItem("second", None), *tiles[half:]]

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        return (((fit(str(item.key), width), "text"),),)


async def test_a_tick_repaints_only_the_lines_that_changed() -> None:
    app = ViewApp(PanelsView(org_list_of(make_snapshot("acme"))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.repainted.clear()
        app.tick(1)
        assert [(region.y, region.height) for region in app.repainted] == [(1, 1)]
        app.repainted.clear()
        app.tick(1)
        assert app.repainted == []


class CountingPanelsView(PanelsView):
    """A view that records the widths of its panels."""

    def __init__(self, org_list: OrgList) -> None:
        super().__init__(org_list)
        self.widths: set[int] = set()

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        self.widths.add(width)
        return super().render_item(item, width, selected=selected)


async def test_nothing_is_painted_at_a_width_that_is_not_the_views() -> None:
    """Neither at first, nor after the view was hidden during a resize."""
    view = CountingPanelsView(org_list_of(*orgs(6)))
    app = ViewApp(view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert len(view.widths) == 1
        view.display = False
        await pilot.resize_terminal(119, 24)
        await pilot.pause()
        view.widths.clear()
        view.display = True
        await pilot.pause()
        assert len(view.widths) == 1


async def test_what_is_out_of_sight_is_neither_drawn_nor_repainted() -> None:
    app = ViewApp(PanelsView(org_list_of(*orgs(2000))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert len(app.view._rendered_items) == 6
        app.repainted.clear()
        app.tick(1)
        assert [region.y for region in app.repainted] == [1, 9, 17]


async def test_what_changes_is_painted_though_nothing_is_known_of_what_stands_there() -> None:
    """After a change of styles nothing is cached; a green panel must not stay after its org has failed."""
    org_list = org_list_of(*orgs(2))
    app = ViewApp(PanelsView(org_list))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.view._rendered_items.clear()
        org_list.update(make_snapshot("org-0001", status="FAILED"), START)
        app.view.repaint(["org-0001"])
        await pilot.pause()
        assert "✖ FAILED" in "".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_with_fewer_lines_what_is_selected_stays_in_sight() -> None:
    app = ViewApp(TableView(org_list_of(*orgs(100))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.view.select_index(22)
        for height in (20, 10, 4, 24):
            await pilot.resize_terminal(80, height)
            await pilot.pause()
            assert 22 in app.view._visible_range(), height
            drawn = "".join(strip.text for strip in app.screen._compositor.render_strips())
            assert "org-0022" in drawn, height
            assert app.view.scroll_target_y == app.view.scroll_y


async def test_a_table_repaints_a_line_an_org() -> None:
    app = ViewApp(TableView(org_list_of(*orgs(2000))))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.repainted.clear()
        app.tick(1)
        assert [region.y for region in app.repainted] == list(range(1, 24))


async def test_the_cursor_stays_with_its_org_when_the_order_changes() -> None:
    org_list = org_list_of(*orgs(6))
    app = ViewApp(PanelsView(org_list))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.view.select_index(2)
        later = START + timedelta(seconds=20)
        org_list.update(snapshot_with(make_snapshot("org-0005", status="FAILED"), observed_at=later), later)
        assert org_list.refresh_order()
        app.view.rebuild()
        assert org_list.order[0] == "org-0005"
        assert app.view.selected_org == "org-0002"


async def test_the_cursor_skips_headings_both_ways() -> None:
    app = ViewApp(HeaderedView(org_list_of(*orgs(4))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        assert app.view.selected_org == "org-0000"
        walked = []
        for key in ("down", "down", "down", "down", "up", "up", "up", "up"):
            await pilot.press(key)
            walked.append(app.view.selected_org)
        assert walked == [f"org-000{number}" for number in (1, 2, 3, 3, 2, 1, 0, 0)]


@pytest.mark.parametrize(
    ("key", "goes"),
    [
        ("end", "org-0099"),
        ("G", "org-0099"),
        ("home", "org-0000"),
        ("g", "org-0000"),
        ("pagedown", "org-0012"),
    ],
)
async def test_pages_and_ends(key: str, goes: str) -> None:
    app = ViewApp(HeaderedView(org_list_of(*orgs(100))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.press(key)
        assert app.view.selected_org == goes
        assert goes in app.lines


async def test_the_first_line_is_shown_with_its_heading() -> None:
    app = ViewApp(HeaderedView(org_list_of(*orgs(100))))
    async with app.run_test(size=(40, 12)) as pilot:
        await pilot.pause()
        await pilot.press("end", "home")
        assert app.lines[:2] == ["first", "org-0000"]


async def test_a_selected_line_has_a_ground_of_its_own() -> None:
    app = ViewApp(TableView(org_list_of(*orgs(3))))
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        await pilot.press("down")
        grounds = [
            {segment.style.bgcolor for segment in app.view.render_line(y) if segment.style}
            for y in range(1, 4)
        ]
        assert grounds[0] == grounds[2] != grounds[1]


async def test_what_is_selected_and_gone_gives_way_to_its_neighbour() -> None:
    org_list = org_list_of(*orgs(4))
    app = ViewApp(TableView(org_list))
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        app.view.select_index(2)
        org_list.set_orgs([one for one in orgs(4) if one.org.name != "org-0002"], org_list.policy, START)
        app.view.rebuild()
        assert app.view.selected_org == "org-0003"


async def test_without_any_org_no_key_and_no_click_does_harm() -> None:
    app = ViewApp(TableView(org_list_of()))
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        await pilot.press("down", "end", "home", "pagedown", "left")
        await pilot.click(app.view, offset=(3, 3))
        assert app.view.selected_org is None


async def test_left_alone_for_a_minute_it_is_back_at_the_top() -> None:
    app = ViewApp(TableView(org_list_of(*orgs(100))))
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        await pilot.press("end")
        app.tick(60)
        assert app.view.selected_org == "org-0099"
        app.tick(61)
        assert app.view.selected_org == "org-0000"
        await pilot.pause()
        assert app.view.scroll_offset.y == 0


async def test_a_click_on_a_head_sorts_by_its_column() -> None:
    chosen: list[str] = []

    class Sorted(ViewApp):
        def on_table_view_sort_chosen(self, event: TableView.SortChosen) -> None:
            chosen.append(event.sort)

    app = Sorted(TableView(org_list_of(*orgs(3))))
    async with app.run_test(size=(120, 10)) as pilot:
        await pilot.pause()
        at = app.lines[0].index("NEXT RUN")
        await pilot.click(app.view, offset=(at + 2, 0))
        await pilot.press("<")
        # The list is still sorted by status, whose left neighbour is the last column.
        assert chosen == ["next", "by"]
        assert app.view.selected_org == "org-0000"


@pytest.mark.parametrize(
    ("size", "count", "columns"),
    [
        ((80, 24), 18, 2),
        ((120, 40), 18, 3),
        ((120, 40), 8, 2),
        ((200, 60), 18, 3),
        ((200, 60), 30, 5),
        ((200, 60), 2000, 5),
        ((300, 80), 18, 4),
        ((300, 80), 1, 1),
        ((36, 10), 18, 1),
    ],
)
async def test_panels_are_as_wide_as_they_can_be_while_all_are_in_sight(
    size: tuple[int, int], count: int, columns: int
) -> None:
    app = ViewApp(PanelsView(org_list_of(*orgs(count))))
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.view._columns == columns


async def test_with_another_height_panels_are_laid_out_again() -> None:
    app = ViewApp(PanelsView(org_list_of(*orgs(10))))
    async with app.run_test(size=(160, 50)) as pilot:
        await pilot.pause()
        assert app.view._columns == 3
        app.view.select_index(9)
        await pilot.resize_terminal(160, 24)
        await pilot.pause()
        assert app.view._columns == 4
        assert 9 in app.view._visible_range()
        assert app.lines[0].count("╭") + app.lines[0].count("┏") == 4
