"""Cancelling a sign-in at any stage leaves nothing behind, here or at Zoho."""

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


# Before any request


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_one_given_up_at_once_asks_nothing(home: OnboardingEnvironment, method: SignInMethod) -> None:
    typed, before = home.input_for(method), home.stored_state
    attempt = home.begin_sign_in(typed)
    await attempt.cancel()
    await stopped(home.sign_in(attempt, typed))
    assert (home.paths, home.shown_progress, home.stored_state) == ([], [], before)


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_one_that_is_given_up_while_the_keyring_waits_for_its_password_asks_zoho_nothing(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed)
    home.keyring.before_call["read the token"] = attempt.cancel
    await stopped(home.sign_in(attempt, typed))
    assert (home.paths, home.rows("token_request")) == ([], [])


@pytest.mark.parametrize(("method", "shown"), [("device", DeviceCode), ("browser", ConsentPage)])
async def test_one_that_waits_for_a_person_ends_at_once(
    home: OnboardingEnvironment, method: SignInMethod, shown: type[SignInProgress]
) -> None:
    typed, was_shown = home.input_for(method), asyncio.Event()
    attempt = home.begin_sign_in(typed)

    def give_up(progress: SignInProgress) -> None:
        assert isinstance(progress, shown)
        attempt._stop.request()
        was_shown.set()

    await stopped(attempt.sign_in(typed.secret, None, give_up))
    assert was_shown.is_set()
    assert (FIRST_TOKEN_PATHS[method] in home.paths, home.live_refresh_tokens(method)) == (False, [])


# During a request to Zoho


@pytest.mark.parametrize("path", ["the exchange", DETAILS_PATH, ORG_PATH])
@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_what_zoho_grants_while_it_is_given_up_is_revoked(
    home: OnboardingEnvironment, method: SignInMethod, path: str
) -> None:
    typed, before = home.input_for(method), home.stored_state
    attempt = home.begin_sign_in(typed)
    home.during_request[FIRST_TOKEN_PATHS[method] if path == "the exchange" else path] = attempt.cancel
    await stopped(home.sign_in(attempt, typed))
    assert home.stored_state == before
    assert home.live_refresh_tokens(method) == []
    assert REVOKE_PATH in home.paths


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_a_useless_grant_is_revoked_as_well(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    home.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed)
    home.during_request[FIRST_TOKEN_PATHS[method]] = attempt.cancel
    await stopped(home.sign_in(attempt, typed))
    assert home.live_refresh_tokens(method) == []


# With an answer to "is it this one?"


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_a_no_has_the_grant_revoked(home: OnboardingEnvironment, method: SignInMethod) -> None:
    before = home.stored_state
    attempt = await home.signed_in(method)
    assert len(home.live_refresh_tokens(method)) == 1
    await attempt.cancel()
    assert (home.stored_state, home.live_refresh_tokens(method)) == (before, [])
    assert not attempt.is_signed_in
    assert home.paths.count(REVOKE_PATH) == 1


@pytest.mark.parametrize("method", ["device", "browser"])
async def test_a_grant_is_revoked_where_it_is_from(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    typed, home.consents_for = home.input_for(method, "alder"), "saffron"
    attempt = home.begin_sign_in(typed)
    await home.sign_in(attempt, typed)
    await attempt.cancel()
    assert home.live_refresh_tokens(method) == []
    assert home.simulator.request_records[-1].host == "accounts.zoho.in"


@pytest.mark.parametrize("method", ["refresh-token", "client-credentials"])
async def test_what_was_there_before_is_not_revoked(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    attempt = await home.signed_in(method)
    await attempt.cancel()
    assert REVOKE_PATH not in home.paths
    assert home.simulator.world.all_orgs["heron"].refresh_token in home.simulator.accounts.refresh_tokens


async def test_giving_up_twice_is_giving_up_once(home: OnboardingEnvironment) -> None:
    attempt = await home.signed_in()
    await asyncio.gather(attempt.cancel(), attempt.cancel())
    await attempt.cancel()
    assert home.paths.count(REVOKE_PATH) == 1


async def test_out_of_reach_zoho_does_not_keep_one_from_giving_up(home: OnboardingEnvironment) -> None:
    attempt = await home.signed_in()
    home.broken_paths.add(REVOKE_PATH)
    await attempt.cancel()
    assert home.orgs == ()


async def test_what_was_given_up_can_no_longer_be_kept(home: OnboardingEnvironment) -> None:
    before = home.stored_state
    attempt = await home.signed_in()
    await attempt.cancel()
    await stopped(attempt.commit())
    assert home.stored_state == before


# After the commit


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_giving_up_what_is_kept_does_nothing(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    attempt = await home.signed_in(method)
    await attempt.commit()
    before = home.stored_state
    await attempt.cancel()
    assert home.stored_state == before
    assert REVOKE_PATH not in home.paths


async def test_giving_up_while_it_is_being_kept_comes_too_late(home: OnboardingEnvironment) -> None:
    attempt = await home.signed_in()
    giving_up: list[asyncio.Task[None]] = []

    async def give_up() -> None:
        giving_up.append(asyncio.create_task(attempt.cancel()))
        await asyncio.sleep(0)

    home.keyring.before_call["write the token"] = give_up
    await attempt.commit()
    await giving_up[0]
    assert home.live_refresh_tokens("code") == [refresh_token_of(home.keyring.sign_ins["heron"])]
    assert [org.name for org in home.orgs] == ["heron"]


async def test_giving_up_a_second_sign_in_leaves_the_first_one_alone(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    before, living = home.stored_state, home.live_refresh_tokens("code")
    attempt = await home.signed_in(again=True)
    await attempt.cancel()
    assert (home.stored_state, home.live_refresh_tokens("code")) == (before, living)
