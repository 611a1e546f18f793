"""The simulator's API hosts: the access tokens that they accept, their limits, and each org's answers."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.demo.simulator_client import EU_API, SimulatorClient, error_code_in
from zbtui.demo.responses import SimulatedRequest, Site
from zbtui.demo.simulator import API_ERRORS, TOKEN_ERRORS, SimulatedResponse
from zbtui.zoho_api.backup_details import BackupState, parse_backup_response
from zbtui.zoho_api.organization import parse_organization_response

# Tokens


def test_a_token_answer_has_zohos_keys(client: SimulatorClient) -> None:
    answer = client.refresh()
    assert answer.pop("access_token").startswith("1000.")
    assert answer == {
        "scope": "ZohoCRM.bulk.backup.READ ZohoCRM.org.READ",
        "api_domain": EU_API,
        "token_type": "Bearer",
        "expires_in": 3600,
    }


@pytest.mark.parametrize(
    ("changed", "dc", "error"),
    [
        ({"client_id": "1000.NOBODY"}, "eu", "invalid_client"),
        ({"client_id": None}, "eu", "invalid_client"),
        ({}, "us", "invalid_client"),
        ({"client_secret": "wrong"}, "eu", "invalid_client_secret"),
        ({"client_secret": None}, "eu", "invalid_client_secret"),
        ({"refresh_token": "1000.revoked"}, "eu", "invalid_code"),
        ({"refresh_token": None}, "eu", "invalid_code"),
        ({"grant_type": None}, "eu", "invalid_code"),
        ({"grant_type": "client_credentials"}, "eu", "missing_org_info"),
        ({"grant_type": "client_credentials", "soid": "ZohoCRM.4"}, "eu", "missing_org_info"),
    ],
)
def test_a_wrong_sign_in_is_refused_by_zohos_word_for_it(
    changed: dict[str, str | None], dc: str, error: str, client: SimulatorClient
) -> None:
    assert client.refresh(dc, **changed) == {"error": error}


def test_client_credentials_need_the_orgs_number_and_no_refresh_token(client: SimulatorClient) -> None:
    answer = client.use_client_credentials(soid="ZohoCRM.00000000001")
    assert client.details(answer["access_token"]).status == 200


def test_client_credentials_get_the_scopes_that_they_ask_for(client: SimulatorClient) -> None:
    assert client.use_client_credentials(scope="ZohoCRM.org.READ")["scope"] == "ZohoCRM.org.READ"
    assert client.use_client_credentials()["scope"] == "ZohoCRM.bulk.backup.READ ZohoCRM.org.READ"
    assert client.use_client_credentials(scope="ZohoCRM.nonsense.READ") == {"error": "invalid_scope"}


def test_client_credentials_bring_no_refresh_token_and_have_ten_tokens(client: SimulatorClient) -> None:
    for _ in range(10):
        assert "refresh_token" not in client.use_client_credentials()
    assert client.use_client_credentials()["error"] == "Access Denied"
    assert client.access_token(), "a refresh token counts for itself"


def test_an_orgs_life_ends_its_first_token_and_a_new_sign_in_cures_it(client: SimulatorClient) -> None:
    client.org = client.simulator.world.orgs["maple"]
    assert client.refresh("ca") == {"error": "invalid_code"}
    fresh = client.exchange(client.simulator.issue_grant_code("maple"), "ca")
    renewed = client.refresh("ca", refresh_token=fresh["refresh_token"])
    assert client.details(renewed["access_token"], "ca").status == 200


@pytest.mark.parametrize("error", sorted(TOKEN_ERRORS))
def test_an_org_can_be_forced_to_any_refusal(error: str, client: SimulatorClient) -> None:
    fresh = client.exchange(client.simulator.issue_grant_code("nordlys"))["refresh_token"]
    code = client.simulator.issue_grant_code("nordlys")
    client.simulator.forced_kinds["nordlys"] = error
    answers = (
        client.refresh(),
        client.refresh(refresh_token=fresh),
        client.exchange(code),
        client.use_client_credentials(),
    )
    assert [answer["error"] for answer in answers] == [error] * 4
    del client.simulator.forced_kinds["nordlys"]
    assert "access_token" in client.exchange(code), "a code that was not exchanged is still good"


def test_ten_tokens_in_ten_minutes_are_given_and_the_eleventh_is_not(client: SimulatorClient) -> None:
    for _ in range(10):
        client.access_token()
    refused = client.refresh()
    assert (refused["error"], refused["status"]) == ("Access Denied", "failure")


async def test_ten_minutes_after_the_last_try_the_door_is_open_again(client: SimulatorClient) -> None:
    for _ in range(11):
        client.refresh()
    await client.clock.advance(timedelta(minutes=10))
    assert client.access_token()


async def test_a_try_during_the_lock_out_prolongs_it(client: SimulatorClient) -> None:
    for _ in range(11):
        client.refresh()
    for _ in range(3):
        await client.clock.advance(timedelta(minutes=9))
        assert client.refresh()["error"] == "Access Denied"
    await client.clock.advance(timedelta(minutes=10))
    assert client.access_token()


async def test_one_token_a_minute_is_never_too_many(client: SimulatorClient) -> None:
    for _ in range(40):
        assert client.access_token()
        await client.clock.advance(timedelta(minutes=1))


def test_a_wrong_secret_does_not_count_as_a_token(client: SimulatorClient) -> None:
    for _ in range(20):
        client.refresh(client_secret="wrong")
    assert client.access_token()


def test_the_lock_out_of_one_org_is_not_that_of_another(client: SimulatorClient) -> None:
    for _ in range(11):
        client.refresh()
    client.org = client.simulator.world.orgs["kestrel"]
    assert "access_token" in client.refresh("uk")


async def test_a_token_lives_for_its_hour_and_not_a_second_longer(client: SimulatorClient) -> None:
    token = client.access_token()
    await client.clock.advance(3599)
    assert client.details(token).status == 200
    await client.clock.advance(1)
    assert client.error_code(token) == "INVALID_TOKEN"


async def test_of_eleven_live_tokens_the_oldest_dies_without_notice(client: SimulatorClient) -> None:
    tokens = [client.access_token() for _ in range(10)]
    await client.clock.advance(timedelta(minutes=10))
    tokens.append(client.access_token())
    assert [client.error_code(token) for token in tokens] == ["INVALID_TOKEN"] + [None] * 10


def test_all_tokens_can_be_ended_at_once(client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.expire_tokens()
    assert client.error_code(token) == "INVALID_TOKEN"


# Details


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        ("", "AUTHENTICATION_FAILURE"),
        ("Zoho-oauthtoken", "AUTHENTICATION_FAILURE"),
        ("Bearer {token}", "AUTHENTICATION_FAILURE"),
        ("Zoho-oauthtoken 1000.nonsense", "INVALID_TOKEN"),
    ],
)
def test_only_zohos_scheme_lets_a_token_in(authorization: str, code: str, client: SimulatorClient) -> None:
    zoho, given = client.simulator, authorization.format(token=client.access_token())
    calls = zoho.details_response, zoho.history_response, zoho.links_response, zoho.organization_response
    for ask in calls:
        answer, org = ask(SimulatedRequest(Site("eu"), authorization=given))
        assert (answer.status, error_code_in(answer), org) == (401, code, None)


def test_a_fresh_token_is_refused_at_another_data_center(client: SimulatorClient) -> None:
    token = client.access_token()
    for answer in (*client.about_backups(token, dc="us"), client.company(token, dc="us")):
        assert error_code_in(answer) == "INVALID_TOKEN"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_any_method_but_get_is_refused_with_400(method: str, client: SimulatorClient) -> None:
    token = client.access_token()
    for answer in (*client.about_backups(token, method=method), client.company(token, method=method)):
        assert (answer.status, error_code_in(answer)) == (400, "INVALID_REQUEST_METHOD")


def test_a_token_without_the_scope_is_refused(client: SimulatorClient) -> None:
    client.simulator.forced_kinds["nordlys"] = "NO_SCOPE"
    for answer in client.about_backups(client.access_token()):
        assert error_code_in(answer) == "OAUTH_SCOPE_MISMATCH"


@pytest.mark.parametrize("code", sorted(API_ERRORS))
def test_each_error_comes_in_zohos_envelope_with_its_status(code: str, client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = code
    for answer in client.about_backups(token):
        envelope = json.loads(answer.body)
        assert answer.status == API_ERRORS[code][0]
        assert (envelope["code"], envelope["status"]) == (code, "error")
        assert set(envelope) == {"code", "details", "message", "status"}


def test_a_204_has_no_body(client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = "NONE"
    assert client.about_backups(token) == (SimulatedResponse(204),) * 3


def test_a_reset_is_an_error_of_the_connection(client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = "RESET"
    for ask in (client.details, client.history, client.links, client.company):
        with pytest.raises(ConnectionResetError):
            ask(token)


@pytest.mark.parametrize("kind", ["KEYRING", "NO_SCOPE", *sorted(TOKEN_ERRORS)])
def test_a_token_that_outlives_its_sign_in_sees_a_status(kind: str, client: SimulatorClient) -> None:
    """A valid access token gets the backup's status also while the org simulates a dead sign-in."""
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = kind
    answer = client.details(token)
    backup = parse_backup_response(answer.status, answer.body, "eu")
    assert backup is not None
    assert backup.state is not BackupState.UNKNOWN


# History and links


SAMPLE = {
    "id": "5100000000498022",
    "action": None,
    "state": "completed",
    "repeat_type": "biweekly",
    "file_name": None,
    "count": 0,
    "log_time": "2026-03-03T10:14:51+01:00",
    "done_by": {"id": "5100000000031009", "name": "Mara Lindqvist", "zuid": "20071234567"},
}
"""A row of the documented answer."""


def test_the_history_has_zohos_keys(client: SimulatorClient) -> None:
    answer = json.loads(client.history(client.access_token()).body)
    assert set(answer) == {"history", "info"}
    assert all(set(row) == set(SAMPLE) for row in answer["history"])
    rows = len(answer["history"])
    assert answer["info"] == {"page": 1, "per_page": 200, "count": rows, "more_records": False}


def test_the_links_have_zohos_keys(client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = "COMPLETED"
    answer = json.loads(client.links(token).body)
    assert set(answer) == {"urls"}
    assert set(answer["urls"]) == {"data_links", "attachment_links", "expiry_date"}


@pytest.mark.parametrize(
    ("query", "rows", "info"),
    [
        ({}, range(200), (1, 200, True)),
        ({"page": "2"}, range(200, 400), (2, 200, True)),
        ({"page": "3"}, range(400, 450), (3, 200, False)),
        ({"page": "9", "per_page": "50"}, range(400, 450), (9, 50, False)),
        ({"page": "8", "per_page": "50"}, range(350, 400), (8, 50, True)),
        ({"per_page": "201"}, range(200), (1, 200, True)),
        ({"page": "0", "per_page": "0"}, range(200), (1, 200, True)),
        ({"page": "-1", "per_page": "many"}, range(200), (1, 200, True)),
    ],
)
def test_the_history_comes_in_pages(
    query: dict[str, str], rows: range, info: tuple[int, int, bool], client: SimulatorClient
) -> None:
    client.simulator.forced_history["nordlys"] = [SAMPLE | {"id": str(number)} for number in range(450)]
    answer = json.loads(client.history(client.access_token(), **query).body)
    assert [row["id"] for row in answer["history"]] == [str(number) for number in rows]
    page, per_page, more = info
    assert answer["info"] == {"page": page, "per_page": per_page, "count": len(rows), "more_records": more}


def test_a_page_beyond_the_last_is_a_204(client: SimulatorClient) -> None:
    assert client.history(client.access_token(), page="2") == SimulatedResponse(204)


def test_a_history_can_be_set_and_is_shown_as_it_stands(client: SimulatorClient) -> None:
    rows = [SAMPLE | {"log_time": None}, SAMPLE | {"action": "resumed", "id": None}]
    client.simulator.forced_history["nordlys"] = rows
    assert json.loads(client.history(client.access_token()).body)["history"] == rows
    client.simulator.forced_history["nordlys"] = []
    assert client.history(client.access_token()) == SimulatedResponse(204)
    assert client.details(client.access_token()).status == 200


def test_links_can_be_set_and_taken_away(client: SimulatorClient) -> None:
    urls = {"data_links": ["https://download-accl.zoho.eu/a"]}
    client.simulator.forced_links["nordlys"] = urls
    assert json.loads(client.links(client.access_token()).body) == {"urls": urls}
    client.simulator.forced_links["nordlys"] = None
    assert client.links(client.access_token()) == SimulatedResponse(204)


@pytest.mark.parametrize(
    ("kind", "statuses"), [("HISTORY_DOWN", (200, 500, 204)), ("LINKS_DOWN", (200, 200, 500))]
)
def test_one_call_may_fail_by_itself(kind: str, statuses: tuple[int, ...], client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = kind
    answers = client.about_backups(token)
    assert tuple(answer.status for answer in answers) == statuses
    assert [error_code_in(answer) for answer in answers if answer.status == 500] == ["INTERNAL_ERROR"]
    assert json.loads(answers[0].body)["backup"]["status"] == "SCHEDULED"


def test_a_forced_kind_goes_before_what_was_set(client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_history["nordlys"] = [SAMPLE]
    client.simulator.forced_kinds["nordlys"] = "NO_PERMISSION"
    assert error_code_in(client.history(token)) == "NO_PERMISSION"


# The company


def test_the_org_call_shows_whose_org_it_is(client: SimulatorClient) -> None:
    answer = client.company(client.access_token())
    company = parse_organization_response(answer.status, answer.body, "eu")
    assert company is not None
    assert (company.name, company.org_number) == ("Nordlys Tools AB", "00000000001")
    assert (company.country, company.edition, company.org_type) == ("Sweden", "ultimate", "production")
    (org,) = json.loads(answer.body)["org"]
    assert client.org.soid == f"ZohoCRM.{org['zgid']}"
    assert org["time_zone"] == "Europe/Stockholm"


def test_without_its_scope_the_org_stays_unknown_and_the_backup_is_seen(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys", scope="ZohoCRM.bulk.backup.READ")
    token = client.exchange(code)["access_token"]
    answer = client.company(token)
    assert (answer.status, error_code_in(answer)) == (401, "OAUTH_SCOPE_MISMATCH")
    assert client.details(token).status == 200


def test_the_scope_for_all_covers_reading(client: SimulatorClient) -> None:
    code = client.simulator.issue_grant_code("nordlys", scope="ZohoCRM.bulk.backup.ALL,ZohoCRM.org.ALL")
    token = client.exchange(code)["access_token"]
    assert (client.details(token).status, client.company(token).status) == (200, 200)


@pytest.mark.parametrize("kind", ["NO_PERMISSION", "OAUTH_SCOPE_MISMATCH", "NONE", "EMPTY", "FAILED"])
def test_a_fault_of_backups_only_leaves_the_org_call_alone(kind: str, client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = kind
    assert client.company(token).status == 200


@pytest.mark.parametrize(
    ("kind", "status"),
    [("OUTAGE", 503), ("TOO_MANY_REQUESTS", 429), ("NO_API_ACCESS", 403), ("INTERNAL_ERROR", 500)],
)
def test_a_fault_of_the_host_hits_the_org_call_too(kind: str, status: int, client: SimulatorClient) -> None:
    token = client.access_token()
    client.simulator.forced_kinds["nordlys"] = kind
    assert client.company(token).status == status
