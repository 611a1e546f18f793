"""What is typed before the field is there that it is meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input

if TYPE_CHECKING:
    _Base = Screen[Any]
else:
    _Base = object


def type_into(field: Input, text: str) -> None:
    """As if it had been typed there: what is selected gives way to it."""
    if field.selection.is_empty:
        field.insert_text_at_cursor(text)
    else:
        field.replace(text, *field.selection)


class TypeAhead(_Base):
    """A screen that keeps what is typed while it opens, for the widget that it begins at."""

    _ahead: str | None = ""
    """None: it has begun, and keys find their own way."""

    def keep_typed(self, character: str) -> bool:
        """Whether it was kept, to be typed once there is a field for it."""
        if self._ahead is None:
            return False
        self._ahead += character
        return True

    def begin_at(self, widget: Widget) -> None:
        """Put the cursor there, and type what was kept; what is no field for text has no use for it."""
        self.set_focus(widget)
        widget.call_later(self._type_kept, widget)  # behind the focus, which selects what is there

    def _type_kept(self, widget: Widget) -> None:
        text, self._ahead = self._ahead, None
        if text and isinstance(widget, Input):
            type_into(widget, text)
