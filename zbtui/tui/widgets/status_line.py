"""The line below the bar: the order of the orgs, and anything unusual, such as a filter or a pause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static

from zbtui.model.verdict import Level
from zbtui.presentation.sorting import DEFAULT_SORT, SORT_LABELS
from zbtui.tui.bindings import key_of
from zbtui.tui.org_list import OrgList
from zbtui.tui.widgets.fleet_bar import LEVEL_STYLES

StatusPart = tuple[str, Content]
"""The separator before it on the same line, and a text that is never broken across lines."""
_GROUP_SEPARATOR: Final = " │ "
_SEPARATOR: Final = " · "
_MAX_LINES: Final = 3


class StatusLine(Static):
    """Always shown, so that nothing moves when it has something unusual to show."""

    # It is set by a layout; Textual's own reactive would lay out the screen once more.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content(), 0
        """The current content, and the width it was laid out for."""
        self._show_again: Callable[[], None] = lambda: None

    def update_from(self, roster: OrgList, fixed_order: str, *, filter_is_open: bool) -> None:
        """`fixed_order`: the view's own, if any; `filter_is_open`: the filter input is beside the line."""
        self._show_again = lambda: self.update_from(roster, fixed_order, filter_is_open=filter_is_open)
        clear = key_of(self.screen, "fleet.clear") if roster.filter_text.strip() else ""
        width = max(self.content_size.width or self.screen.size.width - self.gutter.width, 1)
        if filter_is_open:
            parts, lines = status_parts_beside_filter(roster, fixed_order), 1
        else:
            parts, lines = status_parts(roster, fixed_order, clear), _MAX_LINES
        content = lay_out_parts(parts, width, lines)
        self.set_class(is_unusual(roster, fixed_order), "-unusual")
        if (content, width) != self._shown:
            self._shown = content, width
            # Not "auto": after two changes in a row Textual may keep the first one's height.
            self.styles.height = min(content.get_height({}, width), lines)
            self.update(content, layout=False)

    def on_resize(self) -> None:
        self._show_again()


def is_unusual(roster: OrgList, fixed_order: str = "") -> bool:
    """Whether the line shows anything unusual."""
    is_sorted_otherwise = not fixed_order and (roster.sort != DEFAULT_SORT or roster.reverse)
    return bool(_paused(roster) or roster.names_hidden or roster.filter_text.strip() or is_sorted_otherwise)


def status_parts(roster: OrgList, fixed_order: str = "", clear_key: str = "") -> list[StatusPart]:
    """The parts of the line, the most important first; `clear_key` clears the filter."""
    parts = [*_paused(roster), *_names_hidden(roster)]
    if roster.filter_text.strip():
        shown_filter = "on" if roster.names_hidden else roster.filter_text
        parts.append((_GROUP_SEPARATOR, Content.assemble("filter ", (shown_filter, "bold"))))
        parts += [(_SEPARATOR, _count(roster)), *_hidden(roster)]
    else:
        parts.append((_GROUP_SEPARATOR, _count(roster)))
    parts.append((_SEPARATOR, _order(roster, fixed_order)))
    return [*parts, (_SEPARATOR, Content(f"{clear_key} shows all"))] if clear_key else parts


def status_parts_beside_filter(roster: OrgList, fixed_order: str = "") -> list[StatusPart]:
    """The parts beside an open filter input: the number of matches comes first."""
    matches = [(_GROUP_SEPARATOR, _count(roster)), *_hidden(roster)]
    return [*matches, *_paused(roster), *_names_hidden(roster), (_SEPARATOR, _order(roster, fixed_order))]


def lay_out_parts(units: Sequence[StatusPart], width: int, lines: int) -> Content:
    """As many of the parts as fit into these lines."""
    laid_out: list[Content] = []
    for separator, text in units:
        if laid_out and laid_out[-1].cell_length + len(separator) + text.cell_length <= width:
            laid_out[-1] = Content.assemble(laid_out[-1], separator, text)
        elif len(laid_out) < lines:
            laid_out.append(text)
        else:
            break
    return Content("\n").join(laid_out)


def _paused(org_list: OrgList) -> list[StatusPart]:
    paused = sum(org.activity.paused for org in org_list.all_orgs.values())
    if not paused:
        return []
    total = len(org_list.all_orgs)
    count = "ALL" if paused == total else f"{paused} of {total}"
    text = f"‖ PAUSED: {count} not looked at"
    return [(_GROUP_SEPARATOR, Content.styled(text, "bold reverse $state-warning"))]


def _names_hidden(org_list: OrgList) -> list[StatusPart]:
    text = Content.styled("names and ids are hidden", "bold")
    return [(_GROUP_SEPARATOR, text)] if org_list.names_hidden else []


def _count(org_list: OrgList) -> Content:
    total = len(org_list.all_orgs)
    if org_list.filter_text.strip():
        return Content(f"{len(org_list.order)} of {total}")
    return Content(f"{total} {'org' if total == 1 else 'orgs'}")


def _hidden(org_list: OrgList) -> list[StatusPart]:
    """How many orgs that are not ok the filter hides, by level."""
    parts: list[StatusPart] = []
    hidden, separator, prefix = org_list.hidden_counts, _SEPARATOR, "left out: "
    for level in sorted(Level, reverse=True):
        if level is not Level.OK and hidden[level]:
            count = (f"{level.glyph} {hidden[level]} {level.label}", LEVEL_STYLES[level])
            parts.append((separator, Content.assemble(prefix, count)))
            separator, prefix = " ", ""
    return parts


def _order(org_list: OrgList, fixed_order: str) -> Content:
    if fixed_order:
        return Content(fixed_order)
    words = SORT_LABELS[org_list.sort]
    if org_list.sort != DEFAULT_SORT or org_list.reverse:
        words = f"sorted by {words}{', reversed' if org_list.reverse else ''}"
    return Content(f"{words}, but for what changed since you moved" if org_list.is_order_held else words)
