"""Deliveries of alerts: each made by one process, and by another where that one dies."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import tried
from tests.store.builders import alarm, children, claim, hear, names, taken
from tests.support.clock import START
from tests.support.notebook import Notebook
from zbtui.store.alerts import AlertBook, Claim

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


async def test_each_alert_is_delivered_to_each_sink_oldest_first(book: AlertBook) -> None:
    kept = await book.settle(alarm("a", "b"), ["command", "webhook"])
    found = [await taken(book, "command", "webhook") for _ in range(4)]
    assert [one.kept for one in found] == [kept[0], kept[0], kept[1], kept[1]]
    assert {(one.kept.id, one.sink) for one in found} == {
        (one.id, sink) for one in kept for sink in ("command", "webhook")
    }
    assert {one.attempts for one in found} == {0}
    assert await claim(book, "command", "webhook") is None


async def test_a_sink_is_given_its_own_and_no_sink_nothing(book: AlertBook) -> None:
    await book.settle(alarm("a"), ["command"])
    assert await claim(book, "webhook") is None
    assert await book.claim([], START, MINUTE) is None
    assert (await taken(book, "webhook", "command")).sink == "command"


async def test_nothing_is_due_before_its_alert_is(book: AlertBook) -> None:
    await book.settle(alarm("a"), ["command"])
    assert await claim(book, after=-SECOND) is None
    assert await claim(book) is not None


async def test_what_is_delivered_is_not_given_again(book: AlertBook, other: AlertBook) -> None:
    await book.settle(alarm("a"), ["command", "webhook"])
    await book.delivered(await taken(book))
    assert await claim(other, after=DAY) is None
    assert await claim(other, "webhook") is not None


async def test_what_a_process_took_and_died_over_is_taken_up_once_the_lease_is_over(
    book: AlertBook, other: AlertBook
) -> None:
    await book.settle(alarm("a"), ["command"])
    first = await taken(book)
    assert await claim(other, after=MINUTE - SECOND) is None
    assert await taken(other, after=MINUTE) == replace(first, attempts=1)
    assert await claim(book, after=2 * MINUTE - SECOND) is None
    assert (await taken(book, after=2 * MINUTE)).attempts == 2


async def test_of_two_processes_that_ask_at_once_one_is_given_it(book: AlertBook, other: AlertBook) -> None:
    await book.settle(alarm("a"), ["command"])
    found = await asyncio.gather(*(claim(one) for one in (book, other) * 10))
    assert len([one for one in found if one]) == 1


async def test_what_is_put_off_is_given_again_then_and_not_before(
    book: AlertBook, other: AlertBook
) -> None:
    await book.settle(alarm("a", "b"), ["command"])
    first = await taken(book)
    await book.put_off(first, START + 5 * MINUTE)
    assert (await taken(other)).kept.alert.org == "b"
    assert await claim(other, after=5 * MINUTE - SECOND, lease=DAY) == Claim(
        (await book.since(0))[1], "command", 1
    )
    assert await taken(book, after=5 * MINUTE) == replace(first, attempts=1)


async def test_after_the_clock_was_set_back_nothing_waits_for_it_to_catch_up(book: AlertBook) -> None:
    await book.settle(alarm("a"), ["command"])
    await taken(book, after=365 * DAY)
    assert await claim(book, after=MINUTE) is not None
    await book.settle(alarm("b"), ["webhook"])
    await book.put_off(await taken(book, "webhook"), START + DAY)
    assert await claim(book, "webhook", after=SECOND) is None


CLAIM = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from tests.support.clock import START
from zbtui.store.journal import open_journal
READY
async def main():
    journal = open_journal(Path(sys.argv[2]))
    while claim := await journal.alerts.claim(["command"], START, timedelta(minutes=1)):
        await journal.alerts.delivered(claim)
        print(claim.kept.alert.org, flush=True)
    assert journal.trouble is None, journal.trouble
    print("done", flush=True)
    await journal.close()
asyncio.run(main())
"""


async def test_of_processes_that_deliver_at_once_each_delivery_is_made_by_one(
    book: AlertBook, path: Path
) -> None:
    orgs = [f"org-{index}" for index in range(40)]
    await book.settle(alarm(*orgs), ["command"])
    with children(3, CLAIM, path) as processes:
        made = [line for one in processes for line in iter(partial(hear, one), "done")]
    assert sorted(made) == sorted(orgs)


# Whatever is done


steps = st.lists(
    st.tuples(st.sampled_from(["tell", "claim", "deliver", "put off", "wait"]), st.integers(0, 3)),
    max_size=25,
)


@tried
@given(steps=steps)
def test_whatever_is_done_no_delivery_is_lost_or_made_twice(steps: list[tuple[str, int]]) -> None:
    async def live() -> tuple[set[str], list[str]]:
        book, now = Notebook().alerts, START
        told: set[str] = set()
        made: list[str] = []
        held: list[Claim] = []
        for step, number in steps:
            if step == "tell":
                told |= set(names(await book.settle(alarm(f"org-{number}", at=now), ["command"])))
            elif step == "claim" and (found := await book.claim(["command"], now, MINUTE)):
                held.append(found)
            elif step == "deliver" and held:
                done = held.pop()
                await book.delivered(done)
                made.append(done.kept.alert.org)
            elif step == "put off" and held:
                await book.put_off(held.pop(), now + number * MINUTE)
            elif step == "wait":
                now += number * SECOND  # never as long as a lease
        now += DAY
        while found := await book.claim(["command"], now, MINUTE):
            await book.delivered(found)
            made.append(found.kept.alert.org)
        return told, made

    told, made = asyncio.run(live())
    assert sorted(made) == sorted(told)
    assert told == {f"org-{number}" for step, number in steps if step == "tell"}
