"""The invented orgs' history and links at each phase, and as time goes by."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.demo.simulator_client import OrgReader
from tests.support.fake_clock import START, FakeClock
from tests.support.samples import DAY, HOUR, MINUTE, SECOND, reproducible
from tests.support.simulator import make_simulator
from zbtui.demo.history_and_links import history_rows, links_object
from zbtui.demo.invented_orgs import InventedOrg
from zbtui.demo.responses import Site
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.zoho_api.backup_details import Backup
from zbtui.zoho_api.data_centers import DATA_CENTERS
from zbtui.zoho_api.history import HistoryEntry, RunOutcome, parse_history_response
from zbtui.zoho_api.links import Links, parse_links_response
from zbtui.zoho_api.runs import History, build_history

SAMPLE = {"id", "action", "state", "repeat_type", "file_name", "count", "log_time", "done_by"}


class HistoryReader:
    """Reads the history of any org; the orgs' phases practically never end."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.simulator = make_simulator(clock)
        self.world = self.simulator.world

    def at(self, kind: str, name: str = "nordlys") -> History:
        """The history while an org is forced to be at `kind`."""
        self.simulator.forced_kinds[name] = kind
        return self.history_of(name)

    def history_of(self, name: str = "nordlys") -> History:
        return self.reader_of(name).history()

    def links_of(self, name: str = "nordlys") -> Links:
        return self.reader_of(name).links()

    def reader_of(self, name: str = "nordlys", site: Site | None = None) -> OrgReader:
        return OrgReader(self.simulator, self.world.all_orgs[name], site)


@pytest.fixture
def history_reader(clock: FakeClock) -> HistoryReader:
    return HistoryReader(clock)


def rows_of(
    world: SimulatedWorld, org: InventedOrg, after: timedelta = timedelta()
) -> list[dict[str, Any]]:
    now = world.start + after
    return history_rows(world, org, world.phases_until(org, now), now)


def entries_of(rows: list[dict[str, Any]]) -> tuple[HistoryEntry, ...]:
    return parse_history_response(200, json.dumps({"history": rows}).encode(), "eu").entries


def age_at_start(entry: HistoryEntry | None) -> timedelta:
    """The age of a row of the history at START."""
    assert entry is not None and entry.logged_at is not None
    return START - entry.logged_at


# Shape

any_org = st.tuples(
    st.integers(0, 40), st.integers(0, 5), st.sampled_from([0.0001, 1.0, 20.0]), st.floats(0, 3 * 86400)
)


@reproducible
@given(any_org)
def test_at_any_time_the_rows_of_any_org_are_in_zohos_shape(made: tuple[int, int, float, float]) -> None:
    orgs, seed, speed, seconds = made
    world, after = SimulatedWorld(START, orgs, speed, seed), timedelta(seconds=seconds)
    for org in world.all_orgs.values():
        rows = rows_of(world, org, after)
        assert all(set(row) == SAMPLE and set(row["done_by"]) == {"id", "name", "zuid"} for row in rows)
        entries = entries_of(rows)
        job = world.backup_object(org, world.phase_at(org, START + after), START + after)
        assert len({entry.id for entry in entries} - {job["id"]}) == len(entries)
        times = [entry.logged_at for entry in entries if entry.logged_at]
        assert len(times) == len(entries)
        assert times == sorted(times, reverse=True)
        assert all(START + after - 365 * DAY <= time + SECOND and time <= START + after for time in times)
        assert {time.utcoffset() for time in times} <= {org.utc_offset}
        assert all((entry.action is None) is (entry.outcome is not None) for entry in entries)


@reproducible
@given(any_org)
def test_each_start_has_its_end_but_for_a_run_under_way(made: tuple[int, int, float, float]) -> None:
    orgs, seed, speed, seconds = made
    world, after = SimulatedWorld(START, orgs, speed, seed), timedelta(seconds=seconds)
    for org in world.all_orgs.values():
        history = build_history(entries_of(rows_of(world, org, after)))
        running = world.phase_at(org, START + after).kind in ("INPROGRESS", "LONG_RUN")
        assert (history.unfinished_start is not None) is running
        assert sum(run.outcome is None for run in history.runs) == running
        assert all(run.started_at for run in history.runs)


@reproducible
@given(any_org)
def test_at_any_time_the_links_of_any_org_are_in_zohos_shape(made: tuple[int, int, float, float]) -> None:
    orgs, seed, speed, seconds = made
    world, now = SimulatedWorld(START, orgs, speed, seed), START + timedelta(seconds=seconds)
    for org in world.all_orgs.values():
        urls = links_object(world, org, world.phases_until(org, now), now, "https://download-accl.zoho.eu")
        if urls is None:
            continue
        assert set(urls) == {"data_links", "attachment_links", "expiry_date"}
        links = parse_links_response(200, json.dumps({"urls": urls}).encode(), "eu")
        assert links.data_parts >= 1
        assert links.expires_at is not None
        assert now - SECOND < links.expires_at <= now + 7 * DAY
        assert links.expires_at.utcoffset() == org.utc_offset


def test_two_requests_get_the_same_history() -> None:
    for org in SimulatedWorld(START, 40).all_orgs.values():
        assert rows_of(SimulatedWorld(START, 40), org, 3 * HOUR) == rows_of(
            SimulatedWorld(START, 40), org, 3 * HOUR
        )


# The plan


def test_a_year_of_runs_follows_the_day_on_which_it_was_scheduled(history_reader: HistoryReader) -> None:
    history = history_reader.history_of()
    assert len(history.runs) == 25
    assert [entry.action for entry in history.entries if entry.action != "initiated"][-1] == "scheduled"
    assert history.entries[-1].action == "scheduled"
    assert {entry.repeat_type for entry in history.entries} == {"biweekly"}
    assert {entry.done_by.name for entry in history.entries if entry.done_by} == {"Mara Lindqvist"}


def test_the_runs_are_those_of_the_plan_that_the_details_show(history_reader: HistoryReader) -> None:
    backup = history_reader.reader_of().backup()
    started = [run.started_at for run in history_reader.history_of().runs if run.started_at]
    assert backup is not None and backup.next_run is not None
    assert backup.first_run == started[-1]
    gaps = {newer - older for newer, older in pairwise((backup.next_run, *started))}
    assert gaps == {14 * DAY}


def test_a_run_takes_from_eight_minutes_to_an_hour(history_reader: HistoryReader) -> None:
    took = {
        run.ended_at - run.started_at
        for run in history_reader.history_of().runs
        if run.ended_at and run.started_at
    }
    assert len(took) > 3
    assert all(8 * MINUTE <= span < HOUR for span in took)


def test_an_old_run_may_have_failed_and_the_last_ones_have_not(history_reader: HistoryReader) -> None:
    world = history_reader.world
    calm = [build_history(entries_of(rows_of(world, org))) for org in world.unwatched_orgs.values()]
    assert all(run.outcome is RunOutcome.COMPLETED for history in calm for run in history.runs[:3])
    assert any(history.last_failed for history in calm)


async def test_what_is_older_than_a_year_is_no_longer_shown(history_reader: HistoryReader) -> None:
    before = len(history_reader.history_of().runs)
    await history_reader.clock.advance(100 * DAY)
    history = history_reader.history_of()
    assert len(history.runs) < before
    assert history.newest_with_action("scheduled") is None


# Phases


def test_scheduled_the_newest_run_is_the_last_of_the_plan(history_reader: HistoryReader) -> None:
    history = history_reader.at("SCHEDULED")
    assert history.unfinished_start is None
    assert history.last_finished == history.entries[0] == history.last_completed
    assert 7 * DAY < age_at_start(history.entries[0]) < 8 * DAY


def test_in_progress_it_has_begun_and_not_ended(history_reader: HistoryReader) -> None:
    history = history_reader.at("INPROGRESS")
    assert age_at_start(history.entries[0]) == timedelta()
    assert history.unfinished_start == history.entries[0]
    assert (history.entries[0].action, history.entries[0].state) == ("initiated", None)


def test_a_long_run_has_begun_yesterday(history_reader: HistoryReader) -> None:
    assert age_at_start(history_reader.at("LONG_RUN").unfinished_start) == 14 * HOUR


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("COMPLETED", RunOutcome.COMPLETED),
        ("FAILED", RunOutcome.FAILED),
        ("FAILED_BEFORE", RunOutcome.FAILED),
        ("ONE_OFF", RunOutcome.COMPLETED),
    ],
)
def test_a_run_has_ended_when_the_phase_begins(
    kind: str, outcome: RunOutcome, history_reader: HistoryReader
) -> None:
    history = history_reader.at(kind)
    assert history.last_finished is not None
    assert (age_at_start(history.last_finished), history.last_finished.outcome) == (timedelta(), outcome)
    assert history.runs[0].started_at is not None


def test_a_payment_that_failed_left_no_run(history_reader: HistoryReader) -> None:
    assert history_reader.at("PAYMENT_FAILED").last_finished == history_reader.at("SCHEDULED").last_finished


@pytest.mark.parametrize("kind", ["NONE", "EMPTY"])
def test_an_org_without_a_schedule_has_no_history(kind: str, history_reader: HistoryReader) -> None:
    assert history_reader.at(kind) == History()
    assert history_reader.links_of() == Links()


def test_a_single_backup_repeats_nothing(history_reader: HistoryReader) -> None:
    history = history_reader.history_of("harbour")
    assert [(entry.action, entry.state, entry.repeat_type) for entry in history.entries] == [
        (None, "completed", "immediate"),
        ("initiated", None, "immediate"),
    ]


def test_too_old_is_an_org_that_was_stopped_and_scheduled_again_late(history_reader: HistoryReader) -> None:
    history = history_reader.history_of("osprey")
    stopped = history.newest_with_action("stopped")
    assert stopped is not None and stopped.done_by is not None
    assert stopped.done_by.name == "Neil Farrow"
    assert age_at_start(history.last_completed) > age_at_start(stopped) > 60 * DAY
    assert age_at_start(history.newest_with_action("scheduled")) == DAY


def test_the_person_who_stopped_a_plan_is_named_and_not_the_requester(
    history_reader: HistoryReader,
) -> None:
    newest, backup = (
        history_reader.history_of("sakura").entries[0],
        history_reader.reader_of("sakura").backup(),
    )
    assert (newest.action, age_at_start(newest)) == ("stopped", timedelta())
    assert newest.done_by and backup and backup.requester
    assert (newest.done_by.name, backup.requester.name) == ("高橋 健", "佐藤 美咲")
    assert newest.done_by.id != backup.requester.id
    assert newest.done_by.zuid != backup.requester.zuid


def reader_after(name: str, after: float) -> OrgReader:
    """A reader of an org at full speed, `after` seconds after the start."""
    world, now = SimulatedWorld(START), START + timedelta(seconds=after)
    return OrgReader(Simulator(world, lambda: now), world.orgs[name])


def fast(name: str, after: float) -> tuple[Backup, History]:
    """Backup and history of an org at full speed, `after` seconds after the start."""
    eye = reader_after(name, after)
    backup = eye.backup()
    assert backup is not None
    return backup, eye.history()


def test_who_scheduled_it_again_is_the_requester_from_then_on() -> None:
    before, _ = fast("sakura", 29)
    after, history = fast("sakura", 31)
    newest = history.entries[0]
    assert (newest.action, newest.logged_at) == ("scheduled", START + 30 * SECOND)
    assert before.requester and after.requester
    assert (before.requester.name, after.requester.name) == ("佐藤 美咲", "森 由美")
    assert newest.done_by == after.requester


def test_what_was_never_scheduled_before_begins_with_a_plan_and_no_run() -> None:
    backup, history = fast("banyan", 30)
    assert [entry.action for entry in history.entries] == ["scheduled"]
    assert history.entries[0].logged_at == START + 26 * SECOND
    assert backup.first_run == backup.next_run


def test_after_a_payment_backups_were_bought() -> None:
    _, history = fast("plover", 30)
    newest = history.entries[0]
    assert (newest.action, newest.count, newest.logged_at) == ("purchased", 2, START + 24 * SECOND)


def test_a_run_that_was_seen_begins_and_ends_when_its_phases_did() -> None:
    _, history = fast("kestrel", 30)
    newest = history.runs[0]
    assert (newest.started_at, newest.ended_at) == (START + 14 * SECOND, START + 28 * SECOND)


def test_a_completed_run_stays_the_last_good_one_until_the_next() -> None:
    ends = [fast("kestrel", after)[1].last_completed for after in range(28, 73)]
    assert len(set(ends[:-1])) == 1
    assert ends[-1] != ends[0]


@pytest.mark.parametrize("name", ["kestrel", "mesa-verde", "quarry"])
def test_however_often_it_ran_in_this_hour_no_more_is_shown_than_a_month_allows(name: str) -> None:
    for after in range(3000, 3070):
        _, history = fast(name, after)
        lately = [run for run in history.runs if run.started_at and run.started_at > START - DAY]
        assert len(lately) <= 3
        assert {entry.action for entry in history.entries} <= {"initiated", "scheduled", None}


# Links


@pytest.mark.parametrize("data_center", sorted(DATA_CENTERS))
def test_links_are_at_the_download_host_of_the_data_center(data_center: str) -> None:
    world = SimulatedWorld(START, 60)
    org = next(one for one in world.orgs.values() if one.data_center == data_center)
    simulator = Simulator(world, lambda: START)
    simulator.forced_kinds[org.name] = "COMPLETED"
    eye = OrgReader(simulator, org)
    urls, backup = eye.urls(), eye.backup()
    assert backup is not None
    host = DATA_CENTERS[data_center].accounts_url.replace("accounts.", "download-accl.")
    folder = f"{host}/v2/crm/{org.zgid}/backup/{backup.id}"
    assert urls["data_links"][0] == f"{folder}/Data_001.zip"
    assert all(link.startswith(f"{folder}/Attachments_00") for link in urls["attachment_links"])


def test_on_a_real_port_no_link_leads_out_of_this_machine(history_reader: HistoryReader) -> None:
    history_reader.simulator.forced_kinds["nordlys"] = "COMPLETED"
    site = Site("eu", "http://127.0.0.1:8000/eu", "http://127.0.0.1:8000")
    urls = history_reader.reader_of(site=site).urls()
    assert all(link.startswith("http://127.0.0.1:8000/eu/v2/crm/") for link in urls["data_links"])


async def test_links_live_for_seven_days_after_the_completion(history_reader: HistoryReader) -> None:
    completed = history_reader.at("COMPLETED").last_completed
    assert completed is not None and completed.logged_at is not None
    assert history_reader.links_of().expires_at == completed.logged_at + 7 * DAY
    await history_reader.clock.advance(7 * DAY - SECOND)
    assert history_reader.links_of().are_available
    await history_reader.clock.advance(SECOND)
    assert history_reader.links_of() == Links()


@pytest.mark.parametrize("kind", ["INPROGRESS", "LONG_RUN"])
def test_while_a_backup_runs_there_are_no_links(kind: str, history_reader: HistoryReader) -> None:
    history_reader.simulator.forced_kinds["lotus"] = "SCHEDULED"
    assert history_reader.links_of("lotus").are_available
    history_reader.simulator.forced_kinds["lotus"] = kind
    assert history_reader.links_of("lotus") == Links()


def test_a_failure_leaves_the_links_of_the_backup_before_it(history_reader: HistoryReader) -> None:
    history_reader.simulator.forced_kinds["lotus"] = "SCHEDULED"
    before = history_reader.links_of("lotus")
    history_reader.simulator.forced_kinds["lotus"] = "FAILED"
    assert history_reader.links_of("lotus") == before


def test_while_one_watches_links_expire_and_are_gone() -> None:
    seen = [reader_after("fjord", second).links() for second in range(60)]
    assert {links.expires_at for links in seen[:28]} == {START + 28 * SECOND}
    assert set(seen[28:]) == {Links()}
    before, after = (fast("fjord", second)[0] for second in (27, 28))
    assert before != after, "else nobody would ask for the links again"


def test_the_run_whose_links_expire_is_shown_once() -> None:
    for second in (10, 50, 70):
        _, history = fast("fjord", second)
        assert history.count_runs(START - 10 * DAY, START) == 1


def test_however_slow_links_that_expire_do_so_within_two_days(history_reader: HistoryReader) -> None:
    assert history_reader.links_of("fjord").expires_at == START + 40 * HOUR
