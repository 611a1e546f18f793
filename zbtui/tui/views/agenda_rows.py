"""Renders the lines of the agenda view: day headings, backup runs, orgs without a known run. Pure."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final

from rich.cells import cell_len

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import ago, countdown, utc_offset_text
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.agenda import AgendaDay, AgendaRun
from zbtui.tui.views.event_rows import relative_day_text, render_heading
from zbtui.tui.views.verdict_text import badge, badge_role, frame_role
from zbtui.tui.widgets.styled_line import StyledLine, StyleRole, accent_mark, first_fitting, fit, fit_line
from zbtui.zoho_api.recurrence import rrule_text

_NAME_CELLS: Final = (12, 26)
_TIME_TO_RUN_CELLS: Final = 20


def render_day(day: AgendaDay, width: int, now: datetime, zone: tzinfo | None = None) -> StyledLine:
    """Return a day's heading: date, number of backup runs, and a time line with one cell for each hour."""
    count = "1 run" if len(day.runs) == 1 else f"{len(day.runs)} runs"
    words = relative_day_text(day.day, now.astimezone(zone).date())
    text = first_fitting([f"{words} · {count} · 0h {day.hour_cells} 24h", f"{words} · {count}"], width - 6)
    return render_heading(text, width)


def render_run(
    run: AgendaRun, snapshot: Snapshot, verdict: Verdict, now: datetime, width: int, *, shares_hour: bool
) -> StyledLine:
    """Return the line of one backup run: `09:58 ● acme  in 03:12:44  every week on Monday`.

    The line is exactly `width` cells wide. If another run begins in the same hour, `shares_hour` is true,
    and the line is marked.
    """
    local = run.local_time
    ahead = run.at - snapshot.zoho_now(now)
    time_to_run: tuple[str, StyleRole]
    if not run.is_exact:
        time_to_run = ("about, by its plan", "muted")
    elif ahead.total_seconds() > 0:
        time_to_run = (f"in {countdown(ahead)}", "text" if _is_confirmed(verdict) else "muted")
    elif _is_confirmed(verdict):
        time_to_run = (f"late by {countdown(ahead)}", frame_role(verdict))
    else:  # the run may have begun unnoticed
        time_to_run = (f"due {ago(-ahead)}", "muted")
    prefix = "~" if not run.is_exact else " "
    backup = snapshot.zoho.backup
    plan = rrule_text(backup.rrule) if backup and backup.rrule else ""
    details = [_uncertainty_text(snapshot, verdict, now), plan]
    if local.utcoffset() != run.at.utcoffset():
        details.append(f"there {run.at:%H:%M} {utc_offset_text(run.at)}")
    mark: tuple[str, StyleRole] = ("≡", "warning") if shares_hour else (" ", "text")
    time = f"{prefix}{local:%H:%M}"
    return _row(time, mark, snapshot, verdict, time_to_run, details, width, exact=run.is_exact)


def render_org_without_run(snapshot: Snapshot, verdict: Verdict, reason: str, width: int) -> StyledLine:
    """Return the line of an org for which the agenda lists no run, with the `reason`."""
    return _row(
        "", (" ", "text"), snapshot, verdict, (badge(verdict), badge_role(verdict)), [reason], width
    )


def _row(
    time: str,
    mark: tuple[str, StyleRole],
    snapshot: Snapshot,
    verdict: Verdict,
    time_to_run: tuple[str, StyleRole],
    details: list[str],
    width: int,
    *,
    exact: bool = True,
) -> StyledLine:
    name_cells = min(max(width // 4, _NAME_CELLS[0]), _NAME_CELLS[1])
    time_cells = min(cell_len(time_to_run[0]), _TIME_TO_RUN_CELLS)
    return fit_line(
        (
            (f" {time:6}", "text" if exact else "muted"),
            mark,
            (" ", "text"),
            (verdict.glyph, frame_role(verdict) if verdict.level is not Level.OK else badge_role(verdict)),
            accent_mark(snapshot.org.accent),
            (fit(snapshot.org.name, name_cells), "name" if exact else "muted"),
            (" ", "text"),
            # The padding is a separate piece, so that a badge's style covers only its words.
            (fit(time_to_run[0], time_cells), time_to_run[1]),
            (" " * (_TIME_TO_RUN_CELLS - time_cells + 1), "text"),
            (fit(" · ".join(filter(None, details)), max(width - name_cells - 34, 0)), "muted"),
        ),
        width,
    )


def _is_confirmed(verdict: Verdict) -> bool:
    return verdict.level is not Level.UNKNOWN and not verdict.stale


def _uncertainty_text(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """Return why the date of the org's next run is uncertain; empty if the date is confirmed."""
    if _is_confirmed(verdict) or snapshot.zoho.observed_at is None:
        return ""
    return f"{verdict.badge}, as of {ago(now - snapshot.zoho.observed_at)}"
