"""Columns aligned by terminal cells, and when output is coloured."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.support.samples import reproducible
from zbtui.check.columns import cell_width, colour_by_level, pad_to_width, supports_colour
from zbtui.model.verdict import Level


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 0),
        ("acme", 4),
        ("Zoë", 3),
        ("Zoe\u0308", 3),
        ("佐藤", 4),
        ("ｱｲ", 2),
        ("ＡＢ", 4),
        ("한국", 4),
        ("🦊", 2),
        ("می\u200cخواهم", 7),
        ("● ✖ ▲", 5),
    ],
)
def test_a_text_takes_as_many_cells_as_a_terminal_gives_it(text: str, width: int) -> None:
    assert cell_width(text) == width


# Emoji sequences are left out: terminals differ in their width.
@reproducible
@given(
    st.text(
        st.characters(codec="utf-8", categories=("Lu", "Ll", "Lo", "Nd", "Po", "Zs"), max_codepoint=0x10FF)
    )
)
def test_the_screen_counts_the_same_cells(text: str) -> None:
    assert cell_width(text) == cell_len(text)


@given(st.text(), st.integers(0, 40))
@reproducible
def test_padding_fills_up_and_never_cuts(text: str, width: int) -> None:
    padded = pad_to_width(text, width)
    assert padded.startswith(text)
    assert cell_width(padded) == max(width, cell_width(text))


def test_what_is_painted_ends_in_the_terminals_own_colour() -> None:
    assert colour_by_level("FAILED", Level.CRITICAL, coloured=True) == "\x1b[1;31mFAILED\x1b[0m"
    assert colour_by_level("FAILED", Level.CRITICAL, coloured=False) == "FAILED"


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        ({}, True),
        ({"TERM": "xterm-256color"}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"TERM": "dumb"}, False),
    ],
)
def test_a_terminal_is_coloured_unless_the_user_forbids_it(environ: dict[str, str], coloured: bool) -> None:
    assert supports_colour(Terminal(), environ) is coloured


def test_what_is_no_terminal_is_never_coloured() -> None:
    assert not supports_colour(io.StringIO(), {"TERM": "xterm-256color"})
    assert not supports_colour(None, {"TERM": "xterm-256color"})
