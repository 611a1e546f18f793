"""One poll and no patience: which verdict each org gets, and how the check exits."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.check.sample_orgs import CRITICAL, OK, UNKNOWN, WARNING, report_of
from tests.support.fake_clock import START, FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.snapshots import good_observation, make_backup, make_org, make_snapshot
from tests.watch.zoho_environment import ScriptedZoho, problem_error, zoho_environment
from zbtui.check import EXIT_STATUS_BY_LEVEL, check_orgs
from zbtui.check.json_format import report_as_json
from zbtui.check.text_format import report_as_text
from zbtui.config.settings import Config
from zbtui.health.judge import judge
from zbtui.health.merge import MergeResult
from zbtui.health.snapshot import HistoryAndLinks, Observation, Snapshot
from zbtui.model.problem import Problem, ProblemKind
from zbtui.model.verdict import Level
from zbtui.model.watch_policy import WatchPolicy
from zbtui.store.journal import Journal
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


# One poll, and no patience


def fleet_of(zoho: ScriptedZoho, clock: FakeClock, policy: WatchPolicy, known: list[Snapshot]) -> Fleet:
    orgs = tuple(make_org(name) for name in zoho.outcomes)
    return Fleet(Config(policy, orgs), zoho.open_poll, MemoryJournal(known), clock)


async def test_a_failed_poll_counts_at_once_however_fresh_the_last_good_one_is(clock: FakeClock) -> None:
    before = make_snapshot("acme", START - timedelta(seconds=10))
    zoho = ScriptedZoho(clock, {"acme": problem_error(Problem("network", "Out of reach.", "Wait."))})
    fleet = fleet_of(zoho, clock, WatchPolicy(), [before])
    found = await check_orgs(fleet, ["acme"])
    (finding,) = found.results
    assert (finding.verdict.name, found.level) == ("cannot_tell", Level.UNKNOWN)
    # Screen and journal wait for several failed polls.
    assert judge(finding.snapshot, WatchPolicy(), clock.now()).name == "scheduled"


async def test_an_org_seen_just_now_is_judged_by_that_however_slow_another_one_is(clock: FakeClock) -> None:
    """A dead host takes longer to fail than the shortest poll interval."""
    policy = WatchPolicy(every=timedelta(seconds=15))
    good = good_observation(make_backup())
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
    zoho = ScriptedZoho(clock, dict.fromkeys(["acme", "brook"], good_observation(make_backup())))
    found = await check_orgs(fleet_of(zoho, clock, WatchPolicy(), []), ["brook"])
    assert [finding.snapshot.org.name for finding in found.results] == ["brook"]
    assert zoho.times("acme") == []


@pytest.mark.parametrize(("status", "code"), [("SCHEDULED", 3), ("FAILED", 2)])
async def test_what_is_known_in_time_is_reported_and_the_rest_is_unknown(
    clock: FakeClock, status: str, code: int
) -> None:
    good = good_observation(make_backup(status=status))
    zoho = ScriptedZoho(clock, {"quick": good, "silent": good}, {"silent": asyncio.Event()})
    journal = MemoryJournal()
    orgs = tuple(make_org(name) for name in zoho.outcomes)
    fleet = Fleet(Config(WatchPolicy(), orgs), zoho.open_poll, journal, clock)
    checking = asyncio.create_task(check_orgs(fleet, ["quick", "silent"], seconds=8))
    await clock.advance(7.9)
    assert not checking.done()
    await clock.advance(0.2)
    found = await checking
    assert EXIT_STATUS_BY_LEVEL[found.level] == code
    results = {one.snapshot.org.name: one for one in found.results}
    assert results["quick"].snapshot.zoho.backup == good.backup
    assert results["silent"].verdict.level is Level.UNKNOWN
    assert "in the time that this look had" in results["silent"].verdict.headline
    # The journal counts a failed poll, so that a lasting silence leads to an alert.
    loaded = journal.load_all(orgs)
    assert (loaded["quick"].polls.failures, loaded["silent"].polls.failures) == (0, 1)
    # An answer that comes after the report is not stored: the report says that it is missing.
    zoho.gates["silent"].set()
    await run_until_idle()
    assert journal.load_all(orgs)["silent"].zoho.observed_at is None


async def test_an_answer_that_only_waits_for_the_journal_is_reported(clock: FakeClock) -> None:
    class SlowJournal(MemoryJournal):
        async def record_poll(self, polled: Snapshot, policy: WatchPolicy, now: datetime) -> MergeResult:
            await asyncio.Event().wait()
            raise AssertionError

    zoho = ScriptedZoho(clock, {"acme": good_observation(make_backup())})
    fleet = Fleet(Config(WatchPolicy(), (make_org(),)), zoho.open_poll, SlowJournal(), clock)
    checking = asyncio.create_task(check_orgs(fleet, ["acme"], seconds=8))
    await clock.advance(8)
    await clock.advance(1)
    assert (await checking).level is Level.OK


# The floor, and --max-age


def fleet_on(journal: Journal, zoho: ScriptedZoho, **keys: Any) -> Fleet:
    """The fleet of another process on the same journal."""
    org = replace(make_org(), **keys)
    return Fleet(Config(WatchPolicy(), (org,)), zoho.open_poll, journal, zoho.clock)


@pytest.mark.parametrize(
    ("age", "max_age", "polls"),
    [(1, 0, 1), (15, 0, 1), (16, 0, 2), (16, 60, 1), (61, 60, 2), (900, 3600, 1), (901, 3600, 2)],
)
async def test_a_recent_poll_replaces_a_new_one_and_the_report_says_so(
    clock: FakeClock, age: int, max_age: int, polls: int
) -> None:
    """No process polls more often than every 15 s: each poll costs the org an API credit."""
    journal, zoho = MemoryJournal(), ScriptedZoho(clock, {"acme": good_observation(make_backup())})
    await check_orgs(fleet_on(journal, zoho), ["acme"])
    await clock.advance(age)
    report = await check_orgs(fleet_on(journal, zoho), ["acme"], max_age=timedelta(seconds=max_age))
    assert len(zoho.times()) == polls
    (result,) = report.results
    seen = START if polls == 1 else clock.now()
    assert (result.snapshot.zoho.observed_at, result.snapshot.polls.attempted_at) == (seen, seen)
    assert (result.verdict.name, result.verdict.stale) == ("scheduled", False)
    assert result.is_recalled is (polls == 1)
    assert ("looked at" in report_as_text(report)) is (polls == 1)
    body = json.loads(report_as_json(report))
    assert body["checked_at"] == clock.now().isoformat()
    assert body["orgs"][0]["observed_at"] == body["orgs"][0]["polled_at"] == seen.isoformat()


@pytest.mark.parametrize(
    ("kind", "polls"),
    [
        *((kind, 1) for kind in ("server", "permission", "throttled", "auth", "contract")),
        *((kind, 2) for kind in ("network", "keyring", "config")),
    ],
)
async def test_a_refusal_is_recalled_as_a_refusal_but_where_zoho_was_not_reached_it_is_asked(
    clock: FakeClock, kind: ProblemKind, polls: int
) -> None:
    problem = Problem(kind, "Refused.", "Mend it.", "CODE", 400, retry_at=START + timedelta(hours=1))
    journal, zoho = MemoryJournal(), ScriptedZoho(clock, {"acme": problem_error(problem)})
    first = await check_orgs(fleet_on(journal, zoho), ["acme"])
    await clock.advance(10)
    second = await check_orgs(fleet_on(journal, zoho), ["acme"])
    assert len(zoho.times()) == polls
    assert second.level is first.level is Level.UNKNOWN
    assert second.results[0].verdict == first.results[0].verdict
    assert second.results[0].snapshot.polls.problem == problem
    assert second.results[0].snapshot.polls.failures == polls


async def test_a_history_that_could_not_be_read_is_recalled_as_unreadable(clock: FakeClock) -> None:
    """The details alone are healthy; only the missing history makes the org unknown."""
    extras = HistoryAndLinks(None, None, Problem("server", "An internal error.", "Wait."))
    zoho = ScriptedZoho(clock, {"acme": Observation(make_backup(), history_and_links=extras)})
    journal = MemoryJournal()
    first = await check_orgs(fleet_on(journal, zoho), ["acme"])
    await clock.advance(10)
    second = await check_orgs(fleet_on(journal, zoho), ["acme"])
    assert len(zoho.times()) == 1
    assert second.results[0].verdict == first.results[0].verdict
    assert second.level is Level.UNKNOWN


@pytest.mark.parametrize("case", ["signed in since", "another identity", "clock set back", "loopback"])
async def test_a_snapshot_that_cannot_replace_a_new_poll_is_not_recalled(
    clock: FakeClock, case: str
) -> None:
    keys: dict[str, str] = {}
    if case == "loopback":  # the loopback has no API credits to save
        keys = {
            "data_center": "custom",
            "api_url": "http://127.0.0.1:9",
            "accounts_url": "http://127.0.0.1:9",
        }
    dead = problem_error(Problem("auth", "Dead.", "Sign in again.", final=True))
    journal, zoho = MemoryJournal(), ScriptedZoho(clock, {"acme": dead})
    await check_orgs(fleet_on(journal, zoho, **keys), ["acme"])
    await clock.advance(2)
    if case == "signed in since":
        await journal.save(make_snapshot("acme", clock.now()))
    elif case == "another identity":
        keys = {"client_id": "1000.XYZ"}
    elif case == "clock set back":
        clock.jump_wall_clock(timedelta(hours=-1))
    await clock.advance(2)
    await check_orgs(fleet_on(journal, zoho, **keys), ["acme"])
    assert len(zoho.times()) == 2


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
        "wattle": "cannot_tell",
        "maple": "cannot_tell",
        "dune": "cannot_tell",
        "lotus": "cannot_tell",
        "harbour": "one_off",
        "merlion": "overdue",
        "tern": "cannot_tell",
        "glacier": "scheduled",
        "plover": "failed",
        "quarry": "running_long",
        "osprey": "too_old",
        "fjord": "links_expiring",
        "tamarind": "scheduled",
    }
    kinds = {
        finding.snapshot.polls.problem.kind for finding in found.results if finding.snapshot.polls.problem
    }
    assert kinds == {"permission", "auth", "server", "throttled", "contract"}
