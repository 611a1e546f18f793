"""Once more: after a failure, with a code that was seen before, and for an org that is under watch."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.onboard.home import COMMENTED, GRANTING, TOKEN_PATH, Home, refused
from tests.support.build import snapshot_with
from zbtui.core.org import WAYS, Org, Policy, Way, grant_of
from zbtui.core.snapshot import failed
from zbtui.core.trouble import Trouble

# Once more


async def test_signing_in_again_ends_the_trouble_in_the_journal_and_forgets_nothing(home: Home) -> None:
    org = await home.add()
    dead = Trouble("auth", "The refresh token is dead.", "Sign in again.", "invalid_code", final=True)
    for number in range(2):
        now = home.clock.now()
        known = home.journal.load([org])[org.name]
        ill = failed(known, dead, home.clock.now())
        await home.journal.note(ill, Policy(), now)
        typed = home.typed("refresh-token")
        attempt = home.begin(typed, again=True)
        await home.sign_in(attempt, typed)
        well = await attempt.keep()
        await home.journal.note(well, Policy(), now)
        events = await home.journal.events.read(org.name, None)
        troubles = [event.after for event in events if event.kind == "trouble"]
        assert troubles == [dead.message, None] * (number + 1)
        home.clock.jump(timedelta(minutes=1))


async def test_what_is_put_under_watch_is_known_with_its_history_and_no_green_comes_without(
    home: Home,
) -> None:
    typed = home.typed("refresh-token")
    attempt = home.begin(typed)
    await home.sign_in(attempt, typed)
    known = await attempt.keep()
    assert known.zoho.history is not None
    assert known.last_completed is not None


async def test_signing_in_again_keeps_the_expiry_of_links_that_was_seen(home: Home) -> None:
    org = await home.add()
    known = home.journal.load([org])[org.name]
    gone = home.clock.now() - timedelta(days=1)
    later = snapshot_with(
        known, last_links_expiry=gone, observed_at=home.clock.now() + timedelta(seconds=1)
    )
    await home.journal.save(later)
    await home.clock.advance(60)
    typed = home.typed("refresh-token")
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    assert (await attempt.keep()).zoho.last_links_expiry == gone


@pytest.mark.parametrize("way", GRANTING)
async def test_after_a_failure_it_goes_on_without_a_second_exchange(home: Home, way: Way) -> None:
    typed = home.typed(way)
    attempt = home.begin(typed)
    home.simulator.forced["heron"] = "OUTAGE"
    assert (await refused(home.sign_in(attempt, typed))).kind == "server"
    assert attempt.is_signed_in
    asked = list(home.grants)
    del home.simulator.forced["heron"]
    assert (await home.sign_in(attempt, typed)).company is not None
    assert home.grants == asked
    await attempt.keep()
    assert len(home.living(way)) == 1


async def test_before_zoho_gave_anything_it_is_not_signed_in(home: Home) -> None:
    typed = replace(home.typed("code"), secret="a slip of the finger")
    attempt = home.begin(typed)
    await refused(home.sign_in(attempt, typed))
    assert not attempt.is_signed_in


async def test_a_code_that_was_used_is_told_as_such_without_asking_zoho_again(home: Home) -> None:
    typed = home.typed("code")
    await home.sign_in(home.begin(typed), typed)
    asked = list(home.paths)
    trouble = await refused(home.sign_in(home.begin(typed), typed))
    assert (trouble.code, trouble.final) == ("USED_CODE", True)
    assert home.paths == asked


@pytest.mark.parametrize("wrong", ["secret", "data center", "network", "outage"])
async def test_a_code_that_zoho_did_not_take_can_be_tried_again_once_that_is_mended(
    home: Home, wrong: str
) -> None:
    typed = right = home.typed("code")
    match wrong:
        case "secret":
            typed = replace(typed, secret="a-slip-of-the-finger")
        case "data center":
            typed = replace(typed, org=replace(typed.org, data_center="us"))
        case "network":
            home.broken.add(TOKEN_PATH)
        case "outage":
            home.simulator.forced["heron"] = "general_error"
    before = home.state
    await refused(home.sign_in(home.begin(typed), typed))
    assert (home.state, home.rows("token_request")) == (before, [])
    home.broken.clear()
    home.simulator.forced.clear()
    assert await home.sign_in(home.begin(right), right)


async def test_a_text_that_never_was_a_code_is_told_apart_from_that(home: Home) -> None:
    typed = replace(home.typed("code"), answer="hello")
    for _ in range(2):
        assert "not a code" in (await refused(home.sign_in(home.begin(typed), typed))).message
    assert (home.paths, home.rows("token_request")) == ([], [])


async def test_a_late_code_is_told_apart_from_both(home: Home) -> None:
    typed = home.typed("code")
    await home.clock.advance(timedelta(minutes=11))
    assert "too old" in (await refused(home.sign_in(home.begin(typed), typed))).message


# Signing in again


@pytest.mark.parametrize("way", WAYS)
async def test_signing_in_again_replaces_what_was_there_whichever_way_it_was(home: Home, way: Way) -> None:
    home.config.path.write_text(COMMENTED)
    await home.add("code")
    earlier = home.keyring.entries["heron"]
    typed = home.typed(way)
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    known = await attempt.keep()
    assert [org.name for org in home.orgs] == ["acme", "heron"]
    assert home.orgs[1] == known.org == replace(typed.org, grant=grant_of(way))
    assert (home.text or "").startswith(COMMENTED)
    assert home.keyring.entries["heron"][0] != earlier[0]
    assert home.keyring.entries["heron"][1] != earlier[1]


async def test_the_watch_learns_of_it_even_where_the_config_says_the_same(home: Home) -> None:
    await home.add("code")
    home.config.reload()
    text, typed = home.text, home.typed("code")
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    await attempt.keep()
    assert home.text == text
    assert home.config.reload() is not None


async def test_an_org_keeps_its_own_intervals_when_it_signs_in_again(home: Home) -> None:
    await home.add("code")
    own = replace(home.orgs[0], own_policy=(("every", timedelta(minutes=2)),))
    home.config.replace("heron", own)
    typed = replace(home.typed("code"), org=own)
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    await attempt.keep()
    assert home.orgs == (own,)


async def test_an_org_that_was_taken_off_meanwhile_is_not_put_back(home: Home) -> None:
    await home.add("code")
    typed = home.typed("code")
    attempt = home.begin(typed, again=True)
    await home.sign_in(attempt, typed)
    home.config.remove("heron")
    before = home.state
    assert (await refused(attempt.keep())).kind == "config"
    assert home.state == before


def test_an_org_of_another_grant_carries_no_soid(home: Home) -> None:
    org = Org("heron", "eu", "1000.A", "client-credentials", "ZohoCRM.1")
    attempt = home.desk.begin(org, "code", again=org)
    assert attempt._org == Org("heron", "eu", "1000.A")
