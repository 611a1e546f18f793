"""The line below the bar: in which order the orgs are shown, and what keeps that from being as usual."""

from __future__ import annotations

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


class StateStrip(Static):
    """Always there, so that nothing moves when there is something to tell; then it stands out."""

    # It comes from a layout, and needs no other: Textual's own has the screen laid out once more.
    virtual_size: Reactive[Size] = Reactive(Size(0, 0))

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content()

    def show(self, roster: Roster, own_order: str, *, typing: bool) -> None:
        """Bring the line up to date.

        Args:
            own_order: the view's, where it is not what the user chose.
            typing: whether the filter is being typed, beside it.
        """
        clear = "" if typing or not roster.find.strip() else key_of(self.screen, "fleet.clear")
        width = self.content_size.width or self.screen.size.width - self.gutter.width
        content = strip_content(roster, clear, width, own_order, typing=typing)
        self.set_class(bool(content.plain), "-telling")
        content = content if content.plain else usual_content(roster, own_order)
        if content != self._shown:
            before, self._shown = self._shown, content
            # Most often it is another word in the same one line.
            same = all("\n" not in one.plain and one.cell_length <= width for one in (before, content))
            self.update(content, layout=not same)


def usual_content(roster: Roster, own_order: str = "") -> Content:
    """What is told where all is as usual."""
    orgs = len(roster.everyone)
    return Content(f"{orgs} {'org' if orgs == 1 else 'orgs'}, {own_order or SORT_WORDS[USUAL]}")


def strip_content(
    roster: Roster, clear: str = "", width: int = 1000, own_order: str = "", *, typing: bool = False
) -> Content:
    """What is told; empty where all is as usual.

    Args:
        clear: the key that shows all orgs again.
        width: cells of a line.
        own_order: the view's, where it is not what the user chose.
        typing: whether the filter is being typed, beside it.
    """
    order = [] if own_order else _sorted(roster)
    units = [*_paused(roster), *_filtered(roster, clear, typing=typing), *order]
    if roster.veiled:
        units.append((_BAR, Content.styled("names and ids are hidden", "bold")))
    lines: list[Content] = []
    for parted, unit in units:
        if lines and lines[-1].cell_length + len(parted) + unit.cell_length <= width:
            lines[-1] = Content.assemble(lines[-1], parted, unit)
        else:
            lines.append(unit)
    return Content("\n").join(lines)


def _paused(roster: Roster) -> list[Unit]:
    paused = sum(one.paused for one in roster.everyone.values())
    if not paused:
        return []
    everyone = len(roster.everyone)
    who = "ALL" if paused == everyone else f"{paused} of {everyone}"
    said = f"‖ PAUSED: {who} not looked at"
    return [(_BAR, Content.styled(said, "bold reverse $state-warning"))]


def _filtered(roster: Roster, clear: str, *, typing: bool) -> list[Unit]:
    if not roster.find.strip():
        return []
    find = "on" if roster.veiled else roster.find
    count = Content(f"{len(roster.order)} of {len(roster.everyone)}")
    units = (
        [(_BAR, count)] if typing else [(_BAR, Content.assemble("filter ", (find, "bold"))), (_DOT, count)]
    )
    hidden, parted, before = roster.hidden, _DOT, "hidden: "
    for level in sorted(Level, reverse=True):
        if level is not Level.OK and hidden[level]:
            many = (f"{level.glyph} {hidden[level]} {level.word}", LEVEL_STYLES[level])
            units.append((parted, Content.assemble(before, many)))
            parted, before = " ", ""
    if clear:
        units.append((_DOT, Content(f"{clear} shows all")))
    return units


def _sorted(roster: Roster) -> list[Unit]:
    if roster.sort == USUAL and not roster.reverse:
        return []
    said = f"sorted by {SORT_WORDS[roster.sort]}{', reversed' if roster.reverse else ''}"
    return [(_BAR, Content(said))]
