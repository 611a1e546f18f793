"""Editing an org: its name, its data center, its own intervals."""

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
from tests.store.store_samples import full_snapshot
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import AccessToken, Secret
from zbtui.store.credentials import FOREIGN_ENTRY

OWN = (("every", timedelta(minutes=2)), ("overdue_after", timedelta(hours=1)))


@pytest.fixture
async def heron(home: OnboardingEnvironment) -> Org:
    """An org under watch with a full snapshot."""
    return await home.add_org("code")


def moved_to(org: Org, data_center: str) -> Org:
    return replace(org, data_center=data_center)


async def add_in_wrong_data_center(home: OnboardingEnvironment) -> Org:
    """Add an org unverified, with a data center that is not its own."""
    typed = home.input_for()
    typed = replace(typed, org=moved_to(typed.org, "us"))
    attempt = home.begin_sign_in(typed)
    await home.sign_in(attempt, typed, verify=False)
    return (await attempt.commit()).org


# A new name


async def test_a_new_name_takes_all_that_is_kept_with_it(home: OnboardingEnvironment, heron: Org) -> None:
    entries = home.keyring.entries["heron"]
    (before,) = home.rows("snapshot")
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {"egret": entries}
    (after,) = home.rows("snapshot")
    assert (before[0], after[0]) == ("heron", "egret")
    assert before[1:] == after[1:]


async def test_a_new_name_alone_asks_zoho_nothing(home: OnboardingEnvironment, heron: Org) -> None:
    asked = list(home.paths)
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert home.paths == asked


async def test_the_old_entries_go_last_when_the_new_ones_are_there_and_the_config_says_so(
    home: OnboardingEnvironment, heron: Org
) -> None:
    seen: list[object] = []

    async def note() -> None:
        seen.append((set(home.keyring.entries), [org.name for org in home.orgs]))

    home.keyring.before_call["delete"] = note
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert seen == [({"heron", "egret"}, ["egret"])]


@pytest.mark.parametrize("for_good", [False, True], ids=["once", "for good"])
@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_keyring_that_fails_midway_keeps_the_old_name_and_its_entries(
    home: OnboardingEnvironment, heron: Org, call: str, for_good: bool
) -> None:
    before = home.stored_state
    home.keyring.fails_at, home.keyring.fails_always = {call}, for_good
    assert (
        await problem_of(home.org_service.edit("heron", replace(heron, name="egret")))
    ).kind == "keyring"
    assert home.stored_state == before


@pytest.mark.parametrize("call", KEYRING_CALLS)
async def test_a_cut_off_rename_did_not_happen(home: OnboardingEnvironment, heron: Org, call: str) -> None:
    before = home.stored_state
    home.keyring.fails_at, home.keyring.error = {call}, asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        await home.org_service.edit("heron", replace(heron, name="egret"))
    assert home.stored_state == before


async def test_an_unwritable_config_keeps_name_and_entries(home: OnboardingEnvironment, heron: Org) -> None:
    before = home.stored_state
    home.make_config_unwritable()
    assert (await problem_of(home.org_service.edit("heron", replace(heron, name="egret")))).kind == "config"
    assert home.stored_state == before


async def test_old_entries_that_stay_are_shown_by_place(home: OnboardingEnvironment, heron: Org) -> None:
    entries = home.keyring.entries["heron"]
    home.keyring.fails_at = {"delete"}
    problem = await problem_of(home.org_service.edit("heron", replace(heron, name="egret")))
    assert problem.kind == "keyring"
    assert "It is changed" in problem.message
    assert "zbtui:heron" in problem.hint
    assert "zbtui-access:heron" in problem.hint
    assert home.keyring.entries["egret"] == entries
    assert [org.name for org in home.orgs] == ["egret"]


async def test_a_name_that_another_org_has_is_refused_before_its_entries_are_touched(
    home: OnboardingEnvironment, heron: Org
) -> None:
    await home.add_org("refresh-token", "nordlys")
    before = home.stored_state
    wrote = home.keyring.before_call
    wrote["write the sign-in"] = wrote["delete"] = lambda: pytest.fail("the keyring was touched")
    assert (
        await problem_of(home.org_service.edit("heron", replace(heron, name="nordlys")))
    ).kind == "config"
    assert home.stored_state == before


@pytest.mark.parametrize("fails", [False, True])
async def test_what_was_left_over_under_the_new_name_goes_only_where_the_change_succeeds(
    home: OnboardingEnvironment, heron: Org, fails: bool
) -> None:
    entries = home.keyring.entries["heron"]
    await home.keyring.write_sign_in(home.org("egret"), OLD_SIGN_IN)
    left_over = AccessToken(Secret("1000.left.over"), "https://www.zohoapis.eu", home.clock.now())
    await home.keyring.write_access_token(home.org("egret"), left_over)
    before = home.stored_state
    if fails:
        home.make_config_unwritable()
        await problem_of(home.org_service.edit("heron", replace(heron, name="egret")))
        assert home.stored_state == before
    else:
        await home.org_service.edit("heron", replace(heron, name="egret"))
        assert home.keyring.entries == {"egret": entries}


async def test_without_a_sign_in_it_takes_nobody_elses(home: OnboardingEnvironment, heron: Org) -> None:
    await home.keyring.delete(home.org())
    await home.keyring.write_sign_in(home.org("egret"), OLD_SIGN_IN)
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {}


# Another data center


async def test_another_data_center_is_asked_before_it_is_believed(home: OnboardingEnvironment) -> None:
    org = await add_in_wrong_data_center(home)
    await home.org_service.edit("heron", moved_to(org, "eu"))
    assert home.orgs == (moved_to(org, "eu"),)
    assert home.paths == [TOKEN_PATH, DETAILS_PATH]
    access = home.keyring.entries["heron"][1]
    assert access is not None
    assert access.api_url == "https://www.zohoapis.eu"


async def test_name_and_data_center_can_change_together(home: OnboardingEnvironment) -> None:
    org = await add_in_wrong_data_center(home)
    await home.org_service.edit("heron", replace(org, name="egret", data_center="eu"))
    assert home.orgs == (replace(org, name="egret", data_center="eu"),)
    assert set(home.keyring.entries) == {"egret"}
    assert all(home.keyring.entries["egret"])


async def test_what_was_seen_at_the_old_place_is_forgotten(home: OnboardingEnvironment, heron: Org) -> None:
    wrong = moved_to(heron, "us")
    home.config.replace("heron", wrong)
    await home.journal.save(full_snapshot(wrong))
    await home.org_service.edit("heron", heron)
    assert await home.journal.load_org(wrong) is None
    assert await home.journal.load_org(heron) is not None
    assert set(home.keyring.entries) == {"heron"}


@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_where_the_org_does_not_live_changes_nothing(
    home: OnboardingEnvironment, heron: Org, name: str
) -> None:
    before = home.stored_state
    problem = await problem_of(home.org_service.edit("heron", replace(heron, name=name, data_center="in")))
    assert (problem.kind, problem.code) == ("auth", "invalid_client")
    assert "IN" in problem.hint
    assert home.stored_state == before


@pytest.mark.parametrize("path", [TOKEN_PATH, DETAILS_PATH])
@pytest.mark.parametrize("name", ["heron", "egret"])
async def test_a_data_center_that_cannot_be_reached_changes_nothing_and_writes_nothing(
    home: OnboardingEnvironment, path: str, name: str
) -> None:
    org = await add_in_wrong_data_center(home)
    before = home.stored_state
    home.broken_paths.add(path)
    home.keyring.fails_at, home.keyring.fails_always = {"write the sign-in", "delete"}, True
    problem = await problem_of(home.org_service.edit("heron", replace(org, name=name, data_center="eu")))
    assert problem.kind == "network"
    assert home.stored_state == before


@pytest.mark.parametrize("call", ["hold", "read the sign-in", "read the token", "write the token"])
async def test_a_failing_keyring_leaves_the_org_in_place(home: OnboardingEnvironment, call: str) -> None:
    org = await add_in_wrong_data_center(home)
    before = home.stored_state
    home.keyring.fails_at, home.keyring.fails_always = {call}, True
    assert (await problem_of(home.org_service.edit("heron", moved_to(org, "eu")))).kind == "keyring"
    assert home.stored_state == before


async def test_an_unwritable_config_leaves_the_token_of_the_old_place(home: OnboardingEnvironment) -> None:
    org = await add_in_wrong_data_center(home)
    before = home.stored_state
    home.make_config_unwritable()
    assert (await problem_of(home.org_service.edit("heron", moved_to(org, "eu")))).kind == "config"
    assert home.stored_state == before


async def test_without_a_sign_in_it_is_asked_to_sign_in(home: OnboardingEnvironment, heron: Org) -> None:
    await home.keyring.delete(home.org())
    before = home.stored_state
    problem = await problem_of(home.org_service.edit("heron", moved_to(heron, "us")))
    assert (problem.kind, problem.final) == ("auth", True)
    assert "Sign in again" in problem.hint
    assert home.stored_state == before


# Its own intervals


async def test_an_org_can_get_and_lose_its_own_intervals(home: OnboardingEnvironment, heron: Org) -> None:
    asked, entries, rows = (list(home.paths), home.keyring.entries, home.rows("snapshot"))
    await home.org_service.edit("heron", replace(heron, policy_overrides=OWN))
    assert home.orgs == (replace(heron, policy_overrides=OWN),)
    await home.org_service.edit("heron", heron)
    assert home.orgs == (heron,)
    assert (home.paths, home.keyring.entries, home.rows("snapshot")) == (asked, entries, rows)


async def test_a_locked_keyring_is_no_bar_to_intervals(home: OnboardingEnvironment, heron: Org) -> None:
    home.keyring.fails_at, home.keyring.fails_always = set(KEYRING_CALLS) | {"delete"}, True
    await home.org_service.edit("heron", replace(heron, policy_overrides=OWN))
    assert home.orgs == (replace(heron, policy_overrides=OWN),)


async def test_an_empty_edit_asks_and_writes_nothing(home: OnboardingEnvironment, heron: Org) -> None:
    before, asked = home.stored_state, list(home.paths)
    await home.org_service.edit("heron", heron)
    assert (home.stored_state, home.paths) == (before, asked)


# What cannot be edited


async def test_an_org_not_under_watch_is_not_edited(home: OnboardingEnvironment, heron: Org) -> None:
    problem = await problem_of(home.org_service.edit("egret", replace(heron, name="egret")))
    assert (problem.kind, "heron" in problem.hint) == ("config", True)


async def test_a_config_that_cannot_be_edited_stays_as_it_is(home: OnboardingEnvironment) -> None:
    home.config.path.write_text(UNEDITABLE_CONFIG)
    await home.keyring.write_sign_in(home.org("acme"), OLD_SIGN_IN)
    (acme,), before = home.orgs, home.stored_state
    assert (await problem_of(home.org_service.edit("acme", replace(acme, name="zenith")))).kind == "config"
    assert home.stored_state == before


async def test_a_foreign_entry_is_not_carried_along(home: OnboardingEnvironment, heron: Org) -> None:
    home.keyring.error = ProblemError(Problem("keyring", "Not ours.", "Anew.", code=FOREIGN_ENTRY))
    home.keyring.fails_at = {"read the sign-in"}
    await home.org_service.edit("heron", replace(heron, name="egret"))
    assert [org.name for org in home.orgs] == ["egret"]
    assert home.keyring.entries == {}
