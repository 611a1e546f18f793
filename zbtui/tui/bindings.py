"""The one registry of keys, as Textual takes it."""

from __future__ import annotations

from typing import Any

from textual.binding import Binding, BindingType
from textual.screen import Screen

from zbtui.core.keys import SCOPES


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
        )
        for each in SCOPES[scope]
    ]


def key_of(screen: Screen[Any], action_id: str) -> str:
    """The first key of an action, as it is shown: the user's own, where the config has one.

    Nothing where the action is not heard now.
    """
    for active in screen.active_bindings.values():
        if active.binding.id == action_id:
            return screen.app.get_key_display(active.binding)
    return ""
