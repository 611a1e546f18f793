"""The doctor's findings on alerts: whether channels work, and whether deliveries failed."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.doctor.doctor_environment import DoctorEnvironment
from tests.support.snapshots import make_snapshot
from tests.zoho.canned_responses import CannedResponse
from zbtui.alerts.dispatcher import GIVE_UP_AFTER, AlertDispatcher
from zbtui.config.config_store import MemoryConfigStore
from zbtui.config.settings import Config, Settings
from zbtui.doctor import Finding, FindingLevel
from zbtui.doctor.alert_checks import resolve_host
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.snapshot import Snapshot
from zbtui.health.verdict_cache import VerdictCache
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho.http import HttpClient

OK, REMARK, WARNING, PROBLEM = FindingLevel
WEBHOOK = "https://hooks.example.com/services/secret"


async def alerts_of(
    scene: DoctorEnvironment, resolves: bool | None = True, **settings: Any
) -> list[Finding]:
    async def resolve(host: str, port: int) -> bool | None:
        assert (host, port) == ("hooks.example.com", 443)
        return resolves

    config = Config(orgs=tuple(scene.orgs), settings=Settings(AlertSettings(**settings)))
    scene.doctor = replace(scene.doctor, load_config=lambda: config, resolve_host=resolve)
    return [one for one in await scene.findings() if one.subject == "alerts"]


@pytest.mark.parametrize(
    ("settings", "resolves", "level", "part"),
    [
        ({}, True, REMARK, "no command and no webhook"),
        ({"on_change": (sys.executable,)}, True, OK, sys.executable),
        ({"on_change": ("no-such-program", "-x")}, True, PROBLEM, "no-such-program was not found"),
        ({"on_change": (__file__,)}, True, PROBLEM, "was not found, or may not be run"),
        ({"webhook": WEBHOOK}, True, OK, "hooks.example.com has an address"),
        ({"webhook": WEBHOOK}, False, PROBLEM, "hooks.example.com has no address"),
        ({"webhook": WEBHOOK}, None, REMARK, "a proxy looks up"),
        ({"webhook": "ftp://hooks.example.com"}, True, PROBLEM, "must begin with https://"),
    ],
)
async def test_command_and_webhook_are_checked(
    scene: DoctorEnvironment,
    settings: dict[str, Any],
    resolves: bool | None,
    level: FindingLevel,
    part: str,
) -> None:
    (found,) = await alerts_of(scene, resolves, **settings)
    assert (found.level, found.org) == (level, None)
    assert part in found.message
    assert (found.hint is None) == (found.code in (None, "NOT_CHECKED"))
    assert "secret" not in found.message


async def test_refused_and_abandoned_deliveries_are_reported(scene: DoctorEnvironment) -> None:
    """The deliveries were made by another process, which has ended."""
    refusing = CannedResponse(404)
    settings, config = AlertSettings(webhook=WEBHOOK), MemoryConfigStore(Config())
    config.name = scene.doctor.config_path

    async def deliver(*snapshots: Snapshot) -> None:
        async with HttpClient(refusing) as http:
            alerts = AlertDispatcher(scene.doctor.journal, http, scene.clock, settings, config)
            if snapshots:
                await alerts.evaluate(snapshots, WatchPolicy(), VerdictCache())
            await alerts.deliver()

    assert len(await alerts_of(scene, webhook=WEBHOOK)) == 1
    await deliver(make_snapshot("acme", status="FAILED"))
    _, refused = await alerts_of(scene, webhook=WEBHOOK)
    assert (refused.level, refused.code) == (WARNING, "REFUSED")
    assert "1 alert was refused, and tried again. The last refusal" in refused.message
    assert "HTTP 404" in refused.message
    await scene.clock.advance(GIVE_UP_AFTER + timedelta(hours=1))
    await deliver()
    _, given_up = await alerts_of(scene, webhook=WEBHOOK)
    assert (given_up.level, given_up.code) == (WARNING, "GIVEN_UP")
    assert "webhook: 1 alert was given up" in given_up.message
    assert "acme: failed" in given_up.message
    assert "HTTP 404" in given_up.message
    await scene.clock.advance(timedelta(days=31))
    refusals = scene.doctor.journal.refusals.of_config(scene.doctor.config_path)
    await refusals.note("command", "It failed.", scene.clock.now())
    _, last = await alerts_of(scene, webhook=WEBHOOK)
    assert (last.level, last.message) == (REMARK, "The last refusal, just now: It failed.")


@pytest.mark.parametrize(
    ("proxy", "host", "resolves"),
    [(None, "127.0.0.1", True), (None, "\0", False), ("http://proxy:1", "127.0.0.1", None)],
)
async def test_the_host_is_resolved_unless_a_proxy_does_so(
    monkeypatch: pytest.MonkeyPatch, proxy: str | None, host: str, resolves: bool | None
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert await resolve_host(host, 443) is resolves
