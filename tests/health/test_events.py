"""The org state after a poll, and the events that record its changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    SECOND,
    SIGNED_OUT,
    history_row,
    history_with_one_end,
    make_backup,
    make_company,
    make_history,
    reproducible,
    snapshot_of,
    snapshots,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.events import (
    EVENT_KINDS,
    LICENCE_EXPIRY_NOTICE,
    Event,
    EventKind,
    OrgState,
    before_and_after_texts,
    org_state_from,
    state_changes,
)
from zbtui.health.judge import judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot

JOB = make_backup("SCHEDULED", NOW + 6 * DAY)
WEEKLY, MONTHLY = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", "RRULE:FREQ=MONTHLY;BYMONTHDAY=1"
MARA = "Mara Lindqvist · ZUID 20071234567"
COMPLETED = "completed 2026-11-22T11:20:00+00:00"
HEALTHY = snapshot_of(
    JOB, history=history_with_one_end("completed", DAY), history_read_at=NOW, company=make_company()
)


def org_state_of(snapshot: Snapshot, now: datetime = NOW) -> OrgState:
    org_state = org_state_from(snapshot, judge(snapshot, POLICY, now), now)
    assert org_state is not None
    return org_state


def changes_between(before: Snapshot | None, after: Snapshot) -> dict[str, tuple[str | None, str | None]]:
    """The changes between two snapshots: before and after, by kind of event."""
    was = org_state_of(before) if before else None
    return {kind: (one, other) for kind, one, other in state_changes(was, org_state_of(after))}


# The org state


def test_an_org_state_has_each_fact_in_one_line() -> None:
    assert org_state_of(HEALTHY) == OrgState(
        status="SCHEDULED",
        verdict="scheduled",
        schedule=WEEKLY,
        requester=MARA,
        run=COMPLETED,
        trouble=None,
        licence=None,
    )


def test_an_org_that_was_never_polled_has_no_org_state() -> None:
    assert org_state_from(Snapshot(ORG), judge(Snapshot(ORG), POLICY, NOW), NOW) is None


def test_an_org_whose_first_poll_failed_stands_with_a_problem_and_else_unknown() -> None:
    assert org_state_of(apply_failure(Snapshot(ORG), OFFLINE, NOW)) == OrgState(
        None, "cannot_tell", None, None, None, OFFLINE.message, None
    )


def test_without_a_backup_the_status_is_none() -> None:
    org_state = org_state_of(snapshot_of(None))
    assert (org_state.status, org_state.schedule, org_state.requester) == ("none", None, None)
    assert org_state_of(snapshot_of(make_backup("Archived"))).status == "Archived"
    assert org_state_of(snapshot_of(make_backup(None))).status is None


@pytest.mark.parametrize(
    ("who", "said"),
    [
        ({"id": "1", "name": "Mara", "zuid": "7"}, "Mara · ZUID 7"),
        ({"id": "1", "name": "Mara", "zuid": None}, "Mara"),
        ({"id": "1", "name": None, "zuid": "7"}, "ZUID 7"),
        ({"id": "1", "name": None, "zuid": None}, None),
        (None, None),
    ],
)
def test_a_requester_is_said_by_name_and_zuid(who: dict[str, Any] | None, said: str | None) -> None:
    assert org_state_of(snapshot_of(make_backup("SCHEDULED", NOW + DAY, requester=who))).requester == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], None),
        ([history_row("initiated", NOW)], None),
        ([history_row("completed", NOW - DAY)], COMPLETED),
        (
            [history_row("failure", NOW - DAY), history_row("completed", NOW - 2 * DAY)],
            "failed 2026-11-22T11:20:00+00:00",
        ),
        ([history_row("failure")], "failed"),
    ],
)
def test_the_newest_run_is_said_by_how_and_when_it_ended(rows: list[Any], said: str | None) -> None:
    assert org_state_of(snapshot_of(JOB, history=make_history(*rows))).run == said


@pytest.mark.parametrize(
    ("left", "near"),
    [
        (LICENCE_EXPIRY_NOTICE + SECOND, False),
        (LICENCE_EXPIRY_NOTICE, True),
        (LICENCE_EXPIRY_NOTICE - SECOND, True),
        (timedelta(), True),
        (-DAY, True),
        (None, False),
    ],
)
def test_the_end_of_a_licence_is_noted_once_it_is_30_days_away(left: timedelta | None, near: bool) -> None:
    assert timedelta(days=30) == LICENCE_EXPIRY_NOTICE
    ends = None if left is None else NOW + left
    org_state = org_state_of(snapshot_with(HEALTHY, company=make_company(licence_expires_at=ends)))
    assert org_state.licence == (ends.date().isoformat() if near and ends else None)


# Changes


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (snapshot_of(make_backup("Scheduled", NOW + 6 * DAY)), {"status": ("SCHEDULED", "Scheduled")}),
        (
            snapshot_of(make_backup("STOPPED", NOW + 6 * DAY)),
            {"status": ("SCHEDULED", "STOPPED"), "verdict": ("scheduled", "stopped")},
        ),
        (
            snapshot_of(None),
            {
                "status": ("SCHEDULED", "none"),
                "verdict": ("scheduled", "none"),
                "schedule": (WEEKLY, None),
                "requester": (MARA, None),
            },
        ),
        (
            snapshot_of(make_backup("SCHEDULED", NOW + 6 * DAY, rrule=MONTHLY)),
            {"schedule": (WEEKLY, MONTHLY)},
        ),
        (
            snapshot_of(make_backup("SCHEDULED", NOW + 6 * DAY, requester={"name": "Ada", "zuid": "7"})),
            {"requester": (MARA, "Ada · ZUID 7")},
        ),
        (
            snapshot_of(JOB, history=history_with_one_end("failure", HOUR)),
            {"verdict": ("scheduled", "failed"), "run": (COMPLETED, "failed 2026-11-23T10:20:00+00:00")},
        ),
        (
            snapshot_of(JOB, company=make_company(licence_expires_at=NOW + 7 * DAY)),
            {"licence": (None, "2026-11-30")},
        ),
        (snapshot_of(make_backup("SCHEDULED", NOW + DAY)), {}),  # a later next run is no change
    ],
)
def test_each_kind_of_change_is_shown_from_what_to_what(
    after: Snapshot, change: dict[str, tuple[str | None, str | None]]
) -> None:
    after = snapshot_with(
        after,
        history=after.zoho.history or HEALTHY.zoho.history,
        history_read_at=NOW,
        company=after.zoho.company or HEALTHY.zoho.company,
    )
    assert changes_between(HEALTHY, after) == change


def test_nothing_that_stays_is_shown() -> None:
    assert changes_between(HEALTHY, HEALTHY) == {}
    assert changes_between(HEALTHY, apply_observation(HEALTHY, Observation(JOB), NOW + 5 * MINUTE)) == {}


def test_a_licence_that_was_extended_is_no_longer_near() -> None:
    before = snapshot_with(HEALTHY, company=make_company(licence_expires_at=NOW + 7 * DAY))
    after = snapshot_with(HEALTHY, company=make_company(licence_expires_at=NOW + 372 * DAY))
    assert changes_between(before, after) == {"licence": ("2026-11-30", None)}


def test_of_a_first_org_state_only_verdict_and_problem_are_shown() -> None:
    assert changes_between(None, HEALTHY) == {"verdict": (None, "scheduled")}
    assert changes_between(None, snapshot_of(None)) == {"verdict": (None, "none")}
    assert changes_between(None, apply_failure(Snapshot(ORG), SIGNED_OUT, NOW)) == {
        "verdict": (None, "cannot_tell"),
        "trouble": (None, SIGNED_OUT.message),
    }


# Problems and recovery


def test_a_poll_that_fails_shows_its_problem_and_nothing_of_what_was_known() -> None:
    offline = apply_failure(HEALTHY, OFFLINE, NOW)
    assert changes_between(HEALTHY, offline) == {"trouble": (None, OFFLINE.message)}
    out = snapshot_with(offline, failures=3)
    assert changes_between(offline, out) == {"verdict": ("scheduled", "cannot_tell")}
    assert changes_between(out, apply_failure(out, SIGNED_OUT, NOW)) == {
        "trouble": (OFFLINE.message, SIGNED_OUT.message)
    }


def test_a_poll_that_works_again_shows_that_the_problem_is_over_and_what_changed_meanwhile() -> None:
    out = snapshot_with(apply_failure(HEALTHY, OFFLINE, NOW), failures=3)
    assert changes_between(out, apply_observation(out, Observation(JOB), NOW)) == {
        "trouble": (OFFLINE.message, None),
        "verdict": ("cannot_tell", "scheduled"),
    }
    stopped = Observation(make_backup("STOPPED", NOW + 6 * DAY))
    assert changes_between(out, apply_observation(out, stopped, NOW)) == {
        "trouble": (OFFLINE.message, None),
        "verdict": ("cannot_tell", "stopped"),
        "status": ("SCHEDULED", "STOPPED"),
    }


def test_a_history_that_cannot_be_read_is_no_other_run() -> None:
    observation = Observation(JOB, history_and_links=HistoryAndLinks(None, None, OFFLINE))
    assert changes_between(HEALTHY, apply_observation(HEALTHY, observation, NOW)) == {}


def test_a_restart_changes_nothing() -> None:
    restored = snapshot_with(HEALTHY, restored=True)
    assert changes_between(HEALTHY, restored) == {}
    assert changes_between(restored, apply_observation(restored, Observation(JOB), NOW)) == {}


def test_the_kinds_of_events_are_the_facts_of_an_org_state_in_order() -> None:
    assert get_args(EventKind) == EVENT_KINDS


@reproducible
@given(snapshots(), snapshots())
def test_changes_are_the_facts_that_differ_and_lead_from_one_org_state_to_the_other(
    one: Snapshot, other: Snapshot
) -> None:
    before, after = (org_state_from(each, judge(each, POLICY, NOW), NOW) for each in (one, other))
    if before is None or after is None:
        return
    found = state_changes(before, after)
    led: dict[str, Any] = {kind: has for kind, _, has in found}
    assert replace(before, **led) == after
    assert all(was != has and getattr(before, kind) == was for kind, was, has in found)
    assert state_changes(after, after) == ()


@reproducible
@given(snapshots())
def test_an_org_state_consists_of_text(snapshot: Snapshot) -> None:
    org_state = org_state_from(snapshot, judge(snapshot, POLICY, NOW), NOW)
    assert (org_state is None) == (snapshot.zoho.observed_at is None and snapshot.polls.problem is None)
    if org_state is not None:
        parts = [getattr(org_state, kind) for kind in EVENT_KINDS]
        assert all(part is None or (isinstance(part, str) and part) for part in parts)


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("status", None, "SCHEDULED", ("–", "SCHEDULED")),
        ("trouble", "Zoho cannot be reached.", None, ("Zoho cannot be reached.", "over")),
        ("run", "completed", None, ("completed", "–")),
        ("schedule", WEEKLY, MONTHLY, ("every week on Tuesday", "every month on the 1st")),
    ],
)
def test_a_change_is_said_as_people_say_it(
    kind: EventKind, before: str | None, after: str | None, words: tuple[str, str]
) -> None:
    assert before_and_after_texts(Event(NOW, "acme", kind, before, after, "ok", "")) == words
