"""zbtui against a simulator server, with a journal on disk; without a keyring, which would prompt.

`watching_app.py URL ORGS [SECONDS]`: seconds between two polls of an org, else the default.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

from tests.support.simulator import SimulatorServer, make_simulator, sign_in_of
from zbtui.clock import SystemClock
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Config
from zbtui.model.watch_policy import WatchPolicy
from zbtui.onboarding import OrgService, Stores
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.tui.app import ZbtuiApp
from zbtui.wiring import make_watch
from zbtui.zoho.http import HttpClient


async def watch(url: str, orgs: int, policy: WatchPolicy, folder: Path) -> None:
    credentials, clock = MemoryCredentialStore(), SystemClock()
    port = SimulatorServer(make_simulator(clock, orgs), url)
    invented = port.simulator.world.orgs
    for name, org in invented.items():
        await credentials.write_sign_in(port.org(name), sign_in_of(org))
    config = MemoryConfigStore(Config(policy, tuple(port.org(name) for name in invented)))
    journal = open_journal(folder / "journal.db")
    async with HttpClient() as http:
        org_service = OrgService(Stores(config, credentials, journal), http, clock)
        await ZbtuiApp(*make_watch(org_service, config.load())).run_async()
    await journal.close()


if __name__ == "__main__":
    interval = [] if len(sys.argv) < 4 else [timedelta(seconds=float(sys.argv[3]))]
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(watch(sys.argv[1], int(sys.argv[2]), WatchPolicy(*interval), Path(folder)))
