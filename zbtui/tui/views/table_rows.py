"""Renders the lines of the table view: one line for each org, with as many columns as fit. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import lru_cache
from typing import Final

from rich.cells import cell_len

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import datetime_texts, rough_span
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.sorting import SortOrder
from zbtui.presentation.summaries import last_good_summary, links_summary
from zbtui.tui.views.verdict_text import badge, badge_role, countdown_text, frame_role
from zbtui.tui.widgets.styled_line import StyledLine, StyleRole, accent_mark, first_fitting, fit, fit_line
from zbtui.zoho_api.errors import data_center_label
from zbtui.zoho_api.recurrence import rrule_text

_ACCENT_MARK_CELLS: Final = 1
"""The number of cells of the accent mark (the org's colored mark), left of all columns."""


@dataclass(frozen=True, slots=True)
class CellSource:
    """The data from which the text of a table cell is made."""

    snapshot: Snapshot
    verdict: Verdict
    now: datetime
    zone: tzinfo | None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the table."""

    title: str
    sort: SortOrder | None
    """The sort order that a click on the title chooses; None if the column does not allow sorting."""
    min_cells: int
    """The minimum width of the column in cells."""
    max_cells: int
    """The width in cells beyond which the column gains nothing from more cells."""
    text: Callable[[CellSource], tuple[str, StyleRole]]
    short_text: Callable[[CellSource], tuple[str, StyleRole]] | None = None
    """A function that makes a shorter text, used if the full text does not fit; None if there is none."""


def _status(source: CellSource) -> tuple[str, StyleRole]:
    return badge(source.verdict), badge_role(source.verdict)


def _short_status(source: CellSource) -> tuple[str, StyleRole]:
    return badge(source.verdict).replace("(stale)", "old"), badge_role(source.verdict)


def _name(source: CellSource) -> tuple[str, StyleRole]:
    return source.snapshot.org.name, "name"


def _next(source: CellSource) -> tuple[str, StyleRole]:
    words = countdown_text(source.snapshot, source.verdict, source.now)
    certain = source.verdict.level is not Level.UNKNOWN and not source.verdict.stale
    return words or "–", "text" if certain and words else "muted"


def _good(source: CellSource) -> tuple[str, StyleRole]:
    words = last_good_summary(source.snapshot, source.now)
    for prefix in ("last good: ", "last good ", "last result ", "last run "):
        words = words.removeprefix(prefix)
    return words.replace(" completed yet", " yet").replace(" good in a year", " in a year"), "text"


def _data_center(source: CellSource) -> tuple[str, StyleRole]:
    return data_center_label(source.snapshot.org.data_center), "muted"


def _by(source: CellSource) -> tuple[str, StyleRole]:
    requester = source.snapshot.zoho.backup.requester if source.snapshot.zoho.backup else None
    return (requester.name or "unnamed") if requester else "–", "text" if requester else "muted"


def _why(source: CellSource) -> tuple[str, StyleRole]:
    problem = source.snapshot.polls.problem
    if problem:
        return f"{problem.message} {problem.hint}", "text"
    if source.verdict.level is Level.OK:
        return "", "text"
    hint = f" · {source.verdict.hint}" if source.verdict.hint else ""
    return f"{source.verdict.headline}{hint}", frame_role(source.verdict)


def _company(source: CellSource) -> tuple[str, StyleRole]:
    return source.snapshot.company_name or "–", "muted"


def _plan(source: CellSource) -> tuple[str, StyleRole]:
    backup = source.snapshot.zoho.backup
    return rrule_text(backup.rrule) if backup and backup.rrule else "–", "muted"


def _links(source: CellSource) -> tuple[str, StyleRole]:
    return links_summary(source.snapshot, source.now).removeprefix("links "), "muted"


def _seen(source: CellSource) -> tuple[str, StyleRole]:
    snapshot = source.snapshot
    if snapshot.activity.paused:
        return "PAUSED", "warning"
    if snapshot.activity.polling:
        return "now…", "muted"
    age = rough_span(source.now - snapshot.zoho.observed_at) if snapshot.zoho.observed_at else "never"
    return age, "muted"


def _when(source: CellSource) -> tuple[str, StyleRole]:
    run = source.snapshot.zoho.backup.next_run if source.snapshot.zoho.backup else None
    shown = run is not None and bool(countdown_text(source.snapshot, source.verdict, source.now))
    return datetime_texts(run, source.zone)[-1] if run and shown else "–", "muted"


_COLUMNS: Final = (
    Column("STATUS", "worst", 16, 22, _status, _short_status),
    Column("ORG", "name", 14, 30, _name),
    Column("NEXT RUN", "next", 16, 20, _next),
    Column("SEEN", None, 6, 6, _seen),
    Column("LAST GOOD", "good", 10, 14, _good),
    Column("DC", "dc", 3, 6, _data_center),
    Column("BY", "by", 15, 22, _by),
    Column("WHEN", None, 16, 16, _when),
    Column("PLAN", "plan", 24, 34, _plan),
    Column("LINKS", "links", 10, 20, _links),
    Column("COMPANY", "company", 18, 28, _company),
    Column("WHY", None, 30, 400, _why),
)
_PRIORITY: Final = (
    *("STATUS", "ORG", "NEXT RUN", "SEEN", "LAST GOOD", "DC", "BY", "WHY"),
    *("PLAN", "WHEN", "LINKS", "COMPANY"),
)
"""The titles of the columns, the most important first, for when there is no room for all columns."""
_MIN_WHY_CELLS: Final = 40
"""The number of further cells kept for the column WHY before less important columns are added."""
_GROWTH_LIMITS: Final = (
    *(("STATUS", 20), ("NEXT RUN", 20), ("ORG", 20), ("WHY", 80)),
    *((title, 400) for title in _PRIORITY),
)
"""The columns that grow into the remaining room, in this order, each up to that many cells."""


@lru_cache(maxsize=64)
def fit_columns(width: int) -> tuple[tuple[Column, int], ...]:
    """Return the columns that fit into `width` cells, from left to right, each with its width in cells.

    One blank separates two columns.
    """
    left, chosen = width - _ACCENT_MARK_CELLS, list[Column]()
    for column in sorted(_COLUMNS, key=lambda column: _PRIORITY.index(column.title)):
        needed = column.min_cells + (1 if chosen else 0)
        # Room for WHY is worth more than one more column.
        if needed + (_MIN_WHY_CELLS if any(other.title == "WHY" for other in chosen) else 0) > left:
            break
        left -= needed
        chosen.append(column)
    while len(chosen) > 1 and _missing_title_cells(chosen) > left:
        left += chosen.pop().min_cells + 1
    if not chosen:
        return ((_COLUMNS[0], max(width - _ACCENT_MARK_CELLS, 0)),)
    columns = [column for column in _COLUMNS if column in chosen]
    cells = {column.title: column.min_cells for column in columns}
    if (missing := _missing_title_cells(chosen)) <= left:
        cells[columns[-1].title] += missing
        left -= missing
    max_cells = {column.title: column.max_cells for column in columns}
    for title, limit in _GROWTH_LIMITS:
        if title in cells:
            more = min(max(min(limit, max_cells[title]) - cells[title], 0), max(left, 0))
            cells[title] += more
            left -= more
    return tuple((column, cells[column.title]) for column in columns)


def _missing_title_cells(chosen: Sequence[Column]) -> int:
    """Return how many more cells the last column needs to show how many columns are left out (`+3`)."""
    hidden, last = len(_COLUMNS) - len(chosen), max(chosen, key=_COLUMNS.index)
    arrow = 2 if last.sort else 0
    return max(len(f"{last.title} +{hidden}") + arrow - last.min_cells, 0) if hidden else 0


def render_table_header(width: int, sort: SortOrder, *, reverse: bool) -> StyledLine:
    """Return the line of column titles, exactly `width` cells wide.

    An arrow marks the column that the table is sorted by; the end of the line shows how many columns are
    left out.
    """
    arrow = "▼" if reverse else "▲"
    pieces: list[tuple[str, StyleRole]] = [(" " * _ACCENT_MARK_CELLS, "text")]
    columns, title, room = fit_columns(width), "", 0
    for column, cells in columns:
        is_sorted = column.sort == sort
        title = f"{column.title} {arrow}" if is_sorted and len(column.title) + 2 <= cells else column.title
        room = cells - len(title)
        pieces += [(fit(title, cells), "heading"), (" ", "text")]
    if hidden := len(_COLUMNS) - len(columns):
        counts = [f"+{hidden} columns when wider", f"+{hidden} columns", f"+{hidden}"]
        count = first_fitting(counts, room - 1)
        if len(count) < room:
            pieces[-2:] = [(title, "heading"), (count.rjust(room), "muted"), (" ", "text")]
    return fit_line(tuple(pieces[:-1]), width)


def render_table_row(
    snapshot: Snapshot, verdict: Verdict, now: datetime, width: int, zone: tzinfo | None = None
) -> StyledLine:
    """Return the line of one org, exactly `width` cells wide.

    Dates are shown in the time zone `zone`; if `zone` is None, in this machine's time zone.
    """
    source = CellSource(snapshot, verdict, now, zone)
    pieces = [accent_mark(snapshot.org.accent)]
    for column, cells in fit_columns(width):
        text, role = column.text(source)
        if column.short_text and cell_len(text) > cells:
            text, role = column.short_text(source)
        text_cells = min(cell_len(text), cells)
        # The padding is unstyled: badges padded with their color would form one solid block.
        pieces += [(fit(text, text_cells), role), (" " * (cells - text_cells), "text")]
        pieces.append((" ", "text"))
    return fit_line(tuple(pieces[:-1]), width)


def column_at(width: int, x: int) -> Column | None:
    """Return the column at cell `x` of a table that is `width` cells wide, or None if there is none."""
    begin = _ACCENT_MARK_CELLS
    for column, cells in fit_columns(width):
        if begin <= x < begin + cells:
            return column
        begin += cells + 1
    return None
