"""Labels in one column, texts beside them, each text wrapped within its own column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_SMALLEST_TEXT: Final = 10


class LabelledRows(Widget):
    """Rows of a label and a text; a row of two empty ones parts groups."""

    def __init__(self, rows: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self._rows = tuple(rows)

    def show(self, rows: Sequence[tuple[str, str]]) -> None:
        """Put other rows in."""
        if self._rows != (rows := tuple(rows)):
            self._rows = rows
            self.refresh(layout=True)

    def render(self) -> Content:
        return lay_out(self._rows, self.size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return lay_out(self._rows, width).plain.count("\n") + 1


def column_of(rows: Sequence[tuple[str, str]]) -> int:
    """Cells of the labels and of what parts them from the texts."""
    return max((Content(label).cell_length for label, _ in rows), default=0) + 2


def lay_out(rows: Sequence[tuple[str, str]], width: int, column: int | None = None) -> Content:
    """The rows as lines of at most `width` cells.

    Args:
        column: what `column_of` gives; None: of these rows.
    """
    column = column_of(rows) if column is None else column
    lines: list[Content] = []
    for label, text in rows:
        wrapped = Content(text).wrap(max(width - column, _SMALLEST_TEXT)) or [Content("")]
        padded = label + " " * (column - Content(label).cell_length)
        lines.append(Content.assemble((padded, "$text-muted"), wrapped[0]))
        lines += [line.pad_left(column) for line in wrapped[1:]]
    return Content("\n").join(lines)
