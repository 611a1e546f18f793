"""Rows on a terminal: columns by the cells that characters take, and colour where it is welcome."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from zbtui.core.verdict import Level

_COLOURS: Final = {Level.OK: "32", Level.WARNING: "33", Level.UNKNOWN: "35", Level.CRITICAL: "1;31"}
"""Of the sixteen that every terminal theme defines."""
_WIDTHLESS: Final = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that stand on the one before them, or are not seen at all."""


def cells(text: str) -> int:
    """How many cells a text takes on a terminal; Chinese, Japanese and Korean take two each."""
    return sum(map(_cells_of, text))


def pad(text: str, width: int) -> str:
    """Spaces behind it, up to so many cells."""
    return text + " " * (width - cells(text))


def paint(text: str, level: Level, *, coloured: bool) -> str:
    """In the colour of how bad it is, where there is to be colour."""
    return f"\x1b[{_COLOURS[level]}m{text}\x1b[0m" if coloured else text


def takes_colour(stream: Any, environ: Mapping[str, str]) -> bool:
    """Whether a person sees this stream on a terminal that knows colour, and did not forbid it.

    Args:
        stream: None, where the program was started without one.
    """
    if stream is None or not stream.isatty() or environ.get("NO_COLOR"):
        return False
    return environ.get("TERM") != "dumb"


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in _WIDTHLESS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
