"""Simulated hours of many orgs: polls at each org's own pace, with outages and restarts."""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from tests.health.alert_scenarios import DOWN, NAMES, POLICY, AlertDecider, kinds_orgs_verdicts, make_org
from tests.support.samples import DAY, HOUR, MINUTE, NOW, OFFLINE, SECOND, SIGNED_OUT, make_backup
from tests.support.snapshots import build_snapshot, completed_history, snapshot_with
from zbtui.health.alert_policy import ALL_ORGS, Alert, AlertRules, JudgedOrg, decide_alerts
from zbtui.health.judge import judge
from zbtui.health.observe import apply_failure, apply_observation
from zbtui.health.poll_schedule import next_poll
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem

Answer = str | Problem
"""Zoho's status word, or the problem of a failed poll."""
World = Callable[[str, timedelta], Answer]
"""Gives the answer to a poll of an org at a time after the start."""


@dataclass
class FleetSimulation:
    """One simulated process: it polls its orgs when due; the decider and its alert state may be shared."""

    decider: AlertDecider
    world: World
    seed: int = 1
    known: dict[str, Snapshot] = field(default_factory=dict)
    due: list[tuple[datetime, str]] = field(default_factory=list)
    notified: list[tuple[timedelta, Alert]] = field(default_factory=list)
    observed: dict[str, JudgedOrg] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)

    def add(self, names: Iterable[str], at: datetime = NOW, **keys: object) -> None:
        """Add orgs under watch; each is polled within the first seconds."""
        for number, name in enumerate(names):
            self.known[name] = build_snapshot(make_org(name, **keys))
            heapq.heappush(self.due, (at + number * SECOND / 5, name))

    def pause(self, name: str) -> None:
        self.known[name] = snapshot_with(self.known[name], paused=True)

    def restarted(self, at: datetime) -> FleetSimulation:
        """Return the process that follows a restart: it knows what the journal kept."""
        after = FleetSimulation(self.decider, self.world, self.seed + 1, notified=self.notified)
        for number, (name, one) in enumerate(self.known.items()):
            after.known[name] = build_snapshot(
                one.org,
                backup=one.zoho.backup,
                observed_at=one.zoho.observed_at,
                history=one.zoho.history,
                history_read_at=one.zoho.history_read_at,
                attempted_at=one.polls.attempted_at,
                failures=one.polls.failures,
                failing_since=one.polls.failing_since,
                restored=one.zoho.observed_at is not None,
            )
            heapq.heappush(after.due, (at + number * SECOND / 5, name))
        return after

    def run(self, until: timedelta) -> None:
        """Poll whatever is due, up to this span after the start."""
        while self.due and self.due[0][0] <= NOW + until:
            at, name = heapq.heappop(self.due)
            if not self.known[name].activity.paused:
                self._poll(name, at)

    def _poll(self, name: str, at: datetime) -> None:
        before, answer = self.known[name], self.world(name, at - NOW)
        if isinstance(answer, Problem):
            after = apply_failure(before, answer, at)
        else:
            backup, history = make_backup(answer, NOW + 6 * DAY), completed_history(NOW - DAY)
            seen = Observation(backup, history_and_links=HistoryAndLinks(history, None))
            after = apply_observation(before, seen, at)
        again = next_poll(after, POLICY, at, self.rng.uniform(-1, 1))
        if again:
            heapq.heappush(self.due, (again, name))
        self.known[name] = after
        rules = AlertRules(self.decider.settings, POLICY.every)
        observations = [self._observe(one, at) for one in self.known.values()]
        self.decider.alert_state, alerts = decide_alerts(self.decider.alert_state, observations, rules, at)
        self.notified += [(at - NOW, alert) for alert in alerts]

    def _observe(self, one: Snapshot, at: datetime) -> JudgedOrg:
        """Judge an org; reuse a verdict that cannot have changed, as there are thousands of polls."""
        before = self.observed.get(one.org.name)
        aged = one.zoho.observed_at is not None and at - one.zoho.observed_at > 14 * MINUTE
        if (
            before is None
            or before.snapshot is not one
            or (aged and before.verdict.name not in ("cannot_tell", "waiting"))
        ):
            verdict = judge(one, POLICY, at, self.decider.settings.failed_looks)
            self.observed[one.org.name] = before = JudgedOrg(one, verdict)
        return before

    @property
    def said(self) -> list[tuple[str, str, str]]:
        return kinds_orgs_verdicts([alert for _, alert in self.notified])


def simulate_fleet(world: World, names: Iterable[str] = NAMES, seed: int = 1) -> FleetSimulation:
    watch = FleetSimulation(AlertDecider(), world, seed)
    watch.add(names)
    return watch


def offline(begin: timedelta, end: timedelta, other: World = lambda name, at: "SCHEDULED") -> World:
    """A world without a network from `begin` to `end`, both after the start."""
    return lambda name, at: OFFLINE if begin <= at < end else other(name, at)


SOON = 20 * MINUTE
OUTAGE = [("outage", ALL_ORGS, "cannot_tell"), ("outage_over", ALL_ORGS, "scheduled")]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("lasts", [11 * MINUTE, HOUR, 5 * HOUR])
def test_an_outage_of_fifty_orgs_is_one_alert_and_its_end(lasts: timedelta, seed: int) -> None:
    watch = simulate_fleet(offline(SOON, SOON + lasts), seed=seed)
    watch.run(SOON + lasts + HOUR)
    assert watch.said == OUTAGE
    begin, end = (at for at, _ in watch.notified)
    assert begin <= SOON + 10 * MINUTE + 30 * SECOND
    assert SOON + lasts <= end <= SOON + lasts + MINUTE


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("seconds", [5, 100, 180, 240, 290, 330, 590])
def test_an_outage_of_a_few_minutes_is_notified_at_most_once_and_never_org_by_org(
    seconds: int, seed: int
) -> None:
    watch = simulate_fleet(offline(SOON, SOON + seconds * SECOND), seed=seed)
    watch.run(HOUR)
    assert watch.said in ([], OUTAGE)
    if seconds < 240:
        assert watch.said == []


def test_beside_all_kinds_of_other_orgs_an_outage_is_still_one_alert() -> None:
    def world(name: str, at: timedelta) -> Answer:
        if name == "dead":
            return SIGNED_OUT
        if name == "down":
            return DOWN
        if name == "busy":
            return Problem("throttled", "Too many.", "Wait.", "X", 429, retry_at=NOW + at + DAY)
        return "FAILED" if name == "failed" else "SCHEDULED"

    watch = simulate_fleet(offline(HOUR, 5 * HOUR, world))
    watch.add(["dead", "down", "busy", "failed", "idle"])
    watch.add(["slow"], policy_overrides=(("every", DAY),))
    watch.add(["mute"], mute=True)
    watch.run(30 * MINUTE)
    watch.pause("idle")
    watch.run(8 * HOUR)
    kinds = Counter((alert.kind, alert.org) for _, alert in watch.notified)
    assert kinds[("outage", ALL_ORGS)] == kinds[("outage_over", ALL_ORGS)] == 1
    assert kinds[("alarm", "dead")] == kinds[("alarm", "failed")] == 1
    assert {name for _, name in kinds} <= {ALL_ORGS, "dead", "down", "failed"}
    assert kinds[("alarm", "down")] == 1


def test_one_org_out_of_reach_for_hours_is_one_alarm_and_one_recovery() -> None:
    def world(name: str, at: timedelta) -> Answer:
        return OFFLINE if name == "org07" and HOUR <= at < 4 * HOUR else "SCHEDULED"

    watch = simulate_fleet(world, NAMES[:9])
    watch.run(6 * HOUR)
    assert watch.said == [("alarm", "org07", "cannot_tell"), ("recovery", "org07", "scheduled")]
    assert watch.notified[0][0] <= HOUR + 15 * MINUTE


def test_an_org_that_stays_out_after_the_outage_is_notified_by_itself() -> None:
    def world(name: str, at: timedelta) -> Answer:
        return OFFLINE if name == "org07" and HOUR <= at < 4 * HOUR else "SCHEDULED"

    watch = simulate_fleet(offline(HOUR, 2 * HOUR, world), NAMES[:9])
    watch.run(6 * HOUR)
    assert watch.said == [*OUTAGE, ("alarm", "org07", "cannot_tell"), ("recovery", "org07", "scheduled")]


@pytest.mark.parametrize("names", [NAMES[:2], NAMES[:9]])
@pytest.mark.parametrize("seed", range(3))
def test_an_outage_while_one_org_is_out_by_itself_ends_in_the_same_few_alerts(
    names: tuple[str, ...], seed: int
) -> None:
    def world(name: str, at: timedelta) -> Answer:
        return OFFLINE if name == names[0] and HOUR <= at < 9 * HOUR else "SCHEDULED"

    watch = simulate_fleet(offline(3 * HOUR, 4 * HOUR, world), names, seed)
    watch.run(10 * HOUR)
    assert watch.said == [("alarm", names[0], "cannot_tell"), *OUTAGE, ("recovery", names[0], "scheduled")]


@pytest.mark.parametrize("seed", range(3))
def test_a_network_that_comes_and_goes_is_notified_as_outages_and_never_org_by_org(seed: int) -> None:
    def world(name: str, at: timedelta) -> Answer:
        minute = at / MINUTE % 30
        return (
            OFFLINE if at > HOUR and minute >= 1 else "SCHEDULED"
        )  # online for one minute of each half hour

    watch = simulate_fleet(world, seed=seed)
    watch.run(6 * HOUR)
    kinds = [alert.kind for _, alert in watch.notified]
    assert set(kinds) == {"outage", "outage_over"}
    assert kinds == ["outage", "outage_over"] * (len(kinds) // 2) + ["outage"] * (len(kinds) % 2)


def test_fifty_orgs_that_all_fail_are_fifty_alarms_and_as_many_recoveries() -> None:
    def world(name: str, at: timedelta) -> Answer:
        return "FAILED" if HOUR <= at < 2 * HOUR else "SCHEDULED"

    watch = simulate_fleet(world)
    watch.run(3 * HOUR)
    assert Counter(kind for kind, _, _ in watch.said) == {"alarm": 50, "recovery": 50}
    assert Counter(name for _, name, _ in watch.said) == dict.fromkeys(NAMES, 2)


# Restarts, and several processes


@pytest.mark.parametrize("minutes", [2, 30, 61, 63, 66, 75, 100, 121, 150])
def test_a_restart_at_any_moment_adds_nothing_and_loses_nothing(minutes: int) -> None:
    def world(name: str, at: timedelta) -> Answer:
        return "FAILED" if name == "org01" and at >= 10 * MINUTE else "SCHEDULED"

    watch = simulate_fleet(offline(HOUR, 2 * HOUR, world), NAMES[:9])
    watch.run(minutes * MINUTE)
    watch = watch.restarted(NOW + minutes * MINUTE + 5 * SECOND)
    watch.run(4 * HOUR)
    assert Counter(watch.said) == {
        ("alarm", "org01", "failed"): 1,
        OUTAGE[0]: 1,
        ("outage_over", ALL_ORGS, watch.notified[-1][1].verdict): 1,
    }


@pytest.mark.parametrize("seed", range(3))
def test_two_processes_notify_together_what_one_would(seed: int) -> None:
    def world(name: str, at: timedelta) -> Answer:
        number = int(name.removeprefix("org"))
        ill = (HOUR + number * 7 * MINUTE) <= at < 5 * HOUR + number * 11 * MINUTE
        return "FAILED" if ill and number % 2 else "SCHEDULED"

    both = offline(3 * HOUR, 3.5 * HOUR, world)
    one = simulate_fleet(both, NAMES[:9], seed)
    other = FleetSimulation(one.decider, both, seed + 50, notified=one.notified)
    other.add(NAMES[:9], NOW + 90 * SECOND)
    while (nearest := min((one, other), key=lambda watch: watch.due[0])).due[0][0] < NOW + 9 * HOUR:
        nearest.run(nearest.due[0][0] - NOW)
    assert Counter((kind, name) for kind, name, _ in one.said) == {
        ("outage", ALL_ORGS): 1,
        ("outage_over", ALL_ORGS): 1,
        **{(kind, name): 1 for kind in ("alarm", "recovery") for name in NAMES[1:9:2]},
    }
