"""Renders a verdict for all views: its badge, its style role and the countdown beside it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import ago, countdown
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.summaries import history_and_links_summaries
from zbtui.tui.widgets.styled_line import StyleRole, first_fitting
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.errors import data_center_label

LEVEL_ROLES: Final[dict[Level, StyleRole]] = {
    Level.OK: "ok",
    Level.WARNING: "warning",
    Level.UNKNOWN: "unknown",
    Level.CRITICAL: "critical",
}
_BADGE_ROLES: Final[dict[Level, StyleRole]] = LEVEL_ROLES | {
    Level.UNKNOWN: "unknown-badge",
    Level.CRITICAL: "critical-badge",
}


def badge(verdict: Verdict) -> str:
    """Return the verdict's glyph and word, such as `● SCHEDULED`, with `(stale)` if it is stale."""
    text = f"{verdict.glyph} {verdict.badge}"
    return f"{text} (stale)" if verdict.stale else text


def badge_role(verdict: Verdict) -> StyleRole:
    """Return the style role of the badge; only an ok that a recent poll has confirmed is green."""
    if verdict.level is Level.OK:
        if verdict.stale:
            return "stale"
        return "running" if verdict.name == "running" else "ok"
    return _BADGE_ROLES[verdict.level]


def frame_role(verdict: Verdict) -> StyleRole:
    """Return the style role of a panel's frame; the frame stands out unless the verdict is ok."""
    return "frame" if verdict.level is Level.OK else LEVEL_ROLES[verdict.level]


def countdown_text(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """Return the countdown to the next run: `in 6d 03:12:44`, `overdue 00:12:03`, `due 00:00:10 ago`.

    During a lock-out by Zoho it is the countdown to the next poll: `asks in 00:04:31`. The text is empty if
    no backup run is awaited.
    """
    problem = snapshot.polls.problem
    if problem and problem.forbids_early_retry and problem.retry_at and problem.retry_at > now:
        return f"asks in {countdown(problem.retry_at - now)}"
    ahead = snapshot.time_to_next_run(now)
    # A failure keeps its badge while another run is in progress, whose date has passed.
    running = snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS
    if ahead is None or running or verdict.name == "stopped":
        return ""
    if ahead > timedelta():
        # Beside the badge of a problem, "in" alone would read as the time until the problem ends.
        prefix = "run in" if verdict.name == "cannot_tell" else "in"
        return f"{prefix} {countdown(ahead)}"
    return f"overdue {countdown(ahead)}" if verdict.name == "overdue" else f"due {countdown(ahead)} ago"


def seen_text(snapshot: Snapshot, now: datetime) -> str:
    """Return the age of the org's data, such as `seen 3 min ago`, or `never seen`."""
    seen_at = snapshot.zoho.observed_at
    return f"seen {ago(now - seen_at)}" if seen_at else "never seen"


def org_summary(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """Return the org's state as one line of text, for the clipboard."""
    backup, org = snapshot.zoho.backup, snapshot.org
    parts = [f"{org.name} ({data_center_label(org.data_center)}): {badge(verdict)}: {verdict.headline}"]
    if backup and backup.scheduled_date and countdown_text(snapshot, verdict, now):
        parts.append(f"next run {backup.scheduled_date}")
    if backup and backup.requester:
        requester = backup.requester
        zuid = f" (ZUID {requester.zuid})" if requester.zuid else ""
        parts.append(f"set up by {requester.name or 'unnamed'}{zuid}")
    parts += [first_fitting(history_and_links_summaries(snapshot, now), 400), seen_text(snapshot, now)]
    return " · ".join(parts)
