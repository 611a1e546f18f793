"""`python -m tests.benchmarks`: how fast the demo starts and takes keys, and what it costs to leave open.

Each figure stands beside an empty Textual app measured in the same run: machines differ, ratios less.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
from pathlib import Path

from tests.benchmarks.keys import PRESSES, SERIES, paints, percentile
from tests.benchmarks.measure import SIZE, leave_open, start

HERE = Path(__file__).parent
EMPTY = [sys.executable, str(HERE / "empty_app.py")]
DEMO = [str(Path(sys.executable).parent / "zbtui"), "demo"]
COUNTDOWN = re.compile(rb"in (\d+d )?\d\d:\d\d:\d\d")
STARTS = 9
SECONDS = 10.0
SETTLED = 45
"""Seconds: between the retries of those that are out of reach, after 30 s and again a minute later."""
MANY = 2000


def main() -> int:
    # As installed, byte code is there; the first start of each makes it where it is not.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    starts()
    left_open()
    keys()
    return 0


def demo_of(orgs: int) -> list[str]:
    return [*DEMO, "--orgs", str(orgs), "--speed", "0.001"]


def starts() -> None:
    print(f"Start, median of {STARTS}, at {SIZE[0]}x{SIZE[1]}")
    empty, demo = [], []
    for _ in range(STARTS + 1):
        empty.append(start(EMPTY, re.compile(rb"nothing")))
        demo.append(start(DEMO, COUNTDOWN))
    base, ours = statistics.median(empty[1:]), statistics.median(demo[1:])
    print(f"  empty Textual app, first paint     {base:6.2f} s")
    print(f"  zbtui demo, first countdown        {ours:6.2f} s   {ours / base:.2f}x")


def left_open() -> None:
    print(f"\nLeft open for {SECONDS:.0f} s, at {SIZE[0]}x{SIZE[1]}")
    print("                            CPU of a core    terminal      memory")
    row("empty Textual app", *leave_open(EMPTY, 3, SECONDS))
    for orgs in (8, 500, MANY):
        row(f"zbtui demo, {orgs} orgs", *leave_open(demo_of(orgs), SETTLED, SECONDS))


def row(name: str, cpu: float, sent: float, memory: float) -> None:
    print(f"  {name:<24} {cpu:9.2f} %   {sent:8.0f} B/s   {memory:7.1f} MB")


def keys() -> None:
    print(f"\nKey to paint, {PRESSES} presses each, at {SIZE[0]}x{SIZE[1]}")
    print("                                        median      p99")
    for name, found in paints(EMPTY, {"a word repainted": ["n"]}, 3).items():
        paint_row(f"empty Textual app, {name}", found)
    for name, found in paints(demo_of(MANY), SERIES, SETTLED).items():
        paint_row(f"zbtui demo, {MANY} orgs, {name}", found)


def paint_row(name: str, found: list[float]) -> None:
    half, most = (1000 * percentile(found, part) for part in (0.5, 0.99))
    print(f"  {name:<36} {half:6.1f} ms {most:6.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
