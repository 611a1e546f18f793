"""All actions that users start with a key: their ids, default keys, labels and scopes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, slots=True)
class KeyAction:
    """An action that users start with a key, with its default keys and its texts."""

    id: str
    """The action's name in the config's `[keys]`.

    Actions of two scopes have the same id if one entry in the config is to change the keys of both.
    """
    keys: tuple[str, ...]
    """The default keys, by Textual's key names."""
    action: str
    """The action as Textual writes it, such as `move(0,-1)`."""
    label: str
    """The one or two words that name the action in the key bar."""
    tooltip: str
    """The sentence that explains the action on the help screen."""
    in_key_bar: bool = False
    group: str = ""
    """The word in the key bar that all actions of a group share; empty for an action without a group."""


def _help_only(action_id: str, keys: str, action: str, label: str, tooltip: str) -> KeyAction:
    return KeyAction(action_id, tuple(keys.split()), action, label, tooltip)


def _in_key_bar(action_id: str, keys: str, action: str, label: str, tooltip: str) -> KeyAction:
    return KeyAction(action_id, tuple(keys.split()), action, label, tooltip, in_key_bar=True)


def _view_action(action_id: str, keys: str, action: str, label: str, tooltip: str) -> KeyAction:
    return replace(_in_key_bar(action_id, keys, action, label, tooltip), group="View")


_APP: Final = (
    _in_key_bar("app.help", "question_mark f1", "help", "Help", "This help"),
    _in_key_bar("app.quit", "q", "quit", "Quit", "Leave zbtui"),
)

_FLEET: Final = (
    _in_key_bar("fleet.detail", "enter", "open", "Open", "All that is known, or sign in"),
    _help_only("fleet.info", "i", "detail", "Detail", "All that is known of this org"),
    _in_key_bar("fleet.look", "r", "look", "Look", "Ask Zoho about this org now"),
    _help_only("fleet.look-all", "R", "look_all", "All", "Ask Zoho about every org now"),
    _help_only("fleet.pause", "p", "pause", "Pause", "Stop asking about this org, or go on"),
    _help_only("fleet.pause-all", "P", "pause_all", "Pause all", "Stop asking about all orgs, or go on"),
    _help_only("fleet.add", "a", "app.add", "Add", "Put another org under watch"),
    _help_only("fleet.edit", "e", "edit", "Edit", "Change this org's name, place, intervals, tags"),
    _help_only("fleet.remove", "d", "remove", "Remove", "Take this org off watch"),
    _help_only("fleet.mute", "m", "mute", "Mute", "Alert nobody of this org, or alert again"),
    _view_action("fleet.panels", "1", "show('panels')", "Panels", "A panel for each org"),
    _view_action("fleet.table", "2", "show('table')", "Table", "A line for each org"),
    _view_action(
        "fleet.agenda", "3", "show('agenda')", "Agenda", "The runs that are ahead, on a line of time"
    ),
    _view_action("fleet.events", "4", "show('events')", "Events", "What has changed, the newest first"),
    _in_key_bar("fleet.find", "slash", "find", "Find", "Show only the orgs that match"),
    _help_only("fleet.clear", "escape", "clear", "All orgs", "Show all orgs again"),
    _in_key_bar("fleet.sort", "s", "sort", "Sort", "Order the orgs by something else"),
    _help_only("fleet.reverse", "S", "reverse", "Reverse", "The same order, from its other end"),
    _help_only("fleet.copy", "y", "copy", "Copy", "Copy this org's state as a line of text"),
    _help_only("fleet.page", "o", "page", "Browser", "Open the org's CRM in the browser"),
    _help_only("fleet.privacy", "x", "hide_names", "Privacy", "Hide names and ids, for sharing a screen"),
)

_ORG_LIST: Final = (
    _help_only("tiles.up", "up k", "move(0,-1)", "Up", "One up"),
    _help_only("tiles.down", "down j", "move(0,1)", "Down", "One down"),
    _help_only("tiles.left", "left h", "move(-1,0)", "Left", "One to the left"),
    _help_only("tiles.right", "right l", "move(1,0)", "Right", "One to the right"),
    _help_only("tiles.first", "home g", "move_to(0)", "First", "To the first"),
    _help_only("tiles.last", "end G", "move_to(-1)", "Last", "To the last"),
    _help_only("tiles.pageup", "pageup", "page(-1)", "Page up", "A screen up"),
    _help_only("tiles.pagedown", "pagedown", "page(1)", "Page down", "A screen down"),
)

_TABLE: Final = (
    _help_only(
        "table.column-left",
        "less_than_sign",
        "column(-1)",
        "Column left",
        "In the table: sort by the column before",
    ),
    _help_only(
        "table.column-right",
        "greater_than_sign",
        "column(1)",
        "Column right",
        "In the table: sort by the next column",
    ),
)

_FILTER: Final = (
    _in_key_bar(
        "find.keep", "enter", "screen.keep_filter", "Keep", "Back to the orgs, with this filter on"
    ),
    _in_key_bar("find.clear", "escape", "screen.clear", "All orgs", "Show all orgs again"),
)

_DETAIL: Final = (
    _in_key_bar("detail.back", "escape enter q", "dismiss(None)", "Back", "Back to all orgs"),
    _in_key_bar("detail.look", "r", "look", "Look now", "Ask Zoho about this org now"),
    _in_key_bar("detail.sign-in", "s", "dismiss('sign-in')", "Sign in again", "Sign in again"),
    _help_only("detail.now", "1", "page('now')", "Now", "What is known of it now"),
    _help_only("detail.history", "2", "page('history')", "History", "Its past backups"),
    _help_only("detail.looks", "3", "page('looks')", "Looks", "What the last looks said"),
    _help_only("detail.json", "4", "page('json')", "JSON", "Zoho's answer as it came"),
    _help_only("detail.before", "left h", "turn(-1)", "Page before", "The page before"),
    _help_only("detail.next", "right l", "turn(1)", "Next page", "The next page"),
    _help_only("detail.copy", "y", "copy", "Copy", "Copy the row under the cursor"),
    _help_only("detail.copy-json", "Y", "copy_json", "Copy JSON", "Copy Zoho's answer as JSON"),
    _help_only("detail.page", "o", "browse", "Browser", "Open the org's CRM in the browser"),
    _in_key_bar("app.help", "question_mark f1", "app.help", "Help", "This help"),
)

_HELP: Final = (
    _in_key_bar("help.back", "escape q", "dismiss(None)", "Back", "Back"),
    _help_only("app.help", "question_mark f1", "dismiss(None)", "Back", "Back"),
)

_WELCOME: Final = (
    _in_key_bar("welcome.add", "a", "app.add", "Add an org", "Put an org under watch"),
    _in_key_bar("welcome.demo", "d", "app.demo", "Demo", "Invented orgs: no account needed"),
)

_FORM: Final = (
    # These apply where the focused widget does not use the arrow keys itself, as on a button.
    _help_only("form.next", "right down", "app.focus_next", "Next", "Next field"),
    _help_only("form.back", "left up", "app.focus_previous", "Previous", "Field before"),
)

_EDIT: Final = (_in_key_bar("edit.back", "escape", "back", "Back", "Back; nothing is changed"),)

_REMOVE: Final = (_in_key_bar("remove.back", "escape", "back", "Back", "Back; nothing is changed"),)

_SIGN_IN: Final = (
    _in_key_bar("sign-in.back", "escape", "back", "Back", "One page back; from the first, out"),
    _in_key_bar("sign-in.copy", "ctrl+y", "copy", "Copy", "Copy the scopes, or the address"),
    _in_key_bar("sign-in.open", "ctrl+o", "open", "Open", "Open the page in this machine's browser"),
)

KEY_SCOPES: Final[Mapping[str, Sequence[KeyAction]]] = {
    "app": _APP,
    "fleet": _FLEET,
    "tiles": _ORG_LIST,
    "table": _TABLE,
    "find": _FILTER,
    "detail": _DETAIL,
    "help": _HELP,
    "welcome": _WELCOME,
    "form": _FORM,
    "edit": _EDIT,
    "remove": _REMOVE,
    "sign-in": _SIGN_IN,
}
"""The actions by scope. A scope is a screen or a widget with its own keys."""
