"""One view, on an org list that a test fills."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.geometry import Region

from tests.support.fake_clock import START
from zbtui.health.snapshot import Snapshot
from zbtui.model.watch_policy import WatchPolicy
from zbtui.tui.org_list import OrgList
from zbtui.tui.themes import ThemedApp
from zbtui.tui.views.org_list_view import OrgListView

TUI = Path(__file__).parents[2] / "zbtui/tui"


def org_list_of(*snapshots: Snapshot, policy: WatchPolicy | None = None) -> OrgList:
    org_list = OrgList(policy or WatchPolicy(), START)
    org_list.set_orgs(snapshots, org_list.policy, START)
    return org_list


class ViewApp(ThemedApp[None]):
    """An app that shows one view, and records its repaints."""

    CSS_PATH: ClassVar = [TUI / "screens/fleet_screen.tcss", TUI / "views/org_list_view.tcss"]

    def __init__(self, view: OrgListView) -> None:
        super().__init__()
        self.view = view
        self.repainted: list[Region] = []
        shown = view.refresh

        def refresh(*regions: Region, **options: bool) -> OrgListView:
            self.repainted += regions
            return shown(*regions, **options)

        view.refresh = refresh  # type: ignore[method-assign]

    def compose(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.rebuild()

    def tick(self, seconds: float) -> None:
        """Tick as the screen does, at START + `seconds`."""
        org_list, view = self.view.org_list, self.view
        org_list.tick(START + timedelta(seconds=seconds), view.visible_orgs())
        if org_list.expire_idle_timer():
            view.reset_to_top()
        if org_list.refresh_order():
            view.rebuild()
        else:
            view.tick()

    @property
    def lines(self) -> list[str]:
        """The lines of the view, without the scroll bar."""
        width = self.view.line_width
        return [self.view.render_line(y).crop(0, width).text.rstrip() for y in range(self.view.size.height)]

    def lines_with(self, names: Iterable[str]) -> list[int]:
        """For each name, the number of the first line that has it."""
        return [next(y for y, line in enumerate(self.lines) if name in line) for name in names]
