"""The invented orgs, and how their backups live: a pure function of the time."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import cycle, islice
from typing import Final

from zbtui.zoho.datacenter import DATA_CENTERS

_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of an org's life."""

    kind: str
    """A status of Zoho's; or `NONE`, `ONE_OFF`, `OVERDUE`; or a trouble that `Simulator` knows."""
    seconds: float
    """How long it lasts at speed 1."""


@dataclass(frozen=True, slots=True)
class InventedOrg:
    """An org that does not exist."""

    name: str
    company: str
    data_center: str
    requester: str
    number: int
    """From which its ids and its ZUID are made."""
    offset: timedelta
    """Of the org's time zone."""
    plan: str
    """`weekly`, `biweekly`, `monthly` or `monthly-ordinal`."""
    next_in: timedelta
    """From the start of the simulation to the next run, where none is near."""
    life: tuple[Phase, ...]
    """Lived through again and again."""

    @property
    def zgid(self) -> str:
        """The org's number: in `soid`, in download links, in the address bar."""
        return f"{self.number:011}"

    @property
    def soid(self) -> str:
        """What client credentials name the org by."""
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


@dataclass(frozen=True, slots=True)
class Moment:
    """Where an org stands in its life."""

    kind: str
    began: datetime
    ends: datetime
    then: str
    """The kind of the next phase."""


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
        made = list(islice(_endless(random.Random(seed)), orgs or len(_HAND_MADE)))
        self.orgs: dict[str, InventedOrg] = {org.name: org for org in made}
        self.newcomers: dict[str, InventedOrg] = {
            org.name: org for org in (_make(*row) for row in _NEWCOMERS)
        }

    @property
    def every(self) -> dict[str, InventedOrg]:
        """The orgs that are watched from the start, and the newcomers."""
        return self.orgs | self.newcomers

    def at(self, org: InventedOrg, now: datetime) -> Moment:
        """Where `org` stands at `now`."""
        total = sum(phase.seconds for phase in org.life)
        lived = max((now - self.start).total_seconds(), 0) * self.speed
        rounds, left = divmod(lived, total)
        began = rounds * total
        for index, phase in enumerate(org.life):
            if left < phase.seconds or index == len(org.life) - 1:
                then = org.life[(index + 1) % len(org.life)].kind
                ends = began + phase.seconds
                return Moment(phase.kind, self._real(began), self._real(ends), then)
            left -= phase.seconds
            began += phase.seconds
        raise AssertionError("a life has at least one phase")

    def job(self, org: InventedOrg, moment: Moment) -> dict[str, object]:
        """The `backup` object of the details call, in Zoho's shape."""
        zone = timezone(org.offset)
        far = (self.start + org.next_in).astimezone(zone).replace(second=0, microsecond=0)
        next_run = far
        status = moment.kind
        if moment.kind == "OVERDUE":
            status, next_run = "SCHEDULED", self.start.astimezone(zone) - timedelta(hours=7, minutes=12)
        elif moment.kind == "SCHEDULED" and moment.then == "INPROGRESS":
            next_run = moment.ends.astimezone(zone)
        elif moment.kind == "INPROGRESS":
            next_run = moment.began.astimezone(zone)
        first = far - timedelta(weeks=12)
        one_off = moment.kind == "ONE_OFF"
        return {
            "id": f"51000000004{org.number:08}",
            "scheduled_date": None if one_off else next_run.isoformat(timespec="seconds"),
            "start_date": None if one_off else first.isoformat(timespec="seconds"),
            "rrule": None if one_off else _rule(org.plan, far),
            "requester": {
                "id": f"51000000000{org.number:08}",
                "name": org.requester,
                "zuid": f"2007{org.number:07}",
            },
            "status": "COMPLETED" if one_off else status,
        }

    def company(self, org: InventedOrg) -> dict[str, object]:
        """The one `org` object of the org call, in Zoho's shape."""
        place = _PLACES[org.data_center]
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
                "paid_type": "enterprise",
                "paid_expiry": expiry.isoformat(),
                "trial_type": None,
                "trial_expiry": None,
                "trial_action": None,
                "users_license_purchased": 14,
                "portal_users_license_purchased": 0,
            },
        }

    def _real(self, lived: float) -> datetime:
        return self.start + timedelta(seconds=lived / self.speed)


def _rule(plan: str, run: datetime) -> str:
    day = _DAYS[run.weekday()]
    match plan:
        case "weekly":
            return f"RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY={day}"
        case "biweekly":
            return f"RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY={day}"
        case "monthly":
            return f"RRULE:FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY={run.day}"
        case _:
            return f"RRULE:FREQ=MONTHLY;INTERVAL=1;BYDAY={min((run.day - 1) // 7 + 1, 4)}{day}"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the orgs of a data center are."""

    hours: float
    """Ahead of UTC, in winter."""
    time_zone: str
    country: str
    country_code: str


_PLACES: Final = {
    "us": _Place(-7.0, "America/Phoenix", "United States", "US"),
    "eu": _Place(1.0, "Europe/Stockholm", "Sweden", "SE"),
    "in": _Place(5.5, "Asia/Kolkata", "India", "IN"),
    "au": _Place(11.0, "Australia/Sydney", "Australia", "AU"),
    "jp": _Place(9.0, "Asia/Tokyo", "Japan", "JP"),
    "cn": _Place(8.0, "Asia/Shanghai", "China", "CN"),
    "ca": _Place(-5.0, "America/Toronto", "Canada", "CA"),
    "sa": _Place(3.0, "Asia/Riyadh", "Saudi Arabia", "SA"),
    "uk": _Place(0.0, "Europe/London", "United Kingdom", "GB"),
    "ae": _Place(4.0, "Asia/Dubai", "United Arab Emirates", "AE"),
    "sg": _Place(8.0, "Asia/Singapore", "Singapore", "SG"),
}


def _life(text: str) -> tuple[Phase, ...]:
    """`"SCHEDULED 12, INPROGRESS 10"`."""
    pairs = (part.strip().rsplit(" ", 1) for part in text.split(","))
    return tuple(Phase(kind, float(seconds)) for kind, seconds in pairs)


_HAND_MADE: Final = (
    # name, company, data center, requester, plan, next run in hours, life
    ("nordlys", "Nordlys Tools AB", "eu", "Mara Lindqvist", "biweekly", 147.2, "SCHEDULED 60"),
    (
        "kestrel",
        "Kestrel & Wren Ltd",
        "uk",
        "Tom Ashdown",
        "weekly",
        167.9,
        "SCHEDULED 14, INPROGRESS 14, COMPLETED 16",
    ),
    (
        "mesa-verde",
        "Mesa Verde Outfitters",
        "us",
        "Dolores Quintana",
        "biweekly",
        335.9,
        "SCHEDULED 10, INPROGRESS 12, FAILED 24",
    ),
    ("sakura", "Sakura Seimitsu KK", "jp", "佐藤 美咲", "weekly", 61.4, "STOPPED 30, SCHEDULED 18"),
    ("banyan", "Banyan Tree Exports", "in", "Anil Deshpande", "biweekly", 91.1, "NONE 26, SCHEDULED 22"),
    (
        "wattle",
        "Wattle Grove Pty",
        "au",
        "Grace Nakamura",
        "weekly",
        38.3,
        "NO_PERMISSION 40, SCHEDULED 16",
    ),
    ("maple", "Maple Ridge Dairy", "ca", "Étienne Roy", "monthly-ordinal", 220.7, "invalid_code 60"),
    (
        "dune",
        "Dune Line Logistics",
        "sa",
        "Huda Al-Farsi",
        "weekly",
        19.8,
        "OUTAGE 22, SCHEDULED 14, RESET 24",
    ),
    ("lotus", "Lotus Pond Trading", "cn", "Lin Yue", "biweekly", 301.5, "Access Denied 60"),
    ("harbour", "Harbour Light DMCC", "ae", "Omar Haddad", "weekly", 24.0, "ONE_OFF 60"),
    ("merlion", "Merlion Marine", "sg", "Tan Wei Ling", "weekly", 160.0, "OVERDUE 60"),
    (
        "tern",
        "Tern Island Ferries",
        "eu",
        "Jonas Brandt",
        "monthly",
        88.9,
        "SCHEDULED 12, HTML 26, TOO_MANY_REQUESTS 22",
    ),
    ("glacier", "Glacier Optics", "us", "Priya Raman", "weekly", 12.6, "KEYRING 24, SCHEDULED 30"),
    ("plover", "Plover Press", "uk", "Ada Whitlock", "weekly", 5.3, "PAYMENT_FAILED 24, SCHEDULED 26"),
)

_NEWCOMERS: Final = (
    # number, beyond any that `_endless` reaches; then as above
    (900_001, "heron", "Heron Lake Instruments", "eu", "Astrid Holm", "weekly", 52.4, "SCHEDULED 60"),
    (900_002, "alder", "Alder Street Books", "us", "Marcus Reed", "monthly", 310.2, "SCHEDULED 60"),
    (900_003, "saffron", "Saffron Route Spices", "in", "Kavya Iyer", "biweekly", 18.7, "SCHEDULED 60"),
)


def _endless(luck: random.Random) -> Iterator[InventedOrg]:
    for number, row in enumerate(_HAND_MADE, start=1):
        yield _make(number, *row)
    first = ("Amber", "Birch", "Cobalt", "Delta", "Elm", "Falcon", "Granite", "Hazel", "Iris", "Juniper")
    second = ("Foods", "Works", "Travel", "Medical", "Studios", "Freight", "Energy", "Textiles")
    people = ("Sam Okoro", "Lena Fischer", "Rui Costa", "Mei Tanaka", "Noor Haddad", "Ida Berg")
    lives = (
        *["SCHEDULED 60"] * 12,
        "SCHEDULED 20, INPROGRESS 20, COMPLETED 20",
        "COMPLETED 60",
        "FAILED 60",
        "NONE 60",
        "RESET 30, SCHEDULED 30",
    )
    for number, dc in enumerate(cycle(DATA_CENTERS), start=len(_HAND_MADE) + 1):
        company = f"{luck.choice(first)} {luck.choice(second)}"
        yield _make(
            number,
            f"{company.replace(' ', '-').lower()}-{number}",
            company,
            dc,
            luck.choice(people),
            luck.choice(("weekly", "biweekly", "monthly", "monthly-ordinal")),
            luck.uniform(2, 300),
            luck.choice(lives),
        )


def _make(
    number: int, name: str, company: str, dc: str, who: str, plan: str, hours: float, life: str
) -> InventedOrg:
    return InventedOrg(
        name,
        company,
        dc,
        who,
        number,
        timedelta(hours=_PLACES[dc].hours),
        plan,
        timedelta(hours=hours),
        _life(life),
    )
