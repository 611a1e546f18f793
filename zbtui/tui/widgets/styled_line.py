"""Lines of text with roles: what the views are drawn from. Pure, and the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from rich.cells import cell_len, set_cell_size

from zbtui.model.org import Accent

StyleRole = Literal[
    "text",
    "muted",
    "name",
    "heading",
    "frame",
    "cursor",
    "ok",
    "running",
    "warning",
    "unknown",
    "critical",
    "stale",
    "unknown-badge",
    "critical-badge",
    "accent-blue",
    "accent-cyan",
    "accent-green",
    "accent-yellow",
    "accent-orange",
    "accent-red",
    "accent-magenta",
    "accent-violet",
]
"""What a piece of text is; its colour and weight are the theme's."""
StyledLine = tuple[tuple[str, StyleRole], ...]
"""Pieces of one line, left to right, each with what it is."""

ACCENT_ROLES: Final[dict[Accent, StyleRole]] = {
    "blue": "accent-blue",
    "cyan": "accent-cyan",
    "green": "accent-green",
    "yellow": "accent-yellow",
    "orange": "accent-orange",
    "red": "accent-red",
    "magenta": "accent-magenta",
    "violet": "accent-violet",
}


def fit(text: str, cells: int) -> str:
    """`text` in exactly `cells` cells; what is cut off ends in an ellipsis."""
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    if cells <= 1:
        return "…"[:cells]
    return set_cell_size(text, cells - 1) + "…"


def first_fitting(texts: Sequence[str], cells: int) -> str:
    """The first that fits; the last, where none does."""
    return next((text for text in texts if cell_len(text) <= cells), texts[-1])


def accent_mark(accent: Accent | None) -> tuple[str, StyleRole]:
    """One cell in the colour that an org was given; blank, where it has none."""
    return ("▌", ACCENT_ROLES[accent]) if accent else (" ", "text")


def fit_line(pieces: StyledLine, width: int) -> StyledLine:
    """The pieces in exactly `width` cells: what is beyond is left out, and what is missing is blank."""
    kept: list[tuple[str, StyleRole]] = []
    left = width
    for text, role in pieces:
        piece = fit(text, min(cell_len(text), left))
        left -= cell_len(piece)
        kept.append((piece, role))
    return (*kept, (" " * left, "text")) if left else tuple(kept)
