"""A fleet with all its parts, and what becomes of them."""

from __future__ import annotations

from collections import Counter

from tests.support.clock import FakeClock
from tests.support.zoho import make_simulator, sign_in_of
from zbtui.core.org import Policy
from zbtui.demo.household import watched
from zbtui.demo.server import serve_in_process
from zbtui.parts import make_fleet
from zbtui.store.config import Config
from zbtui.store.journal import open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.zoho.http import Http


async def test_a_fleet_looks_signed_in_and_shares_one_client(clock: FakeClock) -> None:
    simulator, credentials = make_simulator(clock), MemoryCredentials()
    names = ["nordlys", "kestrel"]
    invented = [simulator.world.orgs[name] for name in names]
    for org in invented:
        await credentials.write_sign_in(org.name, sign_in_of(org))
    config, journal = Config(Policy(), tuple(watched(org) for org in invented)), open_journal(None)
    async with Http(serve_in_process(simulator)) as http:
        fleet = make_fleet(config, http, credentials, journal, clock)
        snapshots = await fleet.look_once(names)
    await journal.close()
    assert [one.backup.status for one in snapshots if one.backup] == ["SCHEDULED", "SCHEDULED"]
    asked = Counter(request.path.rsplit("/", 1)[-1] for request in simulator.requests)
    assert asked == dict.fromkeys(("token", "backup", "history", "urls", "org"), 2)
