"""Makes the history and links of an invented org, from its phases and the time alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import zip_longest
from typing import Any, Final

from zbtui.demo.invented_orgs import NEVER_SCHEDULED_KINDS, ONE_OFF_KINDS, RUNNING_KINDS, InventedOrg
from zbtui.demo.plans import repeat_type_of, runs_before
from zbtui.demo.world import PhaseInTime, SimulatedWorld, backup_job_id, user_object

_YEAR: Final = timedelta(days=365)
"""The time for which Zoho keeps the rows of the history."""
_LINKS_LIFETIME: Final = timedelta(days=7)
_MAX_LINKS_LEFT: Final = timedelta(hours=40)
"""The longest remaining lifetime of links in a phase of the kind `LINKS_EXPIRING`, even at a low speed."""
_TOO_OLD_GAP: Final = timedelta(days=70)
"""The time without a backup run in a phase of the kind `TOO_OLD`: longer than the interval of any plan."""
_KINDS_WITHOUT_EARLIER_ROWS: Final = frozenset({"TOO_OLD", "LONG_RUN"})
"""The kinds of phases whose state began long before the phase, so that earlier phases leave no rows."""
_KINDS_WITHOUT_PLAN: Final = NEVER_SCHEDULED_KINDS | {"STOPPED"}
"""The kinds of phases after which a phase of the kind `SCHEDULED` begins with a new schedule."""
_END_STATES: Final = {
    "COMPLETED": "completed",
    "ONE_OFF": "completed",
    "LINKS_EXPIRING": "completed",
    "FAILED": "failure",
    "FAILED_BEFORE": "failure",
    "UNDATED": "completed",
    "UNDATED_ONE_OFF": "completed",
    "NO_ATTACHMENTS": "completed",
    "ATTACHMENTS_MISSING": "completed",
    "OTHER_ORG": "completed",
    "ABORTED": "aborted",
    "FUTURE_ROW": "failure",
}
"""The state of the backup run that ended when a phase began, by the kind of the phase."""
_ACTIONS: Final = ("initiated", "completed", "failure", "stopped", "scheduled", "purchased", "aborted")
_FUTURE_ROW_AHEAD: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class SimulatedRun:
    """One run of a backup."""

    started_at: datetime
    ended_at: datetime | None
    """When the run ended; None if it is still running."""
    state: str | None
    repeat_type: str


@dataclass(frozen=True, slots=True)
class HistoryAction:
    """An action, such as a stop of the plan, or the end of a run; each leaves a row in the history."""

    at: datetime
    action: str
    """Zoho's word for the action; for the end of a backup run, the state of the run."""
    done_by: str = ""
    """The name of the user who acted; empty for the org's requester."""
    count: int = 0


def history_rows(
    world: SimulatedWorld, org: InventedOrg, phases: Sequence[PhaseInTime], now: datetime
) -> list[dict[str, Any]]:
    """Return the rows of the history call, newest first, in Zoho's shape; the list can be empty.

    Args:
        phases: the org's phases up to `now`, newest first.
    """
    kind = phases[0].kind
    if kind == "HISTORY_GONE" or all(phase.kind in NEVER_SCHEDULED_KINDS for phase in phases):
        return []
    plan = repeat_type_of(org.plan)
    rows = [row for run in _all_runs(world, org, phases) for row in _run_rows(org, run)]
    rows += [(act.at, _history_row(org, act, plan)) for act in _actions(world, org, phases)]
    rows.sort(key=lambda row: row[0], reverse=True)
    newest_end = next((row for _, row in rows if row["state"]), None)
    shown = [row for at, row in rows if at > now - _YEAR]
    return [row | _odd_keys(kind, org, row is newest_end) for row in shown]


def _odd_keys(kind: str, org: InventedOrg, is_newest_end: bool) -> dict[str, Any]:
    """Return the keys that are unusual in a history row, if the current phase is of a kind with odd rows.

    `is_newest_end` says whether the row is the newest one with a state, which is the end of a run.
    """
    if kind == "SHARED_IDS":
        return {"id": backup_job_id(org)}
    if kind == "UNDATED_ONE_OFF" or (kind == "UNDATED" and is_newest_end):
        return {"log_time": None}
    return {}


def links_object(
    world: SimulatedWorld, org: InventedOrg, phases: Sequence[PhaseInTime], now: datetime, host: str
) -> dict[str, Any] | None:
    """Return the `urls` object of the links call, in Zoho's shape, with links below the base URL `host`.

    Returns None if there are no files: no run has completed, a run is going on, or the files have expired.
    """
    if phases[0].kind in NEVER_SCHEDULED_KINDS | RUNNING_KINDS:
        return None
    runs = _all_runs(world, org, phases)
    expiries = [run.ended_at + _LINKS_LIFETIME for run in runs if run.ended_at and run.state == "completed"]
    expiry = max(expiries, default=now)
    if expiry <= now:
        return None
    folder = f"{host}/v2/crm/{org.zgid}/backup/{backup_job_id(org)}"
    data = [f"{folder}/Data_{part:03}.zip" for part in range(1, org.number % 3 + 2)]
    attachments = [f"{folder}/Attachments_{part:03}.zip" for part in range(1, org.number % 4 + 1)]
    links = {"data_links": data, "expiry_date": _local_iso(org, expiry)}
    if phases[0].kind == "ATTACHMENTS_MISSING":
        return links
    return {**links, "attachment_links": [] if phases[0].kind == "NO_ATTACHMENTS" else attachments}


def _all_runs(world: SimulatedWorld, org: InventedOrg, phases: Sequence[PhaseInTime]) -> list[SimulatedRun]:
    """Return the backup runs of the phases, and the runs of the plan before the phases, in any order."""
    return [*_runs_in_phases(org, phases), *_planned_runs(world, org, phases)]


def _runs_in_phases(org: InventedOrg, phases: Sequence[PhaseInTime]) -> Iterator[SimulatedRun]:
    """Yield the current backup run, and the newest run with each end state.

    A run for each repetition of the phases would give an unrealistic number of runs in a month.
    """
    states = set[str]()
    for phase, before in zip_longest(phases, phases[1:]):
        kind = "immediate" if phase.kind in ONE_OFF_KINDS else repeat_type_of(org.plan)
        state = _END_STATES.get(phase.kind)
        if phase.kind in RUNNING_KINDS and phase is phases[0]:
            yield SimulatedRun(phase.run_began_at, None, None, kind)
        if phase.kind in _KINDS_WITHOUT_EARLIER_ROWS:
            return
        if state and state not in states:
            states.add(state)
            ended = _run_end_time(phase)
            seen = before is not None and before.kind in RUNNING_KINDS
            began = before.run_began_at if before and seen else ended - _run_duration(org, ended)
            yield SimulatedRun(began, ended, state, kind)


def _run_end_time(phase: PhaseInTime) -> datetime:
    """Return the time at which the backup run before a phase ended."""
    if phase.kind != "LINKS_EXPIRING":
        return phase.began_at
    return min(phase.ends_at, phase.began_at + _MAX_LINKS_LEFT) - _LINKS_LIFETIME


def _planned_runs(
    world: SimulatedWorld, org: InventedOrg, phases: Sequence[PhaseInTime]
) -> Iterator[SimulatedRun]:
    """Yield the runs of a year by the org's plan, before the runs of the phases.

    A few of these runs failed, but none of the last three.
    """
    if not _has_plan(org, phases[0]):
        return
    until = world.start - _plan_ends_before_start({phase.kind for phase in phases})
    began = [run for run in runs_before(org.plan, world.anchor_run(org, phases[0])) if run <= until]
    for age, run in enumerate(reversed(began)):
        state = "failure" if age > 2 and (org.number + run.toordinal()) % 11 == 0 else "completed"
        yield SimulatedRun(run, run + _run_duration(org, run), state, repeat_type_of(org.plan))


def _has_plan(org: InventedOrg, phase: PhaseInTime) -> bool:
    """Return whether the org had a plan before the start of the simulation."""
    return phase.kind not in ONE_OFF_KINDS and not org.has_phase(*NEVER_SCHEDULED_KINDS)


def _plan_ends_before_start(kinds: Collection[str]) -> timedelta:
    """Return the time between the last run by the plan and the start of the simulation.

    `kinds` are the kinds of the org's phases.
    """
    if "TOO_OLD" in kinds:
        return _TOO_OLD_GAP
    return _LINKS_LIFETIME + timedelta(days=1) if "LINKS_EXPIRING" in kinds else timedelta(hours=2)


def _actions(
    world: SimulatedWorld, org: InventedOrg, phases: Sequence[PhaseInTime]
) -> Iterator[HistoryAction]:
    """Yield the start of the org's plan, and the newest action of each kind since then."""
    newest = dict[str, HistoryAction]()
    for phase, before in zip_longest(phases, phases[1:]):
        for act in _actions_at(world, phase, before):
            newest.setdefault(act.action, act)
        if phase.kind in _KINDS_WITHOUT_EARLIER_ROWS:
            break
    yield from newest.values()
    if _has_plan(org, phases[0]):
        first = runs_before(org.plan, world.anchor_run(org, phases[0]))[0]
        yield HistoryAction(first - timedelta(days=3), "scheduled")
    elif "scheduled" not in newest and phases[0].kind not in ONE_OFF_KINDS:
        yield HistoryAction(world.start - timedelta(days=2), "scheduled")


def _actions_at(
    world: SimulatedWorld, phase: PhaseInTime, before: PhaseInTime | None
) -> Iterator[HistoryAction]:
    was = before.kind if before else ""
    if phase.kind == "FUTURE_ROW":
        yield HistoryAction(phase.began_at + _FUTURE_ROW_AHEAD, "completed")
    elif phase.kind == "STOPPED":
        yield HistoryAction(phase.began_at, "stopped", phase.done_by)
    elif phase.kind == "TOO_OLD":
        yield HistoryAction(world.start - timedelta(days=1), "scheduled")
        yield HistoryAction(world.start - _TOO_OLD_GAP + timedelta(days=4), "stopped", phase.done_by)
    elif phase.kind == "SCHEDULED" and was in _KINDS_WITHOUT_PLAN:
        yield HistoryAction(phase.began_at, "scheduled", phase.done_by)
    elif was == "PAYMENT_FAILED":
        yield HistoryAction(phase.began_at, "purchased", count=2)


def _run_rows(org: InventedOrg, run: SimulatedRun) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Yield the history rows of a run, each with its time: one for the run's begin, and one for its end."""
    yield run.started_at, _history_row(org, HistoryAction(run.started_at, "initiated"), run.repeat_type)
    if run.ended_at and run.state:
        yield run.ended_at, _history_row(org, HistoryAction(run.ended_at, run.state), run.repeat_type)


def _history_row(org: InventedOrg, act: HistoryAction, plan: str) -> dict[str, Any]:
    ends = act.action in _END_STATES.values()
    return {
        "id": _row_id(org, act),
        "action": None if ends else act.action,
        "state": act.action if ends else None,
        "repeat_type": plan,
        "file_name": None,
        "count": act.count,
        "log_time": _local_iso(org, act.at),
        "done_by": user_object(org, act.done_by),
    }


def _row_id(org: InventedOrg, act: HistoryAction) -> str:
    """Return the id of a history row, which is unique within a year, and the same in each response."""
    hundredths = int(act.at.timestamp() * 100) % 10**10
    return f"51{org.number:06}{hundredths:010}{_ACTIONS.index(act.action) + 1}"


def _run_duration(org: InventedOrg, run: datetime) -> timedelta:
    """Return the duration of the backup run that begins at `run`: from eight minutes to almost an hour."""
    return timedelta(minutes=8 + (org.number * 31 + run.toordinal() * 7) % 50)


def _local_iso(org: InventedOrg, moment: datetime) -> str:
    return moment.astimezone(timezone(org.utc_offset)).isoformat(timespec="seconds")
