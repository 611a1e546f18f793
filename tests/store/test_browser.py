"""Which browser opens a page, and that the browser is started apart from the terminal."""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import pytest

from zbtui.store import browser
from zbtui.store.browser import has_graphical_browser, open_in_browser

PLAIN_URL = "https://crm.zoho.eu/crm/org20098765432/tab/Home"
STATE = "a-state-nobody-may-see"
SIGN_IN_URL = f"https://accounts.zoho.eu/oauth/v2/auth?client_id=1000.ABC&state={STATE}"
DEVICE_URL = f"https://accounts.zoho.eu/oauth/v3/device?user_code={STATE}"

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only on Linux does a display show that there is a desktop"
)


class StartedProcesses:
    """A fake `subprocess.run`: records the commands, and raises `error` if it is set."""

    def __init__(self) -> None:
        self.calls: SimpleQueue[tuple[list[str], dict[str, Any]]] = SimpleQueue()
        self.error: OSError | None = None

    def run(self, command: list[str], **options: Any) -> None:
        self.calls.put((command, options))
        if self.error:
            raise self.error


@pytest.fixture
def started_processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[StartedProcesses]:
    """Replaces `subprocess.run`; waits for the browser threads at the end."""
    made = StartedProcesses()
    monkeypatch.setattr(subprocess, "run", made.run)
    yield made
    for thread in threading.enumerate():
        if thread.name == "zbtui-browser":
            thread.join(10)


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":7")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def choose(monkeypatch: pytest.MonkeyPatch, found: webbrowser.BaseBrowser | None) -> None:
    """Set the browser that Python finds on this machine; None: no browser."""

    def get(using: str | None = None) -> webbrowser.BaseBrowser:
        if found is None:
            raise webbrowser.Error("could not locate runnable browser")
        return found

    monkeypatch.setattr(webbrowser, "get", get)


@pytest.mark.parametrize(
    "found",
    [webbrowser.BackgroundBrowser("firefox"), webbrowser.Mozilla("firefox"), webbrowser.Chrome("c")],
)
def test_a_browser_with_a_window_of_its_own_is_one(
    found: webbrowser.BaseBrowser, desktop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, found)
    assert has_graphical_browser()


@pytest.mark.parametrize(
    "found",
    [None, webbrowser.GenericBrowser("w3m"), webbrowser.GenericBrowser("lynx"), webbrowser.Elinks("e")],
)
async def test_none_and_one_in_the_terminal_are_none(
    found: webbrowser.BaseBrowser | None,
    desktop: None,
    monkeypatch: pytest.MonkeyPatch,
    started_processes: StartedProcesses,
) -> None:
    choose(monkeypatch, found)
    assert not has_graphical_browser()
    assert not await open_in_browser(PLAIN_URL)
    assert started_processes.calls.empty()


@pytest.mark.parametrize("command", ['"firefox %s', "%s", " ", "/no/such/browser %s"])
def test_a_browser_in_the_environment_that_is_none_stops_nothing(
    command: str, desktop: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER", command)
    monkeypatch.setattr(webbrowser, "_tryorder", None)  # the browser is chosen again
    assert not has_graphical_browser()


@linux
@pytest.mark.parametrize(
    ("display", "wayland", "there"),
    [(None, None, False), ("", "", False), (":0", None, True), (None, "wayland-0", True)],
)
def test_without_a_desktop_as_over_ssh_there_is_no_browser(
    display: str | None, wayland: str | None, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("DISPLAY", display), ("WAYLAND_DISPLAY", wayland)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    choose(monkeypatch, webbrowser.BackgroundBrowser("firefox"))
    assert has_graphical_browser() is there


@pytest.mark.parametrize("error", [None, OSError(2, "No such file"), PermissionError(13, "no")])
async def test_a_page_is_opened_by_a_process_that_shares_nothing_with_the_terminal(
    error: OSError | None,
    desktop: None,
    monkeypatch: pytest.MonkeyPatch,
    started_processes: StartedProcesses,
) -> None:
    choose(monkeypatch, webbrowser.BackgroundBrowser("firefox"))
    started_processes.error = error
    assert await open_in_browser(PLAIN_URL)
    command, options = started_processes.calls.get(timeout=10)
    assert command == [sys.executable, "-P", "-m", "webbrowser", PLAIN_URL]
    assert {options[stream] for stream in ("stdin", "stdout", "stderr")} == {subprocess.DEVNULL}
    assert not options["check"]


async def test_a_browser_that_runs_on_holds_nobody(desktop: None, monkeypatch: pytest.MonkeyPatch) -> None:
    choose(monkeypatch, webbrowser.BackgroundBrowser("firefox"))
    closed, ended = threading.Event(), threading.Event()

    def run(*_: object, **__: object) -> None:
        assert closed.wait(10)
        ended.set()

    monkeypatch.setattr(subprocess, "run", run)
    assert await open_in_browser(PLAIN_URL)
    (thread,) = [one for one in threading.enumerate() if one.name == "zbtui-browser"]
    assert thread.daemon
    assert not ended.is_set()
    closed.set()
    thread.join(10)
    assert ended.is_set()


@pytest.mark.parametrize("url", [SIGN_IN_URL, DEVICE_URL])
def test_an_address_with_a_secret_is_no_argument_but_in_a_page_for_this_user_alone(
    url: str, empty_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser, "_PAGE_SECONDS", 0)
    seen: SimpleQueue[tuple[list[str], str, int]] = SimpleQueue()

    def run(command: list[str], **_: object) -> None:
        page = Path(urlsplit(command[-1]).path)
        seen.put((command, page.read_text(), page.stat().st_mode & 0o777))

    monkeypatch.setattr(subprocess, "run", run)
    assert browser.launch_browser(url)
    command, text, mode = seen.get(timeout=10)
    assert STATE not in " ".join(command)
    assert command[-1].startswith(f"file://{empty_home}/zbtui-sign-in-")
    assert f'content="0;url={html.escape(url)}"' in text
    assert mode == 0o600
    for thread in threading.enumerate():
        if thread.name == "zbtui-browser":
            thread.join(10)
    assert list(empty_home.glob("zbtui-*")) == []


def test_without_a_home_the_page_is_in_the_temporary_folder(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, started_processes: StartedProcesses
) -> None:
    monkeypatch.setattr(browser, "_PAGE_SECONDS", 0)
    monkeypatch.setenv("HOME", str(empty_home / "gone"))
    assert browser.launch_browser(SIGN_IN_URL)
    command, _ = started_processes.calls.get(timeout=10)
    assert command[-1].startswith(Path(tempfile.gettempdir()).as_uri())


def test_where_no_page_can_be_written_or_no_thread_started_there_is_no_browser(
    empty_home: Path, monkeypatch: pytest.MonkeyPatch, started_processes: StartedProcesses
) -> None:
    with monkeypatch.context() as nowhere:
        nowhere.setenv("HOME", str(empty_home / "gone"))
        nowhere.setattr(tempfile, "tempdir", str(empty_home / "gone"))
        assert not browser.launch_browser(SIGN_IN_URL)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert not browser.launch_browser(SIGN_IN_URL)
    assert not browser.launch_browser(PLAIN_URL)
    assert list(empty_home.glob("zbtui-*")) == []
    assert started_processes.calls.empty()
