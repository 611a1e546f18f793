"""What a program in a real terminal costs: time to a sign on the screen, processor, bytes, memory."""

from __future__ import annotations

import os
import re
import select
import time
from pathlib import Path

from tests.support.terminal import Terminal, in_terminal

SIZE = (160, 50)
CALM, CALM_SECONDS = 0.15, 5
"""Of a core, and for how long, once a program has settled."""
PATIENCE = 1500
"""Seconds for it."""


def start(command: list[str], sign: re.Pattern[bytes]) -> float:
    """Seconds from the start of the program until `sign` reaches the terminal."""
    began = time.perf_counter()
    with in_terminal(command, *SIZE) as terminal:
        while not sign.search(bytes(terminal.output)):
            terminal.read()
        return time.perf_counter() - began


def leave_open(command: list[str], seconds: float) -> tuple[float, float, float]:
    """Percent of a core, bytes a second, and megabytes, once it has settled; after `PATIENCE`, as it is."""
    with in_terminal(command, *SIZE) as terminal:
        is_calm(terminal)
        process = terminal.process.pid
        before, written = cpu_seconds(process), len(terminal.output)
        wait(terminal, seconds)
        used, sent = cpu_seconds(process) - before, len(terminal.output) - written
        return 100 * used / seconds, sent / seconds, memory(process)


def settle(terminal: Terminal) -> None:
    """Let it start, and look at each org for the first time: until it uses little of a core.

    Raises:
        AssertionError: it never does.
    """
    assert is_calm(terminal), f"after {PATIENCE} s it is still busy"


def is_calm(terminal: Terminal) -> bool:
    """Waits until it uses little of a core; False: after `PATIENCE` it does not."""
    calm, before, deadline = 0, 0.0, time.perf_counter() + PATIENCE
    while calm < CALM_SECONDS and time.perf_counter() < deadline:
        wait(terminal, 1)
        used = cpu_seconds(terminal.process.pid)
        calm, before = calm + 1 if used - before < CALM else 0, used
    return calm >= CALM_SECONDS


def wait(terminal: Terminal, seconds: float) -> None:
    """Let time go by, taking whatever comes without looking at it."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        take(terminal, left)


def take(terminal: Terminal, patience: float) -> bool:
    """Whether anything came within that time."""
    if not select.select([terminal.master], [], [], max(patience, 0))[0]:
        return False
    terminal.output += os.read(terminal.master, 1 << 16)
    return True


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
