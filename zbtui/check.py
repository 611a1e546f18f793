"""The same watch without a screen: look once, print, and exit as monitoring plug-ins do."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from zbtui.core.explain import label
from zbtui.core.org import Policy
from zbtui.core.recurrence import in_words
from zbtui.core.snapshot import Snapshot
from zbtui.core.timefmt import countdown
from zbtui.core.verdict import Level, Verdict, judge
from zbtui.watch.fleet import Fleet

EXIT_CODES: Final = {Level.OK: 0, Level.WARNING: 1, Level.CRITICAL: 2, Level.UNKNOWN: 3}
NO_PATIENCE: Final = 1
"""One failed look is enough."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one check found, worst first."""

    checked_at: datetime
    findings: tuple[tuple[Snapshot, Verdict], ...]

    @property
    def level(self) -> Level:
        """The worst org's; unknown where there is none to look at."""
        return max((verdict.level for _, verdict in self.findings), default=Level.UNKNOWN)


async def check(fleet: Fleet, names: list[str]) -> Report:
    """Look at each of these orgs once and judge it by this one look."""
    snapshots = await fleet.look_once(names)
    return judge_all(snapshots, fleet.policy, fleet.now())


def judge_all(snapshots: list[Snapshot], policy: Policy, now: datetime) -> Report:
    """A report on what was seen by `now`, without patience for a failed look."""
    # Each at the moment of its own look: one org that is slow makes no other one old.
    findings = [
        (snapshot, judge(snapshot, policy, snapshot.attempted_at or now, NO_PATIENCE))
        for snapshot in snapshots
    ]
    findings.sort(key=lambda finding: -finding[1].level)
    return Report(now, tuple(findings))


def as_json(report: Report) -> str:
    """One JSON object; every key always there, what is not known null."""
    orgs = [
        _org(snapshot, verdict, snapshot.attempted_at or report.checked_at)
        for snapshot, verdict in report.findings
    ]
    body = {
        "schema": 1,
        "checked_at": _iso(report.checked_at),
        "level": report.level.word,
        "orgs": orgs,
    }
    return json.dumps(body, indent=2)


def as_text(report: Report) -> str:
    """A summary line, then a line an org and its cure where it needs one."""
    counts = Counter(verdict.level for _, verdict in report.findings)
    told = ", ".join(
        f"{counts[level]} {level.word}" for level in sorted(Level, reverse=True) if counts[level]
    )
    lines = [f"{report.level.word.upper()}: {told or 'no org is under watch'}"]
    names = max((len(snapshot.org.name) for snapshot, _ in report.findings), default=0)
    words = max((len(verdict.word) for _, verdict in report.findings), default=0)
    for snapshot, verdict in report.findings:
        place = label(snapshot.org.data_center)
        lines.append(
            f"{verdict.glyph} {snapshot.org.name:<{names}}  {place:<6}  {verdict.word:<{words}}  "
            + " · ".join([verdict.headline, *_facts(snapshot, report.checked_at)])
        )
        if verdict.hint:
            lines.append(f"{'':<{names + 2}}  → {verdict.hint}")
    return "\n".join(lines)


def _facts(snapshot: Snapshot, now: datetime) -> list[str]:
    backup, trouble = snapshot.backup, snapshot.trouble
    if trouble and trouble.is_barred and trouble.retry_at and trouble.retry_at > now:
        return [f"asks again in {countdown(trouble.retry_at - now)}"]
    if backup is None or trouble:
        return []
    facts = [in_words(backup.rrule)] if backup.rrule else []
    if backup.requester and backup.requester.name:
        facts.append(f"by {backup.requester.name}")
    return facts


def _org(snapshot: Snapshot, verdict: Verdict, now: datetime) -> dict[str, Any]:
    backup, trouble = snapshot.backup, snapshot.trouble
    ahead = snapshot.time_to_next_run(now)
    return {
        "name": snapshot.org.name,
        "data_center": snapshot.org.data_center,
        "company": snapshot.company,
        "level": verdict.level.word,
        "verdict": verdict.name,
        "headline": verdict.headline,
        "hint": verdict.hint,
        "observed_at": _iso(snapshot.observed_at),
        "backup": backup.as_dict() if backup else None,
        "plan": in_words(backup.rrule) if backup and backup.rrule else None,
        "next_run": _iso(backup.next_run) if backup else None,
        "seconds_to_next_run": None if ahead is None else int(ahead.total_seconds()),
        "last_completed": _iso(snapshot.last_completed),
        "last_failed": _iso(snapshot.last_failed),
        "links_expire": _iso(snapshot.links_expire),
        "error": trouble
        and {
            "kind": trouble.kind,
            "code": trouble.code,
            "http_status": trouble.http_status,
            "message": trouble.message,
            "hint": trouble.hint,
            "retry_at": _iso(trouble.retry_at),
        },
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
