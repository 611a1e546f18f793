"""`python -m tests.screenshots`: draws the README's pictures, from the demo on a fake clock."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from tests.support.fake_clock import FakeClock, run_until_idle
from tests.support.memory_journal import MemoryJournal
from tests.support.pilot_idle import pilot_waits_until_idle
from tests.tui.app_driver import ManualTickApp
from zbtui.demo.demo_session import open_demo
from zbtui.tui.app import ZbtuiApp

FOLDER = Path(__file__).parent.parent / "screenshots"


_ALIKE = 2
"""The number of identical pictures in a row that show a still screen."""


@dataclass(frozen=True)
class Picture:
    name: str
    size: tuple[int, int]
    shows: str
    """Text that must be on the screen, to notice keys that lead elsewhere."""
    seconds: float = 20.0
    """Seconds of the demo before the picture."""
    keys: Sequence[str] = ()
    theme: str = "zbtui-dark"
    colored: bool = True
    """False: drawn with `NO_COLOR`."""


PICTURES = (
    Picture("panels", (120, 42), "STOPPED", keys=("right",)),
    Picture("table", (120, 24), "LAST GOOD", keys=("2",)),
    Picture("agenda", (120, 30), "about, by its plan", keys=("3",)),
    Picture("events", (120, 24), "trouble:", keys=("4",)),
    Picture("narrow", (60, 20), "STOPPED"),
    Picture("detail", (100, 34), "requester.name", keys=("end", "enter")),
    Picture("history", (100, 34), "completed", keys=("end", "enter", "2")),
    Picture("light", (80, 24), "STOPPED", theme="zbtui-light"),
    Picture("no-color", (80, 24), "LAST GOOD", keys=("2",), colored=False),
    # Wide, and with a panel for each verdict.
    Picture("verdicts", (200, 36), "LOCKED"),
    Picture("sign-in", (100, 30), "ctrl+y copies", keys=("a", "enter", "tab", "enter", "enter")),
    Picture(
        "device",
        (100, 40),
        "Zoho is asked again in",
        keys=("a", "enter", "tab", "enter", "down", "enter", "tab", "tab", "enter"),
    ),
)


async def draw(scene: Picture) -> str:
    """The picture as SVG: the same text each time, in UTC."""
    os.environ["TZ"] = "UTC"
    time.tzset()
    with _colors(scene.colored):
        return await _draw(scene)


@contextmanager
def _colors(wanted: bool) -> Iterator[None]:
    before = os.environ.pop("NO_COLOR", None)
    if not wanted:
        os.environ["NO_COLOR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


async def _draw(picture: Picture) -> str:
    clock = FakeClock()
    async with open_demo(clock=clock, journal=MemoryJournal()) as watch:
        app = ManualTickApp(*watch, "demo: all invented")
        async with app.run_test(size=picture.size) as pilot:
            app.theme = picture.theme
            await pilot.pause()
            for _ in range(int(picture.seconds)):
                await clock.advance(1)
                await pilot.pause()
                app.tick()
            for key in picture.keys:
                await pilot.press(key)
                await _wait_until_still(app, pilot)
            app.tick()
            svg = await _wait_until_still(app, pilot)
    if picture.shows.replace(" ", "&#160;") not in svg:
        raise AssertionError(f"The keys of {picture.name} do not lead to {picture.shows!r}.")
    return re.sub(r"terminal-\d+", "terminal", svg)


async def _wait_until_still(app: ZbtuiApp, pilot: Pilot[str]) -> str:
    """The picture, once it no longer changes."""
    alike, svg = 0, ""
    while alike < _ALIKE:
        await run_until_idle()
        await pilot.pause()
        before, svg = svg, app.export_screenshot(title="zbtui demo")
        alike = alike + 1 if svg == before else 0
    return svg


def main() -> int:
    FOLDER.mkdir(exist_ok=True)
    with pilot_waits_until_idle():
        for picture in PICTURES:
            (FOLDER / f"{picture.name}.svg").write_text(asyncio.run(draw(picture)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
