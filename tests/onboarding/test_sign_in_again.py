"""Once more: after a failure, with a code that was seen before, and for an org that is under watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.onboarding.onboarding_environment import (
    COMMENTED_CONFIG,
    METHODS_WITH_REFRESH_TOKEN,
    TOKEN_PATH,
    OnboardingEnvironment,
    problem_of,
)
from tests.support.snapshots import snapshot_with
from zbtui.health.snapshot import apply_failure
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod, WatchPolicy, grant_for
from zbtui.model.problem import Problem

# Once more


async def test_signing_in_again_ends_the_problem_in_the_journal_and_forgets_nothing(
    environment: OnboardingEnvironment,
) -> None:
    org = await environment.add_org()
    dead = Problem("auth", "The refresh token is dead.", "Sign in again.", "invalid_code", final=True)
    for number in range(2):
        now = environment.clock.now()
        known = environment.journal.load_all([org])[org.name]
        ill = apply_failure(known, dead, environment.clock.now())
        await environment.journal.record_poll(ill, WatchPolicy(), now)
        typed = environment.input_for("refresh-token")
        attempt = environment.begin_sign_in(typed, again=True)
        await environment.sign_in(attempt, typed)
        well = await attempt.commit()
        await environment.journal.record_poll(well, WatchPolicy(), now)
        events = await environment.journal.events.read(org.name, None)
        troubles = [event.after for event in events if event.kind == "trouble"]
        assert troubles == [dead.message, None] * (number + 1)
        environment.clock.jump_wall_clock(timedelta(minutes=1))


async def test_what_is_put_under_watch_is_known_with_its_history_and_no_green_comes_without(
    environment: OnboardingEnvironment,
) -> None:
    typed = environment.input_for("refresh-token")
    attempt = environment.begin_sign_in(typed)
    await environment.sign_in(attempt, typed)
    known = await attempt.commit()
    assert known.zoho.history is not None
    assert known.last_completed is not None


async def test_signing_in_again_keeps_the_expiry_of_links_that_was_seen(
    environment: OnboardingEnvironment,
) -> None:
    org = await environment.add_org()
    known = environment.journal.load_all([org])[org.name]
    gone = environment.clock.now() - timedelta(days=1)
    later = snapshot_with(
        known, last_links_expiry=gone, observed_at=environment.clock.now() + timedelta(seconds=1)
    )
    await environment.journal.save(later)
    await environment.clock.advance(60)
    typed = environment.input_for("refresh-token")
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    assert (await attempt.commit()).zoho.last_links_expiry == gone


@pytest.mark.parametrize("way", METHODS_WITH_REFRESH_TOKEN)
async def test_after_a_failure_it_goes_on_without_a_second_exchange(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed)
    environment.simulator.forced_kinds["heron"] = "OUTAGE"
    assert (await problem_of(environment.sign_in(attempt, typed))).kind == "server"
    assert attempt.is_signed_in
    asked = list(environment.grants)
    del environment.simulator.forced_kinds["heron"]
    assert (await environment.sign_in(attempt, typed)).company is not None
    assert environment.grants == asked
    await attempt.commit()
    assert len(environment.live_refresh_tokens(way)) == 1


async def test_before_zoho_gave_anything_it_is_not_signed_in(environment: OnboardingEnvironment) -> None:
    typed = replace(environment.input_for("code"), secret="a slip of the finger")
    attempt = environment.begin_sign_in(typed)
    await problem_of(environment.sign_in(attempt, typed))
    assert not attempt.is_signed_in


async def test_a_code_that_was_used_is_shown_as_such_without_asking_zoho_again(
    environment: OnboardingEnvironment,
) -> None:
    typed = environment.input_for("code")
    await environment.sign_in(environment.begin_sign_in(typed), typed)
    asked = list(environment.paths)
    trouble = await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))
    assert (trouble.code, trouble.final) == ("USED_CODE", True)
    assert environment.paths == asked


@pytest.mark.parametrize("wrong", ["secret", "data center", "network", "outage"])
async def test_a_code_that_zoho_did_not_take_can_be_tried_again_once_that_is_mended(
    environment: OnboardingEnvironment, wrong: str
) -> None:
    typed = right = environment.input_for("code")
    match wrong:
        case "secret":
            typed = replace(typed, secret="a-slip-of-the-finger")
        case "data center":
            typed = replace(typed, org=replace(typed.org, data_center="us"))
        case "network":
            environment.broken_paths.add(TOKEN_PATH)
        case "outage":
            environment.simulator.forced_kinds["heron"] = "general_error"
    before = environment.stored_state
    await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))
    assert (environment.stored_state, environment.rows("token_request")) == (before, [])
    environment.broken_paths.clear()
    environment.simulator.forced_kinds.clear()
    assert await environment.sign_in(environment.begin_sign_in(right), right)


async def test_a_text_that_never_was_a_code_is_distinguished_from_that(
    environment: OnboardingEnvironment,
) -> None:
    typed = replace(environment.input_for("code"), code_or_token="hello")
    for _ in range(2):
        assert (
            "not a code"
            in (await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))).message
        )
    assert (environment.paths, environment.rows("token_request")) == ([], [])


async def test_a_late_code_is_distinguished_from_both(environment: OnboardingEnvironment) -> None:
    typed = environment.input_for("code")
    await environment.clock.advance(timedelta(minutes=11))
    assert (
        "too old"
        in (await problem_of(environment.sign_in(environment.begin_sign_in(typed), typed))).message
    )


# Signing in again


@pytest.mark.parametrize("way", SIGN_IN_METHODS)
async def test_signing_in_again_replaces_what_was_there_whichever_way_it_was(
    environment: OnboardingEnvironment, way: SignInMethod
) -> None:
    environment.config.path.write_text(COMMENTED_CONFIG)
    await environment.add_org("code")
    earlier = environment.keyring.entries["heron"]
    typed = environment.input_for(way)
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    known = await attempt.commit()
    assert [org.name for org in environment.orgs] == ["acme", "heron"]
    assert environment.orgs[1] == known.org == replace(typed.org, grant=grant_for(way))
    assert (environment.config_text or "").startswith(COMMENTED_CONFIG)
    assert environment.keyring.entries["heron"][0] != earlier[0]
    assert environment.keyring.entries["heron"][1] != earlier[1]


async def test_the_watch_learns_of_it_even_where_the_config_says_the_same(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    environment.config.load_if_changed()
    text, typed = environment.config_text, environment.input_for("code")
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    await attempt.commit()
    assert environment.config_text == text
    assert environment.config.load_if_changed() is not None


async def test_an_org_keeps_its_own_intervals_when_it_signs_in_again(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    own = replace(environment.orgs[0], policy_overrides=(("every", timedelta(minutes=2)),))
    environment.config.replace("heron", own)
    typed = replace(environment.input_for("code"), org=own)
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    await attempt.commit()
    assert environment.orgs == (own,)


async def test_an_org_that_was_taken_off_meanwhile_is_not_put_back(
    environment: OnboardingEnvironment,
) -> None:
    await environment.add_org("code")
    typed = environment.input_for("code")
    attempt = environment.begin_sign_in(typed, again=True)
    await environment.sign_in(attempt, typed)
    environment.config.remove("heron")
    before = environment.stored_state
    assert (await problem_of(attempt.commit())).kind == "config"
    assert environment.stored_state == before


def test_an_org_of_another_grant_carries_no_soid(environment: OnboardingEnvironment) -> None:
    org = Org("heron", "eu", "1000.A", "client-credentials", "ZohoCRM.1")
    attempt = environment.org_service.begin_sign_in(org, "code", existing=org)
    assert attempt._org == Org("heron", "eu", "1000.A")
