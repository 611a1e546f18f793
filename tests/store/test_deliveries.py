"""Deliveries of alerts: each is claimed by one process, and by another one if the first dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.store.store_samples import (
    claim_delivery,
    claim_one,
    decide_alarm,
    org_names,
    read_line,
    run_children,
)
from tests.support.fake_clock import START
from tests.support.memory_journal import MemoryJournal
from tests.support.samples import reproducible
from zbtui.store.outbox import DeliveryClaim, Outbox

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


async def test_each_alert_is_delivered_to_each_channel_oldest_first(outbox: Outbox) -> None:
    kept = await outbox.decide_and_store(decide_alarm("a", "b"), ["command", "webhook"])
    found = [await claim_one(outbox, "command", "webhook") for _ in range(4)]
    assert [one.stored for one in found] == [kept[0], kept[0], kept[1], kept[1]]
    assert {(one.stored.uuid, one.channel) for one in found} == {
        (one.uuid, channel) for one in kept for channel in ("command", "webhook")
    }
    assert {one.attempts for one in found} == {0}
    assert await claim_delivery(outbox, "command", "webhook") is None


async def test_a_channel_is_given_its_own_and_no_channel_nothing(outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command"])
    assert await claim_delivery(outbox, "webhook") is None
    assert await outbox.claim_delivery([], START, MINUTE) is None
    assert (await claim_one(outbox, "webhook", "command")).channel == "command"


async def test_nothing_is_due_before_its_alert_is(outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command"])
    assert await claim_delivery(outbox, after=-SECOND) is None
    assert await claim_delivery(outbox) is not None


async def test_what_is_delivered_is_not_given_again(outbox: Outbox, other_outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command", "webhook"])
    await outbox.mark_delivered(await claim_one(outbox))
    assert await claim_delivery(other_outbox, after=DAY) is None
    assert await claim_delivery(other_outbox, "webhook") is not None


async def test_what_a_dead_process_took_is_taken_up_later(outbox: Outbox, other_outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command"])
    first = await claim_one(outbox)
    assert await claim_delivery(other_outbox, after=MINUTE - SECOND) is None
    assert await claim_one(other_outbox, after=MINUTE) == replace(first, attempts=1)
    assert await claim_delivery(outbox, after=2 * MINUTE - SECOND) is None
    assert (await claim_one(outbox, after=2 * MINUTE)).attempts == 2


async def test_of_two_processes_that_ask_one_is_given_it(outbox: Outbox, other_outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command"])
    found = await asyncio.gather(*(claim_delivery(one) for one in (outbox, other_outbox) * 10))
    assert len([one for one in found if one]) == 1


async def test_what_is_put_off_is_given_then_not_before(outbox: Outbox, other_outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a", "b"), ["command"])
    first = await claim_one(outbox)
    await outbox.reschedule(first, START + 5 * MINUTE)
    assert (await claim_one(other_outbox)).stored.alert.org == "b"
    assert await claim_delivery(other_outbox, after=5 * MINUTE - SECOND, lease=DAY) == DeliveryClaim(
        (await outbox.alerts_after(0))[1], "command", 1
    )
    assert await claim_one(outbox, after=5 * MINUTE) == replace(first, attempts=1)


async def test_after_the_clock_was_set_back_nothing_waits_for_it_to_catch_up(outbox: Outbox) -> None:
    await outbox.decide_and_store(decide_alarm("a"), ["command"])
    await claim_one(outbox, after=365 * DAY)
    assert await claim_delivery(outbox, after=MINUTE) is not None
    await outbox.decide_and_store(decide_alarm("b"), ["webhook"])
    await outbox.reschedule(await claim_one(outbox, "webhook"), START + DAY)
    assert await claim_delivery(outbox, "webhook", after=SECOND) is None


CLAIM = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.support.fake_clock import START
from zbtui.store.journal import open_journal
READY
async def main():
    journal = open_journal(Path(sys.argv[2]))
    while claim := await journal.outbox.claim_delivery(["command"], START, timedelta(minutes=1)):
        await journal.outbox.mark_delivered(claim)
        print(claim.stored.alert.org, flush=True)
    assert journal.problem is None, journal.problem
    print("done", flush=True)
    await journal.close()
asyncio.run(main())
"""


async def test_of_several_processes_one_makes_each_delivery(outbox: Outbox, journal_path: Path) -> None:
    orgs = [f"org-{index}" for index in range(40)]
    await outbox.decide_and_store(decide_alarm(*orgs), ["command"])
    with run_children(3, CLAIM, journal_path) as processes:
        made = [line for one in processes for line in iter(partial(read_line, one), "done")]
    assert sorted(made) == sorted(orgs)


# Any sequence of steps


steps = st.lists(
    st.tuples(st.sampled_from(["alert", "claim", "deliver", "put off", "wait"]), st.integers(0, 3)),
    max_size=25,
)


@reproducible
@given(steps=steps)
def test_whatever_is_done_no_delivery_is_lost_or_made_twice(steps: list[tuple[str, int]]) -> None:
    async def live() -> tuple[set[str], list[str]]:
        outbox, now = MemoryJournal().outbox, START
        alerted: set[str] = set()
        made: list[str] = []
        held: list[DeliveryClaim] = []
        for step, number in steps:
            if step == "alert":
                alerted |= set(
                    org_names(
                        await outbox.decide_and_store(decide_alarm(f"org-{number}", at=now), ["command"])
                    )
                )
            elif step == "claim" and (found := await outbox.claim_delivery(["command"], now, MINUTE)):
                held.append(found)
            elif step == "deliver" and held:
                done = held.pop()
                await outbox.mark_delivered(done)
                made.append(done.stored.alert.org)
            elif step == "put off" and held:
                await outbox.reschedule(held.pop(), now + number * MINUTE)
            elif step == "wait":
                now += number * SECOND  # always less than a lease
        now += DAY
        while found := await outbox.claim_delivery(["command"], now, MINUTE):
            await outbox.mark_delivered(found)
            made.append(found.stored.alert.org)
        return alerted, made

    alerted, made = asyncio.run(live())
    assert sorted(made) == sorted(alerted)
    assert alerted == {f"org-{number}" for step, number in steps if step == "alert"}
