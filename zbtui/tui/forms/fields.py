"""The rows of a form: a label in one column, an input or select in the other."""

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
    """A scrolling box around a form; a resize keeps the focused widget in sight."""

    def __init__(self) -> None:
        super().__init__(classes="box")

    def on_resize(self) -> None:
        if (focused := self.screen.focused) is not None:
            self.call_after_refresh(focused.scroll_visible, animate=False)


class TextInput(Input):
    """A one-line input whose cursor does not blink."""

    def __init__(self, value: str = "", placeholder: str = "", *, password: bool = False) -> None:
        super().__init__(value, placeholder, password=password, compact=True)
        self.cursor_blink = False


class SecretInput(TextInput):
    """An input whose text is not shown and cannot be copied."""

    def __init__(self, placeholder: str = "") -> None:
        super().__init__(placeholder=placeholder, password=True)

    def action_copy(self) -> None:
        self.app.bell()

    def action_cut(self) -> None:
        self.app.bell()


class Field(Horizontal):
    """One row of a form: a label and an editor (input or select), identified by `key`."""

    def __init__(self, key: str, label: str, editor: Widget) -> None:
        super().__init__()
        self.key = key
        self.editor = editor
        self._label = label

    def compose(self) -> ComposeResult:
        yield Static(Content(self._label), classes="label")
        yield self.editor

    @property
    def value(self) -> str:
        """The typed text without white space around it, or the chosen value."""
        editor = self.editor
        if isinstance(editor, Input):
            return editor.value.strip()
        if isinstance(editor, Select):
            return "" if editor.is_blank() else str(editor.value)
        return ""

    @value.setter
    def value(self, text: str) -> None:
        editor = self.editor
        if isinstance(editor, Input):
            editor.value = text
        elif isinstance(editor, Select):
            editor.value = text or Select.NULL


def text_field(key: str, label: str, value: str = "", placeholder: str = "") -> Field:
    return Field(key, label, TextInput(value, placeholder))


def secret_field(key: str, label: str, placeholder: str = "") -> Field:
    return Field(key, label, SecretInput(placeholder))


def data_center_field(value: str, *more: tuple[str, str]) -> Field:
    """Return a field that offers all data centers with the hosts of their CRM, then the options `more`."""
    options = [(f"{data_center_label(key)}  {dc.web_host('crm')}", key) for key, dc in DATA_CENTERS.items()]
    return choice_field("data_center", "Address bar", [*options, *more], value)


def choice_field(key: str, label: str, options: Sequence[tuple[str, str]], value: str) -> Field:
    """Return a field that offers `options`, which are pairs of shown text and value."""
    contents = [(Content(text), option_value) for text, option_value in options]
    return Field(key, label, Select(contents, value=value, allow_blank=False, compact=True))
