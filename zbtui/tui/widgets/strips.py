"""Joins pieces of text into one Textual strip.

Textual's own join and pad are slower, because they create extra strips.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def join_pieces(pieces: Iterable[tuple[str, Style]], width: int) -> Strip:
    """Return a strip with as few segments as possible; `width` is the width of all pieces in cells."""
    texts: list[str] = []
    styles: list[Style] = []
    last = None
    for text, style in pieces:
        # Only the background of a blank is visible, so it can join the segment before it.
        if last is not None and (style is last or (text.isspace() and _same_background(style, last))):
            texts[-1] += text
        elif text:
            texts.append(text)
            styles.append(style)
            last = style
    return Strip(map(Segment, texts, styles), width)


def _same_background(one: Style, other: Style) -> bool:
    """Whether both styles draw a blank identically."""
    return one.bgcolor == other.bgcolor and not (one.reverse or other.reverse or other.underline)
