"""Lines of text with roles, from which all views are drawn. Pure."""

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
    """`text` in exactly `cells` cells: padded, or cut with an ellipsis."""
    if cell_len(text) <= cells:
        return set_cell_size(text, cells)
    if cells <= 1:
        return "…"[:cells]
    return set_cell_size(text, cells - 1) + "…"


def first_fitting(texts: Sequence[str], cells: int) -> str:
    """The first text that fits; the last one if none does."""
    return next((text for text in texts if cell_len(text) <= cells), texts[-1])


def accent_mark(accent: Accent | None) -> tuple[str, StyleRole]:
    """One cell in the org's accent color; a blank if the org has no accent."""
    return ("▌", ACCENT_ROLES[accent]) if accent else (" ", "text")


def fit_line(pieces: StyledLine, width: int) -> StyledLine:
    """The pieces in exactly `width` cells: cut, or padded with blanks."""
    fitted: list[tuple[str, StyleRole]] = []
    left = width
    for text, role in pieces:
        piece = fit(text, min(cell_len(text), left))
        left -= cell_len(piece)
        fitted.append((piece, role))
    return (*fitted, (" " * left, "text")) if left else tuple(fitted)
