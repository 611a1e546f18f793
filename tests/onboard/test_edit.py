"""Changing an org under watch: its name, its data center, its own intervals."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.onboard.home import (
    DETAILS_PATH,
    KEYRING_CALLS,
    OLD,
    TOKEN_PATH,
    UNEDITABLE,
    Home,
    refused,
)
from zbtui.core.org import Org
from zbtui.core.secret import AccessToken, Secret
from zbtui.core.trouble import Trouble, TroubleError
from zbtui.store.memory import FOREIGN_ENTRY

OWN = (("every", timedelta(minutes=2)), ("overdue_after", timedelta(hours=1)))


@pytest.fixture
async def heron(home: Home) -> Org:
    """An org under watch, of which all is known."""
    return await home.add("code")


def moved_to(org: Org, data_center: str) -> Org:
    return replace(org, data_center=data_center)


async def settle_in_the_wrong_place(home: Home) -> Org:
    """An org under watch unverified, at a data center where it does not live."""
    typed = home.typed()
    typed = replace(typed, org=moved_to(typed.org, "us"))
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed, verified=False)
    return (await attempt.keep()).org


# A new name


async def test_a_new_name_takes_credentials_and_what_was_seen_with_it(home: Home, heron: Org) -> None:
    entries = home.keyring.entries["heron"]
    (before,) = home.rows("snapshot")
    await home.desk.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {"egret": entries}
    (after,) = home.rows("snapshot")
    assert (before[0], after[0]) == ("heron", "egret")
    assert before[1:] == after[1:]


async def test_a_new_name_alone_asks_zoho_nothing(home: Home, heron: Org) -> None:
    asked = list(home.paths)
    await home.desk.edit("heron", replace(heron, name="egret"))
    assert home.paths == asked


async def test_the_old_entries_go_last_when_the_new_ones_are_there_and_the_config_says_so(
    home: Home, heron: Org
) -> None:
    seen: list[object] = []

    async def look() -> None:
        seen.append((set(home.keyring.entries), [org.name for org in home.orgs]))

    home.keyring.meanwhile["delete"] = look
    await home.desk.edit("heron", replace(heron, name="egret"))
    assert seen == [({"heron", "egret"}, ["egret"])]


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_on_the_way_keeps_the_old_name_and_its_entries(
    home: Home, heron: Org, call: str, for_good: bool
) -> None:
    before = home.state
    home.keyring.fails_at, home.keyring.for_good = {call}, for_good
    assert (await refused(home.desk.edit("heron", replace(heron, name="egret")))).kind == "keyring"
    assert home.state == before


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_change_of_name_that_is_interrupted_did_not_happen(
    home: Home, heron: Org, call: str
) -> None:
    before = home.state
    home.keyring.fails_at, home.keyring.error = {call}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await home.desk.edit("heron", replace(heron, name="egret"))
    assert home.state == before


async def test_a_config_that_cannot_be_written_keeps_the_old_name_and_its_entries(
    home: Home, heron: Org
) -> None:
    before = home.state
    home.bar_config()
    assert (await refused(home.desk.edit("heron", replace(heron, name="egret")))).kind == "config"
    assert home.state == before


async def test_old_entries_that_cannot_be_deleted_are_told_with_where_they_are(
    home: Home, heron: Org
) -> None:
    entries = home.keyring.entries["heron"]
    home.keyring.fails_at = {"delete"}
    trouble = await refused(home.desk.edit("heron", replace(heron, name="egret")))
    assert trouble.kind == "keyring"
    assert "It is renamed" in trouble.message
    assert "zbtui:heron" in trouble.hint
    assert "zbtui-access:heron" in trouble.hint
    assert home.keyring.entries["egret"] == entries
    assert [org.name for org in home.orgs] == ["egret"]


async def test_a_name_that_another_org_has_is_refused_before_its_entries_are_touched(
    home: Home, heron: Org
) -> None:
    await home.add("refresh-token", "nordlys")
    before = home.state
    wrote = home.keyring.meanwhile
    wrote["write the sign-in"] = wrote["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (await refused(home.desk.edit("heron", replace(heron, name="nordlys")))).kind == "config"
    assert home.state == before


@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_left_over_under_the_new_name_goes_only_where_the_change_succeeds(
    home: Home, heron: Org, fails: bool
) -> None:
    entries = home.keyring.entries["heron"]
    await home.keyring.write_sign_in("egret", OLD)
    left_over = AccessToken(Secret("1000.left.over"), "https://www.zohoapis.eu", home.clock.now())
    await home.keyring.write_access("egret", left_over)
    before = home.state
    if fails:
        home.bar_config()
        await refused(home.desk.edit("heron", replace(heron, name="egret")))
        assert home.state == before
    else:
        await home.desk.edit("heron", replace(heron, name="egret"))
        assert home.keyring.entries == {"egret": entries}


async def test_an_org_that_signs_in_with_nothing_takes_over_nobody_elses_sign_in(
    home: Home, heron: Org
) -> None:
    await home.keyring.delete("heron")
    await home.keyring.write_sign_in("egret", OLD)
    await home.desk.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {}


# Another data center


async def test_another_data_center_is_asked_before_it_is_believed(home: Home) -> None:
    org = await settle_in_the_wrong_place(home)
    await home.desk.edit("heron", moved_to(org, "eu"))
    assert home.orgs == (moved_to(org, "eu"),)
    assert home.paths == [TOKEN_PATH, DETAILS_PATH]
    access = home.keyring.entries["heron"][1]
    assert access is not None
    assert access.api_url == "https://www.zohoapis.eu"


async def test_name_and_data_center_can_change_together(home: Home) -> None:
    org = await settle_in_the_wrong_place(home)
    await home.desk.edit("heron", replace(org, name="egret", data_center="eu"))
    assert home.orgs == (replace(org, name="egret", data_center="eu"),)
    assert set(home.keyring.entries) == {"egret"}
    assert all(home.keyring.entries["egret"])


async def test_what_was_seen_at_the_old_place_is_forgotten(home: Home, heron: Org) -> None:
    home.config.replace("heron", moved_to(heron, "us"))
    await home.desk.edit("heron", heron)
    assert home.rows("snapshot") == []


@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_where_the_org_does_not_live_changes_nothing(
    home: Home, heron: Org, name: str
) -> None:
    before = home.state
    trouble = await refused(home.desk.edit("heron", replace(heron, name=name, data_center="in")))
    assert (trouble.kind, trouble.code) == ("auth", "invalid_client")
    assert "IN" in trouble.hint
    assert home.state == before


@pytest.mark.parametrize("path", [TOKEN_PATH, DETAILS_PATH])
@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_that_cannot_be_reached_changes_nothing_and_writes_nothing(
    home: Home, path: str, name: str
) -> None:
    org = await settle_in_the_wrong_place(home)
    before = home.state
    home.broken.add(path)
    home.keyring.fails_at, home.keyring.for_good = {"write the sign-in", "delete"}, True
    trouble = await refused(home.desk.edit("heron", replace(org, name=name, data_center="eu")))
    assert trouble.kind == "network"
    assert home.state == before


@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "write the token"])
async def test_a_keyring_that_fails_on_the_way_leaves_the_org_where_it_was(home: Home, call: str) -> None:
    org = await settle_in_the_wrong_place(home)
    before = home.state
    home.keyring.fails_at, home.keyring.for_good = {call}, True
    assert (await refused(home.desk.edit("heron", moved_to(org, "eu")))).kind == "keyring"
    assert home.state == before


async def test_a_config_that_cannot_be_written_leaves_the_token_of_the_old_place(home: Home) -> None:
    org = await settle_in_the_wrong_place(home)
    before = home.state
    home.bar_config()
    assert (await refused(home.desk.edit("heron", moved_to(org, "eu")))).kind == "config"
    assert home.state == before


async def test_an_org_that_signs_in_with_nothing_is_told_to_sign_in(home: Home, heron: Org) -> None:
    await home.keyring.delete("heron")
    before = home.state
    trouble = await refused(home.desk.edit("heron", moved_to(heron, "us")))
    assert (trouble.kind, trouble.final) == ("auth", True)
    assert "Sign in again" in trouble.hint
    assert home.state == before


# Its own intervals


async def test_an_org_can_have_intervals_of_its_own_and_lose_them_again(home: Home, heron: Org) -> None:
    asked, entries, rows = list(home.paths), home.keyring.entries, home.rows("snapshot")
    await home.desk.edit("heron", replace(heron, own_policy=OWN))
    assert home.orgs == (replace(heron, own_policy=OWN),)
    await home.desk.edit("heron", heron)
    assert home.orgs == (heron,)
    assert (home.paths, home.keyring.entries, home.rows("snapshot")) == (asked, entries, rows)


async def test_a_locked_keyring_does_not_keep_an_org_from_other_intervals(home: Home, heron: Org) -> None:
    home.keyring.fails_at, home.keyring.for_good = set(KEYRING_CALLS) | {"delete"}, True
    await home.desk.edit("heron", replace(heron, own_policy=OWN))
    assert home.orgs == (replace(heron, own_policy=OWN),)


async def test_an_edit_that_changes_nothing_asks_and_writes_nothing(home: Home, heron: Org) -> None:
    before, asked = home.state, list(home.paths)
    await home.desk.edit("heron", heron)
    assert (home.state, home.paths) == (before, asked)


# What cannot be edited


async def test_an_org_that_is_not_under_watch_cannot_be_edited(home: Home, heron: Org) -> None:
    trouble = await refused(home.desk.edit("egret", replace(heron, name="egret")))
    assert (trouble.kind, "heron" in trouble.hint) == ("config", True)


async def test_a_config_that_cannot_be_edited_stays_as_it_is(home: Home) -> None:
    home.config.path.write_text(UNEDITABLE)
    await home.keyring.write_sign_in("acme", OLD)
    (acme,), before = home.orgs, home.state
    assert (await refused(home.desk.edit("acme", replace(acme, name="zenith")))).kind == "config"
    assert home.state == before


async def test_an_entry_that_is_not_zbtuis_is_not_carried_along(home: Home, heron: Org) -> None:
    home.keyring.error = TroubleError(Trouble("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at = {"read the sign-in"}
    await home.desk.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {}
