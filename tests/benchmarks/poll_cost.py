"""What a poll costs beyond the request itself: zbtui's poller beside a bare httpx loop."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from pathlib import Path

import httpx

from tests.benchmarks.zoho_process import access_token
from tests.support.simulator import SimulatorServer, sign_in_of
from zbtui.clock import SystemClock
from zbtui.config.settings import Config
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.store.journal import open_journal
from zbtui.wiring import make_fleet
from zbtui.zoho.http import HttpClient

ORG = "nordlys"
POLLS = 100
PATH = "/crm/bulk/v7/backup"


def bare_request_seconds(port: SimulatorServer) -> float:
    """Milliseconds per request, in sequence on one connection."""
    return asyncio.run(_bare(port))


async def _bare(port: SimulatorServer) -> float:
    org = port.org(ORG)
    headers = {"Authorization": f"Zoho-oauthtoken {access_token(port, ORG)}"}
    async with httpx.AsyncClient() as client:
        await client.get(f"{org.api_url}{PATH}", headers=headers)  # open the connection, as zbtui does
        began = time.perf_counter()
        for _ in range(POLLS):
            answer = await client.get(f"{org.api_url}{PATH}", headers=headers)
            assert json.loads(answer.content)["backup"]
        return 1000 * (time.perf_counter() - began) / POLLS


def poll_seconds(port: SimulatorServer) -> float:
    """Milliseconds per poll, from the request to the journal."""
    return asyncio.run(_polls(port))


async def _polls(port: SimulatorServer) -> float:
    org, credentials = port.org(ORG), MemoryCredentialStore()
    await credentials.write_sign_in(org, sign_in_of(port.simulator.world.all_orgs[ORG]))
    with tempfile.TemporaryDirectory() as folder:
        journal = open_journal(Path(folder) / "journal.db")
        async with HttpClient() as http:
            fleet = make_fleet(Config(WatchPolicy(), (org,)), http, credentials, journal, SystemClock())
            await fleet.poll_once([ORG])  # the first poll also requests history, links and company
            began = time.perf_counter()
            for _ in range(POLLS):
                (seen,) = await fleet.poll_once([ORG])
                assert seen.polls.problem is None
            spent = 1000 * (time.perf_counter() - began) / POLLS
        await journal.close()
    return spent
