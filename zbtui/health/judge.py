"""Judges whether an org's backup is healthy: one pure function for the screen, `check` and alerts.

The first rule that matches wins. `unknown` means that the org cannot be polled, never that its backup
failed. Without a recent observation, nothing is `ok`.
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
"""Polls that may fail or be missed before the last observation no longer counts."""

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
    """The verdict on one org, by the policy before the org's own settings are applied.

    After `allowed_failures` failed polls, the last good answer no longer counts.
    """
    now = now.astimezone(UTC)  # datetimes of one zone subtract by wall clock, wrongly across a DST change
    problem, seen, policy = snapshot.polls.problem, snapshot.zoho.observed_at, policy.for_org(snapshot.org)
    # `abs`: an observation from the future means that the clock was set back.
    outdated = seen is None or abs(now - seen) > ALLOWED_FAILURES * policy.every
    if problem and (problem.final or outdated or snapshot.polls.failures >= allowed_failures):
        badge = PROBLEM_BADGES[problem.kind]
        return Verdict("cannot_look", Level.UNKNOWN, badge, problem.message, problem.hint)
    if outdated:
        headline = "not looked at yet"
        if seen is not None:
            headline = f"last seen {ago(now - seen)}{_last_status_text(snapshot)}"
        return Verdict("waiting", Level.UNKNOWN, "WAITING", headline)
    case = Case(snapshot, policy, now)
    found = next(filter(None, (rule(case) for rule in RULES)), None)
    verdict = found or _unreadable_history(snapshot, now, allowed_failures) or healthy_verdict(case)
    return replace(verdict, stale=problem is not None or snapshot.polls.restored)


def _unreadable_history(snapshot: Snapshot, now: datetime, patience: int) -> Verdict | None:
    """A verdict if the history cannot be read: without it, a planned run proves no backup."""
    problem, read = snapshot.polls.history_problem, snapshot.zoho.history_read_at
    if problem is None:
        return None
    known = read is not None and timedelta() <= now - read <= ALLOWED_FAILURES * HISTORY_AND_LINKS_EVERY
    # Behind: the details show a change that the history does not have yet.
    is_behind = snapshot.zoho.history_outdated and snapshot.polls.history_failures >= patience
    if known and not is_behind:
        return None
    headline = f"The last result cannot be read; {problem.message}"
    return Verdict("cannot_look", Level.UNKNOWN, "NO HISTORY", headline, problem.hint)


def _last_status_text(snapshot: Snapshot) -> str:
    status = snapshot.zoho.backup.status if snapshot.zoho.backup else "no backup"
    return f" ({status})" if status else ""
