"""Below the smallest size the screen still says what is bad."""

from __future__ import annotations

import pytest

from tests.tui.app_driver import FakeZoho, drive_app
from zbtui.tui.widgets.too_small import SMALLEST, TooSmall


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 30), (8, 9), (35, 24), (200, 9), (36, 9)])
async def test_it_covers_a_small_screen_and_begins_with_the_worst(size: tuple[int, int]) -> None:
    zoho = FakeZoho()
    zoho.set_answer("beta", status="FAILED")
    async with drive_app(["acme", "beta"], zoho) as driven:
        await driven.pilot.resize_terminal(*size)
        await driven.advance()
        assert driven.screen.query_one(TooSmall).region.size == size
        assert driven.screen_text.startswith("✖")
        assert "acme" not in driven.screen_text


async def test_it_comes_and_goes_with_the_size_and_counts_meanwhile() -> None:
    async with drive_app(["acme"], size=SMALLEST) as driven:
        assert "Too small" not in driven.screen_text
        await driven.pilot.resize_terminal(SMALLEST[0] - 1, SMALLEST[1])
        await driven.press()
        lines = [line.strip() for line in driven.screen_text.splitlines()]
        assert lines[:2] == ["● 1 ok", "Too small: needs 36×10"]
        assert not any(lines[2:])
        driven.zoho.set_answer("acme", status="FAILED")
        await driven.advance(400)
        assert driven.screen_text.startswith("✖ 1 critical")
        await driven.pilot.resize_terminal(*SMALLEST)
        await driven.press()
        assert "Too small" not in driven.screen_text
