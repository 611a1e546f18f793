"""Repeated sign-ins: after a failure, with a used code, and for an org under watch."""

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
from zbtui.health.observe import apply_failure
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.watch_policy import WatchPolicy

# Repeating a sign-in


async def test_signing_in_again_ends_the_problem_forgets_nothing(home: OnboardingEnvironment) -> None:
    org = await home.add_org()
    dead = Problem("auth", "The refresh token is dead.", "Sign in again.", "invalid_code", final=True)
    for number in range(2):
        now = home.clock.now()
        known = home.journal.load_all([org])[org.name]
        ill = apply_failure(known, dead, home.clock.now())
        await home.journal.record_poll(ill, WatchPolicy(), now)
        attempt = await home.signed_in("refresh-token", again=True)
        well = await attempt.commit()
        await home.journal.record_poll(well, WatchPolicy(), now)
        events = await home.journal.events.read(org.name, None)
        problems = [event.after for event in events if event.kind == "trouble"]
        assert problems == [dead.message, None] * (number + 1)
        home.clock.jump_wall_clock(timedelta(minutes=1))


async def test_what_is_put_under_watch_is_known_with_its_history(home: OnboardingEnvironment) -> None:
    attempt = await home.signed_in("refresh-token")
    known = await attempt.commit()
    assert known.zoho.history is not None
    assert known.last_completed is not None


async def test_signing_in_again_keeps_the_expiry_of_links_seen(home: OnboardingEnvironment) -> None:
    org = await home.add_org()
    known = home.journal.load_all([org])[org.name]
    gone = home.clock.now() - timedelta(days=1)
    later = snapshot_with(
        known, last_links_expiry=gone, observed_at=home.clock.now() + timedelta(seconds=1)
    )
    await home.journal.save(later)
    await home.clock.advance(60)
    attempt = await home.signed_in("refresh-token", again=True)
    assert (await attempt.commit()).zoho.last_links_expiry == gone


@pytest.mark.parametrize("method", METHODS_WITH_REFRESH_TOKEN)
async def test_after_a_failure_it_exchanges_no_more(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed)
    home.simulator.forced_kinds["heron"] = "OUTAGE"
    assert (await problem_of(home.sign_in(attempt, typed))).kind == "server"
    assert attempt.is_signed_in
    asked = list(home.grants)
    del home.simulator.forced_kinds["heron"]
    assert (await home.sign_in(attempt, typed)).company is not None
    assert home.grants == asked
    await attempt.commit()
    assert len(home.live_refresh_tokens(method)) == 1


async def test_before_zoho_gave_anything_it_is_not_signed_in(home: OnboardingEnvironment) -> None:
    typed = replace(home.input_for("code"), secret="a slip of the finger")
    attempt = home.begin_sign_in(typed)
    await problem_of(home.sign_in(attempt, typed))
    assert not attempt.is_signed_in


async def test_a_used_code_is_shown_as_such_without_asking_zoho_again(home: OnboardingEnvironment) -> None:
    typed = home.input_for("code")
    await home.sign_in(home.begin_sign_in(typed), typed)
    asked = list(home.paths)
    problem = await problem_of(home.sign_in(home.begin_sign_in(typed), typed))
    assert (problem.code, problem.final) == ("USED_CODE", True)
    assert home.paths == asked


@pytest.mark.parametrize("wrong", ["secret", "data center", "network", "outage"])
async def test_a_code_not_taken_can_be_tried_again(home: OnboardingEnvironment, wrong: str) -> None:
    typed = right = home.input_for("code")
    match wrong:
        case "secret":
            typed = replace(typed, secret="a-slip-of-the-finger")
        case "data center":
            typed = replace(typed, org=replace(typed.org, data_center="us"))
        case "network":
            home.broken_paths.add(TOKEN_PATH)
        case "outage":
            home.simulator.forced_kinds["heron"] = "general_error"
    before = home.stored_state
    await problem_of(home.sign_in(home.begin_sign_in(typed), typed))
    assert (home.stored_state, home.rows("token_request")) == (before, [])
    home.broken_paths.clear()
    home.simulator.forced_kinds.clear()
    assert await home.sign_in(home.begin_sign_in(right), right)


async def test_a_text_that_never_was_a_code_is_distinguished_from_that(home: OnboardingEnvironment) -> None:
    typed = replace(home.input_for("code"), code_or_token="hello")
    for _ in range(2):
        assert "not a code" in (await problem_of(home.sign_in(home.begin_sign_in(typed), typed))).message
    assert (home.paths, home.rows("token_request")) == ([], [])


async def test_a_late_code_is_distinguished_from_both(home: OnboardingEnvironment) -> None:
    typed = home.input_for("code")
    await home.clock.advance(timedelta(minutes=11))
    assert "too old" in (await problem_of(home.sign_in(home.begin_sign_in(typed), typed))).message


# Signing in again


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_signing_in_again_replaces_any_method(
    home: OnboardingEnvironment, method: SignInMethod
) -> None:
    home.config.path.write_text(COMMENTED_CONFIG)
    await home.add_org("code")
    earlier = home.keyring.entries["heron"]
    typed = home.input_for(method)
    attempt = home.begin_sign_in(typed, again=True)
    await home.sign_in(attempt, typed)
    known = await attempt.commit()
    assert [org.name for org in home.orgs] == ["acme", "heron"]
    assert home.orgs[1] == known.org == replace(typed.org, grant=grant_for(method))
    assert (home.config_text or "").startswith(COMMENTED_CONFIG)
    assert home.keyring.entries["heron"][0] != earlier[0]
    assert home.keyring.entries["heron"][1] != earlier[1]


async def test_the_watch_learns_of_it_though_the_config_is_as_before(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    home.config.load_if_changed()
    text, typed = home.config_text, home.input_for("code")
    attempt = home.begin_sign_in(typed, again=True)
    await home.sign_in(attempt, typed)
    await attempt.commit()
    assert home.config_text == text
    assert home.config.load_if_changed() is not None


async def test_an_org_keeps_its_own_intervals_when_it_signs_in_again(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    own = replace(home.orgs[0], policy_overrides=(("every", timedelta(minutes=2)),))
    home.config.replace("heron", own)
    typed = replace(home.input_for("code"), org=own)
    attempt = home.begin_sign_in(typed, again=True)
    await home.sign_in(attempt, typed)
    await attempt.commit()
    assert home.orgs == (own,)


async def test_an_org_that_was_taken_off_meanwhile_is_not_put_back(home: OnboardingEnvironment) -> None:
    await home.add_org("code")
    attempt = await home.signed_in(again=True)
    home.config.remove("heron")
    before = home.stored_state
    assert (await problem_of(attempt.commit())).kind == "config"
    assert home.stored_state == before


def test_an_org_of_another_grant_carries_no_soid(home: OnboardingEnvironment) -> None:
    org = Org("heron", "eu", "1000.A", "client-credentials", "ZohoCRM.1")
    attempt = home.org_service.begin_sign_in(org, "code", existing=org)
    assert attempt._org == Org("heron", "eu", "1000.A")


async def test_a_keyring_that_cannot_be_overwritten_is_reported_before_zoho_is_asked(
    home: OnboardingEnvironment,
) -> None:
    """KeePassXC asks the user before a program overwrites an entry."""
    await home.add_org()
    before, asked = home.stored_state, list(home.paths)
    home.keyring.fails_at = {"write the sign-in"}
    with pytest.raises(ProblemError) as caught:
        await home.signed_in("code", again=True)
    assert caught.value.problem.kind == "keyring"
    assert (home.stored_state, home.paths) == (before, asked)
