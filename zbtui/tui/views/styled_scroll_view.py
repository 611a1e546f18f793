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
    """A scroll view that draws each piece of text in the theme's style for the role of the text."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "org-list--selected",
        *(f"org-list--{role}" for role in get_args(StyleRole)),
    }

    def __init__(self) -> None:
        super().__init__()
        self._styles: dict[tuple[StyleRole, bool], Style] = {}

    # Textual's own handlers would repaint the whole widget and compute all its styles again.

    def on_focus(self, event: events.Focus) -> None:
        event.prevent_default()
        self.has_focus = True

    def on_blur(self, event: events.Blur) -> None:
        event.prevent_default()
        self.has_focus = False

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Do nothing when the focus comes or goes; Textual's own method would repaint the whole widget."""

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._styles.clear()
        self.redraw_all()

    def redraw_all(self) -> None:
        """Render and paint all lines again."""
        self.refresh()

    def strip_of(self, y: int, pieces: Iterable[tuple[str, Style]]) -> Strip:
        """Return the row `y` of the widget: the pieces of text, and then that row of the scroll bar."""
        is_thumb = y in self.thumb_rows
        bar = ("▐" if is_thumb else " ") * SCROLLBAR_WIDTH
        style = self.style_of("frame" if is_thumb else "text")
        return join_pieces([*pieces, (bar, style)], self.size.width)

    def style_of(self, role: StyleRole, *, selected: bool = False) -> Style:
        """Return the style of a role; if `selected` is true, with the background of the selected item."""
        style = self._styles.get((role, selected))
        if style is None:
            style = self.get_component_rich_style(f"org-list--{role}")
            if selected:
                highlight = self.get_component_rich_style("org-list--selected")
                style += Style(
                    # In reverse video the text color is the background: use one color for the whole line.
                    color=highlight.color if highlight.reverse else None,
                    bgcolor=highlight.bgcolor,
                    bold=highlight.bold or None,
                    reverse=highlight.reverse or None,
                )
            self._styles[role, selected] = style
        return style
