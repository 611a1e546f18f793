"""The simulator's token endpoint: codes of self clients, refresh tokens, limits, and revoking."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.demo.simulator_client import EU_API, SimulatorClient
from zbtui.demo.accounts import DEVICE_CLIENT, REGIONAL_CLIENT, WEB_CLIENT, RegisteredClient, self_client
from zbtui.demo.responses import SimulatedRequest, Site
from zbtui.demo.token_endpoints import issue_grant_code, revoke_token

# Codes of a self client


def test_the_first_tokens_are_the_answer_to_a_refresh_and_a_refresh_token(client: SimulatorClient) -> None:
    answer = client.exchange(client.simulator.issue_grant_code("nordlys"))
    assert answer.pop("access_token").startswith("1000.demo-access-")
    fresh = answer.pop("refresh_token")
    assert fresh.startswith("1000.demo-refresh-token-")
    assert answer == {
        "scope": "ZohoCRM.bulk.backup.READ ZohoCRM.org.READ",
        "api_domain": EU_API,
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    renewed = client.refresh(refresh_token=fresh)
    assert "refresh_token" not in renewed, "no new one comes of a refresh"
    assert client.details(renewed["access_token"]).status == 200


def test_a_code_has_the_two_dots_of_zohos(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys")
    assert code.startswith("1000.demo-grant-")
    assert code.count(".") == 2


def test_a_code_works_once(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys")
    assert "access_token" in client.exchange(code)
    assert client.exchange(code) == {"error": "invalid_code"}


@pytest.mark.parametrize("minutes", [3, 5, 7, 10])
async def test_a_code_lives_for_just_the_minutes_chosen(minutes: int, client: SimulatorClient) -> None:
    early, late = (client.simulator.issue_grant_code("nordlys", minutes) for _ in range(2))
    await client.clock.advance(timedelta(minutes=minutes, seconds=-1))
    assert "access_token" in client.exchange(early)
    await client.clock.advance(1)
    assert client.exchange(late) == {"error": "invalid_code"}


@pytest.mark.parametrize("minutes", [0, 1, 4, 11])
def test_the_console_offers_no_other_minutes(minutes: int, client: SimulatorClient) -> None:
    with pytest.raises(ValueError, match="3, 5, 7, 10"):
        client.simulator.issue_grant_code("nordlys", minutes)


def test_the_console_knows_no_scope_that_does_not_exist(client: SimulatorClient) -> None:
    with pytest.raises(ValueError, match="invalid_scope"):
        client.simulator.issue_grant_code("nordlys", scope="ZohoCRM.bulk.backup.READ,ZohoCRM.backups.READ")


def test_what_was_chosen_is_what_is_granted_now_and_at_each_refresh(client: SimulatorClient) -> None:
    first = client.exchange(client.simulator.issue_grant_code("nordlys", scope="ZohoCRM.bulk.backup.READ"))
    assert first["scope"] == "ZohoCRM.bulk.backup.READ"
    assert client.refresh(refresh_token=first["refresh_token"])["scope"] == "ZohoCRM.bulk.backup.READ"


def test_a_sign_in_can_be_made_to_miss_scopes_that_it_asked_for(client: SimulatorClient) -> None:
    client.simulator.missing_scopes["nordlys"] = {"ZohoCRM.bulk.backup.READ"}
    first = client.exchange(client.simulator.issue_grant_code("nordlys"))
    assert first["scope"] == "ZohoCRM.org.READ"
    assert client.error_code(first["access_token"]) == "OAUTH_SCOPE_MISMATCH"


@pytest.mark.parametrize("code", ["1000.demo-grant-000001.999999", "", "nonsense"])
def test_an_unknown_code_is_refused(code: str, client: SimulatorClient) -> None:
    assert client.exchange(code) == {"error": "invalid_code"}


def test_a_code_is_of_no_use_to_another_client(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys")
    client.org = client.simulator.world.orgs["tern"]
    assert client.exchange(code) == {"error": "invalid_code"}
    client.org = client.simulator.world.orgs["nordlys"]
    assert "access_token" in client.exchange(code), "and not spent by it"


def test_a_self_client_is_known_at_its_own_data_center_only(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys")
    for dc in ("us", "in", "uk"):
        assert client.exchange(code, dc) == {"error": "invalid_client"}


def test_newcomers_sign_in_like_all_others(client: SimulatorClient) -> None:
    client.org = client.simulator.world.unwatched_orgs["saffron"]
    token = client.exchange(client.simulator.issue_grant_code("saffron"), "in")["access_token"]
    answer = client.company(token, "in")
    assert json.loads(answer.body)["org"][0]["company_name"] == "Saffron Route Spices"
    assert client.details(token, "in").status == 200


# Clients


@pytest.mark.parametrize("registered", [DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT])
def test_only_self_clients_have_credentials(registered: RegisteredClient, client: SimulatorClient) -> None:
    answer = client.post_token_request(
        "eu", registered, grant_type="client_credentials", soid=client.org.soid
    )
    assert answer == {"error": "invalid_client"}


def test_a_device_client_has_no_codes_to_exchange(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys")
    answer = client.post_token_request("eu", DEVICE_CLIENT, grant_type="authorization_code", code=code)
    assert answer == {"error": "invalid_client"}


def test_a_refresh_token_is_of_no_use_to_another_client(client: SimulatorClient) -> None:
    token = client.org.refresh_token
    answer = client.post_token_request("eu", WEB_CLIENT, grant_type="refresh_token", refresh_token=token)
    assert answer == {"error": "invalid_code"}


def test_the_secret_of_another_data_center_is_wrong_where_each_has_its_own(client: SimulatorClient) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": "1000.none"}
    american = REGIONAL_CLIENT.secret_for("us")
    assert client.post_token_request("eu", REGIONAL_CLIENT, **form) == {"error": "invalid_code"}
    assert client.post_token_request("eu", REGIONAL_CLIENT, **form, client_secret=american) == {
        "error": "invalid_client_secret"
    }


def test_no_client_shows_its_secrets() -> None:
    for client in (DEVICE_CLIENT, WEB_CLIENT, REGIONAL_CLIENT):
        assert "demo-client-secret" not in repr(client)


# Limits


def test_each_refresh_token_has_ten_tokens_in_ten_minutes_in_all(client: SimulatorClient) -> None:
    fresh = client.exchange(client.simulator.issue_grant_code("nordlys"))["refresh_token"]
    for _ in range(9):
        assert "access_token" in client.refresh(refresh_token=fresh)
    assert client.refresh(refresh_token=fresh)["error"] == "Access Denied"
    assert client.access_token(), "the org's other refresh token is not locked"


def test_each_refresh_token_has_its_own_ten_live_tokens(client: SimulatorClient) -> None:
    first = client.access_token()
    fresh = client.exchange(client.simulator.issue_grant_code("nordlys"))["refresh_token"]
    for _ in range(9):
        client.refresh(refresh_token=fresh)
    assert client.error_code(first) is None


def test_of_twenty_one_refresh_tokens_the_oldest_is_deleted_without_notice(client: SimulatorClient) -> None:
    fresh = [
        client.exchange(client.simulator.issue_grant_code("nordlys"))["refresh_token"] for _ in range(20)
    ]
    assert client.refresh() == {"error": "invalid_code"}, "the one that was there first"
    assert all("access_token" in client.refresh(refresh_token=token) for token in fresh)


def test_twenty_refresh_tokens_are_of_one_person_and_one_client(client: SimulatorClient) -> None:
    for _ in range(20):
        code = client.simulator.issue_grant_code("tern")
        client.post_token_request(
            "eu",
            self_client(client.simulator.world.orgs["tern"]),
            grant_type="authorization_code",
            code=code,
        )
    assert client.access_token()


# Revoking


def test_a_revoked_refresh_token_is_dead_and_its_access_tokens_with_it(client: SimulatorClient) -> None:
    first = client.exchange(client.simulator.issue_grant_code("nordlys"))
    other = client.access_token()
    answer = client.revoke(first["refresh_token"])
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "success"})
    assert client.refresh(refresh_token=first["refresh_token"]) == {"error": "invalid_code"}
    assert client.error_code(first["access_token"]) == "INVALID_TOKEN"
    assert client.error_code(other) is None, "made from another one"


def test_the_token_to_revoke_may_stand_in_the_query(client: SimulatorClient) -> None:
    call = SimulatedRequest(Site("eu"), "POST", {"token": client.org.refresh_token})
    answer, org = revoke_token(client.simulator, call)
    assert (answer.status, org) == (200, "nordlys")


@pytest.mark.parametrize("token", ["", "1000.none"])
def test_an_unknown_token_cannot_be_revoked(token: str, client: SimulatorClient) -> None:
    assert client.revoke(token).status == 400


def test_a_token_is_revoked_once_and_at_its_own_data_center(client: SimulatorClient) -> None:
    assert client.revoke(client.org.refresh_token, "us").status == 400
    assert client.revoke(client.org.refresh_token).status == 200
    assert client.revoke(client.org.refresh_token).status == 400


# The console


def test_the_console_gives_a_code_as_plain_text(client: SimulatorClient) -> None:
    call = SimulatedRequest(
        Site("eu"), query={"org": "nordlys", "minutes": "3", "scope": "ZohoCRM.org.READ"}
    )
    answer, org = issue_grant_code(client.simulator, call)
    assert (answer.status, org) == (200, "nordlys")
    assert answer.content_type.startswith("text/plain")
    assert client.exchange(answer.body.decode().strip())["scope"] == "ZohoCRM.org.READ"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({}, 404),
        ({"org": "nobody"}, 404),
        ({"org": "kestrel"}, 404),  # of another data center
        ({"org": "nordlys", "minutes": "4"}, 400),
        ({"org": "nordlys", "minutes": "many"}, 400),
        ({"org": "nordlys", "scope": "nonsense"}, 400),
    ],
)
def test_the_console_gives_nothing_that_zohos_would_not(
    query: dict[str, str], status: int, client: SimulatorClient
) -> None:
    assert issue_grant_code(client.simulator, SimulatedRequest(Site("eu"), query=query))[0].status == status
