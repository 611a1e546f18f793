"""ASCII replacements for characters that an output stream cannot encode.

A replacement is as wide as its character, so that columns stay aligned. No character becomes `?`, because
that is the glyph of the verdict `cannot_tell`.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_REPLACEMENTS: Final = str.maketrans(
    {
        # Verdicts and levels
        "✔": "+",
        "●": "*",
        "▶": ">",
        "▷": ")",
        "▲": "!",
        "△": "^",
        "✖": "X",
        "■": "#",
        "◆": "@",
        "◇": "%",
        "◈": "&",
        "≠": "$",
        "≡": "=",
        "○": "o",
        "◐": "1",
        "◔": "w",
        "◑": "q",
        "◌": "~",
        # Punctuation
        "→": ">",
        "·": "-",
        "–": "-",
        "—": "-",
        "−": "-",
        "…": ".",
        "¦": ":",
        "×": "x",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "↑": "^",
        "↓": "v",
        "←": "<",
        "⚑": "!",
    }
)
_UNKNOWN: Final = "_"


def replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Replace the characters that `error` reports as unencodable with ASCII characters of the same width.

    This is an error handler for `codecs.register_error`. Returns the replacement and the position in the
    text after the replaced characters.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(ascii_for, error.object[error.start : error.end])), error.end


def ascii_for(character: str) -> str:
    """Return the ASCII replacement of one character, which takes up the same number of terminal cells."""
    replacement = character.translate(_REPLACEMENTS)
    if replacement.isascii():
        return replacement
    if 0x2500 <= ord(character) < 0x2580:
        return _for_box_drawing(unicodedata.name(character))
    if 0x2580 <= ord(character) < 0x25A0 or 0x2800 < ord(character) < 0x2900:  # blocks and Braille
        return "#"
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return ""
    width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
    base = unicodedata.normalize("NFKD", character)[0]
    if base.isascii() and base.isprintable() and base != "?":
        return base.ljust(width)
    return _UNKNOWN * width


def _for_box_drawing(name: str) -> str:
    if "VERTICAL" in name and "HORIZONTAL" not in name and " AND " not in name:
        return "|"
    return "-" if "HORIZONTAL" in name and "VERTICAL" not in name and " AND " not in name else "+"
