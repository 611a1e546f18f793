"""Many keys at once, as from a paste in a terminal without bracketed paste."""

from __future__ import annotations

from datetime import timedelta

import pytest
from textual import events
from textual.widgets import Button, Input

from tests.tui.app_driver import AppDriver, drive_app
from zbtui.config.settings import Config
from zbtui.tui.forms.edit_screen import EditScreen
from zbtui.tui.forms.remove_screen import RemoveScreen

CHARACTERS = {"\n": "enter", "\t": "tab"}
REST = 3


async def paste(driven: AppDriver, text: str) -> None:
    for each in text:
        driven.app.post_message(
            events.Key(CHARACTERS.get(each, each), each if each.isprintable() else None)
        )
    for _ in range(REST):
        await driven.press()


def names(driven: AppDriver) -> list[str]:
    config = driven.app._org_service.stores.config.load()
    assert isinstance(config, Config)
    return [org.name for org in config.orgs]


@pytest.mark.parametrize("text", ["release notes\n", "e\n", "edit this\n\n\n", "e one\ntwo\nthree\n"])
async def test_a_paste_onto_the_orgs_renames_none(text: str) -> None:
    async with drive_app(["acme"]) as driven:
        await paste(driven, text)
        assert names(driven) == ["acme"]


@pytest.mark.parametrize("text", ["release notes\n", "beta\n\n\n", "\n\n"])
async def test_a_paste_into_the_form_renames_none(text: str) -> None:
    async with drive_app(["acme"]) as driven:
        await driven.press("e")
        assert isinstance(driven.app.screen, EditScreen)
        await paste(driven, text)
        assert names(driven) == ["acme"]


async def test_keys_from_before_a_form_opens_are_not_typed_into_it() -> None:
    async with drive_app(["acme"]) as driven:
        await paste(driven, "ebeta")
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == "acme"


async def test_a_rename_takes_effect_once_it_is_confirmed() -> None:
    async with drive_app(["acme"]) as driven:
        await driven.press("e", *"beta", "enter")
        assert "This renames acme to beta." in driven.screen_text
        assert isinstance(driven.app.focused, Button) and driven.app.focused.id == "back"
        assert names(driven) == ["acme"]
        await driven.press("left", "enter")
        assert names(driven) == ["beta"]


@pytest.mark.parametrize("text", ["e\t\t5m\n", "edit\t\t\t2h\n", "e\t\t\t\t\t\t\tprod\n\n\n"])
async def test_a_slow_paste_onto_the_orgs_changes_none(text: str) -> None:
    async with drive_app(["acme"]) as driven:
        before = driven.app._org_service.stores.config.load()
        for each in text:
            await paste(driven, each)
            await driven.clock.advance(0.02)
        assert driven.app._org_service.stores.config.load() == before


async def test_after_a_second_enter_saves_what_was_typed() -> None:
    async with drive_app(["acme"]) as driven:
        await driven.press("e", "tab", "tab", *"5m")
        await driven.clock.advance(1)
        await driven.press("enter")
        (org,) = driven.app._org_service.orgs()
        assert dict(org.policy_overrides) == {"every": timedelta(minutes=5)}


@pytest.mark.parametrize("text", ["d\t\n", "dune\t\t\n", "d\n\t\n", "d\t\n\n"])
async def test_a_slow_paste_removes_none(text: str) -> None:
    async with drive_app(["acme"]) as driven:
        for each in text:
            await paste(driven, each)
            await driven.clock.advance(0.02)
        assert names(driven) == ["acme"]


async def test_a_paste_that_begins_a_removal_removes_none() -> None:
    async with drive_app(["acme"]) as driven:
        await paste(driven, "dyq")
        assert isinstance(driven.app.screen, RemoveScreen)
        assert driven.app.focused is driven.app.screen.query_one("#back")
        assert names(driven) == ["acme"]
