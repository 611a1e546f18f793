"""The line below the bar: in which order the orgs are shown, and what keeps that from being as usual."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from textual.content import Content
from textual.geometry import Size
from textual.reactive import Reactive
from textual.widgets import Static

from zbtui.core.ordering import SORT_WORDS, USUAL
from zbtui.core.verdict import Level
from zbtui.tui.bindings import key_of
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.fleet_bar import LEVEL_STYLES

Unit = tuple[str, Content]
"""What parts it from the one before on the same line, and a text that no line break is to cut in two."""
_BAR: Final = " │ "
_DOT: Final = " · "
_MOST_LINES: Final = 3


class StateStrip(Static):
    """Always there, so that nothing moves when there is something to tell; then it stands out."""

    # It comes from a layout, and needs no other: Textual's own has the screen laid out once more.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content(), 0
        """What is shown, and for how many cells it was laid out."""
        self._show_again: Callable[[], None] = lambda: None

    def show(self, roster: Roster, own_order: str, *, typing: bool) -> None:
        """Bring the line up to date.

        Args:
            own_order: the view's, where it is not what the user chose.
            typing: whether the filter is being typed, beside it.
        """
        self._show_again = lambda: self.show(roster, own_order, typing=typing)
        clear = key_of(self.screen, "fleet.clear") if roster.find.strip() else ""
        width = max(self.content_size.width or self.screen.size.width - self.gutter.width, 1)
        units = typed_units(roster, own_order) if typing else units_of(roster, own_order, clear)
        lines = 1 if typing else _MOST_LINES
        content = laid_out(units, width, lines)
        self.set_class(is_unusual(roster, own_order), "-telling")
        if (content, width) != self._shown:
            self._shown = content, width
            # Not "auto": of two changes without a rest between, Textual may keep the first one's height.
            self.styles.height = min(content.get_height({}, width), lines)
            self.update(content, layout=False)

    def on_resize(self) -> None:
        self._show_again()


def is_unusual(roster: Roster, own_order: str = "") -> bool:
    """Whether it tells anything that somebody should know of."""
    sorted_otherwise = not own_order and (roster.sort != USUAL or roster.reverse)
    return bool(_paused(roster) or roster.names_hidden or roster.find.strip() or sorted_otherwise)


def units_of(roster: Roster, own_order: str = "", clear: str = "") -> list[Unit]:
    """What is told, the weightiest first.

    Args:
        own_order: the view's, where it is not what the user chose.
        clear: the key that shows all orgs again.
    """
    units = [*_paused(roster), *_names_hidden(roster)]
    if roster.find.strip():
        find = "on" if roster.names_hidden else roster.find
        units += [(_BAR, Content.assemble("filter ", (find, "bold"))), (_DOT, _count(roster))]
        units += _hidden(roster)
    else:
        units.append((_BAR, _count(roster)))
    units.append((_DOT, _order(roster, own_order)))
    return [*units, (_DOT, Content(f"{clear} shows all"))] if clear else units


def typed_units(roster: Roster, own_order: str = "") -> list[Unit]:
    """The same beside a filter that is being typed: what it lets through comes first."""
    found = [(_BAR, _count(roster)), *_hidden(roster)]
    return [*found, *_paused(roster), *_names_hidden(roster), (_DOT, _order(roster, own_order))]


def laid_out(units: Sequence[Unit], width: int, lines: int) -> Content:
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


def _paused(roster: Roster) -> list[Unit]:
    paused = sum(one.activity.paused for one in roster.everyone.values())
    if not paused:
        return []
    everyone = len(roster.everyone)
    who = "ALL" if paused == everyone else f"{paused} of {everyone}"
    said = f"‖ PAUSED: {who} not looked at"
    return [(_BAR, Content.styled(said, "bold reverse $state-warning"))]


def _names_hidden(roster: Roster) -> list[Unit]:
    return [(_BAR, Content.styled("names and ids are hidden", "bold"))] if roster.names_hidden else []


def _count(roster: Roster) -> Content:
    everyone = len(roster.everyone)
    if roster.find.strip():
        return Content(f"{len(roster.order)} of {everyone}")
    return Content(f"{everyone} {'org' if everyone == 1 else 'orgs'}")


def _hidden(roster: Roster) -> list[Unit]:
    """How many that are not well the filter leaves out."""
    units: list[Unit] = []
    hidden, parted, before = roster.hidden, _DOT, "left out: "
    for level in sorted(Level, reverse=True):
        if level is not Level.OK and hidden[level]:
            count = (f"{level.glyph} {hidden[level]} {level.word}", LEVEL_STYLES[level])
            units.append((parted, Content.assemble(before, count)))
            parted, before = " ", ""
    return units


def _order(roster: Roster, own_order: str) -> Content:
    if own_order:
        return Content(own_order)
    words = SORT_WORDS[roster.sort]
    if roster.sort != USUAL or roster.reverse:
        words = f"sorted by {words}{', reversed' if roster.reverse else ''}"
    return Content(f"{words}, but for what changed since you moved" if roster.is_resting else words)
