"""Judges whether an org's backup is healthy: one pure function for the screen, `check` and the alerts.

The first rule that matches wins. Missing data never improves a verdict: without a recent observation no org
is `ok`, and an org that was critical stays critical until newer data is known.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from zbtui.health.case import Case
from zbtui.health.rules import RULES, healthy_verdict
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemKind
from zbtui.model.time_format import ago
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy

ALLOWED_FAILURES: Final = 3
"""After this many failed or missed polls in a row, the last observation no longer counts."""

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
    """Return the verdict on one org.

    Args:
        snapshot: what is known of the org.
        policy: the watch policy (poll intervals and thresholds), before the org's own values are applied.
        now: the time by this machine's clock, with a time zone.
        allowed_failures: after this many failed polls in a row, the last good answer no longer counts.
    """
    now = now.astimezone(UTC)  # datetimes of one zone subtract by wall clock, wrongly across a DST change
    case = Case(snapshot, snapshot.org.own_policy(policy), now, allowed_failures)
    verdict = _verdict_without_answer(case) or _verdict_of_rules(case)
    if verdict.level is Level.UNKNOWN:
        # An org that was critical at the last good answer, or at the last read of the history, still is.
        moments = (snapshot.zoho.observed_at, snapshot.zoho.history_read_at)
        verdict = next(filter(None, (_critical_as_of(case, at) for at in moments)), verdict)
    elif snapshot.polls.problem or snapshot.polls.restored:
        verdict = replace(verdict, stale=True)
    return verdict


def _verdict_without_answer(case: Case) -> Verdict | None:
    """Return the verdict on an org without a recent good answer; None if there is such an answer."""
    snapshot, problem, seen = case.snapshot, case.snapshot.polls.problem, case.snapshot.zoho.observed_at
    # `abs`: an observation from the future means that this machine's clock was set back.
    outdated = seen is None or abs(case.now - seen) > ALLOWED_FAILURES * case.policy.every
    if problem and (problem.final or outdated or snapshot.polls.failures >= case.patience):
        return Verdict(
            "cannot_tell", Level.UNKNOWN, PROBLEM_BADGES[problem.kind], problem.message, problem.hint
        )
    if seen is None:
        return Verdict("waiting", Level.UNKNOWN, "WAITING", "not polled yet")
    if outdated:
        headline = f"last seen {ago(case.now - seen)}{_last_status_text(snapshot)}"
        return Verdict("waiting", Level.UNKNOWN, "WAITING", headline)
    return None


def _verdict_of_rules(case: Case) -> Verdict:
    return next(filter(None, (rule(case) for rule in RULES)), None) or healthy_verdict(case)


def _critical_as_of(case: Case, moment: datetime | None) -> Verdict | None:
    """Return the critical verdict that an org had at `moment`, worded for now.

    None if `moment` is None, or if the org was not critical at `moment`.
    """
    if moment is None:
        return None
    moment = min(moment, case.now)  # this machine's clock may have been set back
    then = replace(case, now=moment.astimezone(UTC))
    rule, was = next(((rule, was) for rule in RULES if (was := rule(then))), (None, None))
    if rule is None or was is None or was.level is not Level.CRITICAL:
        return None
    verdict = rule(case) or was
    problem = case.snapshot.polls.problem
    since = f"cannot be polled since: {problem.message}" if problem else "nothing newer is known"
    headline = f"{verdict.headline.partition('; ')[0]}, as of {ago(case.now - moment)}; {since}"
    return replace(verdict, headline=headline, stale=True)


def _last_status_text(snapshot: Snapshot) -> str:
    status = snapshot.zoho.backup.status if snapshot.zoho.backup else "no backup"
    return f" ({status})" if status else ""
