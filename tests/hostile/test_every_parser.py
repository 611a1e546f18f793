"""Every parser reads or refuses hostile input: it raises nothing but `ProblemError`, and no text in its
result controls a terminal."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.hostile.corpus import BODIES, GOOD, RAW, TEXTS, spoilt
from tests.hostile.readers import PARSERS
from zbtui.model.problem import Problem

MOST_SECONDS: Final = 5.0
"""Seconds of CPU for one input, far more than any takes."""
LONGEST_SENTENCE: Final = 1200
"""Characters of a problem, which may quote hostile text, cut short."""
HIDDEN: Final = frozenset("\u00ad\u061c\u180e\u200b\u200e\u200f\ufeff") | {
    chr(code)
    for start, end in ((0x202A, 0x202F), (0x2060, 0x2070), (0xE0000, 0xE0080))
    for code in range(start, end)
}
"""Characters that reorder or hide the text around them."""


def texts_in(value: object) -> Iterator[str]:
    """Every text within a value, however deep."""
    if isinstance(value, str):
        yield value
    elif is_dataclass(value) and not isinstance(value, type):
        yield from texts_in(asdict(value))
    elif isinstance(value, dict):
        yield from texts_in([*value, *value.values()])
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from texts_in(one)


def is_unsafe(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") or character in HIDDEN


def read(name: str, data: bytes) -> None:
    began = time.process_time()
    try:
        for found in PARSERS[name](data):
            if isinstance(found, Problem):
                assert found.message and found.hint
                assert len(found.message) + len(found.hint) <= LONGEST_SENTENCE
            for text in texts_in(found):
                # Most texts are printable; the category of each character takes long.
                assert text.isprintable() or not any(map(is_unsafe, text)), ascii(text)
        assert time.process_time() - began < MOST_SECONDS
    except Exception as error:
        error.add_note(f"{name} was given {data[:2000]!r}")
        raise


@pytest.fixture(autouse=True)
def folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_good_inputs_and_those_that_once_broke_it(name: str) -> None:
    for data in GOOD[name]:
        read(name, data)


@pytest.mark.parametrize("name", PARSERS)
def test_whole_inputs_that_are_hostile(name: str) -> None:
    for data in (*BODIES, *(text.encode("utf-8", "surrogatepass") for text in (*TEXTS, *RAW))):
        read(name, data)


@pytest.mark.parametrize("name", PARSERS)
def test_good_inputs_with_something_hostile_in_them(name: str) -> None:
    for data in spoilt(GOOD[name]):
        read(name, data)
