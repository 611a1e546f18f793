"""Adding an org in the app: each sign-in method, and each mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from textual.widgets import Input

from tests.tui.app_driver import drive_app
from tests.tui.demo_driver import NEW_ORG_NAME, drive_demo, finish_sign_in, has_left_nothing
from zbtui.model.org import SIGN_IN_METHODS, Org, SignInMethod, grant_for
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import SignInCredentials
from zbtui.tui.forms.sign_in_pages import SignInPage
from zbtui.zoho_api.errors import SIGN_IN_SCOPES


@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_each_sign_in_method_ends_in_a_live_panel(method: SignInMethod) -> None:
    async with drive_demo() as driven:
        await driven.open_form(method)
        await finish_sign_in(driven)
        assert driven.is_closed
        org = driven.org(NEW_ORG_NAME)
        assert org is not None
        assert (org.data_center, org.grant) == ("eu", grant_for(method))
        assert "heron · Heron Lake Instruments" in driven.screen_text
        known = {one.org.name: one for one in driven.fleet.snapshots}[NEW_ORG_NAME]
        assert known.zoho.backup is not None
        assert known.polls.problem is None


async def test_the_demos_values_are_accepted_by_keyboard_alone() -> None:
    async with drive_demo() as driven:
        await driven.press("a", "enter", "tab", "enter")  # name, address bar, Next
        await driven.press("enter")  # the first method
        assert driven.page == "client"
        await driven.press("enter", "enter", "enter")  # id, secret, code: next page
        await driven.advance(2)
        assert driven.page == "found"
        await driven.press("enter")
        await driven.advance(2)
        assert driven.org(NEW_ORG_NAME)


NOTICE = "Demo: all invented. Type no real credentials here."


@pytest.mark.parametrize("size", [(60, 20), (160, 50)])
@pytest.mark.parametrize("method", SIGN_IN_METHODS)
async def test_in_the_demo_each_page_says_that_it_is_one(
    method: SignInMethod, size: tuple[int, int]
) -> None:
    async with drive_demo(size) as driven:
        await driven.press("a")
        assert NOTICE in driven.screen_text
        await driven.click("next")
        assert NOTICE in driven.screen_text
        await driven.choose_method(method)
        assert NOTICE in driven.screen_text
        editors = driven.form.query_one("#client", SignInPage).editors
        for editor in editors:  # also for the last field, where the page scrolls
            driven.app.screen.set_focus(editor)
            await driven.wait_until_idle()
            assert NOTICE in driven.screen_text
        await driven.click("next")
        await driven.advance_without_ticks(12)
        assert driven.page == "found"
        assert NOTICE in driven.screen_text


async def test_a_real_form_says_nothing_of_a_demo() -> None:
    async with drive_app() as scene:
        await scene.press("a")
        assert "Add an org" in scene.screen_text
        assert "emo" not in scene.screen_text


async def test_the_company_is_shown_before_anything_is_stored() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.click("next", 2)
        for said in ("Is it this one?", "Heron Lake Instruments", "SCHEDULED", "Astrid Holm", "EU"):
            assert said in driven.screen_text
        assert driven.org(NEW_ORG_NAME) is None
        await driven.click("back")
        assert driven.page == "client"
        await driven.advance(2)
        assert has_left_nothing(driven)


async def test_without_the_scope_for_the_org_only_the_company_is_missing() -> None:
    async with drive_demo() as driven:
        driven.simulator.missing_scopes[NEW_ORG_NAME] = {"ZohoCRM.org.READ"}
        await driven.open_form("code")
        await driven.click("next", 2)
        assert "lacks the scope ZohoCRM.org.READ" in driven.screen_text
        await driven.click("next", 2)
        assert driven.org(NEW_ORG_NAME)


# The first page


@pytest.mark.parametrize(
    ("name", "message"),
    [("", "must not be empty"), ("nordlys", "already under watch"), ("-x", "must not begin with a dash")],
)
async def test_an_invalid_name_is_reported_at_once(name: str, message: str) -> None:
    async with drive_demo() as driven:
        await driven.press("a")
        await driven.fill(name=name)
        await driven.click("next")
        assert driven.page == "org"
        assert message in driven.form_problem


async def test_another_host_is_asked_for_its_addresses() -> None:
    async with drive_demo() as driven:
        await driven.press("a")
        assert "Accounts URL" not in driven.screen_text
        await driven.fill(data_center="custom")
        assert "Accounts URL" in driven.screen_text
        await driven.fill(accounts_url="http://accounts.example.com", api_url="https://api.example.com")
        await driven.click("next")
        assert "must begin with https://" in driven.form_problem
        await driven.fill(accounts_url="https://accounts.example.com")
        await driven.click("next")
        assert driven.page == "way"


async def test_esc_goes_back_page_by_page_and_out_with_nothing_left() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.press("escape")
        assert driven.page == "way"
        await driven.press("escape")
        assert driven.page == "org"
        await driven.press("escape")
        assert driven.is_closed
        assert has_left_nothing(driven)


# The client


async def test_the_exact_scopes_are_there_to_copy() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        assert SIGN_IN_SCOPES in driven.screen_text
        await driven.press("ctrl+y")
        assert driven.app.clipboard == SIGN_IN_SCOPES


async def test_the_minutes_of_a_code_run() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        assert "good for 10:00" in driven.screen_text
        await driven.advance_without_ticks(61)
        assert "good for 08:59" in driven.screen_text
        await driven.advance_without_ticks(540)
        assert "too old by now" in driven.screen_text


async def test_a_secret_is_never_on_the_screen_nor_copied_out_of_it() -> None:
    async with drive_demo() as driven:
        await driven.open_form("refresh-token")
        org = driven.simulator.world.unwatched_orgs[NEW_ORG_NAME]
        for secret in (org.client_secret, org.refresh_token):
            assert secret not in driven.screen_text
            assert secret not in driven.app.export_screenshot().replace("&#160;", " ")
        field = driven.form.query_one("#client").query("SecretInput").first(Input)
        field.focus()
        field.select_all()
        await driven.press("ctrl+c", "ctrl+x")
        assert driven.app.clipboard == ""


async def test_the_client_of_an_org_under_watch_is_offered_again() -> None:
    async with drive_demo() as driven:
        shared = driven.org_service.form_examples("device", NEW_ORG_NAME)
        org = driven.org("nordlys")
        assert org is not None
        changed = replace(org, client_id=shared["client_id"])
        driven.org_service.stores.config.replace("nordlys", changed)
        before = await driven.read_sign_in("nordlys")
        assert before is not None
        await driven.credentials.write_sign_in(changed, before)
        await driven.open_form("device")
        await driven.fill(client_of="nordlys")
        assert "Client secret" not in driven.screen_text
        assert "that of nordlys" in driven.screen_text
        # The demo's nordlys has a self client, which Zoho refuses for devices.
        await driven.click("next", 12)
        assert "client secret is wrong" in driven.form_problem


# What Zoho refuses


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"client_secret": "wrong"}, "The client secret is wrong."),
        ({"client_secret": ""}, "The client secret is missing"),
        ({"client_secret": "späß"}, "has characters that none has"),
        ({"client_id": "1000.NOBODY"}, "does not know this client id as a Self Client"),
        ({"client_id": ""}, "The client id is missing"),
        ({"answer": "hello"}, "This is not a code of Zoho's"),
        ({"answer": "1000.aaaa.bbbb"}, "The code is too old, or was used already."),
    ],
)
async def test_wrong_input_is_reported_and_can_be_corrected(typed: dict[str, str], message: str) -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        right = {key: driven.form.query_one("#client").field(key).value for key in typed}  # type: ignore[attr-defined]
        await driven.fill(**typed)
        await driven.click("next", 2)
        assert driven.page == "client"
        assert message in driven.form_problem
        assert has_left_nothing(driven)
        await driven.fill(**right)
        await finish_sign_in(driven)
        assert driven.org(NEW_ORG_NAME)


async def test_a_code_that_came_too_late_is_distinguished_from_a_text_that_never_was_one() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        code = driven.form.query_one("#client").field("answer").value  # type: ignore[attr-defined]
        await driven.advance_without_ticks(601)
        await driven.click("next", 2)
        assert "The code is too old" in driven.form_problem
        await driven.fill(answer=code[:20])
        await driven.click("next", 2)
        assert "not a code of Zoho's" in driven.form_problem


async def test_a_code_that_was_used_here_is_shown_as_such() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.click("next", 2)
        await driven.click("back")
        await driven.click("next", 2)
        assert "This code was used already" in driven.form_problem


async def test_the_wrong_data_center_is_named() -> None:
    async with drive_demo() as driven:
        await driven.press("a")
        await driven.fill(data_center="us")
        await driven.click("next")
        await driven.choose_method("code")
        await driven.click("next", 2)
        assert "data center (it is set to US)" in driven.form_problem
        assert has_left_nothing(driven)


async def test_a_user_without_rights_may_try_again_without_a_new_code() -> None:
    async with drive_demo() as driven:
        driven.simulator.forced_kinds[NEW_ORG_NAME] = "NO_PERMISSION"
        await driven.open_form("code")
        await driven.click("next", 2)
        assert driven.page == "wait"
        assert "Only an administrator may see backups" in driven.form_problem
        del driven.simulator.forced_kinds[NEW_ORG_NAME]
        await driven.click("next", 2)
        assert driven.page == "found"


async def test_a_useless_refresh_token_is_revoked() -> None:
    async with drive_demo() as driven:
        driven.simulator.forced_kinds[NEW_ORG_NAME] = "NO_PERMISSION"
        await driven.open_form("code")
        await driven.click("next", 2)
        await driven.click("back")
        await driven.press("escape", "escape", "escape")
        await driven.advance(2)
        assert driven.is_closed
        assert has_left_nothing(driven)


async def test_a_keyring_that_refuses_leaves_nothing_and_is_shown() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.click("next", 2)

        async def refuse(org: Org, sign_in: SignInCredentials) -> None:
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

        driven.credentials.write_sign_in = refuse  # type: ignore[method-assign]
        await driven.click("next")
        assert driven.page == "found"
        assert driven.form_problem == "The keyring is locked. Unlock it."
        assert driven.org(NEW_ORG_NAME) is None
        await driven.press("escape")
        await driven.advance(2)
        assert has_left_nothing(driven)


# Twice, and in between


async def test_enter_twice_in_the_last_field_begins_once() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        field = driven.form.query_one("#client").field("answer").editor  # type: ignore[attr-defined]
        field.focus()
        await driven.wait_until_idle()
        field.post_message(Input.Submitted(field, field.value))
        field.post_message(Input.Submitted(field, field.value))
        await driven.advance(2)
        assert driven.page == "found"


async def test_leaving_the_app_in_the_middle_leaves_nothing_behind() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.click("next", 2)
        assert driven.page == "found"
        await driven.press("ctrl+q")
    assert has_left_nothing(driven)


async def test_another_data_center_brings_other_steps_and_other_clients() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        assert "api-console.zoho.eu" in driven.screen_text
        assert "typed in here" in driven.screen_text
        await driven.press("escape", "escape")
        await driven.fill(data_center="jp")
        await driven.click("next")
        await driven.choose_method("code")
        assert "api-console.zoho.jp" in driven.screen_text
        assert "that of nordlys" not in driven.screen_text
        assert "typed in here" not in driven.screen_text  # there is nothing to choose from


async def test_typed_values_stay_when_going_back_and_forth() -> None:
    async with drive_demo() as driven:
        await driven.open_form("code")
        await driven.fill(client_id="1000.MINE")
        await driven.press("escape", "enter")
        assert "1000.MINE" in driven.screen_text
