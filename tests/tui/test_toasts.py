"""Toasts: few, small, plain text, and never over the bar or the footer."""

from __future__ import annotations

from pathlib import PurePath
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.pilot import Pilot
from textual.widgets import Button, Footer, Static
from textual.widgets._toast import Toast, ToastHolder

from tests.tui.driving import driving
from tests.tui.views import TUI
from zbtui.core.text import clean
from zbtui.tui.themes import Themed
from zbtui.tui.toasts import MOST, WIDEST, Toasting, wrapped

LONG = "Zoho locked this sign-in for a while: too many tokens were asked. It is asked again in 9 minutes."


class Toaster(Toasting[None], Themed[None]):
    """A bar, a footer, and toasts."""

    CSS_PATH: ClassVar[list[str | PurePath]] = [TUI / "toasts.tcss"]

    def compose(self) -> ComposeResult:
        yield Static("bar", id="bar")
        yield Footer()

    def told(self) -> list[str]:
        """What the toasts say, from top to bottom."""
        return [toast.render().plain for toast in self._toasts()]

    def _toasts(self) -> list[Toast]:
        return sorted(self.screen.query(Toast), key=lambda toast: toast.region.y)


async def tell(app: Toaster, pilot: Pilot[None], *messages: str, title: str = "") -> None:
    for message in messages:
        app.notify(message, title=title, timeout=600)
    for _ in range(3):
        await pilot.pause()


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (160, 50), (36, 10)])
@pytest.mark.parametrize(
    "title", ["", "acme: the sign-in is dead, and so is this title, which goes on and on"]
)
async def test_bar_and_footer_stay_free_at_every_size(size: tuple[int, int], title: str) -> None:
    app = Toaster()
    async with app.run_test(size=size, notifications=True) as pilot:
        await tell(app, pilot, *[f"{number} {LONG}" for number in range(MOST)], title=title)
        regions = [toast.region for toast in app._toasts()]
        assert len(regions) == MOST
        for region in regions:
            assert region.y >= 1 and region.bottom <= size[1] - 1
            assert region.right <= size[0]
            assert region.width <= min(WIDEST, size[0] // 2)
            assert region.height == 2
        assert [one.bottom for one in regions[:-1]] == [one.y for one in regions[1:]]
        assert regions[-1].bottom == size[1] - 1


async def test_a_short_one_is_one_line_and_no_wider_than_it_needs() -> None:
    app = Toaster()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await tell(app, pilot, "acme is under watch.")
        (toast,) = app._toasts()
        assert (toast.region.width, toast.region.height) == (len("acme is under watch.") + 3, 1)


async def test_the_oldest_gives_way() -> None:
    app = Toaster()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await tell(app, pilot, *"abcde")
        assert app.told() == ["c", "d", "e"]
        await tell(app, pilot, "f")
        assert app.told() == ["d", "e", "f"]


async def test_an_error_gives_way_to_errors_alone() -> None:
    app = Toaster()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.notify("broken", severity="error", timeout=600)
        app.notify("odd", severity="warning", timeout=600)
        await tell(app, pilot, *"abcd")
        assert app.told() == ["broken", "odd", "d"]
        for message in ("worse", "worst", "dead"):
            app.notify(message, severity="error", timeout=600)
        await tell(app, pilot)
        assert app.told() == ["worse", "worst", "dead"]


async def test_what_is_cut_off_is_told_to_be() -> None:
    app = Toaster()
    async with app.run_test(size=(60, 20), notifications=True) as pilot:
        await tell(app, pilot, LONG)
        await tell(app, pilot, LONG, title="acme")
        assert app.told() == [
            "Zoho locked this sign-in\nfor a while: too many toke…",
            "acme\nZoho locked this sign-in f…",
        ]


@pytest.mark.parametrize("text", ["[/b]", "[ops]", "[@click=app.quit]x[/]", "$error"])
async def test_a_text_is_data(text: str) -> None:
    app = Toaster()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await tell(app, pilot, text, title=text)
        assert app.told() == [f"{text}\n{text}"]
        (toast,) = app._toasts()
        assert not any("@click" in str(span.style) for span in toast.render().spans)


@pytest.mark.parametrize("size", [(36, 10), (60, 20), (80, 24), (160, 50)])
@pytest.mark.parametrize("key", ["a", "e", "d"])
async def test_a_form_gives_way_to_them_and_what_is_typed_in_stays_in_sight(
    key: str, size: tuple[int, int]
) -> None:
    async with driving(size=size, toasts=True) as driven:
        await driven.press(key)
        form, app = driven.app.screen, driven.app
        fields = [one for one in form.query("Input, Select") if one.region]
        last = fields[-1] if fields else form.query_one("#remove")
        form.set_focus(last)
        await driven.press()
        for number in range(MOST):
            app.notify(f"{number} {LONG}", timeout=600)
        for _ in range(3):
            await driven.press()
        box = form.query_one(".box")
        seen = [form.find_widget(toast).visible_region for toast in form.query(Toast)]
        assert len(seen) == (1 if size[1] == 10 else MOST)
        assert max(seen, key=lambda region: region.y).height == 2  # the newest, whole
        assert not any(box.region.overlaps(region) for region in seen)
        assert box.scrollable_content_region.contains_region(last.region)
        assert isinstance(last, Button) or not form.query_one("#buttons").region.overlaps(last.region)
        app.clear_notifications()
        for _ in range(3):
            await driven.press()
        assert box.region.contains_region(last.region)
        assert not form.query(Toast)


async def test_no_alert_is_lost_while_a_form_is_open() -> None:
    async with driving(size=(60, 20), toasts=True) as driven:
        await driven.press("a")
        driven.app.notify("acme: failed", severity="error", timeout=600)
        await driven.press()
        assert "acme: failed" in driven.screen_text
        await driven.press("escape")
        assert "acme: failed" in driven.screen_text


WORDS = st.text(max_size=120).map(clean)


@given(WORDS, st.integers(1, 50), st.integers(1, 3))
def test_no_line_is_too_wide_and_there_are_no_more_than_asked_for(text: str, cells: int, most: int) -> None:
    lines = wrapped(text, cells, most).split("\n")
    assert len(lines) <= most
    assert all(cell_len(line) <= cells for line in lines)


@given(st.lists(st.text("abc字", min_size=1, max_size=8), max_size=12), st.integers(16, 50))
def test_where_there_is_room_nothing_is_lost(words: list[str], cells: int) -> None:
    assert wrapped(" ".join(words), cells, 99).split() == words


def test_a_long_word_does_not_take_the_rest_with_it() -> None:
    assert wrapped(f"{'x' * 30} is off watch", 20, 2) == f"{'x' * 19}…\nis off watch"


async def test_nothing_is_left_of_toasts_that_gave_way() -> None:
    app = Toaster()
    async with app.run_test(notifications=True) as pilot:
        for number in range(20):
            await tell(app, pilot, str(number))
        assert len(app.screen.query(ToastHolder)) <= MOST + 1
