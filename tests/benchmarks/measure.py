"""What a program in a real terminal costs: time until a text shows, CPU, bytes, memory."""

from __future__ import annotations

import os
import re
import select
import time
from pathlib import Path

from tests.support.pseudo_terminal import Terminal, run_in_terminal

SIZE = (160, 50)
IDLE_CPU_SHARE, IDLE_SECONDS = 0.15, 5
"""An idle program uses less than this share of a core for this many seconds."""
TIMEOUT_SECONDS = 1500
"""Seconds within which a program must become idle."""


def start(command: list[str], sign: re.Pattern[bytes]) -> float:
    """Seconds from the start of the program until `sign` reaches the terminal."""
    began = time.perf_counter()
    with run_in_terminal(command, *SIZE) as terminal:
        while not sign.search(bytes(terminal.output)):
            terminal.read_output()
        return time.perf_counter() - began


def leave_open(command: list[str], seconds: float) -> tuple[float, float, float]:
    """Percent of a core, bytes of output a second, and megabytes of memory of an idle program.

    Measured for `seconds`, once the program is idle or after `TIMEOUT_SECONDS`.
    """
    with run_in_terminal(command, *SIZE) as terminal:
        is_idle(terminal)
        process = terminal.process.pid
        before, written = cpu_seconds(process), len(terminal.output)
        wait(terminal, seconds)
        used, sent = cpu_seconds(process) - before, len(terminal.output) - written
        return 100 * used / seconds, sent / seconds, resident_bytes(process)


def wait_until_idle(terminal: Terminal) -> None:
    """Wait until the program has started, has polled each org once, and uses little of a core.

    Raises:
        AssertionError: the program stays busy.
    """
    assert is_idle(terminal), f"after {TIMEOUT_SECONDS} s it is still busy"


def is_idle(terminal: Terminal) -> bool:
    """Whether the program comes to use little of a core within `TIMEOUT_SECONDS`."""
    calm, before, deadline = 0, 0.0, time.perf_counter() + TIMEOUT_SECONDS
    while calm < IDLE_SECONDS and time.perf_counter() < deadline:
        wait(terminal, 1)
        used = cpu_seconds(terminal.process.pid)
        calm, before = calm + 1 if used - before < IDLE_CPU_SHARE else 0, used
    return calm >= IDLE_SECONDS


def wait(terminal: Terminal, seconds: float) -> None:
    """Let `seconds` pass, reading output without interpreting it."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        read_output(terminal, left)


def read_output(terminal: Terminal, patience: float) -> bool:
    """Whether output came within `patience` seconds."""
    if not select.select([terminal.master], [], [], max(patience, 0))[0]:
        return False
    terminal.output += os.read(terminal.master, 1 << 16)
    return True


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
