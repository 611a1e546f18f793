"""Given up, at any stage: nothing stays, here or at Zoho."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest

from tests.onboard.home import (
    DETAILS_PATH,
    DEVICE_TOKEN_PATH,
    GRANTING,
    ORG_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
    Home,
    token_of,
)
from zbtui.clock import StoppedError
from zbtui.core.explain import BACKUP_SCOPE
from zbtui.core.org import WAYS, Way
from zbtui.core.progress import BrowserPage, DeviceCode, Progress

EXCHANGED_AT = {
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


@pytest.mark.parametrize("way", WAYS)
async def test_one_that_is_given_up_at_once_asks_zoho_nothing(home: Home, way: Way) -> None:
    typed, before = home.typed(way), home.state
    attempt = home.begin(typed)
    await attempt.abandon()
    await stopped(home.sign_in(attempt, typed))
    assert (home.paths, home.shown, home.state) == ([], [], before)


@pytest.mark.parametrize("way", WAYS)
async def test_one_that_is_given_up_while_the_keyring_waits_for_its_password_asks_zoho_nothing(
    home: Home, way: Way
) -> None:
    typed = home.typed(way)
    attempt = home.begin(typed)
    home.keyring.meanwhile["read the token"] = attempt.abandon
    await stopped(home.sign_in(attempt, typed))
    assert (home.paths, home.rows("token_request")) == ([], [])


@pytest.mark.parametrize(("way", "shown"), [("device", DeviceCode), ("browser", BrowserPage)])
async def test_one_that_waits_for_a_person_ends_at_once(
    home: Home, way: Way, shown: type[Progress]
) -> None:
    typed, told = home.typed(way), asyncio.Event()
    attempt = home.begin(typed)

    def give_up(progress: Progress) -> None:
        assert isinstance(progress, shown)
        attempt._stop.request()
        told.set()

    await stopped(attempt.sign_in(typed.secret, None, give_up))
    assert told.is_set()
    assert (EXCHANGED_AT[way] in home.paths, home.living(way)) == (False, [])


# While Zoho is being asked


@pytest.mark.parametrize("path", ["the exchange", DETAILS_PATH, ORG_PATH])
@pytest.mark.parametrize("way", GRANTING)
async def test_what_zoho_grants_while_it_is_given_up_is_revoked(home: Home, way: Way, path: str) -> None:
    typed, before = home.typed(way), home.state
    attempt = home.begin(typed)
    home.meanwhile[EXCHANGED_AT[way] if path == "the exchange" else path] = attempt.abandon
    await stopped(home.sign_in(attempt, typed))
    assert home.state == before
    assert home.living(way) == []
    assert REVOKE_PATH in home.paths


@pytest.mark.parametrize("way", GRANTING)
async def test_a_grant_that_is_of_no_use_is_revoked_as_well(home: Home, way: Way) -> None:
    home.simulator.missing_scopes["heron"] = {BACKUP_SCOPE}
    typed = home.typed(way)
    attempt = home.begin(typed)
    home.meanwhile[EXCHANGED_AT[way]] = attempt.abandon
    await stopped(home.sign_in(attempt, typed))
    assert home.living(way) == []


# With an answer to "is it this one?"


@pytest.mark.parametrize("way", GRANTING)
async def test_no_is_an_answer_and_the_grant_is_revoked(home: Home, way: Way) -> None:
    typed, before = home.typed(way), home.state
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    assert len(home.living(way)) == 1
    await attempt.abandon()
    assert (home.state, home.living(way)) == (before, [])
    assert not attempt.is_signed_in
    assert home.paths.count(REVOKE_PATH) == 1


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_the_grant_is_revoked_where_the_person_turned_out_to_live(home: Home, way: Way) -> None:
    typed, home.person = home.typed(way, "alder"), "saffron"
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    await attempt.abandon()
    assert home.living(way) == []
    assert home.simulator.requests[-1].host == "accounts.zoho.in"


@pytest.mark.parametrize("way", ["refresh-token", "client-credentials"])
async def test_what_was_there_before_is_not_revoked(home: Home, way: Way) -> None:
    typed = home.typed(way)
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    await attempt.abandon()
    assert REVOKE_PATH not in home.paths
    assert home.simulator.world.every["heron"].refresh_token in home.simulator.accounts.refresh_tokens


async def test_giving_up_twice_is_giving_up_once(home: Home) -> None:
    typed = home.typed("code")
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    await asyncio.gather(attempt.abandon(), attempt.abandon())
    await attempt.abandon()
    assert home.paths.count(REVOKE_PATH) == 1


async def test_a_zoho_that_cannot_be_reached_does_not_keep_one_from_giving_up(home: Home) -> None:
    typed = home.typed("code")
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    home.broken.add(REVOKE_PATH)
    await attempt.abandon()
    assert home.orgs == ()


async def test_what_was_given_up_can_no_longer_be_kept(home: Home) -> None:
    typed, before = home.typed("code"), home.state
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    await attempt.abandon()
    await stopped(attempt.keep())
    assert home.state == before


# Once it is kept


@pytest.mark.parametrize("way", WAYS)
async def test_giving_up_what_is_kept_changes_nothing(home: Home, way: Way) -> None:
    typed = home.typed(way)
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    await attempt.keep()
    before = home.state
    await attempt.abandon()
    assert home.state == before
    assert REVOKE_PATH not in home.paths


async def test_giving_up_while_it_is_being_kept_comes_too_late(home: Home) -> None:
    typed = home.typed("code")
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    giving_up: list[asyncio.Task[None]] = []

    async def give_up() -> None:
        giving_up.append(asyncio.create_task(attempt.abandon()))
        await asyncio.sleep(0)

    home.keyring.meanwhile["write the token"] = give_up
    await attempt.keep()
    await giving_up[0]
    assert home.living("code") == [token_of(home.keyring.sign_ins["heron"])]
    assert [org.name for org in home.orgs] == ["heron"]


async def test_giving_up_a_second_sign_in_leaves_the_first_one_alone(home: Home) -> None:
    await home.add("code")
    before, living = home.state, home.living("code")
    typed = home.typed("code")
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    await attempt.abandon()
    assert (home.state, home.living("code")) == (before, living)
