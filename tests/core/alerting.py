"""What the tests of alerts are made of: orgs as observed, and a desk that carries the ledger on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from tests.core.build import DAY, HOUR, MINUTE, NOW, OFFLINE, backup
from tests.support.build import build_snapshot, snapshot_with
from zbtui.core.alert import ALL, Alert, Ledger, Observation, Rules, decide
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.judge import judge
from zbtui.core.org import Org, Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble

POLICY: Final = Policy()
EVERY: Final = POLICY.every
NAMES: Final = tuple(f"org{number:02}" for number in range(50))
LOCKED: Final = Trouble("keyring", "The keyring is locked.", "Unlock it.")
LOCKED_OUT: Final = Trouble("throttled", "Locked.", "Wait.", "Access Denied", 200, retry_at=NOW + HOUR)
DOWN: Final = Trouble("server", "Zoho is out of order (HTTP 503).", "Wait.", None, 503)
BUSY: Final = Trouble("throttled", "Too many.", "Wait.", "TOO_MANY_REQUESTS", 429, retry_at=NOW + DAY)
OUTAGE: Final = [("outage", ALL, "cannot_look")]
OVER: Final = [("outage_over", ALL, "scheduled")]


def org(name: str, **keys: Any) -> Org:
    return Org(name, "eu", "1000.ACME", **keys)


def well(name: str = "acme", at: datetime = NOW, status: str = "SCHEDULED", **known: Any) -> Snapshot:
    """An org that was looked at `at`; healthy, or in the state that `status` tells."""
    given: dict[str, Any] = {
        "org": org(name),
        "backup": backup(status, at + 6 * DAY),
        "observed_at": at,
        "attempted_at": at,
    }
    return build_snapshot(**(given | known))


def bad(name: str = "acme", at: datetime = NOW, status: str = "FAILED", **known: Any) -> Snapshot:
    return well(name, at, status, **known)


def out(
    name: str = "acme",
    failures: int = 3,
    at: datetime = NOW,
    since: timedelta = 4 * MINUTE,
    trouble: Trouble = OFFLINE,
    **known: Any,
) -> Snapshot:
    """An org whose looks have failed for `since`, the last one `at`."""
    given: dict[str, Any] = {
        "org": org(name),
        "backup": backup("SCHEDULED", at + 6 * DAY),
        "observed_at": at - since - EVERY,
        "attempted_at": at,
        "problem": trouble,
        "failures": failures,
        "failing_since": at - since,
    }
    return build_snapshot(**(given | known))


def all_out(*names: str, at: datetime = NOW, trouble: Trouble = OFFLINE) -> list[Snapshot]:
    """All of these orgs out of reach."""
    return [out(name, at=at, trouble=trouble) for name in names]


@dataclass
class Desk:
    """Tells what is due, and carries the ledger on."""

    settings: AlertSettings = field(default_factory=AlertSettings)
    policy: Policy = POLICY
    ledger: Ledger = field(default_factory=Ledger)
    whole: bool = True
    """Whether it is handed all orgs."""

    def tell(self, *snapshots: Snapshot, at: datetime = NOW) -> list[Alert]:
        """What is told of these orgs at a moment; the same again at once is nothing."""
        observations = self.observe(snapshots, at)
        rules = Rules(self.settings, self.policy.every, self.whole)
        self.ledger, alerts = decide(self.ledger, observations, rules, at)
        assert decide(self.ledger, observations, rules, at) == (self.ledger, ())
        return list(alerts)

    def observe(self, snapshots: Sequence[Snapshot], at: datetime) -> list[Observation]:
        patience = self.settings.failed_looks
        return [Observation(one, judge(one, self.policy, at, patience)) for one in snapshots]


def said(alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    """Kind, org and verdict of each."""
    return [(one.kind, one.org, one.verdict) for one in alerts]


def later(snapshot: Snapshot, span: timedelta = HOUR) -> Snapshot:
    """The same, looked at so much later."""
    attempted_at, observed_at = snapshot.polls.attempted_at, snapshot.zoho.observed_at
    if snapshot.polls.problem is None:
        observed_at = observed_at and observed_at + span
    return snapshot_with(
        snapshot, attempted_at=attempted_at and attempted_at + span, observed_at=observed_at
    )
