"""Text from outside is data: cleaned once, where it enters, and never parsed as markup."""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 200
"""Characters kept of one field; Zoho's own fields are far shorter."""

_SPACES: Final = re.compile(r"[\s\u0085\u2028\u2029]+")

# C0 and C1 controls reach the terminal raw through Textual; bidirectional controls reorder what
# stands beside them; lone surrogates cannot be written; tag characters and zero-width spaces hide
# text. ZWJ and ZWNJ stay: names in Persian and in Indic scripts are wrong without them.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str, max_length: int = MAX_LENGTH) -> str:
    """One printable line: white space folded, control characters out, at most `longest` characters.

    Idempotent. A text that was cut ends in an ellipsis.
    """
    if len(text) <= max_length and text.isprintable() and "  " not in text and text == text.strip():
        return text  # as nearly all are: whatever is taken out below is not printable
    # Only so much is looked at that folding a huge text cannot take long.
    looked_at = text[: max_length * 8]
    line = _UNSAFE.sub("", _SPACES.sub(" ", looked_at)).strip()
    line = _SPACES.sub(" ", line)
    whole = len(looked_at) == len(text) and len(line) <= max_length
    return line if whole else line[: max_length - 1].rstrip() + "…"
