"""How the backups of the invented orgs live: a pure function of the time."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Final

from zbtui.demo.plans import on_plan, rule_of, runs_before
from zbtui.demo.roster import HAND_MADE, NOTHING, PLACES, RUNNING, InventedOrg, Phase, endless, newcomers

__all__ = ["InventedOrg", "Moment", "Phase", "World"]

LONG_RUN: Final = timedelta(hours=14)
"""How long a `LONG_RUN` lasts already when its phase begins."""
_LATE: Final = timedelta(hours=7, minutes=12)
"""How long the next run of an `OVERDUE` one is past."""
_STATUSES: Final = {
    "OVERDUE": "SCHEDULED",
    "ONE_OFF": "COMPLETED",
    "FAILED_BEFORE": "SCHEDULED",
    "TOO_OLD": "SCHEDULED",
    "LONG_RUN": "INPROGRESS",
    "LINKS_EXPIRING": "COMPLETED",
    "HISTORY_DOWN": "SCHEDULED",
    "LINKS_DOWN": "SCHEDULED",
}
"""How the details tell a kind that is no status of Zoho's."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an org stands in its life."""

    kind: str
    began: datetime
    ends: datetime
    """A life of one phase goes on beyond it."""
    then: str
    """The kind of the next phase."""
    by: str = ""
    """As in `Phase`."""

    @property
    def run_began(self) -> datetime:
        """When the run of a phase of `RUNNING` began."""
        return self.began - LONG_RUN if self.kind == "LONG_RUN" else self.began


class World:
    """All invented orgs, from `start` on, living `speed` times as fast as said.

    `orgs` are watched from the start; `newcomers` exist as well, for who signs in to them.
    """

    def __init__(self, start: datetime, orgs: int = 0, speed: float = 1.0, seed: int = 0) -> None:
        """Args:
        orgs: how many; 0: the hand-made ones.
        seed: for the orgs beyond the hand-made ones.
        """
        self.start = start
        self.speed = speed
        made = islice(endless(random.Random(seed)), orgs or HAND_MADE)
        self.orgs: dict[str, InventedOrg] = {org.name: org for org in made}
        self.newcomers: dict[str, InventedOrg] = {org.name: org for org in newcomers()}

    @property
    def every(self) -> dict[str, InventedOrg]:
        """The orgs that are watched from the start, and the newcomers."""
        return self.orgs | self.newcomers

    def at(self, org: InventedOrg, now: datetime) -> Moment:
        """Where `org` stands at `now`."""
        return self._moment(org, self._phases_before(org, now))

    def lived(self, org: InventedOrg, now: datetime) -> tuple[Moment, ...]:
        """Where `org` stands at `now`, and where it stood before, newest first.

        One round of its life, and the phase that led to it; nothing before the start.
        """
        newest = self._phases_before(org, now)
        oldest = max(newest - len(org.life) - 1, 0)
        return tuple(self._moment(org, number) for number in range(newest, oldest - 1, -1))

    def job(self, org: InventedOrg, moment: Moment) -> dict[str, object]:
        """The `backup` object of the details call, in Zoho's shape."""
        far, one_off = self.plan_run(org, moment), moment.kind == "ONE_OFF"
        next_run = self._next_run(org, moment)
        return {
            "id": job_id(org),
            "scheduled_date": None if one_off else next_run.isoformat(timespec="seconds"),
            "start_date": None if one_off else self._first_run(org, moment).isoformat(timespec="seconds"),
            "rrule": None if one_off else rule_of(org.plan, far),
            "requester": user(org, moment.by if moment.kind == "SCHEDULED" else ""),
            "status": _STATUSES.get(moment.kind, moment.kind),
        }

    def plan_run(self, org: InventedOrg, moment: Moment) -> datetime:
        """The run from which the plan is counted: the next that is not near; of `OVERDUE` the past one."""
        due = self.start - _LATE if moment.kind == "OVERDUE" else self.start + org.next_in
        return on_plan(org.plan, due.astimezone(timezone(org.offset)).replace(second=0, microsecond=0))

    def company(self, org: InventedOrg) -> dict[str, object]:
        """The one `org` object of the org call, in Zoho's shape."""
        place = PLACES[org.data_center]
        zone = timezone(org.offset)
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

    def _next_run(self, org: InventedOrg, moment: Moment) -> datetime:
        zone = timezone(org.offset)
        if moment.kind in RUNNING:
            return moment.run_began.astimezone(zone)
        if moment.then in RUNNING:
            return moment.ends.astimezone(zone)
        return self.plan_run(org, moment)

    def _first_run(self, org: InventedOrg, moment: Moment) -> datetime:
        far = self.plan_run(org, moment)
        return far if org.lives_through(*NOTHING) else runs_before(org.plan, far)[0]

    def _phases_before(self, org: InventedOrg, now: datetime) -> int:
        """How many phases of its life are over."""
        if len(org.life) == 1:
            return 0
        lived = max((now - self.start).total_seconds(), 0) * self.speed
        rounds, left = divmod(lived, sum(phase.seconds for phase in org.life))
        index = 0
        while index < len(org.life) - 1 and left >= org.life[index].seconds:
            left -= org.life[index].seconds
            index += 1
        return int(rounds) * len(org.life) + index

    def _moment(self, org: InventedOrg, number: int) -> Moment:
        """The phase after so many others."""
        rounds, index = divmod(number, len(org.life))
        seconds = [phase.seconds for phase in org.life]
        began, phase = rounds * sum(seconds) + sum(seconds[:index]), org.life[index]
        then = org.life[(index + 1) % len(org.life)].kind
        return Moment(phase.kind, self._real(began), self._real(began + phase.seconds), then, phase.by)

    def _real(self, lived: float) -> datetime:
        return self.start + timedelta(seconds=lived / self.speed)


def job_id(org: InventedOrg) -> str:
    """Of the details, and in download links."""
    return f"51000000004{org.number:08}"


def user(org: InventedOrg, name: str = "") -> dict[str, object]:
    """A user of the org, as `requester` and `done_by` tell them.

    Args:
        name: empty: who requests its backups.
    """
    if name in ("", org.requester):
        return {
            "id": f"51000000000{org.number:08}",
            "name": org.requester,
            "zuid": f"2007{org.number:07}",
        }
    other = sum(name.encode()) % 10_000
    return {
        "id": f"5100000{other:04}{org.number:08}",
        "name": name,
        "zuid": f"2008{other:04}{org.number % 1000:03}",
    }
