"""What a look costs beyond the request itself: zbtui's poller beside a bare httpx loop."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

import httpx

from tests.benchmarks.zoho import access_token
from tests.support.zoho import Port, sign_in_of
from zbtui.clock import SystemClock
from zbtui.config.settings import Config
from zbtui.core.org import Policy
from zbtui.parts import make_fleet
from zbtui.store.journal import open_journal
from zbtui.store.memory import MemoryCredentials
from zbtui.zoho.http import Http

ORG = "nordlys"
LOOKS = 100
PATH = "/crm/bulk/v7/backup"


def bare_loop(port: Port) -> float:
    """Milliseconds of a request, one after the other on one connection."""
    return asyncio.run(_bare(port))


async def _bare(port: Port) -> float:
    org = port.org(ORG)
    headers = {"Authorization": f"Zoho-oauthtoken {access_token(port, ORG)}"}
    async with httpx.AsyncClient() as client:
        await client.get(f"{org.api_url}{PATH}", headers=headers)  # connected, as zbtui is
        began = time.perf_counter()
        for _ in range(LOOKS):
            answer = await client.get(f"{org.api_url}{PATH}", headers=headers)
            assert json.loads(answer.content)["backup"]
        return 1000 * (time.perf_counter() - began) / LOOKS


def poll_loop(port: Port) -> float:
    """Milliseconds of a look, from the question to what is kept in the journal."""
    return asyncio.run(_polls(port))


async def _polls(port: Port) -> float:
    org, credentials = port.org(ORG), MemoryCredentials()
    await credentials.write_sign_in(ORG, sign_in_of(port.simulator.world.every[ORG]))
    with tempfile.TemporaryDirectory() as folder:
        journal = open_journal(Path(folder) / "journal.db")
        async with Http() as http:
            fleet = make_fleet(Config(Policy(), (org,)), http, credentials, journal, SystemClock())
            await fleet.look_once([ORG])  # history, links and company are asked for once in hours
            began = time.perf_counter()
            for _ in range(LOOKS):
                (seen,) = await fleet.look_once([ORG])
                assert seen.polls.problem is None
            spent = 1000 * (time.perf_counter() - began) / LOOKS
        await journal.close()
    return spent
