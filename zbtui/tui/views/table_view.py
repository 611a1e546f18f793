"""The table view: one line for each org, suited to hundreds of orgs."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.message import Message

from zbtui.presentation.sorting import SortOrder
from zbtui.tui.bindings import bindings_of
from zbtui.tui.views.org_list_view import OrgListView, ViewItem
from zbtui.tui.views.table_rows import column_at, fit_columns, render_table_header, render_table_row
from zbtui.tui.widgets.styled_line import StyledLine


class TableView(OrgListView):
    """Shows one line for each org. The header shows the sort order; a click on a title changes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("table")
    header_height: ClassVar[int] = 1

    class SortChosen(Message):
        """Posted when the user has chosen a column to sort by."""

        def __init__(self, sort: SortOrder) -> None:
            super().__init__()
            self.sort = sort

    def render_item(self, item: ViewItem, width: int, *, selected: bool) -> tuple[StyledLine, ...]:
        assert item.org is not None
        org_list = self.org_list
        snapshot, verdict = org_list.snapshot(item.org), org_list.verdict(item.org)
        return (render_table_row(snapshot, verdict, org_list.now, width),)

    def render_header(self, width: int) -> tuple[StyledLine, ...]:
        return (render_table_header(width, self.org_list.sort, reverse=self.org_list.reverse),)

    def header_clicked(self, x: int) -> None:
        column = column_at(self.line_width, x)
        if column and column.sort:
            self.post_message(self.SortChosen(column.sort))

    def action_column(self, step: int) -> None:
        """Sort by the next sortable column to the right if `step` is 1, to the left if `step` is -1."""
        columns = fit_columns(self.line_width)
        sorts = [column.sort for column, _ in columns if column.sort]
        index = sorts.index(self.org_list.sort) if self.org_list.sort in sorts else 0
        self.post_message(self.SortChosen(sorts[(index + step) % len(sorts)]))
