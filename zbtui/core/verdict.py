"""Is this org's backup healthy? One pure function, asked by the screen and by `check` alike.

The first rule that matches wins. `unknown` means "cannot look" and is never mixed with "failed";
nothing is ever `ok` that was not seen lately.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final, Literal

from zbtui.core.backup import Backup, State
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import ago, countdown, rough
from zbtui.core.trouble import Kind

PATIENCE: Final = 3
"""Polls that may fail, or be missed, before what was seen no longer counts."""


class Level(IntEnum):
    """How bad, worst last."""

    OK = 0
    WARNING = 1
    UNKNOWN = 2
    CRITICAL = 3

    @property
    def word(self) -> str:
        return self.name.lower()

    @property
    def glyph(self) -> str:
        return "●▲?✖"[self]


Name = Literal[
    "cannot_look",
    "waiting",
    "failed",
    "stopped",
    "overdue",
    "running_long",
    "none",
    "one_off",
    "unknown_status",
    "running",
    "scheduled",
    "completed",
]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to think of an org."""

    name: Name
    level: Level
    word: str
    """The badge: Zoho's own status word, or one of ours (`NO BACKUP`, `OFFLINE` …)."""
    headline: str
    hint: str | None = None
    stale: bool = False
    """Judged by data that a newer attempt could not confirm."""

    @property
    def glyph(self) -> str:
        """One narrow character a state, so that no state is told by colour alone."""
        return _GLYPHS[self.name]


_GLYPHS: Final[dict[Name, str]] = {
    "cannot_look": "?",
    "waiting": "◌",
    "failed": "✖",
    "stopped": "■",
    "overdue": "◆",
    "running_long": "▷",
    "none": "○",
    "one_off": "◐",
    "unknown_status": "▲",
    "running": "▶",
    "scheduled": "●",
    "completed": "✔",
}

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
    trouble, seen, policy = snapshot.trouble, snapshot.observed_at, policy.of(snapshot.org)
    # Both ways: after the clock was set back, an age means nothing either.
    outdated = seen is None or abs(now - seen) > PATIENCE * policy.every
    if trouble and (trouble.final or outdated or snapshot.failures >= patience):
        return Verdict(
            "cannot_look", Level.UNKNOWN, KIND_WORDS[trouble.kind], trouble.message, trouble.hint
        )
    if seen is None:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", "not looked at yet")
    if outdated:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", f"last seen {ago(now - seen)}{_was(snapshot)}")
    verdict = _judge_backup(snapshot, policy, now)
    return replace(verdict, stale=trouble is not None or snapshot.restored)


def _was(snapshot: Snapshot) -> str:
    status = snapshot.backup.status if snapshot.backup else "no backup"
    return f" ({status})" if status else ""


def _judge_backup(snapshot: Snapshot, policy: Policy, now: datetime) -> Verdict:
    backup = snapshot.backup
    if backup is None:
        return Verdict(
            "none",
            Level.WARNING,
            "NO BACKUP",
            "no backup is set up",
            "Set one up in Zoho: Setup > Data Administration > Data Backup.",
        )
    ahead = snapshot.time_to_next_run(now)
    word = backup.status or "NO STATUS"
    state = backup.state
    if state in (State.FAILED, State.PAYMENT_FAILED):
        return _failed(state, word, ahead)
    if state is State.STOPPED:
        return Verdict(
            "stopped",
            Level.CRITICAL,
            word,
            "stopped; no backup will run",
            "Schedule it anew in Zoho: Setup > Data Administration > Data Backup.",
        )
    if state is State.INPROGRESS:
        return _running(word, snapshot, policy, now)
    if state is not State.FINISHED and ahead is not None and -ahead > policy.overdue_after:
        return Verdict(
            "overdue",
            Level.CRITICAL,
            "OVERDUE",
            f"the run did not start; overdue {countdown(ahead)}",
            f"Zoho still says {word}: see Setup > Data Administration > Data Backup there.",
        )
    if state is State.UNKNOWN:
        return Verdict(
            "unknown_status",
            Level.WARNING,
            word,
            "a status that zbtui does not know",
            "See Setup > Data Administration > Data Backup in Zoho; look for a newer zbtui.",
        )
    if backup.rrule is None or ahead is None or state is State.FINISHED:
        return _nothing_repeats(backup, word, ahead)
    return Verdict(
        "completed" if state is State.COMPLETED else "scheduled", Level.OK, word, _next_run(ahead)
    )


def _failed(state: State, word: str, ahead: timedelta | None) -> Verdict:
    unpaid = state is State.PAYMENT_FAILED
    headline = "the backup was not paid for" if unpaid else "the last backup failed"
    if ahead is not None and ahead > timedelta():
        headline += f"; next try in {countdown(ahead)}"
    return Verdict(
        "failed",
        Level.CRITICAL,
        word,
        headline,
        "The add-on's payment failed: see Setup > Subscriptions in Zoho."
        if unpaid
        else "See Setup > Data Administration > Data Backup in Zoho, and order one by hand.",
    )


def _running(word: str, snapshot: Snapshot, policy: Policy, now: datetime) -> Verdict:
    if snapshot.after_failure:
        return Verdict(
            "failed",
            Level.CRITICAL,
            word,
            "failed before; another is running",
            "Wait for its end: until one completes, there is no newer backup.",
        )
    lasted = now - (snapshot.running_since or now)
    if lasted > policy.long_run_after:
        return Verdict(
            "running_long",
            Level.WARNING,
            word,
            f"running for {rough(lasted)}; longer than usual",
            "Large orgs take many hours; if it stays, ask Zoho's support.",
        )
    since = "" if rough(lasted) == "now" else f", seen running for {rough(lasted)}"
    return Verdict("running", Level.OK, word, f"a backup is running{since}")


def _nothing_repeats(backup: Backup, word: str, ahead: timedelta | None) -> Verdict:
    if backup.state is State.FINISHED:
        headline = "the schedule has run out; nothing will run"
    elif ahead is not None:
        headline = f"nothing repeats; {_next_run(ahead)}"
    elif backup.rrule is None:
        headline = "nothing will run by itself; it was a single backup"
    else:
        headline = "Zoho names no next run"
    return Verdict(
        "one_off",
        Level.WARNING,
        word,
        headline,
        "Schedule a recurring one in Zoho: Setup > Data Administration > Data Backup.",
    )


def _next_run(ahead: timedelta) -> str:
    if ahead > timedelta():
        return f"next backup in {countdown(ahead)}"
    return f"due {countdown(ahead)} ago, not seen running yet"
