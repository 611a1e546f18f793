"""Open a page in this machine's browser, if it has one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import webbrowser
from contextlib import suppress


def has_graphical_browser() -> bool:
    """Whether there is a browser with its own window; one in the terminal would take over the screen."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    # Browsers in the terminal are of exactly this class, or Elinks; its subclasses have windows.
    return type(browser) not in (webbrowser.GenericBrowser, webbrowser.Elinks)


async def open_in_browser(url: str) -> bool:
    """Open the page, without waiting for the browser; False: there is none."""
    # Off the event loop: on some desktops this runs a program to find the browser.
    if not await asyncio.to_thread(has_graphical_browser):
        return False
    launch_browser(url)
    return True


def launch_browser(url: str) -> None:
    """Open the page in any browser of this machine."""
    # In a process without our terminal, so that the browser's output does not land on the screen.
    command = [sys.executable, "-P", "-m", "webbrowser", url]  # -P: Python's module, not one in this folder
    null = subprocess.DEVNULL

    def run() -> None:
        with suppress(OSError):
            subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False)

    threading.Thread(target=run, name="zbtui-browser", daemon=True).start()
