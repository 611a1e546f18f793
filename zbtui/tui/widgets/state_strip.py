"""The line below the bar: what keeps the screen from being as usual, such as a filter or a pause."""

from __future__ import annotations

from typing import Final

from textual.content import Content
from textual.widgets import Static

from zbtui.core.ordering import SORT_WORDS
from zbtui.core.verdict import Level
from zbtui.tui.bindings import key_of
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.fleet_bar import LEVEL_STYLES

Unit = tuple[str, Content]
"""What parts it from the one before on the same line, and a text that no line break is to cut in two."""
_BAR: Final = " │ "
_DOT: Final = " · "


class StateStrip(Static):
    """Shown only where there is something to tell."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._shown = Content()

    def show(self, roster: Roster) -> None:
        """Bring the line up to date."""
        clear = ""
        if roster.find.strip():  # the first one is heard while it is typed
            clear = key_of(self.screen, "find.clear") or key_of(self.screen, "fleet.clear")
        content = strip_content(roster, clear, self.screen.size.width - self.gutter.width)
        if content != self._shown:
            before, self._shown = self._shown, content
            self.set_class(bool(content.plain), "-shown")
            # Most often it is another word in the same one line.
            width = self.content_size.width
            same = all("\n" not in one.plain and one.cell_length <= width for one in (before, content))
            self.update(content, layout=not same)


def strip_content(roster: Roster, clear: str = "", width: int = 1000) -> Content:
    """What is told; empty where all is as usual.

    Args:
        clear: the key that shows all orgs again.
        width: cells of a line.
    """
    units = [*_paused(roster), *_filtered(roster, clear), *_sorted(roster)]
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


def _filtered(roster: Roster, clear: str) -> list[Unit]:
    if not roster.find.strip():
        return []
    find = "on" if roster.veiled else roster.find
    units = [
        (_BAR, Content.assemble("filter ", (find, "bold"))),
        (_DOT, Content(f"{len(roster.order)} of {len(roster.everyone)}")),
    ]
    hidden, parted, before = roster.hidden, _DOT, "hidden: "
    for level in sorted(Level, reverse=True):
        if level is not Level.OK and hidden[level]:
            count = (f"{level.glyph} {hidden[level]} {level.word}", LEVEL_STYLES[level])
            units.append((parted, Content.assemble(before, count)))
            parted, before = " ", ""
    if clear:
        units.append((_DOT, Content(f"{clear} shows all")))
    return units


def _sorted(roster: Roster) -> list[Unit]:
    if roster.sort == "worst" and not roster.reverse:
        return []
    said = f"sorted by {SORT_WORDS[roster.sort]}{', reversed' if roster.reverse else ''}"
    return [(_BAR, Content(said))]
