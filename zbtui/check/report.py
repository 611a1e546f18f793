"""One look at each org, judged by this look alone, and the exit status of monitoring plug-ins."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.verdict import Level, Verdict
from zbtui.watch.fleet import Fleet

EXIT_STATUS_BY_LEVEL: Final = {Level.OK: 0, Level.WARNING: 1, Level.CRITICAL: 2, Level.UNKNOWN: 3}
ONE_FAILURE: Final = 1
"""One failed look is enough."""


@dataclass(frozen=True, slots=True)
class OrgResult:
    """What one org is at."""

    snapshot: Snapshot
    verdict: Verdict
    judged_at: datetime
    """When it was looked at: one org that is slow makes no other one old."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found, worst first."""

    checked_at: datetime
    results: tuple[OrgResult, ...]

    @property
    def level(self) -> Level:
        """The worst org's; unknown where there is none to look at."""
        return max((finding.verdict.level for finding in self.results), default=Level.UNKNOWN)


async def check_orgs(fleet: Fleet, names: Sequence[str]) -> Report:
    """Look at each of these orgs once and judge it by this one look."""
    snapshots = await fleet.poll_once(names)
    return report_on(snapshots, fleet.policy, fleet.now())


def report_on(snapshots: Iterable[Snapshot], policy: WatchPolicy, now: datetime) -> Report:
    """A report on what was seen by `now`, without patience for a failed look."""
    findings = [_result_for(snapshot, policy, snapshot.polls.attempted_at or now) for snapshot in snapshots]
    findings.sort(key=lambda finding: -finding.verdict.level)
    return Report(now, tuple(findings))


def _result_for(snapshot: Snapshot, policy: WatchPolicy, at: datetime) -> OrgResult:
    return OrgResult(snapshot, judge(snapshot, policy, at, ONE_FAILURE), at)
