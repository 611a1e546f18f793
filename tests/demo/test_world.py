"""The invented orgs: who they are, and how their backups live."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.clock import START
from zbtui.core.backup import State, parse_details
from zbtui.core.data_centers import DATA_CENTERS
from zbtui.demo.world import InventedOrg, World
from zbtui.demo.zoho import API_ERRORS, TOKEN_ERRORS

TOLD_AS = {
    "FAILED_BEFORE": "SCHEDULED",
    "TOO_OLD": "SCHEDULED",
    "HISTORY_DOWN": "SCHEDULED",
    "LINKS_DOWN": "SCHEDULED",
    "OVERDUE": "SCHEDULED",
    "LONG_RUN": "INPROGRESS",
    "LINKS_EXPIRING": "COMPLETED",
}
"""Kinds whose status is another word."""
STATUSES = {"SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED", "PAYMENT_FAILED"}


def kinds_within(world: World, seconds: int) -> set[str]:
    moments = [world.start + timedelta(seconds=second) for second in range(seconds)]
    return {world.at(org, moment).kind for org in world.orgs.values() for moment in moments}


def test_within_a_minute_every_status_and_every_sort_of_trouble_has_been_there() -> None:
    kinds = kinds_within(World(START), 60)
    assert kinds >= STATUSES | {"NONE", "ONE_OFF", "OVERDUE"}
    assert kinds >= {"FAILED_BEFORE", "TOO_OLD", "LONG_RUN", "LINKS_EXPIRING", "HISTORY_DOWN"}, "past"
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
def test_the_backup_of_any_org_at_any_time_is_in_zohos_shape(
    orgs: int, seed: int, speed: float, seconds: float
) -> None:
    world = World(START, orgs, speed, seed)
    for org in world.orgs.values():
        moment = world.at(org, START + timedelta(seconds=seconds))
        backup = parse_details(200, json.dumps({"backup": world.job(org, moment)}).encode(), "eu")
        assert backup is not None
        assert backup.id is not None
        assert backup.requester is not None
        if moment.kind in STATUSES | set(TOLD_AS):
            assert backup.status == TOLD_AS.get(moment.kind, moment.kind)
            assert backup.state is not State.UNKNOWN
            assert backup.rrule is not None
            assert backup.next_run is not None


def org_at(world: World, kind: str) -> tuple[InventedOrg, timedelta]:
    for org in world.orgs.values():
        for second in range(240):
            span = timedelta(seconds=second)
            if world.at(org, world.start + span).kind == kind:
                return org, span
    raise AssertionError(f"no org is ever at {kind}")


def job_at(kind: str) -> tuple[dict[str, object], World, InventedOrg, timedelta]:
    world = World(START)
    org, span = org_at(world, kind)
    return world.job(org, world.at(org, START + span)), world, org, span


def test_a_single_backup_repeats_nothing_and_names_no_dates() -> None:
    job, *_ = job_at("ONE_OFF")
    assert (job["status"], job["rrule"], job["scheduled_date"], job["start_date"]) == (
        "COMPLETED",
        None,
        None,
        None,
    )


def test_an_overdue_backup_is_scheduled_for_a_time_past_by_more_than_six_hours() -> None:
    job, *_ = job_at("OVERDUE")
    backup = parse_details(200, json.dumps({"backup": job}).encode(), "eu")
    assert backup is not None
    assert backup.next_run is not None
    assert (backup.status, START - backup.next_run > timedelta(hours=6)) == ("SCHEDULED", True)


def test_a_backup_begins_when_it_said_that_it_would() -> None:
    world = World(START)
    kestrel = world.orgs["kestrel"]
    before = world.at(kestrel, START)
    assert (before.kind, before.then) == ("SCHEDULED", "INPROGRESS")
    assert world.job(kestrel, before)["scheduled_date"] == before.ends.isoformat(timespec="seconds")
    assert world.at(kestrel, before.ends).kind == "INPROGRESS"


def test_a_long_run_began_hours_before_its_phase() -> None:
    world = World(START)
    quarry = world.orgs["quarry"]
    moment = world.at(quarry, START)
    assert moment.kind == "LONG_RUN"
    assert world.job(quarry, moment)["scheduled_date"] == "2026-11-22T21:20:00+00:00"


def test_what_was_lived_is_told_from_the_newest_phase_back_to_one_round_ago() -> None:
    world = World(START)
    kestrel = world.orgs["kestrel"]
    young = world.lived(kestrel, START + timedelta(seconds=20))
    assert [moment.kind for moment in young] == ["INPROGRESS", "SCHEDULED"]
    old = world.lived(kestrel, START + timedelta(hours=1))
    assert len(old) == len(kestrel.life) + 2
    assert old[0] == world.at(kestrel, START + timedelta(hours=1))
    assert [moment.ends for moment in old[1:]] == [moment.began for moment in old[:-1]]


def test_a_life_of_one_phase_has_no_rounds() -> None:
    world = World(START)
    nordlys = world.orgs["nordlys"]
    assert world.lived(nordlys, START + timedelta(days=1)) == (world.at(nordlys, START),)


def test_a_life_begins_anew_when_it_is_over() -> None:
    world = World(START)
    kestrel = world.orgs["kestrel"]
    whole = timedelta(seconds=sum(phase.seconds for phase in kestrel.life))
    for second in range(int(whole.total_seconds())):
        moment = START + timedelta(seconds=second)
        assert world.at(kestrel, moment).kind == world.at(kestrel, moment + 7 * whole).kind


def test_before_the_beginning_it_is_the_beginning() -> None:
    world = World(START)
    for org in world.orgs.values():
        assert world.at(org, START - timedelta(days=1)) == world.at(org, START)


@pytest.mark.parametrize("speed", [0.5, 2.0, 20.0])
def test_speed_is_how_fast_they_live(speed: float) -> None:
    slow, fast = World(START), World(START, speed=speed)
    for org in slow.orgs.values():
        for second in range(0, 120, 5):
            span = timedelta(seconds=second)
            assert slow.at(org, START + span).kind == fast.at(org, START + span / speed).kind


def test_at_the_slowest_they_practically_stand_still() -> None:
    world = World(START, speed=0.0001)
    for org in world.orgs.values():
        assert world.at(org, START + timedelta(hours=24)).kind == org.life[0].kind


@pytest.mark.parametrize(("orgs", "count"), [(0, 18), (1, 1), (3, 3), (18, 18), (500, 500)])
def test_there_are_as_many_orgs_as_asked_for_and_they_share_nothing(orgs: int, count: int) -> None:
    world = World(START, orgs)
    made = list(world.orgs.values())
    assert len(made) == count
    for key in ("name", "client_id", "client_secret", "refresh_token", "number"):
        assert len({getattr(org, key) for org in made}) == count
    jobs = [world.job(org, world.at(org, START)) for org in made]
    assert len({job["id"] for job in jobs}) == count


def test_the_hand_made_orgs_come_first_and_are_in_all_eleven_data_centers() -> None:
    few, many = World(START), World(START, 100)
    assert list(many.orgs)[:18] == list(few.orgs)
    assert {org.data_center for org in few.orgs.values()} == set(DATA_CENTERS)


def test_a_seed_makes_the_same_orgs_each_time_and_another_seed_others() -> None:
    assert World(START, 60, seed=3).orgs == World(START, 60, seed=3).orgs
    assert World(START, 60, seed=3).orgs != World(START, 60, seed=4).orgs


def test_newcomers_exist_and_are_not_watched_from_the_start() -> None:
    few, many = World(START, 1), World(START, 500)
    assert list(few.newcomers) == ["heron", "alder", "saffron"]
    assert few.newcomers == many.newcomers
    assert many.every == many.orgs | many.newcomers
    assert len(many.every) == 503, "nobody has the name of another"
    assert len({org.number for org in many.every.values()}) == 503


def test_the_org_object_has_zohos_keys_and_belongs_to_its_place() -> None:
    world = World(START)
    for org in world.every.values():
        made = world.company(org)
        assert set(made) >= {"id", "zgid", "company_name", "time_zone", "country_code", "type"}
        assert (made["company_name"], made["zgid"]) == (org.company, org.zgid)
        assert re.fullmatch("[0-9]{11}", org.zgid)
        assert START.astimezone(ZoneInfo(str(made["time_zone"]))).utcoffset() == org.offset


def test_every_phase_of_every_life_is_one_that_the_simulator_knows() -> None:
    known = STATUSES | set(TOLD_AS) | set(API_ERRORS) | TOKEN_ERRORS
    known |= {"NONE", "ONE_OFF", "KEYRING", "HTML", "OUTAGE", "RESET", "EMPTY"}
    for org in World(START, 500).every.values():
        assert {phase.kind for phase in org.life} <= known
        assert all(phase.seconds > 0 for phase in org.life)
