"""Which verdict wins where several rules hold at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    SIGNED_OUT,
    history_row,
    make_backup,
    make_company,
    make_history,
    snapshot_of,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.judge import judge
from zbtui.health.rules import RULES, Case
from zbtui.health.snapshot import Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.verdict import VerdictName
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

LATE = -7 * HOUR
"""A next run that is overdue."""
OLD = make_history(history_row("initiated", NOW - 13 * HOUR), history_row("completed", NOW - 9 * DAY))
"""The last good backup is too old, and a run lasts long."""
OLD_AND_FAILED = make_history(
    history_row("failure", NOW - 14 * HOUR), history_row("completed", NOW - 9 * DAY)
)
RECENT = make_history(history_row("initiated", NOW - 13 * HOUR), history_row("completed", NOW - DAY))
NEVER = History()
"""None ever completed; without a first run, nothing shows since when one is due."""


def all_at_once(
    status: str,
    next_run: timedelta | None,
    year: History,
    rrule: str | None = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO",
    **job: object,
) -> Snapshot:
    """An org where the links expire and the edition includes nothing, besides."""
    what = make_backup(status, None if next_run is None else NOW + next_run, rrule=rrule, **job)
    return snapshot_of(
        what,
        history=year,
        history_read_at=NOW,
        links=Links(1, 1, NOW + HOUR),
        last_links_expiry=NOW + HOUR,
        company=make_company("free"),
    )


NO_BACKUP = snapshot_with(all_at_once("SCHEDULED", DAY, RECENT), backup=None)

CASES: tuple[tuple[Snapshot, tuple[VerdictName, ...]], ...] = (
    (all_at_once("FAILED", LATE, OLD), ("failed", "overdue", "too_old", "links_expiring")),
    (all_at_once("SCHEDULED", LATE, OLD_AND_FAILED), ("failed", "overdue", "too_old", "links_expiring")),
    (all_at_once("SCHEDULED", DAY, OLD_AND_FAILED), ("failed", "too_old", "links_expiring", "quota_risk")),
    (
        all_at_once("STOPPED", DAY, OLD_AND_FAILED),
        ("failed", "stopped", "too_old", "one_off", "links_expiring"),
    ),
    (
        snapshot_with(all_at_once("INPROGRESS", DAY, OLD), previous_run_failed=True),
        ("failed", "too_old", "running_long", "links_expiring", "quota_risk"),
    ),
    (all_at_once("STOPPED", DAY, OLD), ("stopped", "too_old", "one_off", "links_expiring")),
    (all_at_once("SCHEDULED", LATE, OLD), ("overdue", "too_old", "links_expiring")),
    (all_at_once("ARCHIVED", LATE, OLD), ("overdue", "too_old", "unknown_status", "links_expiring")),
    (all_at_once("SCHEDULED", LATE, RECENT, rrule=None), ("overdue", "one_off", "links_expiring")),
    (all_at_once("INPROGRESS", DAY, OLD), ("too_old", "running_long", "links_expiring", "quota_risk")),
    (all_at_once("ARCHIVED", DAY, OLD), ("too_old", "unknown_status", "links_expiring", "quota_risk")),
    (all_at_once("FINISHED", DAY, OLD), ("too_old", "one_off", "links_expiring")),
    (all_at_once("SCHEDULED", None, OLD), ("too_old", "one_off", "links_expiring")),
    (all_at_once("INPROGRESS", DAY, RECENT), ("running_long", "links_expiring", "quota_risk")),
    (all_at_once("INPROGRESS", None, RECENT, rrule=None), ("running_long", "links_expiring")),
    (snapshot_with(NO_BACKUP, history=OLD_AND_FAILED), ("failed", "none", "links_expiring")),
    (NO_BACKUP, ("none", "links_expiring")),
    (all_at_once("ARCHIVED", DAY, RECENT), ("unknown_status", "links_expiring", "quota_risk")),
    (all_at_once("ARCHIVED", None, RECENT, rrule=None), ("unknown_status", "links_expiring")),
    (all_at_once("FINISHED", DAY, RECENT), ("one_off", "links_expiring")),
    (all_at_once("COMPLETED", None, RECENT, rrule=None), ("one_off", "links_expiring")),
    (all_at_once("SCHEDULED", LATE, NEVER, start_date=None), ("overdue", "cannot_look", "links_expiring")),
    (
        all_at_once("ARCHIVED", DAY, NEVER, start_date=None),
        ("unknown_status", "cannot_look", "links_expiring", "quota_risk"),
    ),
    (all_at_once("FINISHED", DAY, NEVER, start_date=None), ("one_off", "cannot_look", "links_expiring")),
    (
        all_at_once("SCHEDULED", DAY, NEVER, start_date=None),
        ("cannot_look", "links_expiring", "quota_risk"),
    ),
    (all_at_once("SCHEDULED", DAY, RECENT), ("links_expiring", "quota_risk")),
    (all_at_once("COMPLETED", DAY, RECENT), ("links_expiring", "quota_risk")),
    (snapshot_with(all_at_once("SCHEDULED", DAY, RECENT), links=None), ("quota_risk",)),
    (snapshot_with(all_at_once("SCHEDULED", DAY, RECENT), links=None, company=None), ()),
)


@pytest.mark.parametrize(
    ("snapshot", "names"), CASES, ids=lambda part: "-".join(part) if isinstance(part, tuple) else ""
)
def test_of_all_the_rules_that_hold_the_first_one_wins(
    snapshot: Snapshot, names: tuple[VerdictName, ...]
) -> None:
    case = Case(snapshot, POLICY, NOW)
    held = [found.name for rule in RULES if (found := rule(case))]
    assert held == list(names)
    assert judge(snapshot, POLICY, NOW).name == (names[0] if names else "scheduled")


def test_every_rule_wins_somewhere_and_loses_somewhere() -> None:
    orders = [names for _, names in CASES if names]
    assert {names[0] for names in orders} == {name for names in orders for name in names}
    named = {"none_set_up": "none", "never_completed": "cannot_look"}
    assert {name for names in orders for name in names[1:]} == {
        named.get(rule.__name__, rule.__name__) for rule in RULES
    } - {"failed"}


def test_an_org_without_a_plan_may_have_a_backup_too_old_all_the_same() -> None:
    old = snapshot_with(NO_BACKUP, history=OLD)
    assert judge(old, WatchPolicy(max_age=8 * DAY), NOW).name == "too_old"
    assert judge(old, POLICY, NOW).name == "none"


@pytest.mark.parametrize(("snapshot", "names"), CASES, ids=lambda part: "")
def test_who_cannot_poll_says_nothing_else(snapshot: Snapshot, names: tuple[VerdictName, ...]) -> None:
    for known in (
        snapshot_with(snapshot, problem=SIGNED_OUT, failures=1),
        snapshot_with(snapshot, problem=OFFLINE, failures=3),
        snapshot_with(snapshot, problem=OFFLINE, failures=1, observed_at=NOW - HOUR),
    ):
        assert judge(known, POLICY, NOW).name == "cannot_look"
    assert judge(snapshot_with(snapshot, observed_at=NOW - HOUR), POLICY, NOW).name == "waiting"
    assert judge(Snapshot(ORG), POLICY, NOW).name == "waiting"


@pytest.mark.parametrize(("snapshot", "names"), CASES, ids=lambda part: "")
def test_a_history_that_cannot_be_read_hides_no_verdict_but_a_green_one(
    snapshot: Snapshot, names: tuple[VerdictName, ...]
) -> None:
    unread = snapshot_with(
        snapshot, history_read_at=NOW - 2 * DAY, history_problem=OFFLINE, history_failures=9
    )
    assert judge(unread, POLICY, NOW).name == (names[0] if names else "cannot_look")
