"""A view alone, on a roster that a test fills."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.geometry import Region

from tests.support.clock import START
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.tui.roster import Roster
from zbtui.tui.themes import Themed
from zbtui.tui.widgets.tile_view import TileView

TUI = Path(__file__).parents[2] / "zbtui/tui"


def roster_of(*snapshots: Snapshot, policy: Policy | None = None) -> Roster:
    roster = Roster(policy or Policy(), START)
    roster.set_orgs(snapshots, roster.policy, START)
    return roster


class ViewApp(Themed[None]):
    """Shows one view, and notes what it is asked to repaint."""

    CSS_PATH: ClassVar = [TUI / "screens/fleet_screen.tcss", TUI / "widgets/tile_view.tcss"]

    def __init__(self, view: TileView) -> None:
        super().__init__()
        self.view = view
        self.repainted: list[Region] = []
        shown = view.refresh

        def refresh(*regions: Region, **options: bool) -> TileView:
            self.repainted += regions
            return shown(*regions, **options)

        view.refresh = refresh  # type: ignore[method-assign]

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.rebuild()

    def tick(self, seconds: float) -> None:
        """As the screen does, so long after the start."""
        roster, view = self.view.roster, self.view
        roster.tick(START + timedelta(seconds=seconds), view.orgs_in_sight())
        if roster.let_go():
            view.let_go()
        if roster.settle():
            view.rebuild()
        else:
            view.tick()

    @property
    def lines(self) -> list[str]:
        """What the view shows, line by line, without the scroll bar."""
        width = self.view.line_width
        return [self.view.render_line(y).crop(0, width).text.rstrip() for y in range(self.view.size.height)]

    def of(self, names: Iterable[str]) -> list[int]:
        """The lines in which each of these stands."""
        return [next(y for y, line in enumerate(self.lines) if name in line) for name in names]
