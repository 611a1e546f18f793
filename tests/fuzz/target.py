"""What a fuzz target is, and what all of them check."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from rich.cells import cell_len

from zbtui.core.trouble import Trouble, TroubleError
from zbtui.tui.widgets.lines import Line

LONGEST_SENTENCE: Final = 1200
"""Characters: sentences hold words from outside, each cut short."""
_HIDDEN: Final = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff") | {
    chr(code)
    for start, end in ((0x202A, 0x202F), (0x2060, 0x2070), (0xE0000, 0xE0080))
    for code in range(start, end)
}
"""What reorders or hides the text around it."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place where something from outside is read."""

    run: Callable[[bytes], None]
    """Reads it as the program does, and checks what comes of it. Whatever it raises is a finding."""
    seeds: tuple[bytes, ...]
    """Good inputs, and some that were findings once."""


@contextmanager
def troubled() -> Iterator[None]:
    """A `TroubleError` is the documented end; its sentences may be shown."""
    try:
        yield
    except TroubleError as error:
        check_trouble(error.trouble)


def check_trouble(trouble: Trouble) -> None:
    assert trouble.message and trouble.hint
    assert len(trouble.message) + len(trouble.hint) <= LONGEST_SENTENCE
    check_text(trouble.message, trouble.hint, trouble.code)
    assert trouble.retry_at is None or trouble.retry_at.tzinfo is not None


def check_text(*texts: str | None) -> None:
    """That a terminal shows each as one line, and obeys nothing in it."""
    for text in filter(None, texts):
        # Most are plain, and asking for each character's category takes long.
        assert text.isprintable() or not any(map(is_unsafe, text)), ascii(text)


def is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in _HIDDEN


def check_line(line: Line, width: int) -> None:
    """That a drawn line is exactly so wide, piece by piece as it is handed on."""
    check_text(*(piece for piece, _ in line))
    assert sum(cell_len(piece) for piece, _ in line) == width, line


def answer_of(data: bytes) -> tuple[int, bytes]:
    """HTTP status and body: the first line and all behind it; without such a line it is 200."""
    head, _, body = data.partition(b"\n")
    if head.isdigit() and len(head) == 3:
        return int(head), body
    return 200, data


def text_of(data: bytes) -> str:
    """Any text, lone surrogates included."""
    return data.decode("utf-8", "surrogateescape")


def json_of(data: bytes) -> Any:
    """As an answer's JSON is read; None where it is none."""
    try:
        return json.loads(data, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
