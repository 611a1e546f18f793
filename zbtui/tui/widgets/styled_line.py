"""Lines of text whose pieces have style roles; all views are drawn from such lines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, cast

from rich.cells import cell_len, set_cell_size

from zbtui.model.org import ACCENTS, Accent

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
"""The meaning of a piece of text; the theme defines its color and weight."""
StyledLine = tuple[tuple[str, StyleRole], ...]
"""The pieces of one line from left to right, each with its role."""

ACCENT_ROLES: Final = {accent: cast(StyleRole, f"accent-{accent}") for accent in ACCENTS}


def fit(text: str, cells: int) -> str:
    """Return `text` in exactly `cells` cells: padded with blanks, or cut with an ellipsis."""
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    if cells <= 1:
        return "…"[:cells]
    return set_cell_size(text, cells - 1) + "…"


def first_fitting(texts: Sequence[str], cells: int) -> str:
    """Return the first text that fits into `cells` cells, or the last text if none fits."""
    return next((text for text in texts if cell_len(text) <= cells), texts[-1])


def accent_mark(accent: Accent | None) -> tuple[str, StyleRole]:
    """Return one cell in the org's accent color, with its role; a blank if the org has no accent."""
    return ("▌", ACCENT_ROLES[accent]) if accent else (" ", "text")


def fit_line(pieces: StyledLine, width: int) -> StyledLine:
    """Return the pieces of a line in exactly `width` cells: cut, or padded with blanks."""
    fitted: list[tuple[str, StyleRole]] = []
    left = width
    for text, role in pieces:
        piece = fit(text, min(cell_len(text), left))
        left -= cell_len(piece)
        fitted.append((piece, role))
    return (*fitted, (" " * left, "text")) if left else tuple(fitted)
