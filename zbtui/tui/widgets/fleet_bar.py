"""The line on top: how many are how well, and which run is next of all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from textual.content import Content
from textual.widgets import Static

from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import countdown
from zbtui.core.verdict import Level
from zbtui.tui.roster import Roster

LEVEL_STYLES: Final = {
    Level.OK: "$state-ok",
    Level.WARNING: "$state-warning",
    Level.UNKNOWN: "bold $state-unknown",
    Level.CRITICAL: "bold reverse $state-critical",
}


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
    """The fullest form of the line that fits into `width` cells."""
    mark = label and label.partition(":")[0]  # that all is invented is never left out
    forms = (
        _form(counts, soonest, now, label, words=True, name=True),
        _form(counts, soonest, now, label, words=False, name=True),
        _form(counts, soonest, now, mark, words=False, name=True),
        _form(counts, soonest, now, mark, words=False, name=False),
        _form(counts, None, now, mark, words=False, name=False),
    )
    return next((form for form in forms if form.cell_length <= width), forms[-1])


def _form(
    counts: Counter[Level],
    soonest: Snapshot | None,
    now: datetime,
    label: str | None,
    *,
    words: bool,
    name: bool,
) -> Content:
    parts: list[Content | str | tuple[str, str]] = []
    if label:
        parts.append((f"{label}  ", "$text-muted"))
    for level in sorted(Level, reverse=True):
        if counts[level]:
            said = f"{counts[level]} {level.word}" if words else str(counts[level])
            parts += [(f"{level.glyph} {said}", LEVEL_STYLES[level]), "  "]
    if soonest is not None:
        who = f"{soonest.org.name} " if name else ""
        parts.append(f"next run: {who}in {countdown(_ahead(soonest, now))}")
    return Content.assemble(*parts)


def _ahead(snapshot: Snapshot, now: datetime) -> timedelta:
    ahead = snapshot.time_to_next_run(now)
    return timedelta() if ahead is None else ahead
