"""Sample snapshots for the tests of alerts, and a decider that keeps the alert state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.support.samples import DAY, HOUR, MINUTE, NOW, OFFLINE, make_backup
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.alert_policy import ALL_ORGS, Alert, AlertRules, AlertState, JudgedOrg, decide_alerts
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy

POLICY: Final = WatchPolicy()
EVERY: Final = POLICY.every
NAMES: Final = tuple(f"org{number:02}" for number in range(50))
LOCKED: Final = Problem("keyring", "The keyring is locked.", "Unlock it.")
LOCKED_OUT: Final = Problem("throttled", "Locked.", "Wait.", "Access Denied", 200, retry_at=NOW + HOUR)
DOWN: Final = Problem("server", "Zoho is out of order (HTTP 503).", "Wait.", None, 503)
BUSY: Final = Problem("throttled", "Too many.", "Wait.", "TOO_MANY_REQUESTS", 429, retry_at=NOW + DAY)

KindsOrgsVerdicts = list[tuple[str, str, str]]
"""Kind, org and verdict of each alert."""
FAILED: Final = [("alarm", "acme", "failed")]
UNREACHABLE: Final = [("alarm", "acme", "cannot_tell")]
WELL_AGAIN: Final = [("recovery", "acme", "scheduled")]
OUTAGE: Final = [("outage", ALL_ORGS, "cannot_tell")]
OUTAGE_OVER: Final = [("outage_over", ALL_ORGS, "scheduled")]


def make_org(name: str, **keys: Any) -> Org:
    return Org(name, "eu", "1000.ACME", **keys)


def healthy_snapshot(
    name: str = "acme", at: datetime = NOW, status: str = "SCHEDULED", **known: Any
) -> Snapshot:
    """A snapshot of an org polled at `at`: healthy, unless `status` is another one."""
    given: dict[str, Any] = {
        "org": make_org(name),
        "backup": make_backup(status, at + 6 * DAY),
        "observed_at": at,
        "attempted_at": at,
    }
    return build_snapshot(**(given | known))


def failing_snapshot(
    name: str = "acme", at: datetime = NOW, status: str = "FAILED", **known: Any
) -> Snapshot:
    return healthy_snapshot(name, at, status, **known)


def unreachable_snapshot(
    name: str = "acme",
    failures: int = 3,
    at: datetime = NOW,
    since: timedelta = 4 * MINUTE,
    problem: Problem = OFFLINE,
    **known: Any,
) -> Snapshot:
    """A snapshot of an org whose polls have failed for the span `since`, most recently at `at`."""
    given: dict[str, Any] = {
        "org": make_org(name),
        "backup": make_backup("SCHEDULED", at + 6 * DAY),
        "observed_at": at - since - EVERY,
        "attempted_at": at,
        "problem": problem,
        "failures": failures,
        "failing_since": at - since,
    }
    return build_snapshot(**(given | known))


def all_unreachable(*names: str, at: datetime = NOW, problem: Problem = OFFLINE) -> list[Snapshot]:
    """One unreachable snapshot for each name."""
    return [unreachable_snapshot(name, at=at, problem=problem) for name in names]


def all_healthy(*names: str, at: datetime = NOW) -> list[Snapshot]:
    """One healthy snapshot for each name."""
    return [healthy_snapshot(name, at) for name in names]


@dataclass
class AlertDecider:
    """Decides which alerts are due, and keeps the alert state between decisions."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    policy: WatchPolicy = POLICY
    alert_state: AlertState = field(default_factory=AlertState)
    covers_all_orgs: bool = True
    """Whether the decider gets the snapshots of all orgs."""
    journal_problem: Problem | None = None
    config: str = ""
    config_is_settled: bool = True

    def decide(self, *snapshots: Snapshot, at: datetime = NOW) -> list[Alert]:
        """Return the alerts due for these orgs; check that a second decision at once gives none."""
        observations = self.observe(snapshots, at)
        rules = AlertRules(
            self.settings,
            self.policy.every,
            self.covers_all_orgs,
            self.journal_problem,
            self.config,
            self.config_is_settled,
        )
        self.alert_state, alerts = decide_alerts(self.alert_state, observations, rules, at)
        assert decide_alerts(self.alert_state, observations, rules, at) == (self.alert_state, ())
        return list(alerts)

    def alerts(self, *snapshots: Snapshot, at: datetime = NOW) -> KindsOrgsVerdicts:
        """Decide, and return kind, org and verdict of each alert."""
        return kinds_orgs_verdicts(self.decide(*snapshots, at=at))

    def observe(self, snapshots: Sequence[Snapshot], at: datetime) -> list[JudgedOrg]:
        patience = self.settings.failed_looks
        return [JudgedOrg(one, judge(one, self.policy, at, patience)) for one in snapshots]


def decider_after_failure() -> AlertDecider:
    """A decider that has notified of a failed backup of "acme"."""
    decider = AlertDecider()
    decider.decide(failing_snapshot())
    return decider


def decider_in_outage() -> AlertDecider:
    """A decider that has notified of an outage of "acme" and "nordlys"."""
    decider = AlertDecider()
    decider.decide(*all_unreachable("acme", "nordlys"))
    return decider


def kinds_orgs_verdicts(alerts: Sequence[Alert]) -> KindsOrgsVerdicts:
    return [(one.kind, one.org, one.verdict) for one in alerts]


def polled_later(snapshot: Snapshot, span: timedelta = HOUR) -> Snapshot:
    """The same snapshot, with its poll moved later by `span`."""
    attempted_at, observed_at = snapshot.polls.attempted_at, snapshot.zoho.observed_at
    if snapshot.polls.problem is None:
        observed_at = observed_at and observed_at + span
    return snapshot_with(
        snapshot, attempted_at=attempted_at and attempted_at + span, observed_at=observed_at
    )
