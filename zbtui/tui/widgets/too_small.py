"""A cover for screens that are too small to show anything else."""

from __future__ import annotations

from collections import Counter
from typing import Final

from textual.content import Content
from textual.widgets import Static

from zbtui.model.verdict import Level
from zbtui.tui.widgets.fleet_bar import counts_content

SMALLEST: Final = (36, 10)
"""The smallest usable size of the terminal, in columns and lines."""
NARROW: Final = [(0, "-too-narrow"), (SMALLEST[0], "-wide-enough")]
"""The HORIZONTAL_BREAKPOINTS of a screen: pairs of minimum columns and the CSS class set from there on."""
ROOMY: Final = [(0, "-too-short"), (SMALLEST[1], "-tall-enough"), (SMALLEST[1] + 1, "-roomy")]
"""The VERTICAL_BREAKPOINTS of a screen; the class `-roomy` means room to always show the status line."""


class TooSmall(Static):
    """Shows the number of orgs at each level, worst first, and the size that the screen needs."""

    def show(self, counts: Counter[Level]) -> None:
        width, height = SMALLEST
        content = Content.assemble(counts_content(counts), f"\nToo small: needs {width}×{height}")
        if content != self.content:
            self.update(content, layout=False)
