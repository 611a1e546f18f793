"""Taking an org off watch, with or without revoking its refresh token."""

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
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod
from zbtui.model.problem import Problem, ProblemError
from zbtui.store.credentials import FOREIGN_ENTRY


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
@pytest.mark.parametrize("revoking", [False, True])
async def test_an_org_taken_off_watch_leaves_nothing_behind_here(
    home: OnboardingEnvironment, method: SignInMethod, revoking: bool
) -> None:
    await home.add_org("refresh-token", "kestrel")
    kestrel = home.keyring.entries["kestrel"]
    await home.add_org(method)
    await home.org_service.remove("heron", revoke=revoking)
    assert [org.name for org in home.orgs] == ["kestrel"]
    assert home.keyring.entries == {"kestrel": kestrel}
    assert [row[0] for row in home.rows("snapshot")] == ["kestrel"]


async def test_that_zbtui_took_it_off_is_recorded_so_that_no_alert_says_that_it_left(
    home: OnboardingEnvironment,
) -> None:
    outbox, config = home.org_service.stores.outbox, home.org_service.stores.config.name
    watched = {(config, "heron"): None}
    await home.add_org()
    await outbox.decide_and_store(lambda state: (replace(state, watched=watched), ()), [])
    heron = home.orgs[0]
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert (await outbox.alert_state()).watched == {(config, "heron"): home.org_service.now()}
    watched = {(config, "egret"): None}
    await outbox.decide_and_store(lambda state: (replace(state, watched=watched), ()), [])
    await home.org_service.remove("egret")
    assert set((await outbox.alert_state()).watched.values()) == {home.org_service.now()}


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_its_token_is_revoked_where_asked(home: OnboardingEnvironment, method: SignInMethod) -> None:
    for revoking in (False, True):
        await home.add_org(method)
        token = refresh_token_of(home.keyring.sign_ins["heron"])
        await home.org_service.remove("heron", revoke=revoking)
        assert (token in home.simulator.accounts.refresh_tokens) is not revoking
        assert (REVOKE_PATH in home.paths) is revoking


async def test_a_pasted_refresh_token_is_revoked_where_that_is_asked(home: OnboardingEnvironment) -> None:
    await home.add_org()
    await home.org_service.remove("heron", revoke=True)
    assert (
        home.simulator.world.all_orgs["heron"].refresh_token not in home.simulator.accounts.refresh_tokens
    )


async def test_a_token_is_revoked_where_the_org_lives(home: OnboardingEnvironment) -> None:
    await home.add_org("device", "saffron")
    await home.org_service.remove("saffron", revoke=True)
    assert home.simulator.request_records[-1].host == "accounts.zoho.in"


async def test_a_token_that_another_org_signs_in_with_is_not_revoked(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    home.config.add(home.input_for("refresh-token", called="twin").org)
    await home.keyring.write_sign_in(home.org("twin"), home.keyring.sign_ins["heron"])
    token = refresh_token_of(home.keyring.sign_ins["heron"])
    before = home.stored_state
    problem = await problem_of(home.org_service.remove("heron", revoke=True))
    assert problem.kind == "config"
    assert problem.message == "twin signs in with the same refresh token, and would go blind."
    assert (home.stored_state, REVOKE_PATH in home.paths) == (before, False)
    await home.org_service.remove("heron")
    await home.org_service.remove("twin", revoke=True)
    assert token not in home.simulator.accounts.refresh_tokens


async def test_a_token_is_revoked_though_another_org_has_its_client(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    twin = replace(home.orgs[0], name="twin")
    home.config.add(twin)
    await home.keyring.write_sign_in(home.org("twin"), OLD_SIGN_IN)
    token = refresh_token_of(home.keyring.sign_ins["heron"])
    await home.org_service.remove("heron", revoke=True)
    assert token not in home.simulator.accounts.refresh_tokens
    assert (home.orgs, home.keyring.sign_ins) == ((twin,), {"twin": OLD_SIGN_IN})


async def test_client_credentials_have_nothing_to_revoke(home: OnboardingEnvironment) -> None:
    await home.add_org("client-credentials")
    await home.org_service.remove("heron", revoke=True)
    assert REVOKE_PATH not in home.paths


async def test_a_token_that_zoho_does_not_know_counts_as_revoked(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    home.simulator.accounts.revoke_refresh_token(refresh_token_of(home.keyring.sign_ins["heron"]))
    await home.org_service.remove("heron", revoke=True)
    assert home.orgs == ()


async def test_an_org_without_credentials_can_be_taken_off(home: OnboardingEnvironment) -> None:
    await home.add_org(verify=False)
    await home.keyring.delete(home.org())
    await home.org_service.remove("heron", revoke=True)
    assert (home.orgs, home.paths) == ((), [])


@pytest.mark.parametrize("revoking", [False, True])
async def test_a_foreign_entry_does_not_block_the_removal(
    home: OnboardingEnvironment, revoking: bool
) -> None:
    await home.add_org()
    home.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at, home.keyring.fails_always = {"read the sign-in"}, True
    await home.org_service.remove("heron", revoke=revoking)
    assert (home.orgs, home.keyring.entries) == ((), {})


async def test_what_another_config_signs_in_with_stays(home: OnboardingEnvironment) -> None:
    async def other_config(org: Org) -> str:
        return "/elsewhere/config.toml"

    await home.add_org("code")
    home.keyring.other_config = other_config  # type: ignore[method-assign]
    before = home.stored_state
    problem = await problem_of(home.org_service.remove("heron", revoke=True))
    assert "/elsewhere/config.toml" in problem.message
    assert home.stored_state == before
    await home.org_service.remove("heron")
    assert home.orgs == ()
    assert home.rows("snapshot") != []
    assert REVOKE_PATH not in home.paths


# Failures


async def test_if_zoho_is_out_of_reach_the_keyring_is_not_touched(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    before = home.stored_state
    home.broken_paths.add(REVOKE_PATH)
    home.keyring.before_call["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (await problem_of(home.org_service.remove("heron", revoke=True))).kind == "network"
    assert home.stored_state == before


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "delete"])
async def test_an_org_whose_credentials_cannot_be_deleted_stays_under_watch(
    home: OnboardingEnvironment, call: str, for_good: bool
) -> None:
    await home.add_org("code")
    before = home.stored_state
    home.keyring.fails_at, home.keyring.fails_always = {call}, for_good
    assert (await problem_of(home.org_service.remove("heron"))).kind == "keyring"
    assert home.stored_state == before


async def test_an_uneditable_config_brings_the_credentials_back(home: OnboardingEnvironment) -> None:
    home.config.path.write_text(UNEDITABLE_CONFIG)
    await home.keyring.write_sign_in(home.org("acme"), OLD_SIGN_IN)
    await home.journal.save(make_snapshot("acme"))
    before = home.stored_state
    assert (await problem_of(home.org_service.remove("acme"))).kind == "config"
    assert home.stored_state == before


async def test_an_unwritable_config_brings_credentials_back(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    before = home.stored_state
    home.make_config_unwritable()
    assert (await problem_of(home.org_service.remove("heron"))).kind == "config"
    assert home.stored_state == before


async def test_one_that_is_interrupted_did_not_happen(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    before = home.stored_state
    home.keyring.fails_at, home.keyring.error = {"delete"}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await home.org_service.remove("heron")
    assert home.stored_state == before


async def test_one_that_failed_once_revoked_can_still_be_removed(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    home.keyring.fails_at = {"delete"}
    await problem_of(home.org_service.remove("heron", revoke=True))
    await home.org_service.remove("heron", revoke=True)
    assert (home.orgs, home.keyring.entries) == ((), {})


async def test_an_org_that_is_not_under_watch_cannot_be_taken_off(home: OnboardingEnvironment) -> None:
    await home.add_org("refresh-token", "kestrel")
    await home.keyring.write_sign_in(home.org(), OLD_SIGN_IN)
    before = home.stored_state
    problem = await problem_of(home.org_service.remove("heron", revoke=True))
    assert (problem.kind, "kestrel" in problem.hint) == ("config", True)
    assert home.stored_state == before
    assert REVOKE_PATH not in home.paths
