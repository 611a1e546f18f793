"""The browser of this machine, where there is one that a page can be opened in."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import webbrowser
from contextlib import suppress


def has_graphical_browser() -> bool:
    """Whether a page would open in a window of its own: one in the terminal would take it over."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        found = webbrowser.get()
    except webbrowser.Error:
        return False
    # Those that run in the terminal are of this very class, whose subclasses have windows, or Elinks.
    return type(found) not in (webbrowser.GenericBrowser, webbrowser.Elinks)


async def open_in_browser(url: str) -> bool:
    """Have the page opened; False: there is no browser for it. Does not wait for the browser."""
    # Off the event loop: some desktops are asked by a program of theirs which browser it is.
    if not await asyncio.to_thread(has_graphical_browser):
        return False
    launch_browser(url)
    return True


def launch_browser(url: str) -> None:
    """Have the page opened, in whichever browser this machine has."""
    # In a process without our terminal: what a browser prints would land in the middle of the screen.
    command = [sys.executable, "-P", "-m", "webbrowser", url]  # -P: Python's own, not this folder's
    nowhere = subprocess.DEVNULL

    def run() -> None:
        with suppress(OSError):
            subprocess.run(command, stdin=nowhere, stdout=nowhere, stderr=nowhere, check=False)

    threading.Thread(target=run, name="zbtui-browser", daemon=True).start()
