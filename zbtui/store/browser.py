"""Opens web pages in a web browser on this machine."""

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
    """Return whether this machine has a browser with its own window.

    A browser that runs in the terminal does not count, since it would draw over zbtui's screen.
    """
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        browser = webbrowser.get()
    except (webbrowser.Error, ValueError, LookupError):  # the last two if $BROWSER is no valid command
        return False
    # Python registers browsers that run in the terminal as GenericBrowser or Elinks; the subclasses
    # of GenericBrowser are browsers with windows.
    return type(browser) not in (webbrowser.GenericBrowser, webbrowser.Elinks)


async def open_in_browser(url: str) -> bool:
    """Start a browser with its own window on a URL; return False if there is none or it cannot be started.

    The call does not wait for the browser to load the page.
    """
    # In a thread: on some desktops, `webbrowser` runs a program to find the browser.
    try:
        is_there = await asyncio.to_thread(has_graphical_browser)
    except RuntimeError:  # no further thread can be started
        return False
    return is_there and launch_browser(url)


def launch_browser(url: str) -> bool:
    """Start any browser of this machine on a URL; return False if no thread or page for it can be made.

    For a URL with a query, the browser gets a private page that redirects to the URL. The query may hold
    the `state` or the code of a sign-in, and every user of the machine can read a process's arguments.
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
    # A process without zbtui's terminal runs the browser, whose output must not appear on the screen.
    command = [
        sys.executable,
        "-P",
        "-m",
        "webbrowser",
        address,
    ]  # -P, so that a webbrowser.py in the current folder is not imported
    null = subprocess.DEVNULL
    with suppress(OSError):
        subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False)
    if page:
        threading.Event().wait(_PAGE_SECONDS)
        _remove(page)


def _write_redirect_page(url: str) -> Path:
    """Write an HTML page that redirects to `url` and that only this user can read; return its path.

    zbtui removes the page when the program ends. Raises `OSError` if no folder is writable.
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
    """Yield the folders to try for the redirect page, best first.

    On Linux, the home folder comes first, since a browser in a sandbox (snap) cannot read temporary and
    hidden folders.
    """
    if sys.platform.startswith("linux"):
        with suppress(RuntimeError):  # the user has no home folder
            yield Path.home()
    yield Path(tempfile.gettempdir())


def _remove(page: Path | None) -> None:
    if page:
        with suppress(OSError):
            page.unlink(missing_ok=True)
