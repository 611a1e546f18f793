"""Aligned columns on a terminal, with widths measured in character cells, and optional colour."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from zbtui.model.verdict import Level

_LEVEL_COLOURS: Final = {Level.OK: "32", Level.WARNING: "33", Level.UNKNOWN: "35", Level.CRITICAL: "1;31"}
"""The terminal's colour code (SGR) for each level; every terminal theme defines these colours."""
_ZERO_WIDTH_CATEGORIES: Final = frozenset({"Mn", "Me", "Cf"})
"""The Unicode categories of characters that take no cell, as they are combining or invisible."""


def cell_width(text: str) -> int:
    """Return the number of terminal cells of a text; Chinese, Japanese and Korean characters take two."""
    return sum(map(_character_width, text))


def pad_to_width(text: str, width: int) -> str:
    """Append spaces to a text until it is `width` terminal cells wide."""
    return text + " " * (width - cell_width(text))


def colour_by_level(text: str, level: Level, *, coloured: bool) -> str:
    """Return the text in the colour of the level if `coloured`, else the unchanged text."""
    return f"\x1b[{_LEVEL_COLOURS[level]}m{text}\x1b[0m" if coloured else text


def supports_colour(stream: Any, environ: Mapping[str, str]) -> bool:
    """Return whether `stream` is a terminal with colours that the user has not switched off.

    False if `stream` is None, as when the program was started without stdout.
    """
    if stream is None or not stream.isatty() or environ.get("NO_COLOR"):
        return False
    return environ.get("TERM") != "dumb"


def _character_width(character: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH_CATEGORIES:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
