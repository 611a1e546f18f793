"""The grid repaints no more than what changed, and costs the same with thousands of orgs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from textual.app import App, ComposeResult
from textual.geometry import Region

from tests.support.build import seen
from tests.support.clock import START
from zbtui.core.org import Policy
from zbtui.core.verdict import Level
from zbtui.tui.widgets.fleet_grid import FleetGrid


class GridApp(App[None]):
    """The grid alone, which notes what it is asked to repaint."""

    CSS_PATH = "../../zbtui/tui/screens/fleet_screen.tcss"

    def __init__(self) -> None:
        super().__init__()
        self.grid = Noting(Policy(), START)

    def compose(self) -> ComposeResult:
        yield self.grid


class Noting(FleetGrid):
    def __init__(self, policy: Policy, now: object) -> None:
        super().__init__(policy, START)
        self.repainted: list[Region] = []

    def refresh(self, *regions: Region, **options: bool) -> Noting:
        self.repainted = [*getattr(self, "repainted", []), *regions]
        super().refresh(*regions, **options)
        return self


async def test_a_tick_repaints_only_the_lines_that_changed() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.grid.set_orgs([seen("acme")], Policy(), START)
        await pilot.pause()
        app.grid.repainted.clear()
        app.grid.tick(START + timedelta(seconds=1))
        assert [(region.y, region.height) for region in app.grid.repainted] == [(1, 1)]
        app.grid.repainted.clear()
        app.grid.tick(START + timedelta(seconds=1))
        assert app.grid.repainted == []


async def test_what_is_out_of_sight_is_neither_drawn_nor_repainted() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.grid.set_orgs([seen(f"org-{number}") for number in range(2000)], Policy(), START)
        await pilot.pause()
        assert len(app.grid._drawn) == 6
        app.grid.repainted.clear()
        app.grid.tick(START + timedelta(seconds=1))
        assert [region.y for region in app.grid.repainted] == [1, 9, 17]


async def test_an_org_out_of_sight_that_becomes_overdue_is_found_within_thirty_ticks() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        soon = (START + timedelta(seconds=1)).isoformat()
        orgs = [seen(f"org-{number}") for number in range(600)]
        policy = Policy(every=timedelta(days=1), overdue_after=timedelta(seconds=1))
        app.grid.set_orgs([*orgs, seen("late", scheduled_date=soon)], policy, START)
        await pilot.pause()
        for second in range(3, 34):
            app.grid.tick(START + timedelta(seconds=second))
        assert app.grid.verdicts["late"].level is Level.CRITICAL
        assert app.grid.order[0] == "late"


async def test_news_of_an_org_that_is_gone_changes_nothing() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.grid.set_orgs([seen("acme")], Policy(), START)
        await pilot.pause()
        app.grid.update_org(seen("gone"), START)
        assert app.grid.order == ["acme"]


async def test_the_cursor_stays_with_its_org_when_the_order_changes() -> None:
    app = GridApp()
    async with app.run_test(size=(80, 24)) as pilot:
        orgs = [seen(f"org-{number}") for number in range(6)]
        app.grid.set_orgs(orgs, Policy(), START)
        await pilot.pause()
        app.grid.move_cursor(2)
        later = START + timedelta(seconds=20)
        app.grid.update_org(replace(seen("org-5", status="FAILED"), observed_at=later), later)
        assert app.grid.order[0] == "org-5"
        assert app.grid.current == "org-2"
