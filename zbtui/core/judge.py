"""Is this org's backup healthy? One pure function, asked by the screen, by `check` and by alerts alike.

The first rule that matches wins. `unknown` means "cannot look" and is never mixed with "failed";
nothing is ever `ok` that was not seen lately.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from zbtui.core.cadence import PAST_EVERY
from zbtui.core.org import Policy
from zbtui.core.rules import RULES, Case, look_healthy
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import ago
from zbtui.core.trouble import Kind
from zbtui.core.verdict import Level, Verdict

PATIENCE: Final = 3
"""Polls that may fail, or be missed, before what was seen no longer counts."""

KIND_WORDS: Final[dict[Kind, str]] = {
    "auth": "SIGN IN",
    "permission": "NO ACCESS",
    "throttled": "THROTTLED",
    "network": "OFFLINE",
    "server": "ZOHO ERROR",
    "contract": "BAD ANSWER",
    "keyring": "LOCKED",
    "config": "CONFIG",
}


def judge(snapshot: Snapshot, policy: Policy, now: datetime, patience: int = PATIENCE) -> Verdict:
    """The verdict on one org.

    Args:
        snapshot: what is known of it.
        policy: from when on to worry.
        now: the moment, by this machine's clock, with a time zone.
        patience: failed polls after which the last good answer no longer counts.
    """
    now = now.astimezone(UTC)  # two moments of one zone are apart by its wall clock, whatever it skips
    trouble, seen, policy = snapshot.polls.problem, snapshot.zoho.observed_at, policy.of(snapshot.org)
    # Both ways: after the clock was set back, an age means nothing either.
    outdated = seen is None or abs(now - seen) > PATIENCE * policy.every
    if trouble and (trouble.final or outdated or snapshot.polls.failures >= patience):
        return Verdict(
            "cannot_look", Level.UNKNOWN, KIND_WORDS[trouble.kind], trouble.message, trouble.hint
        )
    if seen is None:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", "not looked at yet")
    if outdated:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", f"last seen {ago(now - seen)}{_was(snapshot)}")
    case = Case(snapshot, policy, now)
    found = (rule(case) for rule in RULES)
    verdict = next(filter(None, found), None) or _unread_past(snapshot, now, patience) or look_healthy(case)
    return replace(verdict, stale=trouble is not None or snapshot.polls.restored)


def _unread_past(snapshot: Snapshot, now: datetime, patience: int) -> Verdict | None:
    """A run ahead is no proof of a backup: where the history cannot be read, nothing is green."""
    trouble, read = snapshot.polls.history_problem, snapshot.zoho.history_read_at
    if trouble is None:
        return None
    known = read is not None and timedelta() <= now - read <= PATIENCE * PAST_EVERY
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


def _was(snapshot: Snapshot) -> str:
    status = snapshot.zoho.backup.status if snapshot.zoho.backup else "no backup"
    return f" ({status})" if status else ""
