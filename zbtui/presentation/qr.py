"""QR codes as lines of text; each line shows two rows of the code's squares, which are called modules."""

from __future__ import annotations

from typing import Final

_HALF_BLOCKS: Final = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""The character for each pair of an upper and a lower module (1: dark, 0: light).

The characters draw the light modules, so the text must be shown in a light color on a dark background.
"""


def qr_rows(text: str) -> list[str]:
    """Return the QR code of `text` as lines of equal length, with the light margin that scanners need."""
    import segno  # imported here, because few commands show a QR code

    code = segno.make(text, micro=False, error="l", boost_error=False)
    rows = [tuple(row) for row in code.matrix_iter(border=2)]
    rows.append((0,) * len(rows[0]))  # makes the number of rows even: 4 n + 1 of the code, 4 of the border
    return [
        "".join(_HALF_BLOCKS[bool(above), bool(below)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
