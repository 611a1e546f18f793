"""The orders in which orgs can be shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    history_with_one_end,
    links,
    make_backup,
    make_company,
    reproducible,
    snapshot_of,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.presentation.sorting import SORT_CYCLE, SORT_LABELS, SortOrder, sort_key
from zbtui.zoho_api.links import Links

SORTS = get_args(SortOrder)


def called(name: str, snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, org=replace(snapshot.org, name=name))


def ordered(sort: SortOrder, **orgs: Snapshot) -> list[str]:
    """The orgs' names in this order."""
    named = [called(name, snapshot) for name, snapshot in orgs.items()]
    named.sort(key=lambda one: sort_key(sort, one, judge(one, POLICY, NOW), NOW))
    return [one.org.name for one in named]


def test_the_worst_is_first_and_the_configs_order_holds_among_the_rest() -> None:
    failed = snapshot_of(make_backup("FAILED", NOW + DAY))
    unreached = build_snapshot(ORG, problem=OFFLINE, attempted_at=NOW, failures=3)
    well = snapshot_with_next_run(DAY)
    assert ordered("worst", z=well, none=snapshot_of(None), a=well, away=unreached, bad=failed) == [
        "bad",
        "away",
        "none",
        "z",
        "a",
    ]


def test_the_next_run_is_first_a_late_one_before_it_and_without_one_an_org_is_last() -> None:
    stopped = snapshot_of(make_backup("STOPPED", NOW + HOUR))
    orgs = {
        "none": snapshot_of(None),
        "far": snapshot_with_next_run(3 * DAY),
        "stopped": stopped,
        "near": snapshot_with_next_run(DAY),
    }
    assert ordered("next", **orgs, late=snapshot_with_next_run(-HOUR)) == [
        "late",
        "near",
        "far",
        "none",
        "stopped",
    ]


def test_names_are_sorted_whatever_their_case() -> None:
    assert ordered("name", b=snapshot_of(None), A=snapshot_of(None), C=snapshot_of(None)) == ["A", "b", "C"]


def test_the_oldest_good_backup_is_first_and_before_it_orgs_without_any() -> None:
    orgs = {
        "new": snapshot_with_next_run(DAY, history=history_with_one_end("completed", DAY)),
        "old": snapshot_with_next_run(DAY, history=history_with_one_end("completed", 9 * DAY)),
        "never": snapshot_with_next_run(DAY, history=history_with_one_end("failure", 2 * DAY)),
        "unread": snapshot_with_next_run(DAY, history=None),
    }
    assert ordered("good", **orgs) == ["never", "unread", "old", "new"]


def test_orgs_without_a_text_are_last() -> None:
    beta, acme = (
        snapshot_with_next_run(DAY, company=make_company(name="Beta")),
        snapshot_with_next_run(DAY, company=make_company(name="acme")),
    )
    assert ordered("company", none=snapshot_of(None), b=beta, a=acme) == ["a", "b", "none"]
    unnamed = snapshot_of(make_backup(requester={"id": "1", "name": None, "zuid": None}))
    mara = snapshot_of(make_backup())
    assert ordered("by", none=snapshot_of(None), unnamed=unnamed, mara=mara) == ["mara", "none", "unnamed"]


def test_data_centers_are_together() -> None:
    one = replace(snapshot_of(None), org=replace(ORG, data_center="us"))
    two = replace(snapshot_of(None), org=replace(ORG, data_center="au"))
    assert ordered("dc", a=one, b=two, c=one) == ["b", "a", "c"]


def test_links_that_expire_soonest_are_first_and_expired_ones_last() -> None:
    def left(span: timedelta) -> Snapshot:
        return snapshot_of(None, links=Links(1, 0, NOW + span))

    orgs = {"none": snapshot_of(None), "gone": left(-HOUR), "days": left(2 * DAY), "hours": left(HOUR)}
    assert ordered("links", **orgs) == ["hours", "days", "none", "gone"]


def test_links_expire_by_zohos_clock() -> None:
    gone = snapshot_of(None, links=Links(1, 0, NOW + HOUR), clock_offset=2 * HOUR)
    assert ordered("links", gone=gone, there=snapshot_of(None, links=Links(1, 0, NOW + DAY))) == [
        "there",
        "gone",
    ]


def test_the_most_frequent_plan_is_first_then_those_not_understood_then_none() -> None:
    def plan(rrule: str | None) -> Snapshot:
        return snapshot_of(make_backup(rrule=rrule))

    orgs = {
        "none": plan(None),
        "odd": plan("every blue moon"),
        "month": plan("RRULE:FREQ=MONTHLY;BYMONTHDAY=1"),
        "two weeks": plan("RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU"),
        "week": plan("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"),
    }
    assert ordered("plan", **orgs) == ["week", "two weeks", "month", "odd", "none"]


def test_each_order_has_words_and_the_cycle_has_four_of_them() -> None:
    assert set(SORT_LABELS) == set(SORTS)
    assert SORT_CYCLE == ("worst", "next", "name", "good")


@reproducible
@given(st.sampled_from(SORTS), st.lists(snapshots(), max_size=8), st.data())
def test_any_orgs_can_be_sorted(sort: SortOrder, orgs: Sequence[Snapshot], data: st.DataObject) -> None:
    known = [snapshot_with(one, links=data.draw(st.none() | links)) for one in orgs]
    keys = [sort_key(sort, one, judge(one, POLICY, NOW), NOW) for one in known]
    backwards = keys[::-1]
    assert sorted(keys) == sorted(backwards)


@reproducible
@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort not in ("worst", "links")])
@given(snapshot=snapshots())
def test_nothing_moves_only_because_time_goes_by(sort: SortOrder, snapshot: Snapshot) -> None:
    now, later = NOW, NOW + 40 * DAY
    before = sort_key(sort, snapshot, judge(snapshot, POLICY, now), now)
    assert sort_key(sort, snapshot, judge(snapshot, POLICY, later), later) == before
