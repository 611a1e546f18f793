"""Kinds of answers that Zoho may send, and that no invented org sends by itself."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.demo.simulator_client import SimulatorClient
from tests.support.fake_clock import START, FakeClock
from tests.support.samples import DAY
from tests.support.simulator import make_simulator
from zbtui.demo.invented_orgs import InventedOrg, Phase
from zbtui.demo.responses import UNCODED_ERRORS
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import Simulator
from zbtui.demo.world import SimulatedWorld
from zbtui.zoho.http import HttpClient, HttpResponse

EU = "https://www.zohoapis.eu"
DETAILS, HISTORY, LINKS, ORG = (
    "/bulk/v7/backup",
    "/bulk/v7/backup/history",
    "/bulk/v7/backup/urls",
    "/v7/org",
)
CALLS = (DETAILS, HISTORY, LINKS, ORG)


class Caller:
    """Calls the simulator over HTTP, with a new token of nordlys each time."""

    def __init__(self, client: SimulatorClient) -> None:
        self.client = client
        self.simulator = client.simulator
        self.clock = client.clock

    def force(self, kind: str) -> None:
        self.simulator.forced_kinds["nordlys"] = kind

    async def get(self, path: str) -> HttpResponse:
        headers = {"Authorization": f"Zoho-oauthtoken {self.client.access_token()}"}
        async with HttpClient(serve_in_process(self.simulator)) as http:
            return await http.send("GET", f"{EU}/crm{path}", headers=headers)

    async def object(self, path: str) -> Any:
        """The value of the only key of an answer besides `info`."""
        answer: dict[str, Any] = json.loads((await self.get(path)).body)
        return answer[next(iter(answer))]


@pytest.fixture
def caller(client: SimulatorClient) -> Caller:
    return Caller(client)


async def test_all_rows_can_have_the_id_of_the_job(caller: Caller) -> None:
    caller.force("SHARED_IDS")
    rows = await caller.object(HISTORY)
    assert len(rows) > 20
    assert {row["id"] for row in rows} == {(await caller.object(DETAILS))["id"]}


async def test_the_newest_end_can_lack_its_time(caller: Caller) -> None:
    caller.force("UNDATED")
    newest, *older = await caller.object(HISTORY)
    assert (newest["state"], newest["log_time"]) == ("completed", None)
    assert all(row["log_time"] for row in older)
    assert (await caller.object(DETAILS))["status"] == "COMPLETED"


async def test_a_single_backup_can_lack_all_times(caller: Caller) -> None:
    caller.force("UNDATED_ONE_OFF")
    rows, job = await caller.object(HISTORY), await caller.object(DETAILS)
    assert [(row["state"], row["repeat_type"]) for row in rows][:2] == [
        ("completed", "immediate"),
        (None, "immediate"),
    ]
    assert {row["log_time"] for row in rows} == {None}
    assert (job["rrule"], job["scheduled_date"]) == (None, None)


async def test_a_run_can_end_in_a_state_that_is_not_documented(caller: Caller) -> None:
    caller.force("ABORTED")
    newest = (await caller.object(HISTORY))[0]
    assert (newest["state"], newest["action"]) == ("aborted", None)
    assert datetime.fromisoformat(newest["log_time"]) == START


async def test_a_row_can_be_from_the_future_above_a_failure_of_today(caller: Caller) -> None:
    caller.force("FUTURE_ROW")
    newest, before = (await caller.object(HISTORY))[:2]
    assert (newest["state"], before["state"]) == ("completed", "failure")
    assert datetime.fromisoformat(newest["log_time"]) == START + 400 * DAY
    assert datetime.fromisoformat(before["log_time"]) == START


async def test_a_history_can_vanish(caller: Caller) -> None:
    caller.force("FAILED_BEFORE")
    assert (await caller.object(HISTORY))[0]["state"] == "failure"
    caller.force("HISTORY_GONE")
    assert (await caller.get(HISTORY)).status == 204
    assert (await caller.object(DETAILS))["status"] == "SCHEDULED"


@pytest.mark.parametrize("kind", ["OLD_ANSWER", "AGED_ANSWER"])
async def test_answers_can_stand_still_with_their_date(kind: str, caller: Caller, clock: FakeClock) -> None:
    caller.force(kind)
    before = [await caller.get(path) for path in CALLS]
    await caller.clock.advance(timedelta(minutes=45))
    after = [await caller.get(path) for path in CALLS]
    assert [answer.body for answer in after] == [answer.body for answer in before]
    assert {answer.date for answer in after} == {START}
    assert {answer.headers.get("age") for answer in after} == {"2700" if kind == "AGED_ANSWER" else None}
    caller.force("SCHEDULED")
    assert (await caller.get(DETAILS)).date == START + timedelta(minutes=45)


async def test_the_org_number_can_change(caller: Caller) -> None:
    caller.force("COMPLETED")
    before = [await caller.object(path) for path in (ORG, LINKS)]
    caller.force("OTHER_ORG")
    after = [await caller.object(path) for path in (ORG, LINKS)]
    assert before[0][0]["zgid"] != after[0][0]["zgid"]
    assert after[0][0]["zgid"] in after[1]["data_links"][0]
    assert before[0][0]["company_name"] == after[0][0]["company_name"]


@pytest.mark.parametrize(
    ("kind", "attachments"), [("NO_ATTACHMENTS", []), ("ATTACHMENTS_MISSING", "missing")]
)
async def test_the_links_of_attachments_can_be_gone(kind: str, attachments: object, caller: Caller) -> None:
    caller.force(kind)
    urls = await caller.object(LINKS)
    assert urls["data_links"]
    assert urls.get("attachment_links", "missing") == attachments


@pytest.mark.parametrize("kind", sorted(UNCODED_ERRORS))
async def test_an_error_can_stand_elsewhere_than_under_code(kind: str, caller: Caller) -> None:
    caller.force(kind)
    for path in CALLS:
        answer = await caller.get(path)
        assert answer.status == UNCODED_ERRORS[kind][0]
        assert not isinstance(json.loads(answer.body).get("code"), str)


def test_a_lock_out_can_come_in_chinese(client: SimulatorClient) -> None:
    client.simulator.forced_kinds["nordlys"] = "拒绝访问"
    answer = client.refresh()  # asserts HTTP 400
    assert (answer["error"], answer["status"]) == ("拒绝访问", "failure")
    assert set(answer) == {"error", "error_description", "status"}


# A date that passes without a run


async def test_a_due_date_can_pass_without_a_run_or_a_row(caller: Caller) -> None:
    caller.force("MISSED")
    rows, due = await caller.object(HISTORY), await next_run(caller)
    assert due > START
    await caller.clock.advance(due - START - timedelta(seconds=1))
    assert await next_run(caller) == due
    for runs in (1, 2):
        await caller.clock.advance(14 * DAY)
        assert await next_run(caller) == due + runs * 14 * DAY
    later = await caller.object(HISTORY)
    assert later == [row for row in rows if row in later], "old ones go, none is new"
    assert (await caller.object(DETAILS))["status"] == "SCHEDULED"


async def next_run(caller: Caller) -> datetime:
    return datetime.fromisoformat((await caller.object(DETAILS))["scheduled_date"])


@pytest.mark.parametrize("plan", ["weekly", "biweekly", "monthly", "monthly-ordinal"])
def test_what_is_missed_goes_by_the_plan(plan: str) -> None:
    world = SimulatedWorld(START, 60, speed=0.0001)
    simulator = Simulator(world, lambda: START + 200 * DAY)
    org = next(org for org in world.all_orgs.values() if org.plan == plan and len(org.phases) == 1)
    simulator.forced_kinds[org.name] = "MISSED"
    due = datetime.fromisoformat(scheduled_date(simulator, org))
    assert START + 200 * DAY < due <= START + 270 * DAY
    first = world.anchor_run(org, world.phase_at(org, START))
    assert (due.weekday() == first.weekday()) or (plan == "monthly" and due.day == first.day)
    assert due.timetz() == first.timetz()


def scheduled_date(simulator: Simulator, org: InventedOrg) -> str:
    moment = simulator._phases_lived(org)[0]
    return str(simulator.world.backup_object(org, moment, simulator.now())["scheduled_date"])


def test_a_phase_before_a_missed_run_announces_it() -> None:
    world = SimulatedWorld(START)
    phases = (Phase("SCHEDULED", 20), Phase("MISSED", 40))
    org = replace(world.orgs["nordlys"], phases=phases)
    before, after = (
        datetime.fromisoformat(
            str(world.backup_object(org, world.phase_at(org, now), now)["scheduled_date"])
        )
        for now in (START + timedelta(seconds=19), START + timedelta(seconds=21))
    )
    assert before == START + timedelta(seconds=20)
    assert after == world.anchor_run(org, world.phase_at(org, START)) > START + DAY


# Versions


@pytest.mark.parametrize("path", CALLS)
async def test_version_8_answers_as_version_7(path: str, caller: Caller) -> None:
    caller.force("COMPLETED")
    seventh, eighth = await caller.get(path), await caller.get(path.replace("v7", "v8"))
    assert (seventh.status, seventh.body) == (eighth.status, eighth.body) == (200, seventh.body)


async def test_by_default_no_org_is_at_any_of_these(clock: FakeClock) -> None:
    documented = {
        *("SHARED_IDS", "UNDATED", "UNDATED_ONE_OFF", "ABORTED", "FUTURE_ROW", "HISTORY_GONE", "MISSED"),
        *("NO_ATTACHMENTS", "ATTACHMENTS_MISSING", "OLD_ANSWER", "AGED_ANSWER", "OTHER_ORG", "拒绝访问"),
    } | set(UNCODED_ERRORS)
    world = make_simulator(clock, orgs=500).world
    assert not documented & {phase.kind for org in world.all_orgs.values() for phase in org.phases}
