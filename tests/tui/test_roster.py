"""Which orgs are shown, in which order, and how many of them are how well."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from tests.support.build import seen
from tests.support.clock import START
from tests.tui.views import roster_of
from zbtui.core.org import Policy
from zbtui.core.verdict import Level
from zbtui.tui.roster import Roster


def tick(roster: Roster, seconds: float) -> bool:
    roster.tick(START + timedelta(seconds=seconds), [])
    return roster.settle()


def test_the_worst_comes_first_and_else_the_configs_order_holds() -> None:
    roster = roster_of(seen("acme"), seen("zeta"), seen("beta", status="FAILED"), seen("alpha"))
    assert roster.order == ["beta", "acme", "zeta", "alpha"]
    assert roster.counts == Counter({Level.OK: 3, Level.CRITICAL: 1})


def test_the_order_rests_for_ten_seconds_after_a_move() -> None:
    roster = roster_of(seen("acme"), seen("beta"))
    roster.touch()
    roster.update(replace(seen("beta", status="FAILED"), observed_at=START), START)
    assert not tick(roster, 9)
    assert roster.order == ["acme", "beta"]
    assert tick(roster, 10)
    assert roster.order == ["beta", "acme"]


def test_a_minute_after_the_last_move_it_is_as_if_nobody_ever_had() -> None:
    roster = roster_of(seen("acme"))
    assert not roster.let_go()
    roster.touch()
    tick(roster, 60)
    assert not roster.let_go()
    tick(roster, 61)
    assert roster.let_go()
    assert not roster.is_touched


def test_who_is_busy_elsewhere_is_not_left_alone() -> None:
    roster = roster_of(seen("acme"))
    roster.touch()
    for second in range(0, 300, 30):
        tick(roster, second)
        roster.stay()
        assert not roster.let_go()


def test_a_filter_hides_but_does_not_stop_counting() -> None:
    roster = roster_of(seen("acme"), seen("beta", status="FAILED"))
    roster.search("acme")
    assert roster.order == ["acme"]
    assert roster.counts[Level.CRITICAL] == 1
    assert +roster.hidden == Counter({Level.CRITICAL: 1})
    roster.search("")
    assert roster.order == ["beta", "acme"]


def test_an_org_that_a_filter_lets_through_by_now_appears() -> None:
    roster = roster_of(seen("acme"), seen("beta"))
    roster.search("failed")
    assert roster.order == []
    roster.update(replace(seen("beta", status="FAILED"), observed_at=START), START)
    assert roster.settle()
    assert roster.order == ["beta"]


def test_it_is_sorted_by_what_was_chosen_and_turned_round() -> None:
    roster = roster_of(seen("b"), seen("A"), seen("c"))
    roster.sort_by("name")
    assert roster.order == ["A", "b", "c"]
    roster.sort_by("name", reverse=True)
    assert roster.order == ["c", "b", "A"]


def test_hidden_names_are_in_nothing_that_is_shown() -> None:
    roster = roster_of(seen("acme"), seen("beta", status="FAILED"))
    roster.hide_names(True)
    assert roster.order == ["beta", "acme"]
    assert [roster.snapshot(name).org.name for name in roster.order] == ["org 2", "org 1"]
    assert roster.verdict("beta").level is Level.CRITICAL
    roster.hide_names(False)
    assert roster.snapshot("beta").org.name == "beta"


def test_an_org_out_of_sight_that_becomes_overdue_is_found_within_thirty_ticks() -> None:
    soon = (START + timedelta(seconds=1)).isoformat()
    orgs = [seen(f"org-{number}") for number in range(600)]
    policy = Policy(every=timedelta(days=1), overdue_after=timedelta(seconds=1))
    roster = roster_of(*orgs, seen("late", scheduled_date=soon), policy=policy)
    for second in range(3, 34):
        tick(roster, second)
    assert roster.verdict("late").level is Level.CRITICAL
    assert roster.order[0] == "late"


def test_news_of_an_org_that_is_gone_changes_nothing() -> None:
    roster = roster_of(seen("acme"))
    assert not roster.update(seen("gone"), START)
    assert roster.order == ["acme"]


def test_green_that_could_not_be_confirmed_counts_as_unknown() -> None:
    old = replace(seen("acme"), restored=True)
    roster = roster_of(old)
    assert roster.counts[Level.OK] == 0
