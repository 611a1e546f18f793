"""Covers a screen that has no room for anything else."""

from __future__ import annotations

from collections import Counter
from typing import Final

from textual.content import Content
from textual.widgets import Static

from zbtui.model.verdict import Level
from zbtui.tui.widgets.fleet_bar import counts_content

SMALLEST: Final = (36, 10)
"""Columns and lines that a screen needs."""
NARROW: Final = [(0, "-too-narrow"), (SMALLEST[0], "-wide-enough")]
"""For a screen's HORIZONTAL_BREAKPOINTS: the classes that its style sheet goes by."""
ROOMY: Final = [(0, "-too-short"), (SMALLEST[1], "-tall-enough"), (SMALLEST[1] + 1, "-roomy")]
"""For its VERTICAL_BREAKPOINTS; roomy: a line can be spared for what is as usual."""


class TooSmall(Static):
    """How many orgs are at each level, worst first, and the size that is needed."""

    def show(self, counts: Counter[Level]) -> None:
        width, height = SMALLEST
        content = Content.assemble(counts_content(counts), f"\nToo small: needs {width}×{height}")
        if content != self.content:
            self.update(content, layout=False)
