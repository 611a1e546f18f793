"""One poll and no patience: which verdict each org gets, and how the check exits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from tests.check.sample_orgs import CRITICAL, OK, UNKNOWN, WARNING, report_of
from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import make_backup, make_org, make_snapshot
from tests.watch.zoho_environment import ScriptedZoho, problem_error, zoho_environment
from zbtui.check import EXIT_STATUS_BY_LEVEL, check_orgs
from zbtui.config.settings import Config
from zbtui.health.judge import judge
from zbtui.health.snapshot import Observation, Snapshot
from zbtui.model.org import WatchPolicy
from zbtui.model.problem import Problem
from zbtui.model.verdict import Level
from zbtui.watch.fleet import Fleet

# Exit codes


@pytest.mark.parametrize(("word", "code"), [("ok", 0), ("warning", 1), ("critical", 2), ("unknown", 3)])
def test_exit_codes_are_those_of_monitoring_plug_ins(word: str, code: int) -> None:
    assert {level.label: number for level, number in EXIT_STATUS_BY_LEVEL.items()}[word] == code


@pytest.mark.parametrize(
    ("keys", "verdict", "code"),
    [
        ({}, "scheduled", 0),
        ({"status": "COMPLETED"}, "completed", 0),
        ({"status": "INPROGRESS"}, "running", 0),
        ({"status": "in_progress"}, "running", 0),
        ({"status": "FAILED"}, "failed", 2),
        ({"status": "PAYMENT_FAILED"}, "failed", 2),
        ({"status": "STOPPED"}, "stopped", 2),
        ({"scheduled_date": "2026-11-23T05:19:00+00:00"}, "overdue", 2),
        ({"status": "PAUSED"}, "unknown_status", 1),
        ({"rrule": None, "scheduled_date": None, "status": "COMPLETED"}, "one_off", 1),
    ],
)
def test_each_answer_has_its_verdict_and_exit_code(keys: dict[str, Any], verdict: str, code: int) -> None:
    found = report_of(make_snapshot(**keys))
    assert found.results[0].verdict.name == verdict
    assert EXIT_STATUS_BY_LEVEL[found.level] == code


@pytest.mark.parametrize(
    ("snapshots", "level"),
    [
        ([OK], Level.OK),
        ([OK, WARNING], Level.WARNING),
        ([WARNING, UNKNOWN, OK], Level.UNKNOWN),
        ([UNKNOWN, CRITICAL], Level.CRITICAL),
        ([OK, CRITICAL, UNKNOWN, WARNING], Level.CRITICAL),
        ([], Level.UNKNOWN),
    ],
)
def test_the_worst_org_decides_failed_before_out_of_sight(snapshots: list[Snapshot], level: Level) -> None:
    assert report_of(*snapshots).level is level


# One look, and no patience


def fleet_of(zoho: ScriptedZoho, clock: FakeClock, policy: WatchPolicy, known: list[Snapshot]) -> Fleet:
    orgs = tuple(make_org(name) for name in zoho.outcomes)
    return Fleet(Config(policy, orgs), zoho.open_poll, MemoryJournal(known), clock)


async def test_a_failed_poll_counts_at_once_however_fresh_the_last_good_one_is(clock: FakeClock) -> None:
    before = make_snapshot("acme", START - timedelta(seconds=10))
    zoho = ScriptedZoho(clock, {"acme": problem_error(Problem("network", "Out of reach.", "Wait."))})
    fleet = fleet_of(zoho, clock, WatchPolicy(), [before])
    found = await check_orgs(fleet, ["acme"])
    (finding,) = found.results
    assert (finding.verdict.name, found.level) == ("cannot_look", Level.UNKNOWN)
    # The screen, and the journal, have more patience.
    assert judge(finding.snapshot, WatchPolicy(), clock.now()).name == "scheduled"


async def test_an_org_seen_just_now_is_judged_by_that_however_slow_another_one_is(clock: FakeClock) -> None:
    """A dead host takes longer to fail than the shortest interval that is allowed."""
    policy = WatchPolicy(every=timedelta(seconds=15))
    good = Observation(make_backup())
    zoho = ScriptedZoho(clock, {"quick": good, "slow": good}, {"slow": asyncio.Event()})
    checking = asyncio.create_task(check_orgs(fleet_of(zoho, clock, policy, []), ["quick", "slow"]))
    await run_until_idle()
    clock.jump_wall_clock(timedelta(seconds=20))
    zoho.gates["slow"].set()
    found = await checking
    assert {finding.snapshot.org.name: finding.verdict.name for finding in found.results} == {
        "quick": "scheduled",
        "slow": "scheduled",
    }


async def test_only_the_orgs_that_were_named_are_polled(clock: FakeClock) -> None:
    zoho = ScriptedZoho(clock, dict.fromkeys(["acme", "brook"], Observation(make_backup())))
    found = await check_orgs(fleet_of(zoho, clock, WatchPolicy(), []), ["brook"])
    assert [finding.snapshot.org.name for finding in found.results] == ["brook"]
    assert zoho.times("acme") == []


async def test_a_check_of_a_street_finds_each_org_at_what_it_is_at(clock: FakeClock) -> None:
    async with zoho_environment(clock) as zoho:
        orgs = tuple(zoho.org(name) for name in zoho.simulator.world.orgs)
        zoho.simulator.forced_kinds |= {"dune": "OUTAGE", "glacier": "SCHEDULED", "tern": "HTML"}
        fleet = Fleet(
            Config(WatchPolicy(), orgs), lambda org: zoho.session(org.name).poll, zoho.journal, clock
        )
        found = await check_orgs(fleet, [org.name for org in orgs])
    verdicts = {finding.snapshot.org.name: finding.verdict.name for finding in found.results}
    assert verdicts == {
        "nordlys": "scheduled",
        "kestrel": "scheduled",
        "mesa-verde": "scheduled",
        "sakura": "stopped",
        "banyan": "none",
        "wattle": "cannot_look",
        "maple": "cannot_look",
        "dune": "cannot_look",
        "lotus": "cannot_look",
        "harbour": "one_off",
        "merlion": "overdue",
        "tern": "cannot_look",
        "glacier": "scheduled",
        "plover": "failed",
        "quarry": "running_long",
        "osprey": "too_old",
        "fjord": "links_expiring",
        "tamarind": "quota_risk",
    }
    kinds = {
        finding.snapshot.polls.problem.kind for finding in found.results if finding.snapshot.polls.problem
    }
    assert kinds == {"permission", "auth", "server", "throttled", "contract"}
