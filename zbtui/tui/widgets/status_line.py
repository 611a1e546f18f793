"""The status line, below the fleet bar: the order of the orgs, and what is unusual, such as a filter."""

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
"""One part of the status line: a separator from the part before, and a text that is never broken."""
_GROUP_SEPARATOR: Final = " │ "
_SEPARATOR: Final = " · "
_MAX_LINES: Final = 3


class StatusLine(Static):
    """Shows the order of the orgs, the filter, and what is unusual, such as paused orgs.

    On a tall screen the line is always shown, so that no view moves when something unusual begins or ends.
    """

    # A layout sets this size; Textual's own reactive would then lay out the screen once more.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content(), 0
        """The current content, and the width in cells for which it was laid out."""
        self._show_again: Callable[[], None] = lambda: None

    def update_from(self, org_list: OrgList, fixed_order: str, *, filter_is_open: bool) -> None:
        """Show the state of `org_list`.

        `fixed_order` is the view's own order in words, or empty. `filter_is_open` is true while the filter
        input is shown.
        """
        self._show_again = lambda: self.update_from(org_list, fixed_order, filter_is_open=filter_is_open)
        clear = key_of(self.screen, "fleet.clear") if org_list.filter_text.strip() else ""
        width = max(self.content_size.width or self.screen.size.width - self.gutter.width, 1)
        if filter_is_open:
            parts, lines = status_parts_beside_filter(org_list, fixed_order), 1
        else:
            parts, lines = status_parts(org_list, fixed_order, clear), _MAX_LINES
        content = lay_out_parts(parts, width, lines)
        self.set_class(is_unusual(org_list, fixed_order), "-unusual")
        if (content, width) != self._shown:
            self._shown = content, width
            # The height is not "auto": after two changes in a row Textual may keep the height of the first.
            self.styles.height = min(content.get_height({}, width), lines)
            self.update(content, layout=False)

    def on_resize(self) -> None:
        self._show_again()


def is_unusual(org_list: OrgList, fixed_order: str = "") -> bool:
    """Whether orgs are paused, names are hidden, a filter is set, or the sort order is not the default."""
    is_sorted_otherwise = not fixed_order and (org_list.sort != DEFAULT_SORT or org_list.reverse)
    return bool(
        _paused(org_list) or org_list.names_hidden or org_list.filter_text.strip() or is_sorted_otherwise
    )


def status_parts(org_list: OrgList, fixed_order: str = "", clear_key: str = "") -> list[StatusPart]:
    """Return the parts of the status line, the most important part first.

    `fixed_order` is the view's own order in words, or empty; `clear_key` is the key that clears the filter.
    """
    parts = [*_paused(org_list), *_names_hidden(org_list)]
    if org_list.filter_text.strip():
        shown_filter = "on" if org_list.names_hidden else org_list.filter_text
        parts.append((_GROUP_SEPARATOR, Content.assemble("filter ", (shown_filter, "bold"))))
        parts += [(_SEPARATOR, _count(org_list)), *_hidden(org_list)]
    else:
        parts.append((_GROUP_SEPARATOR, _count(org_list)))
    parts.append((_SEPARATOR, _order(org_list, fixed_order)))
    return [*parts, (_SEPARATOR, Content(f"{clear_key} shows all"))] if clear_key else parts


def status_parts_beside_filter(org_list: OrgList, fixed_order: str = "") -> list[StatusPart]:
    """Return the parts of the line beside an open filter input; the number of matches comes first."""
    matches = [(_GROUP_SEPARATOR, _count(org_list)), *_hidden(org_list)]
    return [
        *matches,
        *_paused(org_list),
        *_names_hidden(org_list),
        (_SEPARATOR, _order(org_list, fixed_order)),
    ]


def lay_out_parts(parts: Sequence[StatusPart], width: int, lines: int) -> Content:
    """Join as many of the first parts as fit into `lines` lines of `width` cells each."""
    laid_out: list[Content] = []
    for separator, text in parts:
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
    """Return the number of orgs at each level, except ok, that the filter hides."""
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
