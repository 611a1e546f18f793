"""A QR code as lines of text, two rows of modules in each line."""

from __future__ import annotations

from typing import Final

_HALF_BLOCKS: Final = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
"""Light modules are drawn, dark ones left blank: show it light on dark."""


def qr_rows(text: str) -> list[str]:
    """Lines of equal length, with the quiet zone that scanners need; light modules drawn."""
    import segno  # imported here: few commands show one

    code = segno.make(text, micro=False, error="l", boost_error=False)
    rows = [tuple(row) for row in code.matrix_iter(border=2)]
    rows.append((0,) * len(rows[0]))  # for an even count: a code has 4 n + 1 rows, its border 4
    return [
        "".join(_HALF_BLOCKS[bool(above), bool(below)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
