"""Verdicts a second before each time threshold, at it, and a second after, across a change of clocks.

The viewer and the org have different time zones; a threshold is the same span of time in all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    OFFLINE,
    ORG,
    POLICY,
    SECOND,
    history_row,
    make_backup,
    make_history,
)
from tests.support.snapshots import build_snapshot, snapshot_with
from zbtui.health.judge import judge
from zbtui.health.snapshot import Snapshot
from zbtui.model.verdict import VerdictName
from zbtui.zoho_api.links import Links

Names = tuple[VerdictName, VerdictName, VerdictName]
"""The verdicts a second before the threshold, at the threshold, and a second after."""


@dataclass(frozen=True)
class Threshold:
    """An event, and how long after it the verdict changes (negative: before it)."""

    id: str
    span: timedelta
    names: Names
    known: Callable[[datetime, datetime, ZoneInfo], Snapshot]
    """Makes the snapshot from the time of the event, the time of the poll, and the viewer's zone."""


def seen_at(
    now: datetime, status: str = "SCHEDULED", next_run: datetime | None = None, **job: object
) -> Snapshot:
    """A healthy org, its next run a day ahead unless another is named."""
    what = make_backup(status, next_run or now.astimezone(UTC) + DAY, **job)
    return build_snapshot(ORG, backup=what, observed_at=now, attempted_at=now)


def completed(rrule: str | None, max_age: timedelta | None = None) -> Callable[..., Snapshot]:
    """Makes snapshots whose last good backup ended at the event; the plan is `rrule`."""

    def known(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
        snapshot = seen_at(now, rrule=f"RRULE:{rrule}")
        own = (("max_age", max_age),) if max_age else ()
        return snapshot_with(
            snapshot,
            org=replace(ORG, policy_overrides=own),
            history=make_history(history_row("completed", event)),
        )

    return known


def none_completed(first_run: bool) -> Callable[..., Snapshot]:
    """Makes snapshots without a completed backup; the event is the first due run or the new plan."""

    def known(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
        snapshot = seen_at(now, start_date=event.isoformat() if first_run else None)
        made = [] if first_run else [history_row("scheduled", event)]
        return snapshot_with(snapshot, history=make_history(history_row("initiated", event), *made))

    return known


def due(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    return seen_at(now, next_run=event)


def first_seen_running(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    return snapshot_with(seen_at(now, "INPROGRESS"), running_since=event.astimezone(here))


def reported_running(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    year = make_history(history_row("initiated", event), history_row("completed", event - 7 * DAY))
    return snapshot_with(seen_at(now, "INPROGRESS"), running_since=now, history=year)


def expiring(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    snapshot = seen_at(now, next_run=event.astimezone(UTC) + DAY)
    return snapshot_with(snapshot, links=Links(1, 1, event), last_links_expiry=event)


def polled_at(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    return snapshot_with(seen_at(now), observed_at=event.astimezone(here))


def history_read(event: datetime, now: datetime, here: ZoneInfo) -> Snapshot:
    return snapshot_with(
        seen_at(now),
        history=make_history(history_row("completed", now.astimezone(UTC) - DAY)),
        history_read_at=event.astimezone(here),
        history_problem=OFFLINE,
        history_failures=1,
    )


AGE: Names = ("scheduled", "scheduled", "too_old")
THRESHOLDS = (
    Threshold("overdue", POLICY.overdue_after, ("scheduled", "scheduled", "overdue"), due),
    Threshold(
        "seen running", POLICY.long_run_after, ("running", "running", "running_long"), first_seen_running
    ),
    Threshold(
        "reported running", POLICY.long_run_after, ("running", "running", "running_long"), reported_running
    ),
    Threshold("every week", 8 * DAY, AGE, completed("FREQ=WEEKLY;INTERVAL=1;BYDAY=TU")),
    Threshold("every two weeks", 16 * DAY, AGE, completed("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU")),
    Threshold("every month", 33 * DAY, AGE, completed("FREQ=MONTHLY;INTERVAL=1;BYMONTHDAY=16")),
    Threshold("a weekday a month", 37 * DAY, AGE, completed("FREQ=MONTHLY;INTERVAL=1;BYDAY=1TH")),
    Threshold("two weekdays a month", 23 * DAY, AGE, completed("FREQ=MONTHLY;BYDAY=1TH,4TH")),
    Threshold("twice a week", 5 * DAY, AGE, completed("FREQ=WEEKLY;BYDAY=MO,TH")),
    Threshold("every 52 weeks", 366 * DAY, AGE, completed("FREQ=WEEKLY;INTERVAL=52;BYDAY=TU")),
    Threshold("not understood", 33 * DAY, AGE, completed("FREQ=DAILY;COUNT=3")),
    Threshold("every week at an hour", 8 * DAY, AGE, completed("FREQ=WEEKLY;BYDAY=TU;BYHOUR=9")),
    Threshold("own max_age", 40 * DAY, AGE, completed("FREQ=WEEKLY;BYDAY=TU", 40 * DAY)),
    Threshold("own max_age, odd rule", 3 * HOUR, AGE, completed("FREQ=DAILY;COUNT=3", 3 * HOUR)),
    Threshold("none completed since due", 8 * DAY, AGE, none_completed(first_run=True)),
    Threshold("none completed since planned", 8 * DAY, AGE, none_completed(first_run=False)),
    Threshold("links near", -48 * HOUR, ("scheduled", "links_expiring", "links_expiring"), expiring),
    Threshold("links gone", timedelta(), ("links_expiring", "scheduled", "scheduled"), expiring),
    Threshold("polled", 15 * MINUTE, ("scheduled", "scheduled", "waiting"), polled_at),
    Threshold("history read", 18 * HOUR, ("scheduled", "scheduled", "cannot_tell"), history_read),
)

CHANGES = (
    ("America/New_York", datetime(2026, 11, 1, 6, tzinfo=UTC)),
    ("America/New_York", datetime(2026, 3, 8, 7, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
    ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
    ("Asia/Kolkata", datetime(2026, 11, 23, 11, 20, tzinfo=UTC)),  # never changes
)


def test_the_zones_change_at_these_moments() -> None:
    for zone, change in CHANGES:
        before, after = (
            moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in (change - SECOND, change)
        )
        assert (before != after) is (zone != "Asia/Kolkata")


@pytest.mark.parametrize("step", [-1, 0, 1], ids=["before", "at", "after"])
@pytest.mark.parametrize("theirs", ["the same", "Asia/Kolkata"])
@pytest.mark.parametrize(("zone", "change"), CHANGES, ids=str)
@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.id)
def test_a_threshold_is_passed_a_second_after_it_in_every_zone(
    threshold: Threshold, zone: str, change: datetime, theirs: str, step: int
) -> None:
    here, there = ZoneInfo(zone), ZoneInfo(zone if theirs == "the same" else theirs)
    event = change - threshold.span / 2
    now = event + threshold.span + step * SECOND
    name = threshold.names[step + 1]
    for viewer in (here, UTC, ZoneInfo("America/New_York")):
        clock = now.astimezone(viewer)
        snapshot = threshold.known(event.astimezone(there), clock, here)
        assert judge(snapshot, POLICY, clock).name == name


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Asia/Kolkata"])
def test_zohos_clock_is_another_one_in_every_zone_the_same(zone: str) -> None:
    for _, change in CHANGES:
        for step, name in ((0, "scheduled"), (1, "overdue")):
            now = change - HOUR
            known = snapshot_with(
                seen_at(now, next_run=change - 4 * HOUR), clock_offset=3 * HOUR + step * SECOND
            )
            assert judge(known, POLICY, now.astimezone(ZoneInfo(zone))).name == name
