"""Scenarios over days: an org that is polled at its interval, and each change of its verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.samples import (
    DAY,
    HOUR,
    MINUTE,
    OFFLINE,
    ORG,
    history_row,
    make_backup,
    make_company,
    make_history,
)
from zbtui.health.judge import judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.poll_schedule import company_is_due, history_and_links_are_due
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem
from zbtui.model.watch_policy import WatchPolicy
from zbtui.zoho_api.links import Links

POLICY = WatchPolicy(every=30 * MINUTE)
TUESDAY = datetime(2026, 11, 10, 9, 30, tzinfo=UTC)
"""The time of the first run; the watch begins a day before."""


@dataclass
class SimulatedOrg:
    """What Zoho knows of one org."""

    status: str = "SCHEDULED"
    next_run: datetime | None = TUESDAY
    rows: list[dict[str, Any]] = field(
        default_factory=lambda: [history_row("completed", TUESDAY - 6 * DAY)]
    )
    links: Links = field(default_factory=Links)
    edition: str | None = "ultimate"
    rrule: str | None = "RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU"
    problem: Problem | None = None
    history_problem: Problem | None = None
    clock: timedelta = timedelta()
    """How far Zoho's clock is ahead of this machine's."""

    def start(self, at: datetime) -> None:
        self.status = "INPROGRESS"
        self.rows.insert(0, history_row("initiated", at))

    def end(self, at: datetime, word: str = "completed", status: str = "SCHEDULED") -> None:
        self.status = status
        self.rows.insert(0, history_row(word, at))
        if word == "completed":
            self.links = Links(1, 1, at + 7 * DAY)
        if self.next_run:
            self.next_run += 7 * DAY

    def poll(self, before: Snapshot, now: datetime) -> Snapshot:
        """Poll as a session does: history, links and company only when they are due."""
        if self.problem:
            return apply_failure(before, self.problem, now)
        if self.links.expires_at and self.links.expires_at <= now + self.clock:
            self.links = Links()
        what = make_backup(self.status, self.next_run, rrule=self.rrule)
        history_and_links, asked = None, company_is_due(before, now)
        if history_and_links_are_due(before, what, now):
            read = None if self.history_problem else make_history(*self.rows)
            history_and_links = HistoryAndLinks(
                read, None if self.history_problem else self.links, self.history_problem
            )
        observation = Observation(
            what,
            server_time=now + self.clock,
            history_and_links=history_and_links,
            company=make_company(self.edition) if asked else None,
            company_requested=asked,
        )
        return apply_observation(before, observation, now)


Deed = tuple[timedelta, Callable[[datetime], None]]
"""An act at Zoho, and its time after the first run was due, by Zoho's clock."""


def watch(zoho: SimulatedOrg, *deeds: Deed, days: float = 8) -> list[str]:
    """Return each change of verdict over so many days: days since the first run, time of day, name."""
    start = TUESDAY - DAY - zoho.clock
    snapshot, last, waiting = Snapshot(ORG), "", list(deeds)
    found: list[str] = []
    for number in range(int((days + 1) * DAY / POLICY.every) + 1):
        now = start + number * POLICY.every
        while waiting and TUESDAY + waiting[0][0] <= now + zoho.clock:
            after, deed = waiting.pop(0)
            deed(TUESDAY + after)
        snapshot = zoho.poll(snapshot, now)
        name = judge(snapshot, POLICY, now).name
        if name != last:
            since = now + zoho.clock - TUESDAY + timedelta(hours=9, minutes=30)
            clock = (datetime.min + since % DAY).strftime("%H:%M")
            found.append(f"{since // DAY}d {clock} {name}")
        last = name
    assert not waiting
    return found


def set_at(zoho: SimulatedOrg, **keys: object) -> Callable[[datetime], None]:
    def deed(at: datetime) -> None:
        for key, value in keys.items():
            setattr(zoho, key, value)

    return deed


def failure(zoho: SimulatedOrg, status: str = "SCHEDULED") -> Callable[[datetime], None]:
    return lambda at: zoho.end(at, "failure", status)


HALF = timedelta(minutes=45)


@pytest.mark.parametrize("clock", [timedelta(), 3 * HOUR, -3 * HOUR])
def test_a_healthy_org_through_its_week_whatever_this_machines_clock_says(clock: timedelta) -> None:
    zoho = SimulatedOrg(clock=clock)
    assert watch(
        zoho, (timedelta(), zoho.start), (HALF, zoho.end), (7 * DAY, zoho.start), (7 * DAY + HALF, zoho.end)
    ) == [
        "-1d 09:30 scheduled",
        "0d 09:30 running",
        "0d 10:30 scheduled",
        "7d 09:30 running",
        "7d 10:30 scheduled",
    ]


def test_an_org_that_shows_completed_between_its_runs_is_as_healthy() -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho, (timedelta(), zoho.start), (HALF, lambda at: zoho.end(at, status="COMPLETED")), days=4
    ) == ["-1d 09:30 scheduled", "0d 09:30 running", "0d 10:30 completed"]


@pytest.mark.parametrize("status", ["SCHEDULED", "FAILED"])
def test_a_failure_lasts_until_the_next_run_has_completed(status: str) -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho,
        (timedelta(), zoho.start),
        (HALF, failure(zoho, status)),
        (7 * DAY, zoho.start),
        (7 * DAY + HALF, zoho.end),
    ) == ["-1d 09:30 scheduled", "0d 09:30 running", "0d 10:30 failed", "7d 10:30 scheduled"]


def test_a_run_that_began_and_failed_between_two_polls_is_seen_by_the_date_that_moved_on() -> None:
    zoho = SimulatedOrg()
    assert watch(zoho, (5 * MINUTE, zoho.start), (10 * MINUTE, failure(zoho)), days=1) == [
        "-1d 09:30 scheduled",
        "0d 10:00 failed",
    ]


@pytest.mark.parametrize(
    ("shown_after", "seen"), [(HALF + HOUR, "0d 11:30"), (8 * HOUR, "0d 18:00"), (DAY, "1d 10:30")]
)
def test_a_run_without_an_end_is_unknown_until_zoho_shows_its_failure(
    shown_after: timedelta, seen: str
) -> None:
    zoho = SimulatedOrg()
    late = history_row("failure", TUESDAY + HALF)
    assert watch(
        zoho,
        (timedelta(), zoho.start),
        (HALF, set_at(zoho, status="SCHEDULED", next_run=TUESDAY + 7 * DAY)),
        (shown_after, lambda at: zoho.rows.insert(0, late)),
        days=2,
    ) == [
        "-1d 09:30 scheduled",
        "0d 09:30 running",
        "0d 10:30 scheduled",
        "0d 11:00 cannot_tell",
        f"{seen} failed",
    ]


def test_a_completion_by_the_details_ends_a_failure_for_as_long_as_the_history_may_lag() -> None:
    zoho = SimulatedOrg(
        rows=[history_row("failure", TUESDAY - 7 * DAY), history_row("completed", TUESDAY - 14 * DAY)]
    )
    assert watch(
        zoho,
        (timedelta(), zoho.start),
        (HALF, set_at(zoho, status="COMPLETED", next_run=TUESDAY + 7 * DAY)),
        days=4,
    ) == ["-1d 09:30 failed", "0d 10:30 completed", "0d 11:00 cannot_tell"]


def test_a_run_that_does_not_come_is_overdue_until_it_comes() -> None:
    zoho = SimulatedOrg()
    assert watch(zoho, (9 * HOUR, zoho.start), (10 * HOUR, zoho.end), days=1) == [
        "-1d 09:30 scheduled",
        "0d 16:00 overdue",
        "0d 18:30 running",
        "0d 19:30 scheduled",
    ]


def test_a_run_that_is_passed_over_in_silence_is_missed_until_the_next_one_completes() -> None:
    zoho = SimulatedOrg(rows=[history_row("completed", TUESDAY - 7 * DAY)])
    passed_over = (timedelta(), set_at(zoho, next_run=TUESDAY + 7 * DAY))
    assert watch(zoho, passed_over, (7 * DAY, zoho.start), (7 * DAY + HALF, zoho.end)) == [
        "-1d 09:30 scheduled",
        "0d 16:00 missed",
        "7d 10:30 scheduled",
    ]


@pytest.mark.parametrize(
    ("at", "repeat_type", "verdict"),
    [
        (-10 * MINUTE, "weekly", "scheduled"),
        (-10 * MINUTE, "immediate", "missed"),  # a backup ordered by hand changes no plan
        (10 * MINUTE, "weekly", "missed"),  # changed after the run was due
        (-HOUR, "weekly", "missed"),  # the date was still announced after the change
    ],
)
def test_a_plan_that_was_changed_before_the_date_excuses_it(
    at: timedelta, repeat_type: str, verdict: str
) -> None:
    zoho = SimulatedOrg()
    row = history_row("scheduled", TUESDAY + at, repeat_type=repeat_type)

    def change(now: datetime) -> None:
        zoho.rows.insert(0, row)
        zoho.next_run = TUESDAY + 3 * DAY

    assert watch(zoho, (10 * MINUTE, change), days=1)[-1].split()[-1] == verdict


def test_a_date_that_moves_before_it_falls_due_is_excused() -> None:
    zoho = SimulatedOrg()
    assert watch(zoho, (-HOUR, set_at(zoho, next_run=TUESDAY + 3 * DAY)), days=1) == ["-1d 09:30 scheduled"]


def test_a_backup_by_hand_that_hides_the_plan_excuses_no_date() -> None:
    zoho = SimulatedOrg()

    def order(now: datetime) -> None:
        zoho.rows[:0] = [
            history_row("completed", now, repeat_type="immediate"),
            history_row("initiated", now - MINUTE, repeat_type="immediate"),
        ]
        zoho.status, zoho.next_run, zoho.rrule = "COMPLETED", None, None

    plan = set_at(zoho, next_run=TUESDAY + 7 * DAY, rrule="RRULE:FREQ=WEEKLY;INTERVAL=1;BYDAY=TU")
    assert watch(zoho, (-3 * HOUR, order), (HOUR, plan), days=1) == [
        "-1d 09:30 scheduled",
        "0d 06:30 one_off",
        "0d 10:30 completed",
        "0d 16:00 missed",
    ]


def test_a_run_that_never_ends_lasts_long_and_then_the_last_backup_is_too_old() -> None:
    zoho = SimulatedOrg()
    assert watch(zoho, (timedelta(), zoho.start), days=4) == [
        "-1d 09:30 scheduled",
        "0d 09:30 running",
        "0d 22:00 running_long",
        "2d 10:00 too_old",
    ]


def test_a_plan_that_is_stopped_and_made_again_is_healthy_again() -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho,
        (-HOUR, set_at(zoho, status="STOPPED")),
        (5 * HOUR, set_at(zoho, status="SCHEDULED", next_run=TUESDAY + DAY)),
        days=0.5,
    ) == ["-1d 09:30 scheduled", "0d 08:30 stopped", "0d 14:30 scheduled"]


def test_a_plan_that_is_deleted_is_none() -> None:
    zoho = SimulatedOrg()

    def delete(at: datetime) -> None:
        zoho.rows.insert(0, history_row("stopped", at))
        zoho.status, zoho.next_run, zoho.rrule = "COMPLETED", None, None

    assert watch(zoho, (-HOUR, delete), days=0.5)[-1] == "0d 08:30 one_off"


def test_a_history_that_cannot_be_read_is_patiently_waited_for_and_then_nothing_is_green() -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho,
        (-23.5 * HOUR, set_at(zoho, history_problem=OFFLINE)),
        (-HOUR, set_at(zoho, history_problem=None)),
        days=0.2,
    ) == ["-1d 09:30 scheduled", "0d 04:00 cannot_tell", "0d 09:30 scheduled"]


def test_a_history_that_cannot_be_read_when_a_run_begins_leaves_the_org_unknown() -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho,
        (-HOUR, set_at(zoho, history_problem=OFFLINE)),
        (timedelta(), zoho.start),
        (HALF, zoho.end),
        (2.5 * HOUR, set_at(zoho, history_problem=None)),
        days=0.5,
    ) == ["-1d 09:30 scheduled", "0d 09:30 cannot_tell", "0d 12:00 scheduled"]


def test_an_org_whose_history_could_never_be_read_is_not_green_for_a_single_poll() -> None:
    zoho = SimulatedOrg(history_problem=OFFLINE)
    assert watch(zoho, (-22 * HOUR, set_at(zoho, history_problem=None)), days=-0.9) == [
        "-1d 09:30 cannot_tell",
        "-1d 11:30 scheduled",
    ]


def test_an_org_out_of_reach_is_as_it_was_for_two_polls_and_then_unknown() -> None:
    zoho = SimulatedOrg()
    assert watch(
        zoho, (-12 * HOUR, set_at(zoho, problem=OFFLINE)), (-6 * HOUR, set_at(zoho, problem=None)), days=0
    ) == ["-1d 09:30 scheduled", "-1d 22:30 cannot_tell", "0d 03:30 scheduled"]


@pytest.mark.parametrize(
    ("zone", "sunday"), [("America/New_York", (2026, 11, 1)), ("Europe/Berlin", (2026, 3, 29))]
)
def test_a_run_that_keeps_its_time_of_day_when_the_clocks_change_is_neither_overdue_nor_missed(
    zone: str, sunday: tuple[int, int, int]
) -> None:
    there = ZoneInfo(zone)
    first = datetime(*sunday, 9, 30, tzinfo=there) - 5 * DAY
    second = first + 7 * DAY  # the same time of day
    assert second.astimezone(UTC) - first.astimezone(UTC) != 7 * DAY
    zoho = SimulatedOrg(rows=[history_row("completed", first)], next_run=second)
    snapshot, now, names = Snapshot(ORG), first.astimezone(UTC), set()
    while now <= second.astimezone(UTC) + 6 * HOUR:
        snapshot = zoho.poll(snapshot, now)
        names.add(judge(snapshot, POLICY, now.astimezone(there)).name)
        now += POLICY.every
    assert names == {"scheduled"}
