"""Taking an org off watch, with its refresh token or without."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.onboarding.onboarding_environment import (
    METHODS_WITH_REFRESH_TOKEN,
    OLD_SIGN_IN,
    REVOKE_PATH,
    UNEDITABLE_CONFIG,
    OnboardingEnvironment,
    problem_of,
    refresh_token_of,
)
from tests.support.snapshots import make_snapshot
from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.credentials import FOREIGN_ENTRY


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
@pytest.mark.parametrize("revoking", [False, True])
async def test_an_org_taken_off_watch_leaves_nothing_behind_here(
    environment: OnboardingEnvironment, way: SignInMethod, revoking: bool
) -> None:
    await environment.add_org("refresh-token", "kestrel")
    kestrel = environment.keyring.entries["kestrel"]
    await environment.add_org(way)
    await environment.org_service.remove("heron", revoke=revoking)
    assert [org.name for org in environment.orgs] == ["kestrel"]
    assert environment.keyring.entries == {"kestrel": kestrel}
    assert [row[0] for row in environment.rows("snapshot")] == ["kestrel"]


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_its_refresh_token_lives_on_at_zoho_or_is_revoked_as_was_asked(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    for revoking in (False, True):
        await environment.add_org(way)
        token = refresh_token_of(environment.keyring.sign_ins["heron"])
        await environment.org_service.remove("heron", revoke=revoking)
        assert (token in environment.simulator.accounts.refresh_tokens) is not revoking
        assert (REVOKE_PATH in environment.paths) is revoking


async def test_a_pasted_refresh_token_is_revoked_where_that_is_asked(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org()
    await environment.org_service.remove("heron", revoke=True)
    assert (
        environment.simulator.world.all_orgs["heron"].refresh_token
        not in environment.simulator.accounts.refresh_tokens
    )


async def test_a_token_is_revoked_where_the_org_lives(environment: OnboardingEnvironment) -> None:
    await environment.add_org("device", "saffron")
    await environment.org_service.remove("saffron", revoke=True)
    assert environment.simulator.request_records[-1].host == "accounts.zoho.in"


async def test_a_token_that_another_org_signs_in_with_is_not_revoked(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    typed = environment.input_for("refresh-token", called="twin")
    token = refresh_token_of(environment.keyring.sign_ins["heron"])
    attempt = environment.begin_sign_in(typed)
    await attempt.sign_in(typed.secret, token, environment.show_progress)
    await attempt.commit()
    before = environment.stored_state
    trouble = await problem_of(environment.org_service.remove("heron", revoke=True))
    assert trouble.kind == "config"
    assert trouble.message == "twin signs in with the same refresh token, and would go blind."
    assert (environment.stored_state, REVOKE_PATH in environment.paths) == (before, False)
    await environment.org_service.remove("heron")
    await environment.org_service.remove("twin", revoke=True)
    assert token not in environment.simulator.accounts.refresh_tokens


async def test_a_token_is_revoked_though_another_org_signs_in_with_the_same_client(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    twin = replace(environment.orgs[0], name="twin")
    environment.config.add(twin)
    await environment.keyring.write_sign_in("twin", OLD_SIGN_IN)
    token = refresh_token_of(environment.keyring.sign_ins["heron"])
    await environment.org_service.remove("heron", revoke=True)
    assert token not in environment.simulator.accounts.refresh_tokens
    assert (environment.orgs, environment.keyring.sign_ins) == ((twin,), {"twin": OLD_SIGN_IN})


async def test_client_credentials_have_nothing_to_revoke(environment: OnboardingEnvironment) -> None:
    await environment.add_org("client-credentials")
    await environment.org_service.remove("heron", revoke=True)
    assert REVOKE_PATH not in environment.paths


async def test_a_token_that_zoho_does_not_know_counts_as_revoked(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    environment.simulator.accounts.revoke_refresh_token(
        refresh_token_of(environment.keyring.sign_ins["heron"])
    )
    await environment.org_service.remove("heron", revoke=True)
    assert environment.orgs == ()


async def test_an_org_without_credentials_can_be_taken_off(environment: OnboardingEnvironment) -> None:
    await environment.add_org(verify=False)
    await environment.keyring.delete("heron")
    await environment.org_service.remove("heron", revoke=True)
    assert (environment.orgs, environment.paths) == ((), [])


@pytest.mark.parametrize("revoking", [False, True])
async def test_an_entry_that_is_not_zbtuis_does_not_stand_in_the_way(
    environment: OnboardingEnvironment, revoking: bool
) -> None:
    await environment.add_org()
    environment.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    environment.keyring.fails_at, environment.keyring.fails_always = {"read the sign-in"}, True
    await environment.org_service.remove("heron", revoke=revoking)
    assert (environment.orgs, environment.keyring.entries) == ((), {})


# What goes wrong


async def test_a_zoho_that_cannot_be_reached_changes_nothing_and_the_keyring_is_not_touched(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    before = environment.stored_state
    environment.broken_paths.add(REVOKE_PATH)
    environment.keyring.before_call["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (await problem_of(environment.org_service.remove("heron", revoke=True))).kind == "network"
    assert environment.stored_state == before


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "delete"])
async def test_an_org_whose_credentials_cannot_be_deleted_stays_under_watch(
    environment: OnboardingEnvironment, call: str, for_good: bool
) -> None:
    await environment.add_org("code")
    before = environment.stored_state
    environment.keyring.fails_at, environment.keyring.fails_always = {call}, for_good
    assert (await problem_of(environment.org_service.remove("heron"))).kind == "keyring"
    assert environment.stored_state == before


async def test_a_config_that_cannot_be_edited_brings_the_credentials_back(
    environment: OnboardingEnvironment,
) -> None:
    environment.config.path.write_text(UNEDITABLE_CONFIG)
    await environment.keyring.write_sign_in("acme", OLD_SIGN_IN)
    await environment.journal.save(make_snapshot("acme"))
    before = environment.stored_state
    assert (await problem_of(environment.org_service.remove("acme"))).kind == "config"
    assert environment.stored_state == before


async def test_a_config_that_cannot_be_written_brings_the_credentials_back(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    before = environment.stored_state
    environment.make_config_unwritable()
    assert (await problem_of(environment.org_service.remove("heron"))).kind == "config"
    assert environment.stored_state == before


async def test_one_that_is_interrupted_did_not_happen(environment: OnboardingEnvironment) -> None:
    await environment.add_org("code")
    before = environment.stored_state
    environment.keyring.fails_at, environment.keyring.error = {"delete"}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await environment.org_service.remove("heron")
    assert environment.stored_state == before


async def test_one_that_was_revoked_and_then_failed_can_be_removed_all_the_same(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    environment.keyring.fails_at = {"delete"}
    await problem_of(environment.org_service.remove("heron", revoke=True))
    await environment.org_service.remove("heron", revoke=True)
    assert (environment.orgs, environment.keyring.entries) == ((), {})


async def test_an_org_that_is_not_under_watch_cannot_be_taken_off(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("refresh-token", "kestrel")
    await environment.keyring.write_sign_in("heron", OLD_SIGN_IN)
    before = environment.stored_state
    trouble = await problem_of(environment.org_service.remove("heron", revoke=True))
    assert (trouble.kind, "kestrel" in trouble.hint) == ("config", True)
    assert environment.stored_state == before
    assert REVOKE_PATH not in environment.paths
