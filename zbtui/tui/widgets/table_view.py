"""All orgs as a table, for hundreds of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from zbtui.core.ordering import Sort
from zbtui.tui.bindings import bindings_of
from zbtui.tui.widgets.lines import Line
from zbtui.tui.widgets.table_lines import column_at, columns_of, draw_head, draw_row
from zbtui.tui.widgets.tile_view import Tile, TileView, org_tile


class TableView(TileView):
    """A line an org. Its head says, and chooses, what it is sorted by."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("table")
    header_height: ClassVar[int] = 1

    class SortedBy(Message):
        """Somebody chose a column."""

        def __init__(self, sort: Sort) -> None:
            super().__init__()
            self.sort = sort

    def make_tiles(self) -> Sequence[Tile]:
        return [org_tile(name) for name in self.roster.order]

    def draw_tile(self, tile: Tile, width: int, *, selected: bool) -> tuple[Line, ...]:
        assert tile.org is not None
        roster = self.roster
        return (draw_row(roster.snapshot(tile.org), roster.verdict(tile.org), roster.now, width),)

    def draw_header(self, width: int) -> tuple[Line, ...]:
        return (draw_head(width, self.roster.sort, reverse=self.roster.reverse),)

    def pressed_header(self, x: int) -> None:
        column = column_at(self.line_width, x)
        if column and column.sort:
            self.post_message(self.SortedBy(column.sort))

    def action_column(self, step: int) -> None:
        """Sort by the column beside the one that it is sorted by."""
        columns = columns_of(self.line_width)
        sorts = [column.sort for column, _ in columns if column.sort]
        place = sorts.index(self.roster.sort) if self.roster.sort in sorts else 0
        self.post_message(self.SortedBy(sorts[(place + step) % len(sorts)]))
