"""The panels view: all orgs as panels, in as many columns as are needed to show them at once."""

from __future__ import annotations

from typing import ClassVar, Final

from zbtui.tui.bindings import key_of
from zbtui.tui.org_list import OrgList
from zbtui.tui.views.org_list_view import COLUMN_GAP, OrgListView, ViewItem
from zbtui.tui.views.panel import MAX_PANEL_WIDTH, MIN_PANEL_WIDTH, PANEL_HEIGHT, PanelKeys, render_panel
from zbtui.tui.widgets.styled_line import StyledLine

_MIN_WIDTH: Final = 12
_LINES_OUTSIDE_VIEW: Final = 3
"""The number of lines that fleet bar, status line and key bar take together."""


class PanelsView(OrgListView):
    """Shows one panel for each org; the selected org's panel has a heavy frame."""

    item_height: ClassVar[int] = PANEL_HEIGHT
    highlights_selected: ClassVar[bool] = False

    def __init__(self, org_list: OrgList) -> None:
        super().__init__(org_list)
        self._keys = PanelKeys()

    def on_mount(self) -> None:
        self.keys_changed()

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        assert item.org is not None
        org_list = self.org_list
        snapshot, verdict = org_list.snapshot(item.org), org_list.verdict(item.org)
        return render_panel(snapshot, verdict, org_list.now, width, selected=selected, keys=self._keys)

    def keys_changed(self) -> None:
        names = (key_of(self.screen, f"fleet.{action}") for action in ("detail", "look", "pause"))
        self._keys = PanelKeys(*names)
        super().keys_changed()

    def column_layout(self, width: int) -> tuple[int, int]:
        """Return the number of columns and the width of a panel, if the view is `width` cells wide.

        The columns are the fewest that show all orgs at once (wide panels show more), else as many as fit.
        """
        fitting = max((width + COLUMN_GAP) // (MIN_PANEL_WIDTH + COLUMN_GAP), 1)
        filling = -(-(width + COLUMN_GAP) // (MAX_PANEL_WIDTH + COLUMN_GAP))
        # Counted from the screen's height, not the view's: a banner must not change the number of columns.
        rows = max((self.screen.size.height - _LINES_OUTSIDE_VIEW) // PANEL_HEIGHT, 1)
        # Counted from all orgs, because a filter must not change the number of columns either.
        org_count = max(len(self.org_list.all_orgs), 1)
        columns = min(max(filling, -(-org_count // rows)), fitting, org_count)
        room = (width - COLUMN_GAP * (columns - 1)) // columns
        return columns, max(min(room, MAX_PANEL_WIDTH), _MIN_WIDTH)
