"""The line below the bar: in which order the orgs are shown, and what keeps that from being as usual."""

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
"""What parts it from the one before on the same line, and a text that no line break is to cut in two."""
_GROUP_SEPARATOR: Final = " │ "
_SEPARATOR: Final = " · "
_MAX_LINES: Final = 3


class StatusLine(Static):
    """Always there, so that nothing moves when there is something to tell; then it stands out."""

    # It comes from a layout, and needs no other: Textual's own has the screen laid out once more.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content(), 0
        """What is shown, and for how many cells it was laid out."""
        self._show_again: Callable[[], None] = lambda: None

    def update_from(self, roster: OrgList, fixed_order: str, *, filter_is_open: bool) -> None:
        """Bring the line up to date.

        Args:
            own_order: the view's, where it is not what the user chose.
            typing: whether the filter is being typed, beside it.
        """
        self._show_again = lambda: self.update_from(roster, fixed_order, filter_is_open=filter_is_open)
        clear = key_of(self.screen, "fleet.clear") if roster.filter_text.strip() else ""
        width = max(self.content_size.width or self.screen.size.width - self.gutter.width, 1)
        units = (
            status_parts_beside_filter(roster, fixed_order)
            if filter_is_open
            else status_parts(roster, fixed_order, clear)
        )
        lines = 1 if filter_is_open else _MAX_LINES
        content = lay_out_parts(units, width, lines)
        self.set_class(is_unusual(roster, fixed_order), "-unusual")
        if (content, width) != self._shown:
            self._shown = content, width
            # Not "auto": of two changes without a rest between, Textual may keep the first one's height.
            self.styles.height = min(content.get_height({}, width), lines)
            self.update(content, layout=False)

    def on_resize(self) -> None:
        self._show_again()


def is_unusual(roster: OrgList, fixed_order: str = "") -> bool:
    """Whether it tells anything that somebody should know of."""
    sorted_otherwise = not fixed_order and (roster.sort != DEFAULT_SORT or roster.reverse)
    return bool(_paused(roster) or roster.names_hidden or roster.filter_text.strip() or sorted_otherwise)


def status_parts(roster: OrgList, fixed_order: str = "", clear_key: str = "") -> list[StatusPart]:
    """What is told, the weightiest first.

    Args:
        own_order: the view's, where it is not what the user chose.
        clear: the key that shows all orgs again.
    """
    units = [*_paused(roster), *_names_hidden(roster)]
    if roster.filter_text.strip():
        find = "on" if roster.names_hidden else roster.filter_text
        units += [
            (_GROUP_SEPARATOR, Content.assemble("filter ", (find, "bold"))),
            (_SEPARATOR, _count(roster)),
        ]
        units += _hidden(roster)
    else:
        units.append((_GROUP_SEPARATOR, _count(roster)))
    units.append((_SEPARATOR, _order(roster, fixed_order)))
    return [*units, (_SEPARATOR, Content(f"{clear_key} shows all"))] if clear_key else units


def status_parts_beside_filter(roster: OrgList, fixed_order: str = "") -> list[StatusPart]:
    """The same beside a filter that is being typed: what it lets through comes first."""
    found = [(_GROUP_SEPARATOR, _count(roster)), *_hidden(roster)]
    return [*found, *_paused(roster), *_names_hidden(roster), (_SEPARATOR, _order(roster, fixed_order))]


def lay_out_parts(units: Sequence[StatusPart], width: int, lines: int) -> Content:
    """As many of the units as there is room for."""
    found: list[Content] = []
    for parted, unit in units:
        if found and found[-1].cell_length + len(parted) + unit.cell_length <= width:
            found[-1] = Content.assemble(found[-1], parted, unit)
        elif len(found) < lines:
            found.append(unit)
        else:
            break
    return Content("\n").join(found)


def _paused(roster: OrgList) -> list[StatusPart]:
    paused = sum(one.activity.paused for one in roster.all_orgs.values())
    if not paused:
        return []
    everyone = len(roster.all_orgs)
    who = "ALL" if paused == everyone else f"{paused} of {everyone}"
    said = f"‖ PAUSED: {who} not looked at"
    return [(_GROUP_SEPARATOR, Content.styled(said, "bold reverse $state-warning"))]


def _names_hidden(roster: OrgList) -> list[StatusPart]:
    return (
        [(_GROUP_SEPARATOR, Content.styled("names and ids are hidden", "bold"))]
        if roster.names_hidden
        else []
    )


def _count(roster: OrgList) -> Content:
    everyone = len(roster.all_orgs)
    if roster.filter_text.strip():
        return Content(f"{len(roster.order)} of {everyone}")
    return Content(f"{everyone} {'org' if everyone == 1 else 'orgs'}")


def _hidden(roster: OrgList) -> list[StatusPart]:
    """How many that are not well the filter leaves out."""
    units: list[StatusPart] = []
    hidden, parted, before = roster.hidden_counts, _SEPARATOR, "left out: "
    for level in sorted(Level, reverse=True):
        if level is not Level.OK and hidden[level]:
            count = (f"{level.glyph} {hidden[level]} {level.label}", LEVEL_STYLES[level])
            units.append((parted, Content.assemble(before, count)))
            parted, before = " ", ""
    return units


def _order(roster: OrgList, own_order: str) -> Content:
    if own_order:
        return Content(own_order)
    words = SORT_LABELS[roster.sort]
    if roster.sort != DEFAULT_SORT or roster.reverse:
        words = f"sorted by {words}{', reversed' if roster.reverse else ''}"
    return Content(f"{words}, but for what changed since you moved" if roster.is_order_held else words)
