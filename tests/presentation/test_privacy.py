"""Hiding names and ids: all that identifies an org goes, its state stays."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.samples import (
    DAY,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    history_row,
    make_company,
    reproducible,
    snapshot_with_next_run,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.judge import PROBLEM_BADGES, judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import Org
from zbtui.model.problem import LOCKOUT, TOKEN_BUDGET_EXHAUSTED, Problem, ProblemKind
from zbtui.presentation.privacy import HIDDEN, hide_names, hide_problem
from zbtui.zoho_api.backup_details import ZohoUser
from zbtui.zoho_api.history import parse_entry
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History, build_history

ALIAS = "org 1"
PLANTED = "qzx"
"""The beginning of each planted text; zbtui's own texts never contain it."""
SHOWN = frozenset(
    {
        *("data_center", "grant", "accent", "links_warn", "policy_overrides"),  # Org
        *("status", "rrule", "scheduled_date", "start_date"),  # Backup
        *("edition", "org_type", "kind"),  # Company, Problem
        *("action", "state", "repeat_type"),  # Entry
    }
)
"""The only texts of an org that stay; all others, also those of future fields, must be hidden."""


def texts_in(thing: object) -> list[str]:
    """Every text within a value, however deep."""
    if isinstance(thing, str):
        return [thing]
    if isinstance(thing, tuple):
        return [text for part in thing for text in texts_in(part)]
    if is_dataclass(thing):
        return [text for key in fields(thing) for text in texts_in(getattr(thing, key.name))]
    return []


def planted(thing: Any, numbers: count[int]) -> Any:
    """A copy with a distinct planted text in place of each text that must be hidden."""
    if isinstance(thing, str):
        return f"{PLANTED}{next(numbers)}"
    if isinstance(thing, tuple):
        return tuple(planted(part, numbers) for part in thing)
    if is_dataclass(thing) and not isinstance(thing, type):
        keys = (key.name for key in fields(thing) if key.name not in SHOWN)
        return replace(thing, **{key: planted(getattr(thing, key), numbers) for key in keys})
    return thing


def everything() -> Snapshot:
    """A snapshot with every field filled."""
    rows = [
        history_row("completed", NOW - DAY),
        history_row("failure", NOW - 2 * DAY),
        history_row("stopped", NOW - 3 * DAY),
    ]
    problem = Problem("network", "a.corp.example is away.", "Ask Mara.", "NO_ACME", 500)
    org = Org(
        *("acme", "custom", "1000.ACME"),
        soid="ZohoCRM.1",
        accounts_url="https://a.example",
        api_url="https://b.example",
        tags=("prod", "eu"),
        accent="blue",
    )
    numbers = count(1)
    entries = [parse_entry(one | {"id": "1", "file_name": "acme.zip"}) for one in rows]
    history = build_history(planted(entry, numbers) for entry in entries)
    known: Snapshot = planted(
        replace(
            snapshot_with_next_run(DAY, company=make_company(), problem=problem, history_problem=problem),
            org=org,
        ),
        numbers,
    )
    return snapshot_with(known, history=history, links=Links(2, 1, NOW))


def test_nothing_that_is_hidden_is_in_any_text() -> None:
    known = everything()
    identifying = {text for text in texts_in(known) if PLANTED in text}
    assert len(identifying) > 30
    hidden = hide_names(known, ALIAS)
    assert PLANTED not in " ".join(texts_in((hidden, judge(hidden, POLICY, NOW))))


def test_status_dates_plan_and_place_stay() -> None:
    known = everything()
    assert known.zoho.backup and known.zoho.company
    hidden = hide_names(known, ALIAS)
    person = ZohoUser(HIDDEN, HIDDEN, HIDDEN)
    assert hidden.zoho.backup == replace(known.zoho.backup, id=HIDDEN, requester=person)
    assert hidden.zoho.company == replace(
        known.zoho.company, name=HIDDEN, org_number=HIDDEN, country=HIDDEN
    )
    assert hidden.zoho.links == known.zoho.links
    assert hidden.org == Org(
        *(ALIAS, "custom", HIDDEN), soid=HIDDEN, accounts_url=HIDDEN, api_url=HIDDEN, accent="blue"
    )


@reproducible
@given(snapshots() | st.builds(everything))
def test_the_verdict_is_the_same_with_hidden_names(snapshot: Snapshot) -> None:
    plain, hidden = judge(snapshot, POLICY, NOW), judge(hide_names(snapshot, ALIAS), POLICY, NOW)
    assert (hidden.name, hidden.level, hidden.stale) == (plain.name, plain.level, plain.stale)


@reproducible
@given(snapshots() | st.builds(everything))
def test_the_summary_of_the_history_stays(snapshot: Snapshot) -> None:
    before, after = (
        snapshot.zoho.history or History(),
        hide_names(snapshot, ALIAS).zoho.history or History(),
    )
    assert after.runs == before.runs
    assert [entry.logged_at for entry in after.entries] == [entry.logged_at for entry in before.entries]
    for key in ("last_finished", "last_completed", "last_failed", "unfinished_start"):
        was, has = getattr(before, key), getattr(after, key)
        assert (was and (was.logged_at, was.state)) == (has and (has.logged_at, has.state))
        assert has is None or after.earliest_possible_time(has) == before.earliest_possible_time(was)


def test_an_unknown_value_is_not_called_hidden() -> None:
    known = snapshot_with_next_run(DAY, history=None)
    assert known.zoho.backup
    unnamed = replace(known.zoho.backup, id=None, requester=ZohoUser(None, None, "7"))
    hidden = hide_names(snapshot_with(known, backup=unnamed), ALIAS)
    assert hidden.zoho.backup == replace(unnamed, requester=ZohoUser(None, None, HIDDEN))
    assert hidden.org == Org(ALIAS, ORG.data_center, HIDDEN)
    assert (hidden.zoho.company, hidden.zoho.history, hidden.polls.problem) == (None, None, None)


@pytest.mark.parametrize("kind", PROBLEM_BADGES)
def test_the_kind_of_a_problem_is_shown(kind: ProblemKind) -> None:
    hidden = hide_problem(replace(OFFLINE, kind=kind, code="ACME"))
    assert hidden.message.startswith(PROBLEM_BADGES[kind])
    assert (hidden.kind, hidden.code) == (kind, HIDDEN)


@pytest.mark.parametrize("code", [LOCKOUT, TOKEN_BUDGET_EXHAUSTED])
def test_a_lock_out_stays_recognizable(code: str) -> None:
    assert hide_problem(
        Problem("throttled", "Locked.", "Wait.", code, retry_at=NOW + DAY)
    ).forbids_early_retry
