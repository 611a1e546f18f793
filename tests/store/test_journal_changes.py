"""What a look has changed: noted once, whichever processes see it, and kept within bounds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tests.core.build import tried
from tests.store.builders import (
    YEAR_END,
    content,
    database,
    history,
    kept,
    looked,
    note,
    org,
    refusing,
    run_together,
    snapshot,
)
from tests.support.build import snapshot_with
from tests.support.clock import START
from tests.support.notebook import Notebook
from zbtui.config.settings import Keep
from zbtui.core.event import KINDS, Event
from zbtui.store.journal import Journal

ACME = org()
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def said(events: tuple[Event, ...] | list[Event]) -> list[tuple[str, str | None, str | None]]:
    return [(event.kind, event.before, event.after) for event in events]


def at(minutes: float) -> timedelta:
    return minutes * MINUTE


async def test_of_the_first_look_only_what_is_amiss_is_told(journal: Journal) -> None:
    (event,) = await note(journal, looked(ACME))
    assert event == Event(START, "acme", "verdict", None, "scheduled", "ok", "next backup in 7d 16:40:42")


async def test_each_change_is_noted_once_with_time_from_and_to(journal: Journal) -> None:
    await note(journal, looked(ACME))
    later = looked(ACME, START + MINUTE, "FAILED", company=None)
    events = await note(journal, later)
    assert said(events) == [("status", "SCHEDULED", "FAILED"), ("verdict", "scheduled", "failed")]
    assert {(event.at, event.org, event.level) for event in events} == {
        (START + MINUTE, "acme", "critical")
    }
    assert await note(journal, snapshot_with(later, attempted_at=START + 2 * MINUTE)) == ()


async def test_every_kind_of_change_is_noted(journal: Journal) -> None:
    first = looked(ACME)
    await note(journal, first)
    assert first.zoho.backup is not None
    assert first.zoho.company is not None
    second = looked(
        ACME,
        START + MINUTE,
        backup=replace(first.zoho.backup, status="STOPPED", rrule=None, requester=None),
        history=history(START, START - DAY),
        history_read_at=START + MINUTE,
        company=replace(first.zoho.company, licence_ends=START + DAY),
    )
    told = said(await note(journal, second))
    told += said(await note(journal, refusing(second, START + 2 * MINUTE)))
    assert {kind for kind, _, _ in told} == set(KINDS)
    assert ("licence", None, "2026-11-24") in told
    assert YEAR_END.date().isoformat() not in str(told)


async def test_trouble_and_recovery_are_noted_and_nothing_else_of_a_failed_look(journal: Journal) -> None:
    seen = looked(ACME)
    await note(journal, seen)
    failing = refusing(seen, START + MINUTE)
    assert said(await note(journal, failing)) == [("trouble", None, "Zoho cannot be reached.")]
    for minute in (2, 3):
        failing = refusing(failing, START + at(minute))
    assert said(await note(journal, failing)) == [("verdict", "scheduled", "cannot_look")]
    again = looked(ACME, START + at(4))
    assert said(await note(journal, again)) == [
        ("verdict", "cannot_look", "scheduled"),
        ("trouble", "Zoho cannot be reached.", None),
    ]


async def test_a_failed_look_by_older_data_than_another_process_has_changes_nothing_of_it(
    journal: Journal,
) -> None:
    old = looked(ACME, company=None, history=None)
    await note(journal, looked(ACME, START + MINUTE, "INPROGRESS"))
    failing = refusing(old, START + 2 * MINUTE)
    assert {kind for kind, _, _ in said(await note(journal, failing))} == {"verdict", "trouble"}
    back = looked(ACME, START + 3 * MINUTE, "INPROGRESS")
    assert {kind for kind, _, _ in said(await note(journal, back))} == {"verdict", "trouble"}


async def test_a_look_that_is_older_than_what_was_noted_changes_nothing(
    journal: Journal, path: Path
) -> None:
    await note(journal, looked(ACME, START + MINUTE))
    before = content(path)
    late = looked(ACME, START, "FAILED", history=history(START, START), history_read_at=START + HOUR)
    assert await note(journal, late, START + 2 * MINUTE) == ()
    assert await note(journal, refusing(late, START), START + 2 * MINUTE) == ()
    assert content(path) == before


async def test_what_was_noted_while_the_clock_was_ahead_is_no_bar_once_it_is_right_again(
    journal: Journal, path: Path
) -> None:
    await note(journal, looked(ACME, START + DAY))
    events = await note(journal, looked(ACME, START, "FAILED"))
    assert ("status", "SCHEDULED", "FAILED") in said(events)
    restored = (await kept(path))["acme"]
    assert (restored.zoho.observed_at, restored.zoho.history_read_at) == (START, START - 2 * HOUR)


async def test_another_org_of_the_same_name_begins_anew(journal: Journal) -> None:
    await note(journal, looked(ACME, START + MINUTE))
    other = looked(org(data_center="us"), START, "FAILED")
    assert said(await note(journal, other, START + 2 * MINUTE)) == [("verdict", None, "failed")]


async def test_the_standing_goes_with_an_org_that_is_renamed_and_so_do_its_events(
    journal: Journal, path: Path
) -> None:
    await note(journal, looked(ACME))
    await note(journal, refusing(looked(org("b")), START))
    await journal.rename("acme", "b")
    assert await kept(path, "acme", "b") == {"b": snapshot_with(snapshot(org("b")), restored=True)}
    (event,) = await note(journal, refusing(looked(org("b")), START + MINUTE))
    assert event.kind == "trouble"
    events = await journal.events.read("b", None)
    assert said(events)[0] == ("verdict", None, "scheduled")
    assert await journal.events.read("acme", None) == []
    assert len(await journal.events.read(None, None)) == len(events)


async def test_an_org_that_is_forgotten_begins_anew_and_its_events_stay(
    journal: Journal, path: Path
) -> None:
    await note(journal, refusing(looked(ACME), START))
    before = await journal.events.read("acme", None)
    await journal.forget("acme")
    assert await kept(path) == {}
    with database(path) as other:
        for table in ("snapshot", "history", "standing"):
            assert other.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert await journal.events.read("acme", None) == before
    assert said(await note(journal, looked(ACME, START + MINUTE))) == [("verdict", None, "scheduled")]


# Bounds


async def test_events_older_than_keep_are_dropped_with_the_next_look(journal: Journal) -> None:
    journal.keep = Keep(keep=10 * DAY)
    await note(journal, looked(ACME))
    just = START + 10 * DAY
    await note(journal, looked(org("b"), just))
    assert len(await journal.events.read("acme", None)) == 1
    await note(journal, looked(org("b"), just + timedelta(microseconds=1)))
    assert await journal.events.read("acme", None) == []
    assert len(await journal.events.read("b", None)) == 1


async def test_of_too_many_events_the_oldest_go_whichever_orgs_they_are(journal: Journal) -> None:
    journal.keep = Keep(most_events=5)
    for index in range(10):
        await note(journal, looked(org(f"org-{index}"), START + at(index)))
    left = [event.org for event in await journal.events.read(None, None)]
    assert left == [f"org-{index}" for index in range(5, 10)]


async def test_as_long_as_nobody_says_otherwise_events_are_kept_for_three_years(journal: Journal) -> None:
    assert journal.keep == Keep()
    await note(journal, looked(ACME))
    await note(journal, looked(org("b"), START + 1095 * DAY))
    assert len(await journal.events.read("acme", None)) == 1
    await note(journal, looked(org("b"), START + 1095 * DAY + MINUTE))
    assert await journal.events.read("acme", None) == []


# Several processes

STEPS = 30
NOTE = f"""
import asyncio, sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from tests.store.builders import looked, note, org
from tests.support.clock import START
from zbtui.store.journal import open_journal
READY
number, path = int(sys.argv[1]), sys.argv[2]
async def main():
    journal = open_journal(Path(path))
    for index in range({STEPS}):
        at = START + timedelta(seconds=index, milliseconds=number)
        await note(journal, looked(org(), at, f"S{{index}}"))
        assert journal.trouble is None, journal.trouble
    await journal.close()
asyncio.run(main())
"""


async def test_processes_that_see_the_same_changes_at_once_note_each_once(
    journal: Journal, path: Path
) -> None:
    run_together(4, NOTE, path)
    events = [event for event in await journal.events.read("acme", None) if event.kind == "status"]
    assert [(event.before, event.after) for event in events] == [
        (f"S{index}", f"S{index + 1}") for index in range(STEPS - 1)
    ]
    assert {event.kind for event in await journal.events.read("acme", None)} == {"status", "verdict"}


looks = st.lists(
    st.tuples(st.integers(0, 8), st.sampled_from(["SCHEDULED", "FAILED", "STOPPED", None])), max_size=12
)


@tried
@given(looks=looks)
def test_whatever_is_noted_in_whatever_order_the_events_lead_from_one_standing_to_the_next(
    looks: list[tuple[int, str | None]],
) -> None:
    """None: a look that failed."""

    async def live() -> list[Event]:
        notebook = Notebook()
        for minute, status in looks:
            when = START + at(minute)
            failing = refusing(looked(ACME), when)
            await note(notebook, looked(ACME, when, status) if status else failing)
        return await notebook.events.read(None, None)

    found = asyncio.run(live())
    for kind in KINDS:
        chain = [(event.before, event.after) for event in found if event.kind == kind]
        assert all(earlier[1] == later[0] for earlier, later in pairwise(chain))
        assert all(before != after for before, after in chain)
    assert [event.at for event in found] == sorted(event.at for event in found)
