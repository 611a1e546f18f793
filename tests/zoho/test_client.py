"""The call for backup details: its request, and how answers and errors are read."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.support.fake_clock import START, FakeClock
from tests.support.samples import make_job
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server, sign_in_of
from tests.zoho.canned_responses import CannedResponse, full_error_text, json_response
from tests.zoho_api.test_errors import API_ERRORS as DOCUMENTED_ERRORS
from zbtui.demo.server import serve_in_process
from zbtui.demo.simulator import API_ERRORS, Simulator
from zbtui.health.snapshot import Observation
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret
from zbtui.zoho.client import fetch_details
from zbtui.zoho.http import HttpClient
from zbtui.zoho.oauth import request_access_token
from zbtui.zoho_api.backup_details import BackupState
from zbtui.zoho_api.data_centers import data_center_of

ACCESS = AccessToken(Secret("1000.aa.bb"), "https://www.zohoapis.eu", START + timedelta(hours=1))
JOB = make_job()


async def fetch(app: CannedResponse) -> Observation:
    async with HttpClient(app) as http:
        return await fetch_details(http, ACCESS, "eu", START)


async def problem_of(app: CannedResponse) -> Problem:
    with pytest.raises(ProblemError) as caught:
        await fetch(app)
    assert "1000.aa.bb" not in full_error_text(caught.value)
    return caught.value.problem


async def test_it_gets_the_documented_path_with_the_token_in_zohos_own_scheme() -> None:
    app = json_response({"backup": JOB})
    await fetch(app)
    asked = app.requests[0]
    assert (asked.method, asked.host, asked.path) == ("GET", "www.zohoapis.eu", "/crm/bulk/v7/backup")
    assert (asked.query, asked.body) == ("", "")
    assert asked.headers["authorization"] == "Zoho-oauthtoken 1000.aa.bb"


async def test_a_good_answer_gives_the_backup_zohos_clock_and_the_credits_that_remain() -> None:
    date = format_datetime(START + timedelta(minutes=2), usegmt=True)
    observation = await fetch(json_response({"backup": JOB}, Date=date, X_API_CREDITS_REMAINING="1840"))
    assert observation.backup is not None
    assert observation.backup.as_dict() == JOB
    assert observation.server_time == START + timedelta(minutes=2)
    assert observation.credits_remaining == 1840


async def test_clock_and_credits_are_not_known_where_zoho_does_not_show_them() -> None:
    observation = await fetch(json_response({"backup": JOB}))
    assert (observation.server_time, observation.credits_remaining) == (None, None)


@pytest.mark.parametrize(
    ("status", "body"),
    [(204, b""), (200, b""), (200, b"{}"), (200, b'{"backup":null}'), (200, b'{"backup":{}}')],
)
async def test_a_204_and_its_kin_mean_that_no_backup_is_set_up(status: int, body: bytes) -> None:
    assert (await fetch(CannedResponse(status, body))).backup is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_an_error_that_names_when_to_come_back_is_taken_at_its_word(status: int) -> None:
    problem = await problem_of(CannedResponse(status, b"", {"Retry-After": "120"}))
    assert problem.retry_at == START + timedelta(seconds=120)


async def test_an_error_that_does_not_name_it_leaves_the_moment_open() -> None:
    assert (await problem_of(CannedResponse(503))).retry_at is None


async def test_an_error_inside_the_backup_is_read_as_one_at_the_top() -> None:
    envelope = {"code": "NO_PERMISSION", "details": [], "message": "", "status": "error"}
    assert (await problem_of(json_response({"backup": envelope}, 403))).code == "NO_PERMISSION"


# Against the simulated Zoho, inside the process and on a real port


@dataclass
class HttpPath:
    """A path to the simulator: inside the process, or over a port."""

    simulator: Simulator
    port: SimulatorServer | None

    @asynccontextmanager
    async def signed_in(self, name: str) -> AsyncIterator[tuple[HttpClient, Org, AccessToken]]:
        invented = self.simulator.world.orgs[name]
        org = self.port.org(name) if self.port else Org(name, invented.data_center, invented.client_id)
        app = None if self.port else serve_in_process(self.simulator)
        async with HttpClient(app) as http:
            access = await request_access_token(http, org, data_center_of(org), sign_in_of(invented), START)
            yield http, org, access


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[SimulatorServer, FakeClock]]:
    clock = FakeClock()
    with run_simulator_server(make_simulator(clock)) as port:
        yield port, clock


@pytest.fixture(params=["in the process", "on a port"])
def wire(request: pytest.FixtureRequest, served: tuple[SimulatorServer, FakeClock]) -> HttpPath:
    if request.param == "in the process":
        return HttpPath(make_simulator(), None)
    port, clock = served
    clock.jump_wall_clock(timedelta(hours=1))  # so late that the tokens of the test before no longer count
    port.simulator.forced_kinds.clear()
    return HttpPath(port.simulator, port)


API_KINDS = list(dict.fromkeys(row[1:] for row in DOCUMENTED_ERRORS))
"""Code, kind, and whether the problem is final."""


async def forced_problem(forced: str, wire: HttpPath) -> Problem:
    """The problem of a call to the simulator, which is forced to answer in this way."""
    async with wire.signed_in("nordlys") as (http, org, access):
        wire.simulator.forced_kinds["nordlys"] = forced
        with pytest.raises(ProblemError) as caught:
            await fetch_details(http, access, org.data_center, START)
    return caught.value.problem


@pytest.mark.parametrize(("code", "kind", "final"), API_KINDS)
async def test_each_error_of_the_api_host_has_its_kind(
    code: str, kind: str, final: bool, wire: HttpPath
) -> None:
    problem = await forced_problem(code, wire)
    assert (problem.kind, problem.code, problem.final) == (kind, code, final)
    assert problem.http_status == API_ERRORS[code][0]
    assert code not in problem.message
    assert problem.hint


def test_every_error_that_the_simulator_knows_is_in_the_table_above() -> None:
    assert {code for code, _, _ in API_KINDS} == set(API_ERRORS)


@pytest.mark.parametrize(
    ("forced", "kind", "code", "status"),
    [
        ("OUTAGE", "server", None, 503),
        ("HTML", "contract", None, 200),
        ("NO_API_ACCESS", "permission", "NO_PERMISSION", 403),
    ],
)
async def test_what_else_the_simulator_breaks_has_its_kind_too(
    forced: str, kind: str, code: str | None, status: int, wire: HttpPath
) -> None:
    problem = await forced_problem(forced, wire)
    assert (problem.kind, problem.code, problem.http_status) == (kind, code, status)


async def test_a_profile_without_api_access_is_distinguished_from_a_user_who_is_no_administrator(
    wire: HttpPath,
) -> None:
    assert "administrator" in (await forced_problem("NO_PERMISSION", wire)).message
    assert "API access" in (await forced_problem("NO_API_ACCESS", wire)).message


@pytest.mark.parametrize("status", ["SCHEDULED", "INPROGRESS", "COMPLETED", "FAILED", "STOPPED"])
async def test_each_status_of_a_backup_arrives(status: str, wire: HttpPath) -> None:
    async with wire.signed_in("nordlys") as (http, org, access):
        wire.simulator.forced_kinds["nordlys"] = status
        observation = await fetch_details(http, access, org.data_center, START)
    assert observation.backup is not None
    assert observation.backup.state is BackupState[status]
    assert observation.server_time is not None


@pytest.mark.parametrize("forced", ["NONE", "EMPTY"])
async def test_an_org_without_a_backup_has_none(forced: str, wire: HttpPath) -> None:
    async with wire.signed_in("nordlys") as (http, org, access):
        wire.simulator.forced_kinds["nordlys"] = forced
        assert (await fetch_details(http, access, org.data_center, START)).backup is None


async def test_a_fresh_token_at_another_data_centers_host_is_refused_and_the_hint_names_ours(
    wire: HttpPath,
) -> None:
    async with wire.signed_in("nordlys") as (http, _, access):
        elsewhere = access.api_url.replace(".eu", ".in").replace("/eu", "/in")
        assert elsewhere != access.api_url
        lost = AccessToken(access.token, elsewhere, access.expires_at)
        with pytest.raises(ProblemError) as caught:
            await fetch_details(http, lost, "eu", START)
    problem = caught.value.problem
    assert (problem.kind, problem.code, problem.http_status) == ("auth", "INVALID_TOKEN", 401)
    assert "EU" in problem.hint


async def test_a_sign_in_at_another_data_centers_accounts_host_is_an_unknown_client(wire: HttpPath) -> None:
    async with wire.signed_in("nordlys") as (http, org, _):
        invented = wire.simulator.world.orgs["nordlys"]
        dc = data_center_of(org)
        elsewhere = replace(
            dc, key="in", accounts_url=dc.accounts_url.replace(".eu", ".in").replace("/eu", "/in")
        )
        with pytest.raises(ProblemError) as caught:
            await request_access_token(http, org, elsewhere, sign_in_of(invented), START)
    assert caught.value.problem.code == "invalid_client"
    assert "IN" in caught.value.problem.hint, "where it was asked"


async def test_the_body_of_an_answer_is_read_whatever_the_page_around_it_says() -> None:
    """Zoho sometimes sends JSON as `text/html`; only the body counts."""
    answer = CannedResponse(200, json.dumps({"backup": JOB}).encode(), {"Content-Type": "text/html"})
    assert (await fetch(answer)).backup is not None
