"""Given up, at any stage: nothing stays, here or at Zoho."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from tests.onboarding.onboarding_environment import (
    DETAILS_PATH,
    DEVICE_TOKEN_PATH,
    METHODS_WITH_REFRESH_TOKEN,
    ORG_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    OnboardingEnvironment,
    refresh_token_of,
)
from zbtui.clock import StoppedError
from zbtui.model.org import SIGN_IN_METHODS, SignInMethod
from zbtui.model.sign_in_progress import ConsentPage, DeviceCode, SignInProgress
from zbtui.zoho_api.errors import BACKUP_SCOPE

FIRST_TOKEN_PATHS = {
    "code": TOKEN_PATH,
    "refresh-token": TOKEN_PATH,
    "client-credentials": TOKEN_PATH,
    "device": DEVICE_TOKEN_PATH,
    "browser": TOKEN_PATH,
}


async def stopped(attempt: Awaitable[object]) -> None:
    with pytest.raises(StoppedError):
        await attempt


# Before there is anything


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_one_that_is_given_up_at_once_asks_zoho_nothing(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed, before = environment.input_for(way), environment.stored_state
    attempt = environment.begin_sign_in(typed)
    await attempt.cancel()
    await stopped(environment.sign_in(attempt, typed))
    assert (environment.paths, environment.shown_progress, environment.stored_state) == ([], [], before)


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_one_that_is_given_up_while_the_keyring_waits_for_its_password_asks_zoho_nothing(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    environment.keyring.before_call["read the token"] = attempt.cancel
    await stopped(environment.sign_in(attempt, typed))
    assert (environment.paths, environment.rows("token_request")) == ([], [])


@pytest.mark.parametrize(("way", "shown"), [("device", DeviceCode), ("browser", ConsentPage)])
async def test_one_that_waits_for_a_person_ends_at_once(
    environment: OnboardingEnvironment, way: SignInMethod, shown: type[SignInProgress]
) -> None:
    typed, told = environment.input_for(way), asyncio.Event()
    attempt = environment.begin_sign_in(typed)

    def give_up(progress: SignInProgress) -> None:
        assert isinstance(progress, shown)
        attempt._stop.request()
        told.set()

    await stopped(attempt.sign_in(typed.secret, None, give_up))
    assert told.is_set()
    assert (FIRST_TOKEN_PATHS[way] in environment.paths, environment.live_refresh_tokens(way)) == (
        False,
        [],
    )


# While Zoho is being asked


@pytest.mark.parametrize("path", ["the exchange", DETAILS_PATH, ORG_PATH])
@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_what_zoho_grants_while_it_is_given_up_is_revoked(
    environment: OnboardingEnvironment, way: SignInMethod, path: str
) -> None:
    typed, before = environment.input_for(way), environment.stored_state
    attempt = environment.begin_sign_in(typed)
    environment.during_request[FIRST_TOKEN_PATHS[way] if path == "the exchange" else path] = attempt.cancel
    await stopped(environment.sign_in(attempt, typed))
    assert environment.stored_state == before
    assert environment.live_refresh_tokens(way) == []
    assert REVOKE_PATH in environment.paths


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_a_grant_that_is_of_no_use_is_revoked_as_well(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    environment.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    environment.during_request[FIRST_TOKEN_PATHS[way]] = attempt.cancel
    await stopped(environment.sign_in(attempt, typed))
    assert environment.live_refresh_tokens(way) == []


# With an answer to "is it this one?"


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_no_is_an_answer_and_the_grant_is_revoked(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed, before = environment.input_for(way), environment.stored_state
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    assert len(environment.live_refresh_tokens(way)) == 1
    await attempt.cancel()
    assert (environment.stored_state, environment.live_refresh_tokens(way)) == (before, [])
    assert not attempt.is_signed_in
    assert environment.paths.count(REVOKE_PATH) == 1


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_the_grant_is_revoked_where_the_person_turned_out_to_live(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed, environment.consents_for = environment.input_for(way, "alder"), "saffron"
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    await attempt.cancel()
    assert environment.live_refresh_tokens(way) == []
    assert environment.simulator.request_records[-1].host == "accounts.zoho.in"


@pytest.mark.parametrize("way", ["refresh-token", "client-credentials"])
async def test_what_was_there_before_is_not_revoked(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    await attempt.cancel()
    assert REVOKE_PATH not in environment.paths
    assert (
        environment.simulator.world.all_orgs["heron"].refresh_token
        in environment.simulator.accounts.refresh_tokens
    )


async def test_giving_up_twice_is_giving_up_once(environment: OnboardingEnvironment) -> None:
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    await asyncio.gather(attempt.cancel(), attempt.cancel())
    await attempt.cancel()
    assert environment.paths.count(REVOKE_PATH) == 1


async def test_a_zoho_that_cannot_be_reached_does_not_keep_one_from_giving_up(
    environment: OnboardingEnvironment,
) -> None:
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    environment.broken_paths.add(REVOKE_PATH)
    await attempt.cancel()
    assert environment.orgs == ()


async def test_what_was_given_up_can_no_longer_be_kept(environment: OnboardingEnvironment) -> None:
    typed, before = environment.input_for("code"), environment.stored_state
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    await attempt.cancel()
    await stopped(attempt.commit())
    assert environment.stored_state == before


# Once it is kept


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_giving_up_what_is_kept_changes_nothing(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    await attempt.commit()
    before = environment.stored_state
    await attempt.cancel()
    assert environment.stored_state == before
    assert REVOKE_PATH not in environment.paths


async def test_giving_up_while_it_is_being_kept_comes_too_late(environment: OnboardingEnvironment) -> None:
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    giving_up: list[asyncio.Task[None]] = []

    async def give_up() -> None:
        giving_up.append(asyncio.create_task(attempt.cancel()))
        await asyncio.sleep(0)

    environment.keyring.before_call["write the token"] = give_up
    await attempt.commit()
    await giving_up[0]
    assert environment.live_refresh_tokens("code") == [
        refresh_token_of(environment.keyring.sign_ins["heron"])
    ]
    assert [org.name for org in environment.orgs] == ["heron"]


async def test_giving_up_a_second_sign_in_leaves_the_first_one_alone(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    before, living = environment.stored_state, environment.live_refresh_tokens("code")
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    await attempt.cancel()
    assert (environment.stored_state, environment.live_refresh_tokens("code")) == (before, living)
