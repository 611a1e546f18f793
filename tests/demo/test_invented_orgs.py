"""Each invented org gets the verdict that it is meant to show, on any day of the year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.simulator_client import OrgReader
from tests.support.fake_clock import START, FakeClock
from tests.support.samples import POLICY, SECOND, reproducible
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.health.judge import judge
from zbtui.model.problem import ProblemError
from zbtui.model.verdict import Level, Verdict

days = st.datetimes(datetime(2024, 1, 1), datetime(2032, 1, 1), timezones=st.just(UTC))
seconds = st.floats(0, 200)
NEVER_WELL = {"harbour", "merlion", "tamarind"}
WELL = {"SCHEDULED", "COMPLETED"}
OWN_VERDICTS = {
    "NONE": "none",
    "STOPPED": "stopped",
    "FAILED": "failed",
    "FAILED_BEFORE": "failed",
    "PAYMENT_FAILED": "failed",
    "ONE_OFF": "one_off",
    "OVERDUE": "overdue",
    "TOO_OLD": "too_old",
    "LONG_RUN": "running_long",
    "LINKS_EXPIRING": "links_expiring",
    "HISTORY_DOWN": "cannot_tell",
}


def verdicts(world: SimulatedWorld, after: float) -> Iterator[tuple[InventedOrg, str, Verdict]]:
    """Each org that can be polled, the kind of its phase, and the verdict after a first poll."""
    now = world.start + timedelta(seconds=after)
    simulator = Simulator(world, lambda: now)
    for org in world.all_orgs.values():
        try:
            snapshot = OrgReader(simulator, org).snapshot()
        except (ProblemError, ConnectionResetError):
            continue
        yield org, world.phase_at(org, now).kind, judge(snapshot, POLICY, now)


@reproducible
@given(days, seconds, st.integers(0, 1000))
def test_orgs_that_are_meant_to_be_ok_are_ok_on_any_day(start: datetime, after: float, seed: int) -> None:
    for org, kind, verdict in verdicts(SimulatedWorld(start, 40, seed=seed), after):
        if kind in WELL and org.name not in NEVER_WELL:
            assert verdict.level is Level.OK, f"{org.name} at {kind}: {verdict.headline}"


@reproducible
@given(days, seconds)
def test_orgs_that_are_meant_to_have_a_problem_have_it_on_any_day(start: datetime, after: float) -> None:
    for org, kind, verdict in verdicts(SimulatedWorld(start), after):
        meant = OWN_VERDICTS.get(kind, verdict.name)
        assert verdict.name == meant, f"{org.name} at {kind}: {verdict.headline}"


@pytest.mark.parametrize(
    ("name", "course"),
    [
        ("kestrel", "scheduled running completed"),
        ("mesa-verde", "scheduled running failed completed"),
        ("sakura", "stopped scheduled"),
        ("banyan", "none scheduled"),
        ("plover", "failed scheduled"),
        ("quarry", "running_long failed completed"),
        ("osprey", "too_old completed"),
        ("fjord", "links_expiring scheduled"),
    ],
)
def test_an_org_goes_through_its_verdicts_each_minute(name: str, course: str) -> None:
    clock = FakeClock()
    world = SimulatedWorld(START)
    org = world.orgs[name]
    eye = OrgReader(Simulator(world, clock.now), org)
    seen: list[str] = []
    lasts = sum(phase.seconds for phase in org.phases)
    for _ in range(int(2 * lasts)):
        verdict = judge(eye.snapshot(), POLICY, clock.now()).name
        if seen[-1:] != [verdict]:
            seen.append(verdict)
        clock.jump_wall_clock(SECOND)
    assert seen == course.split() * 2
    assert lasts <= 62


def test_nobody_is_well_after_a_failure_until_a_backup_has_completed() -> None:
    for org in SimulatedWorld(START).orgs.values():
        kinds = [phase.kind for phase in org.phases]
        for kind, then in zip(kinds, (*kinds[1:], kinds[0]), strict=True):
            if kind in ("FAILED", "FAILED_BEFORE"):
                assert then == "INPROGRESS"
                assert "COMPLETED" in kinds


@pytest.mark.parametrize("name", ["nordlys", "sakura", "glacier", "quarry", "osprey", "fjord", "banyan"])
@reproducible
@given(start=days)
def test_orgs_that_are_forced_to_be_scheduled_are_ok(name: str, start: datetime) -> None:
    world = SimulatedWorld(start, speed=0.0001)
    simulator = Simulator(world, lambda: start)
    simulator.forced_kinds[name] = "SCHEDULED"
    assert judge(OrgReader(simulator, world.orgs[name]).snapshot(), POLICY, start).name == "scheduled"


def test_an_edition_includes_what_the_plan_needs() -> None:
    orgs = SimulatedWorld(START, 200).all_orgs.values()
    assert {org.edition for org in orgs if org.plan == "biweekly"} == {"ultimate"}
    assert {org.edition for org in orgs if org.plan == "weekly"} == {"enterprise"}
    calm = [org for org in orgs if org.plan.startswith("monthly") and not org.has_phase("COMPLETED")]
    assert "enterprise" in {org.edition for org in calm}
