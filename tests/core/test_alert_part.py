"""What is told by a process that observes a part of the orgs, beside others that share its ledger."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.alerting import DOWN, LOCKED, NAMES, OUTAGE, OVER, Desk, all_out, bad, out, said, well
from tests.core.build import DAY, HOUR, MINUTE, NOW, OFFLINE
from zbtui.core.alert import Ledger
from zbtui.core.trouble import Trouble


def part(ledger: Ledger | None = None) -> Desk:
    return Desk(ledger=ledger or Ledger(), whole=False)


@pytest.mark.parametrize("trouble", [OFFLINE, LOCKED, DOWN], ids=["offline", "locked", "down"])
def test_of_a_part_each_org_is_told_by_itself_and_no_outage(trouble: Trouble) -> None:
    desk = part()
    assert said(desk.tell(*all_out("acme", "nordlys", trouble=trouble))) == []  # the other is waited for
    at = NOW + 11 * MINUTE
    known = [out(name, 9, at, 15 * MINUTE, trouble) for name in ("acme", "nordlys")]
    assert said(desk.tell(*known, at=at)) == [
        ("alarm", "acme", "cannot_look"),
        ("alarm", "nordlys", "cannot_look"),
    ]
    at += HOUR
    assert said(desk.tell(well("acme", at), well("nordlys", at), at=at)) == [
        ("recovery", "acme", "scheduled"),
        ("recovery", "nordlys", "scheduled"),
    ]
    assert desk.ledger.outage_over is None


def test_two_processes_that_watch_a_half_each_do_not_contradict_each_other() -> None:
    one, told = part(), []
    other = part()
    for minute in range(0, 24 * 60, 5):
        at = NOW + minute * MINUTE
        down = [out(name, 3 + minute // 5, at, (4 + minute) * MINUTE) for name in ("acme", "nordlys")]
        told += one.tell(*down, at=at)
        other.ledger = one.ledger
        told += other.tell(well("zenith", at), bad("umbra", at), at=at)
        one.ledger = other.ledger
    assert sorted(said(told)) == [
        ("alarm", "acme", "cannot_look"),
        ("alarm", "nordlys", "cannot_look"),
        ("alarm", "umbra", "failed"),
    ]


def test_an_outage_that_a_process_with_all_orgs_told_is_neither_ended_nor_told_again_by_a_part() -> None:
    desk = Desk()
    assert said(desk.tell(*all_out(*NAMES))) == OUTAGE
    half, at = part(desk.ledger), NOW + HOUR
    assert half.tell(*all_out(*NAMES[:2], at=at), at=at) == []
    assert half.tell(well(NAMES[0], at), well(NAMES[1], at), at=at) == []
    assert half.tell(*all_out(*NAMES[:2], at=NOW + 2 * DAY), at=NOW + 2 * DAY) == []
    assert replace(half.ledger, orgs={}) == replace(desk.ledger, orgs={})
    desk.ledger, at = half.ledger, NOW + 3 * DAY
    assert said(desk.tell(*(well(name, at) for name in NAMES), at=at)) == OVER


def test_during_an_outage_a_part_tells_what_it_sees_all_the_same() -> None:
    desk = Desk()
    desk.tell(*all_out(*NAMES))
    half, at = part(desk.ledger), NOW + HOUR
    assert said(half.tell(bad(NAMES[0], at), well(NAMES[1], at), at=at)) == [("alarm", NAMES[0], "failed")]
