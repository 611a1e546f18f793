"""The whole program, in a real terminal: on a full disk, during many resizes, and in a crash."""

from __future__ import annotations

import logging
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import cycle
from pathlib import Path

import pytest

from tests.cli.command_runner import COMMAND, add_args, secrets_json
from tests.faults.secret_search import SecretSearch
from tests.support.pseudo_terminal import Terminal, run_in_terminal
from tests.support.secret_service import SecretService
from tests.support.simulator import SimulatorServer, make_simulator, run_simulator_server
from zbtui.clock import SystemClock

# A full disk

ON_A_SMALL_DISK = 'mount -t tmpfs -o size=8m small "$XDG_STATE_HOME" && exec "$@"'


@cache
def may_mount() -> bool:
    """Whether this machine allows a program to mount a file system of its own."""
    command = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "small", "/mnt"]
    return bool(shutil.which("unshare")) and subprocess.run(command, capture_output=True).returncode == 0


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill the disk up to the last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    yield
    filler.unlink()


def kept(disk: Path, folder: Path) -> list[tuple[str, str]]:
    """Org and new status of each change of status in the journal.

    Args:
        folder: for a copy of the journal: SQLite resolves `disk` to this process's own file systems.
    """
    shutil.copytree(disk / "zbtui", folder, dirs_exist_ok=True)
    (folder / "journal.db-shm").unlink()
    with closing(sqlite3.connect(folder / "journal.db")) as journal:
        return journal.execute("SELECT org, after FROM event WHERE kind = 'status' ORDER BY id").fetchall()


@pytest.mark.skipif(not may_mount(), reason="needs a file system of its own")
def test_a_full_disk_is_shown_harms_no_org_and_all_is_kept_again_once_there_is_room(
    real_keyring: SecretService, empty_home: Path, tmp_path: Path, secret_search: SecretSearch
) -> None:
    simulator = make_simulator(SystemClock())
    with run_simulator_server(simulator) as port:
        add_orgs(port, empty_home, "nordlys", "kestrel")
        command = ["unshare", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, "sh", *COMMAND]
        with run_in_terminal(command, 150) as terminal:
            terminal.wait_for_text("● 2 ok")
            state = (empty_home / "xdg_state_home").relative_to("/")
            disk = Path(f"/proc/{terminal.process.pid}/root") / state
            secret_search.folders.append(disk)
            with full(disk):
                simulator.forced_kinds["nordlys"] = "FAILED"
                terminal.wait_for_text(
                    "✖ FAILED", "✖ 1 critical", "The journal cannot be used (database or disk is full)"
                )
                simulator.forced_kinds["nordlys"] = "COMPLETED"
                terminal.wait_for_text("● 2 ok", "disk is full")
                assert ("nordlys", "FAILED") not in kept(disk, tmp_path)
            terminal.wait_until(lambda screen: "disk is full" not in screen)
            simulator.forced_kinds["kestrel"] = "FAILED"
            terminal.wait_for_text("✖ FAILED")
            terminal.wait_until(lambda _: ("kestrel", "FAILED") in kept(disk, tmp_path))
            assert secret_search.find_secrets() == []
            secret_search.folders.remove(disk)
            terminal.send("q")
            assert terminal.wait_for_exit() == 0
            secret_search.displayed_texts.append(terminal.output.decode())


def add_orgs(port: SimulatorServer, home: Path, *names: str) -> None:
    """Add orgs that are polled each second."""
    for name in names:
        command, secrets = [*COMMAND, *add_args(port.org(name))], secrets_json(port, name)
        done = subprocess.run(command, input=secrets.encode(), capture_output=True)
        assert done.returncode == 0, done.stderr
    (home / "xdg_state_home").mkdir(exist_ok=True)
    config = home / "xdg_config_home" / "zbtui" / "config.toml"
    config.write_text(f'[watch]\nevery = "1s"\nnear_every = "1s"\n\n{config.read_text()}')


# Resizes

SIZES = [(120, 40), (36, 10), (20, 5), (300, 90), (80, 24), (1, 1), (47, 60), (200, 11)]
CALM = [*COMMAND, "demo", "--speed", "0.001", "--seed", "7"]
ENDS: dict[str, list[str]] = {
    "in the views": ["4", "j", "3", "j", "G", "2", "l", "1", "l", "j"],
    "in the detail": ["i", "2", "3", "4", "j", "1", "\x1b"],
    "in the form": ["a", "b", "\t", "\x1b"],
    "in help and palette": ["?", "j", "q", "\x10", "x", "\x1b"],
    "while a filter is typed": ["/", "n", "o", "r", "\x7f", "\x1b"],
    "while names are hidden": ["x", "j", "s", "s", "s", "s", "x"],
    "while it pauses": ["p", "p", "P", "P"],
}
"""Keys that leave the first screen, and return to it."""
OPENS = {"a": "Add an org", "i": "1 Now", "?": "─ Help ─", "\x10": "▔▔▔▔", "/": "All orgs"}
"""Keys that open something, and the text on the screen while it is open."""
CLOSING = ("\x1b", "q")
STORM_SECONDS = 0.1
"""Seconds between two keys, enough to draw something for each size."""


def without_changing_parts(screen: str) -> str:
    """The screen's text without times, and without the ends of its bars."""
    lines = (line.rstrip(" ▁▂▃▄▅▆▇█") for line in screen.splitlines())
    return re.sub(r"[\d:]+[smhd]?( \d+:[\d:]+)?|just now", "#", re.sub(r" +", " ", "\n".join(lines)))


def nothing_is_open(screen: str) -> bool:
    return "q Quit" in screen and not any(text in screen for text in OPENS.values())


def listen(terminal: Terminal, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read_output()


def test_many_resizes_leave_no_trace_on_the_screen(secret_search: SecretSearch) -> None:
    """Compare with the same program in a terminal that keeps its size, after each storm of resizes."""
    rng, sizes = random.Random(7), cycle(SIZES)
    with run_in_terminal(CALM, 100, 30) as calm, run_in_terminal(CALM, 100, 30) as shaken:
        for terminal in (calm, shaken):
            terminal.wait_for_text("next run:", "q Quit")
        for name, keys in ENDS.items():
            for key in keys:
                for _ in range(rng.randint(1, 3)):
                    shaken.resize(*next(sizes))
                shaken.send(key)
                for _ in range(rng.randint(1, 3)):
                    shaken.resize(*next(sizes))
                listen(shaken, STORM_SECONDS)
                # Wait: the next key is for the new screen, and after an escape it would be read as alt+key.
                if key in OPENS:
                    shaken.resize(100, 30)
                    shaken.wait_for_text(OPENS[key])
                elif key in CLOSING:
                    shaken.resize(100, 30)
                    shaken.wait_until(nothing_is_open)
            shaken.resize(*next(sizes))  # of the same size again, the program would not be notified
            shaken.blank()
            shaken.resize(100, 30)
            for terminal in (calm, shaken):
                terminal.wait_until(nothing_is_open)
                terminal.send("g")  # to the first org
            logging.info("after the storm %s", name)  # shown where the next line fails
            shaken.wait_until(
                lambda screen: (
                    calm.read_output()
                    and without_changing_parts(calm.text) == without_changing_parts(screen)
                )
            )
        secret_search.displayed_texts += [shaken.output.decode(errors="replace"), shaken.text]
        shaken.send("q")
        assert shaken.wait_for_exit() == 0


def test_a_resize_and_back_while_stopped_leaves_no_trace() -> None:
    """A terminal that shrinks drops text; a program that was busy sees the same size before and after."""
    with run_in_terminal(CALM, 100, 30) as terminal:
        terminal.wait_for_text("18 orgs · worst first", "q Quit")
        os.kill(terminal.process.pid, signal.SIGSTOP)
        terminal.resize(20, 5)
        terminal.resize(100, 30)
        assert "worst first" not in terminal.text
        os.kill(terminal.process.pid, signal.SIGCONT)
        terminal.wait_for_text("18 orgs · worst first", "q Quit")


# A bug of its own

CRASHES = """
import sys
from zbtui.tui.screens.fleet_screen import FleetScreen
def tick(self, change):
    token = "1000.demo-access-000001"
    raise RuntimeError(f"Zoho-oauthtoken {token}")
FleetScreen.tick = tick
from zbtui.cli import main
sys.exit(main(["demo"]))
"""


def test_a_crash_is_shown_by_its_name_alone_and_gives_the_terminal_back(
    secret_search: SecretSearch,
) -> None:
    with run_in_terminal([sys.executable, "-c", CRASHES]) as terminal:
        assert terminal.wait_for_exit() == 1
        output = terminal.output.decode()
        assert "RuntimeError" in output
        assert "Traceback" not in output
        assert 0 <= output.rfind("\x1b[?1049h") < output.rfind("\x1b[?1049l")
        secret_search.displayed_texts.append(output)
