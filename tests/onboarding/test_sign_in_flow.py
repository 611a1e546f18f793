"""Sign-in by each method, from a person's input to an org under watch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.onboarding.onboarding_environment import (
    COMMENTED_CONFIG,
    DETAILS_PATH,
    METHODS_WITH_REFRESH_TOKEN,
    OLD_SIGN_IN,
    ORG_PATH,
    OnboardingEnvironment,
    problem_of,
    refresh_token_of,
)
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, RequestingFromZoho
from zbtui.onboarding.sign_in_flow import SignInPreview
from zbtui.store.credentials import FOREIGN_ENTRY
from zbtui.zoho_api.errors import BACKUP_SCOPE
from zbtui.zoho_api.organization import Company


async def sign_in_as_typed(
    home: OnboardingEnvironment, method: SignInMethod = "refresh-token"
) -> SignInPreview:
    """Sign in by this method, without the commit."""
    typed = home.input_for(method)
    return await home.sign_in(home.begin_sign_in(typed), typed)


# Success


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_each_sign_in_method_is_kept_in_all_three_stores(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    typed = home.input_for(method)
    await home.add_org(method)
    (org,) = home.orgs
    assert org == replace(typed.org, grant=grant_for(method))
    sign_in, access = home.keyring.entries["heron"]
    assert sign_in is not None
    assert sign_in.client_secret == Secret(typed.secret)
    assert access is not None
    assert access.is_usable(home.clock.now())
    assert access.api_url == "https://www.zohoapis.eu"
    known = home.journal.load_all([org])["heron"]
    assert known.company_name == "Heron Lake Instruments"
    assert known.zoho.backup is not None
    assert known.zoho.backup.status == "SCHEDULED"


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_what_zoho_grants_is_what_is_kept(home: OnboardingEnvironment, method: SignInMethod) -> None:
    await home.add_org(method)
    assert home.live_refresh_tokens(method) == [refresh_token_of(home.keyring.sign_ins["heron"])]


async def test_a_pasted_refresh_token_is_kept_as_it_is(home: OnboardingEnvironment) -> None:
    typed = home.input_for()
    await home.add_org()
    assert home.keyring.sign_ins["heron"] == SignInCredentials(
        Secret(typed.secret), Secret(typed.code_or_token or "")
    )


async def test_client_credentials_need_no_refresh_token(home: OnboardingEnvironment) -> None:
    await home.add_org("client-credentials")
    assert home.keyring.sign_ins["heron"].refresh_token is None


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_before_it_is_kept_nothing_is(home: OnboardingEnvironment, method: SignInMethod) -> None:
    before = home.stored_state
    found = await sign_in_as_typed(home, method)
    assert home.stored_state == before
    assert found.org.name == "heron"
    assert found.observation is not None
    assert isinstance(found.company, Company)
    assert (found.company.name, found.company.org_number) == ("Heron Lake Instruments", "00000900001")


async def test_no_secret_goes_into_config_or_journal(home: OnboardingEnvironment) -> None:
    await home.add_org("code", "heron")
    await home.add_org("refresh-token", "nordlys")
    rows = [home.rows(table) for table in ("snapshot", "lockout", "token_request")]
    written = f"{home.config_text}{rows}"
    assert "demo-" not in written


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_no_secret_shows_in_what_is_found(home: OnboardingEnvironment, method: SignInMethod) -> None:
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed)
    found = await home.sign_in(attempt, typed)
    held = [vars(attempt), found, home.org_service, home.org_service.stores, home.http]
    assert "demo-" not in repr(held).replace(repr(home.simulator), "")


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("refresh-token", [RequestingFromZoho("for an access token")]),
        ("client-credentials", [RequestingFromZoho("for an access token")]),
        ("code", [RequestingFromZoho("to exchange the code")]),
        ("device", [DeviceCode]),
        ("browser", [ConsentPage]),
    ],
)
async def test_the_person_is_shown_what_goes_on(
    home: OnboardingEnvironment, method: SignInMethod, expected: list[object]
) -> None:
    await sign_in_as_typed(home, method)
    after = [RequestingFromZoho("for the backup"), RequestingFromZoho("whose org it is")]
    assert home.shown_progress[-2:] == after
    assert [
        one if isinstance(one, RequestingFromZoho) else type(one) for one in home.shown_progress[:-2]
    ] == expected


@pytest.mark.parametrize("method", ["device", "browser"])
async def test_an_org_is_put_where_its_person_is(home: OnboardingEnvironment, method: SignInMethod) -> None:
    typed, home.consents_for = home.input_for(method, "alder"), "saffron"
    attempt = home.begin_sign_in(typed)
    found = await home.sign_in(attempt, typed)
    assert found.org == replace(typed.org, data_center="in")
    await attempt.commit()
    assert home.orgs == (found.org,)


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_the_first_access_token_counts_among_the_ten_of_its_refresh_token(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    await home.add_org(method)
    spent = [row for row in home.rows("token_request") if not row[1].startswith("code|")]
    assert len(spent) == 1


async def test_an_org_without_a_backup_may_be_watched_all_the_same(home: OnboardingEnvironment) -> None:
    home.simulator.forced_kinds["heron"] = "NONE"
    found = await sign_in_as_typed(home)
    assert found.observation is not None
    assert found.observation.backup is None


async def test_without_the_org_scope_it_goes_on_without_the_name(home: OnboardingEnvironment) -> None:
    home.simulator.missing_scopes["heron"] = {"ZohoCRM.org.READ"}
    await home.add_org("code")
    assert home.journal.load_all(home.orgs)["heron"].zoho.company is None


async def test_a_name_that_cannot_be_had_just_now_stops_nothing(home: OnboardingEnvironment) -> None:
    home.broken_paths.add(ORG_PATH)
    company = (await sign_in_as_typed(home)).company
    assert isinstance(company, Problem)
    assert company.kind == "network"


@pytest.mark.parametrize("method", ["refresh-token", "client-credentials"])
async def test_unverified_all_is_kept_unasked(home: OnboardingEnvironment, method: SignInMethod) -> None:
    await home.add_org(method, verify=False)
    assert home.paths == []
    assert [org.name for org in home.orgs] == ["heron"]
    assert home.keyring.entries["heron"][1] is None
    assert home.journal.load_all(home.orgs) == {}


async def test_a_code_is_exchanged_though_nothing_is_verified(home: OnboardingEnvironment) -> None:
    await home.add_org("code", verify=False)
    assert home.grants == ["authorization_code"]


async def test_what_the_config_says_besides_stays(home: OnboardingEnvironment) -> None:
    home.config.path.write_text(COMMENTED_CONFIG)
    await home.add_org()
    assert home.config_text is not None
    assert home.config_text.startswith(COMMENTED_CONFIG)
    assert [org.name for org in home.orgs] == ["acme", "heron"]


async def test_what_was_seen_of_an_earlier_namesake_is_forgotten(home: OnboardingEnvironment) -> None:
    await home.add_org()
    home.config.remove("heron")
    await home.add_org(verify=False)
    assert home.journal.load_all(home.orgs) == {}


async def test_a_keyring_entry_that_is_not_zbtuis_does_not_block_a_sign_in(
    home: OnboardingEnvironment,
) -> None:
    home.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at = {"read the sign-in"}
    await home.add_org()
    assert "heron" in home.keyring.sign_ins


# Whose org it is


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_an_org_that_is_watched_under_another_name_is_refused(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    """This happens when the wrong org is picked on the consent page."""
    await home.add_org("refresh-token", "heron")
    before, tokens = home.stored_state, len(home.simulator.accounts.refresh_tokens)
    attempt = home.begin_sign_in(typed := home.input_for(method, called="second"))
    problem = await problem_of(home.sign_in(attempt, typed))
    assert (problem.kind, problem.code) == ("auth", "ALREADY_WATCHED")
    assert "already watched as heron" in problem.message
    assert not attempt.is_signed_in, "a retry asks for another consent"
    assert home.stored_state == before
    assert len(home.simulator.accounts.refresh_tokens) == tokens, "what was granted is revoked"


async def test_it_is_known_by_its_sign_in_where_nothing_was_seen_of_it_lately(
    home: OnboardingEnvironment,
) -> None:
    org = await home.add_org("refresh-token", "heron")
    await home.journal.forget_org(org)
    attempt = home.begin_sign_in(typed := home.input_for("code", called="second"))
    assert (await problem_of(home.sign_in(attempt, typed))).code == "ALREADY_WATCHED"


async def test_the_org_number_is_kept_with_the_sign_in(home: OnboardingEnvironment) -> None:
    await home.add_org("code", "heron")
    assert home.keyring.sign_ins["heron"].org_number == "00000900001"


@pytest.mark.parametrize("method", ["code", "refresh-token"])
async def test_signing_in_again_to_another_org_is_refused(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    await home.add_org("refresh-token", "heron")
    before = home.stored_state
    other = home.input_for(method, "nordlys", called="heron")
    attempt = home.begin_sign_in(other, again=True)
    problem = await problem_of(home.sign_in(attempt, other))
    assert (problem.kind, problem.code) == ("auth", "OTHER_ORG")
    assert "00000900001" in problem.message
    assert home.stored_state == before


async def test_signing_in_again_may_name_another_org_by_its_number(home: OnboardingEnvironment) -> None:
    await home.add_org("refresh-token", "heron")
    other = home.input_for("client-credentials", "nordlys", called="heron")
    attempt = home.begin_sign_in(other, again=True)
    await home.sign_in(attempt, other)
    await attempt.commit()
    assert [org.soid for org in home.orgs] == [other.org.soid]


@pytest.mark.parametrize("number", ["00000900001", "1", None])
async def test_an_entry_is_shared_with_another_configs_org_if_that_is_known_to_be_the_same(
    home: OnboardingEnvironment, number: str | None
) -> None:
    async def other_config(org: Org) -> str:
        return "/elsewhere/config.toml"

    home.keyring.other_config = other_config  # type: ignore[method-assign]
    theirs = replace(OLD_SIGN_IN, org_number=number)
    await home.keyring.write_sign_in(home.org(), theirs)
    if number == "00000900001":
        await home.add_org("code")
        assert home.keyring.sign_ins["heron"] != OLD_SIGN_IN
    else:
        problem = await problem_of(home.add_org("code"))
        assert "/elsewhere/config.toml" in problem.message
        assert home.keyring.sign_ins["heron"] == OLD_SIGN_IN
        assert home.live_refresh_tokens("code") == []


# The client of an org that is under watch


async def test_a_client_under_watch_can_be_used_without_its_secret(home: OnboardingEnvironment) -> None:
    await home.add_org("device", "heron")
    typed, home.consents_for = home.input_for("device", "nordlys", called="second"), "nordlys"
    home.simulator.auto_accept_org = "nordlys"
    assert [org.name for org in home.org_service.reusable_clients(typed.org)] == ["heron"]
    attempt = home.begin_sign_in(typed)
    await attempt.sign_in(None, None, home.show_progress, client_from="heron")
    await attempt.commit()
    first, second = (home.keyring.sign_ins[name] for name in ("heron", "second"))
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
    home: OnboardingEnvironment, where: dict[str, str]
) -> None:
    await home.add_org("device", "heron")
    asked = len(home.paths)
    org = home.org_service.parse_org({"name": "second", "client_id": "1000.DEMODEVICE", **where})
    assert home.org_service.reusable_clients(org) == []
    attempt = home.org_service.begin_sign_in(org, "device")
    problem = await problem_of(attempt.sign_in(None, None, home.show_progress, client_from="heron"))
    assert "no client secret" in problem.message
    assert len(home.paths) == asked


async def test_of_orgs_with_one_client_the_own_one_stands_for_it(home: OnboardingEnvironment) -> None:
    first = await home.add_org("device", "heron")
    typed, home.consents_for = home.input_for("device", "nordlys", called="second"), "nordlys"
    home.simulator.auto_accept_org = "nordlys"
    attempt = home.begin_sign_in(typed)
    await attempt.sign_in(typed.secret, None, home.show_progress)
    await attempt.commit()
    assert [org.name for org in home.org_service.reusable_clients(first)] == ["heron"]
    assert [org.name for org in home.org_service.reusable_clients(typed.org)] == ["second"]


async def test_a_config_that_cannot_be_read_knows_no_client(home: OnboardingEnvironment) -> None:
    await home.add_org("device", "heron")
    typed = home.input_for("device", "heron", called="second")
    home.config.path.write_text("[[org]")
    assert home.org_service.reusable_clients(typed.org) == []


async def test_a_secret_that_was_not_typed_and_is_not_there_is_shown(home: OnboardingEnvironment) -> None:
    typed = home.input_for("code")
    attempt = home.begin_sign_in(typed)
    problem = await problem_of(attempt.sign_in(None, typed.code_or_token, home.show_progress))
    assert problem.kind == "auth"
    assert "no client secret" in problem.message
    assert home.paths == []


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
@pytest.mark.parametrize("typed_secret", ["", "two words", "line\nbreak", "\u00e9"])
async def test_a_secret_that_cannot_be_one_is_shown_before_anything_is_asked(
    home: OnboardingEnvironment, method: SignInMethod, typed_secret: str
) -> None:
    typed = replace(home.input_for(method), secret=typed_secret)
    problem = await problem_of(home.sign_in(home.begin_sign_in(typed), typed))
    assert (problem.kind, "client secret" in problem.message) == ("config", True)
    assert (home.paths, home.shown_progress) == ([], [])


@pytest.mark.parametrize("answer", [None, "", "two words", "line\nbreak"])
async def test_a_refresh_token_that_cannot_be_one_is_shown_before_anything_is_asked(
    home: OnboardingEnvironment, answer: str | None
) -> None:
    typed = replace(home.input_for("refresh-token"), code_or_token=answer)
    problem = await problem_of(home.sign_in(home.begin_sign_in(typed), typed))
    assert (problem.kind, "refresh token" in problem.message) == ("config", True)
    assert home.paths == []


# Problems found before a code or token is used


async def test_a_name_is_given_once(home: OnboardingEnvironment) -> None:
    await home.add_org()
    before, asked = home.stored_state, list(home.paths)
    problem = await problem_of(sign_in_as_typed(home, "code"))
    assert (problem.kind, "heron" in problem.message) == ("config", True)
    assert (home.stored_state, home.paths) == (before, asked)


async def test_a_broken_config_is_shown_before_zoho_is_asked(home: OnboardingEnvironment) -> None:
    home.config.path.write_text("[[org]\n")
    assert (await problem_of(sign_in_as_typed(home, "code"))).kind == "config"
    assert (home.paths, home.config_text) == ([], "[[org]\n")


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_a_locked_keyring_is_reported_before_a_code_is_spent_or_a_page_shown(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    home.keyring.fails_at = {"read the token"}
    assert (await problem_of(sign_in_as_typed(home, method))).kind == "keyring"
    assert (home.paths, home.shown_progress, home.rows("token_request")) == ([], [], [])


async def test_the_wrong_data_center_is_named(home: OnboardingEnvironment) -> None:
    typed = home.input_for()
    typed = replace(typed, org=replace(typed.org, data_center="us"))
    problem = await problem_of(home.sign_in(home.begin_sign_in(typed), typed))
    assert (problem.kind, problem.code, problem.final) == ("auth", "invalid_client", True)
    assert "US" in problem.hint


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_a_consent_without_backups_names_it(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    home.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    problem = await problem_of(sign_in_as_typed(home, method))
    assert (problem.code, problem.final) == ("OAUTH_SCOPE_MISMATCH", True)
    assert "ZohoCRM.org.READ" in problem.message
    assert BACKUP_SCOPE in problem.hint
    assert DETAILS_PATH not in home.paths
