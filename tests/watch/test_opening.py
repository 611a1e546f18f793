"""A fleet with all its parts, and what becomes of them."""

from __future__ import annotations

import pytest

from tests.support.build import make_org, seen
from tests.support.clock import FakeClock
from tests.support.zoho import make_simulator, sign_in_of
from zbtui.core.org import Policy
from zbtui.demo.household import watched
from zbtui.demo.server import serve_in_process
from zbtui.store.config import Config
from zbtui.store.journal import open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.watch.opening import open_fleet


async def test_an_opened_fleet_looks_signed_in_and_shares_one_client(clock: FakeClock) -> None:
    simulator, credentials = make_simulator(clock), MemoryCredentials()
    names = ["nordlys", "kestrel"]
    invented = [simulator.world.orgs[name] for name in names]
    for org in invented:
        await credentials.write_sign_in(org.name, sign_in_of(org))
    config = Config(Policy(), tuple(watched(org) for org in invented))
    async with open_fleet(
        config, credentials, open_journal(None), clock, app=serve_in_process(simulator)
    ) as fleet:
        snapshots = await fleet.look_once(names)
    assert [one.backup.status for one in snapshots if one.backup] == ["SCHEDULED", "SCHEDULED"]
    assert len(simulator.requests) == 4


@pytest.mark.parametrize("ends", ["well", "badly"])
async def test_its_journal_is_closed_however_it_ends(clock: FakeClock, ends: str) -> None:
    journal = open_journal(None)
    await journal.save(seen())
    try:
        async with open_fleet(Config(), MemoryCredentials(), journal, clock):
            assert journal.load([make_org()])
            if ends == "badly":
                raise RuntimeError
    except RuntimeError:
        pass
    assert journal.load([make_org()]) == {}
