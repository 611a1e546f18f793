"""Mute, tags and accent of an org that change while the fleet runs."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from tests.support.fake_clock import FakeClock
from tests.watch.fleet_driver import EditedConfig, FleetDriver, org_table
from tests.watch.zoho_environment import MINUTE, run_fleet
from zbtui.watch.fleet import OrgChanges

LABELS = 'mute = true\ntags = ["prod"]\naccent = "blue"\n'


async def test_an_org_whose_labels_alone_change_is_not_polled_again(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    async with run_fleet(watch.fleet) as published:
        await clock.advance(MINUTE)
        before = watch.snapshot("acme")
        del published[:]
        config.write(org_table("acme") + LABELS + org_table("brook"))
        assert watch.tick() == OrgChanges()
        after = watch.snapshot("acme")
        assert (after.org.mute, after.org.tags, after.org.accent) == (True, ("prod",), "blue")
        assert after == replace(before, org=after.org)
        assert published == [after]
        await clock.advance(1)
        assert watch.poll_count("acme") == 1
        await clock.advance(5 * MINUTE)
        assert watch.poll_count("acme") == 2
        assert watch.snapshot("acme").org == after.org


async def test_a_pace_that_changes_with_it_still_counts(config: EditedConfig, watch: FleetDriver) -> None:
    config.write(org_table("acme") + 'every = "1h"\n' + LABELS + org_table("brook"))
    assert watch.tick() == OrgChanges(added=("acme",), removed=("acme",))
    assert watch.snapshot("acme").org.tags == ("prod",)


async def test_a_poll_in_progress_does_not_bring_back_the_old_labels(
    clock: FakeClock, config: EditedConfig, watch: FleetDriver
) -> None:
    gate = watch.zoho.gates["acme"] = asyncio.Event()
    async with run_fleet(watch.fleet):
        assert watch.snapshot("acme").activity.polling
        config.write(org_table("acme") + LABELS + org_table("brook"))
        watch.tick()
        gate.set()
        await clock.advance(1)
        assert watch.snapshot("acme").org.tags == ("prod",)
        assert watch.poll_count("acme") == 1
