"""Text for streams that cannot encode zbtui's glyphs."""

from __future__ import annotations

import io
import sys
import unicodedata
from typing import get_args

import pytest

from zbtui.check.columns import cell_width
from zbtui.doctor.finding import FindingLevel
from zbtui.model.verdict import Level, Verdict, VerdictName
from zbtui.presentation.ascii_text import ascii_for, replace_unencodable


def test_each_verdict_has_a_glyph_of_its_own_and_only_cannot_tell_is_a_question_mark() -> None:
    glyphs = {name: ascii_for(Verdict(name, Level.OK, "", "").glyph) for name in get_args(VerdictName)}
    assert len(set(glyphs.values())) == len(glyphs)
    assert [name.split("_")[0] for name, glyph in glyphs.items() if glyph == "?"] == ["cannot"]
    assert all(len(glyph) == 1 and glyph.isascii() for glyph in glyphs.values())


@pytest.mark.parametrize("levels", [Level, FindingLevel])
def test_each_level_has_a_glyph_of_its_own(levels: type[Level] | type[FindingLevel]) -> None:
    assert len({ascii_for(level.glyph) for level in levels}) == len(levels)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("✖ acme → wait … 6d · x", "X acme > wait . 6d - x"),
        ("Zürich, Łódź, Århus", "Zurich, _odz, Arhus"),
        ("北京", "____"),
        ("┌─┬─┐│┃━", "+-+-+||-"),
        ("▀█⣿", "###"),
        ("e\u0301", "e"),
    ],
)
def test_text_stays_readable(text: str, expected: str) -> None:
    assert "".join(map(ascii_for, text)) == expected


def test_any_character_takes_as_many_cells_as_before() -> None:
    excluded = ("Cs", "Cc", "Co", "Cn", "Zl", "Zp")
    characters = (chr(code) for code in range(sys.maxunicode + 1))
    wrong = [
        character
        for character in characters
        if unicodedata.category(character) not in excluded
        and not (
            (replaced := ascii_for(character)).isascii()
            and len(replaced) == cell_width(character)
            and (character == "?" or "?" not in replaced)
        )
    ]
    assert wrong == []


def test_what_the_stream_can_encode_stays() -> None:
    import codecs

    codecs.register_error("zbtui-test", replace_unencodable)
    stream = io.TextIOWrapper(io.BytesIO(), encoding="iso-8859-1", errors="zbtui-test")
    assert "Zürich ✔ ·".encode(stream.encoding, stream.errors or "") == "Zürich + ·".encode("iso-8859-1")
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", "zbtui-test")
