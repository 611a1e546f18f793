"""A list of rows, each a label and a text, with a cursor that selects one row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from zbtui.tui.widgets.labelled_rows import label_column_width, render_rows

_PADDING_AND_SCROLLBAR: Final = 4
"""The number of cells beside a text: the padding, and room for a scroll bar."""


class RowList(OptionList):
    """Shows rows of label and text; cursor and scroll offset stay while the texts change."""

    def __init__(self) -> None:
        super().__init__(compact=True, markup=False)
        self._rows: tuple[tuple[str, str], ...] = ()
        self._prompts: list[Content] = []

    @property
    def selected_row(self) -> tuple[str, str] | None:
        """The label and text of the row under the cursor, or None."""
        index = self.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def set_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        self._rows = tuple(rows)
        self._update_options()

    def on_resize(self) -> None:
        self._update_options()

    def _update_options(self) -> None:
        width = self.scrollable_content_region.width - _PADDING_AND_SCROLLBAR
        column = label_column_width(self._rows)
        if width <= 0:
            return
        prompts = [render_rows([row], width, column) for row in self._rows]
        if len(prompts) == len(self._prompts):
            for index, (before, after) in enumerate(zip(self._prompts, prompts, strict=True)):
                if before != after:
                    self.replace_option_prompt_at_index(index, after)
        else:
            index = self.highlighted or 0
            self.set_options([Option(prompt) for prompt in prompts])
            self.highlighted = min(index, len(prompts) - 1) if prompts else None
        self._prompts = prompts
