"""What the history and the links tell, in a few words for a panel or a line."""

from __future__ import annotations

from datetime import datetime

from zbtui.core.backup import State
from zbtui.core.links import LIFE
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import ago, day, rough


def last_good_words(snapshot: Snapshot, now: datetime) -> str:
    """`last good 6d ago`: when a backup last ended well."""
    history, backup = snapshot.zoho.history, snapshot.zoho.backup
    if history is None:
        completed = backup is not None and backup.state is State.COMPLETED
        return "last run completed" if completed else "last result unknown"
    last = history.last_completed
    if last is None:
        return "none good in a year" if history.last_failed else "none completed yet"
    return f"last good {ago(snapshot.zoho_now(now) - last.at)}" if last.at else "last good: no date told"


def links_words(snapshot: Snapshot, now: datetime) -> str:
    """`links 1d left`: whether the files of the latest backup can still be downloaded."""
    links, zoho_now = snapshot.zoho.links, snapshot.zoho_now(now)
    if gone := snapshot.links_are_gone(now):
        return f"links expired on {day(gone)}"
    if links is None:
        return "links unknown"
    if links.expire is not None:
        left = rough(links.expire - zoho_now)
        return "links end now" if left == "now" else f"links {left} left"
    if links.exist:
        return "links without an end"
    running = snapshot.zoho.backup is not None and snapshot.zoho.backup.state is State.INPROGRESS
    last = snapshot.last_completed
    if last is not None and zoho_now - last > LIFE and not running:
        return f"links expired by {day(last + LIFE)}"  # nobody saw them, but none lives longer
    return "no links yet"


def past_words(snapshot: Snapshot, now: datetime) -> tuple[str, ...]:
    """Both in one line, at falling length, for the first that fits."""
    good, links = last_good_words(snapshot, now), links_words(snapshot, now)
    short = good.removeprefix("last ")
    undated = links.partition(" on ")[0].partition(" by ")[0]
    return f"{good} · {links}", f"{short} · {links}", f"{good} · {undated}", f"{short} · {undated}", good
