"""Polls and judges each org once, for a report with the exit status of a monitoring plug-in."""

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
"""The number of failed polls after which a check no longer relies on the last good poll: 1, because a check
polls each org once."""


@dataclass(frozen=True, slots=True)
class OrgResult:
    """The result of a check for one org."""

    snapshot: Snapshot
    verdict: Verdict
    judged_at: datetime
    """The time of the org's poll, at which the org was judged, so that a slow org does not delay the
    others; for a recalled answer, the end of the check."""
    is_recalled: bool = False
    """Whether the answer came from the journal, as another process had polled the org just before the
    check."""
    last_known: Verdict | None = None
    """The last verdict with a known level: `verdict`, or else the verdict after the last good poll; None if
    there is no such verdict."""


@dataclass(frozen=True, slots=True)
class Report:
    """The results of one check, the org with the worst level first."""

    checked_at: datetime
    results: tuple[OrgResult, ...]

    @property
    def level(self) -> Level:
        """The level of the worst org; unknown if there is no org."""
        return max((result.verdict.level for result in self.results), default=Level.UNKNOWN)


async def check_orgs(
    fleet: Fleet,
    names: Sequence[str],
    *,
    max_age: timedelta = timedelta(),
    seconds: float | None = None,
) -> Report:
    """Poll each of these orgs once, and return a report with a verdict on each.

    An org that any process has polled within `max_age` is not polled again. A poll without an answer after
    `seconds` is taken as failed.
    """
    began = fleet.now()
    snapshots = await fleet.poll_once(names, max_age=max_age, seconds=seconds)
    return report_on(snapshots, fleet.policy, fleet.now(), began)


def report_on(
    snapshots: Iterable[Snapshot], policy: WatchPolicy, now: datetime, began: datetime | None = None
) -> Report:
    """Judge each of these snapshots, and return a report; one failed poll is enough to report a problem.

    `now` is the end of the check, `began` its start: a poll before `began` is taken as recalled from the
    journal.
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
    """Return the verdict after the last good poll; None if there is none or its level was unknown, too."""
    seen = snapshot.zoho.observed_at
    if seen is None:
        return None
    answered = replace(snapshot.polls, problem=None, failures=0, history_problem=None)
    verdict = judge(replace(snapshot, polls=answered), policy, seen)
    return None if verdict.level is Level.UNKNOWN else verdict
