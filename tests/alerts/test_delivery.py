"""How alerts reach a command, a webhook and the desktop: in order, again where it failed, never lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from tests.alerts.scene import Scene, State, in_turn, posted
from tests.core.build import DAY, HOUR, MINUTE, SECOND
from tests.support.clock import settle
from tests.support.faulty import Answer, Faulty, closed_port, faulty, reply, resets, sends
from tests.zoho.canned import Canned
from zbtui.alerts import desk
from zbtui.alerts.desk import GIVEN_UP_AFTER, LEASE, LONGEST_PAUSE, SHORTEST_PAUSE, AlertDesk
from zbtui.core.alert import Alert
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.backoff import backoff
from zbtui.store.alerts import AlertBook, Claim, KeptAlert
from zbtui.store.journal import Journal, open_journal
from zbtui.zoho.http import Http

SECRET = "s3cr3t-path"
OK, REFUSED, DOWN = reply(200), reply(400), reply(500)


@asynccontextmanager
async def hooked(
    answer: Answer, settings: AlertSettings | None = None
) -> AsyncIterator[tuple[Scene, Faulty]]:
    """A process that posts to a server which answers so."""
    async with faulty(answer) as server, Http() as http:
        webhook = f"{server.url}/{SECRET}"
        yield Scene(replace(settings or AlertSettings(), webhook=webhook), http=http), server


def trouble_of(scene: Scene) -> str:
    """What it says to be wrong."""
    return " ".join(trouble.message for trouble in scene.desk.troubles) or "nothing"


def appending(file: Path) -> tuple[str, ...]:
    """A command that notes the org of each alert."""
    return ("/bin/sh", "-c", f'echo "$ZBTUI_ORG" >> {file}')


# To each sink


async def test_every_sink_is_told_of_every_alert_once(tmp_path: Path) -> None:
    file = tmp_path / "told"
    async with hooked(sends(OK), AlertSettings(on_change=appending(file), desktop="osc9")) as (
        scene,
        server,
    ):
        told = await scene.tell("acme", "globex")
        for _ in range(2):
            await scene.deliver()
            await scene.pass_(DAY)
    assert posted(server) == [(kept.id, kept.alert.org) for kept in told]
    assert file.read_text().split() == ["acme", "globex"]
    assert scene.shown == [kept.alert for kept in told]
    assert trouble_of(scene) == "nothing"


async def test_one_sink_is_told_of_one_alert_at_a_time_however_often_it_is_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate = asyncio.Semaphore(0)
    begun: list[str] = []

    async def posts(http: Http, url: str, kept: KeptAlert, now: datetime) -> None:
        begun.append(kept.alert.org)
        await gate.acquire()

    monkeypatch.setattr(desk, "post", posts)
    scene = Scene(AlertSettings(webhook="https://hooks.example/x"))
    await scene.tell("acme", "globex")
    calls = asyncio.gather(*(scene.deliver() for _ in range(3)))
    for expected in (["acme"], ["acme", "globex"]):
        await settle()
        assert begun == expected
        gate.release()
    await calls
    assert begun == ["acme", "globex"]


async def test_an_alert_waits_for_a_process_that_can_show_it() -> None:
    scene = Scene()
    (kept,) = await scene.tell("acme")
    await scene.desk.deliver()
    assert scene.shown == []
    await scene.deliver()
    assert scene.shown == [kept.alert]


async def test_the_config_decides_by_now_whom_to_tell() -> None:
    """What was kept for a webhook that is configured no more is not posted."""
    async with hooked(sends(OK)) as (scene, server):
        await scene.tell("acme")
        scene.desk.settings = AlertSettings()
        await scene.deliver()
    assert server.heard == []


async def test_what_the_config_would_refuse_is_sent_nothing() -> None:
    app = Canned()
    async with Http(app) as http:
        scene = Scene(AlertSettings(webhook="http://hooks.example/x"), http=http)
        await scene.tell("acme")
        await scene.deliver()
    assert app.asked == []
    assert "https" in trouble_of(scene)


# Where it fails


async def test_what_failed_is_tried_again_and_delivered_once() -> None:
    async with hooked(in_turn(DOWN, OK)) as (scene, server):
        (kept,) = await scene.tell("acme")
        await scene.deliver()
        assert "127.0.0.1 did not take an alert: HTTP 500" in trouble_of(scene)
        await scene.pass_(29)
        await scene.deliver()
        assert len(server.heard) == 1
        await scene.pass_(1)
        await scene.deliver()
        assert trouble_of(scene) == "nothing"
        await scene.pass_(DAY)
        await scene.deliver()
    assert posted(server) == [(kept.id, "acme")] * 2


def test_each_pause_is_twice_as_long_as_the_one_before_up_to_a_quarter_of_an_hour() -> None:
    seconds = [
        backoff(SHORTEST_PAUSE, attempts, LONGEST_PAUSE).total_seconds()
        for attempts in (0, 1, 2, 3, 4, 5, 6, 90)
    ]
    assert seconds == [30, 60, 120, 240, 480, 900, 900, 900]


async def test_a_webhook_that_stays_down_is_left_in_peace_more_and_more() -> None:
    async with hooked(sends(DOWN)) as (scene, server):
        await scene.tell("acme")
        tried = []
        for second in range(0, 1800, 10):
            before = len(server.heard)
            await scene.deliver()
            if len(server.heard) > before:
                tried.append(second)
            await scene.pass_(10)
    assert tried == [0, 30, 90, 210, 450, 930]


@pytest.mark.parametrize(("header", "waits"), [("600", 600), ("5", 30), ("0", 30)])
async def test_a_webhook_that_says_when_to_come_again_is_not_asked_before(header: str, waits: int) -> None:
    async with hooked(in_turn(reply(429, b"", f"Retry-After: {header}"), OK)) as (scene, server):
        await scene.tell("acme")
        await scene.deliver()
        await scene.pass_(waits - 1)
        await scene.deliver()
        assert len(server.heard) == 1
        await scene.pass_(1)
        await scene.deliver()
        assert len(server.heard) == 2


async def test_one_sink_that_fails_holds_up_no_other(tmp_path: Path) -> None:
    file = tmp_path / "told"
    async with hooked(resets, AlertSettings(on_change=appending(file), desktop="osc9")) as (scene, _):
        await scene.tell("acme", "globex")
        await scene.deliver()
        assert file.read_text().split() == ["acme", "globex"]
        assert [alert.org for alert in scene.shown] == ["acme", "globex"]
        assert "127.0.0.1 broke the connection off" in trouble_of(scene)


async def test_while_a_webhook_is_down_nothing_overtakes_what_waits_for_it() -> None:
    async with hooked(in_turn(DOWN, DOWN, OK)) as (scene, server):
        await scene.tell("acme", "globex")
        await scene.deliver()
        await scene.tell("initech")
        for _ in range(12):
            await scene.pass_(10)
            await scene.deliver()
    assert [org for _, org in posted(server)] == ["acme", "acme", "acme", "globex", "initech"]


async def test_an_alert_that_is_refused_lets_the_others_by_and_is_tried_again() -> None:
    async with hooked(in_turn(REFUSED, OK)) as (scene, server):
        await scene.tell("acme", "globex")
        await scene.deliver()
        assert [org for _, org in posted(server)] == ["acme", "globex"]
        await scene.pass_(30)
        await scene.deliver()
    assert [org for _, org in posted(server)] == ["acme", "globex", "acme"]


async def test_a_command_that_fails_is_run_again(tmp_path: Path) -> None:
    file = tmp_path / "told"
    script = f'echo "$ZBTUI_ORG" >> {file}; test "$(wc -l < {file})" -gt 1 || exit 4'
    scene = Scene(AlertSettings(on_change=("/bin/sh", "-c", script)))
    await scene.tell("acme")
    await scene.deliver()
    assert "exit status 4" in trouble_of(scene)
    await scene.pass_(30)
    await scene.deliver()
    assert trouble_of(scene) == "nothing"
    assert file.read_text().split() == ["acme", "acme"]


async def test_a_command_that_is_not_there_is_not_looked_for_again_with_each_alert() -> None:
    scene = Scene(AlertSettings(on_change=("/no/such/program",)))
    await scene.tell("acme", "globex")
    await scene.deliver()
    assert "/no/such/program was not found" in trouble_of(scene)
    claims = [await scene.journal.alerts.claim(["command"], scene.clock.now(), LEASE) for _ in range(2)]
    assert [claim and (claim.kept.alert.org, claim.attempts) for claim in claims] == [("globex", 0), None]


async def test_a_config_that_was_corrected_counts_at_once(tmp_path: Path) -> None:
    file = tmp_path / "told"
    scene = Scene(AlertSettings(on_change=("/no/such/program",)))
    await scene.tell("acme", "globex")
    await scene.deliver()
    scene.desk.settings = AlertSettings(on_change=appending(file))
    await scene.deliver()
    assert trouble_of(scene) == "nothing"
    assert file.read_text().split() == ["globex"]
    await scene.pass_(30)
    await scene.deliver()
    assert file.read_text().split() == ["globex", "acme"]


async def test_a_notice_that_cannot_be_shown_is_a_trouble_and_shown_later() -> None:
    scene = Scene()
    (kept,) = await scene.tell("acme")

    def fails(alert: Alert) -> None:
        raise RuntimeError(SECRET)

    await scene.desk.deliver({"desktop": fails})
    assert trouble_of(scene) == "A notice could not be shown (desktop: RuntimeError)."
    await scene.pass_(30)
    await scene.deliver()
    assert scene.shown == [kept.alert]


async def test_a_clock_that_is_set_back_does_not_silence_a_sink() -> None:
    async with hooked(in_turn(DOWN, OK)) as (scene, server):
        await scene.tell("acme")
        await scene.deliver()
        scene.jump(-2 * DAY)
        await scene.pass_(30)
        await scene.deliver()
        assert len(server.heard) == 2


async def test_no_trouble_and_no_log_tells_where_the_webhook_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    troubles = []
    for answer in (sends(DOWN), sends(REFUSED), sends(reply(302, b"", f"Location: /{SECRET}")), resets):
        async with hooked(answer) as (scene, server):
            await scene.tell("acme")
            await scene.deliver()
            troubles.append(scene.desk.troubles)
        assert SECRET.encode() in server.heard[0]
    with closed_port() as url:
        scene = Scene(AlertSettings(webhook=f"{url}/{SECRET}"))
        await scene.tell("acme")
        await scene.deliver()
        troubles.append(scene.desk.troubles)
    assert all(troubles)
    logged = caplog.text + "".join(repr(record.args) for record in caplog.records)
    assert SECRET not in f"{troubles} {logged}"


async def test_an_orgs_alerts_come_in_their_order_and_hold_up_no_other_ones(tmp_path: Path) -> None:
    gate, file = tmp_path / "refused", tmp_path / "told"
    gate.write_text("acme: failed")
    script = f'grep -qx "$ZBTUI_TITLE" {gate} && exit 1; echo "$ZBTUI_TITLE" >> {file}'
    scene = Scene(AlertSettings(on_change=("/bin/sh", "-c", script)))
    await scene.see(acme="well", birch="well")
    await scene.pass_(1)
    await scene.see(acme="failed")
    await scene.deliver()
    await scene.pass_(1)
    await scene.see(acme="well", birch="failed")
    await scene.deliver()
    assert file.read_text().splitlines() == ["birch: failed"]
    gate.write_text("")
    await scene.pass_(60)
    await scene.deliver()
    assert file.read_text().splitlines() == ["birch: failed", "acme: failed", "acme: well again"]


# When it is given up


async def test_after_a_day_it_is_given_up_and_that_is_told() -> None:
    async with hooked(sends(REFUSED)) as (scene, server):
        await scene.tell("acme")
        while scene.clock.monotonic() < GIVEN_UP_AFTER.total_seconds():
            await scene.deliver()
            await scene.pass_(15 * MINUTE)
        tried = len(server.heard)
        assert tried > 90
        await scene.pass_(15 * MINUTE)
        other = AlertDesk(scene.journal, scene.http, scene.clock, scene.desk.settings)
        await other.deliver()
        assert len(server.heard) == tried
        (trouble,) = other.troubles
        assert "given up (acme: failed)" in trouble.message
        assert await scene.journal.alerts.claim(["webhook"], scene.clock.now(), LEASE) is None


async def test_what_was_never_tried_is_tried_however_old_it_is() -> None:
    """The machine slept, say."""
    async with hooked(sends(OK)) as (scene, server):
        (kept,) = await scene.tell("acme")
        scene.jump(5 * DAY)
        await scene.deliver()
    assert posted(server) == [(kept.id, "acme")]


async def test_a_notice_of_days_ago_is_not_shown_any_more() -> None:
    scene = Scene()
    await scene.tell("acme")
    await scene.pass_(GIVEN_UP_AFTER)
    (kept,) = await scene.tell("globex")
    await scene.deliver()
    assert scene.shown == [kept.alert]
    assert trouble_of(scene) == "nothing"


# Who is killed in between


async def test_what_another_process_delivers_is_left_to_it_until_it_must_have_died() -> None:
    scene = Scene()
    (kept,) = await scene.tell("acme")
    claim = await scene.journal.alerts.claim(["desktop"], scene.clock.now(), LEASE)
    assert claim is not None
    await scene.pass_(LEASE - SECOND)
    await scene.deliver()
    assert scene.shown == []
    await scene.pass_(SECOND)
    await scene.deliver()
    assert scene.shown == [kept.alert]


async def test_an_alert_may_come_twice_and_then_has_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(book: AlertBook, claim: Claim) -> None:
        pass

    async with hooked(sends(OK)) as (scene, server):
        (kept,) = await scene.tell("acme")
        with monkeypatch.context() as killed:
            killed.setattr(AlertBook, "delivered", dies)
            await scene.deliver()
        await scene.pass_(LEASE)
        await scene.deliver()
        await scene.pass_(HOUR)
        await scene.deliver()
    assert posted(server) == [(kept.id, "acme")] * 2


# Without a journal


@pytest.fixture
def broken(tmp_path: Path) -> Journal:
    """A journal that cannot be used."""
    journal = open_journal(tmp_path)
    assert journal.trouble is not None
    return journal


async def test_without_a_journal_each_change_is_still_told_once(broken: Journal) -> None:
    scene = Scene(journal=broken)
    await scene.desk.news()
    states: list[State] = ["well", "failed", "failed", "well"]
    for state in states:
        await scene.pass_(5 * MINUTE)
        await scene.see(acme=state)
        await scene.deliver()
    assert [(alert.kind, alert.org) for alert in scene.shown] == [("alarm", "acme"), ("recovery", "acme")]
    assert [kept.alert for kept in await scene.desk.news()] == scene.shown
    await broken.close()
