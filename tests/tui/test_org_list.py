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


def tick(org_list: OrgList, seconds: float) -> bool:
    org_list.tick(START + timedelta(seconds=seconds), [])
    return org_list.refresh_order()


def test_the_worst_comes_first_and_else_the_configs_order_holds() -> None:
    org_list = org_list_of(
        make_snapshot("acme"),
        make_snapshot("zeta"),
        make_snapshot("beta", status="FAILED"),
        make_snapshot("alpha"),
    )
    assert org_list.order == ["beta", "acme", "zeta", "alpha"]
    assert org_list.counts == Counter({Level.OK: 3, Level.CRITICAL: 1})


def test_a_move_delays_reordering_for_ten_seconds() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta"))
    org_list.restart_idle_timer()
    org_list.update(snapshot_with(make_snapshot("beta", status="FAILED"), observed_at=START), START)
    assert not tick(org_list, 9)
    assert org_list.order == ["acme", "beta"]
    assert tick(org_list, 10)
    assert org_list.order == ["beta", "acme"]


def test_a_minute_after_the_last_move_the_idle_timer_expires() -> None:
    org_list = org_list_of(make_snapshot("acme"))
    assert not org_list.expire_idle_timer()
    org_list.restart_idle_timer()
    tick(org_list, 60)
    assert not org_list.expire_idle_timer()
    tick(org_list, 61)
    assert org_list.expire_idle_timer()
    assert not org_list.is_user_active


def test_activity_elsewhere_restarts_the_idle_timer() -> None:
    org_list = org_list_of(make_snapshot("acme"))
    org_list.restart_idle_timer()
    for second in range(0, 300, 30):
        tick(org_list, second)
        org_list.extend_idle_timer()
        assert not org_list.expire_idle_timer()


def test_a_filter_hides_but_does_not_stop_counting() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    org_list.set_filter("acme")
    assert org_list.order == ["acme"]
    assert org_list.counts[Level.CRITICAL] == 1
    assert +org_list.hidden_counts == Counter({Level.CRITICAL: 1})
    org_list.set_filter("")
    assert org_list.order == ["beta", "acme"]


def test_an_org_appears_once_it_matches_the_filter() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta"))
    org_list.set_filter("failed")
    assert org_list.order == []
    org_list.update(snapshot_with(make_snapshot("beta", status="FAILED"), observed_at=START), START)
    assert org_list.refresh_order()
    assert org_list.order == ["beta"]


def test_the_filter_applies_while_reordering_is_delayed() -> None:
    org_list = org_list_of(
        make_snapshot("acme", status="FAILED"),
        make_snapshot("beta", status="FAILED"),
        make_snapshot("zeta"),
    )
    org_list.set_filter("!level:ok")
    org_list.restart_idle_timer()
    assert org_list.order == ["acme", "beta"]
    org_list.update(make_snapshot("acme"), START)
    assert org_list.refresh_order()
    assert org_list.order == ["beta"]
    assert +org_list.hidden_counts == Counter({Level.OK: 2})


def test_a_new_match_while_reordering_is_delayed_comes_last() -> None:
    org_list = org_list_of(
        make_snapshot("acme"), make_snapshot("zeta", status="SCHEDULED", rrule=None), make_snapshot("beta")
    )
    org_list.set_filter("!level:ok")
    org_list.restart_idle_timer()
    assert org_list.order == ["zeta"]
    org_list.update(make_snapshot("beta", status="FAILED"), START)
    org_list.update(make_snapshot("acme", status="FAILED"), START)
    assert org_list.refresh_order()
    assert org_list.order == ["zeta", "acme", "beta"]
    assert org_list.positions == {"zeta": 0, "acme": 1, "beta": 2}
    assert not tick(org_list, 9)
    assert tick(org_list, 10)
    assert org_list.order == ["acme", "beta", "zeta"]


def test_a_verdict_that_changes_no_match_leaves_a_delayed_order_alone() -> None:
    org_list = org_list_of(
        make_snapshot("acme"), make_snapshot("beta"), make_snapshot("zeta", status="FAILED")
    )
    org_list.set_filter("!level:unknown")
    org_list.restart_idle_timer()
    org_list.update(make_snapshot("beta", status="FAILED"), START)
    org_list.update(make_snapshot("zeta"), START)
    assert not org_list.refresh_order()
    assert org_list.order == ["zeta", "acme", "beta"]


def test_an_org_that_comes_and_goes_between_two_ticks_changes_nothing() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    org_list.set_filter("!level:ok")
    org_list.restart_idle_timer()
    org_list.update(make_snapshot("acme", status="FAILED"), START)
    org_list.update(make_snapshot("acme"), START)
    org_list.refresh_order()
    assert org_list.order == ["beta"]


def test_a_new_match_is_sorted_into_its_place() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    org_list.sort_by("name")
    org_list.set_filter("!level:ok")
    org_list.update(make_snapshot("acme", status="FAILED"), START)
    assert org_list.refresh_order()
    assert org_list.order == ["acme", "beta"]


@given(
    st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(["FAILED", "SCHEDULED"])), max_size=20),
    st.booleans(),
)
def test_the_filter_decides_what_is_shown_in_any_order(news: list[tuple[str, str]], touched: bool) -> None:
    org_list = org_list_of(*map(make_snapshot, "abcde"))
    org_list.set_filter("!level:ok")
    if touched:
        org_list.restart_idle_timer()
    for name, status in news:
        org_list.update(make_snapshot(name, status=status), START)
        org_list.refresh_order()
        assert set(org_list.order) == {
            each for each, one in org_list.verdicts.items() if one.level is not Level.OK
        }
        assert org_list.positions == {each: place for place, each in enumerate(org_list.order)}


def test_the_chosen_order_can_be_reversed() -> None:
    org_list = org_list_of(make_snapshot("b"), make_snapshot("A"), make_snapshot("c"))
    org_list.sort_by("name")
    assert org_list.order == ["A", "b", "c"]
    org_list.sort_by("name", reverse=True)
    assert org_list.order == ["c", "b", "A"]


def test_no_shown_snapshot_has_a_hidden_name() -> None:
    org_list = org_list_of(make_snapshot("acme"), make_snapshot("beta", status="FAILED"))
    org_list.hide_names(True)
    assert org_list.order == ["beta", "acme"]
    assert [org_list.snapshot(name).org.name for name in org_list.order] == ["org 2", "org 1"]
    assert org_list.verdict("beta").level is Level.CRITICAL
    org_list.hide_names(False)
    assert org_list.snapshot("beta").org.name == "beta"


def due_in(seconds: float) -> Snapshot:
    """An org that becomes overdue in `seconds`."""
    next_run = START + timedelta(seconds=seconds) - WatchPolicy().overdue_after
    return make_snapshot("late", scheduled_date=next_run.isoformat())


def test_an_org_out_of_sight_that_becomes_overdue_is_found_at_once() -> None:
    org_list = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    assert not tick(org_list, 2)
    assert org_list.verdict("late").name == "scheduled"
    assert tick(org_list, 3)
    assert org_list.verdict("late").name == "overdue"
    assert org_list.order[0] == "late"


def test_when_the_clock_is_set_back_all_are_judged_again() -> None:
    org_list = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    tick(org_list, 3)
    assert org_list.counts[Level.CRITICAL] == 1
    tick(org_list, 2)
    assert org_list.counts[Level.CRITICAL] == 0
    tick(org_list, 3)
    assert org_list.counts[Level.CRITICAL] == 1


def test_a_poll_may_be_the_first_to_notice_a_clock_set_back() -> None:
    org_list = org_list_of(*(make_snapshot(f"org-{number}") for number in range(1000)), due_in(2.5))
    tick(org_list, 3)
    assert org_list.counts[Level.CRITICAL] == 1
    org_list.update(make_snapshot("org-7"), START + timedelta(seconds=1))
    tick(org_list, 2)
    assert org_list.counts[Level.CRITICAL] == 0


def test_an_org_whose_verdict_cannot_have_changed_is_seldom_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    org_list, judged = (
        org_list_of(*(make_snapshot(f"org-{number:04}") for number in range(3000))),
        list[Snapshot](),
    )

    def noted(snapshot: Snapshot, policy: WatchPolicy, now: datetime, patience: int) -> Verdict:
        judged.append(snapshot)
        return judge(snapshot, policy, now, patience)

    monkeypatch.setattr("zbtui.health.verdict_cache.judge", noted)
    tick(org_list, 1)
    assert len(judged) <= 11


def test_a_poll_of_a_removed_org_changes_nothing() -> None:
    org_list = org_list_of(make_snapshot("acme"))
    assert not org_list.update(make_snapshot("gone"), START)
    assert org_list.order == ["acme"]


def test_a_stale_ok_counts_as_unknown() -> None:
    old = snapshot_with(make_snapshot("acme"), restored=True)
    org_list = org_list_of(old)
    assert org_list.counts[Level.OK] == 0
