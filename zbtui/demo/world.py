"""Computes the state of the invented orgs' backups from the time alone."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Final

from zbtui.demo.invented_orgs import (
    HANDMADE_COUNT,
    LOCATIONS,
    NEVER_SCHEDULED_KINDS,
    ONE_OFF_KINDS,
    RUNNING_KINDS,
    InventedOrg,
    Phase,
    generate_orgs,
    unwatched_orgs,
)
from zbtui.demo.plans import move_onto_plan, next_run_after, rrule_for, runs_before

__all__ = ["InventedOrg", "Phase", "PhaseInTime", "SimulatedWorld"]

LONG_RUN_HEAD_START: Final = timedelta(hours=14)
"""How long the backup of a phase of the kind `LONG_RUN` has been running when the phase begins."""
_OVERDUE_BY: Final = timedelta(hours=7, minutes=12)
"""How overdue the backup run of a phase of the kind `OVERDUE` is at the start of the simulation."""
_STATUSES: Final = {
    "OVERDUE": "SCHEDULED",
    "ONE_OFF": "COMPLETED",
    "FAILED_BEFORE": "SCHEDULED",
    "TOO_OLD": "SCHEDULED",
    "LONG_RUN": "INPROGRESS",
    "LINKS_EXPIRING": "COMPLETED",
    "HISTORY_DOWN": "SCHEDULED",
    "LINKS_DOWN": "SCHEDULED",
    "SHARED_IDS": "SCHEDULED",
    "UNDATED": "COMPLETED",
    "UNDATED_ONE_OFF": "COMPLETED",
    "ABORTED": "SCHEDULED",
    "FUTURE_ROW": "SCHEDULED",
    "HISTORY_GONE": "SCHEDULED",
    "MISSED": "SCHEDULED",
    "NO_ATTACHMENTS": "COMPLETED",
    "ATTACHMENTS_MISSING": "COMPLETED",
    "OLD_ANSWER": "SCHEDULED",
    "AGED_ANSWER": "SCHEDULED",
    "OTHER_ORG": "COMPLETED",
}
"""The status that Zoho would show, by kind of phase, for the kinds that are no status of Zoho's."""


@dataclass(frozen=True, slots=True)
class PhaseInTime:
    """A phase of an org, with the times of its begin and end."""

    kind: str
    began_at: datetime
    ends_at: datetime
    """If the org has only one phase, the phase continues after this time."""
    next_kind: str
    """The kind of the next phase."""
    done_by: str = ""
    """The user who scheduled or stopped the plan; empty for the org's requester."""

    @property
    def run_began_at(self) -> datetime:
        """The time at which the running backup began, in a phase whose kind is in `RUNNING_KINDS`."""
        return self.began_at - LONG_RUN_HEAD_START if self.kind == "LONG_RUN" else self.began_at


class SimulatedWorld:
    """All invented orgs from `start` on, with phases that pass `speed` times as fast.

    The orgs in `orgs` are watched from the start; those in `unwatched_orgs` can be added.
    """

    def __init__(self, start: datetime, orgs: int = 0, speed: float = 1.0, seed: int = 0) -> None:
        """Create `orgs` watched orgs, or only the hand-made ones if `orgs` is 0.

        `seed` determines all orgs beyond the hand-made ones.
        """
        self.start = start
        self.speed = speed
        invented = islice(generate_orgs(random.Random(seed)), orgs or HANDMADE_COUNT)
        self.orgs: dict[str, InventedOrg] = {org.name: org for org in invented}
        self.unwatched_orgs: dict[str, InventedOrg] = {org.name: org for org in unwatched_orgs()}

    @property
    def all_orgs(self) -> dict[str, InventedOrg]:
        """The watched and the unwatched orgs, by name."""
        return self.orgs | self.unwatched_orgs

    def phase_at(self, org: InventedOrg, now: datetime) -> PhaseInTime:
        return self._phase_number(org, self._finished_phase_count(org, now))

    def phases_until(self, org: InventedOrg, now: datetime) -> tuple[PhaseInTime, ...]:
        """Return the phase of an org at `now` and earlier ones, newest first.

        These are at most two phases more than `org.phases` has, and none from before the start.
        """
        newest = self._finished_phase_count(org, now)
        oldest = max(newest - len(org.phases) - 1, 0)
        return tuple(self._phase_number(org, number) for number in range(newest, oldest - 1, -1))

    def backup_object(self, org: InventedOrg, phase: PhaseInTime, now: datetime) -> dict[str, object]:
        """Return the `backup` object of the details call, in Zoho's shape."""
        anchor, one_off = self.anchor_run(org, phase), phase.kind in ONE_OFF_KINDS
        next_run = self._scheduled_date(org, phase, now)
        return {
            "id": backup_job_id(org),
            "scheduled_date": None if one_off else next_run.isoformat(timespec="seconds"),
            "start_date": None if one_off else self._start_date(org, phase).isoformat(timespec="seconds"),
            "rrule": None if one_off else rrule_for(org.plan, anchor),
            "requester": user_object(org, phase.done_by if phase.kind == "SCHEDULED" else ""),
            "status": _STATUSES.get(phase.kind, phase.kind),
        }

    def anchor_run(self, org: InventedOrg, phase: PhaseInTime) -> datetime:
        """Return the time of the backup run from which the plan is computed.

        This is the first run after the start; in a phase of the kind `OVERDUE`, the run that is overdue.
        """
        due = self.start - _OVERDUE_BY if phase.kind == "OVERDUE" else self.start + org.time_to_first_run
        local = due.astimezone(timezone(org.utc_offset))
        return move_onto_plan(org.plan, local.replace(second=0, microsecond=0))

    def org_object(self, org: InventedOrg) -> dict[str, object]:
        """Return the only `org` object in the answer to the org call, in Zoho's shape."""
        place = LOCATIONS[org.data_center]
        zone = timezone(org.utc_offset)
        expiry = (self.start + timedelta(days=200)).astimezone(zone).replace(microsecond=0)
        return {
            "id": f"51000000002{org.number:08}",
            "zgid": org.zgid,
            "domain_name": f"org{org.zgid}",
            "company_name": org.company,
            "alias": None,
            "type": "production",
            "country": place.country,
            "country_code": place.country_code,
            "time_zone": place.time_zone,
            "primary_email": f"owner@{org.name}.example",
            "primary_zuid": f"2007{org.number:07}",
            "created_time": datetime(2021, 5, 4, 8, tzinfo=zone).isoformat(),
            "license_details": {
                "paid": True,
                "paid_type": org.edition,
                "paid_expiry": expiry.isoformat(),
                "trial_type": None,
                "trial_expiry": None,
                "trial_action": None,
                "users_license_purchased": 14,
                "portal_users_license_purchased": 0,
            },
        }

    def _scheduled_date(self, org: InventedOrg, phase: PhaseInTime, now: datetime) -> datetime:
        zone = timezone(org.utc_offset)
        if phase.kind in RUNNING_KINDS:
            return phase.run_began_at.astimezone(zone)
        if phase.next_kind in RUNNING_KINDS | {"MISSED"}:
            return phase.ends_at.astimezone(zone)
        anchor = self.anchor_run(org, phase)
        return next_run_after(org.plan, anchor, now) if phase.kind == "MISSED" else anchor

    def _start_date(self, org: InventedOrg, phase: PhaseInTime) -> datetime:
        anchor = self.anchor_run(org, phase)
        return anchor if org.has_phase(*NEVER_SCHEDULED_KINDS) else runs_before(org.plan, anchor)[0]

    def _finished_phase_count(self, org: InventedOrg, now: datetime) -> int:
        """Return how many phases have ended by `now`, counted over all repetitions of the phases."""
        if len(org.phases) == 1:
            return 0
        elapsed = max((now - self.start).total_seconds(), 0) * self.speed
        rounds, left = divmod(elapsed, sum(phase.seconds for phase in org.phases))
        index = 0
        while index < len(org.phases) - 1 and left >= org.phases[index].seconds:
            left -= org.phases[index].seconds
            index += 1
        return int(rounds) * len(org.phases) + index

    def _phase_number(self, org: InventedOrg, number: int) -> PhaseInTime:
        """Return the phase of this number, counted over all repetitions of the org's phases."""
        rounds, index = divmod(number, len(org.phases))
        seconds = [phase.seconds for phase in org.phases]
        began, phase = rounds * sum(seconds) + sum(seconds[:index]), org.phases[index]
        next_kind = org.phases[(index + 1) % len(org.phases)].kind
        began_at, ends_at = (
            self.start + timedelta(seconds=elapsed / self.speed)
            for elapsed in (began, began + phase.seconds)
        )
        return PhaseInTime(phase.kind, began_at, ends_at, next_kind, phase.done_by)


def backup_job_id(org: InventedOrg) -> str:
    """Return the id of the org's backup, as in the details and in download links."""
    return f"51000000004{org.number:08}"


def user_object(org: InventedOrg, name: str = "") -> dict[str, object]:
    """Return a user of the org, in the shape of `requester` and `done_by`; by default the requester."""
    if name in ("", org.requester):
        return {"id": f"51000000000{org.number:08}", "name": org.requester, "zuid": f"2007{org.number:07}"}
    other = sum(name.encode()) % 10_000
    return {
        "id": f"5100000{other:04}{org.number:08}",
        "name": name,
        "zuid": f"2008{other:04}{org.number % 1000:03}",
    }
