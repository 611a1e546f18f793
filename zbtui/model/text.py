"""Cleans text from outside zbtui, once, when it is read. Such text is never parsed as markup."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
"""The number of characters kept of one field at most; Zoho's own fields are far shorter."""

_SPACES: Final = re.compile(r"[\s\u0085\u2028\u2029]+")

# C0 and C1 controls reach the terminal raw through Textual; bidirectional controls reorder what
# stands beside them; lone surrogates cannot be written; tag characters and zero-width spaces hide
# text. ZWJ and ZWNJ stay: names in Persian and in Indic scripts are wrong without them.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, max_length: int = MAX_LENGTH) -> str:
    """Return `text` as one printable line of at most `max_length` characters.

    White space is collapsed, control characters are removed, and a line that is too long is cut and ends in
    an ellipsis. Cleaning a text twice gives the same text.
    """
    if len(text) <= max_length and text.isprintable() and "  " not in text and text == text.strip():
        return text  # the usual case: everything removed below is unprintable
    # Cut first: collapsing a huge text would take long.
    head = text[: max_length * 8]
    line = _UNSAFE.sub("", _SPACES.sub(" ", head)).strip()
    line = _SPACES.sub(" ", line)
    is_whole = len(head) == len(text) and len(line) <= max_length
    return line if is_whole else line[: max_length - 1].rstrip() + "…"
