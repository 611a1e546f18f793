"""Editing and removing an org in the app."""

from __future__ import annotations

from datetime import timedelta

import pytest
from rich.cells import cell_len
from textual.widgets._select import SelectOverlay

from tests.tui.demo_driver import DemoDriver, drive_demo
from zbtui.model.org import Org
from zbtui.model.problem import Problem, ProblemError
from zbtui.model.secret import Secret, SignInCredentials
from zbtui.tui.forms.edit_screen import EditScreen
from zbtui.tui.forms.fields import Field
from zbtui.tui.forms.remove_screen import RemoveScreen


async def open_form_on(driven: DemoDriver, name: str, key: str) -> None:
    """Press `key` on the panel of the org."""
    order = driven.app.screen.org_list.order  # type: ignore[attr-defined]
    await driven.press("home", *["right"] * order.index(name), key)
    await driven.advance(1)


async def fill(driven: DemoDriver, **values: str) -> None:
    for field in driven.app.screen.query(Field):
        if field.key in values:
            field.value = values[field.key]
    await driven.wait_until_idle()


# Editing


async def test_a_new_name_moves_what_is_in_the_keyring_and_the_watch_goes_on() -> None:
    async with drive_demo() as driven:
        before = await driven.read_sign_in("nordlys")
        await open_form_on(driven, "nordlys", "e")
        await fill(driven, name="northern")
        await driven.click("save", 2)
        assert driven.is_closed
        assert driven.org("nordlys") is None
        assert driven.org("northern") is not None
        assert await driven.read_sign_in("northern") == before
        assert await driven.read_sign_in("nordlys") is None
        assert "northern" in driven.screen_text
        known = {one.org.name: one for one in driven.fleet.snapshots}["northern"]
        assert known.zoho.backup is not None


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50)])
async def test_choices_open_in_a_frame_of_their_own(size: tuple[int, int]) -> None:
    async with drive_demo(size) as driven:
        await open_form_on(driven, "nordlys", "e")
        (field,) = [one for one in driven.app.screen.query(Field) if one.key == "data_center"]
        assert field.editor.region.right - 2 == _column_of("▼", driven.screen_text, field.editor.region.y)
        driven.app.screen.set_focus(field.editor)
        await driven.press("enter")
        overlay = driven.app.screen.query_one(SelectOverlay).region
        lines = driven.screen_text.splitlines()
        for y, ends in ((overlay.y, "╭╮"), (overlay.bottom - 1, "╰╯")):
            assert lines[y][overlay.x] + lines[y][overlay.right - 1] == ends
        assert overlay.bottom <= size[1]


def _column_of(text: str, screen: str, y: int) -> int:
    line = screen.splitlines()[y]
    return cell_len(line[: line.index(text)])


async def test_an_orgs_own_intervals_apply_at_once_and_its_snapshot_stays() -> None:
    async with drive_demo() as driven:
        await open_form_on(driven, "nordlys", "e")
        assert "as for all" in driven.screen_text
        await fill(driven, every="2h", overdue_after="90m")
        await driven.click("save", 1)
        org = driven.org("nordlys")
        assert org is not None
        spans = {"every": timedelta(hours=2), "overdue_after": timedelta(minutes=90)}
        assert dict(org.policy_overrides) == spans
        known = {one.org.name: one for one in driven.fleet.snapshots}["nordlys"]
        assert known.zoho.backup is not None
        await open_form_on(driven, "nordlys", "e")
        assert "1h30m" in driven.screen_text
        await fill(driven, every="", overdue_after="")
        await driven.click("save", 1)
        org = driven.org("nordlys")
        assert org is not None
        assert org.policy_overrides == ()


async def test_tags_mark_and_mute_are_stored_without_another_poll() -> None:
    async with drive_demo() as driven:
        before = {one.org.name: one for one in driven.fleet.snapshots}["nordlys"]
        await open_form_on(driven, "nordlys", "e")
        await fill(driven, tags="prod, nordics  eu-1", accent="blue", mute="muted")
        await driven.click("save", 1)
        assert driven.is_closed
        org = driven.org("nordlys")
        assert org is not None
        assert (org.tags, org.accent, org.mute) == (("prod", "nordics", "eu-1"), "blue", True)
        known = {one.org.name: one for one in driven.fleet.snapshots}["nordlys"]
        assert known.org == org
        assert known.polls.attempted_at == before.polls.attempted_at
        await open_form_on(driven, "nordlys", "e")
        assert "prod nordics eu-1" in driven.screen_text
        await fill(driven, tags="", accent="none", mute="heard")
        await driven.click("save", 1)
        org = driven.org("nordlys")
        assert org is not None
        assert (org.tags, org.accent, org.mute) == ((), None, False)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "kestrel"}, "already under watch"),
        ({"name": ""}, "must not be empty"),
        ({"every": "often"}, "Every is not a span of time"),
        ({"every": "3s"}, "Every is under 15s"),
        ({"tags": "prod !east"}, "'!east' is no tag"),
        ({"tags": "prod Prod"}, "given twice"),
    ],
)
async def test_an_invalid_value_is_reported_and_changes_nothing(
    values: dict[str, str], message: str
) -> None:
    async with drive_demo() as driven:
        before = driven.org("nordlys")
        await open_form_on(driven, "nordlys", "e")
        await fill(driven, **values)
        await driven.click("save")
        assert isinstance(driven.app.screen, EditScreen)
        assert message in driven.form_problem
        await driven.press("escape")
        assert driven.is_closed
        assert driven.org("nordlys") == before


async def test_another_data_center_is_asked_first_and_refused_where_it_is_the_wrong_one() -> None:
    async with drive_demo() as driven:
        before = driven.org("nordlys")
        await open_form_on(driven, "nordlys", "e")
        await fill(driven, data_center="us")
        await driven.click("save", 1)
        assert "data center (it is set to US)" in driven.form_problem
        await driven.press("escape")
        assert driven.org("nordlys") == before
        await driven.advance(10)
        known = {one.org.name: one for one in driven.fleet.snapshots}["nordlys"]
        assert known.polls.problem is None


async def test_an_org_set_to_the_wrong_data_center_is_mended() -> None:
    async with drive_demo() as driven:
        table = driven.org_service.table_of(driven.org_service.orgs()[0]) | {"data_center": "us"}
        org = driven.org_service.parse_org(table, edited_name="nordlys")
        driven.org_service.stores.config.replace("nordlys", org)
        await driven.credentials.write_sign_in(
            org,
            SignInCredentials(
                Secret(driven.simulator.world.orgs["nordlys"].client_secret),
                Secret(driven.simulator.world.orgs["nordlys"].refresh_token),
            ),
        )
        driven.credentials._access_tokens.clear()
        await driven.advance(2)
        assert "? SIGN IN" in driven.screen_text
        await open_form_on(driven, "nordlys", "e")
        await fill(driven, data_center="eu")
        await driven.click("save", 3)
        assert driven.is_closed
        assert "? SIGN IN" not in driven.screen_text


# Removing


@pytest.mark.parametrize("button", ["remove", "revoke"])
async def test_an_org_goes_after_it_was_confirmed(button: str) -> None:
    async with drive_demo() as driven:
        token = driven.simulator.world.orgs["nordlys"].refresh_token
        await open_form_on(driven, "nordlys", "d")
        assert "Take nordlys off watch?" in driven.screen_text
        await driven.click(button, 2)
        assert driven.is_closed
        assert driven.org("nordlys") is None
        assert await driven.read_sign_in("nordlys") is None
        assert "nordlys" not in driven.screen_text
        assert (token in driven.simulator.accounts.refresh_tokens) is (button == "remove")


async def test_a_refresh_token_is_mentioned_only_for_an_org_that_has_one() -> None:
    async with drive_demo() as driven:
        await open_form_on(driven, "nordlys", "d")
        assert "its refresh token stays valid there" in " ".join(driven.screen_text.split())
        assert driven.app.screen.query_one("#revoke").display
    async with drive_demo() as driven:
        org = Org("nordlys", "eu", "1000.ABC", "client-credentials", "ZohoCRM.1")
        driven.app.push_screen(RemoveScreen(driven.app._org_service, org))
        await driven.wait_until_idle()
        text = " ".join(driven.screen_text.split())
        assert "Take nordlys off watch?" in text
        assert "token" not in text
        assert not driven.app.screen.query_one("#revoke").display


async def test_the_cursor_is_on_the_button_that_keeps_the_org() -> None:
    async with drive_demo() as driven:
        await open_form_on(driven, "nordlys", "d")
        await driven.press("enter")
        assert driven.is_closed
        assert driven.org("nordlys") is not None


async def test_a_keyring_that_refuses_keeps_the_org_and_is_shown() -> None:
    async with drive_demo() as driven:

        async def refuse(org: Org) -> None:
            raise ProblemError(Problem("keyring", "The keyring is locked.", "Unlock it."))

        driven.credentials.delete = refuse  # type: ignore[method-assign]
        await open_form_on(driven, "nordlys", "d")
        await driven.click("remove")
        assert isinstance(driven.app.screen, RemoveScreen)
        assert driven.form_problem == "The keyring is locked. Unlock it."
        assert driven.org("nordlys") is not None


async def test_with_the_last_org_gone_the_welcome_offers_to_add_one() -> None:
    async with drive_demo(orgs=1) as driven:
        await driven.press("d")
        await driven.advance(1)
        await driven.click("remove", 2)
        assert "No org is under watch yet" in driven.screen_text
        await driven.press("a")
        assert "Add an org" in driven.screen_text
