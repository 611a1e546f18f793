"""The state of the invented orgs' backups: a pure function of time."""

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
"""How long a `LONG_RUN` has been running when its phase begins."""
_OVERDUE_BY: Final = timedelta(hours=7, minutes=12)
"""How overdue an `OVERDUE` run is at the start."""
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
"""The status of kinds that are none of Zoho's."""


@dataclass(frozen=True, slots=True)
class PhaseInTime:
    """A phase of an org, with its times."""

    kind: str
    began_at: datetime
    ends_at: datetime
    """A single phase goes on after it."""
    next_kind: str
    """The kind of the next phase."""
    done_by: str = ""
    """As in `Phase`."""

    @property
    def run_began_at(self) -> datetime:
        """When the run of a phase of `RUNNING_KINDS` began."""
        return self.began_at - LONG_RUN_HEAD_START if self.kind == "LONG_RUN" else self.began_at


class SimulatedWorld:
    """All invented orgs from `start` on, with phases that pass `speed` times as fast.

    `orgs` are watched from the start; `unwatched_orgs` can be added.
    """

    def __init__(self, start: datetime, orgs: int = 0, speed: float = 1.0, seed: int = 0) -> None:
        """`orgs` is their number; 0: the hand-made ones. `seed` generates those beyond them."""
        self.start = start
        self.speed = speed
        invented = islice(generate_orgs(random.Random(seed)), orgs or HANDMADE_COUNT)
        self.orgs: dict[str, InventedOrg] = {org.name: org for org in invented}
        self.unwatched_orgs: dict[str, InventedOrg] = {org.name: org for org in unwatched_orgs()}

    @property
    def all_orgs(self) -> dict[str, InventedOrg]:
        """The watched and the unwatched orgs."""
        return self.orgs | self.unwatched_orgs

    def phase_at(self, org: InventedOrg, now: datetime) -> PhaseInTime:
        return self._phase_number(org, self._finished_phase_count(org, now))

    def phases_until(self, org: InventedOrg, now: datetime) -> tuple[PhaseInTime, ...]:
        """The phase of an org at `now` and those before it, newest first.

        One cycle of its phases and the one before; none before the start.
        """
        newest = self._finished_phase_count(org, now)
        oldest = max(newest - len(org.phases) - 1, 0)
        return tuple(self._phase_number(org, number) for number in range(newest, oldest - 1, -1))

    def backup_object(self, org: InventedOrg, moment: PhaseInTime, now: datetime) -> dict[str, object]:
        """The `backup` object of the details call, in Zoho's shape."""
        far, one_off = self.anchor_run(org, moment), moment.kind in ONE_OFF_KINDS
        next_run = self._scheduled_date(org, moment, now)
        return {
            "id": backup_job_id(org),
            "scheduled_date": None if one_off else next_run.isoformat(timespec="seconds"),
            "start_date": None if one_off else self._start_date(org, moment).isoformat(timespec="seconds"),
            "rrule": None if one_off else rrule_for(org.plan, far),
            "requester": user_object(org, moment.done_by if moment.kind == "SCHEDULED" else ""),
            "status": _STATUSES.get(moment.kind, moment.kind),
        }

    def anchor_run(self, org: InventedOrg, moment: PhaseInTime) -> datetime:
        """The run that the plan is counted from: a later one; for `OVERDUE`, the one that was due."""
        due = self.start - _OVERDUE_BY if moment.kind == "OVERDUE" else self.start + org.time_to_first_run
        local = due.astimezone(timezone(org.utc_offset))
        return move_onto_plan(org.plan, local.replace(second=0, microsecond=0))

    def org_object(self, org: InventedOrg) -> dict[str, object]:
        """The one `org` object of the org call, in Zoho's shape."""
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

    def _scheduled_date(self, org: InventedOrg, moment: PhaseInTime, now: datetime) -> datetime:
        zone = timezone(org.utc_offset)
        if moment.kind in RUNNING_KINDS:
            return moment.run_began_at.astimezone(zone)
        if moment.next_kind in RUNNING_KINDS | {"MISSED"}:
            return moment.ends_at.astimezone(zone)
        far = self.anchor_run(org, moment)
        return next_run_after(org.plan, far, now) if moment.kind == "MISSED" else far

    def _start_date(self, org: InventedOrg, moment: PhaseInTime) -> datetime:
        far = self.anchor_run(org, moment)
        return far if org.has_phase(*NEVER_SCHEDULED_KINDS) else runs_before(org.plan, far)[0]

    def _finished_phase_count(self, org: InventedOrg, now: datetime) -> int:
        """Counted over all cycles."""
        if len(org.phases) == 1:
            return 0
        lived = max((now - self.start).total_seconds(), 0) * self.speed
        rounds, left = divmod(lived, sum(phase.seconds for phase in org.phases))
        index = 0
        while index < len(org.phases) - 1 and left >= org.phases[index].seconds:
            left -= org.phases[index].seconds
            index += 1
        return int(rounds) * len(org.phases) + index

    def _phase_number(self, org: InventedOrg, number: int) -> PhaseInTime:
        """Counted over all cycles."""
        rounds, index = divmod(number, len(org.phases))
        seconds = [phase.seconds for phase in org.phases]
        began, phase = rounds * sum(seconds) + sum(seconds[:index]), org.phases[index]
        next_kind = org.phases[(index + 1) % len(org.phases)].kind
        began_at, ends_at = (
            self.start + timedelta(seconds=lived / self.speed) for lived in (began, began + phase.seconds)
        )
        return PhaseInTime(phase.kind, began_at, ends_at, next_kind, phase.done_by)


def backup_job_id(org: InventedOrg) -> str:
    """The id in the details and in download links."""
    return f"51000000004{org.number:08}"


def user_object(org: InventedOrg, name: str = "") -> dict[str, object]:
    """A user of the org, in the shape of `requester` and `done_by`; without a name, the requester."""
    if name in ("", org.requester):
        return {"id": f"51000000000{org.number:08}", "name": org.requester, "zuid": f"2007{org.number:07}"}
    other = sum(name.encode()) % 10_000
    return {
        "id": f"5100000{other:04}{org.number:08}",
        "name": name,
        "zuid": f"2008{other:04}{org.number % 1000:03}",
    }
