"""Caches the last verdict on each org, so that the screen and the alerts do not judge an org twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.next_change import next_verdict_change
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Verdict
from zbtui.model.watch_policy import WatchPolicy

_MAX_AGE: Final = timedelta(minutes=5)
"""The longest time for which a cached verdict is used."""


class _Judged(NamedTuple):
    of: Snapshot
    policy: WatchPolicy
    at: datetime
    until: datetime
    """The end of the time, from `at` on, in which the verdict keeps its name and level."""
    verdict: Verdict


class VerdictCache:
    """The last verdict for each org name and `patience` (the `allowed_failures` of `judge`)."""

    def __init__(self) -> None:
        self._judged: dict[tuple[str, int], _Judged] = {}

    def judge(
        self, snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int = ALLOWED_FAILURES
    ) -> Verdict:
        """Judge the snapshot at `now`, cache the verdict and return it.

        If the cached verdict is equal to the new one, the cached object is kept and returned.
        """
        key = snapshot.org.name, patience
        verdict, before = judge(snapshot, policy, now, patience), self._judged.get(key)
        if before and before.verdict == verdict:
            verdict = before.verdict
        until = min(next_verdict_change(snapshot, policy, now), now + _MAX_AGE)
        self._judged[key] = _Judged(snapshot, policy, now, until, verdict)
        return verdict

    def find(
        self, snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int = ALLOWED_FAILURES
    ) -> Verdict | None:
        """Return the cached verdict on this same snapshot object; None if there is none that still holds.

        The name and level of the verdict are right, but its words, such as a countdown, may be minutes old.
        """
        cached = self._judged.get((snapshot.org.name, patience))
        if cached is None or cached.of is not snapshot or not cached.at <= now < cached.until:
            return None
        return cached.verdict if cached.policy == policy else None
