"""Open a page in this machine's browser, if it has one."""

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
"""How long a browser may take to start and read its page."""


def has_graphical_browser() -> bool:
    """Whether there is a browser with its own window; one in the terminal would take over the screen."""
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return False
    try:
        browser = webbrowser.get()
    except (webbrowser.Error, ValueError, LookupError):  # the latter two if BROWSER is no command
        return False
    # Browsers in the terminal are of exactly this class, or Elinks; its subclasses have windows.
    return type(browser) not in (webbrowser.GenericBrowser, webbrowser.Elinks)


async def open_in_browser(url: str) -> bool:
    """Open the page, without waiting for the browser; False: there is none."""
    # Off the event loop: on some desktops this runs a program to find the browser.
    try:
        is_there = await asyncio.to_thread(has_graphical_browser)
    except RuntimeError:  # no further thread can be started
        return False
    return is_there and launch_browser(url)


def launch_browser(url: str) -> bool:
    """Open the page in any browser of this machine; False: it cannot be started.

    An address with a query may hold the `state` or the code of a sign-in. All users of a machine can read
    the arguments of its processes, so the browser gets a file of this user's that leads to the address.
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
    except (OSError, RuntimeError):  # no folder that can be written, no further thread
        _remove(page)
        return False
    return True


def _run_browser(address: str, page: Path | None) -> None:
    # In a process without our terminal, so that the browser's output does not land on the screen.
    command = [
        sys.executable,
        "-P",
        "-m",
        "webbrowser",
        address,
    ]  # -P: Python's module, not one in this folder
    null = subprocess.DEVNULL
    with suppress(OSError):
        subprocess.run(command, stdin=null, stdout=null, stderr=null, check=False)
    if page:
        threading.Event().wait(_PAGE_SECONDS)
        _remove(page)


def _write_redirect_page(url: str) -> Path:
    """A page for this user alone that leads to `url`; removed at the exit at the latest.

    Raises `OSError`.
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
    """On Linux home first: a browser in a sandbox (snap) sees no temporary and no hidden folder."""
    if sys.platform.startswith("linux"):
        with suppress(RuntimeError):  # there is none
            yield Path.home()
    yield Path(tempfile.gettempdir())


def _remove(page: Path | None) -> None:
    if page:
        with suppress(OSError):
            page.unlink(missing_ok=True)
