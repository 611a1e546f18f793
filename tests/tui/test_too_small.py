"""Below the smallest size the screen still says what is bad."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePath
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.widgets import Footer, Static

from tests.tui.views import TUI
from zbtui.core.verdict import Level
from zbtui.tui.widgets.too_small import NARROW, SHORT, SMALLEST, TooSmall, too_small_content

COUNTS = Counter({Level.CRITICAL: 3, Level.UNKNOWN: 12, Level.WARNING: 0, Level.OK: 400})


class FleetScreen(Screen[None]):
    """As the real one, as far as this goes."""

    HORIZONTAL_BREAKPOINTS = NARROW
    VERTICAL_BREAKPOINTS = SHORT

    def compose(self) -> ComposeResult:
        yield Static("everything", id="all")
        yield TooSmall()
        yield Footer()


class Shrinking(App[None]):
    CSS_PATH: ClassVar[list[str | PurePath]] = [TUI / "widgets/too_small.tcss"]

    def get_default_screen(self) -> Screen[None]:
        return FleetScreen()

    @property
    def cover(self) -> TooSmall:
        return self.screen.query_one(TooSmall)

    @property
    def lines(self) -> list[str]:
        strips = self.screen._compositor.render_strips()
        return [strip.text.rstrip() for strip in strips]


def told(width: int, height: int, counts: Counter[Level] = COUNTS) -> list[str]:
    return too_small_content(counts, width, height).plain.split("\n")


@pytest.mark.parametrize(
    ("size", "lines"),
    [
        ((35, 40), ["✖ 3 critical  ? 12 unknown", "● 400 ok", "Too small: 35×40, needs 36×10"]),
        ((100, 9), ["✖ 3 critical  ? 12 unknown  ● 400 ok", "Too small: 100×9, needs 36×10"]),
        ((20, 9), ["✖ 3 critical", "? 12 unknown", "● 400 ok", "too small: 20×9", "needs 36×10"]),
        ((9, 9), ["✖ 3  ? 12", "● 400 ok", "9×9", "< 36×10"]),
        ((20, 3), ["✖ 3 critical", "too small: 20×3", "needs 36×10"]),
        ((20, 1), ["✖ 3 critical"]),
        ((4, 2), ["✖ 3", "? 12"]),
        ((3, 9), ["✖ 3", "?12", "●"]),
        ((1, 1), ["✖"]),
    ],
)
def test_the_worst_comes_first_and_then_the_sizes(size: tuple[int, int], lines: list[str]) -> None:
    assert told(*size) == lines


def test_without_any_org_it_says_so() -> None:
    assert told(35, 5, Counter())[0] == "no orgs"


@given(
    st.dictionaries(st.sampled_from(Level), st.integers(0, 20_000)).map(Counter),
    st.integers(0, 60),
    st.integers(0, 12),
)
def test_it_fits_and_shows_the_worst_at_any_size(counts: Counter[Level], width: int, height: int) -> None:
    content = too_small_content(counts, width, height)
    if width and height:
        lines = content.split("\n")
        assert len(lines) <= height
        assert all(line.cell_length <= width for line in lines)
        worst = max((level for level, count in counts.items() if count), default=None)
        assert worst is None or lines[0].plain.startswith(worst.glyph)
    else:
        assert content.plain == ""


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 30), (35, 24), (200, 9), (36, 9)])
async def test_it_covers_a_screen_that_is_too_small(size: tuple[int, int]) -> None:
    app = Shrinking()
    async with app.run_test(size=size) as pilot:
        app.cover.show(COUNTS)
        await pilot.pause()
        assert app.cover.region.size == size
        assert app.lines[0].startswith("✖")
        assert "everything" not in "\n".join(app.lines)


async def test_it_comes_and_goes_with_the_size_and_counts_meanwhile() -> None:
    app = Shrinking()
    async with app.run_test(size=SMALLEST) as pilot:
        await pilot.pause()
        assert app.lines[0] == "everything"
        app.cover.show(COUNTS)
        await pilot.resize_terminal(SMALLEST[0] - 1, SMALLEST[1])
        await pilot.pause()
        assert app.lines[0] == "✖ 3 critical  ? 12 unknown"
        app.cover.show(Counter({Level.CRITICAL: 4}))
        await pilot.pause()
        assert app.lines[:2] == ["✖ 4 critical", "Too small: 35×10, needs 36×10"]
        await pilot.resize_terminal(*SMALLEST)
        await pilot.pause()
        assert app.lines[0] == "everything"
