"""Poll and judge each org once, and give the exit status of a monitoring plug-in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.watch.fleet import Fleet

EXIT_STATUS_BY_LEVEL: Final = {Level.OK: 0, Level.WARNING: 1, Level.CRITICAL: 2, Level.UNKNOWN: 3}
ONE_FAILURE: Final = 1
"""A check polls once, so a single failed poll counts."""


@dataclass(frozen=True, slots=True)
class OrgResult:
    """The verdict on one org."""

    snapshot: Snapshot
    verdict: Verdict
    judged_at: datetime
    """When the org was polled, so that a slow org does not delay the verdicts on others."""
    is_recalled: bool = False
    """Whether another process polled the org just before, and its answer came from the journal."""
    last_known: Verdict | None = None
    """`verdict`, or if its level is unknown, the verdict of the last good poll; None: no such verdict."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one check, worst first."""

    checked_at: datetime
    results: tuple[OrgResult, ...]

    @property
    def level(self) -> Level:
        """The worst org's level; unknown if there is no org."""
        return max((result.verdict.level for result in self.results), default=Level.UNKNOWN)


async def check_orgs(
    fleet: Fleet,
    names: Sequence[str],
    *,
    max_age: timedelta = timedelta(),
    seconds: float | None = None,
) -> Report:
    """Poll each of these orgs once and judge it by this poll; see `Fleet.poll_once`."""
    began = fleet.now()
    snapshots = await fleet.poll_once(names, max_age=max_age, seconds=seconds)
    return report_on(snapshots, fleet.policy, fleet.now(), began)


def report_on(
    snapshots: Iterable[Snapshot], policy: WatchPolicy, now: datetime, began: datetime | None = None
) -> Report:
    """A report on these snapshots at `now`; a single failed poll counts.

    Polls made before `began`, the start of the check, were recalled from the journal.
    """
    results = [_result_for(snapshot, policy, now, began) for snapshot in snapshots]
    results.sort(key=lambda result: -result.verdict.level)
    return Report(now, tuple(results))


def _result_for(
    snapshot: Snapshot, policy: WatchPolicy, now: datetime, began: datetime | None
) -> OrgResult:
    polled_at = snapshot.polls.attempted_at
    is_recalled = polled_at is not None and began is not None and polled_at < began
    at = now if is_recalled else polled_at or now
    verdict = judge(snapshot, policy, at, ONE_FAILURE)
    known = verdict if verdict.level is not Level.UNKNOWN else _last_known_verdict(snapshot, policy)
    return OrgResult(snapshot, verdict, at, is_recalled, known)


def _last_known_verdict(snapshot: Snapshot, policy: WatchPolicy) -> Verdict | None:
    """The verdict after the last good poll; None: no good poll, or its verdict was unknown, too."""
    seen = snapshot.zoho.observed_at
    if seen is None:
        return None
    answered = replace(snapshot.polls, problem=None, failures=0, history_problem=None)
    verdict = judge(replace(snapshot, polls=answered), policy, seen)
    return None if verdict.level is Level.UNKNOWN else verdict
