"""The one registry of keys, as Textual takes it."""

from __future__ import annotations

from typing import Any, Final

from textual.binding import Binding, BindingType
from textual.screen import Screen

from zbtui.core.keys import SCOPES

_GROUPS: Final = {
    group: Binding.Group(group, compact=True)
    for group in {each.group for actions in SCOPES.values() for each in actions if each.group}
}


def bindings_of(scope: str) -> list[BindingType]:
    """What a screen, or a widget, binds: the actions of that scope, with their keys by default."""
    return [
        Binding(
            ",".join(each.keys),
            each.action,
            each.label,
            show=each.is_shown,
            tooltip=each.tooltip,
            id=each.id,
            group=_GROUPS.get(each.group),
        )
        for each in SCOPES[scope]
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
