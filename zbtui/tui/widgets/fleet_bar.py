"""The fleet bar, the top line: the number of orgs at each level, and the next backup run."""

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
"""A text about as wide as the longest countdown that Zoho's backup schedules allow."""
_MIN_NAME_CELLS: Final = 6
"""The smallest number of cells in which an org's name is still useful."""


class FleetBar(Static):
    """Shows the number of orgs at each level, worst level first, and the next backup run of all orgs."""

    def __init__(self, label: str | None) -> None:
        """`label` is a text at the left of the bar that marks the demo, or None."""
        super().__init__(markup=False)
        self._label = label
        self._shown: Content | None = None
        self._next_org: Snapshot | None = None

    def reset(self) -> None:
        """Forget which org has the next run; called when orgs or their names change."""
        self._next_org = None

    def update_org(self, snapshot: Snapshot, now: datetime) -> None:
        """Update which org has the next backup run, given a new snapshot of one org."""
        if self._next_org is None or snapshot.org.name == self._next_org.org.name:
            self._next_org = None
        elif timedelta() < _ahead(snapshot, now) < _ahead(self._next_org, now):
            self._next_org = snapshot

    def update_from(self, org_list: OrgList) -> None:
        now = org_list.now
        if self._next_org is None or _ahead(self._next_org, now) <= timedelta():
            upcoming = [org for org in org_list.all_orgs.values() if _ahead(org, now) > timedelta()]
            self._next_org = min(upcoming, key=lambda org: _ahead(org, now), default=None)
        next_org = self._next_org and org_list.snapshot(self._next_org.org.name)
        content = bar_content(org_list.counts, next_org, now, self.size.width, self._label)
        if content != self._shown:
            self._shown = content
            self.update(content, layout=False)


def bar_content(
    counts: Counter[Level], next_org: Snapshot | None, now: datetime, width: int, label: str | None
) -> Content:
    """Return the text of the bar in the most detailed form that fits into `width` cells.

    The next run gets room for the widest countdown. `counts` are the numbers of orgs by level, `next_org`
    is the org with the next run, `label` marks the demo.
    """
    short_label = label and label.partition(":")[0]  # never left out: it marks the demo
    (long, brief), name_cells = _NEXT_RUN_LABELS, _MIN_NAME_CELLS + 1
    forms = (
        (counts_content(counts, label), long, name_cells),
        (counts_content(counts, label, words=False), long, name_cells),
        (short := counts_content(counts, short_label, words=False), long, name_cells),
        (short, brief, name_cells),
        (short, long, 0),
    )
    if next_org is None:
        return next((form for form, *_ in forms if form.cell_length <= width), short)
    for form, prefix, min_name_cells in forms:
        if form.cell_length + len(prefix) + min_name_cells + len(_WIDEST_COUNTDOWN) <= width:
            left = f"in {countdown(_ahead(next_org, now))}"
            room = width - form.cell_length - len(prefix) - len(left) - 1
            name, shown_name = next_org.org.name, ""
            if min_name_cells:
                shown_name = f"{name if cell_len(name) <= room else fit(name, room)} "
            return Content.assemble(form, f"{prefix}{shown_name}{left}")
    return short


def counts_content(counts: Counter[Level], label: str | None = None, *, words: bool = True) -> Content:
    """Return the number of orgs at each level, such as `✖ 3 critical  ● 400 ok`, worst level first.

    `label` is a text in front; `words=False` leaves out the words for the levels.
    """
    parts: list[Content | str | tuple[str, str]] = []
    if label:
        parts.append((f"{label}  ", "$text-muted"))
    for level in sorted(Level, reverse=True):
        if counts[level]:
            text = f"{counts[level]} {level.label}" if words else str(counts[level])
            parts += [(f"{level.glyph} {text}", LEVEL_STYLES[level]), "  "]
    return Content.assemble(*parts)


def _ahead(snapshot: Snapshot, now: datetime) -> timedelta:
    ahead = snapshot.time_to_next_run(now)
    return timedelta() if ahead is None else ahead
