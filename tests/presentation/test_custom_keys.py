"""The user's own keys: valid choices, and the problem shown for an invalid one."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zbtui.presentation.custom_keys import RESERVED_KEYS, InvalidKeymapError, parse_keymap, textual_key_name
from zbtui.presentation.key_actions import KEY_SCOPES

_IDS = sorted({each.id for actions in KEY_SCOPES.values() for each in actions})


def keymap_error_of(**chosen: str) -> InvalidKeymapError:
    """The problem shown for these keys; `fleet__look` is `fleet.look`."""
    with pytest.raises(InvalidKeymapError) as raised:
        parse_keymap({name.replace("__", "."): keys for name, keys in chosen.items()})
    return raised.value


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("f5", "f5"),
        ("R", "R"),
        ("é", "é"),
        ("?", "question_mark"),
        ("/", "slash"),
        ("+", "plus"),
        ("<", "less_than_sign"),
        (" ", "space"),
        ("comma", "comma"),
        ("pageup", "pageup"),
        ("shift+up", "shift+up"),
        ("shift+ctrl+up", "ctrl+shift+up"),
        ("ctrl+/", "ctrl+slash"),
        ("ctrl+i", "tab"),
        ("ctrl+m", "enter"),
    ],
)
def test_a_key_has_one_name_however_it_is_written(written: str, named: str) -> None:
    assert textual_key_name(written) == named


@pytest.mark.parametrize(
    "written",
    [
        "",
        "f25",
        "F5",
        "pgup",
        "ctrl+",
        "ctrl+ctrl+r",
        "strg+r",
        "shift+r",
        "shift+?",
        "ctrl+R",
        "\x1b",
        "rr",
    ],
)
def test_a_key_that_no_terminal_sends_is_refused(written: str) -> None:
    assert textual_key_name(written) is None


@pytest.mark.parametrize("modifier", ["", "ctrl+", "alt+shift+"])
@given(st.sampled_from(string.printable))
def test_the_name_of_a_name_is_itself(modifier: str, written: str) -> None:
    named = textual_key_name(modifier + written)
    assert named is None or textual_key_name(named) == named


@given(st.text(max_size=12))
def test_whatever_is_written_is_a_key_or_none(written: str) -> None:
    assert textual_key_name(written) != ""


def test_an_action_gets_the_keys_that_are_chosen_and_no_others() -> None:
    assert parse_keymap({"fleet.look": "f5, space", "app.help": "f2,f2"}) == (
        ("fleet.look", "f5,space"),
        ("app.help", "f2"),
    )


def test_two_actions_may_be_swapped() -> None:
    assert parse_keymap({"fleet.look": "p", "fleet.pause": "r"})


def test_an_action_may_keep_one_of_its_keys() -> None:
    assert parse_keymap({"tiles.up": "up", "fleet.look": "k"})


def test_actions_of_different_screens_may_share_a_key() -> None:
    assert parse_keymap({"detail.look": "s", "detail.sign-in": "r", "welcome.demo": "p"})


def test_an_unknown_action_is_shown_with_those_near_it() -> None:
    problem = keymap_error_of(fleet__lok="f5")
    assert "'fleet.lok'" in problem.message and "fleet.look" in problem.hint
    assert problem.action_id == "fleet.lok"


def test_an_unknown_action_far_from_any_is_shown_with_examples() -> None:
    assert "app.help" in keymap_error_of(zzzz="f5").hint


@pytest.mark.parametrize("keys", ["", "f5,", ",", "pgup"])
def test_what_is_no_key_is_shown(keys: str) -> None:
    assert "no key" in keymap_error_of(fleet__look=keys).message


@pytest.mark.parametrize("key", [*sorted(RESERVED_KEYS), "ctrl+i"])
def test_a_key_that_is_needed_everywhere_cannot_be_chosen(key: str) -> None:
    assert "taken everywhere" in keymap_error_of(fleet__look=key).message


@pytest.mark.parametrize(
    ("mine", "other", "key"),
    [
        ("fleet.look", "fleet.pause", "p"),  # on the same screen
        ("fleet.look", "tiles.down", "j"),  # on a screen and its view
        ("table.column-left", "fleet.sort", "s"),  # on a view and its screen
        ("fleet.look", "app.help", "?"),  # on a screen and in the app
        ("welcome.demo", "app.quit", "q"),
        ("app.help", "detail.copy-json", "Y"),  # the app's keys work in the detail, too
        ("sign-in.copy", "form.next", "down"),
    ],
)
def test_one_key_cannot_do_two_things_at_once(mine: str, other: str, key: str) -> None:
    with pytest.raises(InvalidKeymapError) as raised:
        parse_keymap({mine: key})
    assert mine in raised.value.message and other in raised.value.message
    assert str(textual_key_name(key)) in raised.value.message
    assert raised.value.action_id == mine  # the action in the config, which has a line number


def test_of_two_chosen_alike_the_later_one_is_shown() -> None:
    assert keymap_error_of(fleet__look="f5", fleet__pause="f5").action_id == "fleet.pause"


@pytest.mark.parametrize("key", ["b", "?", "§", "space", "enter", "home"])
def test_a_character_cannot_be_a_key_of_a_form(key: str) -> None:
    assert "edit.back" in keymap_error_of(edit__back=key).message


def test_a_scrolling_key_cannot_be_a_key_of_a_box() -> None:
    assert "scrolls" in keymap_error_of(detail__look="pagedown").message


@given(st.dictionaries(st.sampled_from(_IDS), st.sampled_from(["f5", "f6", "f7", "r", "p", "x", "up"])))
def test_what_is_accepted_leaves_no_key_with_two_meanings_on_the_main_screen(
    chosen: dict[str, str],
) -> None:
    try:
        keymap = dict(parse_keymap(chosen))
    except InvalidKeymapError as error:
        assert error.action_id in chosen
        return
    heard = {
        each.id: each.keys for scope in ("app", "fleet", "tiles", "table") for each in KEY_SCOPES[scope]
    }
    keys = [key for each, keys in heard.items() for key in keymap.get(each, ",".join(keys)).split(",")]
    assert len(keys) == len(set(keys))
