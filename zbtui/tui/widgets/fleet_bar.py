"""The line on top: how many are how well, and which run is next of all."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Static

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import countdown
from zbtui.model.verdict import Level
from zbtui.tui.org_list import OrgList
from zbtui.tui.widgets.styled_line import fit

LEVEL_STYLES: Final = {
    Level.OK: "$state-ok",
    Level.WARNING: "$state-warning",
    Level.UNKNOWN: "bold $state-unknown",
    Level.CRITICAL: "bold reverse $state-critical",
}
_NEXT_RUN_LABELS: Final = ("next run: ", "next: ")
_WIDEST_COUNTDOWN: Final = "in 30d 03:12:44"
"""The longest that a plan Zoho has leads to, near enough."""
_MIN_NAME_CELLS: Final = 6
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
        self._next_org: Snapshot | None = None

    def reset(self) -> None:
        """Orgs came or went, or are called otherwise."""
        self._next_org = None

    def update_org(self, snapshot: Snapshot, now: datetime) -> None:
        """Something about one org is known anew: its run may be the next one now, or no longer."""
        if self._next_org is None or snapshot.org.name == self._next_org.org.name:
            self._next_org = None
        elif timedelta() < _ahead(snapshot, now) < _ahead(self._next_org, now):
            self._next_org = snapshot

    def update_from(self, roster: OrgList) -> None:
        """Bring the line up to date."""
        now = roster.now
        if self._next_org is None or _ahead(self._next_org, now) <= timedelta():
            coming = [one for one in roster.all_orgs.values() if _ahead(one, now) > timedelta()]
            self._next_org = min(coming, key=lambda one: _ahead(one, now), default=None)
        soonest = self._next_org and roster.snapshot(self._next_org.org.name)
        content = bar_content(roster.counts, soonest, now, self.size.width, self._label)
        if content != self._shown:
            self._shown = content
            self.update(content, layout=False)


def bar_content(
    counts: Counter[Level], next_org: Snapshot | None, now: datetime, width: int, label: str | None
) -> Content:
    """The fullest form of the line that fits into `width` cells, whichever run is the next one."""
    mark = label and label.partition(":")[0]  # that all is invented is never left out
    long, brief = _NEXT_RUN_LABELS
    forms = (
        (counts_content(counts, label), long, _MIN_NAME_CELLS + 1),
        (counts_content(counts, label, words=False), long, _MIN_NAME_CELLS + 1),
        (short := counts_content(counts, mark, words=False), long, _MIN_NAME_CELLS + 1),
        (short, brief, _MIN_NAME_CELLS + 1),
        (short, long, 0),
    )
    if next_org is None:
        return next((form for form, *_ in forms if form.cell_length <= width), short)
    for form, what, least in forms:
        if form.cell_length + len(what) + least + len(_WIDEST_COUNTDOWN) <= width:
            left = f"in {countdown(_ahead(next_org, now))}"
            room = width - form.cell_length - len(what) - len(left) - 1
            name, who = next_org.org.name, ""
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
            said = f"{counts[level]} {level.label}" if words else str(counts[level])
            parts += [(f"{level.glyph} {said}", LEVEL_STYLES[level]), "  "]
    return Content.assemble(*parts)


def _ahead(snapshot: Snapshot, now: datetime) -> timedelta:
    ahead = snapshot.time_to_next_run(now)
    return timedelta() if ahead is None else ahead
