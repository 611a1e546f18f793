"""Pieces of text as one strip: Textual's own ways to join and to pad make a strip each, which are slow."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip


def join_pieces(pieces: Iterable[tuple[str, Style]], width: int) -> Strip:
    """In as few segments as look the same.

    Args:
        width: cells of them all.
    """
    texts: list[str] = []
    styles: list[Style] = []
    last = None
    for text, style in pieces:
        # Of a blank only the ground is seen: it can go with what stands before it.
        if last is not None and (style is last or (text.isspace() and _same_background(style, last))):
            texts[-1] += text
        elif text:
            texts.append(text)
            styles.append(style)
            last = style
    return Strip(map(Segment, texts, styles), width)


def _same_background(one: Style, other: Style) -> bool:
    """Whether a blank in one looks as it does in the other."""
    return one.bgcolor == other.bgcolor and not (one.reverse or other.reverse or other.underline)
