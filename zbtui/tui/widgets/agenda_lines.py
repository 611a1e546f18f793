"""The agenda as lines: a day with its hours, a run, an org without one. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from rich.cells import cell_len

from zbtui.core.agenda import Day, Run
from zbtui.core.recurrence import in_words
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import ago, countdown, offset_text
from zbtui.core.verdict import Level, Verdict
from zbtui.tui.widgets.event_lines import day_words, draw_heading
from zbtui.tui.widgets.lines import Line, Role, accent_mark, cut, fit, longest_fitting
from zbtui.tui.widgets.told import badge, frame_role, tone

_NAME_CELLS: Final = (12, 26)
_WAY_CELLS: Final = 20


def draw_day(day: Day, width: int, now: datetime, zone: tzinfo | None = None) -> Line:
    """A day: how many runs, and in which hours; the time line has a cell an hour."""
    count = "1 run" if len(day.runs) == 1 else f"{len(day.runs)} runs"
    words = day_words(day.on, now.astimezone(zone).date())
    text = longest_fitting([f"{words} · {count} · 0h {day.strip} 24h", f"{words} · {count}"], width - 6)
    return draw_heading(text, width)


def draw_run(
    run: Run,
    snapshot: Snapshot,
    verdict: Verdict,
    now: datetime,
    width: int,
    *,
    coincides: bool,
) -> Line:
    """One run, in exactly `width` cells: `09:58 ● acme  in 03:12:44  every week on Monday`."""
    here = run.here
    ahead = run.at - snapshot.zoho_now(now)
    way: tuple[str, Role]
    if not run.exact:
        way = ("about, by its plan", "muted")
    elif ahead.total_seconds() > 0:
        way = (f"in {countdown(ahead)}", "text" if _is_certain(verdict) else "muted")
    elif _is_certain(verdict):
        way = (f"late by {countdown(ahead)}", frame_role(verdict))
    else:  # it may have run: nobody has seen
        way = (f"due {ago(-ahead)}", "muted")
    about = "~" if not run.exact else " "
    beside = f"{run.at:%H:%M} {offset_text(run.at)}" if here.utcoffset() != run.at.utcoffset() else ""
    backup = snapshot.zoho.backup
    plan = in_words(backup.rrule) if backup and backup.rrule else ""
    rest = [_doubt(snapshot, verdict, now), plan, beside and f"there {beside}"]
    mark: tuple[str, Role] = ("≡", "warning") if coincides else (" ", "text")
    return _row(f"{about}{here:%H:%M}", mark, snapshot, verdict, way, rest, width, sure=run.exact)


def draw_org(snapshot: Snapshot, verdict: Verdict, why: str, width: int) -> Line:
    """An org that has no run to await, and why."""
    return _row("", (" ", "text"), snapshot, verdict, (badge(verdict), tone(verdict)), [why], width)


def _row(
    time: str,
    mark: tuple[str, Role],
    snapshot: Snapshot,
    verdict: Verdict,
    way: tuple[str, Role],
    rest: list[str],
    width: int,
    *,
    sure: bool = True,
) -> Line:
    name = min(max(width // 4, _NAME_CELLS[0]), _NAME_CELLS[1])
    said = " · ".join(filter(None, rest))
    return cut(
        (
            (f" {time:6}", "text" if sure else "muted"),
            mark,
            (" ", "text"),
            (verdict.glyph, frame_role(verdict) if verdict.level is not Level.OK else tone(verdict)),
            accent_mark(snapshot.org.accent),
            (fit(snapshot.org.name, name), "name" if sure else "muted"),
            (" ", "text"),
            # A badge is no wider than its words.
            (fit(way[0], told := min(cell_len(way[0]), _WAY_CELLS)), way[1]),
            (" " * (_WAY_CELLS - told + 1), "text"),
            (fit(said, max(width - name - 34, 0)), "muted"),
        ),
        width,
    )


def _is_certain(verdict: Verdict) -> bool:
    return verdict.level is not Level.UNKNOWN and not verdict.stale


def _doubt(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """What keeps a date from being certain."""
    if _is_certain(verdict) or snapshot.zoho.observed_at is None:
        return ""
    return f"{verdict.word}, as of {ago(now - snapshot.zoho.observed_at)}"
