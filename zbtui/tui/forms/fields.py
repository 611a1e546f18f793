"""Rows of a form: a label in one column, what is typed or chosen in the other."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static

from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.errors import data_center_label


class FormBox(VerticalScroll):
    """Holds a form; however little room is left to it, what has the cursor stays in sight."""

    def __init__(self) -> None:
        super().__init__(classes="box")

    def on_resize(self) -> None:
        if (focused := self.screen.focused) is not None:
            self.call_after_refresh(focused.scroll_visible, animate=False)


class TextInput(Input):
    """One line, whose cursor stands still."""

    def __init__(self, value: str = "", placeholder: str = "", *, password: bool = False) -> None:
        super().__init__(value, placeholder, password=password, compact=True)
        self.cursor_blink = False


class SecretInput(TextInput):
    """What is typed is not shown, and cannot be copied out again."""

    def __init__(self, placeholder: str = "") -> None:
        super().__init__(placeholder=placeholder, password=True)

    def action_copy(self) -> None:
        self.app.bell()

    def action_cut(self) -> None:
        self.app.bell()


class Field(Horizontal):
    """One row: a label and a widget beside it, under the field's key."""

    def __init__(self, key: str, label: str, editor: Widget) -> None:
        super().__init__()
        self.key = key
        self._label = label
        self._editor = editor

    def compose(self) -> ComposeResult:
        yield Static(Content(self._label), classes="label")
        yield self._editor

    @property
    def value(self) -> str:
        """What is typed or chosen, without the spaces around it."""
        editor = self._editor
        if isinstance(editor, Input):
            return editor.value.strip()
        if isinstance(editor, Select):
            return "" if editor.is_blank() else str(editor.value)
        return ""

    @value.setter
    def value(self, text: str) -> None:
        editor = self._editor
        if isinstance(editor, Input):
            editor.value = text
        elif isinstance(editor, Select):
            editor.value = text or Select.NULL

    @property
    def editor(self) -> Widget:
        """What is typed or chosen in."""
        return self._editor


def text_field(key: str, label: str, value: str = "", placeholder: str = "") -> Field:
    return Field(key, label, TextInput(value, placeholder))


def secret_field(key: str, label: str, placeholder: str = "") -> Field:
    return Field(key, label, SecretInput(placeholder))


def data_center_field(value: str, *more: tuple[str, str]) -> Field:
    """The data centers, each by what its address bar says.

    Args:
        more: other choices, as for `choice_field`.
    """
    places = [(f"{data_center_label(key)}  {dc.web_host('crm')}", key) for key, dc in DATA_CENTERS.items()]
    return choice_field("data_center", "Address bar", [*places, *more], value)


def choice_field(key: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Field:
    """Args:
    options: what is shown, and what it stands for.
    """
    shown = [(Content(text), meant) for text, meant in options]
    return Field(key, label, Select(shown, value=value, allow_blank=False, compact=True))
