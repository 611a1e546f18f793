"""`python -m tests.benchmarks`: how fast the demo starts and what it costs to leave open.

Each figure stands beside an empty Textual app measured in the same run: machines differ, ratios less.
"""

from __future__ import annotations

import os
import re
import select
import statistics
import sys
import time
from pathlib import Path

from tests.support.terminal import Terminal, in_terminal

HERE = Path(__file__).parent
EMPTY = [sys.executable, str(HERE / "empty_app.py")]
DEMO = [str(Path(sys.executable).parent / "zbtui"), "demo"]
COUNTDOWN = re.compile(rb"in (\d+d )?\d\d:\d\d:\d\d")
STARTS = 9
SECONDS = 10.0
SIZE = (160, 50)


def main() -> int:
    # As installed, byte code is there; the first start of each makes it where it is not.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    print(f"Start, median of {STARTS}, at {SIZE[0]}x{SIZE[1]}")
    empty, demo = [], []
    for _ in range(STARTS + 1):
        empty.append(start(EMPTY, re.compile(rb"nothing")))
        demo.append(start(DEMO, COUNTDOWN))
    base, ours = statistics.median(empty[1:]), statistics.median(demo[1:])
    print(f"  empty Textual app, first paint     {base:6.2f} s")
    print(f"  zbtui demo, first countdown        {ours:6.2f} s   {ours / base:.2f}x")
    print(f"\nLeft open for {SECONDS:.0f} s, at {SIZE[0]}x{SIZE[1]}")
    print("                            CPU of a core    terminal      memory")
    row("empty Textual app", *leave_open(EMPTY, 3))
    # Between the retries of those that are out of reach, after 30 s and again a minute later.
    for orgs in (8, 500, 2000):
        command = [*DEMO, "--orgs", str(orgs), "--speed", "0.001"]
        row(f"zbtui demo, {orgs} orgs", *leave_open(command, 45))
    return 0


def row(name: str, cpu: float, sent: float, memory: float) -> None:
    print(f"  {name:<24} {cpu:9.2f} %   {sent:8.0f} B/s   {memory:7.1f} MB")


def start(command: list[str], sign: re.Pattern[bytes]) -> float:
    """Seconds from the start of the program until `sign` reaches the terminal."""
    began = time.perf_counter()
    with in_terminal(command, *SIZE) as terminal:
        while not sign.search(bytes(terminal.output)):
            terminal.read()
        return time.perf_counter() - began


def leave_open(command: list[str], settling: float) -> tuple[float, float, float]:
    """Percent of a core, bytes a second, and megabytes, once it has settled."""
    with in_terminal(command, *SIZE) as terminal:
        wait(terminal, settling)
        process = terminal.process.pid
        before, written = cpu_seconds(process), len(terminal.output)
        wait(terminal, SECONDS)
        used, sent = cpu_seconds(process) - before, len(terminal.output) - written
        return 100 * used / SECONDS, sent / SECONDS, memory(process)


def wait(terminal: Terminal, seconds: float) -> None:
    """Let time go by, reading whatever comes."""
    end = time.perf_counter() + seconds
    while (left := end - time.perf_counter()) > 0:
        if select.select([terminal.master], [], [], left)[0]:
            terminal.output += os.read(terminal.master, 1 << 16)


def cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


if __name__ == "__main__":
    sys.exit(main())
