"""All orgs as panels, in as many columns as it takes to have them in sight."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from zbtui.tui.bindings import key_of
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.lines import Line
from zbtui.tui.widgets.panel import HEIGHT, LARGEST_WIDTH, SMALLEST_WIDTH, PanelKeys, draw_panel
from zbtui.tui.widgets.tile_view import GAP, Tile, TileView, org_tile

_NARROWEST: Final = 12
_OTHER_LINES: Final = 3
"""Of a screen that has nothing unusual to tell: the bar, the strip, and the keys."""


class PanelsView(TileView):
    """A panel an org; the frame of the selected one is heavy."""

    tile_height: ClassVar[int] = HEIGHT
    marks_selected: ClassVar[bool] = False

    def __init__(self, roster: Roster) -> None:
        super().__init__(roster)
        self._keys = PanelKeys()

    def on_mount(self) -> None:
        self.take_up_keys()

    def make_tiles(self) -> Sequence[Tile]:
        return [org_tile(name) for name in self.roster.order]

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        assert tile.org is not None
        roster = self.roster
        snapshot, verdict = roster.snapshot(tile.org), roster.verdict(tile.org)
        return draw_panel(snapshot, verdict, roster.now, width, cursor=selected, keys=self._keys)

    def take_up_keys(self) -> None:
        names = (key_of(self.screen, f"fleet.{each}") for each in ("detail", "look", "pause"))
        self._keys = PanelKeys(*names)
        super().take_up_keys()

    def columns_for(self, width: int) -> tuple[int, int]:
        """As few as have all orgs in sight, for wider panels tell more; else as many as fit."""
        fitting = max((width + GAP) // (SMALLEST_WIDTH + GAP), 1)
        filling = -(-(width + GAP) // (LARGEST_WIDTH + GAP))
        # By the screen: what else it has to tell now and then is no reason to lay all out anew.
        rows = max((self.screen.size.height - _OTHER_LINES) // HEIGHT, 1)
        # And by all orgs: what a filter hides is none either.
        everyone = max(len(self.roster.everyone), 1)
        columns = min(max(filling, -(-everyone // rows)), fitting, everyone)
        room = (width - GAP * (columns - 1)) // columns
        return columns, max(min(room, LARGEST_WIDTH), _NARROWEST)
