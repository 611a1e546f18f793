"""The input for the filter; its keys up and down move the cursor in the view of the orgs."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.widgets import Input

from zbtui.tui.bindings import bindings_of

_ROW_STEPS: Final = {"up": -1, "down": 1}


class FilterInput(Input):
    """A one-line input, shown only while the user types the filter."""

    BINDINGS: ClassVar[list[BindingType]] = bindings_of("find")

    # Typing does not affect the layout; Textual's own reactive would lay out the screen again.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    class Moved(Message):
        """Posted to move the cursor in the view of the orgs down by `rows` rows, or up if negative."""

        def __init__(self, rows: int) -> None:
            super().__init__()
            self.rows = rows

    def __init__(self) -> None:
        example = "words  !not  dc:eu  tag:prod  by:mara"
        super().__init__(placeholder=example, compact=True, select_on_focus=False, id="find")
        self.display = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        # For the key `slash` Textual passes no character, and so would show its binding in the key bar.
        return super().check_consume_key(key, "/" if key == "slash" else character)

    def on_key(self, event: events.Key) -> None:
        if rows := _ROW_STEPS.get(event.key):
            event.prevent_default().stop()
            self.post_message(self.Moved(rows))
