"""How a verdict is told in every view: its badge, its colour, and the countdown beside it. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import ago, countdown
from zbtui.model.verdict import Level, Verdict
from zbtui.presentation.summaries import history_and_links_summaries
from zbtui.tui.widgets.styled_line import StyleRole, first_fitting
from zbtui.zoho_api.backup import BackupState
from zbtui.zoho_api.errors import data_center_label

LEVEL_ROLES: Final[dict[Level, StyleRole]] = {
    Level.OK: "ok",
    Level.WARNING: "warning",
    Level.UNKNOWN: "unknown",
    Level.CRITICAL: "critical",
}
_BADGE_ROLES: Final[dict[Level, StyleRole]] = {
    Level.UNKNOWN: "unknown-badge",
    Level.CRITICAL: "critical-badge",
}


def badge(verdict: Verdict) -> str:
    """`● SCHEDULED`: glyph and word, and whether that is old knowledge."""
    word = f"{verdict.glyph} {verdict.badge}"
    return f"{word} (stale)" if verdict.stale else word


def badge_role(verdict: Verdict) -> StyleRole:
    """The badge's role. Green is for what was seen lately, and for nothing else."""
    if verdict.level is Level.OK:
        if verdict.stale:
            return "stale"
        return "running" if verdict.name == "running" else "ok"
    return _BADGE_ROLES.get(verdict.level) or LEVEL_ROLES[verdict.level]


def frame_role(verdict: Verdict) -> StyleRole:
    """A frame stands out where somebody should look."""
    return "frame" if verdict.level is Level.OK else LEVEL_ROLES[verdict.level]


def countdown_text(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """`in 6d 03:12:44`, `overdue 00:12:03`, `due 00:00:10 ago`; empty where there is none to wait for."""
    trouble = snapshot.polls.problem
    if trouble and trouble.forbids_early_retry and trouble.retry_at and trouble.retry_at > now:
        return f"asks in {countdown(trouble.retry_at - now)}"
    ahead = snapshot.time_to_next_run(now)
    # The badge of a failure stays while another run is in progress; its date is not one to wait for.
    running = snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS
    if ahead is None or running or verdict.name == "stopped":
        return ""
    if ahead > timedelta():
        # Beside a badge that tells a trouble, it would read as the end of that.
        what = "run in" if verdict.name == "cannot_look" else "in"
        return f"{what} {countdown(ahead)}"
    return f"overdue {countdown(ahead)}" if verdict.name == "overdue" else f"due {countdown(ahead)} ago"


def org_summary(snapshot: Snapshot, verdict: Verdict, now: datetime) -> str:
    """How an org stands, as a line of text to hand on."""
    backup, org = snapshot.zoho.backup, snapshot.org
    told = [f"{org.name} ({data_center_label(org.data_center)}): {badge(verdict)}: {verdict.headline}"]
    if backup and backup.scheduled_date and countdown_text(snapshot, verdict, now):
        told.append(f"next run {backup.scheduled_date}")
    if backup and backup.requester:
        who = backup.requester
        told.append(f"set up by {who.name or 'unnamed'}" + (f" (ZUID {who.zuid})" if who.zuid else ""))
    told.append(first_fitting(history_and_links_summaries(snapshot, now), 400))
    told.append(
        f"seen {ago(now - snapshot.zoho.observed_at)}" if snapshot.zoho.observed_at else "never seen"
    )
    return " · ".join(told)
