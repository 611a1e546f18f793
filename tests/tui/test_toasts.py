"""Toasts: plain text, never over the bar, the keys, or the text typed into a form."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import DeliveryComplete, DeliveryFailed
from textual.widgets import Button
from textual.widgets._toast import Toast

from tests.tui.app_driver import AppDriver, drive_app
from zbtui.tui.widgets.fleet_bar import FleetBar
from zbtui.tui.widgets.key_bar import KeyBar

LONG = "Zoho locked this sign-in for a while: too many tokens were asked. It is asked again in 9 minutes."
SIZES = [(36, 10), (60, 20), (80, 24), (160, 50)]
LAID_OUT = 3
"""The number of idle waits until toasts are mounted, laid out and scrolled to."""


async def rest(driven: AppDriver) -> None:
    for _ in range(LAID_OUT):
        await driven.press()


def toasts(driven: AppDriver) -> list[Toast]:
    """All toasts, from top to bottom."""
    return sorted(driven.app.screen.query(Toast), key=lambda toast: toast.region.y)


@pytest.mark.parametrize("size", SIZES)
async def test_bar_and_keys_stay_free_at_every_size(size: tuple[int, int]) -> None:
    async with drive_app(size=size, show_toasts=True) as driven:
        for number in range(8):
            driven.app.notify(f"{number} {LONG}", title="acme: the sign-in is dead", timeout=600)
        await rest(driven)
        screen = driven.screen
        seen = [screen.find_widget(toast).visible_region for toast in toasts(driven)]
        assert any(seen)
        for region in filter(None, seen):
            assert region.y >= screen.query_one(FleetBar).region.bottom
            assert region.bottom <= screen.query_one(KeyBar).region.y
            assert region.right <= size[0]


@pytest.mark.parametrize("text", ["[/b]", "[ops]", "[@click=app.quit]x[/]", "$error"])
async def test_a_text_is_data_in_every_toast(text: str) -> None:
    async with drive_app(show_toasts=True) as driven:
        driven.app.notify(text, title=text, timeout=600)
        driven.screen.notify(text, title=text, timeout=600)
        await rest(driven)
        shown = [toast.render() for toast in toasts(driven)]
        assert [content.plain for content in shown] == [f"{text}\n{text}"] * 2
        assert not any("@click" in str(span.style) for content in shown for span in content.spans)


@pytest.mark.parametrize(
    ("keys", "quit_key"),
    [("", "q"), ("slash", "ctrl+q"), ("question_mark", "ctrl+q"), ("i", "ctrl+q"), ("d", "ctrl+q")],
)
async def test_ctrl_c_names_the_key_that_quits(keys: str, quit_key: str) -> None:
    async with drive_app(show_toasts=True) as driven:
        await driven.press(*keys.split())
        await driven.press("ctrl+c")
        await rest(driven)
        assert [toast.render().plain for toast in toasts(driven)] == [f"Press {quit_key} to leave zbtui."]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (DeliveryComplete("1", Path("/home/ada/[b]/zbtui.svg"), "screenshot"), "/home/ada/[b]/zbtui.svg"),
        (DeliveryComplete("1", None, "screenshot"), "The screenshot is saved."),
        (DeliveryFailed("1", OSError(), "screenshot"), "The screenshot could not be saved."),
    ],
)
async def test_the_toast_of_a_screenshot_has_no_markup(
    event: DeliveryComplete | DeliveryFailed, message: str
) -> None:
    async with drive_app(size=(160, 40), show_toasts=True) as driven:
        driven.app.post_message(event)
        await rest(driven)
        (toast,) = toasts(driven)
        text = toast.render().plain
        assert message in text.replace("\n", "") and "$text" not in text


async def test_ctrl_c_on_a_selection_copies_it_and_says_nothing() -> None:
    async with drive_app(show_toasts=True) as driven:
        await driven.press("e", "end", "shift+home", "ctrl+c")
        await rest(driven)
        assert (driven.app.clipboard, toasts(driven)) == ("acme", [])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["a", "e", "d"])
async def test_a_form_gives_way_and_the_input_stays_in_sight(key: str, size: tuple[int, int]) -> None:
    async with drive_app(size=size, show_toasts=True) as driven:
        await driven.press(key)
        form, app = driven.app.screen, driven.app
        fields = [one for one in form.query("Input, Select") if one.region]
        last = fields[-1] if fields else form.query_one("#remove")
        form.set_focus(last)
        await driven.press()
        for number in range(3):
            app.notify(f"{number} {LONG}", timeout=600)
        await rest(driven)
        box = form.query_one(".box")
        seen = [form.find_widget(toast).visible_region for toast in toasts(driven)]
        assert any(seen)
        assert not any(box.region.overlaps(region) for region in seen)
        assert box.scrollable_content_region.contains_region(last.region)
        assert isinstance(last, Button) or not form.query_one("#buttons").region.overlaps(last.region)
        app.clear_notifications()
        await rest(driven)
        assert box.region.contains_region(last.region)
        assert not form.query(Toast)


async def test_no_alert_is_lost_while_a_form_is_open() -> None:
    async with drive_app(size=(60, 20), show_toasts=True) as driven:
        await driven.press("a")
        driven.app.notify("acme: failed", severity="error", timeout=600)
        await driven.press()
        assert "acme: failed" in driven.screen_text
        await driven.press("escape")
        assert "acme: failed" in driven.screen_text
