"""The last line: the keys that work here, and a click that presses one."""

from __future__ import annotations

import pytest

from tests.tui.app_driver import drive_app
from zbtui.config.settings import Config, Settings
from zbtui.tui.widgets.key_bar import KeyBar


def shown(bar: KeyBar) -> str:
    return str(bar.content)


async def test_each_shown_key_with_its_word_and_a_groups_keys_with_one() -> None:
    async with drive_app() as scene:
        bar = scene.app.screen.query_one(KeyBar)
        assert shown(bar) == " ⏎ Open  r Look  1234 View  / Find  s Sort  ? Help  q Quit "


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (36, " ⏎ Open  r Look  ? Help  q Quit "),
        (44, " ⏎ Open  r Look  1234 View  ? Help  q Quit "),
        (52, " ⏎ Open  r Look  1234 View  / Find  ? Help  q Quit "),
        (60, " ⏎ Open  r Look  1234 View  / Find  s Sort  ? Help  q Quit "),
    ],
)
async def test_on_a_narrow_screen_the_key_of_the_help_is_left_out_last(width: int, expected: str) -> None:
    async with drive_app(size=(width, 20)) as scene:
        bar = scene.app.screen.query_one(KeyBar)
        assert shown(bar) == expected
        await scene.pilot.resize_terminal(80, 20)
        await scene.press()
        assert "s Sort" in shown(bar)
        await scene.pilot.resize_terminal(width, 20)
        await scene.press()
        assert shown(bar) == expected


async def test_a_click_finds_the_keys_after_one_that_was_left_out() -> None:
    async with drive_app(size=(36, 20)) as scene:
        bar = scene.app.screen.query_one(KeyBar)
        await scene.pilot.click(KeyBar, offset=(shown(bar).index("? Help"), 0))
        await scene.press()
        assert type(scene.app.screen).__name__ == "HelpScreen"


async def test_it_shows_the_keys_of_the_focused_widget() -> None:
    async with drive_app() as scene:
        await scene.press("slash")
        bar = scene.app.screen.query_one(KeyBar)
        assert shown(bar) == " ⏎ Keep  esc All orgs  f1 Help "
        await scene.press("escape")
        assert "⏎ Open" in shown(bar)


async def test_it_shows_the_users_own_keys() -> None:
    async with drive_app(settings=Settings(keys=(("fleet.look", "f5"), ("app.quit", "ctrl+x")))) as scene:
        bar = scene.app.screen.query_one(KeyBar)
        assert "f5 Look" in shown(bar) and "^x Quit" in shown(bar)


async def test_keys_that_change_in_the_config_are_shown_and_work_at_once() -> None:
    edited: list[Config] = []
    async with drive_app(reload=lambda: edited.pop() if edited else None) as scene:
        orgs = tuple(one.org for one in scene.fleet.snapshots)
        edited.append(Config(orgs=orgs, settings=Settings(keys=(("fleet.look", "f5"),))))
        await scene.advance(30)
        assert "f5 Look" in shown(scene.app.screen.query_one(KeyBar))
        scene.zoho.polled_orgs.clear()
        await scene.press("f5")
        assert scene.zoho.polled_orgs == ["acme"]


async def test_a_change_of_view_recreates_no_widget() -> None:
    async with drive_app() as scene:
        before = list(scene.app.screen.query_one(KeyBar).walk_children())
        await scene.press("2")
        assert list(scene.app.screen.query_one(KeyBar).walk_children()) == before == []


@pytest.mark.parametrize(
    ("word", "at", "does"),
    [("/ Find", 0, "find"), ("? Help", 2, "help"), ("1234 View", 1, "table"), ("1234 View", 6, "events")],
)
async def test_a_click_presses_the_key_under_it(word: str, at: int, does: str) -> None:
    async with drive_app() as scene:
        bar = scene.app.screen.query_one(KeyBar)
        await scene.pilot.click(KeyBar, offset=(shown(bar).index(word) + at, 0))
        await scene.press()
        if does == "find":
            assert scene.screen.filter_input.display
        elif does == "help":
            assert type(scene.app.screen).__name__ == "HelpScreen"
        else:
            assert type(scene.screen.view).__name__.lower().startswith(does)


async def test_the_mouse_over_a_key_shows_its_sentence() -> None:
    async with drive_app() as scene:
        bar = scene.app.screen.query_one(KeyBar)
        await scene.pilot.hover(KeyBar, offset=(shown(bar).index("Look"), 0))
        assert bar.tooltip == "Ask Zoho about this org now"
        await scene.pilot.hover(KeyBar, offset=(79, 0))
        assert bar.tooltip is None
