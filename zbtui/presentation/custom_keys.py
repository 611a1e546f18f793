"""Parses the config's `[keys]`, in which users choose their own keys for actions.

Textual's key names are repeated here because every command reads the config, also commands without a
screen, and importing `textual.keys` loads 165 modules and takes 0.28 s of CPU.
"""

from __future__ import annotations

import difflib
import string
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from zbtui.model.text import clean
from zbtui.presentation.key_actions import KEY_SCOPES

Keymap = tuple[tuple[str, str], ...]
"""Pairs of an action's id and its keys, as Textual's key names joined by commas."""

_MODIFIERS: Final = frozenset(("alt", "ctrl", "shift", "super", "hyper", "meta"))
_ARROWS: Final = ("up", "down", "left", "right")
_PAGING: Final = ("pageup", "pagedown", "home", "end")
_TYPING: Final = ("space", "enter", "backspace", "delete")
_FUNCTIONS: Final = tuple(f"f{number}" for number in range(1, 25))
_NAMED_KEYS: Final = frozenset((*_ARROWS, *_PAGING, *_TYPING, *_FUNCTIONS, "escape", "tab", "insert"))
# Textual names characters as Unicode does, except for these.
_CHARACTER_NAMES: Final = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_TERMINAL_ALIASES: Final = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+left_square_bracket": "escape"}
"""Maps each key that a terminal cannot distinguish from another key to this other key."""
RESERVED_KEYS: Final = frozenset(
    ("ctrl+c", "super+c", "ctrl+p", "ctrl+q", "tab", "shift+tab", "ctrl+pageup", "ctrl+pagedown")
)
"""The keys that no action can get, since they have a fixed meaning on all screens, such as copy or quit."""
_SCROLLING: Final = frozenset(("up", "down", *_PAGING))
_EDITING: Final = frozenset(
    (*_TYPING, *_PAGING, "ctrl+left", "ctrl+right", *(f"ctrl+{letter}" for letter in "adefkuvwx"))
)


@dataclass(frozen=True, slots=True)
class _KeyContext:
    """The scopes whose actions are active at the same time: those of a screen, its widgets and the app."""

    scopes: tuple[str, ...]
    reserved: frozenset[str] = frozenset()
    """The keys that the screen's widgets themselves need."""
    accepts_text: bool = False
    """Whether the keys of plain characters type text on the screen."""


_KEY_CONTEXTS: Final = (
    _KeyContext(("app", "fleet", "tiles", "table")),
    _KeyContext(("app", "welcome"), _SCROLLING),
    _KeyContext(("detail",), _SCROLLING),
    _KeyContext(("help",), _SCROLLING),
    *(_KeyContext(("form", each), _EDITING, accepts_text=True) for each in ("edit", "remove", "sign-in")),
)

_DEFAULT_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    each.id: each.keys for actions in KEY_SCOPES.values() for each in actions
}


class InvalidKeymapError(ValueError):
    """Raised for an invalid entry of the config's `[keys]`, with a message, a hint and the action's id."""

    def __init__(self, message: str, hint: str, action_id: str) -> None:
        super().__init__(message)
        self.message, self.hint, self.action_id = message, hint, action_id


def parse_keymap(chosen: Mapping[str, str]) -> Keymap:
    """Convert the keys that the user chose, given by action id, to Textual's key names.

    Raises an `InvalidKeymapError` for an unknown action or key, a reserved key, and a key that two actions
    would share while both are active.
    """
    keymap = {action_id: _parse_keys(action_id, text) for action_id, text in chosen.items()}
    for context in _KEY_CONTEXTS:
        _check_context(context, keymap)
    return tuple((action_id, ",".join(keys)) for action_id, keys in keymap.items())


def textual_key_name(text: str) -> str | None:
    """Return Textual's name for a key, such as `question_mark` for `?`; None if there is no such key."""
    if len(text) == 1:
        return _character_name(text)
    *modifiers, key = text.split("+")
    if not set(modifiers) <= _MODIFIERS or len(set(modifiers)) < len(modifiers):
        return None
    name = (
        _character_name(key) if len(key) == 1 else key if key in _NAMED_KEYS or key in _CHARACTERS else None
    )
    # Shift changes the character itself, and ctrl ignores case.
    if name is None or (name not in _NAMED_KEYS and (modifiers == ["shift"] or name != name.lower())):
        return None
    whole = "+".join((*sorted(modifiers), name))
    return _TERMINAL_ALIASES.get(whole, whole)


def _character_name(character: str) -> str | None:
    if character.isalnum():
        return character
    if not character.isprintable():
        return None
    name = unicodedata.name(character, "").lower().replace("-", "_").replace(" ", "_")
    return _CHARACTER_NAMES.get(name, name) or None


_CHARACTERS: Final = {name: each for each in string.punctuation if (name := _character_name(each))}


def _parse_keys(action_id: str, text: str) -> tuple[str, ...]:
    if action_id not in _DEFAULT_KEYS:
        near = difflib.get_close_matches(action_id, _DEFAULT_KEYS, n=3)
        raise InvalidKeymapError(
            f"there is no action {clean(action_id, 40)!r}",
            f"Near it: {', '.join(near)}." if near else f"As in {', '.join(_examples())}.",
            action_id,
        )
    keys = []
    for part in text.split(","):
        key = textual_key_name(part.strip())
        if key is None:
            raise InvalidKeymapError(
                f"{action_id}: there is no key {clean(part.strip(), 30)!r}",
                'Write a character, or a name as in "f5", "ctrl+r", "comma"; several parted by commas.',
                action_id,
            )
        if key in RESERVED_KEYS:
            raise InvalidKeymapError(
                f"{action_id}: {key} is taken everywhere", "Choose another key.", action_id
            )
        keys.append(key)
    return tuple(dict.fromkeys(keys))


def _examples() -> Sequence[str]:
    return [actions[0].id for actions in KEY_SCOPES.values()][:3]


def _check_context(context: _KeyContext, keymap: Mapping[str, tuple[str, ...]]) -> None:
    action_ids = dict.fromkeys(each.id for scope in context.scopes for each in KEY_SCOPES[scope])
    actions_by_key: dict[str, str] = {}
    # The actions in the config come last, so that the error names a line of the config.
    for action_id in sorted(action_ids, key=lambda each: each in keymap):
        for key in keymap.get(action_id, _DEFAULT_KEYS[action_id]):
            if action_id in keymap:
                _check_not_reserved(context, action_id, key)
            other = actions_by_key.setdefault(key, action_id)
            if other != action_id:
                raise InvalidKeymapError(
                    f"{key} would be both {other} and {action_id}",
                    f"Give {action_id} another key, or {other}: both listen at the same time.",
                    action_id,
                )


def _check_not_reserved(context: _KeyContext, action_id: str, key: str) -> None:
    if key in context.reserved:
        raise InvalidKeymapError(
            f"{action_id}: {key} scrolls, moves or edits there", "Choose another key.", action_id
        )
    if context.accepts_text and key not in _NAMED_KEYS and "+" not in key:
        raise InvalidKeymapError(
            f"{action_id}: {key} would be typed into the form",
            'Choose one as in "f5" or "ctrl+g".',
            action_id,
        )
