"""Which verdict wins where several rules hold at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

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
    make_history,
    snapshot_of,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.case import Case
from zbtui.health.due_dates import DueDate
from zbtui.health.judge import ALLOWED_FAILURES, judge
from zbtui.health.rules import RULES
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import VerdictName
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.links import Links
from zbtui.zoho_api.runs import History

LATE = -7 * HOUR
"""The time from now to a next run that is overdue."""
OLD = make_history(history_row("initiated", NOW - 13 * HOUR), history_row("completed", NOW - 9 * DAY))
"""A history whose last good backup is too old, with a run that lasts too long."""
OLD_AND_FAILED = make_history(
    history_row("failure", NOW - 14 * HOUR), history_row("completed", NOW - 9 * DAY)
)
OLD_AND_ODD = make_history(
    history_row("initiated", NOW - 13 * HOUR),
    history_row(None, NOW - 14 * HOUR, state="aborted"),
    history_row("completed", NOW - 9 * DAY),
)
RECENT = make_history(history_row("initiated", NOW - 13 * HOUR), history_row("completed", NOW - DAY))
NEVER = History()
"""A history without a completed backup; without a first run, since when one is due is unknown."""


def all_at_once(
    status: str,
    next_run: timedelta | None,
    year: History,
    rrule: str | None = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=MO",
    **keys: Any,
) -> Snapshot:
    """A snapshot with expiring links, besides what the arguments say: several rules hold at once."""
    job = {key: keys.pop(key) for key in ("start_date", "scheduled_date") if key in keys}
    what = make_backup(status, None if next_run is None else NOW + next_run, rrule=rrule, **job)
    return snapshot_of(
        what, history=year, links=Links(1, 1, NOW + HOUR), last_links_expiry=NOW + HOUR, **keys
    )


NO_BACKUP = snapshot_with(all_at_once("SCHEDULED", DAY, RECENT), backup=None)
BEHIND: dict[str, Any] = {"history_behind_since": NOW - HOUR}
PASSED_OVER: dict[str, Any] = {"due_dates": (DueDate(NOW - DAY, NOW - 2 * DAY),)}
OTHER_ORG: dict[str, Any] = {"other_org_number": "2009"}

CASES: tuple[tuple[Snapshot, tuple[VerdictName, ...]], ...] = (
    (
        all_at_once("FAILED", LATE, OLD, **OTHER_ORG, **PASSED_OVER),
        ("wrong_org", "failed", "missed", "overdue", "too_old", "links_expiring"),
    ),
    (all_at_once("SCHEDULED", LATE, OLD_AND_FAILED), ("failed", "overdue", "too_old", "links_expiring")),
    (all_at_once("SCHEDULED", DAY, OLD_AND_FAILED), ("failed", "too_old", "links_expiring")),
    (
        all_at_once("STOPPED", DAY, OLD_AND_FAILED, **PASSED_OVER),
        ("failed", "stopped", "missed", "too_old", "one_off", "links_expiring"),
    ),
    (
        all_at_once("INPROGRESS", DAY, OLD, previous_run_failed=True, **BEHIND),
        ("failed", "cannot_tell", "too_old", "running_long"),
    ),
    (all_at_once("STOPPED", DAY, OLD), ("stopped", "too_old", "one_off", "links_expiring")),
    (
        all_at_once("SCHEDULED", DAY, OLD, **PASSED_OVER, **BEHIND),
        ("missed", "cannot_tell", "too_old", "links_expiring"),
    ),
    (
        all_at_once("SCHEDULED", LATE, OLD, **BEHIND),
        ("overdue", "cannot_tell", "too_old", "links_expiring"),
    ),
    (
        replace(all_at_once("ARCHIVED", LATE, RECENT, **BEHIND), twin="heron"),
        ("overdue", "cannot_tell", "twin", "unknown_status", "links_expiring"),
    ),
    (all_at_once("SCHEDULED", LATE, RECENT, rrule=None), ("overdue", "one_off", "links_expiring")),
    (
        all_at_once("ARCHIVED", None, OLD, **BEHIND, scheduled_date="soon"),
        ("cannot_tell", "too_old", "cannot_tell", "unknown_status", "links_expiring"),
    ),
    (
        all_at_once("INPROGRESS", DAY, OLD_AND_ODD),
        ("too_old", "ended_oddly", "running_long"),
    ),
    (all_at_once("ARCHIVED", DAY, OLD), ("too_old", "unknown_status", "links_expiring")),
    (all_at_once("FINISHED", DAY, OLD), ("too_old", "one_off", "links_expiring")),
    (all_at_once("SCHEDULED", None, OLD), ("too_old", "one_off", "links_expiring")),
    (
        all_at_once("SCHEDULED", None, RECENT, scheduled_date="soon"),
        ("cannot_tell", "one_off", "links_expiring"),
    ),
    (
        replace(all_at_once("INPROGRESS", DAY, RECENT), twin="heron"),
        ("running_long", "twin"),
    ),
    (all_at_once("INPROGRESS", None, RECENT, rrule=None), ("running_long", "links_expiring")),
    (snapshot_with(NO_BACKUP, history=OLD_AND_FAILED), ("failed", "none", "links_expiring")),
    (snapshot_with(NO_BACKUP, history=OLD_AND_ODD), ("ended_oddly", "none", "links_expiring")),
    (replace(NO_BACKUP, twin="heron"), ("twin", "none", "links_expiring")),
    (NO_BACKUP, ("none", "links_expiring")),
    (all_at_once("ARCHIVED", DAY, RECENT), ("unknown_status", "links_expiring")),
    (all_at_once("ARCHIVED", None, RECENT, rrule=None), ("unknown_status", "links_expiring")),
    (all_at_once("FINISHED", DAY, RECENT), ("one_off", "links_expiring")),
    (all_at_once("COMPLETED", None, RECENT, rrule=None), ("one_off", "links_expiring")),
    (all_at_once("SCHEDULED", LATE, NEVER, start_date=None), ("overdue", "cannot_tell", "links_expiring")),
    (
        all_at_once("ARCHIVED", DAY, NEVER, start_date=None),
        ("unknown_status", "cannot_tell", "links_expiring"),
    ),
    (all_at_once("FINISHED", DAY, NEVER, start_date=None), ("one_off", "cannot_tell", "links_expiring")),
    (all_at_once("SCHEDULED", DAY, NEVER, start_date=None), ("cannot_tell", "links_expiring")),
    (all_at_once("SCHEDULED", DAY, RECENT), ("links_expiring",)),
    (all_at_once("COMPLETED", DAY, RECENT), ("links_expiring",)),
    (snapshot_with(all_at_once("SCHEDULED", DAY, RECENT), links=None), ()),
)


@pytest.mark.parametrize(
    ("snapshot", "names"), CASES, ids=lambda part: "-".join(part) if isinstance(part, tuple) else ""
)
def test_of_all_the_rules_that_hold_the_first_one_wins(
    snapshot: Snapshot, names: tuple[VerdictName, ...]
) -> None:
    case = Case(snapshot, POLICY, NOW, ALLOWED_FAILURES)
    held = [found.name for rule in RULES if (found := rule(case))]
    assert held == list(names)
    assert judge(snapshot, POLICY, NOW).name == (names[0] if names else "scheduled")


def test_every_rule_wins_somewhere_and_loses_somewhere() -> None:
    orders = [names for _, names in CASES if names]
    named = {
        "none_set_up": "none",
        **dict.fromkeys(("no_history", "no_date", "never_completed"), "cannot_tell"),
    }
    rules = {named.get(rule.__name__, rule.__name__) for rule in RULES}
    assert {names[0] for names in orders} == rules
    assert {name for names in orders for name in names[1:]} == rules - {"wrong_org"}


def test_an_org_without_a_plan_may_have_a_backup_too_old_all_the_same() -> None:
    old = snapshot_with(NO_BACKUP, history=OLD)
    assert judge(old, WatchPolicy(max_age=8 * DAY), NOW).name == "too_old"
    assert judge(old, POLICY, NOW).name == "none"


CRITICAL = {"wrong_org", "failed", "stopped", "missed", "overdue", "too_old"}


@pytest.mark.parametrize(("snapshot", "names"), CASES, ids=lambda part: "")
def test_who_cannot_poll_says_only_what_was_critical(
    snapshot: Snapshot, names: tuple[VerdictName, ...]
) -> None:
    known = names[0] if names and names[0] in CRITICAL else None
    for unseen in (
        snapshot_with(snapshot, problem=SIGNED_OUT, failures=1),
        snapshot_with(snapshot, problem=OFFLINE, failures=3),
    ):
        assert judge(unseen, POLICY, NOW).name == (known or "cannot_tell")
    later = judge(snapshot, POLICY, NOW + HOUR)
    assert (later.name, later.stale) == (known or "waiting", known is not None)
    assert judge(Snapshot(ORG), POLICY, NOW).name == "waiting"


@pytest.mark.parametrize(("snapshot", "names"), CASES, ids=lambda part: "")
def test_a_history_that_cannot_be_read_hides_nothing_that_is_critical(
    snapshot: Snapshot, names: tuple[VerdictName, ...]
) -> None:
    unread = snapshot_with(
        snapshot, history_read_at=NOW - 19 * HOUR, history_problem=OFFLINE, history_failures=9
    )
    assert judge(unread, POLICY, NOW).name == (
        names[0] if names and names[0] in CRITICAL else "cannot_tell"
    )
