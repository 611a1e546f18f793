"""The filter: what a word matches; no input is an error."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    NOW,
    ORG,
    POLICY,
    make_company,
    reproducible,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem
from zbtui.presentation.filter import FILTER_FIELDS, parse_filter, searchable_texts

GONE = Problem("auth", "The refresh token is dead.", "Sign in again.", final=True)
ACME = replace(
    snapshot_with_next_run(DAY, company=make_company()),
    org=Org("acme prod", "eu", "1000.ACME", mute=True, tags=("live", "Nordics")),
)
"""Scheduled, muted; set up by Mara Lindqvist of Nordlys Tools AB."""


def matches(text: str, snapshot: Snapshot = ACME) -> bool:
    return parse_filter(text).matches(searchable_texts(snapshot, judge(snapshot, POLICY, NOW)))


@pytest.mark.parametrize(
    "word",
    ["acme", "nordlys", "eu", "scheduled", "ok", "lindqvist", "live", "muted", "ACME", "Tools", "nordics"],
)
def test_a_word_is_searched_in_all_that_distinguishes_an_org(word: str) -> None:
    assert matches(word)
    assert not matches(f"!{word}")


def test_a_level_is_a_word_of_its_own_and_no_part_of_others() -> None:
    """`!ok` shows the orgs that are not ok, also one with the letters "ok" in its name."""
    troubled = snapshot_with(Snapshot(replace(ORG, name="brook")), problem=GONE, failures=3)
    assert judge(troubled, POLICY, NOW).name == "cannot_tell"
    assert matches("!ok", troubled) and matches("unknown", troubled)
    assert not matches("ok", troubled)


def test_all_words_must_match() -> None:
    assert matches("acme  live eu")
    assert not matches("acme dead")
    assert not matches("acme !live")


def test_the_verdict_is_found_by_its_badge_and_by_its_name_with_or_without_underscore() -> None:
    late = snapshot_with_next_run(-DAY)
    assert matches("overdue", late)
    assert matches("scheduled", late)
    assert matches("verdict:overdue", late)
    assert not matches("verdict:scheduled", late)
    none = snapshot_with(late, backup=None)
    assert matches('"no backup"', none)
    wait = Snapshot(ORG)
    assert matches("waiting", wait)
    assert matches("level:unknown", wait)
    single = snapshot_with_next_run(DAY, status="SCHEDULED")
    assert single.zoho.backup
    single = snapshot_with(single, backup=replace(single.zoho.backup, rrule=None))
    assert matches("one_off", single)
    assert matches('"one off"', single)


@pytest.mark.parametrize(
    ("held", "elsewhere"),
    [
        ("name:acme", "name:nordlys"),
        ("company:tools", "company:acme"),
        ("dc:eu", "dc:acme"),
        ("status:sched", "status:acme"),
        ("verdict:scheduled", "verdict:muted"),
        ("level:ok", "level:scheduled"),
        ("by:mara", "by:acme"),
        ("tag:live", "tag:prod"),
    ],
)
def test_a_word_can_be_held_to_one_field(held: str, elsewhere: str) -> None:
    assert matches(held)
    assert matches(held.upper())
    assert not matches(f"!{held}")
    assert not matches(elsewhere)
    assert matches(f"!{elsewhere}")


def test_each_field_is_one_that_a_word_was_held_to_here() -> None:
    assert FILTER_FIELDS == ("name", "company", "dc", "status", "verdict", "level", "by", "tag")


def test_a_data_center_is_not_found_by_the_middle_of_another() -> None:
    own = replace(ACME, org=replace(ACME.org, data_center="custom"))
    assert matches("dc:custom", own)
    assert not matches("dc:us", own)


def test_quotes_keep_blanks_together() -> None:
    assert matches('"acme prod"')
    assert not matches('"prod acme"')
    assert matches('name:"acme prod"')
    assert matches('"name:acme prod"') is matches('name:"acme prod"')
    assert not matches('!"acme prod"')
    assert matches('"acme pr')  # the closing quote is not typed yet


def test_no_word_matches_across_two_texts() -> None:
    assert not matches('"live nordics"')
    assert not matches('"prod nordlys"')


def test_how_an_org_is_watched_can_be_asked_for() -> None:
    plain = snapshot_with_next_run(DAY)
    assert not matches("muted", plain)
    assert not matches("paused", plain)
    assert matches("paused", snapshot_with(plain, paused=True))
    assert matches("stale", snapshot_with(plain, restored=True))


def test_a_stale_org_has_the_level_that_the_bar_counts() -> None:
    stale = snapshot_with(snapshot_with_next_run(DAY), restored=True)
    assert matches("level:unknown", stale)
    assert not matches("level:ok", stale)


@pytest.mark.parametrize("typed", ["", " ", "!", "!!", "tag:", "!tag:", 'tag:"', '"', '""', "! tag: acme"])
def test_an_unfinished_word_hides_nothing(typed: str) -> None:
    assert matches(typed)


def test_an_unknown_field_is_part_of_the_word() -> None:
    odd = replace(ACME, org=replace(ACME.org, name="zone:north"))
    assert matches("zone:north", odd)
    assert not matches("zone:north")


def test_unknown_values_match_nothing() -> None:
    unseen = Snapshot(ORG)
    for held in ("company:a", "status:a", "by:a", "tag:a"):
        assert not matches(held, unseen)


@reproducible
@given(snapshots(), st.text(max_size=30))
def test_anything_can_be_typed(snapshot: Snapshot, text: str) -> None:
    assert matches(text, snapshot) in (True, False)


@reproducible
@given(
    snapshots(),
    st.sampled_from(["", *(f"{field}:" for field in FILTER_FIELDS)]),
    st.text(min_size=1, max_size=8) | st.sampled_from(["acme", "o", "eu", "failed", "unknown", "!ok"]),
)
def test_each_org_matches_either_a_word_or_its_inverse(snapshot: Snapshot, field: str, text: str) -> None:
    word = f'{field}"{text}"'
    if any(one.text for one in parse_filter(word).terms) and len(parse_filter(word).terms) == 1:
        assert matches(word, snapshot) is not matches(f"!{word}", snapshot)


@reproducible
@given(snapshots(), st.text(max_size=12), st.text(max_size=12))
def test_a_longer_filter_never_lets_more_through(snapshot: Snapshot, first: str, second: str) -> None:
    both = f"{first.replace(chr(34), '')} {second}"
    assert matches(both, snapshot) <= matches(first.replace('"', ""), snapshot)
