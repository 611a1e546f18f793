"""Aligned columns on a terminal, measured in cells, and optional colour."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from zbtui.model.verdict import Level

_LEVEL_COLOURS: Final = {Level.OK: "32", Level.WARNING: "33", Level.UNKNOWN: "35", Level.CRITICAL: "1;31"}
"""SGR codes that every terminal theme defines."""
_ZERO_WIDTH_CATEGORIES: Final = frozenset({"Mn", "Me", "Cf"})
"""Categories of characters that combine with the one before them, or are invisible."""


def cell_width(text: str) -> int:
    """The number of terminal cells of a text; Chinese, Japanese and Korean characters take two."""
    return sum(map(_character_width, text))


def pad_to_width(text: str, width: int) -> str:
    """Append spaces up to this width in cells."""
    return text + " " * (width - cell_width(text))


def colour_by_level(text: str, level: Level, *, coloured: bool) -> str:
    """The text in the colour of the level if `coloured`, else unchanged."""
    return f"\x1b[{_LEVEL_COLOURS[level]}m{text}\x1b[0m" if coloured else text


def supports_colour(stream: Any, environ: Mapping[str, str]) -> bool:
    """Whether the stream (None: no stream) is a terminal with colour, which the user did not switch off."""
    if stream is None or not stream.isatty() or environ.get("NO_COLOR"):
        return False
    return environ.get("TERM") != "dumb"


def _character_width(character: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH_CATEGORIES:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
