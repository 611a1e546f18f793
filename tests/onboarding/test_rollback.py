"""What goes wrong on the way leaves config, keyring and journal as they were, whatever it is."""

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
from zbtui.onboarding.sign_in_flow import SignInFlow

REFUSALS: tuple[tuple[str, ProblemKind], ...] = (
    # Of the accounts hosts …
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


async def add(home: OnboardingEnvironment, way: SignInMethod, *, again: bool = False) -> None:
    """As the command line and the form do it: whatever happens, what is not kept is abandoned."""
    typed = home.input_for(way)
    attempt = home.begin_sign_in(typed, again=again)
    try:
        await home.sign_in(attempt, typed)
        await attempt.commit()
    finally:
        await attempt.cancel()


async def signed_in(
    home: OnboardingEnvironment, way: SignInMethod = "code", *, again: bool = False
) -> SignInFlow:
    """An attempt that only has to be kept."""
    typed = home.input_for(way)
    attempt = home.begin_sign_in(typed, again=again)
    await home.sign_in(attempt, typed)
    return attempt


def old_access_token(home: OnboardingEnvironment) -> AccessToken:
    return AccessToken(Secret("1000.an.older"), "https://www.zohoapis.eu", home.clock.now())


# Refused by Zoho


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_is_not_there_afterwards(
    environment: OnboardingEnvironment, way: SignInMethod, forced: str, kind: ProblemKind
) -> None:
    environment.simulator.forced_kinds["heron"] = forced
    before = environment.stored_state
    assert (await problem_of(add(environment, way))).kind == kind
    assert environment.stored_state == before
    assert environment.live_refresh_tokens(way) == []


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_to_sign_in_again_is_there_as_before(
    environment: OnboardingEnvironment, way: SignInMethod, forced: str, kind: ProblemKind
) -> None:
    await environment.add_org("code")
    living, before = environment.live_refresh_tokens("code"), environment.stored_state
    environment.simulator.forced_kinds["heron"] = forced
    assert (await problem_of(add(environment, way, again=True))).kind == kind
    assert environment.stored_state == before
    assert environment.live_refresh_tokens("code") == living, "what it signed in with before lives on"


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_a_person_who_rejects_it_changes_nothing(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    before, environment.consents_for = environment.stored_state, None
    assert (await problem_of(add(environment, way))).code == "access_denied"
    assert environment.stored_state == before


async def test_a_lock_out_is_kept_all_the_same_for_it_is_zohos(environment: OnboardingEnvironment) -> None:
    environment.simulator.forced_kinds["heron"] = "Access Denied"
    trouble = await problem_of(add(environment, "refresh-token"))
    assert trouble.retry_at is not None
    assert len(environment.rows("lockout")) == 1


# Refused by the keyring


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_at_any_call_leaves_no_org_behind(
    environment: OnboardingEnvironment, call: str, for_good: bool
) -> None:
    attempt, before = await signed_in(environment), environment.stored_state
    environment.keyring.fails_at, environment.keyring.fails_always = {call}, for_good
    assert (await problem_of(attempt.commit())).kind == "keyring"
    environment.keyring.fails_at = set()
    assert environment.stored_state == before
    await attempt.cancel()
    assert environment.live_refresh_tokens("code") == []


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
@pytest.mark.parametrize("cached", [True, False], ids=["with a token", "without"])
async def test_a_keyring_that_fails_at_any_call_keeps_what_the_org_signed_in_with_before(
    environment: OnboardingEnvironment, call: str, for_good: bool, cached: bool
) -> None:
    await environment.add_org("code")
    if not cached:
        environment.keyring.drop_access_token("heron")
    attempt, before = await signed_in(environment, again=True), environment.stored_state
    environment.keyring.fails_at, environment.keyring.fails_always = {call}, for_good
    assert (await problem_of(attempt.commit())).kind == "keyring"
    environment.keyring.fails_at = set()
    assert environment.stored_state == before
    await attempt.cancel()
    assert environment.live_refresh_tokens("code") == [
        refresh_token_of(environment.keyring.sign_ins["heron"])
    ]


@pytest.mark.parametrize("call", ["delete", "write the sign-in"])
async def test_an_org_that_is_not_verified_is_kept_as_a_whole_or_not_at_all(
    environment: OnboardingEnvironment, call: str
) -> None:
    await environment.keyring.write_sign_in("heron", OLD_SIGN_IN)
    await environment.keyring.write_access_token("heron", old_access_token(environment))
    before, environment.keyring.fails_at = environment.stored_state, {call}
    assert (await problem_of(environment.add_org(verify=False))).kind == "keyring"
    assert environment.stored_state == before


async def test_a_token_left_over_from_an_earlier_sign_in_does_not_outlive_it(
    environment: OnboardingEnvironment,
) -> None:
    await environment.keyring.write_sign_in("heron", OLD_SIGN_IN)
    await environment.keyring.write_access_token("heron", old_access_token(environment))
    await environment.add_org(verify=False)
    assert environment.keyring.entries["heron"][1] is None


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_could_not_be_kept_can_be_kept_a_little_later_without_asking_zoho(
    environment: OnboardingEnvironment, call: str
) -> None:
    attempt = await signed_in(environment)
    asked, environment.keyring.fails_at = list(environment.paths), {call}
    await problem_of(attempt.commit())
    await attempt.commit()
    assert environment.paths == asked
    assert [org.name for org in environment.orgs] == ["heron"]
    assert all(environment.keyring.entries["heron"])


# Refused by the config


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_a_config_that_cannot_be_edited_leaves_no_credentials_behind(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    environment.config.path.write_text(UNEDITABLE_CONFIG)
    await environment.keyring.write_sign_in("heron", OLD_SIGN_IN)
    await environment.keyring.write_access_token("heron", old_access_token(environment))
    before = environment.stored_state
    assert (await problem_of(add(environment, way))).kind == "config"
    assert environment.stored_state == before
    assert environment.live_refresh_tokens(way) == []


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_a_config_that_cannot_be_written_keeps_what_the_org_signed_in_with_before(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    await environment.add_org("code")
    before = environment.stored_state
    environment.make_config_unwritable()
    # With another client, so that there is something to write.
    typed = environment.input_for("device" if way == "code" else way)
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    assert (await problem_of(attempt.commit())).kind == "config"
    assert environment.stored_state == before
    await attempt.cancel()
    assert environment.live_refresh_tokens("code") == [
        refresh_token_of(environment.keyring.sign_ins["heron"])
    ]


async def test_a_name_that_was_given_meanwhile_is_not_taken_away_again(
    environment: OnboardingEnvironment,
) -> None:
    attempt = await signed_in(environment)
    environment.config.add(environment.input_for("device").org)
    await environment.keyring.write_sign_in("heron", OLD_SIGN_IN)
    before = environment.stored_state
    assert (await problem_of(attempt.commit())).kind == "config"
    assert environment.stored_state == before


async def test_what_was_seen_of_an_org_is_not_forgotten_for_a_sign_in_that_fails(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    await environment.journal.save(make_snapshot("heron"))
    attempt, before = await signed_in(environment, again=True), environment.rows("snapshot")
    environment.keyring.fails_at = {"write the token"}
    await problem_of(attempt.commit())
    assert environment.rows("snapshot") == before


# Interrupted


@pytest.mark.parametrize("again", [False, True], ids=["new", "again"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_one_that_is_interrupted_leaves_all_as_it_was(
    environment: OnboardingEnvironment, call: str, again: bool
) -> None:
    if again:
        await environment.add_org("code")
    attempt, before = await signed_in(environment, again=again), environment.stored_state
    environment.keyring.error, environment.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.commit()
    assert environment.stored_state == before


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_zoho_granted_to_one_that_was_interrupted_is_revoked(
    environment: OnboardingEnvironment, way: SignInMethod, call: str
) -> None:
    attempt = await signed_in(environment, way)
    environment.keyring.error, environment.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.commit()
    await attempt.cancel()
    assert environment.live_refresh_tokens(way) == []
