"""All orgs as panels, in as many columns as it takes to have them in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from zbtui.tui.bindings import key_of
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.org_list_view import COLUMN_GAP, OrgListView, ViewItem, org_item
from zbtui.tui.views.panel import MAX_PANEL_WIDTH, MIN_PANEL_WIDTH, PANEL_HEIGHT, PanelKeys, render_panel
from zbtui.tui.widgets.styled_line import StyledLine

_MIN_WIDTH: Final = 12
_LINES_OUTSIDE_VIEW: Final = 3
"""Of a screen that has nothing unusual to tell: the bar, the strip, and the keys."""


class PanelsView(OrgListView):
    """A panel an org; the frame of the selected one is heavy."""

    item_height: ClassVar[int] = PANEL_HEIGHT
    highlights_selected: ClassVar[bool] = False

    def __init__(self, roster: OrgList) -> None:
        super().__init__(roster)
        self._keys = PanelKeys()

    def on_mount(self) -> None:
        self.keys_changed()

    def make_items(self) -> Sequence[ViewItem]:
        return [org_item(name) for name in self.org_list.order]

    def render_item(self, tile: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        assert tile.org is not None
        roster = self.org_list
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        return render_panel(snapshot, verdict, roster.now, width, selected=selected, keys=self._keys)

    def keys_changed(self) -> None:
        names = (key_of(self.screen, f"fleet.{each}") for each in ("detail", "look", "pause"))
        self._keys = PanelKeys(*names)
        super().keys_changed()

    def column_layout(self, width: int) -> tuple[int, int]:
        """As few as have all orgs in sight, for wider panels tell more; else as many as fit."""
        fitting = max((width + COLUMN_GAP) // (MIN_PANEL_WIDTH + COLUMN_GAP), 1)
        filling = -(-(width + COLUMN_GAP) // (MAX_PANEL_WIDTH + COLUMN_GAP))
        # By the screen: what else it has to tell now and then is no reason to lay all out anew.
        rows = max((self.screen.size.height - _LINES_OUTSIDE_VIEW) // PANEL_HEIGHT, 1)
        # And by all orgs: what a filter hides is none either.
        everyone = max(len(self.org_list.all_orgs), 1)
        columns = min(max(filling, -(-everyone // rows)), fitting, everyone)
        room = (width - COLUMN_GAP * (columns - 1)) // columns
        return columns, max(min(room, MAX_PANEL_WIDTH), _MIN_WIDTH)
