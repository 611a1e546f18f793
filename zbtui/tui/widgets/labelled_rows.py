"""Shows rows of a label and a text in two columns; each text wraps within its column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

_MIN_TEXT_CELLS: Final = 10


class LabelledRows(Widget):
    """Shows rows of label and text; a row of two empty strings separates groups."""

    def __init__(self, rows: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__()
        self._rows = tuple(rows)

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        if self._rows != (rows := tuple(rows)):
            self._rows = rows
            self.refresh(layout=True)

    def render(self) -> Content:
        return render_rows(self._rows, self.size.width)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return render_rows(self._rows, width).plain.count("\n") + 1


def label_column_width(rows: Sequence[tuple[str, str]]) -> int:
    """Return the width of the label column in cells, including the gap between label and text."""
    return max((Content(label).cell_length for label, _ in rows), default=0) + 2


def render_rows(rows: Sequence[tuple[str, str]], width: int, label_width: int | None = None) -> Content:
    """Return the rows as lines of at most `width` cells.

    `label_width` is the width of the label column in cells; by default the widest label determines it.
    """
    label_width = label_column_width(rows) if label_width is None else label_width
    lines: list[Content] = []
    for label, text in rows:
        wrapped = Content(text).wrap(max(width - label_width, _MIN_TEXT_CELLS)) or [Content("")]
        padded = label + " " * (label_width - Content(label).cell_length)
        lines.append(Content.assemble((padded, "$text-muted"), wrapped[0]))
        lines += [line.pad_left(label_width) for line in wrapped[1:]]
    return Content("\n").join(lines)
