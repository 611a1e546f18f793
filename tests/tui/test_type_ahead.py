"""What is typed before a form is there goes into its first field."""

from __future__ import annotations

import pytest
from textual import events
from textual.widgets import Input

from tests.tui.driving import Driven, driving
from tests.tui.signing_in import NEWCOMER, demo
from zbtui.tui.screens.edit_screen import EditScreen
from zbtui.tui.screens.remove_screen import RemoveScreen
from zbtui.tui.screens.sign_in_screen import SignInScreen


def at_once(keys: str) -> list[events.Key]:
    """As a terminal hands them over that was busy meanwhile."""
    return [events.Key(key, key) for key in keys]


async def send(driven: Driven, keys: str) -> None:
    for key in at_once(keys):
        driven.app.post_message(key)
    await driven.press()
    await driven.press()


@pytest.mark.parametrize("typed", ["h", "heron", "join", "q", "1234 ?", "a" * 60])
async def test_letters_behind_the_key_that_adds_an_org_are_its_name(typed: str) -> None:
    async with driving() as driven:
        await send(driven, f"a{typed}")
        assert isinstance(driven.app.screen, SignInScreen)
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == typed
        await driven.press("x")
        assert field.value == f"{typed}x"


async def test_with_no_org_under_watch_too() -> None:
    async with driving([]) as driven:
        await send(driven, "aacme")
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == "acme"


async def test_what_the_field_is_filled_in_with_gives_way() -> None:
    async with demo() as driven:
        for key in at_once("atern"):
            driven.app.post_message(key)
        await driven.rest()
        await driven.rest()
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == "tern" != NEWCOMER


async def test_letters_behind_the_key_that_edits_are_the_new_name() -> None:
    async with driving(["acme"]) as driven:
        await send(driven, "ebeta")
        assert isinstance(driven.app.screen, EditScreen)
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == "beta"


async def test_a_form_without_a_field_has_no_use_for_letters() -> None:
    async with driving(["acme"]) as driven:
        await send(driven, "dyq")
        assert isinstance(driven.app.screen, RemoveScreen)
        assert driven.app.focused is driven.app.screen.query_one("#back")
        await driven.press("escape")
        assert driven.order == ["acme"]


async def test_what_was_typed_for_one_form_is_not_typed_into_the_next() -> None:
    async with driving(["acme"]) as driven:
        await send(driven, "dxyz")
        await driven.press("escape", "e")
        field = driven.app.focused
        assert isinstance(field, Input)
        assert field.value == "acme"
