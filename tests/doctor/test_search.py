"""The right data center, found on request: each of the others is asked, once."""

from __future__ import annotations

import pytest

from tests.doctor.scene import HastyClock, Practice, practice
from tests.support.zoho import sign_in_of
from zbtui.core.data_centers import DATA_CENTERS
from zbtui.core.secret import Secret, SignIn
from zbtui.core.trouble import TroubleError
from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, USUAL_SCOPES, Client, Source
from zbtui.doctor import Finding, Level
from zbtui.doctor.search import find_data_center
from zbtui.store.memory import MemoryCredentials
from zbtui.tokens import TokenDesk

HOSTS = {key: dc.accounts_url.removeprefix("https://") for key, dc in DATA_CENTERS.items()}


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


async def place_of(scene: Practice, *, searching: bool = True) -> Finding:
    return (await scene.org(searching=searching))["data center"]


async def sign_in_by(scene: Practice, client: Client, at: str) -> None:
    """With a client that all data centers know, and its secret at one of them."""
    org = scene.simulator.world.every["nordlys"]
    token = scene.simulator.accounts.keep_refresh_token(Source(client.client_id, org, USUAL_SCOPES))
    scene.set("nordlys", client_id=client.client_id)
    sign_in = SignIn(Secret(client.secret_at(at)), Secret(token))
    await scene.credentials.write_sign_in("nordlys", sign_in)


async def test_it_is_found_and_told_how_to_set_it(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.set("nordlys", data_center="jp")
        place = await place_of(scene)
        assert (place.level, place.code) == (Level.PROBLEM, "WRONG_DATA_CENTER")
        assert place.message == "It belongs to EU, and is set to JP."
        assert place.hint == 'Set it with e in the app, or data_center = "eu" in the config.'


async def test_the_others_are_asked_in_turn_with_a_pause_and_the_first_yes_ends_it(
    clock: HastyClock,
) -> None:
    async with practice(clock=clock) as scene:
        scene.set("nordlys", data_center="jp")
        await place_of(scene)
        assert scene.token_hosts == [HOSTS["jp"], HOSTS["us"], HOSTS["eu"]]
        assert clock.waits == [1.0]


async def test_where_nobody_knows_it_each_was_asked_once(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.simulator.forced["nordlys"] = "invalid_code"
        place = await place_of(scene)
        assert (place.level, place.message) == (Level.REMARK, "No other data center knows it.")
        assert sorted(scene.token_hosts) == sorted(HOSTS.values())
        assert clock.waits == [1.0] * 9


async def test_without_the_request_nobody_else_is_asked(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.set("nordlys", data_center="jp")
        place = await place_of(scene, searching=False)
        assert (place.level, place.code) == (Level.REMARK, "NOT_CHECKED")
        assert scene.token_hosts == [HOSTS["jp"]]


@pytest.mark.parametrize("kind", ["SCHEDULED", "NO_SCOPE", "NO_PERMISSION", "OUTAGE", "Access Denied"])
async def test_for_any_other_trouble_nobody_else_is_asked(clock: HastyClock, kind: str) -> None:
    async with practice(clock=clock) as scene:
        scene.simulator.forced["nordlys"] = kind
        await place_of(scene)
        assert set(scene.token_hosts) == {HOSTS["eu"]}


async def test_a_dead_token_of_a_client_that_all_know_is_found_where_it_lives(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        await sign_in_by(scene, DEVICE_CLIENT, "eu")
        scene.set("nordlys", data_center="us")
        found = await scene.org(searching=True)
        assert found["token"].code == "invalid_code"
        assert found["data center"].message == "It belongs to EU, and is set to US."


async def test_a_fresh_token_that_is_refused_is_searched_for_too(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.simulator.forced["nordlys"] = "INVALID_TOKEN"
        place = await place_of(scene)
        assert (place.level, place.code) == (Level.PROBLEM, "INVALID_TOKEN")
        assert place.message == "Zoho refuses a fresh access token. No other data center knows it."
        assert len(scene.token_hosts) == len(HOSTS)


async def test_the_secret_of_another_data_center_is_told_whose_it_is(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        await sign_in_by(scene, REGIONAL_CLIENT, "in")
        place = await place_of(scene)
        assert place.message == "No other data center knows it. But client and secret are those of IN."
        assert "else with the client of EU" in str(place.hint)


async def test_a_client_that_is_known_elsewhere_by_another_secret_is_told(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.set("nordlys", data_center="jp")
        invented = scene.simulator.world.every["nordlys"]
        old = SignIn(Secret("an old secret"), Secret(invented.refresh_token))
        await scene.credentials.write_sign_in("nordlys", old)
        place = await place_of(scene)
        assert "But EU knows the client, with another secret." in place.message
        assert "with the secret of that data center" in str(place.hint)


async def test_a_data_center_that_gives_no_clear_answer_is_named(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.set("nordlys", data_center="jp")
        scene.simulator.forced["nordlys"] = "Access Denied"
        place = await place_of(scene)
        assert place.message == "No other data center knows it. No clear answer came from EU."


async def test_an_org_that_was_taken_off_meanwhile_is_searched_for_nowhere(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        tokens = TokenDesk(scene.doctor.http, scene.doctor.journal, clock)
        with pytest.raises(TroubleError) as caught:
            await find_data_center(scene.orgs[0], MemoryCredentials(), tokens, clock)
        assert caught.value.trouble.kind == "auth"
        assert scene.token_hosts == []


async def test_the_keyring_and_the_config_are_left_as_they_were(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        org = scene.set("nordlys", data_center="jp")
        await place_of(scene)
        assert await scene.credentials.read_access("nordlys") is None
        assert await scene.credentials.read_sign_in("nordlys") == sign_in_of(
            scene.simulator.world.every["nordlys"]
        )
        assert scene.orgs == [org]


async def test_a_search_again_and_again_leads_to_no_lock_out(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        await sign_in_by(scene, DEVICE_CLIENT, "eu")
        scene.set("nordlys", data_center="us")
        for _ in range(15):
            await place_of(scene)
        assert scene.token_hosts.count(HOSTS["eu"]) <= 9
        scene.set("nordlys", data_center="eu")
        assert (await scene.org())["token"].code == "TOKEN_BUDGET"  # ours, and not Zoho's


async def test_the_secret_of_an_org_with_hosts_of_its_own_goes_nowhere_else(clock: HastyClock) -> None:
    async with practice(clock=clock) as scene:
        scene.set(
            "nordlys",
            data_center="custom",
            accounts_url="https://accounts.example.com",
            api_url="https://api.example.com",
        )
        found = await scene.org(searching=True)
        assert found["token"].code == "invalid_client"
        assert (found["data center"].code, found["data center"].hint) == ("NOT_CHECKED", None)
        assert scene.token_hosts == ["accounts.example.com"]
