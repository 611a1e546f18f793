"""The registry's keys on the screen: Textual's bindings, and the user's own keys."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App
from textual.binding import Binding, BindingsMap
from textual.keys import _character_to_key
from textual.screen import Screen
from textual.widget import Widget

from zbtui.presentation.custom_keys import InvalidKeymapError, parse_keymap, textual_key_name
from zbtui.presentation.key_actions import KEY_SCOPES
from zbtui.tui.bindings import bindings_of, key_of
from zbtui.tui.forms.edit_screen import EditScreen
from zbtui.tui.forms.remove_screen import RemoveScreen
from zbtui.tui.forms.sign_in_screen import SignInScreen
from zbtui.tui.screens import help_screen
from zbtui.tui.screens.help_screen import HelpScreen
from zbtui.tui.screens.welcome_screen import WelcomeScreen

_IDS = sorted({each.id for actions in KEY_SCOPES.values() for each in actions})


class BoundApp(App[None]):
    """An app with only the app's keys and one given screen."""

    CSS_PATH = Path(help_screen.__file__).parent / "boxed_screen.tcss"
    BINDINGS = bindings_of("app")

    def __init__(self, screen: Screen[None], **keys: str) -> None:
        super().__init__()
        self._shown = screen
        self._chosen = {name.replace("__", "."): chosen for name, chosen in keys.items()}

    def on_mount(self) -> None:
        self.set_keymap(self._chosen)

    def get_default_screen(self) -> Screen[None]:
        return self._shown

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.screen._compositor.render_strips())


class Fleet(Screen[None]):
    BINDINGS = bindings_of("fleet")


# Bindings


@pytest.mark.parametrize("scope", KEY_SCOPES)
def test_every_binding_has_an_id_a_label_and_a_tooltip(scope: str) -> None:
    for binding in bindings_of(scope):
        assert isinstance(binding, Binding)
        assert binding.id and binding.description and binding.tooltip


@pytest.mark.parametrize(
    ("owner", "scopes"),
    [
        (EditScreen, ("form", "edit")),
        (RemoveScreen, ("form", "remove")),
        (SignInScreen, ("form", "sign-in")),
        (HelpScreen, ("help",)),
        (WelcomeScreen, ("welcome",)),
    ],
)
def test_a_screen_binds_what_the_registry_has_for_it(owner: type[Widget], scopes: tuple[str, ...]) -> None:
    bound = [each for base in owner.__mro__ for each in base.__dict__.get("BINDINGS", ())]
    for scope in scopes:
        assert all(binding in bound for binding in bindings_of(scope))


@pytest.mark.parametrize("character", string.punctuation + string.ascii_letters + string.digits + "é§")
def test_a_character_has_the_name_that_textual_has_for_it(character: str) -> None:
    assert textual_key_name(character) == _character_to_key(character)


_KEYS = st.sampled_from(["f5", "f6", "r", "p", "x", "up", "f7,f8", "R,f9", "k", "question_mark"])


@given(st.dictionaries(st.sampled_from(_IDS), _KEYS, max_size=5))
def test_accepted_keys_are_textuals_bindings(chosen: dict[str, str]) -> None:
    try:
        keymap = dict(parse_keymap(chosen))
    except InvalidKeymapError:
        return
    for scope, actions in KEY_SCOPES.items():
        bound = BindingsMap(bindings_of(scope))
        bound.apply_keymap(keymap)
        for action in actions:
            expected = keymap.get(action.id, ",".join(action.keys)).split(",")
            has = {key for key, binding in bound if binding.id == action.id}
            assert has == set(expected)


# The user's own keys


async def test_the_users_own_keys_work_and_are_shown_in_footer_and_help() -> None:
    app = BoundApp(Fleet(), fleet__look="f5,space", app__help="f2")
    async with app.run_test() as pilot:
        await pilot.pause()
        active = app.screen.active_bindings
        assert active["f5"].binding.id == active["space"].binding.id == "fleet.look"
        assert active["f2"].binding.id == "app.help"
        assert not {"r", "question_mark", "f1"} & active.keys()
        assert key_of(app.screen, "fleet.look") == "f5"
        assert key_of(app.screen, "app.help") == "f2"


async def test_two_keys_can_be_swapped() -> None:
    app = BoundApp(Fleet(), fleet__look="p", fleet__pause="r")
    async with app.run_test() as pilot:
        await pilot.pause()
        active = app.screen.active_bindings
        assert (active["p"].binding.id, active["r"].binding.id) == ("fleet.look", "fleet.pause")


async def test_an_action_of_another_screen_has_no_key() -> None:
    app = BoundApp(Fleet())
    async with app.run_test():
        assert key_of(app.screen, "detail.look") == ""
        assert key_of(app.screen, "fleet.find") == "/"


async def test_the_welcome_says_the_keys_as_they_are_now() -> None:
    app = BoundApp(WelcomeScreen(), welcome__demo="f6")
    async with app.run_test() as pilot:
        await pilot.pause()
        assert "Press f6 for a demo" in app.text and "Press a." in app.text
        app.set_keymap({"welcome.add": "f7"})
        await pilot.pause()
        assert "Press d for a demo" in app.text and "Press f7." in app.text


@pytest.mark.parametrize("key", ["escape", "f2"])
async def test_the_key_that_opens_the_help_closes_it(key: str) -> None:
    app = BoundApp(Fleet(), app__help="f2")
    async with app.run_test() as pilot:
        await app.push_screen(HelpScreen([]))
        await pilot.pause()
        assert "esc back" in app.text
        await pilot.press(key)
        assert isinstance(app.screen, Fleet)


async def test_a_box_says_the_key_that_the_user_set_to_leave_it() -> None:
    app = BoundApp(Fleet(), help__back="f12")
    async with app.run_test() as pilot:
        await app.push_screen(HelpScreen([]))
        await pilot.pause()
        assert "f12 back" in app.text
