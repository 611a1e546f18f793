"""The invented orgs: their names, places, plans and phases."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from typing import Final

from zbtui.zoho_api.data_centers import DATA_CENTERS

RUNNING_KINDS: Final = frozenset({"INPROGRESS", "LONG_RUN"})
"""The kinds of phases in which a backup is running."""
NEVER_SCHEDULED_KINDS: Final = frozenset({"NONE", "EMPTY"})
"""The kinds of phases in which no backup was ever scheduled."""
ONE_OFF_KINDS: Final = frozenset({"ONE_OFF", "UNDATED_ONE_OFF"})
"""The kinds of phases in which the org has had a single backup, without a plan."""
OLD_ANSWER_KINDS: Final = frozenset({"OLD_ANSWER", "AGED_ANSWER"})
"""The kinds of phases in which Zoho's answers do not change."""
_RUN_KINDS: Final = RUNNING_KINDS | {"COMPLETED", "FAILED", "FAILED_BEFORE"}
"""The kinds of phases that imply a backup run of the org's plan."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of an org: a span of time in which Zoho answers in one way."""

    kind: str
    """A backup status of Zoho's, or one of these words (a status without quotes is what the details show):

    * `NONE`, `EMPTY`: nothing was ever scheduled (204, `{}`).
    * `ONE_OFF`: a single backup has completed.
    * `OVERDUE`: the next run is overdue.
    * `FAILED_BEFORE`: SCHEDULED; only the history shows that the last run failed.
    * `TOO_OLD`: SCHEDULED; after a stop of the plan, the last good run is long ago.
    * `LONG_RUN`: INPROGRESS since yesterday.
    * `LINKS_EXPIRING`: COMPLETED seven days before the end of the phase.
    * `HISTORY_DOWN`, `LINKS_DOWN`: SCHEDULED; the history call or the links call answers 500.

    Or one of these words, which no invented org has in its phases:

    * `SHARED_IDS`: SCHEDULED; all rows of the history have the id of the job.
    * `UNDATED`: COMPLETED; the newest end in the history has no time.
    * `UNDATED_ONE_OFF`: as `ONE_OFF`; no row has a time.
    * `ABORTED`: SCHEDULED; the last run ended in a state that is not documented.
    * `FUTURE_ROW`: SCHEDULED; the last run failed, and a row is 400 days in the future.
    * `HISTORY_GONE`: SCHEDULED; the history is empty (204), even if it had rows.
    * `MISSED`: SCHEDULED; scheduled dates pass, but no run leaves a row.
    * `NO_ATTACHMENTS`, `ATTACHMENTS_MISSING`: COMPLETED; the list of their links is empty, or missing.
    * `OLD_ANSWER`, `AGED_ANSWER`: SCHEDULED; each call answers as at the begin of the phase, with that
      time as the `Date`; `AGED_ANSWER` also sends an `Age`.
    * `OTHER_ORG`: COMPLETED; all ids are those of another org, the org number too.

    Or the word for a problem that `Simulator` answers with, such as `OUTAGE`.
    """
    seconds: float
    """The duration of the phase at speed 1, in seconds."""
    done_by: str = ""
    """The user who scheduled or stopped the plan; empty for the org's requester."""


@dataclass(frozen=True, slots=True)
class InventedOrg:
    """An invented org of the simulated Zoho."""

    name: str
    company: str
    data_center: str
    requester: str
    number: int
    """The number that the org's ids and its ZUID are built from."""
    utc_offset: timedelta
    """The offset of the org's time zone from UTC."""
    plan: str
    """How often backups run: `weekly`, `biweekly`, `monthly` or `monthly-ordinal`."""
    time_to_first_run: timedelta
    """The time from the start of the simulation to the next backup run, if no phase has a run before."""
    phases: tuple[Phase, ...]
    """The org's phases, in their order, which are repeated forever."""

    @property
    def zgid(self) -> str:
        """The org's number in `soid`, in download links and in the address bar."""
        return f"{self.number:011}"

    @property
    def soid(self) -> str:
        """The value that identifies the org in token requests with client credentials."""
        return f"ZohoCRM.{self.zgid}"

    @property
    def client_id(self) -> str:
        return f"1000.DEMO{self.number:06}"

    @property
    def client_secret(self) -> str:
        return f"demo-client-secret-{self.number:06}"

    @property
    def refresh_token(self) -> str:
        return f"1000.demo-refresh-token-{self.number:06}"

    @property
    def edition(self) -> str:
        """The edition of Zoho CRM: one with enough backups a month for the plan.

        A weekly plan can need five, more than any edition has.
        """
        runs_often = self.plan == "biweekly" or self.has_phase(*_RUN_KINDS)
        return "ultimate" if runs_often and self.plan != "weekly" else "enterprise"

    def has_phase(self, *kinds: str) -> bool:
        return any(phase.kind in kinds for phase in self.phases)


@dataclass(frozen=True, slots=True)
class Location:
    """The country and time zone of a data center."""

    utc_offset_hours: float
    """The hours by which the time zone is ahead of UTC, in the winter of the northern half of the earth."""
    time_zone: str
    country: str
    country_code: str


LOCATIONS: Final = {
    "us": Location(-7.0, "America/Phoenix", "United States", "US"),
    "eu": Location(1.0, "Europe/Stockholm", "Sweden", "SE"),
    "in": Location(5.5, "Asia/Kolkata", "India", "IN"),
    "au": Location(11.0, "Australia/Sydney", "Australia", "AU"),
    "jp": Location(9.0, "Asia/Tokyo", "Japan", "JP"),
    "cn": Location(8.0, "Asia/Shanghai", "China", "CN"),
    "ca": Location(-5.0, "America/Toronto", "Canada", "CA"),
    "sa": Location(3.0, "Asia/Riyadh", "Saudi Arabia", "SA"),
    "uk": Location(0.0, "Europe/London", "United Kingdom", "GB"),
    "ae": Location(4.0, "Asia/Dubai", "United Arab Emirates", "AE"),
    "sg": Location(8.0, "Asia/Singapore", "Singapore", "SG"),
}


# Hours to the next run. An org with runs in its phases gets a whole interval, as its phases have the run
# before that. The other orgs get hours at which no links expire soon.
_HOURS_BETWEEN_RUNS: Final = {"biweekly": 335.9, "monthly": 743.9, "monthly-ordinal": 743.9}
_HOURS_WITH_LINKS_EXPIRING: Final = (150, 260)

_HANDMADE_ORGS: Final = (
    # name, company, data center, requester, plan, next run in hours
    ("nordlys", "Nordlys Tools AB", "eu", "Mara Lindqvist", "biweekly", 147.2),
    ("kestrel", "Kestrel & Wren Ltd", "uk", "Tom Ashdown", "biweekly", 335.9),
    ("mesa-verde", "Mesa Verde Outfitters", "us", "Dolores Quintana", "monthly", 743.9),
    ("sakura", "Sakura Seimitsu KK", "jp", "佐藤 美咲", "biweekly", 61.4),
    ("banyan", "Banyan Tree Exports", "in", "Anil Deshpande", "biweekly", 91.1),
    ("wattle", "Wattle Grove Pty", "au", "Grace Nakamura", "biweekly", 38.3),
    ("maple", "Maple Ridge Dairy", "ca", "Étienne Roy", "monthly-ordinal", 220.7),
    ("dune", "Dune Line Logistics", "sa", "Huda Al-Farsi", "biweekly", 19.8),
    ("lotus", "Lotus Pond Trading", "cn", "Lin Yue", "biweekly", 301.5),
    ("harbour", "Harbour Light DMCC", "ae", "Omar Haddad", "monthly", 24.0),
    ("merlion", "Merlion Marine", "sg", "Tan Wei Ling", "biweekly", 110.0),
    ("tern", "Tern Island Ferries", "eu", "Jonas Brandt", "monthly", 88.9),
    ("glacier", "Glacier Optics", "us", "Priya Raman", "biweekly", 335.9),
    ("plover", "Plover Press", "uk", "Ada Whitlock", "biweekly", 5.3),
    ("quarry", "Quarry Hill Stone", "uk", "Bryn Maddox", "monthly", 743.9),
    ("osprey", "Osprey Air Charter", "us", "Carla Mendes", "biweekly", 335.9),
    ("fjord", "Fjord & Fell Outdoor", "eu", "Signe Dahl", "biweekly", 165.2),
    ("tamarind", "Tamarind Kitchens", "in", "Rohan Pillai", "weekly", 100.4),
)
_PHASES: Final = {
    "nordlys": "SCHEDULED 60",
    "kestrel": "SCHEDULED 14, INPROGRESS 14, COMPLETED 16",
    "mesa-verde": "SCHEDULED 10, INPROGRESS 12, FAILED 20, INPROGRESS 8, COMPLETED 12",
    "sakura": "STOPPED 30 by 高橋 健, SCHEDULED 18 by 森 由美",
    "banyan": "NONE 26, SCHEDULED 22",
    "wattle": "NO_PERMISSION 40, SCHEDULED 16",
    "maple": "invalid_code 60",
    "dune": "OUTAGE 22, SCHEDULED 14, RESET 24",
    "lotus": "Access Denied 60",
    "harbour": "ONE_OFF 60",
    "merlion": "OVERDUE 60",
    "tern": "SCHEDULED 12, HTML 26, TOO_MANY_REQUESTS 22",
    "glacier": "KEYRING 24, HISTORY_DOWN 20, INPROGRESS 8, COMPLETED 12",
    "plover": "PAYMENT_FAILED 24, SCHEDULED 26",
    "quarry": "LONG_RUN 24, FAILED_BEFORE 18, INPROGRESS 8, COMPLETED 12",
    "osprey": "TOO_OLD 34 by Neil Farrow, INPROGRESS 10, COMPLETED 16",
    "fjord": "LINKS_EXPIRING 28, SCHEDULED 32",
    "tamarind": "SCHEDULED 60",
}
"""The phases of each hand-made org, by the org's name: kind, seconds, and who scheduled or stopped the
plan."""
HANDMADE_COUNT: Final = len(_HANDMADE_ORGS)

_UNWATCHED_ORGS: Final = (
    # number, above those of `generate_orgs`; then the columns as above; then the phases
    (900_001, "heron", "Heron Lake Instruments", "eu", "Astrid Holm", "biweekly", 52.4, "SCHEDULED 60"),
    (900_002, "alder", "Alder Street Books", "us", "Marcus Reed", "monthly", 310.2, "SCHEDULED 60"),
    (900_003, "saffron", "Saffron Route Spices", "in", "Kavya Iyer", "biweekly", 18.7, "SCHEDULED 60"),
)


def unwatched_orgs() -> Iterator[InventedOrg]:
    """Yield the orgs that are not under watch yet, but can be added."""
    for row in _UNWATCHED_ORGS:
        yield _make_org(*row)


def generate_orgs(rng: random.Random) -> Iterator[InventedOrg]:
    """Yield the hand-made orgs, then an endless series of generated ones."""
    for number, row in enumerate(_HANDMADE_ORGS, start=1):
        yield _make_org(number, *row, _PHASES[row[0]])
    first = ("Amber", "Birch", "Cobalt", "Delta", "Elm", "Falcon", "Granite", "Hazel", "Iris", "Juniper")
    second = ("Foods", "Works", "Travel", "Medical", "Studios", "Freight", "Energy", "Textiles")
    people = ("Sam Okoro", "Lena Fischer", "Rui Costa", "Mei Tanaka", "Noor Haddad", "Ida Berg")
    phase_texts = ["SCHEDULED 60"] * 12
    phase_texts += ["SCHEDULED 20, INPROGRESS 20, COMPLETED 20", "COMPLETED 60", "FAILED 60", "NONE 60"]
    phase_texts.append("RESET 30, SCHEDULED 30")
    for number, dc in enumerate(cycle(DATA_CENTERS), start=HANDMADE_COUNT + 1):
        company = f"{rng.choice(first)} {rng.choice(second)}"
        requester, plan = rng.choice(people), rng.choice(tuple(_HOURS_BETWEEN_RUNS))
        phases_text = rng.choice(phase_texts)
        hours = _HOURS_BETWEEN_RUNS[plan] if "INPROGRESS" in phases_text else _hours_to_run(rng)
        name = f"{company.replace(' ', '-').lower()}-{number}"
        yield _make_org(number, name, company, dc, requester, plan, hours, phases_text)


def _hours_to_run(rng: random.Random) -> float:
    hours, (least, most) = rng.uniform(2, 300), _HOURS_WITH_LINKS_EXPIRING
    return hours - 120 if least < hours < most else hours


def _make_org(
    number: int, name: str, company: str, dc: str, requester: str, plan: str, hours: float, phases_text: str
) -> InventedOrg:
    utc_offset = timedelta(hours=LOCATIONS[dc].utc_offset_hours)
    phases = tuple(_parse_phase(part.strip()) for part in phases_text.split(","))
    return InventedOrg(
        name, company, dc, requester, number, utc_offset, plan, timedelta(hours=hours), phases
    )


def _parse_phase(text: str) -> Phase:
    """Parse a phase such as `STOPPED 30 by Jo Vance`."""
    what, _, who = text.partition(" by ")
    kind, seconds = what.rsplit(" ", 1)
    return Phase(kind, float(seconds), who)
