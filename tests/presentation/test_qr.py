"""A QR code on a terminal, read module by module, as a camera does."""

from __future__ import annotations

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import reproducible
from zbtui.presentation.qr import qr_rows

URL = "https://accounts.zoho.com.au/oauth/v3/device/code?user_code=PR3FPPTM"
_LIGHT = {"█": (1, 1), "▀": (1, 0), "▄": (0, 1), " ": (0, 0)}
"""Whether the upper and the lower half of a cell are light, in a terminal with light text on dark."""


def modules(text: str) -> list[list[int]]:
    """The rows of modules: 1 is dark."""
    rows = []
    for line in qr_rows(text):
        cells = [_LIGHT[cell] for cell in line]
        rows.extend([[1 - cell[half] for cell in cells] for half in (0, 1)])
    return rows


@pytest.mark.parametrize("text", ["a", URL, URL * 3])
def test_every_module_is_where_it_belongs_with_a_quiet_zone_around_it(text: str) -> None:
    expected = [list(row) for row in segno.make(text, micro=False, error="l", boost_error=False).matrix]
    shown, size = modules(text), len(expected)
    assert [row[2 : 2 + size] for row in shown[2 : 2 + size]] == expected
    quiet = [*shown[:2], *shown[2 + size :], *(row[:2] + row[-2:] for row in shown)]
    assert not any(any(row) for row in quiet)


@reproducible
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=300))
def test_the_lines_are_equally_long_and_half_as_many(text: str) -> None:
    lines = qr_rows(text)
    width = len(lines[0])
    assert {len(line) for line in lines} == {width}
    assert len(lines) == (width + 1) // 2


def test_the_address_of_a_device_code_fits_an_ordinary_terminal() -> None:
    lines = qr_rows(URL)
    assert len(lines) <= 20
    assert len(lines[0]) <= 40
