"""Whether an org is out of reach by itself, or with all others: who is asked first, and for how long."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.core.alerting import (
    BUSY,
    DOWN,
    EVERY,
    NAMES,
    OUTAGE,
    OVER,
    Desk,
    all_out,
    org,
    out,
    said,
    well,
)
from tests.core.build import DAY, HOUR, MINUTE, NOW, SECOND
from zbtui.core.alert import Ledger, Observation, Told
from zbtui.core.judge import judge
from zbtui.core.snapshot import Snapshot
from zbtui.core.trouble import Trouble
from zbtui.core.verdict import Level

# One of them


def test_one_org_out_of_reach_while_another_answers_is_told_by_itself() -> None:
    others = [well(name) for name in NAMES[1:]]
    assert said(Desk().tell(out(NAMES[0]), *others)) == [("alarm", NAMES[0], "cannot_look")]


def test_a_refusal_of_zohos_is_an_answer_too() -> None:
    told = Desk().tell(out("acme"), out("busy", trouble=BUSY))
    assert said(told) == [("alarm", "acme", "cannot_look"), ("alarm", "busy", "cannot_look")]


def test_an_org_that_zoho_is_out_of_order_for_is_told_by_itself_while_another_answers() -> None:
    told = Desk().tell(out("down", trouble=DOWN), well("acme"))
    assert said(told) == [("alarm", "down", "cannot_look")]
    assert Desk().tell(out("down", trouble=DOWN), well("acme", NOW - 5 * MINUTE)) == []


def test_all_orgs_of_one_data_center_are_told_each_by_itself() -> None:
    told = Desk().tell(out("eu1"), out("eu2"), well("us1"))
    assert said(told) == [("alarm", "eu1", "cannot_look"), ("alarm", "eu2", "cannot_look")]


@pytest.mark.parametrize(
    ("seen", "held"),
    [
        (-MINUTE, True),
        (timedelta(), True),
        (SECOND, False),
        (3 * MINUTE, False),
    ],
)
def test_an_org_out_of_reach_is_held_until_another_was_asked_since(seen: timedelta, held: bool) -> None:
    began = NOW - 4 * MINUTE
    told = Desk().tell(out("acme"), well("nordlys", began + seen))
    assert said(told) == ([] if held else [("alarm", "acme", "cannot_look")])


@pytest.mark.parametrize(
    ("since", "told"),
    [
        (2 * EVERY - SECOND, []),
        (2 * EVERY, []),
        (2 * EVERY + SECOND, [("alarm", "acme", "cannot_look")]),
    ],
)
def test_it_is_held_for_two_intervals_at_most(since: timedelta, told: list[tuple[str, str, str]]) -> None:
    slow = well("slow", NOW - 3 * HOUR, org=org("slow", own_policy=(("every", DAY),)))
    assert said(Desk().tell(out("acme", since=since), slow)) == told


def test_an_org_that_is_looked_at_once_a_day_does_not_turn_an_outage_into_fifty_alarms() -> None:
    slow = well("slow", NOW - 3 * HOUR, org=org("slow", own_policy=(("every", DAY),)))
    desk, told = Desk(), []
    for minute in range(5, 30):
        at = NOW + minute * MINUTE
        told += desk.tell(slow, *(out(name, minute, at, minute * MINUTE) for name in NAMES), at=at)
    assert said(told) == OUTAGE


@pytest.mark.parametrize("trouble", [DOWN, BUSY])
def test_an_org_in_a_long_pause_of_its_own_does_not_either(trouble: Trouble) -> None:
    slow = out("slow", 9, NOW - MINUTE, HOUR, trouble)
    desk = Desk()
    told = desk.tell(slow, *(well(name, NOW - MINUTE) for name in NAMES), at=NOW)
    for minute in range(5, 30):
        at = NOW + minute * MINUTE
        told += desk.tell(slow, *(out(name, minute, at, minute * MINUTE) for name in NAMES), at=at)
    assert said(told) == [("alarm", "slow", "cannot_look"), *OUTAGE]


def test_an_org_that_was_told_out_of_reach_is_told_again_when_it_answers_after_an_outage() -> None:
    desk = Desk()
    assert said(desk.tell(out("acme", since=HOUR), well("nordlys"))) == [("alarm", "acme", "cannot_look")]
    at = NOW + HOUR
    assert said(desk.tell(out("acme", 9, at, 2 * HOUR), out("nordlys", 3, at), at=at)) == OUTAGE
    at = NOW + 2 * HOUR
    assert said(desk.tell(well("acme", at), well("nordlys", at), at=at)) == [
        *OVER,
        ("recovery", "acme", "scheduled"),
    ]


def test_orgs_that_were_all_told_out_of_reach_one_by_one_are_no_outage_besides() -> None:
    told = Told("cannot_look", Level.UNKNOWN, NOW - HOUR, NOW - HOUR)
    desk = Desk(ledger=Ledger({"acme": told, "nordlys": told}))
    assert desk.tell(*all_out("acme", "nordlys")) == []
    for other in (replace(told, told_at=None), replace(told, verdict="failed"), None):
        desk = Desk(ledger=Ledger({"acme": told, **({"nordlys": other} if other else {})}))
        assert said(desk.tell(*all_out("acme", "nordlys"))) == OUTAGE


# Who is mute


def test_orgs_that_are_mute_are_seen_but_not_told() -> None:
    mute = [out(name, org=org(name, mute=True)) for name in ("acme", "nordlys")]
    assert Desk().tell(*mute) == []
    assert said(Desk().tell(mute[0], out("zenith"))) == OUTAGE
    assert said(Desk().tell(out("zenith"), well("acme", org=org("acme", mute=True)))) == [
        ("alarm", "zenith", "cannot_look")
    ]


# A program that has just started


def test_after_a_start_nobody_is_told_before_all_were_looked_at() -> None:
    known = [well(name, NOW - DAY, restored=True, failures=2, failing_since=NOW - DAY) for name in NAMES]
    desk, told = Desk(), []
    for number, name in enumerate(NAMES):
        at = NOW + number * SECOND
        known[number] = out(name, 3, at, DAY, restored=True)
        told += [(number, *one) for one in said(desk.tell(*known, at=at))]
    assert told == [(49, *OUTAGE[0])]


def test_a_restart_during_an_outage_neither_tells_it_again_nor_ends_it() -> None:
    desk = Desk()
    desk.tell(*all_out("acme", "nordlys"))
    at = NOW + HOUR
    restored = [well(name, at, restored=True, failures=9) for name in ("acme", "nordlys")]
    assert desk.tell(*restored, at=at) == []
    assert desk.tell(out("acme", 10, at, HOUR), restored[1], at=at) == []
    assert desk.tell(*all_out("acme", "nordlys", at=at), at=at) == []


def test_of_two_processes_the_one_that_has_not_looked_since_does_not_begin_an_outage_anew() -> None:
    desk = Desk()
    mine = all_out("acme", "nordlys")
    desk.tell(*mine)
    over = NOW + HOUR
    assert said(desk.tell(well("acme", over), well("nordlys", over), at=over)) == OVER
    for minutes in (1, 9, 11, 60):
        at = over + minutes * MINUTE
        assert desk.tell(*mine, at=at) == []


@pytest.mark.parametrize(
    ("snapshot", "looked_at"),
    [
        (Snapshot(org("acme")), None),
        (well(), NOW),
        (well(restored=True), None),
        (out(restored=True), NOW),
        (out(), NOW),
    ],
)
def test_what_was_restored_was_not_looked_at_by_this_program(
    snapshot: Snapshot, looked_at: datetime | None
) -> None:
    desk = Desk()
    assert Observation(snapshot, judge(snapshot, desk.policy, NOW)).looked_at == looked_at
