"""What the history and the links tell of an invented org: a pure function of its life and the time."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from zbtui.demo.plans import repeat_type, runs_before
from zbtui.demo.roster import NOTHING, RUNNING, InventedOrg
from zbtui.demo.world import Moment, World, job_id, user

_YEAR: Final = timedelta(days=365)
"""Older rows are not kept."""
_LINKS_LIVE: Final = timedelta(days=7)
_LINKS_LEFT: Final = timedelta(hours=40)
"""The most that is left of a link's life at `LINKS_EXPIRING`, however slowly the orgs live."""
_TOO_OLD: Final = timedelta(days=70)
"""Since when no run is told at `TOO_OLD`: longer than any plan may go without one."""
_BEGINS_ANEW: Final = NOTHING | {"TOO_OLD", "LONG_RUN"}
"""These began long before their phase: of what was lived before it, nothing is told."""
_BEFORE_A_PLAN: Final = NOTHING | {"STOPPED"}
"""What is SCHEDULED after these was scheduled anew."""
_ENDS: Final = {
    "COMPLETED": "completed",
    "ONE_OFF": "completed",
    "LINKS_EXPIRING": "completed",
    "FAILED": "failure",
    "FAILED_BEFORE": "failure",
}
"""Kinds before which a run has ended, and how."""
_DIGITS: Final = {
    "initiated": 1,
    "completed": 2,
    "failure": 3,
    "stopped": 4,
    "scheduled": 5,
    "purchased": 6,
}


@dataclass(frozen=True, slots=True)
class Run:
    """One backup."""

    began: datetime
    ended: datetime | None
    """None: it is still running."""
    state: str | None
    repeat_type: str


@dataclass(frozen=True, slots=True)
class Act:
    """What leaves a row."""

    at: datetime
    action: str
    """Or the state, of a run that ended."""
    by: str = ""
    """Empty: the requester."""
    count: int = 0


def history_rows(
    world: World, org: InventedOrg, lived: Sequence[Moment], now: datetime
) -> list[dict[str, Any]]:
    """The rows of the history call, newest first, in Zoho's shape; none: there is no past.

    Args:
        lived: where the org stands at `now` and where it stood before, newest first.
    """
    if lived[0].kind in NOTHING:
        return []
    rows = [row for run in _runs(world, org, lived) for row in _rows_of(org, run)]
    rows += [(act.at, _row(org, act, repeat_type(org.plan))) for act in _acts(world, org, lived)]
    rows.sort(key=lambda row: row[0], reverse=True)
    return [row for at, row in rows if at > now - _YEAR]


def links_object(
    world: World, org: InventedOrg, lived: Sequence[Moment], now: datetime, host: str
) -> dict[str, Any] | None:
    """The `urls` object of the links call, in Zoho's shape.

    Args:
        host: URL from which files are downloaded.

    Returns:
        None where there are no files: none completed yet, one is running, or they expired.
    """
    if lived[0].kind in NOTHING | RUNNING:
        return None
    runs = _runs(world, org, lived)
    expiries = [run.ended + _LINKS_LIVE for run in runs if run.ended and run.state == "completed"]
    expiry = max(expiries, default=now)
    if expiry <= now:
        return None
    folder = f"{host}/v2/crm/{org.zgid}/backup/{job_id(org)}"
    return {
        "data_links": [f"{folder}/Data_{part:03}.zip" for part in range(1, org.number % 3 + 2)],
        "attachment_links": [
            f"{folder}/Attachments_{part:03}.zip" for part in range(1, org.number % 4 + 1)
        ],
        "expiry_date": _text(org, expiry),
    }


def _runs(world: World, org: InventedOrg, lived: Sequence[Moment]) -> list[Run]:
    """Those that were lived, and those of the plan before them, in any order."""
    return [*_lived_runs(org, lived), *_planned_runs(world, org, lived)]


def _lived_runs(org: InventedOrg, lived: Sequence[Moment]) -> Iterator[Run]:
    """The one under way; the newest that ended well, and the newest that failed.

    Not each round's: so often no backup runs in a month.
    """
    told = set[str]()
    for moment, before in _with_the_one_before(lived):
        kind = "immediate" if moment.kind == "ONE_OFF" else repeat_type(org.plan)
        state = _ENDS.get(moment.kind)
        if moment.kind in RUNNING and moment is lived[0]:
            yield Run(moment.run_began, None, None, kind)
        if moment.kind in _BEGINS_ANEW:
            return
        if state and state not in told:
            told.add(state)
            ended = _run_ended(moment)
            seen = before is not None and before.kind in RUNNING
            began = before.run_began if before and seen else ended - _lasts(org, ended)
            yield Run(began, ended, state, kind)


def _with_the_one_before(lived: Sequence[Moment]) -> Iterator[tuple[Moment, Moment | None]]:
    yield from zip(lived, (*lived[1:], None), strict=True)


def _run_ended(moment: Moment) -> datetime:
    """When the run ended that a phase tells of."""
    if moment.kind != "LINKS_EXPIRING":
        return moment.began
    return min(moment.ends, moment.began + _LINKS_LEFT) - _LINKS_LIVE


def _planned_runs(world: World, org: InventedOrg, lived: Sequence[Moment]) -> Iterator[Run]:
    """A year of the plan, up to where life takes over. Few of them failed, and never the last ones."""
    if not _has_plan(org, lived[0]):
        return
    until = world.start - _given_way({moment.kind for moment in lived})
    began = [run for run in runs_before(org.plan, world.plan_run(org, lived[0])) if run <= until]
    for age, run in enumerate(reversed(began)):
        failed = age > 2 and (org.number + run.toordinal()) % 11 == 0
        yield Run(run, run + _lasts(org, run), "failure" if failed else "completed", repeat_type(org.plan))


def _has_plan(org: InventedOrg, moment: Moment) -> bool:
    """Whether it ran by its plan before the start."""
    return moment.kind != "ONE_OFF" and not org.lives_through(*NOTHING)


def _given_way(kinds: Collection[str]) -> timedelta:
    """How long before the start the plan's runs give way to what is lived."""
    if "TOO_OLD" in kinds:
        return _TOO_OLD
    return _LINKS_LIVE + timedelta(days=1) if "LINKS_EXPIRING" in kinds else timedelta(hours=2)


def _acts(world: World, org: InventedOrg, lived: Sequence[Moment]) -> Iterator[Act]:
    """How the plan began; of what was done since, the newest of each sort."""
    told = dict[str, Act]()
    for moment, before in _with_the_one_before(lived):
        for act in _acts_at(world, moment, before):
            told.setdefault(act.action, act)
        if moment.kind in _BEGINS_ANEW:
            break
    yield from told.values()
    if _has_plan(org, lived[0]):
        first = runs_before(org.plan, world.plan_run(org, lived[0]))[0]
        yield Act(first - timedelta(days=3), "scheduled")
    elif "scheduled" not in told and lived[0].kind != "ONE_OFF":
        yield Act(world.start - timedelta(days=2), "scheduled")


def _acts_at(world: World, moment: Moment, before: Moment | None) -> Iterator[Act]:
    was = before.kind if before else ""
    if moment.kind == "STOPPED":
        yield Act(moment.began, "stopped", moment.by)
    elif moment.kind == "TOO_OLD":
        yield Act(world.start - timedelta(days=1), "scheduled")
        yield Act(world.start - _TOO_OLD + timedelta(days=4), "stopped", moment.by)
    elif moment.kind == "SCHEDULED" and was in _BEFORE_A_PLAN:
        yield Act(moment.began, "scheduled", moment.by)
    elif was == "PAYMENT_FAILED":
        yield Act(moment.began, "purchased", count=2)


def _rows_of(org: InventedOrg, run: Run) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """A run leaves a row when it begins, and another when it ends."""
    yield run.began, _row(org, Act(run.began, "initiated"), run.repeat_type)
    if run.ended and run.state:
        yield run.ended, _row(org, Act(run.ended, run.state), run.repeat_type)


def _row(org: InventedOrg, act: Act, plan: str) -> dict[str, Any]:
    ends = act.action in _ENDS.values()
    return {
        "id": _row_id(org, act),
        "action": None if ends else act.action,
        "state": act.action if ends else None,
        "repeat_type": plan,
        "file_name": None,
        "count": act.count,
        "log_time": _text(org, act.at),
        "done_by": user(org, act.by),
    }


def _row_id(org: InventedOrg, act: Act) -> str:
    """Another for each row of a year, and the same whenever it is asked for."""
    hundredths = int(act.at.timestamp() * 100) % 10**10
    return f"51{org.number:06}{hundredths:010}{_DIGITS[act.action]}"


def _lasts(org: InventedOrg, run: datetime) -> timedelta:
    """How long a run took: from eight minutes to almost an hour."""
    return timedelta(minutes=8 + (org.number * 31 + run.toordinal() * 7) % 50)


def _text(org: InventedOrg, moment: datetime) -> str:
    return moment.astimezone(timezone(org.offset)).isoformat(timespec="seconds")
