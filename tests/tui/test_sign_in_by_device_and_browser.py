"""Signing in within the app: on a device, in a browser, and again."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Static

from tests.tui.demo_driver import drive_demo, has_left_nothing

# Device and browser


async def test_the_device_code_is_large_with_address_countdown_and_qr() -> None:
    async with drive_demo() as driven:
        driven.simulator.auto_accept_after *= 100
        await driven.open_form("device")
        await driven.click("next", 1)
        device = next(iter(driven.simulator.accounts.device_authorizations.values()))
        assert " ".join(device.user_code) in driven.screen_text
        assert "https://accounts.zoho.eu/oauth/v3/device" in driven.screen_text
        assert "Good for 04:59" in driven.screen_text
        assert "▀" in driven.screen_text
        await driven.press("ctrl+y")
        assert driven.app.clipboard.startswith("https://accounts.zoho.eu/")


async def test_where_a_qr_code_does_not_fit_the_address_is_enough() -> None:
    async with drive_demo((60, 20)) as driven:
        driven.simulator.auto_accept_after *= 100
        await driven.open_form("device")
        await driven.click("next", 1)
        device = next(iter(driven.simulator.accounts.device_authorizations.values()))
        assert " ".join(device.user_code) in driven.screen_text
        assert not driven.form.query_one("#qr", Static).display


@pytest.mark.parametrize("height", [30, 31, 32, 33, 34, 35, 36])
async def test_a_qr_code_is_shown_whole_or_not_at_all(height: int) -> None:
    async with drive_demo((100, height)) as driven:
        driven.simulator.auto_accept_after *= 100
        await driven.open_form("device")
        await driven.click("next", 1)
        qr = driven.form.query_one("#qr", Static)
        if qr.display:
            place = driven.form.find_widget(qr)
            assert place.visible_region == place.region
            assert not driven.form.query_one("#buttons").region.overlaps(place.region)
            assert not driven.form.query_one("#banner").region.overlaps(place.region)


async def test_a_refusal_on_the_device_ends_the_sign_in() -> None:
    async with drive_demo() as driven:
        await driven.open_form("device")
        driven.simulator.auto_accept_org = None
        await driven.click("next", 1)
        driven.simulator.decide_by_user_code(
            next(iter(driven.simulator.accounts.device_authorizations.values())).user_code, None
        )
        await driven.advance(4)
        assert driven.page == "client"
        assert "refused in the browser" in driven.form_problem


async def test_a_second_attempt_shows_its_own_code() -> None:
    async with drive_demo() as driven:
        driven.simulator.auto_accept_after *= 100
        await driven.open_form("device")
        await driven.click("next", 1)
        await driven.press("escape")
        await driven.click("next", 1)
        first, second = driven.simulator.accounts.device_authorizations.values()
        assert " ".join(first.user_code) not in driven.screen_text
        assert " ".join(second.user_code) in driven.screen_text


async def test_going_back_while_a_device_code_waits_leaves_nothing() -> None:
    async with drive_demo() as driven:
        await driven.open_form("device")
        await driven.click("next", 1)
        await driven.press("escape")
        assert driven.page == "client"
        asked = len(driven.simulator.request_records)
        await driven.press("escape", "escape", "escape")
        await driven.advance_without_ticks(60)
        polls = [one for one in list(driven.simulator.request_records)[asked:] if "/oauth/v3/" in one.path]
        assert polls == []
        assert has_left_nothing(driven)


async def test_a_browser_that_does_not_come_back_is_not_waited_for_for_ever() -> None:
    async with drive_demo() as driven:
        await driven.open_form("browser")

        async def no_browser(url: str) -> bool:
            return False

        driven.form.org_service = replace(driven.org_service, open_in_browser=no_browser)
        await driven.click("next", 1)
        assert "no browser" in driven.screen_text
        assert "http://localhost:53171/" in driven.screen_text
        await driven.advance_without_ticks(300)
        assert driven.page == "client"
        assert "did not come back" in driven.form_problem


# Again


async def test_a_dead_sign_in_is_renewed_in_place_and_polled_at_once() -> None:
    async with drive_demo(orgs=7) as driven:
        await driven.advance(3)
        index = driven.app.screen.org_list.order.index("maple")  # type: ignore[attr-defined]
        await driven.press("home", *["right"] * index)
        assert "enter signs in again" in driven.screen_text
        before = await driven.read_sign_in("maple")
        await driven.press("enter")
        assert driven.page == "way"
        await driven.choose_method("code")
        await driven.click("next", 2)
        assert "Maple Ridge Dairy" in driven.screen_text
        await driven.click("next", 2)
        assert driven.is_closed
        assert await driven.read_sign_in("maple") not in (None, before)
        known = {one.org.name: one for one in driven.fleet.snapshots}["maple"]
        assert known.polls.problem is None
        assert known.zoho.backup is not None
        assert [one.org.name for one in driven.fleet.snapshots].count("maple") == 1


async def test_any_org_may_sign_in_again_from_its_detail() -> None:
    async with drive_demo() as driven:
        await driven.press("i", "s")
        assert driven.page == "way"
        await driven.press("escape")
        assert driven.is_closed


async def test_a_sign_in_again_that_fails_leaves_the_old_one() -> None:
    async with drive_demo() as driven:
        before = await driven.read_sign_in("nordlys")
        await driven.press("home", "i", "s")
        await driven.choose_method("code")
        await driven.fill(client_secret="wrong")
        await driven.click("next", 2)
        assert "client secret is wrong" in driven.form_problem
        await driven.press("escape", "escape")
        assert await driven.read_sign_in("nordlys") == before
