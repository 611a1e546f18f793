"""The one registry of keys, as Textual takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from textual.binding import Binding, BindingsMap, BindingType
from textual.screen import Screen

from zbtui.presentation.key_actions import KEY_SCOPES

_GROUPS: Final = {
    group: Binding.Group(group, compact=True)
    for group in {each.group for actions in KEY_SCOPES.values() for each in actions if each.group}
}


def bindings_of(scope: str) -> list[BindingType]:
    """What a screen, or a widget, binds: the actions of that scope, with their keys by default."""
    return [
        Binding(
            ",".join(each.keys),
            each.action,
            each.label,
            show=each.in_key_bar,
            tooltip=each.tooltip,
            id=each.id,
            group=_GROUPS.get(each.group),
        )
        for each in KEY_SCOPES[scope]
    ]


def key_of(screen: Screen[Any], action_id: str) -> str:
    """The first key of an action, as a sentence names it: the user's own, where the config has one.

    Nothing where the action is not heard now.
    """
    for active in screen.active_bindings.values():
        if active.binding.id == action_id:
            key = active.binding.key
            is_word = key == "enter" or "+" in key  # not `⏎` and `^y`, as the footer has them
            return key if is_word else screen.app.get_key_display(active.binding)
    return ""


def help_entries(screen: Screen[Any], keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """For the help: the keys of each action that is heard on that screen, and what it does.

    Where the orgs are shown in another view, those of the table as well.

    Args:
        keymap: the user's own keys, by action, as `set_keymap` takes them.
    """
    heard = [active.binding for active in screen.active_bindings.values()]
    ids = {binding.id for binding in heard}
    if any(each.id in ids for each in KEY_SCOPES["fleet"]):
        table = BindingsMap(each for each in bindings_of("table") if isinstance(each, Binding))
        table.apply_keymap(dict(keymap))
        heard += [binding for _, binding in table if binding.id not in ids]
    told: dict[str, list[str]] = {}
    for binding in heard:
        if binding.tooltip:
            told.setdefault(binding.tooltip, []).append(screen.app.get_key_display(binding))
    return [(" ".join(keys), what) for what, keys in told.items()]
