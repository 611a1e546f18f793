"""Signing in: from what a person types to an org under watch, each way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.onboarding.onboarding_environment import (
    COMMENTED_CONFIG,
    DETAILS_PATH,
    METHODS_WITH_REFRESH_TOKEN,
    ORG_PATH,
    OnboardingEnvironment,
    problem_of,
    refresh_token_of,
)
from zbtui.model.org import SIGN_IN_METHODS, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, RequestingFromZoho
from zbtui.onboarding.sign_in_flow import SignInPreview
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.zoho_api.errors import BACKUP_SCOPE
from zbtui.zoho_api.organization import Company


async def sign_in_as_typed(
    home: OnboardingEnvironment, way: SignInMethod = "refresh-token"
) -> SignInPreview:
    """A sign-in that is not kept yet."""
    typed = home.input_for(way)
    return await home.sign_in(home.begin_sign_in(typed), typed)


# A good end


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_each_way_ends_in_config_keyring_and_journal(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    await environment.add_org(way)
    (org,) = environment.orgs
    assert org == replace(typed.org, grant=grant_for(way))
    sign_in, access = environment.keyring.entries["heron"]
    assert sign_in is not None
    assert sign_in.client_secret == Secret(typed.secret)
    assert access is not None
    assert access.is_usable(environment.clock.now())
    assert access.api_url == "https://www.zohoapis.eu"
    known = environment.journal.load_all([org])["heron"]
    assert known.company_name == "Heron Lake Instruments"
    assert known.zoho.backup is not None
    assert known.zoho.backup.status == "SCHEDULED"


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_what_zoho_grants_is_what_is_kept(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    await environment.add_org(way)
    assert environment.live_refresh_tokens(way) == [refresh_token_of(environment.keyring.sign_ins["heron"])]


async def test_a_pasted_refresh_token_is_kept_as_it_is(environment: OnboardingEnvironment) -> None:
    typed = environment.input_for()
    await environment.add_org()
    assert environment.keyring.sign_ins["heron"] == SignInCredentials(
        Secret(typed.secret), Secret(typed.code_or_token or "")
    )


async def test_client_credentials_need_no_refresh_token(environment: OnboardingEnvironment) -> None:
    await environment.add_org("client-credentials")
    assert environment.keyring.sign_ins["heron"].refresh_token is None


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_before_it_is_kept_nothing_is(environment: OnboardingEnvironment, way: SignInMethod) -> None:
    before = environment.stored_state
    found = await sign_in_as_typed(environment, way)
    assert environment.stored_state == before
    assert found.org.name == "heron"
    assert found.observation is not None
    assert isinstance(found.company, Company)
    assert (found.company.name, found.company.org_number) == ("Heron Lake Instruments", "00000900001")


async def test_no_secret_goes_into_config_or_journal(environment: OnboardingEnvironment) -> None:
    await environment.add_org("code", "heron")
    await environment.add_org("refresh-token", "nordlys")
    rows = [environment.rows(table) for table in ("snapshot", "lockout", "token_request")]
    written = f"{environment.config_text}{rows}"
    assert "demo-" not in written


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_no_secret_shows_in_what_is_found_or_in_who_found_it(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    found = await environment.sign_in(attempt, typed)
    held = [vars(attempt), found, environment.org_service, environment.org_service.stores, environment.http]
    assert "demo-" not in repr(held).replace(repr(environment.simulator), "")


@pytest.mark.parametrize(
    ("way", "told"),
    [
        ("refresh-token", [RequestingFromZoho("for an access token")]),
        ("client-credentials", [RequestingFromZoho("for an access token")]),
        ("code", [RequestingFromZoho("to exchange the code")]),
        ("device", [DeviceCode]),
        ("browser", [ConsentPage]),
    ],
)
async def test_the_person_is_shown_what_goes_on(
    environment: OnboardingEnvironment, way: SignInMethod, told: list[object]
) -> None:
    await sign_in_as_typed(environment, way)
    after = [RequestingFromZoho("for the backup"), RequestingFromZoho("whose org it is")]
    assert environment.shown_progress[-2:] == after
    assert [
        one if isinstance(one, RequestingFromZoho) else type(one) for one in environment.shown_progress[:-2]
    ] == told


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_an_org_is_put_where_its_person_turned_out_to_live(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed, environment.consents_for = environment.input_for(way, "alder"), "saffron"
    attempt = environment.begin_sign_in(typed)
    found = await environment.sign_in(attempt, typed)
    assert found.org == replace(typed.org, data_center="in")
    await attempt.commit()
    assert environment.orgs == (found.org,)


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_the_first_access_token_counts_among_the_ten_of_its_refresh_token(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    await environment.add_org(way)
    spent = [row for row in environment.rows("token_request") if not row[1].startswith("code|")]
    assert len(spent) == 1


async def test_an_org_without_a_backup_may_be_watched_all_the_same(
    environment: OnboardingEnvironment,
) -> None:
    environment.simulator.forced_kinds["heron"] = "NONE"
    found = await sign_in_as_typed(environment)
    assert found.observation is not None
    assert found.observation.backup is None


async def test_without_the_org_scope_it_goes_on_without_the_name(
    environment: OnboardingEnvironment,
) -> None:
    environment.simulator.missing_scopes["heron"] = {"ZohoCRM.org.READ"}
    await environment.add_org("code")
    assert environment.journal.load_all(environment.orgs)["heron"].zoho.company is None


async def test_a_name_that_cannot_be_had_just_now_stops_nothing(environment: OnboardingEnvironment) -> None:
    environment.broken_paths.add(ORG_PATH)
    company = (await sign_in_as_typed(environment)).company
    assert isinstance(company, Problem)
    assert company.kind == "network"


@pytest.mark.parametrize("way", ["refresh-token", "client-credentials"])
async def test_unverified_nothing_is_asked_and_all_is_kept(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    await environment.add_org(way, verify=False)
    assert environment.paths == []
    assert [org.name for org in environment.orgs] == ["heron"]
    assert environment.keyring.entries["heron"][1] is None
    assert environment.journal.load_all(environment.orgs) == {}


async def test_a_code_is_exchanged_even_where_nothing_is_to_be_verified(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code", verify=False)
    assert environment.grants == ["authorization_code"]


async def test_what_the_config_says_besides_stays(environment: OnboardingEnvironment) -> None:
    environment.config.path.write_text(COMMENTED_CONFIG)
    await environment.add_org()
    assert environment.config_text is not None
    assert environment.config_text.startswith(COMMENTED_CONFIG)
    assert [org.name for org in environment.orgs] == ["acme", "heron"]


async def test_what_was_seen_of_an_earlier_org_of_that_name_is_forgotten(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org()
    environment.config.remove("heron")
    await environment.add_org(verify=False)
    assert environment.journal.load_all(environment.orgs) == {}


async def test_an_entry_that_is_not_zbtuis_does_not_stand_in_the_way(
    environment: OnboardingEnvironment,
) -> None:
    environment.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    environment.keyring.fails_at = {"read the sign-in"}
    await environment.add_org()
    assert "heron" in environment.keyring.sign_ins


# The client of an org that is under watch


async def test_the_client_of_an_org_under_watch_can_be_used_without_typing_its_secret(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("device", "heron")
    typed, environment.consents_for = environment.input_for("device", "heron", called="second"), "heron"
    assert [org.name for org in environment.org_service.reusable_clients(typed.org)] == ["heron"]
    attempt = environment.begin_sign_in(typed)
    await attempt.sign_in(None, None, environment.show_progress, client_from="heron")
    await attempt.commit()
    first, second = (environment.keyring.sign_ins[name] for name in ("heron", "second"))
    assert first.client_secret == second.client_secret
    assert first.refresh_token != second.refresh_token


@pytest.mark.parametrize(
    "where",
    [
        {"data_center": "in"},
        {
            "data_center": "custom",
            "accounts_url": "https://a.example.com",
            "api_url": "https://b.example.com",
        },
    ],
    ids=["another data center", "a host of its own"],
)
async def test_a_secret_goes_to_no_other_host_than_it_was_typed_for(
    environment: OnboardingEnvironment, where: dict[str, str]
) -> None:
    await environment.add_org("device", "heron")
    asked = len(environment.paths)
    org = environment.org_service.parse_org({"name": "second", "client_id": "1000.DEMODEVICE", **where})
    assert environment.org_service.reusable_clients(org) == []
    attempt = environment.org_service.begin_sign_in(org, "device")
    trouble = await problem_of(attempt.sign_in(None, None, environment.show_progress, client_from="heron"))
    assert "no client secret" in trouble.message
    assert len(environment.paths) == asked


async def test_of_several_orgs_with_one_client_the_one_that_signs_in_again_stands_for_it(
    environment: OnboardingEnvironment,
) -> None:
    first = await environment.add_org("device", "heron")
    typed, environment.consents_for = environment.input_for("device", "heron", called="second"), "heron"
    attempt = environment.begin_sign_in(typed)
    await attempt.sign_in(typed.secret, None, environment.show_progress)
    await attempt.commit()
    assert [org.name for org in environment.org_service.reusable_clients(first)] == ["heron"]
    assert [org.name for org in environment.org_service.reusable_clients(typed.org)] == ["second"]


async def test_a_config_that_cannot_be_read_knows_no_client(environment: OnboardingEnvironment) -> None:
    await environment.add_org("device", "heron")
    typed = environment.input_for("device", "heron", called="second")
    environment.config.path.write_text("[[org]")
    assert environment.org_service.reusable_clients(typed.org) == []


async def test_a_secret_that_was_not_typed_and_is_not_there_is_shown(
    environment: OnboardingEnvironment,
) -> None:
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed)
    trouble = await problem_of(attempt.sign_in(None, typed.code_or_token, environment.show_progress))
    assert trouble.kind == "auth"
    assert "no client secret" in trouble.message
    assert environment.paths == []


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
@pytest.mark.parametrize("typed_secret", ["", "two words", "line\nbreak", "\u00e9"])
async def test_a_secret_that_cannot_be_one_is_shown_before_anything_is_asked(
    environment: OnboardingEnvironment, way: SignInMethod, typed_secret: str
) -> None:
    typed = replace(environment.input_for(way), secret=typed_secret)
    trouble = await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))
    assert (trouble.kind, "client secret" in trouble.message) == ("config", True)
    assert (environment.paths, environment.shown_progress) == ([], [])


@pytest.mark.parametrize("answer", [None, "", "two words", "line\nbreak"])
async def test_a_refresh_token_that_cannot_be_one_is_shown_before_anything_is_asked(
    environment: OnboardingEnvironment, answer: str | None
) -> None:
    typed = replace(environment.input_for("refresh-token"), code_or_token=answer)
    trouble = await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))
    assert (trouble.kind, "refresh token" in trouble.message) == ("config", True)
    assert environment.paths == []


# Told before anything is spent


async def test_a_name_is_given_once(environment: OnboardingEnvironment) -> None:
    await environment.add_org()
    before, asked = environment.stored_state, list(environment.paths)
    trouble = await problem_of(sign_in_as_typed(environment, "code"))
    assert (trouble.kind, "heron" in trouble.message) == ("config", True)
    assert (environment.stored_state, environment.paths) == (before, asked)


async def test_a_broken_config_is_shown_before_zoho_is_asked(environment: OnboardingEnvironment) -> None:
    environment.config.path.write_text("[[org]\n")
    assert (await problem_of(sign_in_as_typed(environment, "code"))).kind == "config"
    assert (environment.paths, environment.config_text) == ([], "[[org]\n")


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_a_locked_keyring_is_reported_before_a_code_is_spent_or_a_page_shown(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    environment.keyring.fails_at = {"read the token"}
    assert (await problem_of(sign_in_as_typed(environment, way))).kind == "keyring"
    assert (environment.paths, environment.shown_progress, environment.rows("token_request")) == (
        [],
        [],
        [],
    )


async def test_the_wrong_data_center_is_named(environment: OnboardingEnvironment) -> None:
    typed = environment.input_for()
    typed = replace(typed, org=replace(typed.org, data_center="us"))
    trouble = await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))
    assert (trouble.kind, trouble.code, trouble.final) == ("auth", "invalid_client", True)
    assert "US" in trouble.hint


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_a_consent_that_does_not_cover_backups_names_what_it_lacks(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    environment.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    trouble = await problem_of(sign_in_as_typed(environment, way))
    assert (trouble.code, trouble.final) == ("OAUTH_SCOPE_MISMATCH", True)
    assert "ZohoCRM.org.READ" in trouble.message
    assert BACKUP_SCOPE in trouble.hint
    assert DETAILS_PATH not in environment.paths
