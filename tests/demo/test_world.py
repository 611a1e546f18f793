"""The invented orgs, and the phases of their backups."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.fake_clock import START
from zbtui.demo.simulator import API_ERRORS, TOKEN_ERRORS
from zbtui.demo.world import InventedOrg, SimulatedWorld
from zbtui.zoho_api.backup_details import BackupState, parse_backup_response
from zbtui.zoho_api.data_centers import DATA_CENTERS

STATUS_OF_PHASE = {
    "FAILED_BEFORE": "SCHEDULED",
    "TOO_OLD": "SCHEDULED",
    "HISTORY_DOWN": "SCHEDULED",
    "LINKS_DOWN": "SCHEDULED",
    "OVERDUE": "SCHEDULED",
    "LONG_RUN": "INPROGRESS",
    "LINKS_EXPIRING": "COMPLETED",
}
"""The status of each kind of phase that is not called by its status."""
STATUSES = {"SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "PAYMENT_FAILED"}


def kinds_within(world: SimulatedWorld, seconds: int) -> set[str]:
    moments = [world.start + timedelta(seconds=second) for second in range(seconds)]
    return {world.phase_at(org, moment).kind for org in world.orgs.values() for moment in moments}


def test_within_a_minute_every_status_and_every_sort_of_problem_has_been_there() -> None:
    kinds = kinds_within(SimulatedWorld(START), 60)
    assert kinds >= STATUSES | {"NONE", "ONE_OFF", "OVERDUE"}
    assert kinds >= {"FAILED_BEFORE", "TOO_OLD", "LONG_RUN", "LINKS_EXPIRING", "HISTORY_DOWN"}, "history"
    assert kinds >= {"invalid_code", "Access Denied", "KEYRING"}, "sign-in"
    assert kinds >= {"NO_PERMISSION", "TOO_MANY_REQUESTS"}, "API"
    assert kinds >= {"OUTAGE", "RESET", "HTML"}, "outage"


@given(
    orgs=st.integers(0, 40),
    seed=st.integers(0, 5),
    speed=st.sampled_from([0.0001, 0.5, 1.0, 20.0]),
    seconds=st.floats(0, 3 * 86400),
)
@settings(max_examples=150, deadline=None)
def test_any_orgs_backup_is_in_zohos_shape(orgs: int, seed: int, speed: float, seconds: float) -> None:
    world = SimulatedWorld(START, orgs, speed, seed)
    for org in world.orgs.values():
        moment = world.phase_at(org, START + timedelta(seconds=seconds))
        backup = parse_backup_response(
            200, json.dumps({"backup": world.backup_object(org, moment, world.start)}).encode(), "eu"
        )
        assert backup is not None
        assert backup.id is not None
        assert backup.requester is not None
        if moment.kind in STATUSES | set(STATUS_OF_PHASE):
            assert backup.status == STATUS_OF_PHASE.get(moment.kind, moment.kind)
            assert backup.state is not BackupState.UNKNOWN
            assert backup.rrule is not None
            assert backup.next_run is not None


def org_at(world: SimulatedWorld, kind: str) -> tuple[InventedOrg, timedelta]:
    for org in world.orgs.values():
        for second in range(240):
            span = timedelta(seconds=second)
            if world.phase_at(org, world.start + span).kind == kind:
                return org, span
    raise AssertionError(f"no org is ever at {kind}")


def job_at(kind: str) -> tuple[dict[str, object], SimulatedWorld, InventedOrg, timedelta]:
    world = SimulatedWorld(START)
    org, span = org_at(world, kind)
    return world.backup_object(org, world.phase_at(org, START + span), START), world, org, span


def test_a_single_backup_repeats_nothing_and_names_no_dates() -> None:
    job, *_ = job_at("ONE_OFF")
    assert (job["status"], job["rrule"]) == ("COMPLETED", None)
    assert (job["scheduled_date"], job["start_date"]) == (None, None)


def test_an_overdue_backup_is_scheduled_for_a_time_past_by_more_than_six_hours() -> None:
    job, *_ = job_at("OVERDUE")
    backup = parse_backup_response(200, json.dumps({"backup": job}).encode(), "eu")
    assert backup is not None
    assert backup.next_run is not None
    assert (backup.status, START - backup.next_run > timedelta(hours=6)) == ("SCHEDULED", True)


def test_a_backup_begins_when_it_said_that_it_would() -> None:
    world = SimulatedWorld(START)
    kestrel = world.orgs["kestrel"]
    before = world.phase_at(kestrel, START)
    assert (before.kind, before.next_kind) == ("SCHEDULED", "INPROGRESS")
    assert world.backup_object(kestrel, before, START)["scheduled_date"] == before.ends_at.isoformat(
        timespec="seconds"
    )
    assert world.phase_at(kestrel, before.ends_at).kind == "INPROGRESS"


def test_a_long_run_began_hours_before_its_phase() -> None:
    world = SimulatedWorld(START)
    quarry = world.orgs["quarry"]
    moment = world.phase_at(quarry, START)
    assert moment.kind == "LONG_RUN"
    assert world.backup_object(quarry, moment, START)["scheduled_date"] == "2026-11-22T21:20:00+00:00"


def test_what_was_lived_is_listed_from_the_newest_phase_back_to_one_round_ago() -> None:
    world = SimulatedWorld(START)
    kestrel = world.orgs["kestrel"]
    young = world.phases_until(kestrel, START + timedelta(seconds=20))
    assert [moment.kind for moment in young] == ["INPROGRESS", "SCHEDULED"]
    old = world.phases_until(kestrel, START + timedelta(hours=1))
    assert len(old) == len(kestrel.phases) + 2
    assert old[0] == world.phase_at(kestrel, START + timedelta(hours=1))
    assert [moment.ends_at for moment in old[1:]] == [moment.began_at for moment in old[:-1]]


def test_a_life_of_one_phase_has_no_rounds() -> None:
    world = SimulatedWorld(START)
    nordlys = world.orgs["nordlys"]
    assert world.phases_until(nordlys, START + timedelta(days=1)) == (world.phase_at(nordlys, START),)


def test_a_life_begins_again_when_it_is_over() -> None:
    world = SimulatedWorld(START)
    kestrel = world.orgs["kestrel"]
    whole = timedelta(seconds=sum(phase.seconds for phase in kestrel.phases))
    for second in range(int(whole.total_seconds())):
        moment = START + timedelta(seconds=second)
        assert world.phase_at(kestrel, moment).kind == world.phase_at(kestrel, moment + 7 * whole).kind


def test_before_the_beginning_it_is_the_beginning() -> None:
    world = SimulatedWorld(START)
    for org in world.orgs.values():
        assert world.phase_at(org, START - timedelta(days=1)) == world.phase_at(org, START)


@pytest.mark.parametrize("speed", [0.5, 2.0, 20.0])
def test_speed_is_how_fast_they_live(speed: float) -> None:
    slow, fast = SimulatedWorld(START), SimulatedWorld(START, speed=speed)
    for org in slow.orgs.values():
        for second in range(0, 120, 5):
            span = timedelta(seconds=second)
            assert slow.phase_at(org, START + span).kind == fast.phase_at(org, START + span / speed).kind


def test_at_the_slowest_they_practically_stand_still() -> None:
    world = SimulatedWorld(START, speed=0.0001)
    for org in world.orgs.values():
        assert world.phase_at(org, START + timedelta(hours=24)).kind == org.phases[0].kind


@pytest.mark.parametrize(("orgs", "count"), [(0, 18), (1, 1), (3, 3), (18, 18), (500, 500)])
def test_there_are_as_many_orgs_as_asked_for_and_they_share_nothing(orgs: int, count: int) -> None:
    world = SimulatedWorld(START, orgs)
    made = list(world.orgs.values())
    assert len(made) == count
    for key in ("name", "client_id", "client_secret", "refresh_token", "number"):
        assert len({getattr(org, key) for org in made}) == count
    jobs = [world.backup_object(org, world.phase_at(org, START), START) for org in made]
    assert len({job["id"] for job in jobs}) == count


def test_the_hand_made_orgs_come_first_and_are_in_all_eleven_data_centers() -> None:
    few, many = SimulatedWorld(START), SimulatedWorld(START, 100)
    assert list(many.orgs)[:18] == list(few.orgs)
    assert {org.data_center for org in few.orgs.values()} == set(DATA_CENTERS)


def test_a_seed_makes_the_same_orgs_each_time_and_another_seed_others() -> None:
    assert SimulatedWorld(START, 60, seed=3).orgs == SimulatedWorld(START, 60, seed=3).orgs
    assert SimulatedWorld(START, 60, seed=3).orgs != SimulatedWorld(START, 60, seed=4).orgs


def test_newcomers_exist_and_are_not_watched_from_the_start() -> None:
    few, many = SimulatedWorld(START, 1), SimulatedWorld(START, 500)
    assert list(few.unwatched_orgs) == ["heron", "alder", "saffron"]
    assert few.unwatched_orgs == many.unwatched_orgs
    assert many.all_orgs == many.orgs | many.unwatched_orgs
    assert len(many.all_orgs) == 503, "nobody has the name of another"
    assert len({org.number for org in many.all_orgs.values()}) == 503


def test_the_org_object_has_zohos_keys_and_belongs_to_its_place() -> None:
    world = SimulatedWorld(START)
    for org in world.all_orgs.values():
        made = world.org_object(org)
        assert set(made) >= {"id", "zgid", "company_name", "time_zone", "country_code", "type"}
        assert (made["company_name"], made["zgid"]) == (org.company, org.zgid)
        assert re.fullmatch("[0-9]{11}", org.zgid)
        assert START.astimezone(ZoneInfo(str(made["time_zone"]))).utcoffset() == org.utc_offset


def test_every_phase_of_every_life_is_one_that_the_simulator_knows() -> None:
    known = STATUSES | set(STATUS_OF_PHASE) | set(API_ERRORS) | TOKEN_ERRORS
    known |= {"NONE", "ONE_OFF", "KEYRING", "HTML", "OUTAGE", "RESET", "EMPTY"}
    for org in SimulatedWorld(START, 500).all_orgs.values():
        assert {phase.kind for phase in org.phases} <= known
        assert all(phase.seconds > 0 for phase in org.phases)
