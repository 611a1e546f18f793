"""What the desk tells: each change once, and to whom it is to go."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts.scene import DESKTOP, Scene, State, kinds
from tests.core.build import HOUR, MINUTE, backup, tried
from tests.support.build import seen, snapshot_with
from tests.support.clock import FakeClock
from tests.support.notebook import Notebook
from zbtui.core.alert import ALL
from zbtui.core.alert_settings import AlertSettings
from zbtui.core.judge import judge
from zbtui.core.org import Policy
from zbtui.core.snapshot import Snapshot
from zbtui.core.verdict import Level, Verdict
from zbtui.store.alerts import AlertBook

FIFTY = [f"org{number}" for number in range(50)]


@pytest.fixture
def scene() -> Scene:
    return Scene()


# What is told


async def test_a_change_is_told_once_however_often_it_is_considered(scene: Scene) -> None:
    assert await scene.see(acme="well") == []
    await scene.pass_(5 * MINUTE)
    assert await scene.see(acme="failed") == [("alarm", "acme")]
    for _ in range(3):
        assert await scene.consider() == ()
    await scene.pass_(5 * MINUTE)
    assert await scene.see(acme="failed") == []


async def test_an_org_that_flaps_is_told_at_each_change_and_never_twice(scene: Scene) -> None:
    told = []
    states: list[State] = ["well", "failed", "failed", "well", "well"]
    for _ in range(5):
        for state in states:
            await scene.pass_(5 * MINUTE)
            told += await scene.see(acme=state, globex="well")
    assert told == [("alarm", "acme"), ("recovery", "acme")] * 5


async def test_an_outage_of_all_is_one_alert_and_its_end_is_one(scene: Scene) -> None:
    assert await scene.see_all(FIFTY, "well") == []
    told = []
    for _ in range(6):
        await scene.pass_(5 * MINUTE)
        for name in FIFTY:  # one after the other, as pollers do
            told += await scene.see_all([name], "out")
    assert told == [("outage", ALL)]
    await scene.pass_(5 * MINUTE)
    told = []
    for name in FIFTY:
        told += await scene.see_all([name], "well")
    assert told == [("outage_over", ALL)]


async def test_checks_of_a_part_of_the_orgs_each_make_no_outage_of_it() -> None:
    clock, journal = FakeClock(), Notebook()
    out, well = (Scene(journal=journal, clock=clock, whole=False) for _ in range(2))
    told = []
    for _ in range(24):
        told += await out.see(acme="out", birch="out")
        await out.pass_(MINUTE)
        told += await well.see(cedar="well", delta="well")
        await out.pass_(4 * MINUTE)
    assert told == [("alarm", "acme"), ("alarm", "birch")]


async def test_what_went_wrong_during_an_outage_is_told_after_it(scene: Scene) -> None:
    await scene.see_all(FIFTY, "well")
    for _ in range(3):
        await scene.pass_(5 * MINUTE)
        told = await scene.see_all(FIFTY, "out")
    assert told == [("outage", ALL)]
    await scene.pass_(5 * MINUTE)
    await scene.see_all(FIFTY[1:], "well")
    assert await scene.see_all(FIFTY[:1], "failed") == [("alarm", "org0")]


@pytest.mark.parametrize("looks", [1, 2, 3, 5])
async def test_so_many_looks_may_fail_as_the_settings_say(looks: int, scene: Scene) -> None:
    scene.desk.settings = replace(DESKTOP, failed_looks=looks)
    await scene.see(acme="well")
    told = []
    for _ in range(looks):
        await scene.pass_(MINUTE)
        told.append(await scene.see(acme="out"))
    assert told == [[]] * (looks - 1) + [[("alarm", "acme")]]


async def test_a_dead_sign_in_is_told_at_once(scene: Scene) -> None:
    assert await scene.see(acme="signed_out", globex="well") == [("alarm", "acme")]


async def test_settings_count_from_when_they_are_replaced(scene: Scene) -> None:
    scene.desk.settings = replace(DESKTOP, least=Level.CRITICAL)
    assert await scene.see(acme="signed_out") == []
    scene.desk.settings = DESKTOP
    assert await scene.see(acme="signed_out") == [("alarm", "acme")]


async def test_what_lasts_is_told_again_once_it_is_time(scene: Scene) -> None:
    scene.desk.settings = replace(DESKTOP, remind_every=HOUR)
    told = []
    for _ in range(25):
        told += await scene.see(acme="failed")
        await scene.pass_(5 * MINUTE)
    assert told == [("alarm", "acme"), ("reminder", "acme"), ("reminder", "acme")]


async def test_where_nothing_is_to_be_told_no_other_process_is_held_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await scene.see(acme="failed", globex="well")
    settled = []
    settle = AlertBook.settle

    async def watched(book: AlertBook, decide: object, sinks: object) -> object:
        settled.append(1)
        return await settle(book, decide, sinks)  # type: ignore[arg-type]

    monkeypatch.setattr(AlertBook, "settle", watched)
    for _ in range(5):
        await scene.pass_(MINUTE)
        await scene.see(acme="failed", globex="well")
    assert settled == []
    await scene.see(globex="failed")
    assert settled == [1]


async def test_what_turns_by_the_time_alone_is_told_when_it_does(scene: Scene) -> None:
    scene.policy = Policy(every=HOUR, overdue_after=10 * MINUTE)
    next_run = scene.clock.now() + HOUR
    scene.known["acme"] = snapshot_with(seen("acme"), backup=backup("SCHEDULED", next_run))
    assert kinds(await scene.consider()) == []
    await scene.pass_(HOUR + 10 * MINUTE)
    assert kinds(await scene.consider()) == []
    await scene.pass_(1)
    told = await scene.consider()
    assert kinds(told) == [("alarm", "acme")]
    assert "overdue 00:10:01" in told[0].alert.headline


async def test_what_is_told_is_said_in_the_words_of_now_though_it_was_judged_before(scene: Scene) -> None:
    scene.known["acme"] = snapshot_with(
        seen("acme"), backup=backup("SCHEDULED", scene.clock.now() - 12 * HOUR)
    )
    scene.known["acme"] = snapshot_with(scene.known["acme"], paused=True)
    assert kinds(await scene.consider()) == []
    await scene.pass_(2 * MINUTE)
    scene.desk.settings = replace(DESKTOP, remind_every=MINUTE)
    scene.known["acme"] = snapshot_with(scene.known["acme"], paused=False)
    told = await scene.consider()
    assert "overdue 12:02:00" in told[0].alert.headline
    await scene.pass_(2 * MINUTE)
    again = await scene.consider()
    assert kinds(again) == [("reminder", "acme")]
    assert "overdue 12:04:00" in again[0].alert.headline


async def test_what_cannot_have_turned_is_not_judged_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = []

    def noted(snapshot: Snapshot, policy: Policy, now: datetime, patience: int) -> Verdict:
        judged.append(snapshot.org.name)
        return judge(snapshot, policy, now, patience)

    monkeypatch.setattr("zbtui.core.verdict_cache.judge", noted)
    await scene.see_all(FIFTY, "well")
    judged.clear()
    await scene.pass_(MINUTE)
    await scene.see(org7="well")
    assert judged == ["org7"]
    scene.jump(-HOUR)
    await scene.consider()
    assert set(judged[1:]) == set(FIFTY)


# Several desks at one journal


@given(st.data())
@tried
def test_however_processes_take_turns_each_change_is_told_once_and_none_is_taken_back(
    data: st.DataObject,
) -> None:
    """Each considers what it knows every minute, however long ago it looked."""
    states: list[State] = ["well", "failed"]
    timeline = data.draw(st.lists(st.sampled_from(states), min_size=1, max_size=12))
    lookers = st.lists(st.integers(0, 2), max_size=3, unique=True)
    looking = [*(data.draw(lookers) for _ in timeline[1:]), [0, 1, 2]]

    async def watch() -> list[tuple[str, str]]:
        clock, journal, told = FakeClock(), Notebook(), []
        scenes = [Scene(journal=journal, clock=clock) for _ in range(3)]
        for state, lookers in zip(timeline, looking, strict=True):
            await clock.advance(MINUTE)
            for number, scene in enumerate(scenes):
                told += await (scene.see(acme=state) if number in lookers else scene.see())
        return told

    # What was seen, by anybody, in the order in which it was.
    seen = [state for state, lookers in zip(timeline, looking, strict=True) if lookers]
    changes = [after for before, after in zip(["well", *seen], seen, strict=False) if before != after]
    expected = [("recovery" if state == "well" else "alarm", "acme") for state in changes]
    assert asyncio.run(watch()) == expected


# For whom it is kept


async def deliveries(scene: Scene) -> list[str]:
    """The sinks that something is kept for."""
    book, now, lease = scene.journal.alerts, scene.clock.now(), timedelta(seconds=60)
    sinks = ["command", "webhook", "desktop", "bell"]
    found = []
    while claim := await book.claim(sinks, now, lease):
        found.append(claim.sink)
    return sorted(found)


@pytest.mark.parametrize(
    ("settings", "sinks"),
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
async def test_an_alert_is_kept_for_each_sink_that_is_configured(
    settings: AlertSettings, sinks: list[str]
) -> None:
    scene = Scene(settings)
    assert await scene.see(acme="failed") == [("alarm", "acme")]
    assert await deliveries(scene) == sinks


# News


async def test_the_first_news_are_those_from_then_on(scene: Scene) -> None:
    await scene.see(acme="failed")
    assert await scene.desk.news() == ()
    await scene.see(globex="failed")
    await scene.see(initech="failed")
    assert kinds(await scene.desk.news()) == [("alarm", "globex"), ("alarm", "initech")]
    assert await scene.desk.news() == ()


async def test_what_another_process_tells_is_news_too(scene: Scene) -> None:
    other = Scene(journal=scene.journal, clock=scene.clock)
    await scene.desk.news()
    await other.see(acme="failed")
    assert kinds(await scene.desk.news()) == [("alarm", "acme")]
