"""The help names every key, word and glyph, and can be read on a small screen."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tests.tui.app_driver import drive_app
from zbtui.config.settings import Settings
from zbtui.model.verdict import Level
from zbtui.presentation.filter import FILTER_FIELDS


@pytest.mark.parametrize("key", ["question_mark", "f1"])
async def test_help_names_every_key_and_every_word(key: str) -> None:
    async with drive_app(size=(100, 100)) as driven:
        await driven.press(key)
        for said in ("Ask Zoho about this org now", "Leave zbtui", "NO BACKUP", "THROTTLED", "(stale)"):
            assert said in driven.screen_text


async def test_help_names_the_palette_the_tables_keys_the_filters_fields_and_each_glyph() -> None:
    async with drive_app(size=(100, 100)) as driven:
        await driven.press("question_mark")
        text = driven.screen_text
        assert "^p " in text and "command palette" in text
        assert "<  " in text and ">  " in text
        for field in FILTER_FIELDS:
            assert f"{field}:" in text
        for glyph in ("!ok", "‖", "≡", "~", "▌", "▼", *(level.glyph for level in Level)):
            assert glyph in text


async def test_help_can_be_read_to_its_end_on_a_small_screen() -> None:
    async with drive_app(size=(60, 20)) as driven:
        await driven.press("question_mark")
        read = driven.screen_text.splitlines()
        for _ in range(12):
            await driven.press("pagedown")
            read += driven.screen_text.splitlines()
        assert "a mark that somebody gave" in driven.screen_text  # the last row
        for said in ("One up", "Leave zbtui", "verdict:overdue", "NO HISTORY", "within this hour"):
            assert any(said in line for line in read)
        assert all(cell_len(line) <= 60 for line in read)


async def test_help_names_the_users_own_keys_of_the_table_too() -> None:
    settings = Settings(keys=(("table.column-left", "f6"),))
    async with drive_app(size=(100, 100), settings=settings) as driven:
        await driven.press("question_mark")
        assert "f6  " in driven.screen_text and ">  " in driven.screen_text
        assert "<  " not in driven.screen_text
