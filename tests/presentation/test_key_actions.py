"""The registry of keys: what holds of every action in it."""

from __future__ import annotations

import pytest

from zbtui.presentation.custom_keys import parse_keymap, textual_key_name
from zbtui.presentation.key_actions import KEY_SCOPES, KeyAction

_ALL = [(scope, each) for scope, actions in KEY_SCOPES.items() for each in actions]


@pytest.mark.parametrize(("scope", "each"), _ALL, ids=lambda one: getattr(one, "id", one))
def test_every_action_has_a_name_a_key_a_word_and_a_sentence(scope: str, each: KeyAction) -> None:
    assert each.keys and each.action and each.label and each.tooltip
    assert each.id.partition(".")[0] in (scope, "app")
    assert each.id == each.id.lower() and " " not in each.id


@pytest.mark.parametrize(("scope", "each"), _ALL, ids=lambda one: getattr(one, "id", one))
def test_every_key_is_written_as_textual_names_it(scope: str, each: KeyAction) -> None:
    assert [textual_key_name(key) for key in each.keys] == list(each.keys)


def test_one_name_means_the_same_keys_wherever_it_is_heard() -> None:
    keys: dict[str, set[tuple[str, ...]]] = {}
    for _, each in _ALL:
        keys.setdefault(each.id, set()).add(each.keys)
    assert {action_id for action_id, each in keys.items() if len(each) > 1} == set()


def test_no_scope_names_an_action_twice() -> None:
    for actions in KEY_SCOPES.values():
        assert len({each.id for each in actions}) == len(actions)


def test_by_default_no_key_does_two_things_at_once() -> None:
    assert parse_keymap({}) == ()


def test_help_serves_the_detail_too_by_one_name() -> None:
    assert {scope for scope, each in _ALL if each.id == "app.help"} == {"app", "detail", "help"}
