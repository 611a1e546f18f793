"""Changing an org under watch: its name, its data center, its own intervals."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.onboarding.onboarding_environment import (
    DETAILS_PATH,
    KEYRING_CALLS,
    OLD_SIGN_IN,
    TOKEN_PATH,
    UNEDITABLE_CONFIG,
    OnboardingEnvironment,
    problem_of,
)
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret
from zbtui.store.credentials import FOREIGN_ENTRY

OWN = (("every", timedelta(minutes=2)), ("overdue_after", timedelta(hours=1)))


@pytest.fixture
async def heron(environment: OnboardingEnvironment) -> Org:
    """An org under watch, of which all is known."""
    return await environment.add_org("code")


def moved_to(org: Org, data_center: str) -> Org:
    return replace(org, data_center=data_center)


async def add_in_wrong_data_center(home: OnboardingEnvironment) -> Org:
    """An org under watch unverified, at a data center where it does not live."""
    typed = home.input_for()
    typed = replace(typed, org=moved_to(typed.org, "us"))
    attempt = home.begin_sign_in(typed)
    await home.sign_in(attempt, typed, verify=False)
    return (await attempt.commit()).org


# A new name


async def test_a_new_name_takes_credentials_and_what_was_seen_with_it(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    entries = environment.keyring.entries["heron"]
    (before,) = environment.rows("snapshot")
    await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in environment.orgs] == ["egret"]
    assert environment.keyring.entries == {"egret": entries}
    (after,) = environment.rows("snapshot")
    assert (before[0], after[0]) == ("heron", "egret")
    assert before[1:] == after[1:]


async def test_a_new_name_alone_asks_zoho_nothing(environment: OnboardingEnvironment, heron: Org) -> None:
    asked = list(environment.paths)
    await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert environment.paths == asked


async def test_the_old_entries_go_last_when_the_new_ones_are_there_and_the_config_says_so(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    seen: list[object] = []

    async def look() -> None:
        seen.append((set(environment.keyring.entries), [org.name for org in environment.orgs]))

    environment.keyring.before_call["delete"] = look
    await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert seen == [({"heron", "egret"}, ["egret"])]


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_on_the_way_keeps_the_old_name_and_its_entries(
    environment: OnboardingEnvironment, heron: Org, call: str, for_good: bool
) -> None:
    before = environment.stored_state
    environment.keyring.fails_at, environment.keyring.fails_always = {call}, for_good
    assert (
        await problem_of(environment.org_service.edit("heron", replace(heron, name="egret")))
    ).kind == "keyring"
    assert environment.stored_state == before


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_change_of_name_that_is_interrupted_did_not_happen(
    environment: OnboardingEnvironment, heron: Org, call: str
) -> None:
    before = environment.stored_state
    environment.keyring.fails_at, environment.keyring.error = {call}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert environment.stored_state == before


async def test_a_config_that_cannot_be_written_keeps_the_old_name_and_its_entries(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    before = environment.stored_state
    environment.make_config_unwritable()
    assert (
        await problem_of(environment.org_service.edit("heron", replace(heron, name="egret")))
    ).kind == "config"
    assert environment.stored_state == before


async def test_old_entries_that_cannot_be_deleted_are_shown_with_where_they_are(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    entries = environment.keyring.entries["heron"]
    environment.keyring.fails_at = {"delete"}
    trouble = await problem_of(environment.org_service.edit("heron", replace(heron, name="egret")))
    assert trouble.kind == "keyring"
    assert "It is renamed" in trouble.message
    assert "zbtui:heron" in trouble.hint
    assert "zbtui-access:heron" in trouble.hint
    assert environment.keyring.entries["egret"] == entries
    assert [org.name for org in environment.orgs] == ["egret"]


async def test_a_name_that_another_org_has_is_refused_before_its_entries_are_touched(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    await environment.add_org("refresh-token", "nordlys")
    before = environment.stored_state
    wrote = environment.keyring.before_call
    wrote["write the sign-in"] = wrote["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (
        await problem_of(environment.org_service.edit("heron", replace(heron, name="nordlys")))
    ).kind == "config"
    assert environment.stored_state == before


@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_left_over_under_the_new_name_goes_only_where_the_change_succeeds(
    environment: OnboardingEnvironment, heron: Org, fails: bool
) -> None:
    entries = environment.keyring.entries["heron"]
    await environment.keyring.write_sign_in("egret", OLD_SIGN_IN)
    left_over = AccessToken(Secret("1000.left.over"), "https://www.zohoapis.eu", environment.clock.now())
    await environment.keyring.write_access_token("egret", left_over)
    before = environment.stored_state
    if fails:
        environment.make_config_unwritable()
        await problem_of(environment.org_service.edit("heron", replace(heron, name="egret")))
        assert environment.stored_state == before
    else:
        await environment.org_service.edit("heron", replace(heron, name="egret"))
        assert environment.keyring.entries == {"egret": entries}


async def test_an_org_that_signs_in_with_nothing_takes_over_nobody_elses_sign_in(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    await environment.keyring.delete("heron")
    await environment.keyring.write_sign_in("egret", OLD_SIGN_IN)
    await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in environment.orgs] == ["egret"]
    assert environment.keyring.entries == {}


# Another data center


async def test_another_data_center_is_asked_before_it_is_believed(
    environment: OnboardingEnvironment,
) -> None:
    org = await add_in_wrong_data_center(environment)
    await environment.org_service.edit("heron", moved_to(org, "eu"))
    assert environment.orgs == (moved_to(org, "eu"),)
    assert environment.paths == [TOKEN_PATH, DETAILS_PATH]
    access = environment.keyring.entries["heron"][1]
    assert access is not None
    assert access.api_url == "https://www.zohoapis.eu"


async def test_name_and_data_center_can_change_together(environment: OnboardingEnvironment) -> None:
    org = await add_in_wrong_data_center(environment)
    await environment.org_service.edit("heron", replace(org, name="egret", data_center="eu"))
    assert environment.orgs == (replace(org, name="egret", data_center="eu"),)
    assert set(environment.keyring.entries) == {"egret"}
    assert all(environment.keyring.entries["egret"])


async def test_what_was_seen_at_the_old_place_is_forgotten(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    environment.config.replace("heron", moved_to(heron, "us"))
    await environment.org_service.edit("heron", heron)
    assert environment.rows("snapshot") == []


@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_where_the_org_does_not_live_changes_nothing(
    environment: OnboardingEnvironment, heron: Org, name: str
) -> None:
    before = environment.stored_state
    trouble = await problem_of(
        environment.org_service.edit("heron", replace(heron, name=name, data_center="in"))
    )
    assert (trouble.kind, trouble.code) == ("auth", "invalid_client")
    assert "IN" in trouble.hint
    assert environment.stored_state == before


@pytest.mark.parametrize("path", [TOKEN_PATH, DETAILS_PATH])
@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_that_cannot_be_reached_changes_nothing_and_writes_nothing(
    environment: OnboardingEnvironment, path: str, name: str
) -> None:
    org = await add_in_wrong_data_center(environment)
    before = environment.stored_state
    environment.broken_paths.add(path)
    environment.keyring.fails_at, environment.keyring.fails_always = {"write the sign-in", "delete"}, True
    trouble = await problem_of(
        environment.org_service.edit("heron", replace(org, name=name, data_center="eu"))
    )
    assert trouble.kind == "network"
    assert environment.stored_state == before


@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "write the token"])
async def test_a_keyring_that_fails_on_the_way_leaves_the_org_where_it_was(
    environment: OnboardingEnvironment, call: str
) -> None:
    org = await add_in_wrong_data_center(environment)
    before = environment.stored_state
    environment.keyring.fails_at, environment.keyring.fails_always = {call}, True
    assert (await problem_of(environment.org_service.edit("heron", moved_to(org, "eu")))).kind == "keyring"
    assert environment.stored_state == before


async def test_a_config_that_cannot_be_written_leaves_the_token_of_the_old_place(
    environment: OnboardingEnvironment,
) -> None:
    org = await add_in_wrong_data_center(environment)
    before = environment.stored_state
    environment.make_config_unwritable()
    assert (await problem_of(environment.org_service.edit("heron", moved_to(org, "eu")))).kind == "config"
    assert environment.stored_state == before


async def test_an_org_that_signs_in_with_nothing_is_asked_to_sign_in(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    await environment.keyring.delete("heron")
    before = environment.stored_state
    trouble = await problem_of(environment.org_service.edit("heron", moved_to(heron, "us")))
    assert (trouble.kind, trouble.final) == ("auth", True)
    assert "Sign in again" in trouble.hint
    assert environment.stored_state == before


# Its own intervals


async def test_an_org_can_have_intervals_of_its_own_and_lose_them_again(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    asked, entries, rows = (
        list(environment.paths),
        environment.keyring.entries,
        environment.rows("snapshot"),
    )
    await environment.org_service.edit("heron", replace(heron, policy_overrides=OWN))
    assert environment.orgs == (replace(heron, policy_overrides=OWN),)
    await environment.org_service.edit("heron", heron)
    assert environment.orgs == (heron,)
    assert (environment.paths, environment.keyring.entries, environment.rows("snapshot")) == (
        asked,
        entries,
        rows,
    )


async def test_a_locked_keyring_does_not_keep_an_org_from_other_intervals(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    environment.keyring.fails_at, environment.keyring.fails_always = set(KEYRING_CALLS) | {"delete"}, True
    await environment.org_service.edit("heron", replace(heron, policy_overrides=OWN))
    assert environment.orgs == (replace(heron, policy_overrides=OWN),)


async def test_an_edit_that_changes_nothing_asks_and_writes_nothing(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    before, asked = environment.stored_state, list(environment.paths)
    await environment.org_service.edit("heron", heron)
    assert (environment.stored_state, environment.paths) == (before, asked)


# What cannot be edited


async def test_an_org_that_is_not_under_watch_cannot_be_edited(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    trouble = await problem_of(environment.org_service.edit("egret", replace(heron, name="egret")))
    assert (trouble.kind, "heron" in trouble.hint) == ("config", True)


async def test_a_config_that_cannot_be_edited_stays_as_it_is(environment: OnboardingEnvironment) -> None:
    environment.config.path.write_text(UNEDITABLE_CONFIG)
    await environment.keyring.write_sign_in("acme", OLD_SIGN_IN)
    (acme,), before = environment.orgs, environment.stored_state
    assert (
        await problem_of(environment.org_service.edit("acme", replace(acme, name="zenith")))
    ).kind == "config"
    assert environment.stored_state == before


async def test_an_entry_that_is_not_zbtuis_is_not_carried_along(
    environment: OnboardingEnvironment, heron: Org
) -> None:
    environment.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    environment.keyring.fails_at = {"read the sign-in"}
    await environment.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in environment.orgs] == ["egret"]
    assert environment.keyring.entries == {}
