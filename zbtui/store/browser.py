"""Opens web pages in a browser of this machine."""

from __future__ import annotations

import asyncio
import atexit
import html
import os
import subprocess
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_PAGE_SECONDS: Final = 60.0
"""How long the redirect page stays on the disk, so that a slow browser can still read it."""


def has_graphical_browser() -> bool:
    """Whether this machine has a browser with its own window.

    A browser in the terminal would draw over zbtui's screen.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        browser = webbrowser.get()
    except (webbrowser.Error, ValueError, LookupError):  # the last two: $BROWSER is no command
        return False
    # Python registers browsers of the terminal as GenericBrowser or Elinks; subclasses of
    # GenericBrowser have windows.
    return type(browser) not in (webbrowser.GenericBrowser, webbrowser.Elinks)


async def open_in_browser(url: str) -> bool:
    """Open a URL in a browser with a window, without waiting for it; False: no such browser exists."""
    # In a thread: on some desktops, `webbrowser` runs a program to find the browser.
    try:
        is_there = await asyncio.to_thread(has_graphical_browser)
    except RuntimeError:  # no further thread can be started
        return False
    return is_there and launch_browser(url)


def launch_browser(url: str) -> bool:
    """Open a URL in any browser of this machine; False: no browser can be started.

    A URL with a query may hold the `state` or the code of a sign-in, and every user of a machine can read
    the arguments of its processes. So the browser gets a private page that redirects to the URL.
    """
    page: Path | None = None
    try:
        if urlsplit(url).query:
            page = _write_redirect_page(url)
        address = page.as_uri() if page else url
        thread = threading.Thread(
            target=_run_browser, args=(address, page), name="zbtui-browser", daemon=True
        )
        thread.start()
    except (OSError, RuntimeError):  # no writable folder, or no further thread
        _remove(page)
        return False
    return True


def _run_browser(address: str, page: Path | None) -> None:
    # In a process without our terminal: the browser's output must not appear on the screen.
    command = [
        sys.executable,
        "-P",
        "-m",
        "webbrowser",
        address,
    ]  # -P: not a webbrowser.py in the current folder
    null = subprocess.DEVNULL
    with suppress(OSError):
        subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False)
    if page:
        threading.Event().wait(_PAGE_SECONDS)
        _remove(page)


def _write_redirect_page(url: str) -> Path:
    """Write a page that redirects to `url`, readable by this user only; zbtui removes it when it ends.

    Raises `OSError` if no folder is writable.
    """
    link = html.escape(url)
    text = (
        '<!DOCTYPE html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="refresh" content="0;url={link}"><title>zbtui</title></head>'
        f'<body><a href="{link}">Go on to Zoho</a></body></html>'
    )
    for folder in _page_folders():
        with suppress(OSError):
            handle, name = tempfile.mkstemp(".html", "zbtui-sign-in-", folder)
            page = Path(name)
            atexit.register(_remove, page)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            return page
    raise OSError("no folder can be written")


def _page_folders() -> Iterator[Path]:
    """The folders to try for a page: on Linux the home folder first.

    A browser in a sandbox (snap) cannot read temporary and hidden folders.
    """
    if sys.platform.startswith("linux"):
        with suppress(RuntimeError):  # the user has no home folder
            yield Path.home()
    yield Path(tempfile.gettempdir())


def _remove(page: Path | None) -> None:
    if page:
        with suppress(OSError):
            page.unlink(missing_ok=True)
