"""The alert dispatcher: each change is notified once, to the configured channels."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.alerting_process import DESKTOP_SETTINGS, AlertingProcess, PollResult, kinds_and_orgs
from tests.support.fake_clock import FakeClock
from tests.support.memory_journal import MemoryJournal
from tests.support.samples import HOUR, MINUTE, make_backup, reproducible
from tests.support.snapshots import make_snapshot, snapshot_with
from zbtui.health.alert_policy import ALL_ORGS
from zbtui.health.alert_settings import AlertSettings
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.outbox import Outbox

FIFTY = [f"org{number}" for number in range(50)]


@pytest.fixture
def process() -> AlertingProcess:
    return AlertingProcess()


# Alerts


async def test_a_change_is_notified_once_however_often_it_is_considered(process: AlertingProcess) -> None:
    assert await process.poll(acme="well") == []
    await process.advance(5 * MINUTE)
    assert await process.poll(acme="failed") == [("alarm", "acme")]
    for _ in range(3):
        assert await process.evaluate() == ()
    await process.advance(5 * MINUTE)
    assert await process.poll(acme="failed") == []


async def test_a_flapping_org_is_notified_at_each_change_once(process: AlertingProcess) -> None:
    alerts = []
    states: list[PollResult] = ["well", "failed", "failed", "well", "well"]
    for _ in range(5):
        for state in states:
            await process.advance(5 * MINUTE)
            alerts += await process.poll(acme=state, globex="well")
    assert alerts == [("alarm", "acme"), ("recovery", "acme")] * 5


async def test_an_outage_of_all_is_one_alert_and_its_end_is_one(process: AlertingProcess) -> None:
    assert await process.poll_all(FIFTY, "well") == []
    alerts = []
    for _ in range(6):
        await process.advance(5 * MINUTE)
        for name in FIFTY:  # one after the other, as pollers do
            alerts += await process.poll_all([name], "out")
    assert alerts == [("outage", ALL_ORGS)]
    await process.advance(5 * MINUTE)
    alerts = []
    for name in FIFTY:
        alerts += await process.poll_all([name], "well")
    assert alerts == [("outage_over", ALL_ORGS)]


async def test_checks_of_a_part_of_the_orgs_each_make_no_outage_of_it() -> None:
    clock, journal = FakeClock(), MemoryJournal()
    out, well = (AlertingProcess(journal=journal, clock=clock, whole=False) for _ in range(2))
    alerts = []
    for _ in range(24):
        alerts += await out.poll(acme="out", birch="out")
        await out.advance(MINUTE)
        alerts += await well.poll(cedar="well", delta="well")
        await out.advance(4 * MINUTE)
    assert alerts == [("alarm", "acme"), ("alarm", "birch")]


async def test_what_went_wrong_during_an_outage_is_notified_after_it(process: AlertingProcess) -> None:
    await process.poll_all(FIFTY, "well")
    for _ in range(3):
        await process.advance(5 * MINUTE)
        alerts = await process.poll_all(FIFTY, "out")
    assert alerts == [("outage", ALL_ORGS)]
    await process.advance(5 * MINUTE)
    await process.poll_all(FIFTY[1:], "well")
    assert await process.poll_all(FIFTY[:1], "failed") == [("alarm", "org0")]


@pytest.mark.parametrize("failed_polls", [1, 2, 3, 5])
async def test_so_many_polls_may_fail_as_the_settings_say(
    failed_polls: int, process: AlertingProcess
) -> None:
    process.dispatcher.settings = replace(DESKTOP_SETTINGS, failed_looks=failed_polls)
    await process.poll(acme="well")
    alerts = []
    for _ in range(failed_polls):
        await process.advance(MINUTE)
        alerts.append(await process.poll(acme="out"))
    assert alerts == [[]] * (failed_polls - 1) + [[("alarm", "acme")]]


@pytest.mark.parametrize(
    ("orgs", "expected"),
    [(["acme"], ("alarm", "acme")), (["acme", "globex"], ("outage", ALL_ORGS))],
)
async def test_without_a_journal_one_failed_poll_is_enough(
    orgs: list[str], expected: tuple[str, str], process: AlertingProcess
) -> None:
    """The next process could not know of this failure, and would wait for more of them for ever."""
    await process.poll_all(orgs, "well")
    process.journal._database.problem = Problem("config", "The journal cannot be used.", "Check the disk.")
    await process.advance(5 * MINUTE)
    assert set(await process.poll_all(orgs, "out")) == {expected, ("journal", ALL_ORGS)}


async def test_a_dead_sign_in_is_notified_at_once(process: AlertingProcess) -> None:
    assert await process.poll(acme="signed_out", globex="well") == [("alarm", "acme")]


async def test_settings_count_from_when_they_are_replaced(process: AlertingProcess) -> None:
    process.dispatcher.settings = replace(DESKTOP_SETTINGS, least=Level.CRITICAL)
    assert await process.poll(acme="signed_out") == []
    process.dispatcher.settings = DESKTOP_SETTINGS
    assert await process.poll(acme="signed_out") == [("alarm", "acme")]


async def test_what_lasts_is_notified_again_once_it_is_time(process: AlertingProcess) -> None:
    process.dispatcher.settings = replace(DESKTOP_SETTINGS, remind_every=HOUR)
    alerts = []
    for _ in range(25):
        alerts += await process.poll(acme="failed")
        await process.advance(5 * MINUTE)
    assert alerts == [("alarm", "acme"), ("reminder", "acme"), ("reminder", "acme")]


async def test_where_nothing_is_to_be_notified_no_other_process_is_held_up(
    process: AlertingProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.poll(acme="failed", globex="well")
    settled = []
    settle = Outbox.decide_and_store

    async def watched(outbox: Outbox, *arguments: Any) -> object:
        settled.append(1)
        return await settle(outbox, *arguments)

    monkeypatch.setattr(Outbox, "decide_and_store", watched)
    for _ in range(5):
        await process.advance(MINUTE)
        await process.poll(acme="failed", globex="well")
    assert settled == []
    await process.poll(globex="failed")
    assert settled == [1]


async def test_what_turns_by_the_time_alone_is_notified_when_it_does(process: AlertingProcess) -> None:
    process.policy = WatchPolicy(every=HOUR, overdue_after=10 * MINUTE)
    next_run = process.clock.now() + HOUR
    process.snapshots["acme"] = snapshot_with(
        make_snapshot("acme"), backup=make_backup("SCHEDULED", next_run)
    )
    assert kinds_and_orgs(await process.evaluate()) == []
    await process.advance(HOUR + 10 * MINUTE)
    assert kinds_and_orgs(await process.evaluate()) == []
    await process.advance(1)
    alerts = await process.evaluate()
    assert kinds_and_orgs(alerts) == [("alarm", "acme")]
    assert "overdue 00:10:01" in alerts[0].alert.headline


async def test_what_was_judged_before_is_said_in_the_words_of_now(process: AlertingProcess) -> None:
    process.snapshots["acme"] = snapshot_with(
        make_snapshot("acme"), backup=make_backup("SCHEDULED", process.clock.now() - 12 * HOUR)
    )
    process.snapshots["acme"] = snapshot_with(process.snapshots["acme"], paused=True)
    assert kinds_and_orgs(await process.evaluate()) == []
    await process.advance(2 * MINUTE)
    process.dispatcher.settings = replace(DESKTOP_SETTINGS, remind_every=MINUTE)
    process.snapshots["acme"] = snapshot_with(process.snapshots["acme"], paused=False)
    alerts = await process.evaluate()
    assert "overdue 12:02:00" in alerts[0].alert.headline
    await process.advance(2 * MINUTE)
    again = await process.evaluate()
    assert kinds_and_orgs(again) == [("reminder", "acme")]
    assert "overdue 12:04:00" in again[0].alert.headline


async def test_unchanged_is_not_rejudged(process: AlertingProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    judged = []

    def noted(snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int) -> Verdict:
        judged.append(snapshot.org.name)
        return judge(snapshot, policy, now, patience)

    monkeypatch.setattr("zbtui.health.verdict_cache.judge", noted)
    await process.poll_all(FIFTY, "well")
    judged.clear()
    await process.advance(MINUTE)
    await process.poll(org7="well")
    assert judged == ["org7"]
    process.jump_wall_clock(-HOUR)
    await process.evaluate()
    assert set(judged[1:]) == set(FIFTY)


# Several dispatchers on one journal


@given(st.data())
@reproducible
def test_processes_that_take_turns_notify_each_change_once_and_for_all(data: st.DataObject) -> None:
    """Each process evaluates its snapshots every minute, however old they are."""
    states: list[PollResult] = ["well", "failed"]
    timeline = data.draw(st.lists(st.sampled_from(states), min_size=1, max_size=12))
    pollers = st.lists(st.integers(0, 2), max_size=3, unique=True)
    pollers_of_round = [*(data.draw(pollers) for _ in timeline[1:]), [0, 1, 2]]

    async def watch() -> list[tuple[str, str]]:
        clock, journal, alerts = FakeClock(), MemoryJournal(), []
        processes = [AlertingProcess(journal=journal, clock=clock) for _ in range(3)]
        for state, pollers in zip(timeline, pollers_of_round, strict=True):
            await clock.advance(MINUTE)
            for number, process in enumerate(processes):
                alerts += await (process.poll(acme=state) if number in pollers else process.poll())
        return alerts

    # The states that any process polled, in order.
    seen = [state for state, pollers in zip(timeline, pollers_of_round, strict=True) if pollers]
    changes = [after for before, after in zip(["well", *seen], seen, strict=False) if before != after]
    expected = [("recovery" if state == "well" else "alarm", "acme") for state in changes]
    assert asyncio.run(watch()) == expected


# Channels


async def deliveries(process: AlertingProcess) -> list[str]:
    """The channels that have a delivery in the outbox."""
    outbox, now, lease = process.journal.outbox, process.clock.now(), timedelta(seconds=60)
    channels = ["command", "webhook", "desktop", "bell"]
    found = []
    while claim := await outbox.claim_delivery(channels, now, lease):
        found.append(claim.channel)
    return sorted(found)


@pytest.mark.parametrize(
    ("settings", "channels"),
    [
        (AlertSettings(), []),
        (AlertSettings(on_change=("true",)), ["command"]),
        (AlertSettings(webhook="https://hooks.example/x"), ["webhook"]),
        (AlertSettings(desktop="osc777"), ["desktop"]),
        (
            AlertSettings(on_change=("true",), webhook="https://hooks.example/x", desktop="osc9"),
            ["command", "desktop", "webhook"],
        ),
    ],
)
async def test_an_alert_is_kept_for_each_channel(settings: AlertSettings, channels: list[str]) -> None:
    process = AlertingProcess(settings)
    assert await process.poll(acme="failed") == [("alarm", "acme")]
    assert await deliveries(process) == channels


# New alerts for the screen


async def test_the_first_request_for_new_alerts_gives_none_of_before(process: AlertingProcess) -> None:
    await process.poll(acme="failed")
    assert await process.dispatcher.new_alerts() == ()
    await process.poll(globex="failed")
    await process.poll(initech="failed")
    assert kinds_and_orgs(await process.dispatcher.new_alerts()) == [
        ("alarm", "globex"),
        ("alarm", "initech"),
    ]
    assert await process.dispatcher.new_alerts() == ()


async def test_alerts_of_another_process_are_new_alerts_too(process: AlertingProcess) -> None:
    other = AlertingProcess(journal=process.journal, clock=process.clock)
    await process.dispatcher.new_alerts()
    await other.poll(acme="failed")
    assert kinds_and_orgs(await process.dispatcher.new_alerts()) == [("alarm", "acme")]
