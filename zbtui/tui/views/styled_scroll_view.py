"""A scroll view that draws its lines and its scroll bar in the styles of the theme."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, get_args

from rich.style import Style
from textual import events
from textual.strip import Strip

from zbtui.tui.widgets.line_scroll_view import SCROLLBAR_WIDTH, LineScrollView
from zbtui.tui.widgets.strips import join_pieces
from zbtui.tui.widgets.styled_line import StyleRole


class StyledScrollView(LineScrollView, can_focus=True):
    """Looks the same with and without focus."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "org-list--selected",
        *(f"org-list--{role}" for role in get_args(StyleRole)),
    }

    def __init__(self) -> None:
        super().__init__()
        self._styles: dict[tuple[StyleRole, bool], Style] = {}

    # Textual's own focus handlers would repaint all of it ...

    def on_focus(self, event: events.Focus) -> None:
        event.prevent_default()
        self.has_focus = True

    def on_blur(self, event: events.Blur) -> None:
        event.prevent_default()
        self.has_focus = False

    def watch_has_focus(self, _has_focus: bool) -> None:
        """... and compute its many styles again."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self.redraw_all()

    def redraw_all(self) -> None:
        """Render and paint all lines again."""
        self.refresh()

    def strip_of(self, y: int, pieces: Iterable[tuple[str, Style]]) -> Strip:
        """The row `y` of the widget: these pieces, then its part of the scroll bar."""
        is_thumb = y in self.thumb_rows
        bar = ("▐" if is_thumb else " ") * SCROLLBAR_WIDTH
        style = self.style_of("frame" if is_thumb else "text")
        return join_pieces([*pieces, (bar, style)], self.size.width)

    def style_of(self, role: StyleRole, *, selected: bool = False) -> Style:
        """The role's style, with the background of the selected item where `selected`."""
        style = self._styles.get((role, selected))
        if style is None:
            style = self.get_component_rich_style(f"org-list--{role}")
            if selected:
                highlight = self.get_component_rich_style("org-list--selected")
                style += Style(
                    # In reverse, the text color becomes the background: use one for the whole line.
                    color=highlight.color if highlight.reverse else None,
                    bgcolor=highlight.bgcolor,
                    bold=highlight.bold or None,
                    reverse=highlight.reverse or None,
                )
            self._styles[role, selected] = style
        return style
