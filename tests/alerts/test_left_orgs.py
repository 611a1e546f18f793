"""The alert that orgs left the config goes to the channels of the config before the change."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from tests.alerts.alerting_process import AlertingProcess, posted_alerts
from tests.support.faulty_server import FaultyServer, run_faulty_server, send_bytes
from tests.support.samples import MINUTE
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Config
from zbtui.health.alert_settings import AlertSettings
from zbtui.model.problem import Problem
from zbtui.zoho.http import HttpClient

OK = b"HTTP/1.1 204 Fine\r\nContent-Length: 0\r\n\r\n"


class EditedConfig(MemoryConfigStore):
    """A config file that others edit."""

    def __init__(self) -> None:
        super().__init__(Config())
        self.name, self.settled = "a.toml", True
        self.problem: Problem | None = None

    def is_settled(self, now: datetime) -> bool:
        return self.settled

    def distrust(self) -> Problem | None:
        return self.problem


@asynccontextmanager
async def alerting() -> AsyncIterator[tuple[AlertingProcess, EditedConfig, FaultyServer]]:
    """A process that watches two orgs, its config, and the server of its webhook."""
    config = EditedConfig()
    async with run_faulty_server(send_bytes(OK)) as server, HttpClient() as http:
        process = AlertingProcess(AlertSettings(webhook=f"{server.url}/first"), http=http, config=config)
        await process.poll(acme="well", globex="well")
        yield process, config, server


async def evaluate_and_deliver(process: AlertingProcess) -> None:
    await process.evaluate()
    await process.deliver()


async def test_an_emptied_config_is_notified_to_the_webhook_it_had_before() -> None:
    async with alerting() as (process, _, server):
        process.dispatcher.settings = AlertSettings()
        process.snapshots.clear()
        for _ in range(2):
            await evaluate_and_deliver(process)
        assert [org for _, org in posted_alerts(server)] == [None]
        process.dispatcher.settings = AlertSettings(webhook=f"{server.url}/second")
        await process.poll(acme="failed")
        await process.deliver()
        assert [request.split()[1] for request in server.requests] == [b"/first", b"/second"]


async def test_without_the_webhook_other_alerts_go_nowhere() -> None:
    async with alerting() as (process, _, server):
        process.dispatcher.settings = AlertSettings()
        await process.advance(MINUTE)
        await process.poll(acme="failed")
        await process.deliver()
        assert server.requests == []


async def test_while_the_file_is_being_written_no_org_has_left() -> None:
    async with alerting() as (process, config, server):
        whole, config.settled = dict(process.snapshots), False
        process.snapshots.clear()
        await evaluate_and_deliver(process)
        process.snapshots, config.settled = whole, True
        await evaluate_and_deliver(process)
        assert server.requests == []


async def test_what_is_due_waits_while_others_may_write_the_config() -> None:
    async with alerting() as (process, config, server):
        config.problem = Problem("config", "Others may write it.", "chmod go-w")
        await process.advance(MINUTE)
        await process.poll(acme="failed")
        await process.deliver()
        assert (server.requests, process.dispatcher.problems) == ([], (config.problem,))
        config.problem = None
        await process.deliver()
        assert ([org for _, org in posted_alerts(server)], process.dispatcher.problems) == (["acme"], ())
