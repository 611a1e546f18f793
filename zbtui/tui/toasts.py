"""Short notices at the edge of the screen: few, small, and never in the way of the bar or the footer."""

from __future__ import annotations

from typing import Final

from rich.cells import cell_len
from textual.app import App, ReturnType
from textual.notifications import Notify, SeverityLevel
from textual.screen import ModalScreen
from textual.widgets._toast import ToastHolder

from zbtui.tui.widgets.lines import fit

MOST: Final = 3
"""Toasts at once; the oldest gives way to a newer one, but an error only to another error."""
WIDEST: Final = 44
"""Columns of a toast, where that is no more than half of the screen."""
LINES: Final = 2
_SEVERITIES: Final[tuple[SeverityLevel, ...]] = ("information", "warning", "error")
_EDGES: Final = 3
"""Columns of a toast's frame and of the blanks within."""


class Toasting(App[ReturnType]):
    """An app whose notices are plain text and cut to what a toast has room for."""

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        cells = min(WIDEST, self.size.width // 2) - _EDGES
        super().notify(
            wrapped(message, cells, LINES - bool(title)),
            title=wrapped(title, cells, 1),
            severity=severity,
            timeout=timeout,
            markup=markup,
        )

    def on_notify(self, event: Notify) -> None:
        """One more is about to come: room is made for it, by what matters least and is oldest."""
        waiting = sorted(self._notifications, key=lambda one: _SEVERITIES.index(one.severity))
        for notification in waiting[: len(waiting) + 1 - self._most]:
            self._unnotify(notification, refresh=False)
        for holder in self.screen.query(ToastHolder):
            if not holder.children:  # Textual takes away a toast that gave way, but not what held it
                holder.remove()

    @property
    def _most(self) -> int:
        """Beside a form they get no more than its style sheet leaves to them."""
        beside = (self.size.height * 2 // 5 - 1) // LINES
        return min(MOST, max(beside, 1)) if isinstance(self.screen, ModalScreen) else MOST


def wrapped(text: str, cells: int, most: int) -> str:
    """At most `most` lines of at most `cells` cells, parted at blanks; what is cut ends in an ellipsis."""
    cells = max(cells, 1)
    lines: list[str] = []
    words = text.split()
    while words and len(lines) < most - 1:
        line = words.pop(0)
        while words and cell_len(f"{line} {words[0]}") <= cells:
            line = f"{line} {words.pop(0)}"
        lines.append(_cut(line, cells))
    if words:
        lines.append(_cut(" ".join(words), cells))
    return "\n".join(lines)


def _cut(text: str, cells: int) -> str:
    return text if cell_len(text) <= cells else fit(text, cells)
