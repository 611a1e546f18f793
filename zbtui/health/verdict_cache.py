"""The last verdict on each org: judged once for the screen and the alerts alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.next_change import next_verdict_change
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.verdict import Verdict

_LONGEST: Final = timedelta(minutes=5)
"""No verdict is found for longer, though nothing should have changed it."""


class _Judged(NamedTuple):
    of: Snapshot
    policy: WatchPolicy
    at: datetime
    until: datetime
    """From `at` to then its name and level hold."""
    verdict: Verdict


class VerdictCache:
    """A fleet has one, by org and patience: thousands of orgs need not be judged each second."""

    def __init__(self) -> None:
        self._judged: dict[tuple[str, int], _Judged] = {}

    def judge(
        self, snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int = ALLOWED_FAILURES
    ) -> Verdict:
        """As `judge`, in the words of `now`; the very same verdict as before where it is an equal one."""
        key = snapshot.org.name, patience
        verdict, before = judge(snapshot, policy, now, patience), self._judged.get(key)
        if before and before.verdict == verdict:
            verdict = before.verdict
        until = min(next_verdict_change(snapshot, policy, now), now + _LONGEST)
        self._judged[key] = _Judged(snapshot, policy, now, until, verdict)
        return verdict

    def find(
        self, snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int = ALLOWED_FAILURES
    ) -> Verdict | None:
        """The last verdict on this very snapshot; None: by `now` it may have another name or level.

        Its words, such as a countdown, may be up to a few minutes old.
        """
        known = self._judged.get((snapshot.org.name, patience))
        if known is None or known.of is not snapshot or not known.at <= now < known.until:
            return None
        return known.verdict if known.policy == policy else None
