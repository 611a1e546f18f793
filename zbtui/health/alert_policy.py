"""Whom to alert of what, and when: pure. What was told so far is a ledger that is handed in and out.

Each change of verdict is told once, and its end too; what lasts is told again after a while. An outage
of this machine's network is one alert, not one for each org.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final, Literal

from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import ProblemKind as TroubleKind
from zbtui.model.time_format import rough_span
from zbtui.model.verdict import Level, Verdict

AlertKind = Literal["alarm", "reminder", "recovery", "outage", "outage_over"]

ALL_ORGS: Final = ""
"""Instead of an org's name: the alert is about all of them."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """When to alert."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    poll_interval: timedelta = timedelta(minutes=5)
    """Within this each org is looked at once: so long an "out of reach" waits for the others'."""
    covers_all_orgs: bool = True
    """Whether all orgs are observed: of a part of them, nobody can tell that none can be reached."""


@dataclass(frozen=True, slots=True)
class OrgAlertState:
    """What was last told of an org."""

    verdict: str
    level: Level
    notified_at: datetime | None
    """None: nothing was, for it is well."""
    polled_at: datetime | None = None
    """When the look was made that showed it first: what was seen before that is no news."""


@dataclass(frozen=True, slots=True)
class AlertState:
    """What was told so far."""

    orgs: Mapping[str, OrgAlertState] = field(default_factory=dict)
    outage_since: datetime | None = None
    """When it was first told that no org can be reached, while that lasts."""
    outage_notified_at: datetime | None = None
    """When it was last told."""
    outage_ended_at: datetime | None = None
    """When the last one ended."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell."""

    at: datetime
    kind: AlertKind
    org: str
    """`ALL` for an outage."""
    previous_verdict: str | None
    """The verdict that was told before; None: there was none."""
    verdict: str
    level: Level
    headline: str
    hint: str | None

    @property
    def title(self) -> str:
        """`acme: failed`, in one line."""
        match self.kind:
            case "recovery" if self.level is Level.OK:
                return f"{self.org}: well again"
            case "recovery":
                return f"{self.org}: now {verdict_text(self.verdict)}"
            case "reminder" if self.org:
                return f"{self.org}: still {verdict_text(self.verdict)}"
            case "outage" | "reminder":
                return "No org can be reached"
            case "outage_over":
                return "Orgs can be reached again"
            case _:
                return f"{self.org}: {verdict_text(self.verdict)}"


def verdict_text(verdict: str) -> str:
    """A verdict's name as people say it."""
    return _VERDICT_TEXTS.get(verdict) or verdict.replace("_", " ")


_VERDICT_TEXTS: Final = {"none": "no backup", "one_off": "a single backup"}


_SHARED_PROBLEM_KINDS: Final[frozenset[TroubleKind]] = frozenset(
    {"network", "keyring", "server", "contract"}
)


@dataclass(frozen=True, slots=True)
class JudgedOrg:
    """What one org is at."""

    snapshot: Snapshot
    verdict: Verdict

    @property
    def org_name(self) -> str:
        return self.snapshot.org.name

    @property
    def polled_at(self) -> datetime | None:
        """When it was last looked at; None: not since the program started."""
        kept = self.snapshot.polls.restored and self.snapshot.polls.problem is None
        return None if kept else self.snapshot.polls.attempted_at

    @property
    def is_unreachable(self) -> bool:
        """Its last look failed for something that it may share with all others: the network, the
        keyring, Zoho out of order, or somebody else who answers in its place.
        """
        return (
            self.snapshot.polls.problem is not None
            and self.snapshot.polls.problem.kind in _SHARED_PROBLEM_KINDS
        )

    @property
    def has_answered(self) -> bool:
        """Its last look brought an answer of Zoho's, if only a refusal."""
        trouble = self.snapshot.polls.problem
        return trouble is None or (trouble.http_status is not None and not self.is_unreachable)

    @property
    def is_polled(self) -> bool:
        """It is looked at again by itself, and soon."""
        trouble = self.snapshot.polls.problem
        return not self.snapshot.activity.paused and not (
            trouble and (trouble.final or trouble.forbids_early_retry)
        )

    def was_polled_since(self, moment: datetime | None) -> bool:
        """Whether it was after `moment`; None: whether it was at all."""
        return self.polled_at is not None and (moment is None or self.polled_at > moment)


def decide_alerts(
    state: AlertState, judged: Sequence[JudgedOrg], rules: AlertRules, now: datetime
) -> tuple[AlertState, tuple[Alert, ...]]:
    """What is to be told now, and the ledger once it is.

    Args:
        observations: of all orgs that this process watches.
    """
    state, alerts, fleet = _clamp_to_now(state, now), list[Alert](), _reachability_of(judged)
    if rules.covers_all_orgs:
        state, alerts = _decide_outage(state, judged, fleet, rules, now)
    orgs = dict(state.orgs)
    by = state
    if (
        not rules.covers_all_orgs
        and state.outage_since
        and any(at > state.outage_since for at in fleet.answered_at)
    ):
        by = replace(state, outage_since=None)  # over, for all that a part of the orgs can tell
    for one in judged:
        if (
            one.snapshot.org.mute
            or one.snapshot.activity.paused
            or not _is_conclusive(one, by, fleet, rules, now)
        ):
            continue
        before = orgs.get(one.org_name)
        if _is_older_than_state(one, before):
            continue
        told, alert = _decide_org(before, one, rules, now)
        orgs[one.org_name] = told
        if alert:
            alerts.append(alert)
    return replace(state, orgs=orgs), tuple(alerts)


def _is_older_than_state(one: JudgedOrg, before: OrgAlertState | None) -> bool:
    """Whether what was told comes of a later look: another process's."""
    told = before.polled_at if before else None
    return told is not None and one.polled_at is not None and one.polled_at < told


def _clamp_to_now(ledger: AlertState, now: datetime) -> AlertState:
    """The ledger; moments that are yet to come are now's: the clock was set back since."""

    def known(moment: datetime | None) -> datetime | None:
        return min(moment, now) if moment else None

    return AlertState(
        {
            org: replace(told, notified_at=known(told.notified_at), polled_at=known(told.polled_at))
            for org, told in ledger.orgs.items()
        },
        known(ledger.outage_since),
        known(ledger.outage_notified_at),
        known(ledger.outage_ended_at),
    )


def _decide_outage(
    ledger: AlertState,
    observations: Sequence[JudgedOrg],
    fleet: _Reachability,
    rules: AlertRules,
    now: datetime,
) -> tuple[AlertState, list[Alert]]:
    """One alert for an outage that takes all orgs, and one for its end."""
    since = ledger.outage_since
    if since is None:
        out = _find_outage(ledger, observations, fleet, rules, now)
        if not out:
            return ledger, []
        ledger = replace(ledger, outage_since=now, outage_notified_at=now, outage_ended_at=None)
        return ledger, [_outage_alert("outage", out, now)]
    reached = [one for one in observations if one.has_answered and one.was_polled_since(since)]
    if reached:
        return replace(ledger, outage_since=None, outage_notified_at=None, outage_ended_at=now), [
            _outage_over_alert(reached[0], since, now)
        ]
    out = [one for one in observations if one.is_polled and one.is_unreachable]
    if not out or not _reminder_is_due(ledger.outage_notified_at or since, rules, now):
        return ledger, []
    return replace(ledger, outage_notified_at=now), [_outage_alert("reminder", out, now)]


def _find_outage(
    ledger: AlertState,
    observations: Sequence[JudgedOrg],
    fleet: _Reachability,
    rules: AlertRules,
    now: datetime,
) -> list[JudgedOrg]:
    """The orgs of an outage that is still to be told: all that are asked, two at least; else none."""
    if rules.settings.least > Level.UNKNOWN:
        return []
    asked = [one for one in observations if one.is_polled]
    out = [one for one in asked if one.is_unreachable and one.was_polled_since(ledger.outage_ended_at)]
    began = [
        _unreachable_since(one, ledger, now)
        for one in out
        if not (one.snapshot.org.mute or _already_notified(ledger, one))
        and _has_lasted(one, ledger, rules, now)
    ]
    answered = fleet.answered_at[-1] if fleet.answered_at else None
    unanswered = [moment for moment in began if answered is None or answered <= moment]
    if len(out) < 2 or not unanswered:
        return []
    names = {one.org_name for one in out}
    rest = [one for one in asked if one.org_name not in names]
    unseen = any(one.polled_at is None for one in rest)
    return [] if _others_are_pending(bool(rest), unseen, min(unanswered), rules, now) else out


def _has_lasted(one: JudgedOrg, ledger: AlertState, rules: AlertRules, now: datetime) -> bool:
    """Whether it has been out of reach for long enough; after an outage that counts anew."""
    began, over = one.snapshot.polls.failing_since or now, ledger.outage_ended_at
    anew = over is None or began > over or now - over > rules.poll_interval * 2
    return anew and one.snapshot.polls.failures >= rules.settings.failed_looks


def _unreachable_since(one: JudgedOrg, ledger: AlertState, now: datetime) -> datetime:
    """Since when it is out of reach, not counting an outage that is over."""
    began = min(one.snapshot.polls.failing_since or now, now)
    return max(began, ledger.outage_ended_at) if ledger.outage_ended_at else began


def _others_are_pending(
    others: bool, unseen: bool, began: datetime, rules: AlertRules, now: datetime
) -> bool:
    """Whether it is still to be seen if the others are out of reach too.

    Args:
        others: whether there are any; each is asked within its interval.
        unseen: whether one of them was not looked at yet: the program has just started.
    """
    return unseen or (others and now - began <= rules.poll_interval * 2)


def _outage_alert(kind: AlertKind, out: Sequence[JudgedOrg], now: datetime) -> Alert:
    troubles = [one.snapshot.polls.problem for one in out if one.snapshot.polls.problem]
    network = all(trouble.kind == "network" for trouble in troubles)
    why = "is this machine online?" if network else troubles[0].message
    headline = f"none of {len(out)} orgs can be looked at: {why}"
    hint = None if network else troubles[0].hint
    return Alert(now, kind, ALL_ORGS, None, "cannot_look", Level.UNKNOWN, headline, hint)


def _outage_over_alert(reached: JudgedOrg, since: datetime, now: datetime) -> Alert:
    headline = f"{reached.org_name} answers, {rough_span(now - since)} after that was told"
    return Alert(
        now, "outage_over", ALL_ORGS, "cannot_look", reached.verdict.name, Level.OK, headline, None
    )


@dataclass(frozen=True, slots=True)
class _Reachability:
    """What tells of an org that is out of reach whether the others are, too."""

    answered_at: tuple[datetime, ...]
    """When looks brought an answer, in order."""
    polled_count: int
    """How many orgs are looked at again by themselves."""
    has_unpolled: bool
    """Whether one of these was not looked at yet."""


def _reachability_of(observations: Sequence[JudgedOrg]) -> _Reachability:
    asked = [one for one in observations if one.is_polled]
    return _Reachability(
        tuple(sorted(one.polled_at for one in observations if one.has_answered and one.polled_at)),
        len(asked),
        any(one.polled_at is None for one in asked),
    )


def _is_conclusive(
    one: JudgedOrg, ledger: AlertState, fleet: _Reachability, rules: AlertRules, now: datetime
) -> bool:
    """Whether an observation is one to go by: seen lately, or out of reach for long enough."""
    verdict, snapshot = one.verdict, one.snapshot
    if verdict.name == "waiting" or verdict.stale:
        return False
    if Level.UNKNOWN is verdict.level < rules.settings.least:
        return False  # not to be told; and what was told is not over, for all that is known
    trouble, failures = snapshot.polls.problem, snapshot.polls.failures
    if trouble is None:  # then it is the history that cannot be read
        trouble = snapshot.polls.history_problem
        failures = snapshot.polls.history_failures
    if verdict.name != "cannot_look" or trouble is None or trouble.final:
        return True
    if failures < rules.settings.failed_looks:
        return False
    if not one.is_unreachable:
        return True
    return ledger.outage_since is None and _is_alone_unreachable(one, ledger, fleet, rules, now)


def _is_alone_unreachable(
    one: JudgedOrg, ledger: AlertState, fleet: _Reachability, rules: AlertRules, now: datetime
) -> bool:
    """Whether it is out of reach while another is not, or there is none to tell it by."""
    at, began = one.polled_at, _unreachable_since(one, ledger, now)
    if at is None or not (
        one.was_polled_since(ledger.outage_ended_at) and _has_lasted(one, ledger, rules, now)
    ):
        return False
    # Not later than its own last look: after a short outage others may be asked again before it is.
    if bisect_right(fleet.answered_at, began) < bisect_right(fleet.answered_at, at):
        return True
    return not _others_are_pending(
        fleet.polled_count > one.is_polled, fleet.has_unpolled, began, rules, now
    )


def _already_notified(ledger: AlertState, one: JudgedOrg) -> bool:
    told = ledger.orgs.get(one.org_name)
    return told is not None and told.verdict == one.verdict.name and told.notified_at is not None


def _decide_org(
    before: OrgAlertState | None, one: JudgedOrg, rules: AlertRules, now: datetime
) -> tuple[OrgAlertState, Alert | None]:
    verdict = one.verdict
    bad = verdict.level >= rules.settings.least
    told_at = before.notified_at if before else None
    same = before is not None and before.verdict == verdict.name

    def alert(kind: AlertKind) -> Alert:
        was = before.verdict if before else None
        return Alert(
            now, kind, one.org_name, was, verdict.name, verdict.level, verdict.headline, verdict.hint
        )

    told = OrgAlertState(verdict.name, verdict.level, now if bad else None, one.polled_at)
    if not bad and told_at is not None:
        # Files that died undownloaded are no good news.
        died = (
            before is not None and before.verdict == "links_expiring" and one.snapshot.links_expired_at(now)
        )
        return told, None if died else alert("recovery")
    if not bad:
        return before if before and same else told, None
    if before is None or told_at is None or not same:
        return told, alert("alarm")
    return (told, alert("reminder")) if _reminder_is_due(told_at, rules, now) else (before, None)


def _reminder_is_due(told_at: datetime, rules: AlertRules, now: datetime) -> bool:
    """Whether it is time to tell again what lasts."""
    return rules.settings.remind_every is not None and now - told_at >= rules.settings.remind_every
