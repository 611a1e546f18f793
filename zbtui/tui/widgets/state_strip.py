"""The line below the bar: what keeps the screen from being as usual, such as a filter or a pause."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from zbtui.core.ordering import SORT_WORDS
from zbtui.core.verdict import Level
from zbtui.tui.bindings import key_of
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.fleet_bar import LEVEL_STYLES

Part = Content | str | tuple[str, str]


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
        content = strip_content(roster, clear)
        if content != self._shown:
            before, self._shown = self._shown, content
            self.set_class(bool(content.plain), "-shown")
            # Most often it is another word in the same one line.
            longest = max(before.cell_length, content.cell_length)
            self.update(content, layout=longest > self.content_size.width)


def strip_content(roster: Roster, clear: str = "") -> Content:
    """What is told, parted by bars; empty where all is as usual.

    Args:
        clear: the key that shows all orgs again.
    """
    told = [_paused(roster), _filtered(roster, clear), _sorted(roster)]
    if roster.veiled:
        told.append([("names and ids are hidden", "bold")])
    parts: list[Part] = []
    for one in filter(None, told):
        parts += ([" │ "] if parts else []) + one
    return Content.assemble(*parts)


def _paused(roster: Roster) -> list[Part]:
    paused = sum(one.paused for one in roster.everyone.values())
    if not paused:
        return []
    everyone = len(roster.everyone)
    who = "ALL" if paused == everyone else f"{paused} of {everyone}"
    return [(f"‖ PAUSED: {who} not looked at", "bold reverse $state-warning")]


def _filtered(roster: Roster, clear: str) -> list[Part]:
    if not roster.find.strip():
        return []
    find = "on" if roster.veiled else roster.find
    told: list[Part] = [
        ("filter ", ""),
        (find, "bold"),
        f" · {len(roster.order)} of {len(roster.everyone)}",
    ]
    hidden = roster.hidden
    if bad := [level for level in sorted(Level, reverse=True) if level is not Level.OK and hidden[level]]:
        told.append(" · hidden:")
        for level in bad:
            told += [" ", (f"{level.glyph} {hidden[level]} {level.word}", LEVEL_STYLES[level])]
    if clear:
        told.append(f" · {clear} shows all")
    return told


def _sorted(roster: Roster) -> list[Part]:
    if roster.sort == "worst" and not roster.reverse:
        return []
    return [f"sorted by {SORT_WORDS[roster.sort]}{', reversed' if roster.reverse else ''}"]
