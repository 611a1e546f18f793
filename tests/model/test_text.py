"""Cleaning text from outside: the result is one printable line."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.model.text import MAX_LENGTH, clean

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u00ad\u180e\u200b\u2060\ufeff\U000e0001\U000e0041"

texts = st.text(
    st.characters() | st.sampled_from(BIDI + INVISIBLE + " \t\n\r\x0b\x0c\x1b\x85\x9b\u2028\ud800"),
    max_size=400,
)


@reproducible
@given(texts.filter(lambda text: len(text) < MAX_LENGTH))
def test_what_has_nothing_to_be_taken_out_comes_out_as_with_something(text: str) -> None:
    assert clean(text) == clean(f"{text}\x00")


def is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs") or char in BIDI + INVISIBLE


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Patricia Boyle", "Patricia Boyle"),
        ("  Mara \t Lindqvist ", "Mara Lindqvist"),
        ("two\r\nlines\u2028and\u2029more\x85still", "two lines and more still"),
        ("\x00\x07\x1b\x7f\x9b", ""),
        ("a \u200b b", "a b"),
        ("\u200b padded \u200b", "padded"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("ab\u00adc\ufeffd", "abcd"),
        ("", ""),
    ],
)
def test_white_space_is_folded_and_what_does_not_print_is_dropped(text: str, line: str) -> None:
    assert clean(text) == line


@pytest.mark.parametrize("name", ["می\u200cخواهم", "क्\u200dष", "Åsa Öberg", "渡辺 健", "👩‍💻"])
def test_names_of_every_script_stay_as_they_are(name: str) -> None:
    assert clean(name) == name


@pytest.mark.parametrize(
    "text", ["[/]", "[/b]", "[@click=app.quit]x[/]", "$primary", "{locals}", "%s", "<b>"]
)
def test_markup_is_ordinary_text(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    "payload",
    [
        "\x1b]0;PWNED\x07",
        "\x1b]52;c;cHduZWQ=\x1b\\",
        "\x1b[6n",
        "\x1b[?1049l",
        "\x1bP+q544e\x1b\\",
        "\x9b31m",
        "\x9d0;PWNED\x9c",
        "\x90q\x9c",
        "admin\u202egnp.exe",
        "\u2067right to left\u2069",
        "hid\u200bden",
        "tag\U000e0041\U000e0042",
        "nul\x00byte",
        "back\x08\x08space",
        "form\x0cfeed",
    ],
)
def test_no_escape_sequence_reaches_the_terminal(payload: str) -> None:
    assert not any(map(is_unsafe, clean(f"before {payload} after")))


def test_no_character_of_unicode_is_an_exception() -> None:
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    left = "".join(clean(every[start : start + MAX_LENGTH]) for start in range(0, len(every), MAX_LENGTH))
    assert [hex(ord(char)) for char in left if is_unsafe(char)] == []


@reproducible
@given(texts)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@reproducible
@given(texts, st.integers(1, 60))
def test_a_line_is_never_longer_than_asked_for(text: str, longest: int) -> None:
    line = clean(text, longest)
    assert len(line) <= longest
    assert clean(line, longest) == line
    assert not any(map(is_unsafe, line))


@reproducible
@given(texts)
def test_a_line_can_always_be_written_and_has_no_blanks_to_spare(text: str) -> None:
    line = clean(text)
    assert line.encode().decode() == line
    assert " ".join(line.split()) == line


def test_a_text_of_the_full_length_stays_whole() -> None:
    assert clean("x" * MAX_LENGTH) == "x" * MAX_LENGTH


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("x" * (MAX_LENGTH + 1), None),
        ("x" * 1_000_000, None),
        ("a" + " " * 1_000_000 + "b", "a b"),
        ("a" + "\x00" * 1_000_000 + "b", "ab"),
    ],
    ids=["one too long", "far too long", "blanks between", "controls between"],
)
def test_a_text_that_was_cut_ends_in_an_ellipsis(text: str, whole: str | None) -> None:
    line = clean(text)
    assert line == whole or line.endswith("…")
