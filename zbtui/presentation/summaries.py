"""Summaries of an org's backup history and download links in a few words, for a panel or a line."""

from __future__ import annotations

from datetime import datetime

from zbtui.health.snapshot import Snapshot
from zbtui.model.time_format import ago, day_month_text, rough_span
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.links import LINKS_LIFETIME


def last_good_summary(snapshot: Snapshot, now: datetime) -> str:
    """Return a few words on when a backup last succeeded, such as `last good 6d ago`."""
    history, backup = snapshot.zoho.history, snapshot.zoho.backup
    if history is None:
        completed = backup is not None and backup.state is BackupState.COMPLETED
        return "last run completed" if completed else "last result unknown"
    last = history.last_completed
    if last is None:
        return "none good in a year" if history.last_failed else "none completed yet"
    if last.logged_at is None:
        return "last good: no date told"
    return f"last good {ago(snapshot.zoho_now(now) - last.logged_at)}"


def links_summary(snapshot: Snapshot, now: datetime) -> str:
    """Return a few words on whether and how long the latest backup's files can be downloaded.

    An example is `links 1d left`.
    """
    links, zoho_now = snapshot.zoho.links, snapshot.zoho_now(now)
    if gone := snapshot.links_expired_at(now):
        return f"links expired on {day_month_text(gone)}"
    if links is None:
        return "links unknown"
    if links.expires_at is not None:
        left = rough_span(links.expires_at - zoho_now)
        return "links end now" if left == "now" else f"links {left} left"
    if links.are_available:
        return "links without an end"
    running = snapshot.zoho.backup is not None and snapshot.zoho.backup.state is BackupState.INPROGRESS
    last = snapshot.last_completed
    if last is not None and zoho_now - last > LINKS_LIFETIME and not running:
        # The links were never seen, but no link is valid for longer than this.
        return f"links expired by {day_month_text(last + LINKS_LIFETIME)}"
    return "no links yet"


def history_and_links_summaries(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """Return the two summaries joined, in several lengths, longest first; callers use the first that fits.

    The last text is the summary of the last good backup alone.
    """
    good, links = last_good_summary(snapshot, now), links_summary(snapshot, now)
    short = good.removeprefix("last ")
    undated = links.partition(" on ")[0].partition(" by ")[0]
    return f"{good} · {links}", f"{short} · {links}", f"{good} · {undated}", f"{short} · {undated}", good
