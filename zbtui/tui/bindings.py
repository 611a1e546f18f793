"""Textual key bindings, made from the actions in `presentation.key_actions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from textual.binding import Binding, BindingsMap, BindingType
from textual.screen import Screen

from zbtui.presentation.key_actions import KEY_SCOPES

_GROUPS: Final = {
    group: Binding.Group(group, compact=True)
    for group in {entry.group for actions in KEY_SCOPES.values() for entry in actions if entry.group}
}


def bindings_of(scope: str) -> list[BindingType]:
    """Return the Textual bindings of a screen or widget: the actions of `scope` with their default keys."""
    return [
        Binding(
            ",".join(entry.keys),
            entry.action,
            entry.label,
            show=entry.in_key_bar,
            tooltip=entry.tooltip,
            id=entry.id,
            group=_GROUPS.get(entry.group),
        )
        for entry in KEY_SCOPES[scope]
    ]


def key_of(screen: Screen[Any], action_id: str) -> str:
    """Return the first key of an action, written as in a sentence; the user's own key, if configured.

    The text is empty if the action is not active on `screen` now.
    """
    for active in screen.active_bindings.values():
        if active.binding.id == action_id:
            key = active.binding.key
            is_word = key == "enter" or "+" in key  # in a sentence `enter`, not `⏎` as in the key bar
            return key if is_word else screen.app.get_key_display(active.binding)
    return ""


def help_entries(screen: Screen[Any], keymap: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return pairs of keys and description, one for each action that is active on `screen`.

    On the fleet screen the table's keys are always included, whichever view is open. `keymap` maps action
    ids to the user's own keys.
    """
    active_bindings = [active.binding for active in screen.active_bindings.values()]
    ids = {binding.id for binding in active_bindings}
    if any(entry.id in ids for entry in KEY_SCOPES["fleet"]):
        table = BindingsMap(entry for entry in bindings_of("table") if isinstance(entry, Binding))
        table.apply_keymap(dict(keymap))
        active_bindings += [binding for _, binding in table if binding.id not in ids]
    keys_by_tooltip: dict[str, list[str]] = {}
    for binding in active_bindings:
        if binding.tooltip:
            keys_by_tooltip.setdefault(binding.tooltip, []).append(screen.app.get_key_display(binding))
    return [(" ".join(keys), tooltip) for tooltip, keys in keys_by_tooltip.items()]
