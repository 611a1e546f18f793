"""A sign-in that fails leaves config, keyring and journal unchanged."""

from __future__ import annotations

import asyncio

import pytest

from tests.onboarding.onboarding_environment import (
    KEYRING_CALLS,
    METHODS_WITH_REFRESH_TOKEN,
    OLD_SIGN_IN,
    UNEDITABLE_CONFIG,
    OnboardingEnvironment,
    problem_of,
    refresh_token_of,
)
from tests.support.snapshots import make_snapshot
from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.model.problem import ProblemKind
from zbtui.model.secret import AccessToken, Secret

REFUSALS: tuple[tuple[str, ProblemKind], ...] = (
    # Refusals of the accounts hosts …
    ("invalid_client", "auth"),
    ("invalid_client_secret", "auth"),
    ("invalid_code", "auth"),
    ("invalid_scope", "auth"),
    ("Access Denied", "throttled"),
    # … and of the API hosts, once there is a token.
    ("OAUTH_SCOPE_MISMATCH", "auth"),
    ("INVALID_TOKEN", "auth"),
    ("NO_PERMISSION", "permission"),
    ("NO_API_ACCESS", "permission"),
    ("TOO_MANY_REQUESTS", "throttled"),
    ("OUTAGE", "server"),
    ("RESET", "network"),
    ("HTML", "contract"),
)


async def add(home: OnboardingEnvironment, method: SignInMethod, *, again: bool = False) -> None:
    """Add an org as command line and form do: a sign-in that is not committed is cancelled."""
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed, again=again)
    try:
        await home.sign_in(attempt, typed)
        await attempt.commit()
    finally:
        await attempt.cancel()


def old_access_token(home: OnboardingEnvironment) -> AccessToken:
    return AccessToken(Secret("1000.an.older"), "https://www.zohoapis.eu", home.clock.now())


# Refused by Zoho


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_is_not_there_afterwards(
    home: OnboardingEnvironment, method: SignInMethod, forced: str, kind: ProblemKind
) -> None:
    home.simulator.forced_kinds["heron"] = forced
    before = home.stored_state
    assert (await problem_of(add(home, method))).kind == kind
    assert home.stored_state == before
    assert home.live_refresh_tokens(method) == []


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_to_sign_in_again_is_there_as_before(
    home: OnboardingEnvironment, method: SignInMethod, forced: str, kind: ProblemKind
) -> None:
    await home.add_org("code")
    living, before = home.live_refresh_tokens("code"), home.stored_state
    home.simulator.forced_kinds["heron"] = forced
    assert (await problem_of(add(home, method, again=True))).kind == kind
    assert home.stored_state == before
    assert home.live_refresh_tokens("code") == living, "what it signed in with before lives on"


@pytest.mark.parametrize("method", ["device", "browser"])
async def test_a_rejection_changes_nothing(home: OnboardingEnvironment, method: SignInMethod) -> None:
    before, home.consents_for = home.stored_state, None
    assert (await problem_of(add(home, method))).code == "access_denied"
    assert home.stored_state == before


async def test_a_lock_out_is_kept_all_the_same_for_it_is_zohos(home: OnboardingEnvironment) -> None:
    home.simulator.forced_kinds["heron"] = "Access Denied"
    problem = await problem_of(add(home, "refresh-token"))
    assert problem.retry_at is not None
    assert len(home.rows("lockout")) == 1


# Refused by the keyring


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_at_any_call_leaves_no_org_behind(
    home: OnboardingEnvironment, call: str, for_good: bool
) -> None:
    attempt, before = await home.signed_in(), home.stored_state
    home.keyring.fails_at, home.keyring.fails_always = {call}, for_good
    assert (await problem_of(attempt.commit())).kind == "keyring"
    home.keyring.fails_at = set()
    assert home.stored_state == before
    await attempt.cancel()
    assert home.live_refresh_tokens("code") == []


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
@pytest.mark.parametrize("cached", [True, False], ids=["with a token", "without"])
async def test_a_keyring_that_fails_at_any_call_keeps_what_the_org_signed_in_with_before(
    home: OnboardingEnvironment, call: str, for_good: bool, cached: bool
) -> None:
    await home.add_org("code")
    if not cached:
        home.keyring.drop_access_token(home.org())
    attempt, before = await home.signed_in(again=True), home.stored_state
    home.keyring.fails_at, home.keyring.fails_always = {call}, for_good
    assert (await problem_of(attempt.commit())).kind == "keyring"
    home.keyring.fails_at = set()
    assert home.stored_state == before
    await attempt.cancel()
    assert home.live_refresh_tokens("code") == [refresh_token_of(home.keyring.sign_ins["heron"])]


@pytest.mark.parametrize("call", ["delete", "write the sign-in"])
async def test_an_unverified_org_is_kept_whole_or_not(home: OnboardingEnvironment, call: str) -> None:
    await home.keyring.write_sign_in(home.org(), OLD_SIGN_IN)
    await home.keyring.write_access_token(home.org(), old_access_token(home))
    before, home.keyring.fails_at = home.stored_state, {call}
    assert (await problem_of(home.add_org(verify=False))).kind == "keyring"
    assert home.stored_state == before


async def test_a_token_left_by_an_earlier_sign_in_does_not_stay(home: OnboardingEnvironment) -> None:
    await home.keyring.write_sign_in(home.org(), OLD_SIGN_IN)
    await home.keyring.write_access_token(home.org(), old_access_token(home))
    await home.add_org(verify=False)
    assert home.keyring.entries["heron"][1] is None


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_could_not_be_kept_can_be_kept_a_little_later_without_asking_zoho(
    home: OnboardingEnvironment, call: str
) -> None:
    attempt = await home.signed_in()
    asked, home.keyring.fails_at = list(home.paths), {call}
    await problem_of(attempt.commit())
    await attempt.commit()
    assert home.paths == asked
    assert [org.name for org in home.orgs] == ["heron"]
    assert all(home.keyring.entries["heron"])


# Refused by the config


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_a_config_that_cannot_be_edited_leaves_no_credentials_behind(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    home.config.path.write_text(UNEDITABLE_CONFIG)
    await home.keyring.write_sign_in(home.org(), OLD_SIGN_IN)
    await home.keyring.write_access_token(home.org(), old_access_token(home))
    before = home.stored_state
    assert (await problem_of(add(home, method))).kind == "config"
    assert home.stored_state == before
    assert home.live_refresh_tokens(method) == []


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_a_config_that_cannot_be_written_keeps_what_the_org_signed_in_with_before(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    await home.add_org("code")
    before = home.stored_state
    # Sign in with another client, so that the config changes.
    attempt = await home.signed_in("device" if method == "code" else method, again=True)
    home.make_config_unwritable()
    assert (await problem_of(attempt.commit())).kind == "config"
    assert home.stored_state == before
    await attempt.cancel()
    assert home.live_refresh_tokens("code") == [refresh_token_of(home.keyring.sign_ins["heron"])]


@pytest.mark.parametrize("failure", ["unwritable", "in no shape to be edited"])
@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_a_config_that_cannot_be_written_costs_no_code_and_no_token(
    home: OnboardingEnvironment, method: SignInMethod, failure: str
) -> None:
    if failure == "unwritable":
        home.make_config_unwritable()
    else:
        home.config.path.write_text(UNEDITABLE_CONFIG)
    assert (await problem_of(add(home, method))).kind == "config"
    assert home.paths == []


async def test_a_config_that_cannot_be_written_keeps_the_token_of_an_org_that_is_removed(
    home: OnboardingEnvironment,
) -> None:
    await home.add_org("code")
    asked = len(home.paths)
    home.make_config_unwritable()
    assert (await problem_of(home.org_service.remove("heron", revoke=True))).kind == "config"
    assert len(home.paths) == asked
    assert len(home.live_refresh_tokens("code")) == 1


async def test_a_name_that_was_given_meanwhile_is_not_taken_away_again(home: OnboardingEnvironment) -> None:
    attempt = await home.signed_in()
    home.config.add(home.input_for("device").org)
    await home.keyring.write_sign_in(home.org(), OLD_SIGN_IN)
    before = home.stored_state
    assert (await problem_of(attempt.commit())).kind == "config"
    assert home.stored_state == before


async def test_a_sign_in_that_fails_forgets_nothing_that_was_seen(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    await home.journal.save(make_snapshot("heron"))
    attempt, before = await home.signed_in(again=True), home.rows("snapshot")
    home.keyring.fails_at = {"write the token"}
    await problem_of(attempt.commit())
    assert home.rows("snapshot") == before


# Interrupted


@pytest.mark.parametrize("again", [False, True], ids=["new", "again"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_one_cut_short_changes_nothing(home: OnboardingEnvironment, call: str, again: bool) -> None:
    if again:
        await home.add_org("code")
    attempt, before = await home.signed_in(again=again), home.stored_state
    home.keyring.error, home.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.commit()
    assert home.stored_state == before


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_zoho_granted_to_one_that_was_interrupted_is_revoked(
    home: OnboardingEnvironment, method: SignInMethod, call: str
) -> None:
    attempt = await home.signed_in(method)
    home.keyring.error, home.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.commit()
    await attempt.cancel()
    assert home.live_refresh_tokens(method) == []
