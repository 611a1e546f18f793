"""Rows on a terminal: columns by the cells that characters take, and colour where it is welcome."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from zbtui.model.verdict import Level

_LEVEL_COLOURS: Final = {Level.OK: "32", Level.WARNING: "33", Level.UNKNOWN: "35", Level.CRITICAL: "1;31"}
"""Of the sixteen that every terminal theme defines."""
_ZERO_WIDTH_CATEGORIES: Final = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that stand on the one before them, or are not seen at all."""


def cell_width(text: str) -> int:
    """How many cells a text takes on a terminal; Chinese, Japanese and Korean take two each."""
    return sum(map(_character_width, text))


def pad_to_width(text: str, width: int) -> str:
    """Spaces behind it, up to so many cells."""
    return text + " " * (width - cell_width(text))


def colour_by_level(text: str, level: Level, *, coloured: bool) -> str:
    """In the colour of how bad it is, where there is to be colour."""
    return f"\x1b[{_LEVEL_COLOURS[level]}m{text}\x1b[0m" if coloured else text


def supports_colour(stream: Any, environ: Mapping[str, str]) -> bool:
    """Whether a person sees this stream on a terminal that knows colour, and did not forbid it.

    Args:
        stream: None, where the program was started without one.
    """
    if stream is None or not stream.isatty() or environ.get("NO_COLOR"):
        return False
    return environ.get("TERM") != "dumb"


def _character_width(character: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH_CATEGORIES:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
