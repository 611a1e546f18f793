"""What a screen shows that has no room for anything else: how bad it stands, and the room that it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from zbtui.core.verdict import Level
from zbtui.tui.widgets.fleet_bar import LEVEL_STYLES
from zbtui.tui.widgets.lines import fit

SMALLEST: Final = (36, 10)
"""Columns and lines that a screen needs."""
NARROW: Final = [(0, "-too-narrow"), (SMALLEST[0], "-wide-enough")]
"""For a screen's HORIZONTAL_BREAKPOINTS: the classes that too_small.tcss goes by."""
SHORT: Final = [(0, "-too-short"), (SMALLEST[1], "-tall-enough")]
"""For its VERTICAL_BREAKPOINTS."""
ROOMY: Final = [*SHORT, (SMALLEST[1] + 1, "-roomy")]
"""The same where a line can be spared for what is as usual."""


class TooSmall(Widget):
    """Covers a screen that is too small. Whatever goes wrong meanwhile is counted here, too."""

    def __init__(self) -> None:
        super().__init__()
        self._counts: Counter[Level] = Counter()

    def show(self, counts: Counter[Level]) -> None:
        """How many orgs are at each level, as the bar counts them."""
        if counts != self._counts:
            self._counts = counts.copy()
            self.refresh()

    def render(self) -> Content:
        return too_small_content(self._counts, *self.size)


def too_small_content(counts: Counter[Level], width: int, height: int) -> Content:
    """At most `height` lines of at most `width` cells: the counts, worst first, and the sizes below."""
    if width < 1 or height < 1:
        return Content()
    sizes = _sizes(width, height)
    lines = _counted(counts, width)
    # The counts go first, and the one that is worst before all else.
    room = max(height - len(sizes), 1)
    shown = [*lines[:room], *(Content(line) for line in sizes)]
    return Content("\n").join(shown[:height])


def _sizes(width: int, height: int) -> list[str]:
    has, needs = f"{width}×{height}", f"{SMALLEST[0]}×{SMALLEST[1]}"
    forms: Sequence[Sequence[str]] = (
        [f"Too small: {has}, needs {needs}"],
        [f"too small: {has}", f"needs {needs}"],
        [f"is {has}", f"needs {needs}"],
        [has, f"< {needs}"],
        [f"{has}<", needs],
    )
    return list(next((form for form in forms if all(cell_len(line) <= width for line in form)), ()))


def _counted(counts: Counter[Level], width: int) -> list[Content]:
    """Each level in its fullest form that fits, as many of them on a line as there is room for."""
    lines: list[Content] = []
    for level in sorted(Level, reverse=True):
        if not (count := counts[level]):
            continue
        forms = (f"{level.glyph} {count} {level.word}", f"{level.glyph} {count}", f"{level.glyph}{count}")
        text = next((form for form in forms if cell_len(form) <= width), level.glyph)
        piece = Content.styled(text, LEVEL_STYLES[level])
        if lines and lines[-1].cell_length + 2 + piece.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], "  ", piece)
        else:
            lines.append(piece)
    return lines or [Content(fit("no orgs", min(width, 7)))]
