"""Delivery of alerts to command, webhook and desktop: in order, retried on failure, never lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.alerts.alerting_process import AlertingProcess, PollResult, posted_alerts, respond_in_turn
from tests.support.fake_clock import run_until_idle
from tests.support.faulty_server import (
    FaultyServer,
    Responder,
    http_response,
    refusing_port,
    reset_connection,
    run_faulty_server,
    send_bytes,
)
from tests.support.samples import DAY, HOUR, MINUTE, SECOND
from tests.zoho.canned_responses import CannedResponse
from zbtui.alerts import dispatcher
from zbtui.alerts.dispatcher import GIVE_UP_AFTER, LEASE, AlertDispatcher
from zbtui.health.alert_policy import ALL_ORGS, Alert
from zbtui.health.alert_settings import AlertSettings
from zbtui.store.journal import open_journal
from zbtui.store.outbox import DeliveryClaim, Outbox, StoredAlert
from zbtui.zoho.http import HttpClient

SECRET = "s3cr3t-path"
OK, REFUSED, DOWN = http_response(200), http_response(400), http_response(500)


@asynccontextmanager
async def process_with_webhook(
    answer: Responder, settings: AlertSettings | None = None
) -> AsyncIterator[tuple[AlertingProcess, FaultyServer]]:
    """A process whose webhook is a server that gives this answer."""
    async with run_faulty_server(answer) as server, HttpClient() as http:
        webhook = f"{server.url}/{SECRET}"
        yield AlertingProcess(replace(settings or AlertSettings(), webhook=webhook), http=http), server


def problem_message(process: AlertingProcess) -> str:
    """The messages of the dispatcher's problems."""
    return " ".join(problem.message for problem in process.dispatcher.problems) or "nothing"


def append_command(file: Path) -> tuple[str, ...]:
    """A command that appends the org of each alert to `file`."""
    return ("/bin/sh", "-c", f'echo "$ZBTUI_ORG" >> {file}')


# To each channel


async def test_every_channel_is_notified_of_every_alert_once(tmp_path: Path) -> None:
    file = tmp_path / "delivered"
    async with process_with_webhook(
        send_bytes(OK), AlertSettings(on_change=append_command(file), desktop="osc9")
    ) as (process, server):
        alerts = await process.raise_alarms("acme", "globex")
        for _ in range(2):
            await process.deliver()
            await process.advance(DAY)
    assert posted_alerts(server) == [(kept.uuid, kept.alert.org) for kept in alerts]
    assert file.read_text().split() == ["acme", "globex"]
    assert process.desktop_alerts == [kept.alert for kept in alerts]
    assert problem_message(process) == "nothing"


async def test_one_channel_is_notified_of_one_alert_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = asyncio.Semaphore(0)
    begun: list[str] = []

    async def posts(http: HttpClient, url: str, kept: StoredAlert, now: datetime) -> None:
        begun.append(kept.alert.org)
        await gate.acquire()

    monkeypatch.setattr(dispatcher, "post_alert", posts)
    process = AlertingProcess(AlertSettings(webhook="https://hooks.example/x"))
    await process.raise_alarms("acme", "globex")
    calls = asyncio.gather(*(process.deliver() for _ in range(3)))
    for expected in (["acme"], ["acme", "globex"]):
        await run_until_idle()
        assert begun == expected
        gate.release()
    await calls
    assert begun == ["acme", "globex"]


async def test_an_alert_waits_for_a_process_that_can_show_it() -> None:
    process = AlertingProcess()
    (kept,) = await process.raise_alarms("acme")
    await process.dispatcher.deliver()
    assert process.desktop_alerts == []
    await process.deliver()
    assert process.desktop_alerts == [kept.alert]


async def test_the_config_at_the_time_of_delivery_decides_the_channels() -> None:
    """An alert kept for a webhook is not posted once the config has no webhook."""
    async with process_with_webhook(send_bytes(OK)) as (process, server):
        await process.raise_alarms("acme")
        process.dispatcher.settings = AlertSettings()
        await process.deliver()
    assert server.requests == []


async def test_what_the_config_would_refuse_is_sent_nothing() -> None:
    app = CannedResponse()
    async with HttpClient(app) as http:
        process = AlertingProcess(AlertSettings(webhook="http://hooks.example/x"), http=http)
        await process.raise_alarms("acme")
        await process.deliver()
    assert app.requests == []
    assert "https" in problem_message(process)


# Failures


async def test_what_failed_is_tried_again_and_delivered_once() -> None:
    async with process_with_webhook(respond_in_turn(DOWN, OK)) as (process, server):
        (kept,) = await process.raise_alarms("acme")
        await process.deliver()
        assert "127.0.0.1 did not take an alert: HTTP 500" in problem_message(process)
        await process.advance(29)
        await process.deliver()
        assert len(server.requests) == 1
        await process.advance(1)
        await process.deliver()
        assert problem_message(process) == "nothing"
        await process.advance(DAY)
        await process.deliver()
    assert posted_alerts(server) == [(kept.uuid, "acme")] * 2


async def test_a_webhook_that_stays_down_is_left_in_peace_more_and_more() -> None:
    async with process_with_webhook(send_bytes(DOWN)) as (process, server):
        await process.raise_alarms("acme")
        tried = []
        for second in range(0, 1840, 10):
            before = len(server.requests)
            await process.deliver()
            if len(server.requests) > before:
                tried.append(second)
            await process.advance(10)
    assert tried == [0, 30, 90, 210, 450, 930, 1830]  # a quarter of an hour at most


@pytest.mark.parametrize(("header", "waits"), [("600", 600), ("5", 30), ("0", 30)])
async def test_a_webhook_that_says_when_to_come_again_is_not_asked_before(header: str, waits: int) -> None:
    async with process_with_webhook(
        respond_in_turn(http_response(429, b"", f"Retry-After: {header}"), OK)
    ) as (process, server):
        await process.raise_alarms("acme")
        await process.deliver()
        await process.advance(waits - 1)
        await process.deliver()
        assert len(server.requests) == 1
        await process.advance(1)
        await process.deliver()
        assert len(server.requests) == 2


async def test_one_channel_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    file = tmp_path / "delivered"
    async with process_with_webhook(
        reset_connection, AlertSettings(on_change=append_command(file), desktop="osc9")
    ) as (process, _):
        await process.raise_alarms("acme", "globex")
        await process.deliver()
        assert file.read_text().split() == ["acme", "globex"]
        assert [alert.org for alert in process.desktop_alerts] == ["acme", "globex"]
        assert "127.0.0.1 broke the connection off" in problem_message(process)


async def test_while_a_webhook_is_down_nothing_overtakes_what_waits_for_it() -> None:
    async with process_with_webhook(respond_in_turn(DOWN, DOWN, OK)) as (process, server):
        await process.raise_alarms("acme", "globex")
        await process.deliver()
        await process.raise_alarms("initech")
        for _ in range(12):
            await process.advance(10)
            await process.deliver()
    assert [org for _, org in posted_alerts(server)] == ["acme", "acme", "acme", "globex", "initech"]


async def test_an_alert_that_is_refused_lets_the_others_by_and_is_tried_again() -> None:
    async with process_with_webhook(respond_in_turn(REFUSED, OK)) as (process, server):
        await process.raise_alarms("acme", "globex")
        await process.deliver()
        assert [org for _, org in posted_alerts(server)] == ["acme", "globex"]
        await process.advance(30)
        await process.deliver()
    assert [org for _, org in posted_alerts(server)] == ["acme", "globex", "acme"]


async def test_a_command_that_fails_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "delivered"
    script = f'echo "$ZBTUI_ORG" >> {file}; test "$(wc -l < {file})" -gt 1 || exit 4'
    process = AlertingProcess(AlertSettings(on_change=("/bin/sh", "-c", script)))
    await process.raise_alarms("acme")
    await process.deliver()
    assert "exit status 4" in problem_message(process)
    await process.advance(30)
    await process.deliver()
    assert problem_message(process) == "nothing"
    assert file.read_text().split() == ["acme", "acme"]


async def test_a_command_that_is_not_there_is_not_searched_again_with_each_alert() -> None:
    process = AlertingProcess(AlertSettings(on_change=("/no/such/program",)))
    await process.raise_alarms("acme", "globex")
    await process.deliver()
    assert "/no/such/program was not found" in problem_message(process)
    claims = [
        await process.journal.outbox.claim_delivery(["command"], process.clock.now(), LEASE)
        for _ in range(2)
    ]
    assert [claim and (claim.stored.alert.org, claim.attempts) for claim in claims] == [("globex", 0), None]


async def test_a_config_that_was_corrected_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "delivered"
    process = AlertingProcess(AlertSettings(on_change=("/no/such/program",)))
    await process.raise_alarms("acme", "globex")
    await process.deliver()
    process.dispatcher.settings = AlertSettings(on_change=append_command(file))
    await process.deliver()
    assert problem_message(process) == "nothing"
    assert file.read_text().split() == ["globex"]
    await process.advance(30)
    await process.deliver()
    assert file.read_text().split() == ["globex", "acme"]


async def test_a_notice_that_cannot_be_shown_is_a_problem_and_shown_later() -> None:
    process = AlertingProcess()
    (kept,) = await process.raise_alarms("acme")

    def fails(alert: Alert) -> None:
        raise RuntimeError(SECRET)

    await process.dispatcher.deliver({"desktop": fails})
    assert problem_message(process) == "A notice could not be shown (desktop: RuntimeError)."
    await process.advance(30)
    await process.deliver()
    assert process.desktop_alerts == [kept.alert]


async def test_a_clock_that_is_set_back_does_not_silence_a_channel() -> None:
    async with process_with_webhook(respond_in_turn(DOWN, OK)) as (process, server):
        await process.raise_alarms("acme")
        await process.deliver()
        process.jump_wall_clock(-2 * DAY)
        await process.advance(30)
        await process.deliver()
        assert len(server.requests) == 2


async def test_no_problem_and_no_log_shows_where_the_webhook_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    problems = []
    for answer in (
        send_bytes(DOWN),
        send_bytes(REFUSED),
        send_bytes(http_response(302, b"", f"Location: /{SECRET}")),
        reset_connection,
    ):
        async with process_with_webhook(answer) as (process, server):
            await process.raise_alarms("acme")
            await process.deliver()
            problems.append(process.dispatcher.problems)
        assert SECRET.encode() in server.requests[0]
    with refusing_port() as url:
        process = AlertingProcess(AlertSettings(webhook=f"{url}/{SECRET}"))
        await process.raise_alarms("acme")
        await process.deliver()
        problems.append(process.dispatcher.problems)
    assert all(problems)
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    assert SECRET not in f"{problems} {logged}"


async def test_an_orgs_alerts_come_in_their_order_and_hold_up_no_other_ones(tmp_path: Path) -> None:
    gate, file = tmp_path / "refused", tmp_path / "delivered"
    gate.write_text("acme: failed")
    script = f'grep -qx "$ZBTUI_TITLE" {gate} && exit 1; echo "$ZBTUI_TITLE" >> {file}'
    process = AlertingProcess(AlertSettings(on_change=("/bin/sh", "-c", script)))
    await process.poll(acme="well", birch="well")
    await process.advance(1)
    await process.poll(acme="failed")
    await process.deliver()
    await process.advance(1)
    await process.poll(acme="well", birch="failed")
    await process.deliver()
    assert file.read_text().splitlines() == ["birch: failed"]
    gate.write_text("")
    await process.advance(60)
    await process.deliver()
    assert file.read_text().splitlines() == ["birch: failed", "acme: failed", "acme: well again"]


# Giving up


async def test_after_a_day_it_is_given_up_and_that_is_notified() -> None:
    async with process_with_webhook(send_bytes(REFUSED)) as (process, server):
        await process.raise_alarms("acme")
        while process.clock.monotonic() < GIVE_UP_AFTER.total_seconds():
            await process.deliver()
            await process.advance(15 * MINUTE)
        tried = len(server.requests)
        assert tried > 90
        await process.advance(15 * MINUTE)
        other = AlertDispatcher(process.journal, process.http, process.clock, process.dispatcher.settings)
        await other.deliver()
        assert len(server.requests) == tried + 1, "it is tried a last time"
        (problem,) = other.problems
        assert "given up (acme: failed)" in problem.message
        assert await process.journal.outbox.claim_delivery(["webhook"], process.clock.now(), LEASE) is None


async def test_what_was_never_tried_is_tried_however_old_it_is() -> None:
    """For example, because the machine slept."""
    async with process_with_webhook(send_bytes(OK)) as (process, server):
        (kept,) = await process.raise_alarms("acme")
        process.jump_wall_clock(5 * DAY)
        await process.deliver()
    assert posted_alerts(server) == [(kept.uuid, "acme")]


async def test_a_notice_of_days_ago_is_not_shown_any_more() -> None:
    process = AlertingProcess()
    await process.raise_alarms("acme")
    await process.advance(GIVE_UP_AFTER)
    (kept,) = await process.raise_alarms("globex")
    await process.deliver()
    assert process.desktop_alerts == [kept.alert]
    assert problem_message(process) == "nothing"


# Processes killed while they deliver


async def test_what_another_process_delivers_is_left_to_it_until_it_must_have_died() -> None:
    process = AlertingProcess()
    (kept,) = await process.raise_alarms("acme")
    claim = await process.journal.outbox.claim_delivery(["desktop"], process.clock.now(), LEASE)
    assert claim is not None
    await process.advance(LEASE - SECOND)
    await process.deliver()
    assert process.desktop_alerts == []
    await process.advance(SECOND)
    await process.deliver()
    assert process.desktop_alerts == [kept.alert]


async def test_an_alert_may_come_twice_and_then_has_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(outbox: Outbox, claim: DeliveryClaim) -> None:
        pass

    async with process_with_webhook(send_bytes(OK)) as (process, server):
        (kept,) = await process.raise_alarms("acme")
        with monkeypatch.context() as killed:
            killed.setattr(Outbox, "mark_delivered", dies)
            await process.deliver()
        await process.advance(LEASE)
        await process.deliver()
        await process.advance(HOUR)
        await process.deliver()
    assert posted_alerts(server) == [(kept.uuid, "acme")] * 2


# Without a journal


async def test_without_a_journal_each_change_is_still_notified_once(tmp_path: Path) -> None:
    journal = open_journal(tmp_path)  # a folder
    assert journal.problem is not None
    process = AlertingProcess(journal=journal)
    await process.dispatcher.new_alerts()
    states: list[PollResult] = ["well", "failed", "failed", "well"]
    for state in states:
        await process.advance(5 * MINUTE)
        await process.poll(acme=state)
        await process.deliver()
    assert [(alert.kind, alert.org) for alert in process.desktop_alerts] == [
        ("journal", ALL_ORGS),
        ("alarm", "acme"),
        ("recovery", "acme"),
    ]
    assert [kept.alert for kept in await process.dispatcher.new_alerts()] == process.desktop_alerts
    await journal.close()
