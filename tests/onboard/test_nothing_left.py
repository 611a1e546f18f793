"""What goes wrong on the way leaves config, keyring and journal as they were, whatever it is."""

from __future__ import annotations

import asyncio

import pytest

from tests.onboard.home import GRANTING, KEYRING_CALLS, OLD, UNEDITABLE, Home, refused, token_of
from tests.support.build import seen
from zbtui.core.org import WAYS, Way
from zbtui.core.secret import AccessToken, Secret
from zbtui.core.trouble import Kind
from zbtui.onboard.attempt import Attempt

REFUSALS: tuple[tuple[str, Kind], ...] = (
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


async def add(home: Home, way: Way, *, again: bool = False) -> None:
    """As the command line and the form do it: whatever happens, what is not kept is abandoned."""
    typed = home.typed(way)
    attempt = home.begin(typed, again=again)
    try:
        await home.sign_in(attempt, typed)
        await attempt.keep()
    finally:
        await attempt.abandon()


async def signed_in(home: Home, way: Way = "code", *, again: bool = False) -> Attempt:
    """An attempt that only has to be kept."""
    typed = home.typed(way)
    attempt = home.begin(typed, again=again)
    await home.sign_in(attempt, typed)
    return attempt


def token_of_old(home: Home) -> AccessToken:
    return AccessToken(Secret("1000.an.older"), "https://www.zohoapis.eu", home.clock.now())


# Refused by Zoho


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_is_not_there_afterwards(
    home: Home, way: Way, forced: str, kind: Kind
) -> None:
    home.simulator.forced["heron"] = forced
    before = home.state
    assert (await refused(add(home, way))).kind == kind
    assert home.state == before
    assert home.living(way) == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("forced", "kind"), REFUSALS)
async def test_an_org_that_zoho_refuses_to_sign_in_again_is_there_as_before(
    home: Home, way: Way, forced: str, kind: Kind
) -> None:
    await home.add("code")
    living, before = home.living("code"), home.state
    home.simulator.forced["heron"] = forced
    assert (await refused(add(home, way, again=True))).kind == kind
    assert home.state == before
    assert home.living("code") == living, "what it signed in with before lives on"


@pytest.mark.parametrize("way", ["device", "browser"])
async def test_a_person_who_rejects_it_changes_nothing(home: Home, way: Way) -> None:
    before, home.person = home.state, None
    assert (await refused(add(home, way))).code == "access_denied"
    assert home.state == before


async def test_a_lock_out_is_kept_all_the_same_for_it_is_zohos(home: Home) -> None:
    home.simulator.forced["heron"] = "Access Denied"
    trouble = await refused(add(home, "refresh-token"))
    assert trouble.retry_at is not None
    assert len(home.rows("lockout")) == 1


# Refused by the keyring


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_at_any_call_leaves_no_org_behind(
    home: Home, call: str, for_good: bool
) -> None:
    attempt, before = await signed_in(home), home.state
    home.keyring.fails_at, home.keyring.for_good = {call}, for_good
    assert (await refused(attempt.keep())).kind == "keyring"
    home.keyring.fails_at = set()
    assert home.state == before
    await attempt.abandon()
    assert home.living("code") == []


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
@pytest.mark.parametrize("cached", [True, False], ids=["with a token", "without"])
async def test_a_keyring_that_fails_at_any_call_keeps_what_the_org_signed_in_with_before(
    home: Home, call: str, for_good: bool, cached: bool
) -> None:
    await home.add("code")
    if not cached:
        home.keyring.drop_access("heron")
    attempt, before = await signed_in(home, again=True), home.state
    home.keyring.fails_at, home.keyring.for_good = {call}, for_good
    assert (await refused(attempt.keep())).kind == "keyring"
    home.keyring.fails_at = set()
    assert home.state == before
    await attempt.abandon()
    assert home.living("code") == [token_of(home.keyring.sign_ins["heron"])]


@pytest.mark.parametrize("call", ["delete", "write the sign-in"])
async def test_an_org_that_is_not_verified_is_kept_as_a_whole_or_not_at_all(home: Home, call: str) -> None:
    await home.keyring.write_sign_in("heron", OLD)
    await home.keyring.write_access("heron", token_of_old(home))
    before, home.keyring.fails_at = home.state, {call}
    assert (await refused(home.add(verified=False))).kind == "keyring"
    assert home.state == before


async def test_a_token_left_over_from_an_earlier_sign_in_does_not_outlive_it(home: Home) -> None:
    await home.keyring.write_sign_in("heron", OLD)
    await home.keyring.write_access("heron", token_of_old(home))
    await home.add(verified=False)
    assert home.keyring.entries["heron"][1] is None


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_could_not_be_kept_can_be_kept_a_little_later_without_asking_zoho(
    home: Home, call: str
) -> None:
    attempt = await signed_in(home)
    asked, home.keyring.fails_at = list(home.paths), {call}
    await refused(attempt.keep())
    await attempt.keep()
    assert home.paths == asked
    assert [org.name for org in home.orgs] == ["heron"]
    assert all(home.keyring.entries["heron"])


# Refused by the config


@pytest.mark.parametrize("way", WAYS)
async def test_a_config_that_cannot_be_edited_leaves_no_credentials_behind(home: Home, way: Way) -> None:
    home.config.path.write_text(UNEDITABLE)
    await home.keyring.write_sign_in("heron", OLD)
    await home.keyring.write_access("heron", token_of_old(home))
    before = home.state
    assert (await refused(add(home, way))).kind == "config"
    assert home.state == before
    assert home.living(way) == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_config_that_cannot_be_written_keeps_what_the_org_signed_in_with_before(
    home: Home, way: Way
) -> None:
    await home.add("code")
    before = home.state
    home.bar_config()
    # With another client, so that there is something to write.
    typed = home.typed("device" if way == "code" else way)
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    assert (await refused(attempt.keep())).kind == "config"
    assert home.state == before
    await attempt.abandon()
    assert home.living("code") == [token_of(home.keyring.sign_ins["heron"])]


async def test_a_name_that_was_given_meanwhile_is_not_taken_away_again(home: Home) -> None:
    attempt = await signed_in(home)
    home.config.add(home.typed("device").org)
    await home.keyring.write_sign_in("heron", OLD)
    before = home.state
    assert (await refused(attempt.keep())).kind == "config"
    assert home.state == before


async def test_what_was_seen_of_an_org_is_not_forgotten_for_a_sign_in_that_fails(home: Home) -> None:
    await home.add("code")
    await home.journal.save(seen("heron"))
    attempt, before = await signed_in(home, again=True), home.rows("snapshot")
    home.keyring.fails_at = {"write the token"}
    await refused(attempt.keep())
    assert home.rows("snapshot") == before


# Interrupted


@pytest.mark.parametrize("again", [False, True], ids=["new", "again"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_one_that_is_interrupted_leaves_all_as_it_was(home: Home, call: str, again: bool) -> None:
    if again:
        await home.add("code")
    attempt, before = await signed_in(home, again=again), home.state
    home.keyring.error, home.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.keep()
    assert home.state == before


@pytest.mark.parametrize("way", GRANTING)
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_what_zoho_granted_to_one_that_was_interrupted_is_revoked(
    home: Home, way: Way, call: str
) -> None:
    attempt = await signed_in(home, way)
    home.keyring.error, home.keyring.fails_at = asyncio.CancelledError(), {call}
    with pytest.raises(asyncio.CancelledError):
        await attempt.keep()
    await attempt.abandon()
    assert home.living(way) == []
