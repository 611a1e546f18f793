"""Decides which alerts are due. Pure: takes the alert state as an argument and returns the new one.

A bad verdict on an org is notified once, and so is the org's recovery; reminders repeat a verdict that
lasts. If no org can be reached, one alert is sent for all orgs, not one for each.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from zbtui.health.alert import (
    ALL_ORGS,
    Alert,
    AlertKind,
    AlertRules,
    AlertState,
    OrgAlertState,
    verdict_text,
)
from zbtui.health.own_alerts import decide_own_alerts
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemKind
from zbtui.model.time_format import rough_span
from zbtui.model.verdict import Level, Verdict

__all__ = [
    "ALL_ORGS",
    "Alert",
    "AlertKind",
    "AlertRules",
    "AlertState",
    "JudgedOrg",
    "OrgAlertState",
    "decide_alerts",
    "verdict_text",
]

_SHARED_PROBLEM_KINDS: Final[tuple[ProblemKind, ...]] = ("network", "keyring", "server", "contract")


@dataclass(frozen=True, slots=True)
class JudgedOrg:
    """An org's snapshot, with the verdict on it."""

    snapshot: Snapshot
    verdict: Verdict

    @property
    def org_name(self) -> str:
        return self.snapshot.org.name

    @property
    def polled_at(self) -> datetime | None:
        """The time of the org's last poll; None if it was not polled since the program started."""
        is_unpolled = self.snapshot.polls.restored and self.snapshot.polls.problem is None
        return None if is_unpolled else self.snapshot.polls.attempted_at

    @property
    def is_unreachable(self) -> bool:
        """Whether the org's last poll failed for a reason that can affect all orgs, such as the network."""
        problem = self.snapshot.polls.problem
        return problem is not None and problem.kind in _SHARED_PROBLEM_KINDS

    @property
    def has_answered(self) -> bool:
        """Whether Zoho answered the org's last poll, even if with a refusal."""
        problem = self.snapshot.polls.problem
        return problem is None or (problem.http_status is not None and not self.is_unreachable)

    @property
    def is_polled(self) -> bool:
        """Whether zbtui will soon poll the org again without a person's help."""
        problem = self.snapshot.polls.problem
        is_stuck = problem is not None and (problem.final or problem.forbids_early_retry)
        return not (self.snapshot.activity.paused or is_stuck)

    def was_polled_since(self, moment: datetime | None) -> bool:
        """Whether the org was polled after `moment` or, if `moment` is None, at all."""
        return self.polled_at is not None and (moment is None or self.polled_at > moment)


def decide_alerts(
    state: AlertState, judged: Sequence[JudgedOrg], rules: AlertRules, now: datetime
) -> tuple[AlertState, tuple[Alert, ...]]:
    """Return the new alert state and the alerts that are due.

    `judged` are all orgs that this process watches.
    """
    # 1. Correct times from the future, before anything is compared with them: after the clock was
    #    set back, they would silence reminders and reject polls as old.
    state, alerts, reachability = _clamp_to_now(state, now), list[Alert](), _reachability_of(judged)
    # 2. Decide on the outage before the orgs: during an outage, an org that cannot be reached gets no
    #    alert of its own (step 4).
    if rules.covers_all_orgs:
        state, alerts = _decide_outage(state, judged, reachability, rules, now)
    state, own = decide_own_alerts(state, [org.org_name for org in judged], rules, now)
    alerts += own
    # 3. A process that watches only some orgs cannot end an outage. Once one of its orgs has answered,
    #    it decides as if the outage were over, but leaves the outage in the state: a process that
    #    watches all orgs still has to notify the end.
    orgs, effective, since = dict(state.orgs), state, state.outage_since
    if since and not rules.covers_all_orgs and any(at > since for at in reachability.answered_at):
        effective = replace(state, outage_since=None)
    for org in judged:
        # 4. Skip inconclusive verdicts before comparing: a skipped org keeps its state, so no alert is
        #    lost, and a verdict that is unknown for a moment is no recovery.
        is_silenced = org.snapshot.org.mute or org.snapshot.activity.paused
        if is_silenced or not _is_conclusive(org, effective, reachability, rules, now):
            continue
        before = orgs.get(org.org_name)
        # 5. Skip a poll older than the state, which another process has written: the alert would
        #    report the change in reverse.
        if _is_older_than_state(org, before):
            continue
        # 6. Compare, and take state and alert together: the caller stores both at once.
        org_state, alert = _decide_org(before, org, rules, now)
        orgs[org.org_name] = org_state
        if alert:
            alerts.append(alert)
    return replace(state, orgs=orgs), tuple(alerts)


def _is_older_than_state(org: JudgedOrg, before: OrgAlertState | None) -> bool:
    """Whether the org's alert state, `before`, comes from a later poll, made by another process."""
    state_at = before.polled_at if before else None
    return state_at is not None and org.polled_at is not None and org.polled_at < state_at


def _clamp_to_now(state: AlertState, now: datetime) -> AlertState:
    """Return the alert state with every time later than `now` replaced by `now`.

    Such times were stored before this machine's clock was set back.
    """

    def clamp(moment: datetime | None) -> datetime | None:
        return min(moment, now) if moment else None

    return AlertState(
        {
            name: replace(before, notified_at=clamp(before.notified_at), polled_at=clamp(before.polled_at))
            for name, before in state.orgs.items()
        },
        clamp(state.outage_since),
        clamp(state.outage_notified_at),
        clamp(state.outage_ended_at),
        clamp(state.journal_notified_at),
        {key: clamp(left_at) for key, left_at in state.watched.items()},
    )


def _decide_outage(
    state: AlertState,
    judged: Sequence[JudgedOrg],
    reachability: _Reachability,
    rules: AlertRules,
    now: datetime,
) -> tuple[AlertState, list[Alert]]:
    """Return the new alert state, and an alert if an outage of all orgs begins, ends or gets a reminder."""
    since = state.outage_since
    # 1. No outage yet: has one begun?
    if since is None:
        unreachable = _find_outage(state, judged, reachability, rules, now)
        if not unreachable:
            return state, []
        state = replace(state, outage_since=now, outage_notified_at=now, outage_ended_at=None)
        return state, [_outage_alert("outage", unreachable, now)]
    # 2. Has the outage ended? Before the reminder, as an outage that is over needs none.
    reached = [org for org in judged if org.has_answered and org.was_polled_since(since)]
    if reached:
        state = replace(state, outage_since=None, outage_notified_at=None, outage_ended_at=now)
        return state, [_outage_over_alert(reached[0], since, now)]
    # 3. The outage lasts: is a reminder due?
    unreachable = [org for org in judged if org.is_polled and org.is_unreachable]
    if not unreachable or not _reminder_is_due(state.outage_notified_at or since, rules, now):
        return state, []
    return replace(state, outage_notified_at=now), [_outage_alert("reminder", unreachable, now)]


def _find_outage(
    state: AlertState,
    judged: Sequence[JudgedOrg],
    reachability: _Reachability,
    rules: AlertRules,
    now: datetime,
) -> list[JudgedOrg]:
    """Return the orgs out of reach, at least two, if a new outage has begun; otherwise an empty list."""
    if rules.settings.least > Level.UNKNOWN:
        return []
    polled = [org for org in judged if org.is_polled]
    unreachable = [
        org for org in polled if org.is_unreachable and org.was_polled_since(state.outage_ended_at)
    ]
    began = [
        _unreachable_since(org, state, now)
        for org in unreachable
        if not (org.snapshot.org.mute or _already_notified(state, org))
        and _has_lasted(org, state, rules, now)
    ]
    last_answer = reachability.answered_at[-1] if reachability.answered_at else None
    unanswered = [moment for moment in began if last_answer is None or last_answer <= moment]
    if len(unreachable) < 2 or not unanswered:
        return []
    names = {org.org_name for org in unreachable}
    rest = [org for org in polled if org.org_name not in names]
    has_unpolled = any(org.polled_at is None for org in rest)
    return [] if _others_are_pending(bool(rest), has_unpolled, min(unanswered), rules, now) else unreachable


def _has_lasted(org: JudgedOrg, state: AlertState, rules: AlertRules, now: datetime) -> bool:
    """Whether enough polls of an org have failed in a row to notify that it is out of reach.

    Until two poll intervals after an outage, failures that began before the outage's end do not count.
    """
    began, over = org.snapshot.polls.failing_since or now, state.outage_ended_at
    counts = over is None or began > over or now - over > rules.poll_interval * 2
    return counts and org.snapshot.polls.failures >= rules.settings.failed_looks


def _unreachable_since(org: JudgedOrg, state: AlertState, now: datetime) -> datetime:
    """Return when the org's polls began to fail or the last outage ended, whichever was later."""
    began = min(org.snapshot.polls.failing_since or now, now)
    return max(began, state.outage_ended_at) if state.outage_ended_at else began


def _others_are_pending(
    others: bool, has_unpolled: bool, began: datetime, rules: AlertRules, now: datetime
) -> bool:
    """Whether polls of other orgs are still awaited, which could show that Zoho can be reached.

    Two poll intervals after `began`, the other orgs were polled, unless one was never polled
    (`has_unpolled`) because the program has just started.
    """
    return has_unpolled or (others and now - began <= rules.poll_interval * 2)


def _outage_alert(kind: AlertKind, unreachable: Sequence[JudgedOrg], now: datetime) -> Alert:
    problems = [org.snapshot.polls.problem for org in unreachable if org.snapshot.polls.problem]
    network = all(problem.kind == "network" for problem in problems)
    why = "is this machine online?" if network else problems[0].message
    headline = f"none of {len(unreachable)} orgs can be looked at: {why}"
    hint = None if network else problems[0].hint
    return Alert(now, kind, ALL_ORGS, None, "cannot_tell", Level.UNKNOWN, headline, hint)


def _outage_over_alert(reached: JudgedOrg, since: datetime, now: datetime) -> Alert:
    headline = f"{reached.org_name} answers, {rough_span(now - since)} after that was told"
    return Alert(
        now, "outage_over", ALL_ORGS, "cannot_tell", reached.verdict.name, Level.OK, headline, None
    )


@dataclass(frozen=True, slots=True)
class _Reachability:
    """The times at which Zoho answered, to see if other orgs can be reached while one cannot."""

    answered_at: tuple[datetime, ...]
    """The times of the orgs' last polls, without the polls that Zoho did not answer; earliest first."""
    polled_count: int
    """The number of orgs that will soon be polled again (`JudgedOrg.is_polled`)."""
    has_unpolled: bool
    """Whether one of the orgs in `polled_count` has not been polled yet."""


def _reachability_of(judged: Sequence[JudgedOrg]) -> _Reachability:
    polled = [org for org in judged if org.is_polled]
    return _Reachability(
        tuple(sorted(org.polled_at for org in judged if org.has_answered and org.polled_at)),
        len(polled),
        any(org.polled_at is None for org in polled),
    )


def _is_conclusive(
    org: JudgedOrg, state: AlertState, reachability: _Reachability, rules: AlertRules, now: datetime
) -> bool:
    """Whether an org's verdict is certain enough to decide alerts; after a single failed poll it is not."""
    verdict, snapshot = org.verdict, org.snapshot
    # 1. No recent good poll: the verdict says nothing about now. Exception: a critical verdict still
    #    counts once polls have failed for good, or often enough.
    if verdict.name == "waiting":
        return False
    if verdict.stale:
        lost = snapshot.polls.problem
        is_lost = lost is not None and (
            lost.final or snapshot.polls.failures >= rules.settings.failed_looks
        )
        return is_lost and verdict.level is Level.CRITICAL
    # 2. An unknown verdict that is not to be notified. Before 3, as it must not end an alert, either.
    if Level.UNKNOWN is verdict.level < rules.settings.least:
        return False
    # 3. A verdict on the backup, or a problem that only a person can solve: no reason to wait.
    problem, failures = snapshot.polls.problem, snapshot.polls.failures
    if problem is None:  # a read of the history may have failed instead
        problem = snapshot.polls.history_problem
        failures = snapshot.polls.history_failures
    if verdict.name != "cannot_tell" or problem is None or problem.final:
        return True
    # 4. Too few failures in a row: single failures often pass. Before 5, as this holds for every kind.
    if failures < rules.settings.failed_looks:
        return False
    # 5. A failure of this org alone. Other failures may be part of an outage, which step 6 rules out.
    if not org.is_unreachable:
        return True
    # 6. Out of reach: the org gets an alert of its own only if other orgs can be reached.
    return state.outage_since is None and _is_alone_unreachable(org, state, reachability, rules, now)


def _is_alone_unreachable(
    org: JudgedOrg, state: AlertState, reachability: _Reachability, rules: AlertRules, now: datetime
) -> bool:
    """Whether an org is out of reach although another org answered, or no other org's poll is awaited."""
    at, began = org.polled_at, _unreachable_since(org, state, now)
    is_out = org.was_polled_since(state.outage_ended_at) and _has_lasted(org, state, rules, now)
    if at is None or not is_out:
        return False
    # Answers after this org's last poll do not count: after a short outage, others may be polled first.
    if bisect_right(reachability.answered_at, began) < bisect_right(reachability.answered_at, at):
        return True
    has_others = reachability.polled_count > org.is_polled
    return not _others_are_pending(has_others, reachability.has_unpolled, began, rules, now)


def _already_notified(state: AlertState, org: JudgedOrg) -> bool:
    """Whether the org's verdict has the level `UNKNOWN` and was notified already."""
    before = state.orgs.get(org.org_name)
    if before is None or org.verdict.level is not Level.UNKNOWN:
        return False
    return before.verdict == org.verdict.name and before.notified_at is not None


def _decide_org(
    before: OrgAlertState | None, org: JudgedOrg, rules: AlertRules, now: datetime
) -> tuple[OrgAlertState, Alert | None]:
    verdict = org.verdict
    bad = verdict.level >= rules.settings.least
    notified_at = before.notified_at if before else None
    same = before is not None and before.verdict == verdict.name

    def alert(kind: AlertKind) -> Alert:
        was = before.verdict if before else None
        return Alert(
            now, kind, org.org_name, was, verdict.name, verdict.level, verdict.headline, verdict.hint
        )

    after = OrgAlertState(verdict.name, verdict.level, now if bad else None, org.polled_at)
    # 1. Well after a notified alert: a recovery. Before 2, which would forget the alert.
    if not bad and notified_at is not None:
        # Not if the download links have expired: the warning ends, but the files are lost.
        was_expiring = before is not None and before.verdict == "links_expiring"
        expired = was_expiring and org.snapshot.links_expired_at(now)
        return after, None if expired else alert("recovery")
    # 2. Well, and nothing was notified. The same verdict keeps its state, so that nothing is stored.
    if not bad:
        return before if before and same else after, None
    # 3. Bad, and this verdict was not notified yet. Before 4, which repeats a verdict.
    if before is None or notified_at is None or not same:
        return after, alert("alarm")
    # 4. Bad, and already notified: a reminder, once it is due.
    return (after, alert("reminder")) if _reminder_is_due(notified_at, rules, now) else (before, None)


def _reminder_is_due(notified_at: datetime, rules: AlertRules, now: datetime) -> bool:
    return rules.settings.remind_every is not None and now - notified_at >= rules.settings.remind_every
