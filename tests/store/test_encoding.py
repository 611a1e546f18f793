"""Stored snapshots and org states: encoding and decoding loses nothing, and copes with any text."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    NOW,
    ORG,
    POLICY,
    backups,
    make_backup,
    reproducible,
    snapshots,
    zones,
)
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.events import OrgState
from zbtui.health.judge import judge
from zbtui.health.snapshot import PollState, Snapshot
from zbtui.model.text import clean
from zbtui.store.encoding import (
    decode_history,
    decode_org_state,
    decode_snapshot,
    encode_history,
    encode_org_state,
    encode_snapshot,
)
from zbtui.zoho_api.backup_details import ZohoUser
from zbtui.zoho_api.history import HistoryEntry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.organization import Company
from zbtui.zoho_api.runs import History, build_history

words = st.none() | st.text(max_size=12).map(clean).filter(bool)
known = st.sampled_from(["completed", "failure", "initiated", "stopped", "purchased", "scheduled"])
moments = st.builds(
    lambda span, zone: (NOW - span).astimezone(zone), st.timedeltas(timedelta(), 400 * DAY), zones
)
companies = st.builds(Company, words, words, words, words, words, st.none() | moments)
links = st.builds(Links, st.integers(0, 99), st.integers(0, 99), st.none() | moments)
requesters = st.builds(ZohoUser, words, words, words)
entries = st.builds(
    HistoryEntry,
    words,
    st.none() | known,
    st.none() | known,
    st.none() | st.sampled_from(["weekly", "immediate"]),
    words,
    st.integers(0, 9),
    st.none() | moments,
    st.none() | requesters,
)
histories = st.lists(entries, max_size=8).map(build_history)
org_states = st.builds(OrgState, words, st.just("scheduled"), words, words, words, words, words)


@st.composite
def full(draw: st.DrawFn) -> Snapshot:
    """Snapshots with any values."""
    return snapshot_with(
        draw(snapshots()),
        backup=draw(st.none() | backups()),
        observed_at=draw(moments),
        company=draw(st.none() | companies),
        company_requested_at=draw(st.none() | moments),
        links=draw(st.none() | links),
        last_links_expiry=draw(st.none() | moments),
        history_tried_at=draw(st.none() | moments),
        history_failures=draw(st.integers(0, 9)),
        previous_run_failed=draw(st.booleans()),
    )


@reproducible
@given(seen=full())
def test_a_snapshot_comes_back_as_it_was_but_for_what_only_this_run_knows(seen: Snapshot) -> None:
    zoho = replace(seen.zoho, history=None, history_read_at=None, credits_remaining=None)
    polls = PollState(
        restored=True,
        history_tried_at=None if seen.polls.history_problem else seen.polls.history_tried_at,
        history_failures=seen.polls.history_failures,
        unsettled_history_reads=seen.polls.unsettled_history_reads,
    )
    assert decode_snapshot(ORG, encode_snapshot(seen)) == Snapshot(ORG, zoho, polls)


@reproducible
@given(history=histories)
def test_a_history_comes_back_as_it_was(history: History) -> None:
    assert decode_history(encode_history(history)) == history


@reproducible
@given(org_state=org_states)
def test_an_org_state_comes_back_as_it_was(org_state: OrgState) -> None:
    assert decode_org_state(encode_org_state(org_state)) == org_state


def test_what_a_row_does_not_say_is_not_written() -> None:
    row = HistoryEntry(None, None, "completed", None, None, 0, NOW, None)
    assert json.loads(encode_history(History(entries=(row,)))) == [
        {"state": "completed", "count": 0, "log_time": NOW.isoformat()}
    ]


values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("2026-11-23"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
KEYS = [*json.loads(encode_snapshot(build_snapshot(ORG, observed_at=NOW))), "status", "verdict", "log_time"]
DATES = ("observed_at", "running_since", "company_requested_at", "last_links_expiry", "history_tried_at")
bodies = values | st.dictionaries(st.sampled_from(KEYS), values) | st.lists(values, max_size=3)


@reproducible
@given(body=bodies.map(json.dumps) | st.text(max_size=20))
def test_whatever_text_is_there_it_is_understood_or_counts_as_nothing(body: str) -> None:
    for decode in (lambda text: decode_snapshot(ORG, text), decode_history, decode_org_state):
        assert isinstance(decode(body), (Snapshot, History, OrgState, type(None)))


moments_of_any_age = st.datetimes(timezones=zones | st.just(None)).map(datetime.isoformat)
numbers = st.floats() | st.integers()


@reproducible
@given(
    changed=st.fixed_dictionaries(
        {"clock_offset": numbers},
        optional=dict.fromkeys(DATES, moments_of_any_age) | {"history_failures": numbers},
    )
)
def test_whatever_is_understood_can_be_judged(changed: dict[str, Any]) -> None:
    body = json.loads(
        encode_snapshot(build_snapshot(ORG, backup=make_backup("SCHEDULED", NOW), observed_at=NOW))
    )
    seen = decode_snapshot(ORG, json.dumps(body | changed))
    if seen:
        assert judge(seen, POLICY, NOW).headline


@pytest.mark.parametrize("at", ["2026-11-23T11:20:00", "1969-12-31T23:59:59Z", "3000-01-01T00:00:00Z"])
def test_a_moment_without_its_zone_or_of_another_age_is_not_understood(at: str) -> None:
    body = json.loads(encode_snapshot(build_snapshot(ORG, observed_at=NOW)))
    assert decode_snapshot(ORG, json.dumps(body | {"observed_at": at})) is None
