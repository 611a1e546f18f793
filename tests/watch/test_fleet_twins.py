"""One Zoho org configured under two names: each snapshot names the other as its twin."""

from __future__ import annotations

from dataclasses import replace

from tests.support.fake_clock import FakeClock
from tests.support.snapshots import make_company, make_org
from tests.watch.fleet_driver import DISTANT_RUN, FleetDriver
from zbtui.config.settings import Config
from zbtui.health.snapshot import Observation


def numbered(number: str | None) -> Observation:
    return replace(DISTANT_RUN, company=make_company(org_number=number), company_requested=True)


async def poll_all(watch: FleetDriver, *names: str) -> dict[str, str | None]:
    await watch.fleet.poll_once(names)
    return {one.org.name: one.twin for one in watch.fleet.snapshots}


async def test_orgs_of_one_number_are_twins_until_one_of_them_leaves(
    clock: FakeClock,
) -> None:
    watch = FleetDriver(clock, "acme", "brook", "heron")
    for name, number in (("acme", "2009"), ("brook", "2009"), ("heron", "2010")):
        watch.zoho.outcomes[name] = numbered(number)
    assert await poll_all(watch, "acme") == {"acme": None, "brook": None, "heron": None}
    both = {"acme": "brook", "brook": "acme", "heron": None}
    assert await poll_all(watch, "brook", "heron") == both
    watch.zoho.outcomes["brook"] = DISTANT_RUN  # the company is asked for once a day
    assert await poll_all(watch, "brook") == both
    watch.fleet.apply(Config(watch.fleet.policy, (make_org("acme"), make_org("heron"))))
    assert {one.org.name: one.twin for one in watch.fleet.snapshots} == {"acme": None, "heron": None}


async def test_numbers_that_are_not_known_make_no_twins(clock: FakeClock) -> None:
    watch = FleetDriver(clock, "acme", "brook")
    watch.zoho.outcomes |= dict.fromkeys(("acme", "brook"), numbered(None))
    assert await poll_all(watch, "acme", "brook") == {"acme": None, "brook": None}
