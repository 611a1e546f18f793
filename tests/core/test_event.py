"""How an org stands after a look, and what of it is another than it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given

from tests.core.build import (
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OFFLINE,
    ORG,
    POLICY,
    SECOND,
    SIGNED_OUT,
    backup,
    company,
    history,
    ran,
    row,
    seen,
    snapshots,
    tried,
)
from tests.support.build import snapshot_with
from zbtui.core.event import KINDS, LICENCE_NEAR, Event, Kind, Standing, changes, said, standing_of
from zbtui.core.judge import judge
from zbtui.core.snapshot import Looked, Past, Snapshot, failed, succeeded

JOB = backup("SCHEDULED", NOW + 6 * DAY)
HEALTHY = seen(JOB, history=ran("completed", DAY), history_read_at=NOW, company=company())


def stand(snapshot: Snapshot, now: datetime = NOW) -> Standing:
    standing = standing_of(snapshot, judge(snapshot, POLICY, now), now)
    assert standing is not None
    return standing


def told(before: Snapshot | None, after: Snapshot) -> dict[str, tuple[str | None, str | None]]:
    """What has changed, from and to, by kind."""
    was = stand(before) if before else None
    return {kind: (one, other) for kind, one, other in changes(was, stand(after))}


# How it stands


def test_a_standing_says_each_part_in_one_line() -> None:
    assert stand(HEALTHY) == Standing(
        status="SCHEDULED",
        verdict="scheduled",
        schedule="RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU",
        requester="Mara Lindqvist · ZUID 20071234567",
        run="completed 2026-11-22T11:20:00+00:00",
        trouble=None,
        licence=None,
    )


def test_an_org_that_was_never_looked_at_has_no_standing() -> None:
    assert standing_of(Snapshot(ORG), judge(Snapshot(ORG), POLICY, NOW), NOW) is None


def test_an_org_whose_first_look_failed_stands_in_trouble_and_else_unknown() -> None:
    assert stand(failed(Snapshot(ORG), OFFLINE, NOW)) == Standing(
        None, "cannot_look", None, None, None, OFFLINE.message, None
    )


def test_without_a_backup_the_status_is_none() -> None:
    standing = stand(seen(None))
    assert (standing.status, standing.schedule, standing.requester) == ("none", None, None)
    assert stand(seen(backup("Archived"))).status == "Archived"
    assert stand(seen(backup(None))).status is None


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
    assert stand(seen(backup("SCHEDULED", NOW + DAY, requester=who))).requester == said


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], None),
        ([row("initiated", NOW)], None),
        ([row("completed", NOW - DAY)], "completed 2026-11-22T11:20:00+00:00"),
        ([row("failure", NOW - DAY), row("completed", NOW - 2 * DAY)], "failed 2026-11-22T11:20:00+00:00"),
        ([row("failure")], "failed"),
    ],
)
def test_the_newest_run_is_said_by_how_and_when_it_ended(rows: list[Any], said: str | None) -> None:
    assert stand(seen(JOB, history=history(*rows))).run == said


@pytest.mark.parametrize(
    ("left", "near"),
    [
        (LICENCE_NEAR + SECOND, False),
        (LICENCE_NEAR, True),
        (LICENCE_NEAR - SECOND, True),
        (timedelta(), True),
        (-DAY, True),
        (None, False),
    ],
)
def test_the_end_of_a_licence_is_noted_once_it_is_30_days_away(left: timedelta | None, near: bool) -> None:
    assert timedelta(days=30) == LICENCE_NEAR
    ends = None if left is None else NOW + left
    standing = stand(snapshot_with(HEALTHY, company=company(licence_ends=ends)))
    assert standing.licence == (ends.date().isoformat() if near and ends else None)


# What has changed


@pytest.mark.parametrize(
    ("after", "change"),
    [
        (seen(backup("Scheduled", NOW + 6 * DAY)), {"status": ("SCHEDULED", "Scheduled")}),
        (
            seen(backup("STOPPED", NOW + 6 * DAY)),
            {"status": ("SCHEDULED", "STOPPED"), "verdict": ("scheduled", "stopped")},
        ),
        (
            seen(None),
            {
                "status": ("SCHEDULED", "none"),
                "verdict": ("scheduled", "none"),
                "schedule": ("RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU", None),
                "requester": ("Mara Lindqvist · ZUID 20071234567", None),
            },
        ),
        (
            seen(backup("SCHEDULED", NOW + 6 * DAY, rrule="RRULE:FREQ=MONTHLY;BYMONTHDAY=1")),
            {
                "schedule": (
                    "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU",
                    "RRULE:FREQ=MONTHLY;BYMONTHDAY=1",
                )
            },
        ),
        (
            seen(backup("SCHEDULED", NOW + 6 * DAY, requester={"name": "Ada", "zuid": "7"})),
            {"requester": ("Mara Lindqvist · ZUID 20071234567", "Ada · ZUID 7")},
        ),
        (
            seen(JOB, history=ran("failure", HOUR)),
            {
                "verdict": ("scheduled", "failed"),
                "run": ("completed 2026-11-22T11:20:00+00:00", "failed 2026-11-23T10:20:00+00:00"),
            },
        ),
        (
            seen(JOB, company=company(licence_ends=NOW + 7 * DAY)),
            {"licence": (None, "2026-11-30")},
        ),
        (seen(backup("SCHEDULED", NOW + DAY)), {}),  # the next run has moved on: not a change
    ],
)
def test_each_kind_of_change_is_told_from_what_to_what(
    after: Snapshot, change: dict[str, tuple[str | None, str | None]]
) -> None:
    after = snapshot_with(
        after,
        history=after.zoho.history or HEALTHY.zoho.history,
        history_read_at=NOW,
        company=after.zoho.company or HEALTHY.zoho.company,
    )
    assert told(HEALTHY, after) == change


def test_nothing_that_stays_is_told() -> None:
    assert told(HEALTHY, HEALTHY) == {}
    assert told(HEALTHY, succeeded(HEALTHY, Looked(JOB), NOW + 5 * MINUTE)) == {}


def test_a_licence_that_was_extended_is_no_longer_near() -> None:
    before = snapshot_with(HEALTHY, company=company(licence_ends=NOW + 7 * DAY))
    after = snapshot_with(HEALTHY, company=company(licence_ends=NOW + 372 * DAY))
    assert told(before, after) == {"licence": ("2026-11-30", None)}


def test_of_a_first_standing_only_verdict_and_trouble_are_told() -> None:
    assert told(None, HEALTHY) == {"verdict": (None, "scheduled")}
    assert told(None, seen(None)) == {"verdict": (None, "none")}
    assert told(None, failed(Snapshot(ORG), SIGNED_OUT, NOW)) == {
        "verdict": (None, "cannot_look"),
        "trouble": (None, SIGNED_OUT.message),
    }


# Trouble and recovery


def test_a_look_that_fails_tells_its_trouble_and_nothing_of_what_was_known() -> None:
    offline = failed(HEALTHY, OFFLINE, NOW)
    assert told(HEALTHY, offline) == {"trouble": (None, OFFLINE.message)}
    out = snapshot_with(offline, failures=3)
    assert told(offline, out) == {"verdict": ("scheduled", "cannot_look")}
    assert told(out, failed(out, SIGNED_OUT, NOW)) == {"trouble": (OFFLINE.message, SIGNED_OUT.message)}


def test_a_look_that_works_again_tells_that_the_trouble_is_over_and_what_changed_meanwhile() -> None:
    out = snapshot_with(failed(HEALTHY, OFFLINE, NOW), failures=3)
    assert told(out, succeeded(out, Looked(JOB), NOW)) == {
        "trouble": (OFFLINE.message, None),
        "verdict": ("cannot_look", "scheduled"),
    }
    stopped = Looked(backup("STOPPED", NOW + 6 * DAY))
    assert told(out, succeeded(out, stopped, NOW)) == {
        "trouble": (OFFLINE.message, None),
        "verdict": ("cannot_look", "stopped"),
        "status": ("SCHEDULED", "STOPPED"),
    }


def test_a_history_that_cannot_be_read_is_no_other_run() -> None:
    looked = Looked(JOB, past=Past(None, None, OFFLINE))
    assert told(HEALTHY, succeeded(HEALTHY, looked, NOW)) == {}


def test_a_restart_changes_nothing() -> None:
    restored = snapshot_with(HEALTHY, restored=True)
    assert told(HEALTHY, restored) == {}
    assert told(restored, succeeded(restored, Looked(JOB), NOW)) == {}


def test_the_kinds_are_the_parts_of_a_standing_in_their_order() -> None:
    assert get_args(Kind) == KINDS


@tried
@given(snapshots(), snapshots())
def test_changes_are_those_parts_that_differ_and_lead_from_one_standing_to_the_other(
    one: Snapshot, other: Snapshot
) -> None:
    before, after = (standing_of(each, judge(each, POLICY, NOW), NOW) for each in (one, other))
    if before is None or after is None:
        return
    found = changes(before, after)
    led: dict[str, Any] = {kind: has for kind, _, has in found}
    assert replace(before, **led) == after
    assert all(was != has and getattr(before, kind) == was for kind, was, has in found)
    assert changes(after, after) == ()


@tried
@given(snapshots())
def test_a_standing_is_one_of_words(snapshot: Snapshot) -> None:
    standing = standing_of(snapshot, judge(snapshot, POLICY, NOW), NOW)
    assert (standing is None) == (snapshot.zoho.observed_at is None and snapshot.polls.problem is None)
    if standing is not None:
        parts = [getattr(standing, kind) for kind in KINDS]
        assert all(part is None or (isinstance(part, str) and part) for part in parts)


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("status", None, "SCHEDULED", ("–", "SCHEDULED")),
        ("trouble", "Zoho cannot be reached.", None, ("Zoho cannot be reached.", "over")),
        ("run", "completed", None, ("completed", "–")),
        (
            "schedule",
            "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU",
            "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU",
            ("every week on Tuesday", "every 2 weeks on Tuesday"),
        ),
    ],
)
def test_a_change_is_said_as_people_say_it(
    kind: Kind, before: str | None, after: str | None, words: tuple[str, str]
) -> None:
    assert said(Event(NOW, "acme", kind, before, after, "ok", "")) == words
