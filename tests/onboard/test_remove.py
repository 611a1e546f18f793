"""Taking an org off watch, with its refresh token or without."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.onboard.home import GRANTING, OLD, REVOKE_PATH, UNEDITABLE, Home, refused, token_of
from tests.support.build import seen
from zbtui.core.org import WAYS, Way
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.memory import FOREIGN_ENTRY


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("revoking", [False, True])
async def test_an_org_taken_off_watch_leaves_nothing_behind_here(
    home: Home, way: Way, revoking: bool
) -> None:
    await home.add("refresh-token", "kestrel")
    kestrel = home.keyring.entries["kestrel"]
    await home.add(way)
    await home.desk.remove("heron", revoking=revoking)
    assert [org.name for org in home.orgs] == ["kestrel"]
    assert home.keyring.entries == {"kestrel": kestrel}
    assert [row[0] for row in home.rows("snapshot")] == ["kestrel"]


@pytest.mark.parametrize("way", GRANTING)
async def test_its_refresh_token_lives_on_at_zoho_or_is_revoked_as_was_asked(home: Home, way: Way) -> None:
    for revoking in (False, True):
        await home.add(way)
        token = token_of(home.keyring.sign_ins["heron"])
        await home.desk.remove("heron", revoking=revoking)
        assert (token in home.simulator.accounts.refresh_tokens) is not revoking
        assert (REVOKE_PATH in home.paths) is revoking


async def test_a_pasted_refresh_token_is_revoked_where_that_is_asked(home: Home) -> None:
    await home.add()
    await home.desk.remove("heron", revoking=True)
    assert home.simulator.world.every["heron"].refresh_token not in home.simulator.accounts.refresh_tokens


async def test_a_token_is_revoked_where_the_org_lives(home: Home) -> None:
    await home.add("device", "saffron")
    await home.desk.remove("saffron", revoking=True)
    assert home.simulator.requests[-1].host == "accounts.zoho.in"


async def test_a_token_that_another_org_signs_in_with_is_not_revoked(home: Home) -> None:
    await home.add("code")
    typed = home.typed("refresh-token", called="twin")
    token = token_of(home.keyring.sign_ins["heron"])
    attempt = home.begin(typed)
    await attempt.sign_in(typed.secret, token, home.show)
    await attempt.keep()
    before = home.state
    trouble = await refused(home.desk.remove("heron", revoking=True))
    assert trouble.kind == "config"
    assert trouble.message == "twin signs in with the same refresh token, and would go blind."
    assert (home.state, REVOKE_PATH in home.paths) == (before, False)
    await home.desk.remove("heron")
    await home.desk.remove("twin", revoking=True)
    assert token not in home.simulator.accounts.refresh_tokens


async def test_a_token_is_revoked_though_another_org_signs_in_with_the_same_client(home: Home) -> None:
    await home.add("code")
    twin = replace(home.orgs[0], name="twin")
    home.config.add(twin)
    await home.keyring.write_sign_in("twin", OLD)
    token = token_of(home.keyring.sign_ins["heron"])
    await home.desk.remove("heron", revoking=True)
    assert token not in home.simulator.accounts.refresh_tokens
    assert (home.orgs, home.keyring.sign_ins) == ((twin,), {"twin": OLD})


async def test_client_credentials_have_nothing_to_revoke(home: Home) -> None:
    await home.add("client-credentials")
    await home.desk.remove("heron", revoking=True)
    assert REVOKE_PATH not in home.paths


async def test_a_token_that_zoho_does_not_know_counts_as_revoked(home: Home) -> None:
    await home.add("code")
    home.simulator.accounts.revoke(token_of(home.keyring.sign_ins["heron"]))
    await home.desk.remove("heron", revoking=True)
    assert home.orgs == ()


async def test_an_org_without_credentials_can_be_taken_off(home: Home) -> None:
    await home.add(verified=False)
    await home.keyring.delete("heron")
    await home.desk.remove("heron", revoking=True)
    assert (home.orgs, home.paths) == ((), [])


@pytest.mark.parametrize("revoking", [False, True])
async def test_an_entry_that_is_not_zbtuis_does_not_stand_in_the_way(home: Home, revoking: bool) -> None:
    await home.add()
    home.keyring.error = TroubleError(Trouble("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at, home.keyring.for_good = {"read the sign-in"}, True
    await home.desk.remove("heron", revoking=revoking)
    assert (home.orgs, home.keyring.entries) == ((), {})


# What goes wrong


async def test_a_zoho_that_cannot_be_reached_changes_nothing_and_the_keyring_is_not_touched(
    home: Home,
) -> None:
    await home.add("code")
    before = home.state
    home.broken.add(REVOKE_PATH)
    home.keyring.meanwhile["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (await refused(home.desk.remove("heron", revoking=True))).kind == "network"
    assert home.state == before


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "delete"])
async def test_an_org_whose_credentials_cannot_be_deleted_stays_under_watch(
    home: Home, call: str, for_good: bool
) -> None:
    await home.add("code")
    before = home.state
    home.keyring.fails_at, home.keyring.for_good = {call}, for_good
    assert (await refused(home.desk.remove("heron"))).kind == "keyring"
    assert home.state == before


async def test_a_config_that_cannot_be_edited_brings_the_credentials_back(home: Home) -> None:
    home.config.path.write_text(UNEDITABLE)
    await home.keyring.write_sign_in("acme", OLD)
    await home.journal.save(seen("acme"))
    before = home.state
    assert (await refused(home.desk.remove("acme"))).kind == "config"
    assert home.state == before


async def test_a_config_that_cannot_be_written_brings_the_credentials_back(home: Home) -> None:
    await home.add("code")
    before = home.state
    home.bar_config()
    assert (await refused(home.desk.remove("heron"))).kind == "config"
    assert home.state == before


async def test_one_that_is_interrupted_did_not_happen(home: Home) -> None:
    await home.add("code")
    before = home.state
    home.keyring.fails_at, home.keyring.error = {"delete"}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await home.desk.remove("heron")
    assert home.state == before


async def test_one_that_was_revoked_and_then_failed_can_be_removed_all_the_same(home: Home) -> None:
    await home.add("code")
    home.keyring.fails_at = {"delete"}
    await refused(home.desk.remove("heron", revoking=True))
    await home.desk.remove("heron", revoking=True)
    assert (home.orgs, home.keyring.entries) == ((), {})


async def test_an_org_that_is_not_under_watch_cannot_be_taken_off(home: Home) -> None:
    await home.add("refresh-token", "kestrel")
    await home.keyring.write_sign_in("heron", OLD)
    before = home.state
    trouble = await refused(home.desk.remove("heron", revoking=True))
    assert (trouble.kind, "kestrel" in trouble.hint) == ("config", True)
    assert home.state == before
    assert REVOKE_PATH not in home.paths
