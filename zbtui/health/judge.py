"""Is this org's backup healthy? One pure function, asked by the screen, by `check` and by alerts alike.

The first rule that matches wins. `unknown` means "cannot look" and is never mixed with "failed";
nothing is ever `ok` that was not seen lately.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.health.poll_schedule import HISTORY_AND_LINKS_EVERY
from zbtui.health.rules import RULES, Case, healthy_verdict
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import ProblemKind
from zbtui.model.time_format import ago
from zbtui.model.verdict import Level, Verdict

ALLOWED_FAILURES: Final = 3
"""Polls that may fail, or be missed, before what was seen no longer counts."""

PROBLEM_BADGES: Final[dict[ProblemKind, str]] = {
    "auth": "SIGN IN",
    "permission": "NO ACCESS",
    "throttled": "THROTTLED",
    "network": "OFFLINE",
    "server": "ZOHO ERROR",
    "contract": "BAD ANSWER",
    "keyring": "LOCKED",
    "config": "CONFIG",
}


def judge(
    snapshot: Snapshot, policy: WatchPolicy, now: datetime, allowed_failures: int = ALLOWED_FAILURES
) -> Verdict:
    """The verdict on one org.

    Args:
        snapshot: what is known of it.
        policy: from when on to worry.
        now: the moment, by this machine's clock, with a time zone.
        patience: failed polls after which the last good answer no longer counts.
    """
    now = now.astimezone(UTC)  # two moments of one zone are apart by its wall clock, whatever it skips
    trouble, seen, policy = snapshot.polls.problem, snapshot.zoho.observed_at, policy.for_org(snapshot.org)
    # Both ways: after the clock was set back, an age means nothing either.
    outdated = seen is None or abs(now - seen) > ALLOWED_FAILURES * policy.every
    if trouble and (trouble.final or outdated or snapshot.polls.failures >= allowed_failures):
        return Verdict(
            "cannot_look", Level.UNKNOWN, PROBLEM_BADGES[trouble.kind], trouble.message, trouble.hint
        )
    if seen is None:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", "not looked at yet")
    if outdated:
        return Verdict(
            "waiting", Level.UNKNOWN, "WAITING", f"last seen {ago(now - seen)}{_last_status_text(snapshot)}"
        )
    case = Case(snapshot, policy, now)
    found = (rule(case) for rule in RULES)
    verdict = (
        next(filter(None, found), None)
        or _unreadable_history(snapshot, now, allowed_failures)
        or healthy_verdict(case)
    )
    return replace(verdict, stale=trouble is not None or snapshot.polls.restored)


def _unreadable_history(snapshot: Snapshot, now: datetime, patience: int) -> Verdict | None:
    """A run ahead is no proof of a backup: where the history cannot be read, nothing is green."""
    trouble, read = snapshot.polls.history_problem, snapshot.zoho.history_read_at
    if trouble is None:
        return None
    known = read is not None and timedelta() <= now - read <= ALLOWED_FAILURES * HISTORY_AND_LINKS_EVERY
    # Behind: it ends before what the details tell of.
    is_behind = snapshot.zoho.history_outdated and snapshot.polls.history_failures >= patience
    if known and not is_behind:
        return None
    return Verdict(
        "cannot_look",
        Level.UNKNOWN,
        "NO HISTORY",
        f"The last result cannot be read; {trouble.message}",
        trouble.hint,
    )


def _last_status_text(snapshot: Snapshot) -> str:
    status = snapshot.zoho.backup.status if snapshot.zoho.backup else "no backup"
    return f" ({status})" if status else ""
