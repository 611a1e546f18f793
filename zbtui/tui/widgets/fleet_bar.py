"""The line on top: how many are how well, and which run is next of all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import countdown
from zbtui.core.verdict import Level
from zbtui.tui.roster import Roster
from zbtui.tui.widgets.lines import fit

LEVEL_STYLES: Final = {
    Level.OK: "$state-ok",
    Level.WARNING: "$state-warning",
    Level.UNKNOWN: "bold $state-unknown",
    Level.CRITICAL: "bold reverse $state-critical",
}
_NEXT: Final = ("next run: ", "next: ")
_COUNTDOWN: Final = "in 30d 03:12:44"
"""The longest that a plan Zoho has leads to, near enough."""
_LEAST_NAME: Final = 6
"""Cells of an org's name; with fewer it tells nothing."""


class FleetBar(Static):
    """Counts by level, worst first, and the next run of all orgs."""

    def __init__(self, label: str | None) -> None:
        """Args:
        label: said in front of all else, such as that this is a demo.
        """
        super().__init__(markup=False)
        self._label = label
        self._shown: Content | None = None
        self._soonest: Snapshot | None = None

    def reset(self) -> None:
        """Orgs came or went, or are called otherwise."""
        self._soonest = None

    def note(self, snapshot: Snapshot, now: datetime) -> None:
        """Something about one org is known anew: its run may be the next one now, or no longer."""
        if self._soonest is None or snapshot.org.name == self._soonest.org.name:
            self._soonest = None
        elif timedelta() < _ahead(snapshot, now) < _ahead(self._soonest, now):
            self._soonest = snapshot

    def show(self, roster: Roster) -> None:
        """Bring the line up to date."""
        now = roster.now
        if self._soonest is None or _ahead(self._soonest, now) <= timedelta():
            coming = [one for one in roster.everyone.values() if _ahead(one, now) > timedelta()]
            self._soonest = min(coming, key=lambda one: _ahead(one, now), default=None)
        soonest = self._soonest and roster.snapshot(self._soonest.org.name)
        content = bar_content(roster.counts, soonest, now, self.size.width, self._label)
        if content != self._shown:
            self._shown = content
            self.update(content, layout=False)


def bar_content(
    counts: Counter[Level], soonest: Snapshot | None, now: datetime, width: int, label: str | None
) -> Content:
    """The fullest form of the line that fits into `width` cells, whichever run is the next one."""
    mark = label and label.partition(":")[0]  # that all is invented is never left out
    long, brief = _NEXT
    forms = (
        (counts_content(counts, label), long, _LEAST_NAME + 1),
        (counts_content(counts, label, words=False), long, _LEAST_NAME + 1),
        (short := counts_content(counts, mark, words=False), long, _LEAST_NAME + 1),
        (short, brief, _LEAST_NAME + 1),
        (short, long, 0),
    )
    if soonest is None:
        return next((form for form, *_ in forms if form.cell_length <= width), short)
    for form, what, least in forms:
        if form.cell_length + len(what) + least + len(_COUNTDOWN) <= width:
            left = f"in {countdown(_ahead(soonest, now))}"
            room = width - form.cell_length - len(what) - len(left) - 1
            name, who = soonest.org.name, ""
            if least:
                who = f"{name if cell_len(name) <= room else fit(name, room)} "
            return Content.assemble(form, f"{what}{who}{left}")
    return short


def counts_content(counts: Counter[Level], label: str | None = None, *, words: bool = True) -> Content:
    """`✖ 3 critical  ● 400 ok`, worst first; without words, the glyphs stand for them."""
    parts: list[Content | str | tuple[str, str]] = []
    if label:
        parts.append((f"{label}  ", "$text-muted"))
    for level in sorted(Level, reverse=True):
        if counts[level]:
            said = f"{counts[level]} {level.word}" if words else str(counts[level])
            parts += [(f"{level.glyph} {said}", LEVEL_STYLES[level]), "  "]
    return Content.assemble(*parts)


def _ahead(snapshot: Snapshot, now: datetime) -> timedelta:
    ahead = snapshot.time_to_next_run(now)
    return timedelta() if ahead is None else ahead
