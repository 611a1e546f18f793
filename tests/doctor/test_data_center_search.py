"""The search for the right data center, on request: each other data center is asked once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.doctor.doctor_environment import DoctorEnvironment, RecordingClock, doctor_environment
from tests.support.simulator import sign_in_of
from zbtui.demo.accounts import (
    DEFAULT_SCOPES,
    DEVICE_CLIENT,
    REGIONAL_CLIENT,
    RegisteredClient,
    TokenSource,
)
from zbtui.doctor import Finding, FindingLevel
from zbtui.doctor.data_center_search import find_data_center
from zbtui.model.problem import ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.store.credentials import MemoryCredentialStore
from zbtui.watch.token_broker import TokenBroker
from zbtui.zoho_api.data_centers import DATA_CENTERS

HOSTS = {key: dc.accounts_url.removeprefix("https://") for key, dc in DATA_CENTERS.items()}


@pytest.fixture
def clock() -> RecordingClock:
    return RecordingClock()


@pytest.fixture
async def scene(clock: RecordingClock) -> AsyncIterator[DoctorEnvironment]:
    async with doctor_environment(clock=clock) as made:
        yield made


async def data_center_finding(scene: DoctorEnvironment, *, searching: bool = True) -> Finding:
    return (await scene.org_findings(searching=searching))["data center"]


async def sign_in_by(scene: DoctorEnvironment, client: RegisteredClient, at: str) -> None:
    """Sign in with a client known to all data centers, with its secret at the data center `at`."""
    org = scene.simulator.world.all_orgs["nordlys"]
    token = scene.simulator.accounts.add_refresh_token(TokenSource(client.client_id, org, DEFAULT_SCOPES))
    scene.change_org("nordlys", client_id=client.client_id)
    sign_in = SignInCredentials(Secret(client.secret_for(at)), Secret(token))
    await scene.credentials.write_sign_in(scene.orgs[0], sign_in)


async def test_it_is_found_and_the_setting_is_shown(scene: DoctorEnvironment) -> None:
    scene.change_org("nordlys", data_center="jp")
    place = await data_center_finding(scene)
    assert (place.level, place.code) == (FindingLevel.PROBLEM, "WRONG_DATA_CENTER")
    assert place.message == "It belongs to EU, and is set to JP."
    assert place.hint == 'Set it with e in the app, or data_center = "eu" in the config.'


async def test_the_others_are_asked_in_turn_with_a_pause_until_a_yes(
    clock: RecordingClock, scene: DoctorEnvironment
) -> None:
    scene.change_org("nordlys", data_center="jp")
    await data_center_finding(scene)
    assert scene.token_hosts == [HOSTS["jp"], HOSTS["us"], HOSTS["eu"]]
    assert clock.waits == [1.0]


async def test_where_nobody_knows_it_each_was_asked_once(
    clock: RecordingClock, scene: DoctorEnvironment
) -> None:
    scene.simulator.forced_kinds["nordlys"] = "invalid_code"
    place = await data_center_finding(scene)
    assert (place.level, place.message) == (FindingLevel.REMARK, "No other data center knows it.")
    assert sorted(scene.token_hosts) == sorted(HOSTS.values())
    assert clock.waits == [1.0] * 9


async def test_without_the_request_nobody_else_is_asked(scene: DoctorEnvironment) -> None:
    scene.change_org("nordlys", data_center="jp")
    place = await data_center_finding(scene, searching=False)
    assert (place.level, place.code) == (FindingLevel.REMARK, "NOT_CHECKED")
    assert scene.token_hosts == [HOSTS["jp"]]


@pytest.mark.parametrize("kind", ["SCHEDULED", "NO_SCOPE", "NO_PERMISSION", "OUTAGE", "Access Denied"])
async def test_for_any_other_problem_nobody_else_is_asked(kind: str, scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = kind
    await data_center_finding(scene)
    assert set(scene.token_hosts) == {HOSTS["eu"]}


async def test_a_dead_token_of_a_known_client_is_found_where_it_lives(scene: DoctorEnvironment) -> None:
    await sign_in_by(scene, DEVICE_CLIENT, "eu")
    scene.change_org("nordlys", data_center="us")
    found = await scene.org_findings(searching=True)
    assert found["token"].code == "invalid_code"
    assert found["data center"].message == "It belongs to EU, and is set to US."


async def test_a_fresh_token_that_is_refused_is_searched_for_too(scene: DoctorEnvironment) -> None:
    scene.simulator.forced_kinds["nordlys"] = "INVALID_TOKEN"
    place = await data_center_finding(scene)
    assert (place.level, place.code) == (FindingLevel.PROBLEM, "INVALID_TOKEN")
    assert place.message == "Zoho refuses a fresh access token. No other data center knows it."
    assert len(scene.token_hosts) == len(HOSTS)


async def test_the_secret_of_another_data_center_is_shown_whose_it_is(scene: DoctorEnvironment) -> None:
    await sign_in_by(scene, REGIONAL_CLIENT, "in")
    place = await data_center_finding(scene)
    assert place.message == "No other data center knows it. But client and secret are those of IN."
    assert "else with the client of EU" in str(place.hint)


async def test_a_client_that_is_known_elsewhere_by_another_secret_is_shown(
    scene: DoctorEnvironment,
) -> None:
    scene.change_org("nordlys", data_center="jp")
    invented = scene.simulator.world.all_orgs["nordlys"]
    old = SignInCredentials(Secret("an old secret"), Secret(invented.refresh_token))
    await scene.credentials.write_sign_in(scene.orgs[0], old)
    place = await data_center_finding(scene)
    assert "But EU knows the client, with another secret." in place.message
    assert "with the secret of that data center" in str(place.hint)


async def test_a_data_center_that_gives_no_clear_answer_is_named(scene: DoctorEnvironment) -> None:
    scene.change_org("nordlys", data_center="jp")
    scene.simulator.forced_kinds["nordlys"] = "Access Denied"
    place = await data_center_finding(scene)
    assert place.message == "No other data center knows it. No clear answer came from EU."


async def test_an_org_that_was_taken_off_meanwhile_is_searched_for_nowhere(
    clock: RecordingClock, scene: DoctorEnvironment
) -> None:
    tokens = TokenBroker(scene.doctor.http, scene.doctor.journal, clock)
    with pytest.raises(ProblemError) as caught:
        await find_data_center(scene.orgs[0], MemoryCredentialStore(), tokens, clock)
    assert caught.value.problem.kind == "auth"
    assert scene.token_hosts == []


async def test_the_keyring_and_the_config_are_left_as_they_were(scene: DoctorEnvironment) -> None:
    org = scene.change_org("nordlys", data_center="jp")
    await data_center_finding(scene)
    assert await scene.credentials.read_access_token(scene.orgs[0]) is None
    assert await scene.credentials.read_sign_in(scene.orgs[0]) == sign_in_of(
        scene.simulator.world.all_orgs["nordlys"]
    )
    assert scene.orgs == [org]


async def test_a_search_again_and_again_leads_to_no_lock_out(scene: DoctorEnvironment) -> None:
    await sign_in_by(scene, DEVICE_CLIENT, "eu")
    scene.change_org("nordlys", data_center="us")
    for _ in range(15):
        await data_center_finding(scene)
    assert scene.token_hosts.count(HOSTS["eu"]) <= 9
    scene.change_org("nordlys", data_center="eu")
    assert (await scene.org_findings())["token"].code == "TOKEN_BUDGET"  # zbtui's own budget


async def test_the_secret_of_an_org_with_hosts_of_its_own_goes_nowhere_else(
    scene: DoctorEnvironment,
) -> None:
    scene.change_org(
        "nordlys",
        data_center="custom",
        accounts_url="https://accounts.example.com",
        api_url="https://api.example.com",
    )
    found = await scene.org_findings(searching=True)
    assert found["token"].code == "invalid_client"
    assert (found["data center"].code, found["data center"].hint) == ("NOT_CHECKED", None)
    assert scene.token_hosts == ["accounts.example.com"]
