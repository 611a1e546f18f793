"""The org list: the orgs shown, their order, and the counts of each level."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fake_clock import START
from tests.support.snapshots import make_snapshot, snapshot_with
from tests.tui.view_app import org_list_of
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import Level, Verdict
from zbtui.model.watch_policy import WatchPolicy
from zbtui.tui.org_list import OrgList


def tick(roster: OrgList, seconds: float) -> bool:
    roster.tick(START + timedelta(seconds=seconds), [])
    return roster.refresh_order()


def test_the_worst_comes_first_and_else_the_configs_order_holds() -> None:
    roster = org_list_of(
        make_snapshot("acme"),
        make_snapshot("zeta"),
        make_snapshot("beta", status="FAILED"),
        make_snapshot("alpha"),
    )
    assert roster.order == ["beta", "acme", "zeta", "alpha"]
    assert roster.counts == Counter({Level.OK: 3, Level.CRITICAL: 1})


def test_the_order_rests_for_ten_seconds_after_a_move() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta"))
    roster.restart_idle_timer()
    roster.update(snapshot_with(make_snapshot("beta", status="FAILED"), observed_at=START), START)
    assert not tick(roster, 9)
    assert roster.order == ["acme", "beta"]
    assert tick(roster, 10)
    assert roster.order == ["beta", "acme"]


def test_a_minute_after_the_last_move_it_is_as_if_nobody_ever_had() -> None:
    roster = org_list_of(make_snapshot("acme"))
    assert not roster.expire_idle_timer()
    roster.restart_idle_timer()
    tick(roster, 60)
    assert not roster.expire_idle_timer()
    tick(roster, 61)
    assert roster.expire_idle_timer()
    assert not roster.is_user_active


def test_who_is_busy_elsewhere_is_not_left_alone() -> None:
    roster = org_list_of(make_snapshot("acme"))
    roster.restart_idle_timer()
    for second in range(0, 300, 30):
        tick(roster, second)
        roster.extend_idle_timer()
        assert not roster.expire_idle_timer()


def test_a_filter_hides_but_does_not_stop_counting() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    roster.set_filter("acme")
    assert roster.order == ["acme"]
    assert roster.counts[Level.CRITICAL] == 1
    assert +roster.hidden_counts == Counter({Level.CRITICAL: 1})
    roster.set_filter("")
    assert roster.order == ["beta", "acme"]


def test_an_org_that_a_filter_lets_through_by_now_appears() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta"))
    roster.set_filter("failed")
    assert roster.order == []
    roster.update(snapshot_with(make_snapshot("beta", status="FAILED"), observed_at=START), START)
    assert roster.refresh_order()
    assert roster.order == ["beta"]


def test_while_the_order_rests_the_filter_is_true_all_the_same() -> None:
    roster = org_list_of(
        make_snapshot("acme", status="FAILED"),
        make_snapshot("beta", status="FAILED"),
        make_snapshot("zeta"),
    )
    roster.set_filter("!level:ok")
    roster.restart_idle_timer()
    assert roster.order == ["acme", "beta"]
    roster.update(make_snapshot("acme"), START)
    assert roster.refresh_order()
    assert roster.order == ["beta"]
    assert +roster.hidden_counts == Counter({Level.OK: 2})


def test_what_a_filter_lets_through_while_the_order_rests_comes_last_and_moves_nothing() -> None:
    roster = org_list_of(
        make_snapshot("acme"), make_snapshot("zeta", status="SCHEDULED", rrule=None), make_snapshot("beta")
    )
    roster.set_filter("!level:ok")
    roster.restart_idle_timer()
    assert roster.order == ["zeta"]
    roster.update(make_snapshot("beta", status="FAILED"), START)
    roster.update(make_snapshot("acme", status="FAILED"), START)
    assert roster.refresh_order()
    assert roster.order == ["zeta", "acme", "beta"]
    assert roster.positions == {"zeta": 0, "acme": 1, "beta": 2}
    assert not tick(roster, 9)
    assert tick(roster, 10)
    assert roster.order == ["acme", "beta", "zeta"]


def test_a_verdict_that_lets_nothing_in_or_out_leaves_a_resting_order_alone() -> None:
    roster = org_list_of(
        make_snapshot("acme"), make_snapshot("beta"), make_snapshot("zeta", status="FAILED")
    )
    roster.set_filter("!level:unknown")
    roster.restart_idle_timer()
    roster.update(make_snapshot("beta", status="FAILED"), START)
    roster.update(make_snapshot("zeta"), START)
    assert not roster.refresh_order()
    assert roster.order == ["zeta", "acme", "beta"]


def test_an_org_that_comes_and_goes_between_two_ticks_changes_nothing() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    roster.set_filter("!level:ok")
    roster.restart_idle_timer()
    roster.update(make_snapshot("acme", status="FAILED"), START)
    roster.update(make_snapshot("acme"), START)
    roster.refresh_order()
    assert roster.order == ["beta"]


def test_what_a_filter_lets_in_stands_at_its_place_though_nothing_else_moved_it() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    roster.sort_by("name")
    roster.set_filter("!level:ok")
    roster.update(make_snapshot("acme", status="FAILED"), START)
    assert roster.refresh_order()
    assert roster.order == ["acme", "beta"]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["FAILED", "SCHEDULED"])), max_size=20),
    st.booleans(),
)
def test_the_filter_decides_what_is_shown_in_any_order(news: list[tuple[str, str]], touched: bool) -> None:
    roster = org_list_of(*map(make_snapshot, "abcde"))
    roster.set_filter("!level:ok")
    if touched:
        roster.restart_idle_timer()
    for name, status in news:
        roster.update(make_snapshot(name, status=status), START)
        roster.refresh_order()
        assert set(roster.order) == {
            each for each, one in roster.verdicts.items() if one.level is not Level.OK
        }
        assert roster.positions == {each: place for place, each in enumerate(roster.order)}


def test_it_is_sorted_by_what_was_chosen_and_turned_round() -> None:
    roster = org_list_of(make_snapshot("b"), make_snapshot("A"), make_snapshot("c"))
    roster.sort_by("name")
    assert roster.order == ["A", "b", "c"]
    roster.sort_by("name", reverse=True)
    assert roster.order == ["c", "b", "A"]


def test_hidden_names_are_in_nothing_that_is_shown() -> None:
    roster = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    roster.hide_names(True)
    assert roster.order == ["beta", "acme"]
    assert [roster.snapshot(name).org.name for name in roster.order] == ["org 2", "org 1"]
    assert roster.verdict("beta").level is Level.CRITICAL
    roster.hide_names(False)
    assert roster.snapshot("beta").org.name == "beta"


def due_in(seconds: float) -> Snapshot:
    """An org that becomes overdue in `seconds`."""
    next_run = START + timedelta(seconds=seconds) - WatchPolicy().overdue_after
    return make_snapshot("late", scheduled_date=next_run.isoformat())


def test_an_org_out_of_sight_that_becomes_overdue_is_found_at_once() -> None:
    roster = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    assert not tick(roster, 2)
    assert roster.verdict("late").name == "scheduled"
    assert tick(roster, 3)
    assert roster.verdict("late").name == "overdue"
    assert roster.order[0] == "late"


def test_when_the_clock_is_set_back_all_are_judged_again() -> None:
    roster = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    tick(roster, 3)
    assert roster.counts[Level.CRITICAL] == 1
    tick(roster, 2)
    assert roster.counts[Level.CRITICAL] == 0
    tick(roster, 3)
    assert roster.counts[Level.CRITICAL] == 1


def test_the_clock_may_be_found_set_back_by_an_answer_first() -> None:
    roster = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    tick(roster, 3)
    assert roster.counts[Level.CRITICAL] == 1
    roster.update(make_snapshot("org-7"), START + timedelta(seconds=1))
    tick(roster, 2)
    assert roster.counts[Level.CRITICAL] == 0


def test_what_nothing_can_have_turned_is_seldom_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    roster, judged = (
        org_list_of(*(make_snapshot(f"org-{number:04}") for number in range(3000))),
        list[Snapshot](),
    )

    def noted(snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int) -> Verdict:
        judged.append(snapshot)
        return judge(snapshot, policy, now, patience)

    monkeypatch.setattr("zbtui.health.verdict_cache.judge", noted)
    tick(roster, 1)
    assert len(judged) <= 11


def test_news_of_an_org_that_is_gone_changes_nothing() -> None:
    roster = org_list_of(make_snapshot("acme"))
    assert not roster.update(make_snapshot("gone"), START)
    assert roster.order == ["acme"]


def test_green_that_could_not_be_confirmed_counts_as_unknown() -> None:
    old = snapshot_with(make_snapshot("acme"), restored=True)
    roster = org_list_of(old)
    assert roster.counts[Level.OK] == 0
