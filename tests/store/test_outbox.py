"""The outbox: each alert is stored once, over all processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from tests.store.store_samples import (
    claim_delivery,
    claim_one,
    decide_alarm,
    make_alert,
    org_names,
    polled_snapshot,
    raw_database,
    record_poll,
    run_concurrently,
    sample_org,
)
from tests.support.fake_clock import START
from tests.support.memory_journal import MemoryJournal
from zbtui.health.alert_policy import Alert, AlertState, OrgAlertState
from zbtui.model.verdict import Level
from zbtui.store.journal import Journal
from zbtui.store.outbox import Outbox, StoredAlert
from zbtui.store.outbox_tables import number_at

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)
FAILED_STATE = OrgAlertState("failed", Level.CRITICAL, START)
POLLED_STATE = replace(FAILED_STATE, polled_at=START - SECOND)


def decide_to(
    after: AlertState, *alerts: Alert
) -> Callable[[AlertState], tuple[AlertState, tuple[Alert, ...]]]:
    """A decision for the outbox: this state and these alerts, whatever was notified before."""
    return lambda state: (after, alerts)


# The alert state


async def test_at_first_nothing_was_notified(outbox: Outbox) -> None:
    assert await outbox.alert_state() == AlertState()
    assert await outbox.latest_number(START) < number_at(START)
    assert await outbox.alerts_after(0) == ()


ALERT_STATES = {
    "nothing": AlertState(),
    "orgs": AlertState({"acme": POLLED_STATE, "佐藤": OrgAlertState("scheduled", Level.OK, None)}),
    "an outage": AlertState({"acme": FAILED_STATE}, START, START + MINUTE),
    "an outage that is over": AlertState({}, outage_ended_at=START),
}


@pytest.mark.parametrize("before", ALERT_STATES)
@pytest.mark.parametrize("after", ALERT_STATES)
async def test_the_alert_state_becomes_what_was_decided(
    before: str, after: str, outbox: Outbox, other_outbox: Outbox
) -> None:
    await outbox.decide_and_store(decide_to(ALERT_STATES[before]), [])
    await outbox.decide_and_store(decide_to(ALERT_STATES[after]), [])
    assert await other_outbox.alert_state() == ALERT_STATES[after]


async def test_which_orgs_a_config_had_is_known_to_every_process(
    outbox: Outbox, other_outbox: Outbox
) -> None:
    a, b = (outbox.of_config(name) for name in ("a.toml", "b.toml"))
    watched = {("a.toml", "acme"): None, ("a.toml", "b"): START}
    others = {("b.toml", "acme"): None}
    await a.decide_and_store(decide_to(AlertState(watched=watched)), [])
    await b.decide_and_store(decide_to(AlertState(watched=others)), [])
    assert (await other_outbox.of_config("a.toml").alert_state()).watched == watched
    await other_outbox.of_config("a.toml").note_removal("acme", START + MINUTE)
    assert (await a.alert_state()).watched == watched | {("a.toml", "acme"): START + MINUTE}
    assert (await b.alert_state()).watched == others


async def test_it_is_decided_by_what_any_process_notified(outbox: Outbox, other_outbox: Outbox) -> None:
    assert org_names(await outbox.decide_and_store(decide_alarm("acme"), [])) == ["acme"]
    assert org_names(await other_outbox.decide_and_store(decide_alarm("acme", "b"), [])) == ["b"]
    assert set((await outbox.alert_state()).orgs) == {"acme", "b"}


async def test_what_notifies_of_nothing_writes_nothing(outbox: Outbox, journal_path: Path) -> None:
    await outbox.decide_and_store(decide_alarm("acme"), ["command"])
    with raw_database(journal_path) as reading:
        (before,) = reading.execute("PRAGMA data_version").fetchone()
        assert await outbox.decide_and_store(decide_alarm("acme"), ["command"]) == ()
        assert reading.execute("PRAGMA data_version").fetchone() == (before,)
        await outbox.decide_and_store(decide_alarm("b"), ["command"])
        assert reading.execute("PRAGMA data_version").fetchone() != (before,)


async def test_an_error_while_deciding_leaves_all_as_it_was(outbox: Outbox) -> None:
    def broken(state: AlertState) -> tuple[AlertState, tuple[Alert, ...]]:
        raise ZeroDivisionError

    await outbox.decide_and_store(decide_alarm("acme"), [])
    with pytest.raises(ZeroDivisionError):
        await outbox.decide_and_store(broken, [])
    assert org_names(await outbox.decide_and_store(decide_alarm("acme", "b"), [])) == ["b"]


async def test_what_was_notified_goes_with_its_org(journal: Journal, outbox: Outbox) -> None:
    ids = {name: sample_org(name).identity for name in ("acme", "b", "c")}
    await outbox.decide_and_store(decide_alarm("acme", "b"), [], ids)
    await outbox.rename_org(sample_org(), sample_org("c"))
    assert set((await outbox.alert_state(ids)).orgs) == {"b", "c"}
    await outbox.rename_org(sample_org("c"), sample_org("b"))
    assert set((await outbox.alert_state(ids)).orgs) == {"b"}
    await outbox.forget_org(sample_org("b"))
    assert await outbox.alert_state(ids) == AlertState()
    assert org_names(await outbox.alerts_after(0)) == ["acme", "b"]


async def test_orgs_of_one_name_in_two_configs_are_notified_each_by_itself(
    journal: Journal, outbox: Outbox, other_outbox: Outbox
) -> None:
    ours, theirs = sample_org(), sample_org(client_id="1000.DEF")
    assert await outbox.decide_and_store(decide_alarm("acme"), [], {"acme": ours.identity}) != ()
    assert not await outbox.would_change(decide_alarm("acme"), {"acme": ours.identity})
    assert await other_outbox.would_change(decide_alarm("acme"), {"acme": theirs.identity})
    assert await other_outbox.decide_and_store(decide_alarm("acme"), [], {"acme": theirs.identity}) != ()
    await other_outbox.decide_and_store(lambda state: (AlertState(), ()), [], {"acme": theirs.identity})
    assert await outbox.alert_state({"acme": theirs.identity}) == AlertState()
    assert set((await outbox.alert_state({"acme": ours.identity})).orgs) == {"acme"}
    await outbox.forget_org(theirs)
    assert set((await outbox.alert_state({"acme": ours.identity})).orgs) == {"acme"}


async def test_a_config_neither_knows_nor_sends_the_alerts_of_another(outbox: Outbox) -> None:
    a, b = (outbox.of_config(name) for name in ("a.toml", "b.toml"))
    outage = replace(AlertState({"acme": FAILED_STATE}), outage_since=START, journal_notified_at=START)
    (alert,) = await a.decide_and_store(decide_to(outage, make_alert("acme")), ["webhook"])
    assert await b.alert_state() == AlertState()
    assert await b.alerts_after(0) == ()
    assert await claim_delivery(b, "webhook") is None
    assert org_names(await b.decide_and_store(decide_alarm("acme"), ["webhook"])) == ["acme"]
    assert await a.alert_state() == outage
    claim = await claim_delivery(a, "webhook")
    assert claim is not None
    assert claim.stored == alert


# Alerts


async def test_every_process_is_given_what_is_kept(outbox: Outbox, other_outbox: Outbox) -> None:
    full = replace(make_alert("acme"), previous_verdict=None, hint=None, kind="outage", level=Level.UNKNOWN)
    kept = await outbox.decide_and_store(decide_to(AlertState(), full, make_alert("佐藤")), [])
    assert [one.alert for one in kept] == [full, make_alert("佐藤")]
    assert kept[0].number < kept[1].number
    assert await other_outbox.alerts_after(0) == kept


async def test_no_two_alerts_have_the_same_id_whichever_journal_they_are_in(outbox: Outbox) -> None:
    """So two machines, or one that has lost its journal, never send different alerts with one id."""
    places = [outbox, *(MemoryJournal().outbox for _ in range(3))]
    kept = [await place.decide_and_store(decide_alarm("a", "b"), []) for place in places]
    uuids = [one.uuid for alerts in kept for one in alerts]
    assert len(set(map(UUID, uuids))) == 8


async def test_only_what_came_after_an_alert_is_notified(outbox: Outbox, other_outbox: Outbox) -> None:
    first = await outbox.decide_and_store(decide_alarm("a"), [])
    assert await other_outbox.latest_number(START) == first[-1].number
    assert await other_outbox.alerts_after(first[-1].number) == ()
    later = await outbox.decide_and_store(decide_alarm("b", "c"), []) + await other_outbox.decide_and_store(
        decide_alarm("d"), []
    )
    assert await other_outbox.alerts_after(first[-1].number) == later
    assert await outbox.latest_number(START) == later[-1].number


async def test_alerts_and_their_deliveries_are_kept_for_a_month(outbox: Outbox, journal_path: Path) -> None:
    await outbox.decide_and_store(decide_alarm("old"), ["command"])
    await outbox.decide_and_store(decide_alarm("b", at=START + 30 * DAY), ["command"])
    assert org_names(await outbox.alerts_after(0)) == ["old", "b"]
    await outbox.decide_and_store(decide_alarm("c", at=START + 30 * DAY + SECOND), ["command"])
    assert org_names(await outbox.alerts_after(0)) == ["b", "c"]
    with raw_database(journal_path) as reading:
        assert reading.execute("SELECT count(*) FROM delivery").fetchone() == (2,)


# Rows that cannot be decoded

BAD_ROWS = {
    "notified": {"level": 7, "notified_at": "'once'", "polled_at": "'once'"},
    "alert": {"at": "'once'", "kind": "'gossip'", "level": -1},
}


@pytest.mark.parametrize(
    ("table", "column"), [(table, key) for table in BAD_ROWS for key in BAD_ROWS[table]]
)
async def test_a_row_that_is_not_understood_counts_as_none(
    table: str, column: str, outbox: Outbox, journal_path: Path
) -> None:
    kept = await outbox.decide_and_store(decide_alarm("a", "b"), ["command"])
    with raw_database(journal_path) as behind:
        behind.execute(f"UPDATE {table} SET {column} = {BAD_ROWS[table][column]} WHERE org = 'a'")
    if table == "notified":
        assert set((await outbox.alert_state()).orgs) == {"b"}
        assert org_names(await outbox.decide_and_store(decide_alarm("a", "b"), [])) == ["a"]
        return
    assert await outbox.alerts_after(0) == kept[1:]
    assert (await claim_one(outbox)).stored == kept[1]
    assert await claim_delivery(outbox) is None


async def test_an_outage_that_is_not_understood_counts_as_none(outbox: Outbox, journal_path: Path) -> None:
    await outbox.decide_and_store(decide_to(AlertState({"a": FAILED_STATE}, START)), [])
    with raw_database(journal_path) as behind:
        behind.execute("UPDATE outage SET since = 'once'")
    assert await outbox.alert_state() == AlertState({"a": FAILED_STATE})


async def test_text_that_is_kept_is_cleaned_again(outbox: Outbox, journal_path: Path) -> None:
    await outbox.decide_and_store(decide_alarm("a"), [])
    with raw_database(journal_path) as behind:
        behind.execute("UPDATE alert SET headline = ?, hint = ?", ["Evil\x1b[2J", "two\nlines"])
    (kept,) = await outbox.alerts_after(0)
    assert (kept.alert.headline, kept.alert.hint) == ("Evil[2J", "two lines")


async def test_an_orgs_first_poll_leaves_what_was_notified(journal: Journal, outbox: Outbox) -> None:
    kept: tuple[StoredAlert, ...] = await outbox.decide_and_store(decide_alarm("acme"), [])
    await record_poll(journal, polled_snapshot(sample_org()))
    assert await outbox.alerts_after(0) == kept
    assert await outbox.alert_state() == AlertState({"acme": FAILED_STATE})


# Several processes

COMMIT_SCRIPT = """
import asyncio, sys
from pathlib import Path
from tests.store.store_samples import decide_alarm
from zbtui.store.journal import open_journal
READY
async def one(path):
    journal = open_journal(path)
    for index in range(10):
        await journal.outbox.decide_and_store(decide_alarm(f"org-{index}", f"org-{index + 1}"), ["command"])
        assert journal.problem is None, journal.problem
    await journal.close()
async def main():
    await asyncio.gather(*(one(Path(sys.argv[2])) for _ in range(5)))
asyncio.run(main())
"""


async def test_of_twenty_journals_one_stores_each_alert(outbox: Outbox, journal_path: Path) -> None:
    """Twenty journals: four processes with five each."""
    await outbox.alert_state()
    run_concurrently(4, COMMIT_SCRIPT, journal_path)
    assert sorted(org_names(await outbox.alerts_after(0))) == sorted(f"org-{index}" for index in range(11))
    found = [await claim_delivery(outbox) for _ in range(12)]
    assert sorted(one.stored.alert.org for one in found[:-1] if one) == sorted(
        f"org-{index}" for index in range(11)
    )
    assert found[-1] is None
